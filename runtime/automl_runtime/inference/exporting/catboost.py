"""CatBoost's symmetric trees as ordinary nodes: every split is a bit, the bits of a tree name its leaf.

Categories of more than a few levels are read by statistics of the target; those of each combination are in the model,
under a hash of the categories (and of whether numbers are above a border), so that each is looked up.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot
from automl_runtime.kernels.arrays import Floats

__all__ = ["catboost", "hashes"]

_MIXER: Final = 0x4906BA494954CB65
_NOBODY: Final = 2**64 - 1
"""The hash of an empty place of CatBoost's table."""
_K2, _K3, _MUL = 0x9AE16A3B2F90404F, 0xC949D7C7509E6557, 0x9DDFEA08EB382D69
_KINDS: Final = ("cat_feature_value", "float_feature", "cat_feature_exact_value")


def catboost(graph: Graph, model: CatBoost, rows: str, levels: int) -> str:
    """The raw outputs: rows x outputs; no category has more than so many `levels`.

    Raises:
        RequestError: if its trees or its statistics are of a kind that is not trained here, naming it.
    """
    record = _read(model)
    found = record.get("oblivious_trees")
    if not found:
        raise cannot("CatBoost trees that are not symmetric")
    depth = max(1, *(len(tree["splits"] or ()) for tree in found))
    # What a tree lacks of the depth is a bit that is never set.
    columns, limits = np.zeros((len(found), depth), np.int64), np.full((len(found), depth), np.inf)
    equals = np.zeros((len(found), depth), dtype=bool)
    leaves: list[Floats] = []
    starts: list[int] = []
    owners = _owners(record, model.width)
    for place, tree in enumerate(found):
        for level, split in enumerate(tree["splits"] or ()):
            columns[place, level], limits[place, level], equals[place, level] = _split(split, model.numbers, owners)
        starts.append(sum(len(each) for each in leaves))
        leaves.append(np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, model.outputs))
    cells = graph.columns(_cells(graph, model, record, rows, levels), columns.ravel())
    same, above = (
        graph.op("Equal", cells, graph.constant(limits.ravel())),
        graph.op("Greater", cells, graph.constant(limits.ravel())),
    )
    # No `Where` over truth values in every runtime: these two never hold at once for a cell that counts.
    kinds = graph.constant(equals.ravel(), np.bool_)
    bits = graph.op("Or", graph.op("And", same, kinds), graph.op("And", above, graph.op("Not", kinds)))
    weights = np.tile(2 ** np.arange(depth), len(found))
    weighed = graph.op("Mul", graph.cast(bits, np.int64), graph.places(weights))
    by_tree = graph.op("Reshape", weighed, graph.places([-1, len(found), depth]))
    leaf = graph.op("Add", graph.op("ReduceSum", by_tree, graph.places([2]), keepdims=0), graph.places(starts))
    values = graph.op("Gather", graph.constant(np.vstack(leaves)), leaf, axis=0)
    total = graph.op("ReduceSum", values, graph.places([1]), keepdims=0)
    scale, bias = record["scale_and_bias"]
    return graph.op("Add", graph.op("Mul", total, graph.constant(scale)), graph.constant(np.atleast_1d(bias)))


def _read(model: CatBoost) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        model.write(Path(folder) / "model.json", "json")
        record: dict[str, Any] = json.loads((Path(folder) / "model.json").read_text())
    return record


def _owners(record: dict[str, Any], width: int) -> dict[int, int]:
    """For the number of each split by a statistic the column that it looks at, behind `width` others."""
    about = record["features_info"]
    number = sum(len(feature["borders"] or ()) for feature in about.get("float_features", ()))
    number += sum(len(feature.get("values", ())) for feature in about.get("categorical_features", ()))
    sizes = [len(statistic["borders"]) for statistic in about.get("ctrs", ())]
    return dict(enumerate(np.repeat(np.arange(len(sizes)) + width, sizes).tolist(), start=number))


def _split(split: dict[str, Any], numbers: int, owners: dict[int, int]) -> tuple[int, float, bool]:
    """The column, the limit, and whether a cell must equal it rather than be above it."""
    match split["split_type"]:
        case "FloatFeature":
            return int(split["float_feature_index"]), float(split["border"]), False
        case "OneHotFeature":
            return numbers + int(split["cat_feature_index"]), float(split["value"]), True
        case "OnlineCtr":
            return owners[int(split["split_index"])], float(split["border"]), False
        case other:
            raise cannot(f"a CatBoost model with splits of the kind {other}")


def _cells(graph: Graph, model: CatBoost, record: dict[str, Any], rows: str, levels: int) -> str:
    """What splits look at: numbers in single precision, hashes of categories, statistics of combinations.

    Missing numbers are above every border where the model wants it so.
    """
    singles = graph.cast(graph.cast(graph.slice(rows, 0, model.numbers, axis=1), np.float32), np.float64)
    above = np.full(model.numbers, -np.inf)
    for feature in record["features_info"].get("float_features", ()):
        if feature["nan_value_treatment"] == "AsTrue":
            above[feature["feature_index"]] = np.finfo(np.float64).max
    numbers = graph.where(graph.op("IsNaN", singles), graph.constant(above), singles)
    if model.width == model.numbers:
        return numbers
    codes = graph.cast(graph.slice(rows, model.numbers, None, axis=1), np.int64)
    hashed = graph.op("Gather", graph.places(hashes(levels)), graph.op("Sub", codes, graph.places(UNSEEN)))
    statistics = _Statistics(graph, numbers, hashed).columns(record)
    return graph.concat([numbers, graph.cast(hashed, np.float64), *statistics])


class _Statistics:
    """The statistics (CTRs) of combinations of categories."""

    def __init__(self, graph: Graph, numbers: str, hashed: str) -> None:
        self._graph, self._numbers, self._hashed = graph, numbers, hashed
        self._combined: dict[str, str] = {}

    def columns(self, record: dict[str, Any]) -> list[str]:
        """One for each of the model's statistics."""
        graph, found = self._graph, []
        for statistic in record["features_info"].get("ctrs", ()):
            table = record["ctr_data"][statistic["identifier"]]
            known = np.array(table["hash_map"][:: table["hash_stride"]], dtype=np.uint64)
            there = known != np.uint64(_NOBODY)
            counts = [table["hash_map"][place :: table["hash_stride"]] for place in range(1, table["hash_stride"])]
            values = _values(statistic, np.array(counts, dtype=np.float32).T[there], table["counter_denominator"])
            place = graph.op(
                "LabelEncoder",
                self._combination(statistic["elements"]),
                domain=TREES,
                keys_int64s=known[there].view(np.int64).tolist(),
                values_int64s=list(range(int(there.sum()))),
                default_int64=int(there.sum()),
            )
            found.append(graph.op("Gather", graph.constant(values), place, axis=0))
        return found

    def _combination(self, elements: list[dict[str, Any]]) -> str:
        """The hash of a combination: rows x 1."""
        graph, value, parts = self._graph, self._graph.places([[0]]), []
        for element in sorted(elements, key=lambda each: _KINDS.index(each["combination_element"])):
            parts.append(element)
            key = json.dumps(parts)
            if key not in self._combined:
                mixed = graph.op("Mul", self._element(element), graph.places(_MIXER))
                mixed = graph.op("Mul", graph.op("Add", value, mixed), graph.places(_MIXER))
                self._combined[key] = mixed
            value = self._combined[key]
        return value

    def _element(self, element: dict[str, Any]) -> str:
        graph = self._graph
        if element["combination_element"] == "float_feature":
            cells = graph.columns(self._numbers, [element["float_feature_index"]])
            return graph.cast(graph.op("Greater", cells, graph.constant(element["border"])), np.int64)
        cells = graph.columns(self._hashed, [element["cat_feature_index"]])
        if element["combination_element"] == "cat_feature_value":
            return cells
        return graph.cast(graph.op("Equal", cells, graph.places(element["value"])), np.int64)


def _values(statistic: dict[str, Any], counts: NDArray[np.float32], whole: int) -> NDArray[np.float32]:
    """The statistic of each combination, and last of one that was not seen; `counts` are combinations x classes.

    In single precision, as CatBoost computes it (`TModelCtr::Calc`).
    """
    counts = np.vstack([counts, np.zeros((1, counts.shape[1]), dtype=np.float32)])
    kind, border = statistic["ctr_type"], int(statistic["target_border_idx"])
    if kind == "Counter":
        found, total = counts[:, 0], np.float32(whole)
    elif kind in ("Borders", "Buckets"):
        total = counts.sum(axis=1)
        found = counts[:, border] if kind == "Buckets" else counts[:, border + 1 :].sum(axis=1)
    else:
        raise cannot(f"a CatBoost model with statistics of the kind {kind}")
    # CatBoost's own spelling.
    prior, more = np.float32(statistic["prior_numerator"]), np.float32(statistic["prior_denomerator"])
    share = (found + prior) / (total + more)
    return np.asarray((share + np.float32(statistic["shift"])) * np.float32(statistic["scale"]), dtype=np.float32)


def hashes(levels: int) -> NDArray[np.int64]:
    """CatBoost's hashes of the codes from `UNSEEN` to `levels` - 1 as texts: the lower half of CityHash64, signed."""
    found = [_city(str(code).encode()) & 0xFFFFFFFF for code in range(UNSEEN, levels)]
    return np.array(found, dtype=np.uint32).astype(np.int32).astype(np.int64)


def _city(text: bytes) -> int:
    """CityHash64 of version 1.0 for up to 8 bytes (Pike and Alakuijala, 2011; `HashLen0to16`)."""
    length = len(text)
    if length >= 4:
        first, last = (int.from_bytes(part, "little") for part in (text[:4], text[-4:]))
        return _mixed(length + (first << 3), last)
    low = text[0] + (text[length >> 1] << 8)
    high = length + (text[-1] << 2)
    return _folded((low * _K2 ^ high * _K3) & _NOBODY) * _K2 & _NOBODY


def _mixed(left: int, right: int) -> int:
    once = _folded((left ^ right) * _MUL & _NOBODY)
    return _folded((right ^ once) * _MUL & _NOBODY) * _MUL & _NOBODY


def _folded(value: int) -> int:
    return value ^ value >> 47

"""CatBoost's symmetric trees as ordinary nodes: every split is a bit, the bits of a tree name its leaf."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.catboost_ctrs import Statistic, hashes, statistics, strange, treated_above
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot
from automl_runtime.kernels.arrays import Floats
from automl_runtime.kernels.categories import MIXER

__all__ = ["catboost"]


def catboost(graph: Graph, model: CatBoost, rows: str, levels: int) -> str:
    """The raw outputs: rows x outputs; no category has more than so many `levels`.

    Raises:
        RequestError: if its trees or its statistics are of a kind that is not trained here, naming it.
    """
    record = model.to_json()
    trees, kind = record.get("oblivious_trees"), strange(record)
    if not trees:
        raise cannot("CatBoost trees that are not symmetric")
    if kind is not None:
        raise cannot(f"a CatBoost model with {kind}")
    depth = max(1, *(len(tree["splits"] or ()) for tree in trees))
    # What a tree lacks of the depth is a bit that is never set.
    columns, limits = np.zeros((len(trees), depth), np.int64), np.full((len(trees), depth), np.inf)
    equals = np.zeros((len(trees), depth), dtype=bool)
    leaves: list[Floats] = []
    starts: list[int] = []
    ctrs, owners = statistics(record)
    for place, tree in enumerate(trees):
        for level, split in enumerate(tree["splits"] or ()):
            columns[place, level], limits[place, level], equals[place, level] = _split(split, model, owners)
        starts.append(sum(len(each) for each in leaves))
        leaves.append(np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, model.outputs))
    cells = graph.columns(_cells(graph, model, record, ctrs, rows, levels), columns.ravel())
    same, above = (
        graph.op("Equal", cells, graph.constant(limits.ravel())),
        graph.op("Greater", cells, graph.constant(limits.ravel())),
    )
    # No `Where` over truth values in every runtime: these two never hold at once for a cell that counts.
    kinds = graph.constant(equals.ravel(), np.bool_)
    bits = graph.op("Or", graph.op("And", same, kinds), graph.op("And", above, graph.op("Not", kinds)))
    weights = np.tile(2 ** np.arange(depth), len(trees))
    weighed = graph.op("Mul", graph.cast(bits, np.int64), graph.places(weights))
    by_tree = graph.op("Reshape", weighed, graph.places([-1, len(trees), depth]))
    leaf = graph.op("Add", graph.op("ReduceSum", by_tree, graph.places([2]), keepdims=0), graph.places(starts))
    values = graph.op("Gather", graph.constant(np.vstack(leaves)), leaf, axis=0)
    total = graph.op("ReduceSum", values, graph.places([1]), keepdims=0)
    scale, bias = record["scale_and_bias"]
    return graph.op("Add", graph.op("Mul", total, graph.constant(scale)), graph.constant(np.atleast_1d(bias)))


def _split(split: dict[str, Any], model: CatBoost, owners: dict[int, int]) -> tuple[int, float, bool]:
    """The column, the limit, and whether a cell must equal it rather than be above it."""
    match split["split_type"]:
        case "FloatFeature":
            return int(split["float_feature_index"]), float(split["border"]), False
        case "OneHotFeature":
            return model.numbers + int(split["cat_feature_index"]), float(split["value"]), True
        case _:
            return model.width + owners[int(split["split_index"])], float(split["border"]), False


def _cells(graph: Graph, model: CatBoost, record: dict[str, Any], ctrs: list[Statistic], rows: str, levels: int) -> str:
    """What splits look at: numbers in single precision, hashes of categories, statistics of combinations.

    Missing numbers are above every border where the model wants it so.
    """
    singles = graph.cast(graph.cast(graph.slice(rows, 0, model.numbers, axis=1), np.float32), np.float64)
    above = np.full(model.numbers, -np.inf)
    for feature in record["features_info"].get("float_features", ()):
        if treated_above(feature):
            above[feature["feature_index"]] = np.finfo(np.float64).max
    numbers = graph.where(graph.op("IsNaN", singles), graph.constant(above), singles)
    if model.width == model.numbers:
        return numbers
    codes = graph.cast(graph.slice(rows, model.numbers, None, axis=1), np.int64)
    # What is missing may be a level of its own, behind the others.
    known = graph.places(hashes(np.arange(UNSEEN, levels + 1)))
    hashed = graph.op("Gather", known, graph.op("Sub", codes, graph.places(UNSEEN)))
    return graph.concat([numbers, graph.cast(hashed, np.float64), *_Statistics(graph, numbers, hashed).columns(ctrs)])


class _Statistics:
    """The statistics (CTRs) of combinations of categories."""

    def __init__(self, graph: Graph, numbers: str, hashed: str) -> None:
        self._graph, self._numbers, self._hashed = graph, numbers, hashed
        self._combined: dict[str, str] = {}

    def columns(self, ctrs: list[Statistic]) -> list[str]:
        """One for each of the model's statistics."""
        graph, found = self._graph, []
        for statistic in ctrs:
            place = graph.op(
                "LabelEncoder",
                self._combination(statistic.elements),
                domain=TREES,
                keys_int64s=statistic.keys.view(np.int64).tolist(),
                values_int64s=list(range(len(statistic.keys))),
                default_int64=len(statistic.keys),
            )
            found.append(graph.op("Gather", graph.constant(statistic.values), place, axis=0))
        return found

    def _combination(self, elements: tuple[dict[str, Any], ...]) -> str:
        """The hash of a combination: rows x 1."""
        graph, value, parts = self._graph, self._graph.places([[0]]), []
        for element in elements:
            parts.append(element)
            key = json.dumps(parts)
            if key not in self._combined:
                mixed = graph.op("Mul", self._element(element), graph.places(MIXER))
                mixed = graph.op("Mul", graph.op("Add", value, mixed), graph.places(MIXER))
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

"""CatBoost's symmetric trees as ordinary nodes: every split is a bit, the bits of a tree name its leaf."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from automl_runtime.inference.catboost import CatBoost, features_data, import_catboost
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.inference.exporting.graph import Graph, cannot
from automl_runtime.kernels.arrays import Floats

__all__ = ["catboost"]

_MOST_CODES: Final = 4096


def catboost(graph: Graph, model: CatBoost, rows: str) -> str:
    """The raw outputs: rows x outputs.

    Raises:
        RequestError: if a category is read by statistics of the target, as CatBoost does with more than a few levels.
    """
    record, codes = _read(model)
    found = record.get("oblivious_trees")
    if not found:
        raise cannot("CatBoost trees that are not symmetric")
    depth = max(1, *(len(tree["splits"] or ()) for tree in found))
    # What a tree lacks of the depth is a bit that is never set.
    columns, limits = np.zeros((len(found), depth), np.int64), np.full((len(found), depth), np.inf)
    equals = np.zeros((len(found), depth), dtype=bool)
    leaves: list[Floats] = []
    starts: list[int] = []
    for place, tree in enumerate(found):
        for level, split in enumerate(tree["splits"] or ()):
            columns[place, level], limits[place, level], equals[place, level] = _split(split, model, codes)
        starts.append(sum(len(each) for each in leaves))
        leaves.append(np.array(tree["leaf_values"], dtype=np.float64).reshape(-1, model.outputs))
    cells = graph.columns(_cells(graph, model, record, rows), columns.ravel())
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


def _read(model: CatBoost) -> tuple[dict[str, Any], dict[int, int]]:
    """The model as JSON, and the code of each hash of a category."""
    known = np.arange(UNSEEN, _MOST_CODES)
    width = model.width - model.numbers
    table = np.hstack([np.zeros((len(known), model.numbers)), np.tile(known[:, None], (1, width))])
    pool = import_catboost().Pool(features_data(table, model.numbers))
    with tempfile.TemporaryDirectory() as folder:
        model.write(Path(folder) / "model.json", "json")
        record: dict[str, Any] = json.loads((Path(folder) / "model.json").read_text())
        if not width:
            return record, {}
        model.write(Path(folder) / "model.py", "python", pool=pool)
        text = (Path(folder) / "model.py").read_text()
    # CatBoost's hash of a category is in no public function; the code that it writes lists those of the pool.
    listed = text[text.index("cat_features_hashes") :]
    return record, {int(hashed): int(code) for code, hashed in re.findall(r'^\s*"(-?\d+)": (-?\d+),', listed, re.M)}


def _split(split: dict[str, Any], model: CatBoost, codes: dict[int, int]) -> tuple[int, float, bool]:
    """The column, the limit, and whether a cell must equal it rather than be above it."""
    if split["split_type"] == "FloatFeature":
        return int(split["float_feature_index"]), float(split["border"]), False
    if split["split_type"] != "OneHotFeature" or int(split["value"]) not in codes:
        raise cannot("a CatBoost model over a category of many levels", "Leave CatBoost out, or merge rare levels.")
    return model.numbers + int(split["cat_feature_index"]), float(codes[int(split["value"])]), True


def _cells(graph: Graph, model: CatBoost, record: dict[str, Any], rows: str) -> str:
    """Numbers in single precision; missing ones above every border where the model wants it so."""
    cells = graph.cast(graph.cast(rows, np.float32), np.float64)
    above = np.full(model.width, -np.inf)
    for feature in record["features_info"].get("float_features", ()):
        if feature["nan_value_treatment"] == "AsTrue":
            above[feature["feature_index"]] = np.finfo(np.float64).max
    return graph.where(graph.op("IsNaN", cells), graph.constant(above), cells)

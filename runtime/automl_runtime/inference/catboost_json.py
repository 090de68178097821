"""CatBoost's JSON, read into packed trees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.trees import NAN_IS_MISSING, ObliviousSum, Splits, Trees, TreeSum, ranked
from automl_runtime.kernels.arrays import Floats

__all__ = ["JsonModel", "read_json"]


@dataclass(frozen=True, slots=True)
class JsonModel:
    """Trees over float32 cells, and what becomes of their sums: `sum * scale + bias`."""

    trees: ObliviousSum | TreeSum
    scale: float
    bias: Floats


@dataclass(slots=True)
class _Nodes:
    """Trees that are added node by node, each before its children."""

    roots: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    splits: list[dict[str, Any]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, node: dict[str, Any]) -> int:
        place = len(self.feature)
        split = node.get("split")
        self.feature.append(-1 if split is None else 0)
        self.left.append(0)
        self.right.append(0)
        if split is None:
            self.values.append(node["value"])
        else:
            self.splits.append(split)
            self.left[place], self.right[place] = self.add(node["left"]), self.add(node["right"])
        return place


def read_json(model: dict[str, Any], width: int, outputs: int) -> JsonModel | None:
    """The model that CatBoost has told; None where a tree looks at a category, which takes its library.

    Raises:
        BundleError: if it reads other cells than those of `width` columns, or has not `outputs` values in each leaf.
    """
    floats = model["features_info"].get("float_features", [])
    if any(split["split_type"] != "FloatFeature" for split in _splits(model)):
        return None
    scale, bias = model["scale_and_bias"]
    if len(bias) != outputs or not all(0 <= each["flat_feature_index"] < width for each in floats):
        raise BundleError(
            f"The CatBoost model has {len(bias)} outputs, expected {outputs}, or reads columns elsewhere."
        )
    made = _oblivious(model, floats, outputs) if "oblivious_trees" in model else _nested(model, floats, outputs)
    return JsonModel(made, float(scale), np.array(bias, dtype=np.float64))


def _splits(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for tree in model.get("oblivious_trees", []):
        yield from tree["splits"]
    waiting = list(model.get("trees", []))
    while waiting:
        node = waiting.pop()
        if "split" in node:
            yield node["split"]
            waiting += [node["left"], node["right"]]


def _asked(splits: list[dict[str, Any]], floats: list[dict[str, Any]]) -> tuple[Any, Splits]:
    """The column that each split reads, and how: a cell above the border goes right."""
    of = np.array([split["float_feature_index"] for split in splits], dtype=np.int64)
    places = np.array([each["flat_feature_index"] for each in floats], dtype=np.int32)
    above = np.array([each["nan_value_treatment"] == "AsTrue" for each in floats], dtype=np.bool_)
    border = np.array([split["border"] for split in splits], dtype=np.float32).astype(np.float64)
    none = np.full(len(of), -1)
    return places[of], Splits(
        threshold=border,
        missing=np.full(len(of), NAN_IS_MISSING),
        missing_left=~above[of],
        sets=none,
        bounds=np.zeros(1, np.int64),
        words=np.zeros(0, np.uint32),
        other_left=True,
        edge=-1.0,
        least=-1.0,
    )


def _oblivious(model: dict[str, Any], floats: list[dict[str, Any]], outputs: int) -> ObliviousSum:
    trees = model["oblivious_trees"]
    if any(len(tree["leaf_values"]) != outputs << len(tree["splits"]) for tree in trees):
        raise BundleError("The trees of the CatBoost model are not valid: the leaves do not fit the levels.")
    tests = ranked(*_asked(list(_splits(model)), floats))
    values = np.concatenate([np.array(tree["leaf_values"], dtype=np.float64) for tree in trees])
    return ObliviousSum(tests, np.array([len(tree["splits"]) for tree in trees]), values.reshape(-1, outputs))


def _nested(model: dict[str, Any], floats: list[dict[str, Any]], outputs: int) -> TreeSum:
    nodes = _Nodes()
    for tree in model["trees"]:
        nodes.roots.append(len(nodes.feature))
        nodes.add(tree)
    feature = np.array(nodes.feature, dtype=np.int32)
    leaf = np.cumsum(feature < 0) - 1
    trees = Trees(np.array(nodes.roots), feature, *(np.array(each, np.int32) for each in (nodes.left, nodes.right)))
    values = np.array(nodes.values, dtype=np.float64).reshape(len(nodes.values), outputs)
    return TreeSum(trees, ranked(*_asked(nodes.splits, floats)), leaf, values, np.zeros(len(nodes.roots), np.int32))

"""CatBoost's JSON, read into packed trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from automl_runtime.errors import BundleError
from automl_runtime.inference.catboost_cells import Cells, read_cells
from automl_runtime.inference.catboost_ctrs import splits_of, strange, treated_above
from automl_runtime.inference.trees import NAN_IS_MISSING, ObliviousSum, Splits, Tests, Trees, TreeSum, ranked
from automl_runtime.kernels.arrays import Bools, Floats, Ints
from automl_runtime.kernels.threads import over_rows

__all__ = ["JsonModel", "read_json"]

_Tests: TypeAlias = Callable[[list[dict[str, Any]]], Tests]
_BLOCK = 256
_ROWS_FOR_THREADS = 4_096


@dataclass(frozen=True, slots=True)
class JsonModel:
    """Trees over `cells`, and what becomes of their sums: `sum * scale + bias`; immutable and thread-safe."""

    cells: Cells
    trees: ObliviousSum | TreeSum
    scale: float
    bias: Floats

    def predict(self, rows: Floats) -> Floats:
        """float64, rows x outputs."""
        sums, rows = np.zeros((len(rows), len(self.bias))), np.ascontiguousarray(rows, dtype=np.float64)

        if len(rows) <= _BLOCK:
            self.trees.add_to(sums, self.cells.of(rows))
        else:

            def add(begin: int, end: int) -> None:
                self.trees.add_to(sums[begin:end], self.cells.of(rows[begin:end]))

            over_rows(add, len(rows), _BLOCK, least=_ROWS_FOR_THREADS)
        return sums * self.scale + self.bias

    def edges(self) -> list[Floats | Ints]:
        """For each column of rows what to compare on."""
        return self.cells.edges(self.trees.edges(self.cells.width))


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


def read_json(model: dict[str, Any], numbers: int, width: int, outputs: int) -> JsonModel | None:
    """The model that CatBoost has told; None where it is of a kind that is not read here, which takes its library.

    Raises:
        BundleError: if it reads other cells than those of `width` columns, of which `numbers` are numbers and the
            others codes, or has not `outputs` values in each leaf.
    """
    if strange(model) is not None:
        return None
    scale, bias = model["scale_and_bias"]
    if len(bias) != outputs:
        raise BundleError(f"The CatBoost model has {len(bias)} outputs, expected {outputs}.")
    cells, places = read_cells(model, numbers, width)
    above = np.zeros(cells.width, np.bool_)
    for each in model["features_info"].get("float_features", ()):
        above[each["flat_feature_index"]] = treated_above(each)

    def tests(splits: list[dict[str, Any]]) -> Tests:
        columns = np.array([places.of(split) for split in splits], dtype=np.int32)
        return ranked(columns, _asked([split.get("border", 0.5) for split in splits], above[columns]))

    made = _oblivious(model, tests, outputs) if "oblivious_trees" in model else _nested(model, tests, outputs)
    return JsonModel(cells, made, float(scale), np.array(bias, dtype=np.float64))


def _asked(borders: list[float], above: Bools) -> Splits:
    """A cell above its border goes right, and a missing one where it counts as `above`."""
    none = np.full(len(borders), -1)
    return Splits(
        threshold=np.array(borders, dtype=np.float32).astype(np.float64),
        missing=np.full(len(borders), NAN_IS_MISSING),
        missing_left=~above,
        sets=none,
        bounds=np.zeros(1, np.int64),
        words=np.zeros(0, np.uint32),
        other_left=True,
        edge=-1.0,
        least=-1.0,
    )


def _oblivious(model: dict[str, Any], tests: _Tests, outputs: int) -> ObliviousSum:
    trees = model["oblivious_trees"]
    if any(len(tree["leaf_values"]) != outputs << len(tree["splits"] or ()) for tree in trees):
        raise BundleError("The trees of the CatBoost model are not valid: the leaves do not fit the levels.")
    values = np.concatenate([np.array(tree["leaf_values"], dtype=np.float64) for tree in trees])
    depths = np.array([len(tree["splits"] or ()) for tree in trees])
    return ObliviousSum(tests(list(splits_of(model))), depths, values.reshape(-1, outputs))


def _nested(model: dict[str, Any], tests: _Tests, outputs: int) -> TreeSum:
    nodes = _Nodes()
    for tree in model["trees"]:
        nodes.roots.append(len(nodes.feature))
        nodes.add(tree)
    feature = np.array(nodes.feature, dtype=np.int32)
    leaf = np.cumsum(feature < 0) - 1
    trees = Trees(np.array(nodes.roots), feature, *(np.array(each, np.int32) for each in (nodes.left, nodes.right)))
    values = np.array(nodes.values, dtype=np.float64).reshape(len(nodes.values), outputs)
    return TreeSum(trees, tests(nodes.splits), leaf, values, np.zeros(len(nodes.roots), np.int32))

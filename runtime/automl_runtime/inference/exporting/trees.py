"""Trees as one `TreeEnsemble` node (ai.onnx.ml 5), in double precision."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.exporting.graph import TREES, Graph, cannot
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.lightgbm_text import NOTHING

__all__ = ["Trees", "boosted", "forest", "lightgbm"]

_LEQ, _LT, _MEMBER = 0, 1, 6
_SUM = 1
_LARGEST: Final = float(np.finfo(np.float32).max)
_AS_THEY_ARE: Final = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "custom", "none")


@dataclass(slots=True)
class Trees:
    """Nodes and leaves that are added tree by tree; a node is (feature, mode, split, members, missing is true)."""

    roots: list[int] = field(default_factory=list)
    features: list[int] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    splits: list[float] = field(default_factory=list)
    members: list[float] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    yes_leaf: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    no_leaf: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def leaf(self, target: int, weight: float) -> int:
        """Adds a leaf; its place."""
        self.targets.append(target)
        self.weights.append(weight)
        return len(self.weights) - 1

    def node(self, feature: int, split: float, yes: tuple[int, bool], no: tuple[int, bool], **more: Any) -> None:
        """Adds a node; `yes` and `no` are places and whether they are leaves."""
        self.features.append(feature)
        self.splits.append(split)
        self.modes.append(more.get("mode", _LEQ))
        self.missing.append(int(more.get("missing", False)))
        self.yes.append(yes[0])
        self.yes_leaf.append(int(yes[1]))
        self.no.append(no[0])
        self.no_leaf.append(int(no[1]))
        if "members" in more:
            self.members += [*map(float, more["members"]), np.nan]

    def write(self, graph: Graph, rows: str, outputs: int) -> str:
        """The sums over the trees: rows x outputs."""
        more = {"membership_values": graph.array(np.array(self.members))} if self.members else {}
        return graph.op(
            "TreeEnsemble",
            rows,
            domain=TREES,
            n_targets=outputs,
            aggregate_function=_SUM,
            post_transform=0,
            tree_roots=self.roots,
            nodes_modes=graph.array(np.array(self.modes, dtype=np.uint8)),
            nodes_featureids=self.features,
            nodes_splits=graph.array(np.array(self.splits)),
            nodes_truenodeids=self.yes,
            nodes_trueleafs=self.yes_leaf,
            nodes_falsenodeids=self.no,
            nodes_falseleafs=self.no_leaf,
            nodes_missing_value_tracks_true=self.missing,
            leaf_targetids=self.targets,
            leaf_weights=graph.array(np.array(self.weights)),
            **more,
        )


def _singles(graph: Graph, rows: str) -> str:
    """Rounded to float32, as the trees were trained on, and back."""
    return graph.cast(graph.cast(rows, np.float32), np.float64)


def forest(graph: Graph, model: Forest, rows: str) -> str:
    """Every tree tells its leaf; the leaves' values are looked up and averaged."""
    trees = Trees()
    ends = [*model.roots[1:].tolist(), len(model.feature)]
    for tree, (root, end) in enumerate(zip(model.roots.tolist(), ends, strict=True)):
        inner = {place: len(trees.features) + i for i, place in enumerate(_inner(model.feature, root, end))}
        leaves = {
            place: trees.leaf(tree, float(model.left[place])) for place in range(root, end) if model.feature[place] < 0
        }
        trees.roots.append(len(trees.features))
        if not inner:
            # A tree needs a node: both ways lead to its only leaf.
            trees.node(0, 0.0, (leaves[root], True), (leaves[root], True))
        for place in inner:
            ways = [
                (inner[child], False) if child in inner else (leaves[child], True)
                for child in (int(model.left[place]), int(model.right[place]))
            ]
            trees.node(int(model.feature[place]), float(model.threshold[place]), *ways)
    found = graph.cast(trees.write(graph, _singles(graph, rows), len(model.roots)), np.int64)
    values = graph.op("Gather", graph.constant(model.values), found, axis=0)
    return graph.op("ReduceMean", values, graph.places([1]), keepdims=0)


def _inner(feature: Any, root: int, end: int) -> list[int]:
    return [place for place in range(root, end) if feature[place] >= 0]


def boosted(graph: Graph, model: Boosted, rows: str) -> str:
    """XGBoost: a number goes left when it is below the threshold, a category when it is not in the set."""
    trees, base = Trees(), np.array(model.base, dtype=np.float64)
    bits = np.unpackbits(model.words.view(np.uint8), axis=1, bitorder="little")
    ends = [*model.roots[1:].tolist(), len(model.feature)]
    for root, end, output in zip(model.roots.tolist(), ends, model.outputs.tolist(), strict=True):
        inner = {place: len(trees.features) + i for i, place in enumerate(_inner(model.feature, root, end))}
        if not inner:
            base[output] += model.threshold[root]
            continue
        trees.roots.append(len(trees.features))
        leaves = {
            place: trees.leaf(output, float(model.threshold[place]))
            for place in range(root, end)
            if model.feature[place] < 0
        }
        for place in inner:
            left, right = (
                (inner[child], False) if child in inner else (leaves[child], True)
                for child in (int(model.left[place]), int(model.right[place]))
            )
            feature, missing = int(model.feature[place]), bool(model.missing_left[place])
            if model.sets[place] < 0:
                trees.node(feature, float(model.threshold[place]), left, right, mode=_LT, missing=missing)
            else:
                members = np.flatnonzero(bits[model.sets[place]])
                trees.node(feature, 0.0, right, left, mode=_MEMBER, missing=not missing, members=members)
    return _added(graph, trees, _singles_cut(graph, rows), base)


def _singles_cut(graph: Graph, rows: str) -> str:
    """As `boosted.single_cells`; comparisons keep NaN where `Clip` might not."""
    high = graph.where(graph.op("Greater", rows, graph.constant(_LARGEST)), graph.constant(_LARGEST), rows)
    low = graph.where(graph.op("Less", high, graph.constant(-_LARGEST)), graph.constant(-_LARGEST), high)
    return _singles(graph, low)


def _added(graph: Graph, trees: Trees, rows: str, base: Any) -> str:
    if trees.roots:
        return graph.op("Add", trees.write(graph, rows, len(base)), graph.constant(base))
    nothing = graph.op(
        "Mul",
        graph.op("ReduceSum", graph.cast(graph.op("IsNaN", rows), np.float64), graph.places([1])),
        graph.constant(0.0),
    )
    return graph.op("Add", nothing, graph.constant(base))


def lightgbm(graph: Graph, model: LightGbm, rows: str) -> str:
    """LightGBM's text: a number goes left when it is not above the threshold, a category when it is in the set."""
    head, *texts = model.text.split("\n\nTree=")
    if re.search(r"^average_output", head, re.MULTILINE):
        raise cannot("a LightGBM forest (`boosting: rf`)")
    outputs = int(re.search(r"^num_tree_per_iteration=(\d+)", head, re.MULTILINE)[1])  # type: ignore[index]
    trees, base = Trees(), np.zeros(outputs)
    for number, text in enumerate(texts):
        _lightgbm_tree(trees, base, number % outputs, _fields(text))
    near = graph.op("LessOrEqual", graph.op("Abs", rows), graph.constant(NOTHING))
    raw = _added(graph, trees, graph.where(near, graph.constant(0.0), rows), base)
    objective = re.search(r"^objective=(\S+)(.*)$", head, re.MULTILINE)
    name = objective[1] if objective is not None else "none"
    if name == "binary":
        slope = re.search(r"sigmoid:(\S+)", objective[2])  # type: ignore[index]
        steepness = graph.constant(float(slope[1]) if slope is not None else 1.0)
        return graph.op("Sigmoid", graph.op("Mul", raw, steepness))
    if name == "multiclass":
        return graph.op("Softmax", raw, axis=-1)
    if name not in _AS_THEY_ARE or "sqrt" in objective[2] if objective is not None else False:
        raise cannot(f"a LightGBM model of the objective {name}")
    return raw


def _fields(text: str) -> dict[str, list[str]]:
    lines = (line.partition("=") for line in text.splitlines())
    return {name: value.split() for name, equals, value in lines if equals}


def _lightgbm_tree(trees: Trees, base: Any, output: int, tree: dict[str, list[str]]) -> None:
    if tree.get("is_linear", ["0"]) != ["0"]:
        raise cannot("LightGBM trees with linear leaves")
    values = [float(value) for value in tree["leaf_value"]]
    if len(values) == 1:
        base[output] += values[0]
        return
    first = len(trees.features)
    leaves = [trees.leaf(output, value) for value in values]
    trees.roots.append(first)
    words = np.array(tree.get("cat_threshold", []), dtype=np.uint32)
    bounds = [int(bound) for bound in tree.get("cat_boundaries", [])]
    for place, feature in enumerate(tree["split_feature"]):
        kind, threshold = int(tree["decision_type"][place]), float(tree["threshold"][place])
        left, right = (
            (first + child, False) if child >= 0 else (leaves[~child], True)
            for child in (int(tree["left_child"][place]), int(tree["right_child"][place]))
        )
        if kind & 1:
            chosen = words[bounds[int(threshold)] : bounds[int(threshold) + 1]]
            members = np.flatnonzero(np.unpackbits(chosen.view(np.uint8), bitorder="little"))
            trees.node(int(feature), 0.0, left, right, mode=_MEMBER, members=members)
            continue
        missing_as = (kind >> 2) & 3
        if missing_as == 1:
            raise cannot("LightGBM trees that take zeros for missing values")
        # Where training saw nothing missing, it counts as 0.
        goes_left = bool(kind & 2) if missing_as == 2 else threshold >= 0.0
        trees.node(int(feature), threshold, left, right, missing=goes_left)

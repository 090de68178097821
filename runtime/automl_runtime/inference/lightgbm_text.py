"""LightGBM's text format, read into packed trees."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import BundleError, shorten
from automl_runtime.inference.trees import NAN_IS_MISSING, NAN_IS_ZERO, ZERO_IS_MISSING, Splits, Trees, TreeSum, ranked
from automl_runtime.kernels.arrays import Bools, Floats, Ints

__all__ = ["NOTHING", "Link", "TextModel", "read_text", "shrink"]

Link = Literal["none", "sigmoid", "softmax"]
_Fields: TypeAlias = defaultdict[str, list[str]]
_AS_THEY_ARE = ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "custom", "none")
NOTHING = float(np.float32(1e-35))
"""What is not farther from 0 is 0 (`kZeroThreshold`)."""
_MOST_SETS = 20
"""Of categories in each tree: a row is looked up in all of them, LightGBM asks those on its way."""
_CODED, _DEFAULT_LEFT = 1, 2
"""Bits of `decision_type`; the two above them tell what is missing."""
_MISSING = np.array([NAN_IS_ZERO, ZERO_IS_MISSING, NAN_IS_MISSING, -1])
_NEEDED = (
    *("Tree", "num_leaves", "num_cat", "split_feature", "threshold", "decision_type", "left_child", "right_child"),
    *("leaf_value", "cat_boundaries", "cat_threshold", "shrinkage"),
    *("is_linear", "leaf_const", "num_features", "leaf_features", "leaf_coeff"),
)


def shrink(text: str) -> str:
    """The text of a model without what only training needs (gains, counts, parameters): about a third of it."""
    head, *trees = text.split("\nend of trees")[0].split("\n\nTree=")
    kept = [line for line in head.splitlines() if not line.startswith("tree_sizes=")]
    for tree in trees:
        lines = f"Tree={tree}".splitlines()
        kept += ["", *(line for line in lines if line.partition("=")[0] in _NEEDED), ""]
    return "\n".join([*kept, "", "end of trees", ""])


@dataclass(frozen=True, slots=True)
class TextModel:
    """What a text says: columns read, outputs, trees, and what becomes of their sums."""

    width: int
    outputs: int
    trees: Trees
    sum: TreeSum
    divisor: int
    """Sums are divided by it (the iterations of a random forest)."""
    link: Link | None
    """None: this is LightGBM's own (linear leaves, an objective with a link of its own, too many sets)."""
    slope: float
    """Of the sigmoid."""


def read_text(text: str) -> TextModel:
    """Checks and reads `text`.

    Raises:
        BundleError: if it is not complete, or trees have an index out of bounds or backwards.
    """
    try:
        return _read(text)
    except (ValueError, OverflowError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"The text of the LightGBM model holds what is no number: {shorten(str(error))}") from error


def _read(text: str) -> TextModel:
    head, *rest = text.partition("\n\nTree=")
    width, outputs, classes = (_int(head, key) for key in ("max_feature_idx", "num_tree_per_iteration", "num_class"))
    fields = _fields("".join(rest))
    leaves = _ints(fields["num_leaves"])
    if width is None or not outputs or not len(leaves) or len(leaves) % outputs or (leaves < 1).any():
        raise BundleError("The text of the LightGBM model is not complete.")
    trees, splits = _trees(fields, leaves)
    trees.check(width + 1)
    values = _floats(fields["leaf_value"])
    leaf = np.zeros(len(trees.feature), np.int32)
    ends = trees.feature < 0
    read = _ints(fields["leaf_features"])
    if ends.sum() != len(values) or ((read < 0) | (read > width)).any():
        raise _unsound()
    leaf[ends] = np.arange(len(values))
    link, slope = _link(head)
    if classes != outputs or "1" in fields["is_linear"] or len(splits.bounds) - 1 > _MOST_SETS * len(leaves):
        link = None
    return TextModel(
        width=width + 1,
        outputs=outputs,
        trees=trees,
        sum=TreeSum(
            trees, ranked(trees.feature[trees.inner], splits), leaf, values[:, None], np.arange(len(leaves)) % outputs
        ),
        divisor=len(leaves) // outputs if re.search(r"^average_output", head, re.MULTILINE) else 1,
        link=link,
        slope=slope,
    )


def _link(head: str) -> tuple[Link | None, float]:
    found = re.search(r"^objective=(\S+)(.*)$", head, re.MULTILINE)
    name, rest = (found[1], found[2]) if found is not None else ("none", "")
    slope = re.search(r"sigmoid:(\S+)", rest)
    if name == "binary" and slope is not None:
        return "sigmoid", float(slope[1])
    if name == "multiclass":
        return "softmax", 1.0
    return ("none" if name in _AS_THEY_ARE and "sqrt" not in rest else None), 1.0


def _trees(fields: _Fields, leaves: Ints) -> tuple[Trees, Splits]:
    """The nodes of each tree, first those that split, then its leaves."""
    inner = leaves - 1
    ends = np.cumsum(leaves + inner)
    roots = ends - leaves - inner
    place = np.concatenate([np.arange(count) for count in inner])
    root, limit = np.repeat(roots, inner), np.repeat(inner, inner)
    feature = np.full(int(ends[-1]), -1, np.int32)
    left, right = np.zeros(len(feature), np.int32), np.zeros(len(feature), np.int32)
    kind, features = (_ints(fields[key]) for key in ("decision_type", "split_feature"))
    threshold = _floats(fields["threshold"])
    if {len(kind), len(features), len(threshold)} != {len(place)} or (features < 0).any():
        raise _unsound()
    feature[root + place] = features
    for side, key in ((left, "left_child"), (right, "right_child")):
        child = _ints(fields[key])
        if len(child) != len(place) or (child >= limit).any() or (~child > limit).any():
            raise _unsound()
        side[root + place] = root + np.where(child >= 0, child, limit + ~child)
    sets, bounds, words = _sets(fields, kind & _CODED != 0, threshold, inner)
    missing = _MISSING[np.minimum((kind >> 2) & 3, 3)]
    if (missing < 0).any() or np.isnan(threshold).any():
        raise _unsound()
    # A code that is missing, like one that no word holds, goes right.
    missing_left = kind & (_CODED | _DEFAULT_LEFT) == _DEFAULT_LEFT
    splits = Splits(threshold, missing, missing_left, sets, bounds, words, other_left=False, edge=NOTHING, least=-1.0)
    return Trees(roots, feature, left, right), splits


def _sets(fields: _Fields, coded: Bools, threshold: Floats, inner: Ints) -> tuple[Ints, Ints, Ints]:
    """For each node its set or -1; the bounds of the sets among the words; words whose bits tell what goes right."""
    counts = _ints(fields["num_cat"])
    words = _ints(fields["cat_threshold"])
    ends = _ints(fields["cat_boundaries"])
    own = counts[counts > 0]
    if len(counts) != len(inner) or len(ends) != (own + 1).sum() or (words < 0).any() or (words >> 32 != 0).any():
        raise _unsound()
    # Each tree with sets lists its boundaries from 0 on; sizes of the gaps between trees are left out.
    firsts = np.cumsum(own + 1) - own - 1
    sizes = np.delete(np.diff(ends), firsts[1:] - 1)
    if (ends[firsts] != 0).any() or (sizes < 0).any() or sizes.sum() != len(words):
        raise _unsound()
    tree = np.repeat(np.arange(len(inner)), inner)[coded]
    sets = np.full(len(coded), -1, np.int64)
    chosen = threshold[coded]
    if not ((chosen >= 0) & (chosen < counts[tree])).all():
        raise _unsound()
    sets[coded] = chosen.astype(np.int64) + (np.cumsum(counts) - counts)[tree]
    return sets, np.concatenate([[0], np.cumsum(sizes)]), ~words.astype(np.uint32)


def _unsound() -> BundleError:
    return BundleError("The trees of the LightGBM model are not valid: an index points out of its tree or backwards.")


def _int(head: str, key: str) -> int | None:
    found = re.search(rf"^{key}=(\d+)$", head, re.MULTILINE)
    return None if found is None else int(found[1])


def _fields(text: str) -> _Fields:
    """What follows each name, from all trees."""
    fields: _Fields = defaultdict(list)
    for line in text.splitlines():
        name, _, value = line.partition("=")
        fields[name].append(value)
    return fields


def _ints(lines: list[str]) -> NDArray[np.int64]:
    return np.array([*map(int, " ".join(lines).split())], dtype=np.int64)


def _floats(lines: list[str]) -> NDArray[np.float64]:
    return np.array([*map(float, " ".join(lines).split())], dtype=np.float64)

"""Extremely randomised trees, random forests and single trees by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params, target_scale
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.engine.problem import Problem
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.parts import Reading
from automl_runtime.kernels.arrays import Floats

__all__ = ["ExtraTreesLearner", "RandomForestLearner", "TreeLearner", "leaf_values", "pack"]

_CHUNK = 10
_TREES = 100
_OWN = ("target", "loss", "trees")


class _ForestLearner:
    """Trees that are grown without validation; the final model is grown on all rows."""

    refits: ClassVar[bool] = True
    _family: ClassVar[str]
    """What scikit-learn calls it, without `Classifier` or `Regressor`."""

    def recipe(self, params: Params) -> Recipe:
        """`forest`."""
        del params
        return "forest"

    def prepare(self) -> None:
        """Imports scikit-learn's forests."""
        import sklearn.ensemble  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Grows trees, a few at a time, until there are `trees` of them or the time is over."""
        import sklearn.ensemble

        family = getattr(sklearn.ensemble, f"{self._family}{'Classifier' if job.problem.classes else 'Regressor'}")
        wanted = job.rounds or int(job.params.get("trees", _TREES))
        params = {key: value for key, value in job.params.items() if key not in _OWN}
        model = family(n_estimators=0, warm_start=True, random_state=job.seed, n_jobs=job.threads, **params)
        y, reading = _target(job)
        matrix = np.ascontiguousarray(job.rows.train_matrix(), dtype=np.float32)
        parts: list[Forest] = []
        while (grown := model.n_estimators) < wanted and not (grown and job.stop()):
            step = _CHUNK if grown else job.threads
            model.set_params(n_estimators=min(wanted, grown + step))
            model.fit(matrix, y, sample_weight=job.train_weights())
            trees = [estimator.tree_ for estimator in model.estimators_[grown:]]
            parts.append(pack(trees, leaf_values(_columns(model, job.problem), len(job.problem.classes))))
            # Growing on only counts the trees there are; packed ones take a third of the memory.
            model.estimators_[grown:] = [None] * len(trees)
        return Fit(_smooth(_join(parts), job), reading, grown, grown)


class ExtraTreesLearner(_ForestLearner):
    """Extremely randomised trees: of a few columns each, at random thresholds (Geurts et al., 2006)."""

    name: ClassVar[str] = "extra_trees"
    _family = "ExtraTrees"


class RandomForestLearner(_ForestLearner):
    """A random forest: each tree sees a bootstrap sample, each split the best of a few columns (Breiman, 2001)."""

    name: ClassVar[str] = "random_forest"
    _family = "RandomForest"


class TreeLearner:
    """One small tree, which can be read."""

    name: ClassVar[str] = "tree"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`forest`."""
        del params
        return "forest"

    def prepare(self) -> None:
        """Imports scikit-learn's trees."""
        import sklearn.tree  # noqa: F401

    def fit(self, job: Job) -> Fit:
        """Grows the tree."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        family = DecisionTreeClassifier if job.problem.classes else DecisionTreeRegressor
        params = {key: value for key, value in job.params.items() if key not in _OWN}
        model = family(random_state=job.seed, **params)
        y, reading = _target(job)
        matrix = np.ascontiguousarray(job.rows.train_matrix(), dtype=np.float32)
        model.fit(matrix, y, sample_weight=job.train_weights())
        forest = pack([model.tree_], leaf_values(_columns(model, job.problem), len(job.problem.classes)))
        return Fit(_smooth(forest, job), reading, 1, 1)


def _target(job: Job) -> tuple[NDArray[Any], Reading]:
    train = job.rows.fold.train
    if job.problem.classes:
        return job.problem.codes[train], Reading()
    scaled = target_scale(job.problem, train, job.params)
    return scaled.y[train], scaled.reading


def _columns(model: Any, problem: Problem) -> NDArray[np.int64] | None:
    """Where the model's classes stand among all classes (a fold may lack one); None for a regression."""
    return model.classes_.astype(np.int64) if problem.classes else None


def _smooth(forest: Forest, job: Job) -> Forest:
    """Mixes one more tree into a classifier, which always says how frequent the classes are: no class is impossible."""
    if not job.problem.classes:
        return forest
    trees = len(forest.roots)
    prior = job.problem.baseline(job.rows.fold.train)
    values = (forest.values * trees + prior) / (trees + 1)
    # Of two classes the second says it all.
    return replace(forest, values=np.ascontiguousarray(values[:, 1:]) if len(prior) == 2 else values)


def pack(trees: list[Any], values_of: Callable[[Any], Floats]) -> Forest:
    """Scikit-learn's trees as flat arrays, which predict exactly the same.

    `values_of` gives the rows that the leaves of a tree hold, in the order of their nodes; equal ones are kept once.

    Scikit-learn compares float32 cells with float64 thresholds; rounding a threshold down to the next float32
    does not change any comparison.
    """
    roots, feature, threshold, left, right, values = [], [], [], [], [], []
    nodes = leaves = 0
    for tree in trees:
        leaf = tree.children_left < 0
        held, places = _distinct(values_of(tree))
        numbers = np.zeros(len(leaf), dtype=np.int64)
        numbers[leaf] = leaves + places
        roots.append(nodes)
        feature.append(np.where(leaf, -1, tree.feature))
        threshold.append(_round_down(np.where(leaf, 0.0, tree.threshold)))
        left.append(np.where(leaf, numbers, tree.children_left + nodes))
        right.append(np.where(leaf, 0, tree.children_right + nodes))
        values.append(held)
        nodes += tree.node_count
        leaves += len(held)
    return Forest(
        np.array(roots, dtype=np.int32),
        np.concatenate(feature).astype(np.int32),
        np.concatenate(threshold),
        np.concatenate(left).astype(np.int32),
        np.concatenate(right).astype(np.int32),
        np.concatenate(values),
    )


def _join(parts: list[Forest]) -> Forest:
    """One forest of the trees of all, in this order."""
    nodes = np.cumsum([0, *(len(part.feature) for part in parts)])
    leaves = np.cumsum([0, *(len(part.values) for part in parts)])
    numbered = list(zip(parts, nodes[:-1].tolist(), leaves[:-1].tolist(), strict=True))
    return Forest(
        np.concatenate([part.roots + first for part, first, _ in numbered]),
        np.concatenate([part.feature for part in parts]),
        np.concatenate([part.threshold for part in parts]),
        np.concatenate([part.left + np.where(part.feature < 0, leaf, first) for part, first, leaf in numbered]).astype(
            np.int32
        ),
        np.concatenate([np.where(part.feature < 0, 0, part.right + first) for part, first, _ in numbered]).astype(
            np.int32
        ),
        np.concatenate([part.values for part in parts]),
    )


def _round_down(thresholds: Floats) -> NDArray[np.float32]:
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def leaf_values(columns: NDArray[np.int64] | None, classes: int) -> Callable[[Any], Floats]:
    """What the leaves of a tree say: shares of all `classes`, of which it knows those at `columns`; None: a value."""

    def values_of(tree: Any) -> Floats:
        values = tree.value[tree.children_left < 0, 0, :]
        if columns is None:
            return np.ascontiguousarray(values, dtype=np.float64)
        result = np.zeros((len(values), classes))
        result[:, columns] = values / values.sum(axis=1, keepdims=True)
        return result

    return values_of


def _distinct(rows: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The different rows, and for each row its place among them: leaves of few examples are few kinds of leaves."""
    order = np.lexsort(rows.T)
    ranked = rows[order]
    new = np.concatenate([[True], (ranked[1:] != ranked[:-1]).any(axis=1)])
    places = np.empty(len(rows), dtype=np.int64)
    places[order] = np.cumsum(new) - 1
    return ranked[new], places

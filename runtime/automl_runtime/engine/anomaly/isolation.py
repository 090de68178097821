"""How few random cuts separate a row from the others.

Liu, Ting and Zhou, Isolation forest (2008).
"""

from __future__ import annotations

import numpy as np

from automl_runtime.engine.learners.forest import pack
from automl_runtime.engine.watch import Watch
from automl_runtime.inference.forest import Forest
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["fit_isolation", "isolation"]

_TREES = 200
_STEP = 20
_ROWS = 256
_EULER = 0.5772156649015329
_LARGEST = 1e30


def fit_isolation(cells: Floats, seed: int, watch: Watch, *, trees: int = _TREES) -> Forest:
    """200 trees of 256 rows each (fewer when time runs out), whose leaves hold the length of the path to them."""
    from sklearn.ensemble import IsolationForest

    rows = _float32(cells)
    most = min(_ROWS, len(rows))
    model = IsolationForest(n_estimators=0, max_samples=most, random_state=seed, warm_start=True, n_jobs=1)
    while model.n_estimators < trees and not (model.n_estimators and watch.over()):
        model.set_params(n_estimators=min(trees, model.n_estimators + _STEP))
        model.fit(rows)
    usual = float(_mean_path(np.array([most]))[0])
    return pack([estimator.tree_ for estimator in model.estimators_], lambda tree: _paths(tree).reshape(-1, 1) / usual)


def isolation(forest: Forest, cells: Floats) -> Floats:
    """The score of each row, 0 to 1: 2 to the power of minus the mean relative path; larger is stranger."""
    return np.asarray(2.0 ** -forest.predict(_float32(cells))[:, 0])


def _float32(cells: Floats) -> Floats:
    return np.clip(cells, -_LARGEST, _LARGEST).astype(np.float32)


def _paths(tree: object) -> Floats:
    """Of each leaf, in the order of its node: its depth, and how much deeper its rows would still have to go."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    depth = np.zeros(len(left))
    for node in np.flatnonzero(left >= 0):
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    leaf = left < 0
    return np.asarray(depth[leaf] + _mean_path(tree.n_node_samples[leaf]))  # type: ignore[attr-defined]


def _mean_path(rows: Ints) -> Floats:
    """The mean length of an unsuccessful search in a binary tree of so many rows (Liu et al., equation 1)."""
    count = np.maximum(rows.astype(np.float64), 2.0)
    return np.where(rows > 2, 2.0 * (np.log(count - 1.0) + _EULER) - 2.0 * (count - 1.0) / count, rows > 1.0)

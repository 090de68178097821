"""What a table is like, in a few numbers: no cell and no name of a column can be read from them.

Statistics and landmarks (the errors of very simple models on some rows) as in Pfahringer, Bensusan and
Giraud-Carrier, Meta-Learning by Landmarking Various Learning Algorithms, 2000, and Feurer et al., Efficient and Robust
Automated Machine Learning, 2015, section 3.1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.problem import Problem
from automl_runtime.inference.encoding import MISSING, Encoded
from automl_runtime.kernels.arrays import Floats

__all__ = ["META_FEATURES", "meta_features"]

META_FEATURES = (
    "log_rows",
    "log_columns",
    "categories",
    "texts",
    "log_levels",
    "missing",
    "skew",
    "log_classes",
    "rarest_class",
    "target_skew",
    "stump",
    "tree",
    "linear",
    "neighbor",
)
"""Their order in what `meta_features` gives."""

_ROWS = 2_000
_COLUMNS = 50
_LARGEST_SKEW = 20.0


def meta_features(problem: Problem, data: Encoded) -> dict[str, float]:
    """The `META_FEATURES` of a table, each a number of about the size of 1 (logarithms are decimal).

    `categories` and `texts` are shares of the columns; landmarks are errors relative to a prediction that looks at no
    column, on half of at most 2,000 rows. Always the same for a table.
    """
    numbers, codes = data.numbers, data.codes
    columns = numbers.shape[1] + codes.shape[1]
    missing = np.concatenate([np.isnan(numbers).mean(axis=0), (codes == MISSING).mean(axis=0)])
    sizes = np.bincount(problem.codes, minlength=len(problem.classes)) if problem.classes else np.array([1])
    values = [
        np.log10(len(problem)),
        np.log10(max(columns, 1)),
        codes.shape[1] / max(columns, 1),
        len(data.texts) / max(columns, 1),
        np.log10(max(data.levels, default=1) or 1),
        float(missing.mean()) if len(missing) else 0.0,
        float(np.mean([_skew(column) for column in numbers.T])) if numbers.shape[1] else 0.0,
        np.log10(max(len(problem.classes), 1)),
        float(sizes.min() / sizes.sum()),
        0.0 if problem.classes else _skew(problem.y),
        *_landmarks(problem, data),
    ]
    return {name: round(float(value), 6) for name, value in zip(META_FEATURES, values, strict=True)}


def _skew(values: Floats) -> float:
    """The logarithm of 1 + the size of the skewness."""
    known = values[np.isfinite(values)]
    spread = known.std() if len(known) else 0.0
    if not spread > 0:
        return 0.0
    return float(np.log10(1 + min(abs(float((((known - known.mean()) / spread) ** 3).mean())), _LARGEST_SKEW)))


def _landmarks(problem: Problem, data: Encoded) -> list[float]:
    """The errors of a stump, a small tree, a linear model and the nearest neighbour; 1: no better than no model."""
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    rows = np.random.default_rng(0).permutation(len(problem))[:_ROWS]
    matrix, y = _plain(data.take(rows)), problem.y[rows]
    half = len(rows) // 2
    if not matrix.shape[1] or len(np.unique(y[:half])) < 2:
        return [1.0] * 4
    tree, linear, near = (
        (DecisionTreeClassifier, RidgeClassifier, KNeighborsClassifier)
        if problem.classes
        else (DecisionTreeRegressor, Ridge, KNeighborsRegressor)
    )
    models = (tree(max_depth=1, random_state=0), tree(max_depth=5, random_state=0), linear(), near(1))
    return [
        _error(model.fit(matrix[:half], y[:half]).predict(matrix[half:]), y, half, bool(problem.classes))
        for model in models
    ]


def _error(predicted: Floats, y: Floats, half: int, classes: bool) -> float:
    truth, seen = y[half:], y[:half]
    if classes:
        labels, counts = np.unique(seen, return_counts=True)
        usual = float((truth != labels[np.argmax(counts)]).mean())
        wrong = float((predicted != truth).mean())
    else:
        usual, wrong = float(np.abs(truth - np.median(seen)).mean()), float(np.abs(truth - predicted).mean())
    return min(wrong / usual, 2.0) if usual > 0 else 1.0


def _plain(data: Encoded) -> NDArray[np.float64]:
    """Numbers with gaps at their mean and codes as numbers, standardised; the first columns only."""
    cells = np.hstack([data.numbers[:, :_COLUMNS], data.codes[:, :_COLUMNS].astype(np.float64)])
    known = np.isfinite(cells)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, cells, 0.0).sum(axis=0) / counts
    cells = np.where(known, cells, mean) - mean
    spread = cells.std(axis=0)
    return np.asarray(cells[:, spread > 0] / spread[spread > 0])

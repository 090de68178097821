"""Naive Bayes: columns that are independent within each class.

Numbers are taken as normal, categories as drawn with smoothed frequencies (Hastie, Tibshirani and Friedman, The
Elements of Statistical Learning, 6.6.3; scikit-learn's GaussianNB and CategoricalNB in one). Missing cells are left
out of the product, in training and in use.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from automl_runtime.engine.learners.base import Fit, Job, Params
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.inference.naive_bayes import NaiveBayes
from automl_runtime.inference.parts import Reading
from automl_runtime.kernels.arrays import Floats

__all__ = ["NaiveBayesLearner"]

_TINY = 1e-12


class NaiveBayesLearner:
    """For classes only; `params`: `smoothing` (share of a column's variance added), `alpha` (added to each count)."""

    name: ClassVar[str] = "naive_bayes"
    refits: ClassVar[bool] = True

    def recipe(self, params: Params) -> Recipe:
        """`trees`: numbers as they are, and codes."""
        del params
        return "trees"

    def prepare(self) -> None:
        """Needs nothing but NumPy."""

    def fit(self, job: Job) -> Fit:
        """Counts.

        Raises:
            ValueError: of a regression.
        """
        classes = len(job.problem.classes)
        if not classes:
            raise ValueError("naive Bayes tells classes apart; there are none")
        train = job.rows.fold.train
        weights = job.train_weights()
        mass = np.zeros((len(train), classes))
        mass[np.arange(len(train)), job.problem.codes[train]] = 1.0 if weights is None else weights
        matrix = np.asarray(job.rows.train_matrix())
        numbers = job.rows.fitted.numbers
        means, variances = _normals(matrix[:, :numbers], mass, float(job.params.get("smoothing", 1e-3)))
        table, offsets = _frequencies(matrix[:, numbers:], mass, float(job.params.get("alpha", 1.0)))
        total = mass.sum(axis=0) + 1.0
        predictor = NaiveBayes(np.log(total / total.sum()), means, variances, table, offsets)
        return Fit(predictor, Reading("softmax"), 1, 1)


def _normals(
    numbers: Floats, mass: NDArray[np.float64], smoothing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and variances, numbers x classes; those of all rows where a class has no row with the number."""
    known = ~np.isnan(numbers)
    values = np.where(known, numbers, 0.0)
    # Moments around the mean: squares of large numbers would swallow their spread.
    everything = (known * mass.sum(axis=1)[:, None]).sum(axis=0)
    center = (values * mass.sum(axis=1)[:, None]).sum(axis=0) / np.maximum(everything, _TINY)
    values = np.where(known, values - center, 0.0)
    weight = known.T @ mass
    whole = (values**2 * mass.sum(axis=1)[:, None]).sum(axis=0) / np.maximum(everything, _TINY)
    means = (values.T @ mass) / np.maximum(weight, _TINY)
    variances = (values.T**2 @ mass) / np.maximum(weight, _TINY) - means**2
    seen = weight > 0
    means = np.where(seen, means, 0.0) + center[:, None]
    variances = np.where(seen, np.maximum(variances, 0.0), whole[:, None])
    return means, variances + np.maximum(smoothing * whole, _TINY)[:, None]


def _frequencies(
    codes: Floats, mass: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log chances of each code in each class, column after column, and where each column starts."""
    tables = []
    for column in codes.T:
        known = np.flatnonzero(~np.isnan(column))
        places = column[known].astype(np.int64)
        levels = int(places.max(initial=-1)) + 1
        counts = np.full((levels, mass.shape[1]), alpha)
        np.add.at(counts, places, mass[known])
        tables.append(np.log(counts / counts.sum(axis=0)))
    offsets = np.concatenate([[0], np.cumsum([len(table) for table in tables])]).astype(np.int64)
    return np.vstack(tables) if tables else np.zeros((0, mass.shape[1])), offsets

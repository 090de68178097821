"""How well one column alone predicts the target, out of fold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from automl_runtime.data.training_columns import TrainingColumn

__all__ = ["Outcome", "as_numbers", "bin_codes", "one_column_score", "rank_correlation", "score_of_codes"]

_FOLDS = 5
_BINS = 256
_PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """The target of the rows that are looked at."""

    kind: Literal["binary", "multiclass", "regression"]
    values: np.ndarray
    """0/1 for binary (1 is the class of interest), class codes for multiclass, else numbers."""
    labels: list[str]
    """What the codes stand for; empty for regression."""

    @property
    def measure(self) -> str:
        """What a score is called in a reason."""
        return {"binary": "AUC", "multiclass": "accuracy", "regression": "R²"}[self.kind]

    @property
    def shares(self) -> np.ndarray:
        """Share of each class; empty for regression."""
        if self.kind == "regression":
            return np.zeros(0)
        shares: np.ndarray = np.bincount(self.values, minlength=len(self.labels)) / max(len(self.values), 1)
        return shares

    def pick(self, rows: np.ndarray) -> Outcome:
        """The outcome of some rows (a mask)."""
        return Outcome(self.kind, self.values[rows], self.labels)


def as_numbers(values: pd.Series, column: TrainingColumn) -> np.ndarray | None:
    """A column as floats, missing as nan; times in days; text only when most of it is numbers; else None."""
    if pd.api.types.is_datetime64_any_dtype(values):
        days = values.astype("datetime64[us]").astype("int64").to_numpy().astype(float) / 86_400e6
        return np.where(values.isna().to_numpy(), np.nan, days)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return np.asarray(values.astype("float64").to_numpy(dtype=float, na_value=np.nan))
    if column.type != "category":
        return None
    codes, words = pd.factorize(values)
    numbers = pd.to_numeric(pd.Series(np.asarray(words, dtype=object), dtype="object"), errors="coerce")
    parsed = np.append(numbers.to_numpy(dtype=float), np.nan)[codes]
    filled = (codes >= 0).sum()
    return parsed if filled and np.isfinite(parsed).sum() >= 0.5 * filled else None


def bin_codes(values: pd.Series, column: TrainingColumn) -> np.ndarray | None:
    """Codes of a column's values: one for missing, one for each value or, for many numbers, each of 256 quantiles.

    None when nearly every value differs and there is no order to bin them by.
    """
    ordered = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)
    if ordered and not pd.api.types.is_bool_dtype(values):
        numbers = as_numbers(values, column)
        assert numbers is not None
        return _quantile_codes(numbers)
    codes, words = pd.factorize(values)
    if len(words) > max(20, 0.5 * len(values)):
        return None
    return np.asarray(codes + 1)


def _quantile_codes(numbers: np.ndarray) -> np.ndarray:
    filled = np.isfinite(numbers)
    distinct, inverse = np.unique(numbers[filled], return_inverse=True)
    codes = np.zeros(len(numbers), dtype=np.int64)
    if len(distinct) > _BINS:
        edges = np.unique(np.quantile(numbers[filled], np.linspace(0, 1, _BINS + 1)[1:-1]))
        inverse = np.searchsorted(edges, numbers[filled], side="right")
    codes[filled] = inverse + 1
    return codes


def one_column_score(values: pd.Series, column: TrainingColumn, outcome: Outcome, seed: int) -> float:
    """`score_of_codes` of a column; for regression also the squared rank correlation when that is more."""
    codes = bin_codes(values, column)
    if codes is None:
        return 0.0
    score = score_of_codes(codes, outcome, seed)
    numbers = as_numbers(values, column) if outcome.kind == "regression" else None
    if numbers is not None:
        correlation = rank_correlation(numbers, outcome.values)
        share = np.isfinite(numbers).mean()
        score = max(score, correlation**2 * share**2)
    return score


def score_of_codes(codes: np.ndarray, outcome: Outcome, seed: int) -> float:
    """Out-of-fold score of the mean (or most frequent class) of the target for each code.

    AUC for binary, accuracy for multiclass, R² (at least 0) for regression.
    """
    folds = np.random.default_rng(seed).permutation(len(codes)) % _FOLDS
    size = int(codes.max()) + 1 if len(codes) else 1
    if outcome.kind == "multiclass":
        return _accuracy(codes, folds, size, outcome)
    target = outcome.values.astype(float)
    cell = folds * size + codes
    count = np.bincount(cell, minlength=_FOLDS * size).reshape(_FOLDS, size)
    total = np.bincount(cell, weights=target, minlength=_FOLDS * size).reshape(_FOLDS, size)
    mean = float(target.mean()) if len(target) else 0.0
    others, rest = count.sum(axis=0) - count, total.sum(axis=0) - total
    predicted = ((rest + _PRIOR * mean) / (others + _PRIOR))[folds, codes]
    if outcome.kind == "binary":
        return _auc(target, predicted)
    spread = float(((target - mean) ** 2).sum())
    return max(0.0, 1.0 - float(((target - predicted) ** 2).sum()) / spread) if spread else 0.0


def _accuracy(codes: np.ndarray, folds: np.ndarray, size: int, outcome: Outcome) -> float:
    classes = len(outcome.labels)
    cell = codes * classes + outcome.values
    total = np.bincount(cell, minlength=size * classes)
    right = 0
    for fold in range(_FOLDS):
        inside = folds == fold
        rest = (total - np.bincount(cell[inside], minlength=size * classes)).reshape(size, classes)
        fallback = int(rest.sum(axis=0).argmax())
        best = np.where(rest.sum(axis=1) > 0, rest.argmax(axis=1), fallback)
        right += int((best[codes[inside]] == outcome.values[inside]).sum())
    return right / max(len(codes), 1)


def _auc(target: np.ndarray, predicted: np.ndarray) -> float:
    positives = float(target.sum())
    negatives = len(target) - positives
    if not positives or not negatives:
        return 0.5
    ranks = pd.Series(predicted).rank().to_numpy()
    return float((ranks[target == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def rank_correlation(numbers: np.ndarray, target: np.ndarray) -> float:
    """Spearman's correlation of the rows where `numbers` is filled; 0 for fewer than 20 or a constant."""
    filled = np.isfinite(numbers)
    if filled.sum() < 20:
        return 0.0
    first = pd.Series(numbers[filled]).rank().to_numpy()
    second = pd.Series(target[filled]).rank().to_numpy()
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])

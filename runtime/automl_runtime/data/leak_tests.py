"""Single tests for columns that give the target away; each returns the evidence in words, or None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import numpy as np
import pandas as pd

from automl_runtime.data.leak_scores import Outcome, rank_correlation

__all__ = ["copies", "dated_after", "filled_for_one_class", "group_aggregate", "missing_with_target", "parts_of_target"]

_FEWEST = 20
_PURE = 0.99
_RARE_CHANCE = -6.0
_SAME = 0.99
_EXACT = 0.98
_MOST_PARTS = 40
_DAY = 1440.0
_MOST_BANDS = 20
_FEWEST_OF_BAND = 5
_TOUCHING = 0.25
"""Share of their widths that lies between two ranges."""


def filled_for_one_class(filled: np.ndarray, outcome: Outcome) -> str | None:
    """Whether a column is filled, or empty, for (almost) only one class that is not the usual one."""
    if outcome.kind == "regression" or filled.all() or not filled.any():
        return None
    shares = outcome.shares
    for side, word in ((filled, "filled"), (~filled, "empty")):
        rows = int(side.sum())
        counts = np.bincount(outcome.values[side], minlength=len(shares))
        top = int(counts.argmax())
        usual = shares[top] > 0.5 and len(shares) == 2
        if rows < _FEWEST or counts[top] < _PURE * rows or usual:
            continue
        # Chance that so many rows of this class meet here if filling did not depend on the class.
        if rows * np.log10(max(shares[top], 1e-12)) > _RARE_CHANCE:
            continue
        of_class = int((outcome.values == top).sum())
        return (
            f"{word} in {rows:,} rows, {counts[top]:,} of them {outcome.labels[top]} "
            f"({counts[top] / of_class:.0%} of that class)"
        )
    return None


def missing_with_target(missing: float, missing_without: float, rows_without: int) -> tuple[str, bool] | None:
    """Evidence that a column is empty where the target is, and whether it leaves no doubt.

    Args:
        missing: share of empty cells in rows with a target.
        missing_without: the same in rows without a target.
        rows_without: number of these rows.
    """
    if rows_without < _FEWEST or missing > 0.01 or missing_without < 0.5:
        return None
    text = (
        f"empty in {missing_without:.1%} of the {rows_without:,} rows without a target, in {missing:.1%} of the others"
    )
    return f"{text}: known only after the event", missing_without >= 0.95 and missing <= 0.001


def copies(numbers: np.ndarray | None, codes: np.ndarray | None, outcome: Outcome) -> str | None:
    """Whether a column holds the target itself, or another spelling of it, wherever it is filled."""
    if outcome.kind == "regression":
        same = None if numbers is None else _same_numbers(numbers, outcome.values)
        # A number of several values may have an order of its own that the target follows, as years do.
        most = _MOST_BANDS if numbers is None else 2
        return same or (None if codes is None else _bands(codes, outcome.values, most))
    if codes is None:
        return None
    filled = codes > 0
    if filled.sum() < max(_FEWEST, 0.1 * len(codes)) or not (~filled).any():
        return None
    table = pd.crosstab(codes[filled], outcome.values[filled]).to_numpy()
    if table.shape[1] < 2 or table.shape[0] > 4 * table.shape[1] or table.max(axis=0).sum() < 0.5 * table.sum():
        return None
    pure = table.max(axis=1).sum() / table.sum()
    usual = table.sum(axis=0).max() / table.sum()
    if pure < 0.995 or usual > 0.97:
        return None
    return f"the target in other words wherever it is filled ({filled.mean():.0%} of the rows, {pure:.1%} agree)"


def _bands(codes: np.ndarray, target: np.ndarray, most: int) -> str | None:
    """Whether the values of a column are ranges of the target that touch and never overlap, as a mark and "passed"."""
    found = [target[codes == code] for code in np.unique(codes[codes > 0])]
    if not 2 <= len(found) <= most or min(map(len, found)) < _FEWEST_OF_BAND or sum(map(len, found)) < _FEWEST:
        return None
    bands = sorted((float(values.min()), float(values.max())) for values in found)
    for (low, end), (start, high) in pairwise(bands):
        # Far apart, they may be what the target follows from: the price of each class of tickets.
        if not end < start or start - end > ((end - low) + (high - start)) / 2 * _TOUCHING:
            return None
    ends = ", ".join(f"{low:g} to {end:g}" for low, end in bands[:3])
    return f"its values are ranges of the target that do not overlap ({ends}{', ...' if len(bands) > 3 else ''})"


def _same_numbers(numbers: np.ndarray, target: np.ndarray) -> str | None:
    filled = np.isfinite(numbers)
    if filled.sum() < max(_FEWEST, 0.1 * len(numbers)) or len(np.unique(target[filled])) < 3:
        return None
    same = np.isclose(numbers[filled], target[filled], rtol=1e-9, atol=1e-9).mean()
    if same >= _SAME:
        return f"equals the target in {same:.1%} of the {int(filled.sum()):,} rows in which it is filled"
    correlation = rank_correlation(numbers, target)
    if abs(correlation) >= 0.998:
        return f"in the same order as the target (rank correlation {correlation:.3f}) wherever it is filled"
    return None


def parts_of_target(
    numbers: Mapping[str, np.ndarray], outcome: Outcome, clocks: Sequence[str], planned: Sequence[str]
) -> dict[str, str]:
    """Columns that add up to the target: sums of two or more, and differences of two.

    Of a difference `a - b` that makes the target, `a` is the outcome and `b` what was known, unless the name of `a`
    says that it was planned.

    Args:
        numbers: columns as floats.
        outcome: a regression target.
        clocks: columns that are times of day in minutes, whose differences wrap at midnight.
        planned: columns whose names say that they are plans.
    """
    if outcome.kind != "regression" or len(np.unique(outcome.values[:1000])) < 5:
        return {}
    usable = _usable(numbers, outcome.values)
    found: dict[str, str] = {}
    for first, second in combinations(usable, 2):
        found.update(_pair(first, second, numbers, outcome.values, clocks, planned))
    return found or _many_parts(usable, numbers, outcome.values)


def _usable(numbers: Mapping[str, np.ndarray], target: np.ndarray) -> list[str]:
    ranked = []
    for name, values in numbers.items():
        filled = np.isfinite(values)
        if filled.mean() >= 0.5 and len(np.unique(values[filled])) > 2:
            ranked.append((-abs(rank_correlation(values[:5000], target[:5000])), name))
    return [name for _, name in sorted(ranked)[:_MOST_PARTS]]


def _pair(
    first: str,
    second: str,
    numbers: Mapping[str, np.ndarray],
    target: np.ndarray,
    clocks: Sequence[str],
    planned: Sequence[str],
) -> dict[str, str]:
    a, b = numbers[first], numbers[second]
    wraps = first in clocks and second in clocks
    if (share := _agree(a + b, target, False)) >= _EXACT:
        return dict.fromkeys((first, second), f"{first} + {second} is the target in {share:.1%} of the rows")
    for upper, lower, difference in ((first, second, a - b), (second, first, b - a)):
        if (share := _agree(difference, target, wraps)) >= _EXACT:
            leak = lower if upper in planned and lower not in planned else upper
            return {leak: f"{upper} - {lower} is the target in {share:.1%} of the rows"}
    return {}


def _agree(value: np.ndarray, target: np.ndarray, wraps: bool) -> float:
    """Share of filled rows in which `value` is the target; a look at 200 rows rules most pairs out."""
    for rows in (slice(0, 200), slice(None)):
        gap = value[rows] - target[rows]
        gap = gap[np.isfinite(gap)]
        if len(gap) < _FEWEST:
            return 0.0
        if wraps:
            gap = (gap + _DAY / 2) % _DAY - _DAY / 2
        share = float((np.abs(gap) <= 1e-9 * np.maximum(1.0, np.abs(target[rows]).max())).mean())
        if share < _EXACT - 0.05:
            return 0.0
    return share


def _many_parts(usable: Sequence[str], numbers: Mapping[str, np.ndarray], target: np.ndarray) -> dict[str, str]:
    """Sums of three and more: least squares whose factors are all 0, 1 or -1."""
    if len(usable) < 3 or len(target) < 5 * len(usable):
        return {}
    matrix = np.column_stack([numbers[name][:5000] for name in usable])
    wanted = target[:5000]
    full = np.isfinite(matrix).all(axis=1)
    if full.sum() < 5 * len(usable):
        return {}
    factors, *_ = np.linalg.lstsq(matrix[full], wanted[full], rcond=None)
    rounded = np.rint(factors)
    parts = [name for name, factor in zip(usable, rounded, strict=True) if factor]
    if len(parts) < 3 or np.abs(rounded).max() > 1 or np.abs(factors - rounded).max() > 0.05:
        return {}
    share = _agree(matrix[full] @ rounded, wanted[full], False)
    if share < _EXACT:
        return {}
    text = " ".join(f"{'+' if f > 0 else '-'} {name}" for name, f in zip(usable, rounded, strict=True) if f)
    return dict.fromkeys(parts, f"{text.removeprefix('+ ')} is the target in {share:.1%} of the rows")


def group_aggregate(groups: np.ndarray, values: np.ndarray, outcome: Outcome) -> tuple[str | None, float]:
    """Whether a looked-up number is the sum, mean, minimum or maximum of the target over the rows that share it.

    Returns:
        The evidence, or None, and the correlation of the number with the mean target of its rows.
    """
    if outcome.kind == "multiclass":
        return None, 0.0
    filled = np.isfinite(values) & (groups >= 0)
    frame = pd.DataFrame({"g": groups[filled], "v": values[filled], "y": outcome.values[filled].astype(float)})
    by_group = frame.groupby("g").agg(
        v=("v", "first"), sum=("y", "sum"), mean=("y", "mean"), min=("y", "min"), max=("y", "max"), n=("y", "size")
    )
    if by_group["n"].mean() < 1.5:
        return None, 0.0
    by_group = by_group[by_group["n"] >= 2]
    if len(by_group) < _FEWEST or by_group["v"].nunique() < 10:
        return None, 0.0
    correlation = float(by_group["v"].corr(by_group["mean"])) if by_group["mean"].std() else 0.0
    for name in ("sum", "mean", "min", "max"):
        share = float(np.isclose(by_group["v"], by_group[name], rtol=1e-6).mean())
        if share >= 0.9:
            return f"the {name} of the target over the rows that share it, in {share:.0%} of the cases", correlation
    return None, abs(correlation)


def dated_after(values: pd.Series, moment: pd.Series) -> str | None:
    """Whether a date mostly lies after the moment that the prediction is made for."""
    both = values.notna() & moment.notna()
    if both.sum() < _FEWEST:
        return None
    own, other = values[both].astype("datetime64[us]"), moment[both].astype("datetime64[us]")
    later = float((own > other).mean())
    return f"later than {moment.name} in {later:.0%} of the rows" if later >= 0.5 else None

"""Numbers that stand for "nothing here", such as -999."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["find_sentinels"]

_NINES: Final = [float(sign * (10**digits - 1)) for digits in range(2, 10) for sign in (-1, 1)]
_EIGHTS: Final = [float(sign * 8 * (10**digits - 1) // 9) for digits in range(3, 6) for sign in (-1, 1)]
_OTHERS: Final = [-1.0, -9.0, -32768.0, 32767.0, -2147483648.0, 2147483647.0, 0.0, -99.9, -999.9, -9999.9, 99.99, 999.9, 999.99, 9999.99]
_FORMS: Final = np.array(sorted({*_NINES, *_EIGHTS, *_OTHERS}))
_FEWEST: Final = 3
_GAP: Final = 3.0


def find_sentinels(values: np.ndarray, counts: np.ndarray) -> list[float]:
    """Numbers of a typical form that are repeated and stand far outside all others.

    "Far" is three times the range of the others. -1 and other negative forms also count where the others are never
    negative and mostly much larger.

    >>> find_sentinels(np.array([-999.0, *range(20, 60)]), np.array([7] + [1] * 40))
    [-999.0]
    """
    candidate = np.isin(values, _FORMS) & (counts >= _FEWEST)
    rest = values[~np.isin(values, _FORMS)]
    if not candidate.any() or len(rest) < 5 or counts[~np.isin(values, _FORMS)].sum() < 10:
        return []
    weights = counts[~np.isin(values, _FORMS)]
    share = counts[candidate].sum() / counts.sum()
    found = [float(value) for value in values[candidate] if _is_sentinel(float(value), rest, weights, share)]
    return sorted(found)


def _is_sentinel(value: float, rest: np.ndarray, weights: np.ndarray, share: float) -> bool:
    low, high = float(rest.min()), float(rest.max())
    if low <= value <= high:
        return False
    gap = low - value if value < low else value - high
    if gap > _GAP * (high - low) and high > low:
        return True
    middle = float(np.average(rest, weights=weights))
    if value == -1 or value == -9:
        return low >= 0 and len(rest) >= 10 and middle >= 10 * -value and share >= 0.002
    return value <= -99 and low >= 0 and -value >= 10 * middle or (value <= -999 and low >= 0)

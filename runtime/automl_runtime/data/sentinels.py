"""Numbers that stand for "nothing here", such as -999."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["find_sentinels"]

_NINES: Final = [float(sign * (10**digits - 1)) for digits in range(2, 10) for sign in (-1, 1)]
_EIGHTS: Final = [float(sign * 8 * (10**digits - 1) // 9) for digits in range(3, 6) for sign in (-1, 1)]
_OTHERS: Final = [
    -1.0,
    -9.0,
    -32768.0,
    32767.0,
    -2147483648.0,
    2147483647.0,
    0.0,
    -99.9,
    -999.9,
    -9999.9,
    99.99,
    999.9,
    999.99,
    9999.99,
]
_FORMS: Final = np.array(sorted({*_NINES, *_EIGHTS, *_OTHERS}))
_FEWEST: Final = 3
_GAP: Final = 3.0
_FEW_VALUES: Final = 5
_WIDE_GAP: Final = 10.0


def find_sentinels(values: np.ndarray, counts: np.ndarray) -> list[float]:
    """Numbers of a typical form (-1, -999, 9999 ...) that are repeated and stand far outside all others.

    "Far" is three times the range of the others, ten times where these are few; 0 only among years. Negative forms
    also count where the others are never negative and mostly much smaller in size.

    Args:
        values: Distinct numbers.
        counts: How often each occurs.

    >>> find_sentinels(np.array([-999.0, *range(20, 60)]), np.array([7] + [1] * 40))
    [-999.0]
    """
    typical = np.isin(values, _FORMS)
    candidate = typical & (counts >= _FEWEST)
    rest, weights = values[~typical], counts[~typical]
    if not candidate.any() or len(rest) < 2 or weights.sum() < 10:
        return []
    total = counts.sum()
    pairs = zip(values[candidate].tolist(), counts[candidate].tolist(), strict=True)
    return sorted(value for value, count in pairs if _is_sentinel(value, rest, weights, count / total))


def _is_sentinel(value: float, rest: np.ndarray, weights: np.ndarray, share: float) -> bool:
    low, high = float(rest.min()), float(rest.max())
    if low <= value <= high:
        return False
    gap = low - value if value < low else value - high
    if value == 0:
        return gap > _GAP * (high - low) and low >= 1000 and high <= 2200
    if gap > (_GAP if len(rest) >= _FEW_VALUES else _WIDE_GAP) * (high - low):
        return True
    if value > 0 or low < 0 or len(rest) < 2 * _FEW_VALUES:
        return False
    size = float(np.average(rest, weights=weights))
    if value > -10:
        return size >= 10 * -value and share >= 0.002
    return -value >= 10 * size or value <= -999

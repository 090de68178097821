"""What more budget would buy: the best score so far over the seconds that it took, carried on as a power law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl_runtime.kernels.arrays import Floats

__all__ = ["Gain", "Outlook", "forecast_gains"]

_MULTIPLES = (2.0, 5.0)
_FEWEST = 4
_POWERS = np.linspace(0.1, 3.0, 30)
_RESTS = np.append(0.0, np.geomspace(1e-3, 1.0, 40))
_INSIDE = (0.1, 0.9)
_NOISE = 0.02
"""Least deviation around the curve, as a share of what the search has gained: few points do not make it certain."""


@dataclass(frozen=True, slots=True)
class Gain:
    """What the error is expected to fall by, as a share of what it is now, with `multiple` times the seconds."""

    multiple: float
    share: float
    low: float
    high: float
    """Eight times of ten the share lies between `low` and `high`."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the search went, and how it would go on."""

    seconds: tuple[float, ...]
    """Since the search began, at the end of each trial that was better than all before."""
    errors: tuple[float, ...]
    """The best error then; what is missing to 1 where more is better."""
    gains: tuple[Gain, ...]
    """For twice and five times the seconds; empty where fewer than four complete trials say nothing."""


def forecast_gains(seconds: Sequence[float], errors: Sequence[float]) -> Outlook:
    """Carries the best error so far on, by the power laws `limit + scale * seconds ** -power` that went along with it.

    All power laws of a grid are weighed by how well they fit (Domhan et al., Speeding up Automatic Hyperparameter
    Optimization by Extrapolation of Learning Curves, 2015, weigh curves likewise); each is made to pass through the
    last point, so that no gain is ever negative.

    Args:
        seconds: when each trial ended, ascending.
        errors: of each trial, at least 0.
    """
    best = np.minimum.accumulate(np.asarray(errors, dtype=np.float64))
    at = np.maximum(np.asarray(seconds, dtype=np.float64), 1e-9)
    better = np.flatnonzero(np.append(True, np.diff(best) < 0)) if len(best) else np.empty(0, dtype=np.int64)
    path = tuple(at[better].tolist()), tuple(best[better].tolist())
    if len(best) < _FEWEST or best[-1] <= 0:
        return Outlook(*path, ())
    powers, rests = (grid.ravel() for grid in np.meshgrid(_POWERS, _RESTS))
    weights = _weights(at, best, powers, rests)
    return Outlook(*path, tuple(_gain(multiple, powers, rests, weights) for multiple in _MULTIPLES))


def _weights(at: Floats, best: Floats, powers: Floats, rests: Floats) -> Floats:
    """How likely each curve is: of the last error the share `rests` can still go, and goes as `seconds ** -power`."""
    last = best[-1]
    steps = (at[:, None] / at[-1]) ** -powers
    curves = last * (1 - rests + rests * steps)
    deviation = np.maximum(_NOISE * (best[0] - last), 1e-6 * last)
    misfit = np.log1p(((curves - best[:, None]) / deviation) ** 2).sum(axis=0)
    weights = np.exp(-0.5 * (misfit - misfit.min()))
    return np.asarray(weights / weights.sum())


def _gain(multiple: float, powers: Floats, rests: Floats, weights: Floats) -> Gain:
    shares = rests * (1 - multiple**-powers)
    order = np.argsort(shares, kind="stable")
    low, high = (
        float(shares[order][min(int(np.searchsorted(np.cumsum(weights[order]), level)), len(order) - 1)])
        for level in _INSIDE
    )
    return Gain(multiple, float(weights @ shares), low, high)

"""Which of two versions is better, told by a test that may be looked at after every outcome.

A test for a fixed number of rows finds a difference sooner or later where there is none, if one looks often enough. The
mixture sequential probability ratio test (Robbins 1970; Johari, Koomen, Pekelis and Walsh, "Always valid inference",
Operations Research 2022, section 4) bounds the probability that it ever does. Its variance is estimated from the
outcomes, so that the bound holds for many of them (Waudby-Smith et al., "Time-uniform central limit theory and
asymptotic confidence sequences", Annals of Statistics 2024); nothing is said before there are 100 of each version.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["LEAST", "Comparison", "Moments", "compare"]

LEAST = 100
"""Outcomes of each version before anything is said."""
_EFFECT = 0.1
"""Differences that the test is made to find soon, in standard deviations of a loss."""


@dataclass(slots=True)
class Moments:
    """Losses of the predictions of one version, one for each key; smaller is better."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, loss: float) -> None:
        """Counts one loss."""
        self.n += 1
        self.total += loss
        self.squares += loss * loss

    @property
    def mean(self) -> float | None:
        """The mean loss; None before the first."""
        return self.total / self.n if self.n else None

    @property
    def variance(self) -> float:
        """Of one loss, unbiased."""
        return max(0.0, (self.squares - self.total**2 / self.n) / (self.n - 1)) if self.n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much smaller the losses of the challenger are than those of the version in production."""

    gain: float | None
    """Estimated difference of the mean losses; above 0: the challenger is better."""
    low: float | None
    high: float | None
    """Ends of an interval that holds the difference at all looks together, with probability 1 - alpha."""
    p_value: float
    """Always valid: no gain at all is refuted where it is below alpha, whenever one looks."""
    verdict: Literal["better", "worse", "undecided"]
    """What is to be said of the challenger."""

    def to_json(self) -> dict[str, Any]:
        """The comparison as a JSON object."""
        return asdict(self)


def compare(control: Moments, challenger: Moments, alpha: float = 0.05) -> Comparison:
    """Compares two independent arms at the level `alpha`; may be called after each outcome.

    >>> few = Moments(n=99, total=20.0, squares=20.0)
    >>> compare(few, few).verdict
    'undecided'
    """
    if control.mean is None or challenger.mean is None:
        return Comparison(None, None, None, 1.0, "undecided")
    gain = control.mean - challenger.mean
    noise = control.variance / control.n + challenger.variance / challenger.n
    if min(control.n, challenger.n) < LEAST or noise <= 0.0:
        return Comparison(gain, None, None, 1.0, "undecided")
    prior = _EFFECT**2 * (control.variance + challenger.variance) / 2
    spread = noise + prior
    ratio = 0.5 * math.log(noise / spread) + prior * gain**2 / (2 * noise * spread)
    half = math.sqrt(noise * spread / prior * (math.log(spread / noise) - 2 * math.log(alpha)))
    verdict: Literal["better", "worse", "undecided"] = "undecided"
    if abs(gain) > half:
        verdict = "better" if gain > 0 else "worse"
    return Comparison(gain, gain - half, gain + half, min(1.0, math.exp(-ratio)) if ratio > 0 else 1.0, verdict)

"""The test may be looked at all the time: it seldom sees a difference that is not there, and soon one that is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from automl_runtime.registry.sequential import LEAST, Moments, compare


def looks(control: np.ndarray, challenger: np.ndarray, steps: list[int]) -> list[str]:
    """The verdict after so many outcomes of the control, those of the challenger in proportion."""
    share = len(challenger) / len(control)
    sums = [(np.cumsum(arm), np.cumsum(arm**2)) for arm in (control, challenger)]
    found = []
    for step in steps:
        sizes = step, int(step * share)
        arms = [
            Moments(n, float(total[n - 1]), float(squares[n - 1]))
            for n, (total, squares) in zip(sizes, sums, strict=True)
        ]
        found.append(compare(*arms, alpha=0.05).verdict)
    return found


LOSSES = {
    "rare": lambda random, size: random.binomial(1, 0.1, size).astype(float),
    "brier": lambda random, size: random.beta(0.5, 2.0, size),
    "absolute error": lambda random, size: np.abs(random.standard_t(4, size)),
}


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("share", [1.0, 1 / 9], ids=["half", "a tenth"])
def test_two_equal_versions_are_seldom_told_apart_however_often_one_looks(losses: str, share: float) -> None:
    random = np.random.default_rng(7)
    steps = list(range(100, 3001, 50))
    wrong = 0
    for _ in range(200):
        control, challenger = (LOSSES[losses](random, size) for size in (3000, int(3000 * share)))
        wrong += set(looks(control, challenger, steps)) != {"undecided"}
    assert wrong <= 200 * 0.05


def test_a_test_for_a_fixed_size_would_be_wrong_far_more_often() -> None:
    random = np.random.default_rng(7)
    wrong = 0
    for _ in range(400):
        apart = np.cumsum(random.normal(size=3000) - random.normal(size=3000))
        wrong += any(abs(apart[n - 1]) > 1.96 * math.sqrt(2 * n) for n in range(100, 3001, 25))
    assert wrong > 400 * 0.15


@pytest.mark.parametrize(("by", "verdict"), [(0.05, "better"), (-0.05, "worse")])
def test_a_difference_that_is_there_is_seen(by: float, verdict: str) -> None:
    random = np.random.default_rng(1)
    control, challenger = random.beta(2, 8, 4000), random.beta(2, 8, 4000) - by
    found = looks(control, challenger, list(range(100, 4001, 100)))
    assert found[-1] == verdict
    assert set(found) <= {"undecided", verdict}


def test_before_there_are_enough_of_both_nothing_is_said() -> None:
    many, few = Moments(5000, 4000.0, 4000.0), Moments(LEAST - 1, 1.0, 1.0)
    assert compare(many, few).verdict == "undecided"
    assert compare(many, Moments()).gain is None
    assert compare(Moments(500, 0.0, 0.0), Moments(500, 0.0, 0.0)).low is None

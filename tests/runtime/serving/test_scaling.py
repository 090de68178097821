"""How many workers a load needs, on loads that are made up."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest
from automl_runtime.serving.scaling import Scaling, WorkerCount
from hypothesis import given
from hypothesis import strategies as st

SCALING = Scaling(1, 8, calm_seconds=60)


def run(loads: Iterable[float], scaling: Scaling = SCALING, workers: int = 1) -> list[int]:
    """The workers after each second of a load, in workers that are fully busy with it."""
    count, found = WorkerCount(scaling), []
    for second, load in enumerate(loads):
        wanted = count.after(float(second), workers, min(1.0, load / workers))
        if wanted != workers:
            count.forget()
        found.append(workers := wanted)
    return found


def test_four_times_the_load_brings_more_workers_at_once_and_calm_takes_them_away() -> None:
    found = run([0.5] * 30 + [2.0] * 120 + [0.5] * 600)
    assert set(found[:30]) == {1}
    assert found[35] == 4
    assert set(found[35:150]) == {4}
    assert found[150 + 50] == 4
    assert found[-1] == 1
    assert all(after >= before - 1 for before, after in itertools.pairwise(found))


def test_a_steady_load_keeps_its_workers() -> None:
    for load in (0.1, 0.5, 0.6, 1.0, 1.7, 2.9, 4.4):
        settled = run([load] * 900)[300:]
        assert len(set(settled)) == 1, load


@given(st.lists(st.floats(0.8, 1.6), min_size=400, max_size=400))
def test_a_load_that_jitters_does_not_let_workers_come_and_go(loads: list[float]) -> None:
    found = run(loads)
    assert sum(after != before for before, after in itertools.pairwise(found[60:])) <= 4


@given(st.lists(st.floats(0, 50), max_size=300), st.integers(1, 5), st.integers(0, 5))
def test_the_bounds_hold(loads: list[float], least: int, more: int) -> None:
    found = run(loads, Scaling(least, least + more), least)
    assert all(least <= workers <= least + more for workers in found)


def test_looks_that_are_far_apart_see_that_it_is_calm() -> None:
    count = WorkerCount(Scaling(1, 4, calm_seconds=2))
    assert [count.after(1.3 * look, 3, 0.0) for look in range(4)] == [3, 3, 2, 2]


def test_a_peak_of_a_minute_ago_still_counts() -> None:
    once_a_minute = [2.0 if second % 55 == 0 else 0.2 for second in range(600)]
    found = run(once_a_minute)
    assert len(set(found[120:])) == 1


@pytest.mark.parametrize(
    ("busy", "wanted"), [(0.0, 2), (0.65, 2), (0.67, 3), (1.0, 4), (3.0, 4)], ids=lambda value: str(value)
)
def test_how_busy_they_are_says_how_many_there_should_be(busy: float, wanted: int) -> None:
    after: Callable[[float, int, float], int] = WorkerCount(SCALING).after
    assert after(0.0, 2, busy) == wanted

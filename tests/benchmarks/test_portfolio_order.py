"""How candidates are ordered, and that an order never knows the tables it is judged on; on made results."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.portfolio.candidates import by_hand, candidates, defaults
from benchmarks.portfolio.order import greedy_order, leave_one_out, normalised


def _made(candidates=7, tables=9, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, size=(candidates, tables)), rng.uniform(0.5, 2.0, size=(candidates, tables))


def test_an_error_is_normalised_from_the_best_of_its_table_to_the_median():
    made = normalised(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0], [9.0, 7.0], [np.nan, np.nan]]))
    assert made[:, 0] == pytest.approx([0.0, 2 / 3, 1.0, 1.0, 1.0])
    assert made[:, 1] == pytest.approx([0.0, 0.0, 0.0, 0.0, 1.0])


def test_the_best_on_average_comes_first_and_then_what_is_good_where_it_is_not():
    alike = [0.1, 0.1, 0.1, 0.9]
    errors = np.array([[0.2, 0.2, 0.2, 0.9], [0.9, 0.9, 0.9, 0.1], alike, [0.8, 0.8, 0.8, 0.8]])
    assert greedy_order(errors, np.ones((4, 4)), 4) == [2, 1, 0, 3]
    assert greedy_order(errors, np.ones((4, 4)), 2) == [2, 1]


def test_what_is_cheap_comes_first_unless_cost_is_left_out():
    errors = np.array([[0.2, 0.2], [0.3, 0.3], [1.0, 1.0]])
    seconds = np.array([[20.0, 10.0], [2.0, 1.0], [2.0, 1.0]])
    assert greedy_order(errors, seconds, 3) == [1, 0, 2]
    assert greedy_order(errors, seconds, 3, power=0.0) == [0, 1, 2]


def test_what_begins_stays_and_nothing_comes_twice():
    errors, seconds = _made()
    order = greedy_order(normalised(errors), seconds, 50, begin=[4, 2])
    assert order[:2] == [4, 2]
    assert sorted(order) == list(range(7))
    assert order == greedy_order(normalised(errors), seconds, 50, begin=[4, 2])


@pytest.mark.parametrize("seed", range(5))
def test_each_is_the_one_that_leaves_the_least_error(seed):
    errors, seconds = _made(seed=seed)
    errors = normalised(errors)
    order = greedy_order(errors, seconds, 3, power=0.0)
    for place, chosen in enumerate(order):
        left = [np.minimum(errors[order[:place]].min(axis=0, initial=1.0), errors[each]).mean() for each in range(7)]
        assert left[chosen] == pytest.approx(min(left))


def test_a_failure_is_no_better_than_nothing():
    errors = normalised(np.array([[np.nan, 1.0], [2.0, 1.0], [3.0, 3.0], [3.0, 3.0]]))
    seconds = np.array([[np.nan, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert greedy_order(errors, seconds, 1) == [1]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_for_a_source_does_not_depend_on_any_of_its_tables(seed):
    errors, seconds = _made(seed=seed)
    sources = ["a", "a", "b", "c", "c", "d", "e", "f", "g"]
    orders = leave_one_out(errors, seconds, sources, 7)
    assert list(orders) == list("abcdefg")
    for source in orders:
        own = np.array([each == source for each in sources])
        other_errors, other_seconds = np.where(own, errors[::-1] ** 3, errors), np.where(own, 99.0, seconds)
        assert leave_one_out(other_errors, other_seconds, sources, 7)[source] == orders[source]


def test_the_order_for_a_source_depends_on_the_tables_of_others():
    errors, seconds = np.full((2, 3), 0.5), np.ones((2, 3))
    errors[0, 1:] = errors[1, 0] = 0.1
    assert leave_one_out(errors, seconds, ["a", "b", "c"], 1, power=0.0) == {"a": [0], "b": [0], "c": [0]}
    errors = errors[::-1]
    assert leave_one_out(errors, seconds, ["a", "b", "c"], 1, power=0.0)["a"] == [1]


def test_candidates_are_always_the_same_and_no_two_are():
    drawn = candidates()
    assert drawn == candidates()
    assert {entry.name for entry in (*by_hand(), *defaults())} < {entry.name for entry in drawn}
    for task in ("binary", "multiclass", "regression"):
        own = [entry for entry in drawn if task in entry.tasks and entry not in defaults()]
        assert len({entry.name for entry in own}) == len({entry.config({}).key() for entry in own}) == len(own)

"""How candidates are ordered, and that an order never knows the tables it is judged on; on made results."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.problem import Problem

from benchmarks.portfolio.candidates import by_hand, candidates, defaults
from benchmarks.portfolio.mixtures import Mixtures
from benchmarks.portfolio.order import best_so_far, costs_of, greedy_order, leave_one_out, normalised


def _made(candidates=7, tables=9, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, size=(candidates, tables)), rng.uniform(0.5, 2.0, size=(candidates, tables))


def _order(errors, costs=None, **options):
    costs = np.ones(len(errors)) if costs is None else np.array(costs)
    return greedy_order(best_so_far(np.array(errors)), costs, range(len(errors[0])), **options)


def test_an_error_is_normalised_from_the_best_of_its_table_to_the_median():
    made = normalised(np.array([[1.0, 7.0], [2.0, 7.0], [3.0, 7.0], [9.0, 7.0], [np.nan, np.nan]]))
    assert made[:, 0] == pytest.approx([0.0, 2 / 3, 1.0, 1.0, 1.0])
    assert made[:, 1] == pytest.approx([0.0, 0.0, 0.0, 0.0, 1.0])


def test_the_best_on_average_comes_first_and_then_what_is_good_where_it_is_not():
    errors = [[0.2, 0.2, 0.2, 0.9], [0.9, 0.9, 0.9, 0.1], [0.1, 0.1, 0.1, 0.9], [0.8, 0.8, 0.8, 0.8]]
    assert _order(errors) == [2, 1, 0, 3]
    assert _order(errors, most=1) == [2, 0, 1, 3]


def test_what_is_cheap_comes_first():
    errors = [[0.2, 0.2], [0.3, 0.3], [1.0, 1.0]]
    assert _order(errors) == [0, 1, 2]
    assert _order(errors, costs_of(np.array([[20.0, 10.0], [2.0, 1.0], [2.0, 1.0]]))) == [1, 0, 2]


def test_a_cost_is_the_mean_beside_what_is_usual_on_a_table():
    assert costs_of(np.array([[1.0, 40.0], [2.0, 20.0], [4.0, np.nan]])) == pytest.approx([0.5 / 2 + 4 / 6, 5 / 6, 2.0])


def test_what_begins_stays_and_nothing_comes_twice():
    errors, seconds = _made()
    order = _order(normalised(errors), costs_of(seconds), begin=[4, 2])
    assert order[:2] == [4, 2]
    assert sorted(order) == list(range(7))
    assert order == _order(normalised(errors), costs_of(seconds), begin=[4, 2])


@pytest.mark.parametrize("seed", range(5))
def test_each_is_the_one_that_leaves_the_least_error(seed):
    errors = normalised(_made(seed=seed)[0])
    order = _order(errors)
    for place, chosen in enumerate(order[:3]):
        left = [np.minimum(errors[order[:place]].min(axis=0, initial=1.0), errors[each]).mean() for each in range(7)]
        assert left[chosen] == pytest.approx(min(left))


def test_a_failure_is_no_better_than_nothing():
    assert _order(normalised(np.array([[np.nan, 1.0], [2.0, 1.0], [3.0, 3.0], [3.0, 3.0]])))[0] == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_order_for_a_source_does_not_depend_on_any_of_its_tables(seed):
    errors, seconds = _made(seed=seed)
    sources = ["a", "a", "b", "c", "c", "d", "e", "f", "g"]
    orders = leave_one_out(best_so_far(normalised(errors)), seconds, sources)
    assert list(orders) == list("abcdefg")
    for source, order in orders.items():
        own = np.array([each == source for each in sources])
        other_errors, other_seconds = np.where(own, errors[::-1] ** 3, errors), np.where(own, 99.0, seconds)
        assert leave_one_out(best_so_far(normalised(other_errors)), other_seconds, sources)[source] == order


def test_the_order_for_a_source_depends_on_the_tables_of_others():
    errors, seconds = np.full((2, 3), 0.5), np.ones((2, 3))
    errors[0, 1:] = errors[1, 0] = 0.1
    assert leave_one_out(best_so_far(errors), seconds, ["a", "b", "c"])["a"] == [0, 1]
    assert leave_one_out(best_so_far(errors[::-1]), seconds, ["a", "b", "c"])["a"] == [1, 0]


def test_a_mixture_is_better_than_what_it_is_made_of_and_worse_models_are_left_out_of_it():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    problem = Problem("regression", "rmse", "y", y, ())
    noisy = [y[:, None] + rng.normal(size=(300, 1)) * scale for scale in (0.5, 0.5, 0.55, 9.0)]
    mixtures = Mixtures([problem], [np.arange(300)], [[each] for each in noisy])
    assert mixtures.errors((0, 1))[0] < min(mixtures.errors((0,))[0], mixtures.errors((1,))[0], 0.0)
    assert mixtures.errors((0, 1, 3)) == mixtures.errors((0, 1))
    assert mixtures.errors((0, 1, 3, 2))[0] < mixtures.errors((0, 1, 3))[0]
    assert mixtures.errors((3,)) == mixtures.errors(()) == 1.0


def test_candidates_are_always_the_same_and_no_two_are():
    drawn = candidates()
    assert drawn == candidates()
    assert {entry.name for entry in (*by_hand(), *defaults())} < {entry.name for entry in drawn}
    for task in ("binary", "multiclass", "regression"):
        own = [entry for entry in drawn if task in entry.tasks and entry not in defaults()]
        assert len({entry.name for entry in own}) == len({entry.config({}).key() for entry in own}) == len(own)

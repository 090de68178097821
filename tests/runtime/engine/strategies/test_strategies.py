"""What holds for every strategy, and what is particular to some."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
from automl_runtime.engine.strategies import backed
from automl_runtime.engine.strategies.asht import Asht
from automl_runtime.engine.strategies.base import Observation
from automl_runtime.engine.strategies.registry import ALIASES, STRATEGIES, canonical, check_strategy, make_strategy
from automl_runtime.engine.strategies.space import SearchSpace, key_of
from automl_runtime.errors import MissingExtraError, RequestError

SPACE = SearchSpace(
    {"kind": ["a", "b"], "x": (-1.0, 1.0), "C": (1e-3, 1e3, "log"), "n": (1, 8), "flag": [True, False]},
    when={"C": {"kind": ["a"]}, "n": {"kind": ["b"]}},
)


def _loss(params):
    return params["x"] ** 2 + (math.log10(params["C"]) ** 2 if params["kind"] == "a" else 1.0 + params["n"])


def _run(strategy, trials, loss=_loss):
    asked = []
    for _ in range(trials):
        params = strategy.ask()
        if params is None:
            break
        asked.append(params)
        strategy.tell(Observation(params, (loss(params),)))
    return asked


@pytest.mark.parametrize("name", [*STRATEGIES, *ALIASES])
def test_a_strategy_repeats_itself_but_no_proposal(name):
    asked = _run(make_strategy(name, SPACE, seed=3), 25)
    assert len({key_of(params) for params in asked}) == 25
    assert all(SPACE.check(params) == params for params in asked)
    assert asked == _run(make_strategy(name, SPACE, seed=3), 25)
    assert name == "grid" or asked != _run(make_strategy(name, SPACE, seed=4), 25)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_small_space_is_used_up(name):
    space = SearchSpace({"kind": ["a", "b", "c"], "n": (1, 2)}, valid=lambda params: params != {"kind": "c", "n": 2})
    strategy = make_strategy(name, space, seed=0, converges=False)
    asked = _run(strategy, 50, lambda params: float(params["n"]))
    assert len(asked) == 5
    assert strategy.ask() is None


@pytest.mark.parametrize("name", ["asht", "tpe", "gp"])
def test_trials_of_an_earlier_search_count(name):
    known = [SPACE.sample(np.random.default_rng(seed)) for seed in range(30)]
    strategy = make_strategy(name, SPACE, seed=0)
    for params in known:
        strategy.tell(Observation(params, (_loss(params),)))
    asked = _run(strategy, 10)
    assert not {key_of(params) for params in asked} & {key_of(params) for params in known}
    assert np.median([_loss(params) for params in asked]) < np.median([_loss(params) for params in known])


@pytest.mark.parametrize("name", ["asht", "gp", "tpe", "cma"])
def test_low_losses_draw_the_search(name):
    strategy = make_strategy(name, SearchSpace({"x": (0.0, 1.0)}), seed=0, converges=False)
    asked = _run(strategy, 40, lambda params: abs(params["x"] - 0.2))
    assert np.median([abs(params["x"] - 0.2) for params in asked]) < 0.15


@pytest.mark.parametrize("name", STRATEGIES)
def test_failed_and_pruned_trials_are_taken(name):
    strategy = make_strategy(name, SPACE, seed=0)
    for number in range(15):
        params = strategy.ask()
        if number % 3 == 0:
            strategy.tell(Observation(params, None, "failed"))
        elif number % 3 == 1:
            strategy.report(params, 1, _loss(params))
            strategy.tell(Observation(params, (_loss(params),), "pruned"))
        else:
            strategy.tell(Observation(params, (_loss(params),)))
    assert strategy.ask() is not None


def test_hyperband_ends_most_trials_early_and_never_the_best():
    strategy = make_strategy("hyperband", SPACE, seed=0, steps=9)
    ended, done = [], []
    for _ in range(40):
        params = strategy.ask()
        losses = [_loss(params) + 1 / step for step in range(1, 10)]
        steps = next((step for step in range(1, 10) if not strategy.report(params, step, losses[step - 1])), 9)
        strategy.tell(Observation(params, (losses[steps - 1],), "complete" if steps == 9 else "pruned"))
        (done if steps == 9 else ended).append(_loss(params))
    assert len(ended) > len(done) > 0
    assert min(done) < min(ended)


def test_the_bandit_gives_most_trials_to_the_family_that_wins():
    families = [f"f{number}" for number in range(5)]
    space = SearchSpace(
        {"family": families} | {f"{family}.x": (0.0, 1.0) for family in families},
        when={f"{family}.x": {"family": [family]} for family in families},
    )
    asked = _run(
        Asht(space, 0, converges=False),
        80,
        lambda params: (params["family"] != "f3") + (params[f"{params['family']}.x"] - 0.3) ** 2,
    )
    counts = [sum(params["family"] == family for params in asked) for family in families]
    assert counts[3] > 40
    assert min(counts) >= 2


def test_the_bandit_prefers_what_is_cheap_among_equals():
    space = SearchSpace(
        {"family": ["slow", "fast"], "s": (0.0, 1.0), "f": (0.0, 1.0)},
        when={"s": {"family": ["slow"]}, "f": {"family": ["fast"]}},
    )
    strategy, counts = Asht(space, 0, converges=False), {"slow": 0, "fast": 0}
    for _ in range(40):
        params = strategy.ask()
        family = params["family"]
        counts[family] += 1
        loss = math.sin(9 * params[family[0]])
        strategy.tell(Observation(params, (loss,), seconds=100.0 if family == "slow" else 1.0))
    assert counts["fast"] > 2 * counts["slow"]


def test_a_flat_objective_ends_early():
    assert len(_run(Asht(SPACE, 0), 200, lambda params: 1.0)) == 20


def test_convergence_is_noticed_where_nothing_is_left_to_gain():
    asked = _run(Asht(SearchSpace({"x": (0.0, 1.0)}), 0), 300, lambda params: (params["x"] - 0.4) ** 2)
    assert len(asked) < 100
    assert min(abs(params["x"] - 0.4) for params in asked) < 0.01


def test_the_best_stays_in_reach_after_bad_luck():
    space = SearchSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})
    strategy = Asht(space, 0, converges=False)
    strategy.tell(Observation({"x": 0.9, "y": 0.9}, (0.0,)))
    asked = _run(strategy, 30, lambda params: 1.0 + 0.1 * abs(params["x"] - 0.9))
    assert min(abs(params["x"] - 0.9) + abs(params["y"] - 0.9) for params in asked) < 0.1


@pytest.mark.parametrize("name", ["asht", "gp", "tpe", "nsga2", "random"])
def test_several_objectives_are_searched_together(name):
    strategy = make_strategy(name, SearchSpace({"x": (-2.0, 2.0)}), seed=0, objectives=2)
    asked = []
    for _ in range(40):
        params = strategy.ask()
        if params is None:
            break
        asked.append(params["x"])
        strategy.tell(Observation(params, (params["x"] ** 2, (params["x"] - 1) ** 2)))
    between = [x for x in asked if 0 <= x <= 1]
    assert len(between) >= 8
    assert min(between) < 0.3
    assert max(between) > 0.7


@pytest.mark.parametrize("name", ["cma", "hyperband"])
def test_strategies_of_one_objective_say_so(name):
    with pytest.raises(RequestError, match="one objective"):
        make_strategy(name, SPACE, seed=0, objectives=2)


def test_unknown_names_list_those_there_are():
    assert [canonical(name) for name in ("bayesian", "evolutionary", "hybrid", "gp")] == ["tpe", "nsga2", "asht", "gp"]
    with pytest.raises(RequestError, match=r"Did you mean asht\? Possible: auto, asht"):
        canonical("ashd")


@pytest.mark.parametrize(("name", "package"), [("tpe", "optuna"), ("cma", "cmaes"), ("hyperband", "optuna")])
def test_a_missing_package_is_named_with_the_command(name, package, monkeypatch):
    monkeypatch.setattr(backed, "find_spec", lambda each: None if each == package else importlib.util.find_spec(each))
    with pytest.raises(MissingExtraError, match=rf'{package}(.|\n)*pip install "automl-runtime\[search\]"'):
        check_strategy(name)
    check_strategy("asht")
    check_strategy("gp")

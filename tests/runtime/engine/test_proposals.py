"""How strategies drive the search over tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLClassifier
from automl_runtime.engine.fit import fit
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.proposals import Guided
from automl_runtime.engine.strategies.families import FAMILY_SPACES
from automl_runtime.engine.strategies.registry import STRATEGIES
from automl_runtime.engine.trials import Config, TrialResult
from automl_runtime.errors import RequestError
from automl_runtime.inference.encoding import Encoded

PROBLEM = Problem("regression", "rmse", "y", np.linspace(0, 1, 300) ** 2, ())
DATA = Encoded(np.random.default_rng(0).normal(size=(300, 3)), np.empty((300, 0), np.int32), ())
CONFIGS = portfolio(PROBLEM, DATA, interpretable=False)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.choice(["x", "y"], 90)})
    frame["y"] = frame["a"] + (frame["b"] == "x") + rng.normal(size=90) / 5
    return frame


def _finished(config, score):
    result = TrialResult(1, config, "complete", [], 1.0)
    result.score = score
    return result


@pytest.fixture
def forests_only(monkeypatch):
    """Families that are fitted in no time."""
    from automl_runtime.engine import tabular

    quick = [
        Config("linear", "linear", {"basis": "plain"}),
        Config("tree", "tree", {"max_depth": 3, "min_samples_leaf": 5}),
    ]
    monkeypatch.setattr(tabular, "portfolio", lambda *_, **__: quick)


@pytest.mark.parametrize("strategy", [*STRATEGIES, "hybrid"])
def test_every_strategy_is_repeated_and_replayed(strategy, rows, forests_only):
    models = [fit(rows, "y", trials=9, folds=3, strategy=strategy) for _ in range(2)]
    assert models[0].trials == models[1].trials
    assert len(models[0].trials) == 9
    again = fit(rows, "y", folds=3, replay=models[0].trials)
    assert again.cv == models[0].cv
    assert again.oof.equals(models[0].oof)


@pytest.mark.parametrize("strategy", ["asht", "tpe", "random"])
def test_a_search_beats_the_settings_that_it_begins_with(strategy):
    rng = np.random.default_rng(0)
    wavy = pd.DataFrame({"a": rng.uniform(-3, 3, 300), "b": rng.normal(size=300)})
    wavy["y"] = np.sin(4 * wavy["a"]) + rng.normal(size=300) / 10
    model = fit(wavy, "y", models=["tree"], trials=12, folds=3, strategy=strategy)
    complete = [trial for trial in model.trials if trial["status"] == "complete"]
    first, best = complete[0], min(complete, key=lambda trial: trial["score"])
    assert first["score"] == fit(wavy, "y", models=["tree"], trials=1, folds=3).cv
    assert best["params"] != first["params"]
    assert best["score"] < 0.95 * first["score"]
    assert model.cv <= best["score"]


def test_hyperband_gives_up_on_folds(rows, forests_only):
    model = fit(rows, "y", trials=25, folds=5, strategy="hyperband")
    rounds = [len(trial["rounds"]) for trial in model.trials]
    assert {trial["status"] for trial in model.trials} == {"complete", "abandoned"}
    assert min(rounds) == 1
    assert max(rounds) == 5


def test_strategies_differ(rows, forests_only):
    tried = {name: fit(rows, "y", trials=8, folds=2, strategy=name).trials[2:] for name in ("asht", "random", "tpe")}
    assert tried["asht"] != tried["random"] != tried["tpe"] != tried["asht"]


def test_unknown_strategies_are_refused(rows):
    with pytest.raises(RequestError, match="Possible: auto, asht, tpe"):
        fit(rows, "y", strategy="magic")
    with pytest.raises(ValueError, match="Possible: auto, asht, tpe"):
        AutoMLClassifier(strategy="magic").fit(np.arange(40.0).reshape(20, 2), [0, 1] * 10)


def test_a_strategy_that_was_registered_drives_a_search(plugs, rows, forests_only):
    plugs("strategies", "deepest", "Deepest")
    model = fit(rows, "y", trials=6, folds=3, strategy="deepest")
    tried = [trial for trial in model.trials if trial["model"].startswith("tree_")]
    # Each is better than the one before, so none ends early, and the next is deeper.
    assert [trial["params"]["max_depth"] for trial in tried] == [2, 3, 4, 5]
    assert fit(rows, "y", folds=3, replay=model.trials).cv == model.cv


def test_a_strategy_that_was_registered_may_end_trials(plugs, rows, forests_only):
    plugs("strategies", "impatient", "Impatient")
    model = fit(rows, "y", trials=5, folds=3, strategy="impatient")
    assert [len(trial["rounds"]) for trial in model.trials] == [3, 3, 1, 1, 1]


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name != "auto"])
def test_the_portfolio_comes_first_and_families_stay_whole(name):
    guided = Guided(name, CONFIGS, [], PROBLEM, seed=0, folds=3)
    first = guided.first(CONFIGS)
    assert {config.learner for config in first} == {config.learner for config in CONFIGS}
    assert (len(first) == len(CONFIGS)) == (name == "asht")
    more = guided.more()
    for number in range(6):
        config = next(more)
        base = next(each for each in CONFIGS if each.learner == config.learner)
        assert config.params.keys() >= base.params.keys()
        assert config.cost > 0
        guided.tell(_finished(config, 1.0), 1.0 + number, 1.0)


def test_what_is_not_searched_is_that_of_the_best():
    paired = next(config for config in CONFIGS if config.name == "lightgbm_pairs")
    results = [_finished(CONFIGS[0], 2.0), _finished(paired, 1.0)]
    guided = Guided("random", [CONFIGS[0]], results, PROBLEM, seed=0, folds=3)
    assert next(guided.more()).params["pairs"] is True


def test_forests_of_large_tables_keep_large_leaves():
    large = Problem("regression", "rmse", "y", np.zeros(400_000), ())
    forest = next(config for config in CONFIGS if config.learner == "extra_trees")
    guided = Guided("random", [forest], [], large, seed=0, folds=3)
    more = guided.more()
    assert min(next(more).params["min_samples_leaf"] for _ in range(20)) == 50


def test_levels_and_defaults_lie_inside_their_ranges():
    for space in FAMILY_SPACES.values():
        for dimension in space.dimensions.values():
            for value in [*dimension.grid(), dimension.default]:
                assert dimension.clip(value) == value

"""Made features are kept where they save errors beyond chance, in every part of the rows that validate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.folds import make_folds
from automl_runtime.engine.probes import adapt, saves
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.trials import Config, TrialResult

COUNT = 1200


def _problem(metric, folds):
    rng = np.random.default_rng(0)
    y = rng.normal(size=COUNT)
    labels = np.where(y > 0, "yes", "no")
    _, problem = make_problem(
        pd.DataFrame({"x": y, "y": y if metric in ("rmse", "mae") else labels}), "y", metric=metric
    )
    return problem, make_folds(problem, "stratified", folds, 0), y


def _trial(name, problem, folds, guess, **params):
    places = np.concatenate([fold.valid for fold in folds])
    chance = 1 / (1 + np.exp(-guess[places]))
    outputs = guess[places][:, None] if not problem.classes else np.column_stack([1 - chance, chance])
    return TrialResult(1, Config(name, "lightgbm", params), "complete", [], 1.0, outputs=outputs)


@pytest.mark.parametrize("folds", [1, 2, 5])
@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy", "rmse", "mae"])
def test_a_better_guess_saves_errors_and_an_equal_one_does_not(metric, folds):
    problem, parts, y = _problem(metric, folds)
    noise = np.random.default_rng(1).normal(size=(3, COUNT))
    plain = _trial("plain", problem, parts, y + noise[0])
    assert saves(plain, _trial("made", problem, parts, y + 0.7 * noise[0]), problem, parts)
    assert not saves(plain, plain, problem, parts)
    assert not saves(_trial("made", problem, parts, y + 0.7 * noise[0]), plain, problem, parts)


def test_what_helps_in_one_fold_alone_is_chance():
    problem, parts, y = _problem("rmse", 5)
    noise = np.random.default_rng(1).normal(size=COUNT)
    lucky = np.where(np.isin(np.arange(COUNT), parts[0].valid), 0.5 * noise, noise)
    assert not saves(_trial("a", problem, parts, y + noise), _trial("b", problem, parts, y + lucky), problem, parts)


def test_folds_that_ended_early_do_not_count_as_errors():
    """Within each fold the order is the same; over all it is not, as one fold's chances are nearer to a half."""
    problem, parts, y = _problem("roc_auc", 5)
    guess = y + np.random.default_rng(1).normal(size=COUNT)
    early = np.where(np.isin(np.arange(COUNT), parts[0].valid), 0.01 * guess - 3, guess)
    assert not saves(_trial("a", problem, parts, early), _trial("b", problem, parts, guess), problem, parts)


@pytest.mark.parametrize("helps", [True, False])
def test_boosters_to_come_get_both_kinds_of_features_or_none(helps):
    problem, parts, y = _problem("rmse", 5)
    noise = np.random.default_rng(1).normal(size=COUNT)
    results = [_trial("lightgbm", problem, parts, y + noise, rate=1)]
    queue = [
        Config("lightgbm_groups", "lightgbm", {"rate": 1, "groups": True}),
        Config("catboost", "catboost"),
        Config("linear", "linear"),
    ]
    better = (0.7, 0.5) if helps else (1.3, 1.3)
    results.append(_trial("lightgbm_pairs", problem, parts, y + better[0] * noise, rate=1, pairs=True))
    first, *queue = adapt(queue, results, problem, parts)
    results.append(_trial(first.name, problem, parts, y + better[1] * noise, **first.params))
    queue = adapt(queue, results, problem, parts)
    expected = [("catboost_pairs_groups", True), ("linear", None)] if helps else [("catboost", None), ("linear", None)]
    assert [(config.name, config.params.get("groups")) for config in queue] == expected


def test_recorded_trials_stay_whatever_the_one_that_tries_saved():
    """A variation of the trial that tried is among them: without it the replay would be another search."""
    problem, parts, y = _problem("rmse", 5)
    noise = np.random.default_rng(1).normal(size=COUNT)
    results = [
        _trial("lightgbm", problem, parts, y + noise, rate=1),
        _trial("lightgbm_groups", problem, parts, y + 1.3 * noise, rate=1, groups=True),
    ]
    varied = Config("lightgbm_7", "lightgbm", {"rate": 2, "groups": True}, rounds=(3,) * 5)
    assert adapt([varied], results, problem, parts) == []
    results[-1].config = replace(results[-1].config, rounds=(3,) * 5)
    assert adapt([varied], results, problem, parts) == [varied]

"""`tune`: limits, resuming, failures, several objectives."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from automl_runtime import SearchSpace, Study, tune
from automl_runtime.engine.strategies.registry import STRATEGIES
from automl_runtime.engine.strategies.space import key_of
from automl_runtime.errors import Cancelled, DataError, RequestError, TrainingError
from automl_runtime.events import TrialFinished

SPACE = {"x": (-5.0, 5.0), "n": (1, 60), "kind": ["a", "b", "c"]}


def _objective(trial):
    return (trial["x"] - 1) ** 2 + trial["n"] / 100 + (trial["kind"] != "b")


def test_the_best_is_found_in_either_direction():
    low = tune(_objective, SPACE, trials=50)
    high = tune(lambda trial: -_objective(trial), SPACE, trials=50, direction="maximize")
    assert low.best_value < 0.1
    assert low.best_params["kind"] == "b"
    assert high.best_value == -low.best_value
    assert low.best_value == _objective(low.best_params) == min(trial.value for trial in low.trials)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_study_goes_on_where_it_was_saved(strategy, tmp_path):
    begun = tune(_objective, SPACE, trials=20, strategy=strategy)
    study = Study.load(begun.save(tmp_path / "study.json"))
    assert study.trials == begun.trials
    resumed = tune(_objective, study.space, trials=50, strategy=strategy, study=study)
    assert (
        len(resumed.trials)
        == len({key_of(trial.params) for trial in resumed.trials})
        == (48 if strategy == "grid" else 50)
    )
    assert [trial.number for trial in resumed.trials] == list(range(1, len(resumed.trials) + 1))


@pytest.mark.parametrize("strategy", ["asht", "gp", "random", "grid"])
def test_a_stop_leaves_no_trace(strategy):
    resumed = tune(
        _objective, SPACE, trials=30, strategy=strategy, study=tune(_objective, SPACE, trials=12, strategy=strategy)
    )
    straight = tune(_objective, SPACE, trials=30, strategy=strategy)
    assert [trial.params for trial in resumed.trials] == [trial.params for trial in straight.trials]


def test_failed_trials_are_marked_and_not_scored():
    def objective(trial):
        if trial["kind"] == "a":
            raise KeyError("no such kernel")
        return float("nan") if trial["kind"] == "c" else trial["x"]

    study = tune(objective, SPACE, trials=30, strategy="random")
    failed = [trial for trial in study.trials if trial.status == "failed"]
    assert {trial.error[:10] for trial in failed} == {"KeyError: ", "ValueError"}
    assert all(trial.value is None for trial in failed)
    assert {trial.params["kind"] for trial in study.complete} == {"b"}
    assert study.best_value == min(trial.params["x"] for trial in study.complete)


def test_a_study_of_failures_says_why():
    study = tune(lambda trial: 1 / 0, SPACE, trials=5)
    assert [trial.status for trial in study.trials] == ["failed"] * 5
    with pytest.raises(TrainingError, match="ZeroDivisionError"):
        study.best_params  # noqa: B018


def test_importance_sums_to_one_and_finds_what_matters():
    study = tune(lambda trial: (trial["x"] - 1) ** 2, SPACE, trials=60, strategy="random")
    importance = study.importance()
    assert sum(importance.values()) == pytest.approx(1.0)
    assert next(iter(importance)) == "x"
    assert importance["x"] > 0.8
    flat = tune(lambda trial: 0.0, SPACE, trials=5).importance()
    assert flat == pytest.approx(dict.fromkeys(SPACE, 1 / 3))


@pytest.mark.parametrize("strategy", ["asht", "nsga2"])
def test_a_pareto_front_holds_what_nothing_beats(strategy):
    study = tune(
        lambda trial: (trial["x"] ** 2, -((trial["x"] - 2) ** 2)),
        {"x": (-5.0, 5.0)},
        trials=50,
        strategy=strategy,
        direction=["minimize", "maximize"],
    )
    front = study.pareto_front()
    assert len(front) >= 8
    assert np.mean([-0.3 <= trial.params["x"] <= 2.3 for trial in front]) > 0.8
    values = np.array([trial.values for trial in front])
    assert (np.diff(values[:, 0]) >= 0).all()
    assert (np.diff(values[:, 1]) >= 0).all()


def test_limits_end_the_search():
    assert len(tune(_objective, SPACE, trials=7).trials) == 7
    assert len(tune(lambda trial: 1.0, SPACE, trials=90, strategy="random", patience=6).trials) == 7
    assert len(tune(lambda trial: 1.0, SPACE, trials=90).trials) == 20
    start = time.monotonic()
    study = tune(
        lambda trial: time.sleep(0.02) or trial["x"], SPACE, trials=10**6, budget_seconds=0.5, strategy="random"
    )
    assert 5 < len(study.trials) < 30
    assert time.monotonic() - start < 30


def test_a_trial_that_reports_ends_when_it_is_hopeless():
    def objective(trial):
        for step in range(1, 10):
            trial.report(_objective(trial) + 1 / step, step)
        return _objective(trial)

    study = tune(objective, SPACE, trials=40, strategy="hyperband", steps=9)
    pruned = [trial for trial in study.trials if trial.status == "pruned"]
    assert 5 < len(pruned) < 40
    assert study.best_trial.status == "complete"


def test_suggestions_come_first_and_once():
    first = {"x": 1.0, "n": 1, "kind": "b"}
    study = tune(_objective, SPACE, trials=3, suggested=[first])
    assert study.trials[0].params == first
    again = tune(_objective, SPACE, trials=6, suggested=[first], study=study)
    assert sum(trial.params == first for trial in again.trials) == 1


def test_the_objective_gets_a_mapping():
    study = tune(lambda trial: float(len(trial) + len(dict(**trial))), SPACE, trials=1)
    assert study.best_value == 6.0


def test_events_say_what_happened_and_cancel_stops():
    events = []
    tune(_objective, SPACE, trials=4, on_event=events.append)
    numbers = [event.number for event in events if isinstance(event, TrialFinished)]
    assert numbers == [1, 2, 3, 4]
    with pytest.raises(Cancelled):
        tune(_objective, SPACE, trials=4, cancel=lambda: True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "at least 1"),
        ({"budget_seconds": 0}, "positive"),
        ({"strategy": "magic"}, "Possible: auto, asht"),
        ({"direction": "up"}, "possible: minimize, maximize"),
        ({"direction": []}, "no objective"),
        ({"suggested": [{"x": 1.0}]}, "lack"),
        ({"study": Study(SearchSpace({"z": (0, 1)}), ("minimize",), "asht", 0)}, "another search space"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        tune(_objective, SPACE, **arguments)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 9}', json.dumps({"format": 1, "directions": [], "space": {}})])
def test_a_file_that_is_no_study_is_refused(text, tmp_path):
    path = tmp_path / "study.json"
    path.write_text(text)
    with pytest.raises(DataError, match="holds no study"):
        Study.load(path)
    with pytest.raises(DataError, match="holds no study"):
        Study.load(tmp_path / "missing.json")

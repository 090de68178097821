"""Whatever the clock decides is in the list of trials: executed again, it gives the same model, byte for byte."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine import tabular
from automl_runtime.engine.clock import Clock
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.base import Stopper
from automl_runtime.engine.recorded import read_trials, write_trials
from automl_runtime.errors import RequestError
from engine_jobs import make_job, mixed_rows, run

FAMILIES = (
    *("lightgbm", "catboost", "xgboost", "linear", "lasso", "elastic_net", "additive", "linear_svm", "rbf_svm"),
    *("gaussian_process", "neighbors", "naive_bayes", "extra_trees", "random_forest", "tree", "network"),
)


class AfterPolls(Stopper):
    """A clock that is over when it has been looked at so many times."""

    def __init__(self, polls):
        super().__init__()
        self.left = polls

    def __call__(self):
        self.left -= 1
        return self.left <= 0


def _sales():
    rng = np.random.default_rng(0)
    days = pd.date_range("2024-01-01", periods=150)
    rows = pd.DataFrame({"day": [*days, *days], "shop": ["a"] * 150 + ["b"] * 150})
    return rows.assign(sold=40 + 9 * (rows["day"].dt.day_of_week == 5) + rng.normal(scale=2.0, size=300))


def _labels():
    rows = mixed_rows("regression", 300)
    return rows.assign(y=(rows["y"] > 1).astype(int), heavy=(rows["weight"] + rows["y"] > 3).astype(int))


SEARCHES = {
    "binary": (mixed_rows("binary"), {"target": "y"}),
    "multiclass": (mixed_rows("multiclass"), {"target": "y"}),
    "regression": (mixed_rows("regression"), {"target": "y"}),
    "labels": (_labels(), {"target": ["y", "heavy"]}),
    "forecast": (_sales(), {"target": "sold", "task": "forecast", "time": "day", "series": ["shop"], "horizon": 7}),
    "clustering": (mixed_rows("regression").drop(columns="y"), {"task": "clustering"}),
    "anomaly": (mixed_rows("regression").drop(columns="y"), {"task": "anomaly"}),
}


@pytest.fixture
def ticking(monkeypatch):
    """A clock on which every look takes a tenth of a second: what a search has time for does not depend on the machine.

    What fits themselves get is still real time, and a replay has none.
    """

    def elapsed(self):
        self.start = min(self.start, 0.0) - 0.1
        return -self.start

    monkeypatch.setattr(Clock, "elapsed", elapsed)


def _files(model, folder):
    """The contents of the saved model, without how long anything took."""
    model.save(folder)
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            record = json.loads(path.read_bytes())
            record.pop("seconds", None)
            speeds = ("fit_seconds", "predict_us_per_row")
            board = [{key: row[key] for key in row if key not in speeds} for row in record.pop("leaderboard", [])]
            found[path.name] = [board, record]
        elif path.is_file() and not path.name.endswith(".cbm.gz"):
            found[path.relative_to(folder)] = path.read_bytes()
    return found


@pytest.mark.parametrize("polls", [1, 2, 7])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_fit_that_the_clock_ended_comes_out_again_by_its_rounds(family, task, polls):
    if (family, task) == ("naive_bayes", "regression"):
        pytest.skip("naive Bayes tells classes apart")
    rows = mixed_rows(task, 300)
    learner, job = make_job(rows, family, stop=AfterPolls(polls))
    ended = run(learner, job)
    again = run(*make_job(rows, family, rounds=ended.rounds))
    assert again.rounds == ended.rounds
    raw = [fitted.predictor.predict(job.rows.valid_matrix()) for fitted in (ended, again)]
    np.testing.assert_array_equal(*raw)


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("seconds", [1.2, 4.0])
@pytest.mark.parametrize("task", SEARCHES)
def test_a_timed_search_is_repeated_from_its_file(task, seconds, tmp_path):
    rows, asked = SEARCHES[task]
    timed = fit(rows, budget_seconds=seconds, **asked)
    write_trials(tmp_path / "trials.jsonl", timed.trials)
    again = fit(rows, replay=read_trials(tmp_path / "trials.jsonl"), **asked)
    write_trials(tmp_path / "again.jsonl", again.trials)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "trials.jsonl").read_bytes()
    if task != "labels":
        assert _files(again, tmp_path / "b") == _files(timed, tmp_path / "a")
    else:
        pd.testing.assert_frame_equal(again.predict_proba(rows), timed.predict_proba(rows), check_exact=True)


@pytest.mark.usefixtures("ticking")
def test_time_ends_the_searches_that_have_no_target():
    rows, _ = SEARCHES["clustering"]
    counts = [len(fit(rows, task="clustering", budget_seconds=seconds).trials) for seconds in (2, 4, 1_000)]
    assert counts == sorted(set(counts))
    short, long = (fit(rows, task="anomaly", budget_seconds=seconds).trials for seconds in (0.1, 1_000))
    assert [trial["learner"] for trial in short] == ["tails"]
    assert [trial["rounds"] for trial in long] == [[], [], [200]]


def test_a_forest_is_grown_to_the_trees_that_it_had():
    rows, _ = SEARCHES["anomaly"]
    trials = fit(rows, task="anomaly").trials
    trials[2]["rounds"] = [40]
    again = fit(rows, task="anomaly", replay=trials)
    assert len(again.detectors.forest.roots) == 40
    assert again.trials == trials


def test_centers_are_moved_only_where_they_were():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(21_000, 3)) + rng.integers(0, 2, (21_000, 1)) * 8, columns=list("abc"))
    moved = fit(rows, task="clustering", trials=1)
    assert [trial["final_rounds"] for trial in moved.trials] == [1]
    kept = fit(rows, task="clustering", replay=[moved.trials[0] | {"final_rounds": None}])
    assert kept.trials[0]["final_rounds"] is None
    assert not np.array_equal(kept.assignment.points, moved.assignment.points)


def test_a_trial_that_failed_is_not_made_to_fail_again(monkeypatch):
    from automl_runtime.engine.learners.linear import LinearLearner

    rows = mixed_rows("regression", 120)
    with monkeypatch.context() as broken:
        broken.setattr(LinearLearner, "fit", lambda self, job: (_ for _ in ()).throw(ValueError("singular")))
        first = fit(rows, "y", trials=3)
    assert [trial["status"] for trial in first.trials] == ["complete", "failed", "complete"]
    again = fit(rows, "y", replay=first.trials)
    assert again.trials == first.trials
    assert again.cv == first.cv


def test_which_time_stamps_are_hidden_is_recorded(monkeypatch):
    rows = mixed_rows("regression").assign(serial=np.arange(400.0), day=pd.date_range("2024-01-01", periods=400))
    asked = {"target": "y", "time": "day", "validation": "temporal"}
    monkeypatch.setattr(tabular, "harmful_stamps", lambda problem, *_: tabular.np.array([1]))
    first = fit(rows, trials=1, **asked)
    assert first.trials[0]["plan"]["hidden"] == [1]
    monkeypatch.setattr(tabular, "harmful_stamps", lambda *_: pytest.fail("it is known"))
    assert fit(rows, replay=first.trials, **asked).cv == first.cv


def test_hundreds_of_trials_take_a_line_each_and_the_plan_stands_once(tmp_path):
    trial = fit(mixed_rows("binary"), "y", trials=1).trials[0]
    many = [trial | {"model": f"lightgbm_{number}"} for number in range(400)]
    write_trials(tmp_path / "trials.jsonl", many)
    text = (tmp_path / "trials.jsonl").read_text()
    assert text.count("\n") == 400
    assert text.count('"plan"') == 1
    assert len(text) < 400 * 400
    assert read_trials(tmp_path / "trials.jsonl") == [{"search": ""} | each for each in many]


PLAN = {"validation": "stratified", "folds": 2, "rows": 400, "seed": 0}
GOOD = {"model": "m", "learner": "lightgbm", "params": {}, "rounds": [5, 5], "plan": PLAN}


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (5, "replay: "),
        ({"model": "m"}, "`learner`: Field required"),
        (GOOD | {"rounds": ["many"]}, "`rounds.0`"),
        (GOOD | {"status": "splendid"}, "`status`"),
        (GOOD | {"when": "yesterday"}, "unknown key `when`"),
        (GOOD | {"rounds": []}, "could be trained"),
        (GOOD | {"status": "failed"}, "no trial to execute again"),
        (GOOD | {"learner": "oracle"}, "oracle"),
        (GOOD | {"plan": {}}, "plan of the recorded trials cannot be used: `validation`"),
        (GOOD | {"plan": PLAN | {"folds": 0}}, "`folds`"),
        (GOOD | {"plan": PLAN | {"speed": 9}}, "`speed`"),
        (GOOD | {"plan": PLAN | {"preprocessing": {"scaling": "upwards"}}}, "`scaling`"),
    ],
)
def test_a_list_that_is_none_is_refused(trial, said):
    with pytest.raises((RequestError, RuntimeError), match=said):
        fit(SEARCHES["binary"][0], "y", replay=[trial])


@pytest.mark.parametrize(
    ("task", "trial", "said"),
    [
        ("clustering", {"learner": "oracle"}, "'oracle' .* is no clustering"),
        ("clustering", {"learner": "kmeans", "params": {"clusters": "four"}}, "is no clustering"),
        ("clustering", {"learner": "kmeans", "params": {"eps": 3}}, "is no clustering"),
        ("anomaly", {"learner": "oracle"}, "'oracle' is no detector"),
        ("anomaly", {"learner": "isolation_forest"}, "'isolation_forest' is no detector"),
        ("forecast", {"learner": "lightgbm", "rounds": [5]}, "none of the search 'absolute'"),
    ],
)
def test_a_list_of_another_task_is_refused(task, trial, said):
    rows, asked = SEARCHES[task]
    with pytest.raises(RequestError, match=said):
        fit(rows, replay=[{"model": "m"} | trial], **asked)


@pytest.mark.parametrize(
    ("line", "said"), [("{", "line 2: '{' is no JSON"), ("[]", "line 2"), ("{}", "line 2: `model`")]
)
def test_a_file_that_is_no_list_is_refused_with_its_line(line, said, tmp_path):
    (tmp_path / "trials.jsonl").write_text(f"{json.dumps(GOOD)}\n{line}\n")
    with pytest.raises(RequestError, match=f"trials.jsonl, {said}"):
        read_trials(tmp_path / "trials.jsonl")

"""Estimators and transformers of others: on the leaderboard, stored, read again, refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime import DataPreprocessor, fit, load
from automl_runtime.engine.registries import registry
from automl_runtime.errors import BundleError, MissingExtraError, RequestError, TrainingError
from automl_runtime.events import Warned


def _rows(count=240, seed=0):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {"a": rng.normal(size=count), "b": rng.normal(size=count), "kind": rng.choice(list("xyz"), count)}
    )
    score = rows["a"] + rows["b"] ** 2 + (rows["kind"] == "x") + rng.normal(scale=0.4, size=count)
    return rows.assign(value=score, y=np.digitize(score, [0.5, 2.0]), flag=np.where(score > 1, "yes", "no"))


def _fit(target, **options):
    others = [name for name in ("value", "y", "flag") if name != target]
    return fit(_rows().drop(columns=others), target, folds=2, **options)


def test_a_registered_estimator_enters_the_leaderboard_with_each_of_its_settings(plugs):
    plugs("architectures", "centroids", "Centroids")
    model = _fit("flag", trials=4)
    assert {"centroids", "centroids_2"} <= {row.model for row in model.leaderboard()}
    registry("architectures").remove("centroids")
    assert not any("centroids" in row.model for row in _fit("flag", trials=4).leaderboard())


@pytest.mark.parametrize(
    ("attribute", "target"),
    [("Centroids", "flag"), ("Centroids", "y"), ("Labels", "y"), ("Means", "value"), ("Trusting", "y")],
)
def test_it_is_stored_and_answers_the_same_in_a_new_process(plugs, tmp_path, attribute, target):
    plugs("architectures", "mine", attribute)
    model = _fit(target, models=["mine"], trials=1)
    model.save(tmp_path / "model")
    assert np.isfinite(model.cv)
    fresh = _rows(40, seed=1)
    fresh.to_parquet(tmp_path / "fresh.parquet")
    code = (
        "import sys, pandas as pd; from automl_runtime import load;"
        "print(*load(sys.argv[1]).predict(pd.read_parquet(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "fresh.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.split() == [str(value) for value in model.predict(fresh)]


def test_a_model_is_not_read_where_its_class_is_not_registered(plugs, tmp_path):
    plugs("architectures", "mine", "Centroids")
    _fit("flag", models=["mine"], trials=1).save(tmp_path)
    registry("architectures").remove("mine")
    with pytest.raises(BundleError, match="needs mine, one of the architectures that others add"):
        load(tmp_path)
    plugs("architectures", "mine", "NoFit")
    with pytest.raises(BundleError, match="mine is a Centroids; registered is user_parts:NoFit"):
        load(tmp_path)


def test_types_that_the_class_does_not_trust_are_named(plugs):
    plugs("architectures", "hidden", "Hidden")
    with pytest.raises(TrainingError, match=r"hidden cannot be stored.*sklearn\.tree\._tree\.Tree"):
        _fit("y", models=["hidden"], trials=1)


def test_a_model_that_was_given_other_types_is_refused(plugs, tmp_path):
    plugs("architectures", "mine", "Trusting")
    _fit("y", models=["mine"], trials=1).save(tmp_path)
    registry("architectures").remove("mine")
    plugs("architectures", "mine", "Centroids")
    with pytest.raises(BundleError, match=r"mine holds sklearn\.tree\._tree\.Tree, which user_parts:Centroids"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("attribute", "target", "task"), [("Means", "flag", "binary"), ("Centroids", "value", "regression")]
)
def test_an_estimator_of_another_task_is_refused_by_name_and_else_left_out(plugs, attribute, target, task):
    plugs("architectures", "mine", attribute)
    with pytest.raises(RequestError, match=f"architecture mine is for .*; the target '{target}' is a {task} task"):
        _fit(target, models=["mine"], trials=1)
    assert "mine" not in {trial["learner"] for trial in _fit(target, trials=3).trials}


@pytest.mark.parametrize(
    ("attribute", "words"), [("NoFit", "has no fit and predict"), ("Needs", "missing 1 required positional argument")]
)
def test_what_is_no_estimator_is_named_in_a_warning_and_left_out(plugs, attribute, words):
    plugs("architectures", "odd", attribute)
    heard = []
    _fit("flag", trials=1, on_event=heard.append)
    said = [event.text for event in heard if isinstance(event, Warned)]
    assert any(f"odd (user_parts:{attribute}, registered)" in text and words in text for text in said)


def test_weights_that_an_estimator_cannot_take_are_not_forgotten(plugs):
    plugs("architectures", "mine", "Centroids")
    with pytest.raises(TrainingError, match=r"Centroids\.fit takes no sample_weight"):
        _fit("flag", models=["mine"], trials=1, weights=np.arange(240) + 1.0)


def test_settings_of_an_estimator_can_be_fixed(plugs):
    plugs("architectures", "mine", "Centroids")
    model = _fit("flag", models=["mine"], params={"power": 3.0})
    assert [trial["params"] for trial in model.trials] == [{"power": 3.0}]
    with pytest.raises(RequestError, match="mine has no setting 'powr'; did you mean `power`"):
        _fit("flag", models=["mine"], params={"powr": 3.0})


def test_a_transformer_of_one_s_own_is_a_step_and_survives_saving(plugs, tmp_path):
    plugs("preprocessors", "squares", "Squares")
    asked = {"preprocessing": {"custom": ["squares"]}, "models": ["linear"], "trials": 1}
    model = _fit("value", **asked)
    assert model.cv < 0.7 * _fit("value", models=["linear"], trials=1).cv
    model.save(tmp_path)
    pd.testing.assert_series_equal(load(tmp_path).predict(_rows(30, 1)), model.predict(_rows(30, 1)))
    made = DataPreprocessor({"custom": ["squares"]}).fit_transform(_rows()[["a", "b"]])
    np.testing.assert_allclose(made["squares.2"], (_rows()["a"] - _rows()["a"].mean()) ** 2)


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        (
            "OfDates",
            "preprocessor mine reads columns of the kind date; the table of the target 'flag' has category, number",
        ),
        ("ToWords", r"preprocessor mine makes words, and the architecture \(built in\) reads numbers"),
    ],
)
def test_parts_that_do_not_go_together_are_refused_before_anything_trains(plugs, attribute, words):
    plugs("preprocessors", "mine", attribute)
    heard = []
    with pytest.raises(RequestError, match=words):
        _fit("flag", trials=1, preprocessing={"custom": ["mine"]}, on_event=heard.append)
    assert [type(event).__name__ for event in heard] == ["Progress", "TrainingFailed"]


def test_an_unknown_transformer_is_named():
    with pytest.raises(RequestError, match="There is no preprocessor 'nothing'"):
        _fit("flag", trials=1, preprocessing={"custom": ["nothing"]})


def test_without_skops_the_command_that_brings_it_is_said(plugs, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    plugs("preprocessors", "squares", "Squares")
    with pytest.raises(MissingExtraError, match=r"automl-runtime\[plugins\]"):
        DataPreprocessor({"custom": ["squares"]}).fit(_rows()[["a", "b"]])


@pytest.mark.parametrize(("attribute", "words"), [("Fails", "not with me"), ("FailsLater", "not any more")])
def test_an_estimator_that_raises_ends_its_own_trials_only(plugs, attribute, words):
    plugs("architectures", "bad", attribute)
    heard = []
    model = _fit("flag", trials=3, on_event=heard.append)
    assert len(model.leaderboard()) >= 2
    errors = [event.error for event in heard if type(event).__name__ == "TrialFinished" and event.error]
    assert ["bad failed" in error and words in error for error in errors] == [True]


def test_a_transformer_that_raises_is_named(plugs):
    plugs("preprocessors", "bad", "Fails")
    with pytest.raises(TrainingError, match="bad failed: AssertionError: 'not with me'"):
        _fit("flag", trials=1, preprocessing={"custom": ["bad"]})


def test_without_skops_the_other_families_are_trained(plugs, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    plugs("architectures", "centroids", "Centroids")
    heard = []
    model = _fit("flag", trials=2, on_event=heard.append)
    assert "centroids" not in {trial["learner"] for trial in model.trials}
    assert any("skops" in event.text for event in heard if isinstance(event, Warned))


def test_the_record_of_a_run_names_the_transformers(plugs):
    plugs("preprocessors", "squares", "Squares")
    model = _fit("value", trials=1, preprocessing={"custom": ["squares"]})
    again = _fit("value", replay=json.loads(json.dumps(model.trials)))
    np.testing.assert_array_equal(again.oof, model.oof)

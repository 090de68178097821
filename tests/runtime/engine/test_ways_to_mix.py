"""Ways to mix models that are asked for: each fits, predicts, is stored and repeated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.engine.ensemble import equal_weights
from automl_runtime.engine.pipelines import fit_pipeline, read_pipeline
from automl_runtime.errors import RequestError
from automl_runtime.events import Warned
from engine_jobs import mixed_rows

FAMILIES = ["lightgbm", "linear", "tree"]
WAYS = ["voting", "stacking", "bagging"]


def _fit(way, task="multiclass", **options):
    asked = {"trials": 4, "folds": 3, "models": FAMILIES} | options
    return fit(mixed_rows(task, 240), "y", ensemble=way, **asked)


@pytest.fixture(scope="module")
def fitted():
    return {way: _fit(way) for way in ["auto", *WAYS]}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_predicts_and_is_the_same_after_loading_and_in_a_replay(fitted, way, tmp_path):
    model, fresh = fitted[way], mixed_rows("multiclass", 60, seed=1)
    shares = model.predict_proba(fresh)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert (model.predict(fresh) == fresh["y"]).mean() > fresh["y"].value_counts(normalize=True).max() + 0.15
    model.save(tmp_path)
    pd.testing.assert_frame_equal(load(tmp_path).predict_proba(fresh), shares)
    again = fit(mixed_rows("multiclass", 240), "y", replay=model.trials)
    pd.testing.assert_frame_equal(again.predict_proba(fresh), shares)


def test_a_vote_gives_the_best_of_each_family_the_same_weight(fitted):
    model, best = fitted["voting"], {}
    for trial in sorted(model.trials, key=lambda trial: trial["score"], reverse=True):
        best[trial["learner"]] = trial["model"]
    assert len(model.trials) > len(best) > 1
    assert model.weights == pytest.approx(dict.fromkeys(best.values(), 1 / len(best)))
    assert model.fitted.info.shifts == ()


def test_a_stack_has_a_second_level(fitted):
    assert len(fitted["stacking"].fitted.info.shifts) == 3


def test_bags_keep_the_models_of_the_folds(fitted):
    parts = {way: [len(member.parts) for member in model.fitted.members] for way, model in fitted.items()}
    assert set(parts["bagging"]) == {3}
    assert set(parts["auto"]) == {1}


def test_ties_go_to_the_first_and_others_of_a_family_are_left_out():
    np.testing.assert_array_equal(equal_weights(["a", "b", "a", "b"], [2.0, 1.0, 1.0, 1.0]), [0, 0.5, 0.5, 0])


def test_a_regression_votes_too():
    model = _fit("voting", "regression", trials=3)
    assert len(model.weights) > 1
    assert list(model.weights.values()) == pytest.approx([1 / len(model.weights)] * len(model.weights))
    assert model.cv < mixed_rows("regression", 240)["y"].std()


def test_a_stack_of_one_model_is_said_to_be_none():
    told = []
    model = _fit("stacking", models=["linear"], trials=1, on_event=told.append)
    assert model.fitted.info.shifts == ()
    assert any("stacking needs two models" in event.text for event in told if isinstance(event, Warned))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"way": "votin"}, "no ensemble 'votin'.*[Dd]id you mean .?voting"),
        ({"way": "stacking", "task": "regression"}, "`ensemble: stacking` is for classes"),
        ({"way": "voting", "interpretable": True, "models": ["linear"]}, "an interpretable search leaves one"),
        ({"way": "bagging", "time": pd.Series(range(240)), "validation": "temporal"}, "the latest would be left out"),
    ],
)
def test_what_does_not_suit_is_refused(options, said):
    with pytest.raises(RequestError, match=said):
        _fit(**options)


def test_recorded_trials_keep_their_way(fitted):
    with pytest.raises(RequestError, match="another ensemble"):
        fit(mixed_rows("multiclass", 240), "y", ensemble="voting", replay=fitted["bagging"].trials)


@pytest.mark.parametrize("way", WAYS)
def test_a_pipeline_says_how_its_models_are_mixed(way):
    text = f"name: mixed\nmodel: {{type: ensemble, members: [lightgbm, linear], ensemble: {way}}}\n"
    text += "evaluation: {metrics: [accuracy, roc_auc, f1]}\n"
    run = fit_pipeline(read_pipeline(text), mixed_rows("binary", 160), "y", folds=2, trials=2)
    assert run.model.trials[0]["plan"]["ensemble"] == way
    assert list(run.metrics) == ["accuracy", "roc_auc", "f1"]

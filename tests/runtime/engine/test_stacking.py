"""The second level: honest, chosen only where it is better, and stored."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine import finish
from automl_runtime.engine.fit import fit
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.scoring import trial_score
from automl_runtime.engine.stacking import Stack, stack
from automl_runtime.errors import BundleError
from automl_runtime.inference.model import load
from engine_jobs import mixed_rows
from sklearn.datasets import load_wine

FOLDS = [80, 80, 80, 80, 80]


def _wines():
    """Three classes that forests, boosters and linear models tell apart in different ways."""
    rows = load_wine(as_frame=True).frame
    return rows.drop(columns="target").assign(y="wine " + rows["target"].astype(str))


def _problem(rng, metric="log_loss", classes=2):
    labels = tuple("abc"[:classes])
    task = "binary" if classes == 2 else "multiclass"
    return Problem(task, metric, "y", rng.integers(0, classes, 400).astype(float), labels)


def _chances(rng, problem, signal):
    """What a model says that knows a part of the truth."""
    logits = rng.normal(size=(400, len(problem.classes)))
    logits[np.arange(400), problem.codes] += signal
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("classes", [2, 3])
def test_models_that_err_apart_are_worth_more_than_their_mean(classes):
    rng = np.random.default_rng(0)
    problem, rows = _problem(rng, classes=classes), np.arange(400)
    outputs = [_chances(rng, problem, 1.5) for _ in range(4)]
    found = stack(problem, rows, FOLDS, outputs, 0)
    np.testing.assert_allclose(found.outputs.sum(axis=1), 1.0)
    assert (found.weights > 0).all()
    mean = trial_score(problem, rows, np.mean(outputs, axis=0))
    assert trial_score(problem, rows, found.outputs) < 0.9 * mean


def test_a_model_that_says_nothing_is_left_out():
    rng = np.random.default_rng(1)
    problem = _problem(rng)
    outputs = [_chances(rng, problem, 3.0), 1.0 - _chances(rng, problem, 1.0)]
    weights = stack(problem, np.arange(400), FOLDS, outputs, 0).weights
    assert weights[0] > 0
    assert weights[1] == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_target_is_not_learned_by_the_second_level(seed):
    rng = np.random.default_rng(seed)
    problem, rows = _problem(rng, "roc_auc"), np.arange(400)
    outputs = [_chances(rng, problem, 0.0) for _ in range(12)]
    score = trial_score(problem, rows, stack(problem, rows, FOLDS, outputs, 0).outputs)
    assert abs(score - 0.5) < 0.08
    assert score < max(trial_score(problem, rows, each) for each in outputs) + 0.02


def test_the_score_of_a_fold_does_not_depend_on_its_own_target():
    rng = np.random.default_rng(0)
    problem, rows = _problem(rng), np.arange(400)
    outputs = [_chances(rng, problem, 1.0) for _ in range(3)]
    y = problem.y.copy()
    y[:80] = 1 - y[:80]
    turned = Problem("binary", "log_loss", "y", y, problem.classes)
    # The order of the models is that of their scores on all rows; their set is the same.
    first, second = (stack(each, rows, FOLDS, outputs, 0).outputs for each in (problem, turned))
    np.testing.assert_allclose(first[:80], second[:80], atol=1e-4)
    assert not np.allclose(first[80:], second[80:], atol=1e-4)


def test_a_second_level_that_wins_is_used_scored_out_of_fold_and_stored(tmp_path):
    rows = _wines()
    model = fit(rows, "y", trials=3, folds=3, metric="log_loss")
    assert model.best_model == "ensemble"
    assert len(model.fitted.info.shifts) == 3
    assert sum(model.weights.values()) == pytest.approx(1.0)
    assert model.cv == min(row.cv for row in model.leaderboard())
    codes = np.searchsorted(model.classes, rows["y"][model.oof.index])
    chances = model.oof.to_numpy()[np.arange(len(rows)), codes]
    assert -np.log(chances).mean() == pytest.approx(model.cv)
    model.save(tmp_path)
    loaded = load(tmp_path)
    np.testing.assert_array_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    single = model.predict_proba(rows.iloc[[3]]).to_numpy()
    np.testing.assert_allclose(single, model.predict_proba(rows).iloc[[3]], rtol=1e-9)
    again = fit(rows, "y", replay=model.trials)
    np.testing.assert_array_equal(again.predict_proba(rows), model.predict_proba(rows))


def test_shifts_that_do_not_fit_the_classes_are_refused(tmp_path):
    fit(_wines(), "y", trials=3, folds=3, metric="log_loss").save(tmp_path)
    path = tmp_path / "model.json"
    text = path.read_text(encoding="utf-8")
    assert '"shifts": []' not in text
    path.write_text(text.replace('"shifts": [', '"shifts": [0.5, 0.5, '), encoding="utf-8")
    with pytest.raises(BundleError, match="shifts"):
        load(tmp_path)


def test_a_second_level_that_is_worse_is_not_used(monkeypatch):
    def bad(problem, rows, folds, outputs, seed):
        return Stack(np.ones(len(outputs)), np.zeros(3), np.full((len(rows), 3), 1 / 3))

    monkeypatch.setattr(finish, "stack", bad)
    model = fit(mixed_rows("multiclass", 300), "y", trials=3, folds=3, metric="log_loss")
    assert model.fitted.info.shifts == ()


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_values_and_readable_models_have_no_second_level(task):
    model = fit(mixed_rows(task, 200), "y", trials=3, folds=2, interpretable=task == "binary")
    assert model.fitted.info.shifts == ()

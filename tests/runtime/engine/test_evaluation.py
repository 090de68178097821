from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.evaluation import evaluate
from automl_runtime.engine.fit import fit
from automl_runtime.errors import SchemaMismatchError, TrainingError
from sklearn import metrics as sk


def _rows(count, seed):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"size": rng.normal(size=count), "kind": rng.choice(["red", "green"], count)})
    # Noise for red rows only: the slice on which every model does worse.
    rows["y"] = rows["size"] + np.where(rows["kind"] == "red", 2.0, 0.1) * rng.normal(size=count)
    return rows


@pytest.fixture(scope="module", params=[2, 3, 0], ids=["binary", "multiclass", "regression"])
def case(request):
    train, holdout = _rows(200, 0), _rows(400, 1)
    for rows in (train, holdout):
        if request.param:
            labels = np.array(["a", "b", "c"])[: request.param]
            rows["y"] = labels[np.searchsorted([-0.5, 0.5][: request.param - 1], rows["y"])]
    return fit(train, "y", trials=2, folds=2), holdout


def test_the_scores_are_those_of_the_predictions(case):
    model, holdout = case
    found = evaluate(model, holdout, holdout["y"])
    predicted = model.predict(holdout)
    if model.classes:
        assert found.scores["accuracy"] == pytest.approx(sk.accuracy_score(holdout["y"], predicted))
        assert found.scores["log_loss"] == pytest.approx(sk.log_loss(holdout["y"], model.predict_proba(holdout)))
    else:
        assert found.scores["mae"] == pytest.approx(sk.mean_absolute_error(holdout["y"], predicted))
    assert found.score == found.scores[model.metric]
    assert found.ci[0] < found.score < found.ci[1]
    assert found.rows == 400


def test_the_evaluation_is_json_and_the_same_twice(case):
    model, holdout = case
    first, second = (evaluate(model, holdout, holdout["y"]).to_json() for _ in range(2))
    for found in (first, second):
        assert found.pop("predict_us_per_row") > 0
    assert json.loads(json.dumps(first, allow_nan=False)) == json.loads(json.dumps(second))


def test_a_loaded_model_is_evaluated_alike(case, tmp_path):
    from automl_runtime.inference.model import load

    model, holdout = case
    model.save(tmp_path)
    assert evaluate(load(tmp_path), holdout, holdout["y"]).score == evaluate(model, holdout, holdout["y"]).score


def test_tables_and_curves_are_scikit_learns(case):
    model, holdout = case
    found = evaluate(model, holdout, holdout["y"])
    if not model.classes:
        assert sum(found.residuals.counts) == 400
        assert len(found.predicted_vs_actual.actual) == 400
        return
    expected = sk.confusion_matrix(holdout["y"], model.predict(holdout), labels=model.classes)
    assert found.confusion.counts == expected.tolist()
    report = sk.classification_report(holdout["y"], model.predict(holdout), output_dict=True)
    for entry in found.per_class:
        ours = (entry.precision, entry.recall, entry.f1, entry.support)
        assert ours == pytest.approx(tuple(report[entry.label].values()))
    assert [curve.label for curve in found.roc] == (model.classes if len(model.classes) > 2 else [model.positive])
    for curve in found.roc:
        truth, proba = holdout["y"] == curve.label, model.predict_proba(holdout)[curve.label]
        assert curve.area == pytest.approx(sk.roc_auc_score(truth, proba))
        assert sk.auc(curve.x, curve.y) == pytest.approx(curve.area, abs=0.005)
        assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
        assert len(curve.x) <= 200
    for curve in found.calibration:
        assert sum(curve.weight) == 400


def test_the_worst_slice_is_found(case):
    model, holdout = case
    worst = evaluate(model, holdout, holdout["y"]).worst_slices
    assert "kind = red" in [each.condition for each in worst]
    assert all(each.rows >= 30 for each in worst)


def test_rows_that_cannot_be_scored(case):
    model, holdout = case
    with pytest.raises(SchemaMismatchError, match="Row 1 of the target"):
        evaluate(model, holdout, holdout["y"].where(holdout.index != 0))
    if model.classes:
        strange = holdout["y"].where(holdout.index > 9, "unheard of")
        assert evaluate(model, holdout, strange).rows == 390
        with pytest.raises(TrainingError, match="None of the rows"):
            evaluate(model, holdout, pd.Series(["unheard of"] * 400))


def test_one_class_in_the_holdout_still_gives_an_evaluation(case):
    model, holdout = case
    if model.classes:
        some = holdout[holdout["y"] == "a"]
        found = evaluate(model, some, some["y"])
        assert json.dumps(found.to_json(), allow_nan=False)
        assert not any(curve.label == "a" for curve in found.roc)


def test_a_class_of_one_row_does_not_hide_the_weak_spots():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=900), "kind": rng.choice(["red", "blue"], 900)})
    y = pd.Series(np.where(frame["x"] > 0, "up", "down"))
    y[frame["kind"] == "red"] = rng.choice(["up", "down"], int((frame["kind"] == "red").sum()))
    y[:20] = "rare"
    rare = y.copy()
    model = fit(frame, y, metric="log_loss", trials=1, folds=2)
    rare[1:20] = "up"
    assert evaluate(model, frame, rare).worst_slices[0].condition == "kind = red"

"""A record gets the answer that it would get as the only row of a frame, from every kind of model."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.engine import finish
from automl_runtime.errors import BundleError, RequestError, SchemaMismatchError
from automl_runtime.inference import records
from automl_runtime.inference.model import FittedModel

RANDOM = np.random.default_rng(3)
ROWS = 160
WORDS = np.array("alpha beta gamma delta epsilon zeta".split())
FRAME = pd.DataFrame(
    {
        "size": RANDOM.normal(size=ROWS),
        "price": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.exponential(size=ROWS) * 100),
        "colour": RANDOM.choice(["red", "green", "blue", None], ROWS),
        "shop": RANDOM.choice([f"s{place}" for place in range(70)], ROWS),
        "open": RANDOM.random(ROWS) < 0.4,
        "when": pd.date_range("2024-01-01", periods=ROWS, freq="7h"),
        "note": [" ".join(RANDOM.choice(WORDS, 6)) + f" {place}" for place in range(ROWS)],
    }
)
_SCORE = 2 * FRAME["size"] + FRAME["price"].fillna(0) / 100 + 2 * (FRAME["colour"] == "red") + FRAME["open"]
SCORE = _SCORE + RANDOM.normal(size=ROWS) * 0.3
TARGETS = {
    "binary": pd.Series(np.where(SCORE > 2, "yes", "no"), name="t"),
    "multiclass": pd.Series(pd.qcut(SCORE, 3, labels=False), name="t"),
    "regression": np.exp(SCORE).rename("t"),
}
FAMILIES = (
    *("lightgbm", "catboost", "xgboost", "extra_trees", "random_forest", "linear", "network", "tree", "additive"),
    *("lasso", "elastic_net", "linear_svm", "rbf_svm", "gaussian_process", "neighbors", "naive_bayes"),
)
TRAPS = {
    "size": ["3", " 1.5 ", "much", None, True, 10**30, float("inf"), -0.0, np.float32(0.1)],
    "price": [np.nan, -1e9, "inf", 2**64, 0, pd.NA],
    "colour": ["Red", "violet", None, 3, 2.0, True, np.str_("red"), pd.NaT],
    "shop": ["s3", "s99", "", float("nan")],
    "open": ["yes", "No", 0, 1.0, None, "perhaps", np.bool_(True)],
    "when": ["2024-02-29", "2024-02-29T23:59:59Z", "29.2.2024", pd.NaT, None, pd.Timestamp("1931-07-02 05:00")],
    "note": [12, 3.0, "", None, "alpha 7", "naïve £5 https://x.y!"],
}


def _strange_records():
    """Records of `FRAME`, then such with one cell that is none of its column's, and with several."""
    records = FRAME[:20].to_dict("records")
    changed = [records[1] | {name: cell} for name, cells in TRAPS.items() for cell in cells]
    several = [{name: cells[place % len(cells)] for name, cells in TRAPS.items()} for place in range(12)]
    return [*records, *changed, *several, records[2] | {"more": 1}]


RECORDS = _strange_records()


def _check_same(model, records=RECORDS):
    for record in records:
        found, frame = model.predict_record(record), pd.DataFrame([record])
        if isinstance(found, float):
            assert found == pytest.approx(model.predict(frame).iloc[0], rel=1e-9, abs=1e-9)
        else:
            wanted = model.predict_proba(frame)
            assert list(found) == list(wanted.columns)
            np.testing.assert_allclose(list(found.values()), wanted.iloc[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("family", "task"),
    [(family, task) for family in FAMILIES for task in TARGETS if (family, task) != ("naive_bayes", "regression")],
)
def test_every_family(family, task):
    _check_same(fit(FRAME, TARGETS[task], models=[family], trials=1, folds=2), RECORDS[::3])


@pytest.fixture(scope="module", params=TARGETS)
def ensemble(request):
    patch = pytest.MonkeyPatch()
    patch.setattr(finish, "greedy_weights", lambda problem, rows, outputs, seed: np.full(len(outputs), 0.2))
    patch.setattr(finish, "_stacked", lambda *_: None)
    model = fit(FRAME, TARGETS[request.param], trials=5, folds=2)
    patch.undo()
    assert len(model.fitted.members) == 5
    return model


def test_an_ensemble_as_fitted_and_as_loaded(ensemble, tmp_path):
    _check_same(ensemble)
    ensemble.save(tmp_path / "m")
    loaded = load(tmp_path / "m")
    assert [loaded.predict_record(record) for record in RECORDS] == [ensemble.predict_record(row) for row in RECORDS]


def test_log_chances_are_pooled():
    model = fit(FRAME, TARGETS["multiclass"], models=["lightgbm", "linear", "network"], trials=3, folds=2)
    pooled = replace(model.fitted.info, shifts=(0.3, -0.2, 0.1))
    parts = model.fitted
    _check_same(FittedModel(pooled, parts.encoder, parts.designs, parts.members))


@pytest.mark.parametrize(
    "preprocessing",
    [
        {"imputation": "median", "scaling": "standard", "encoding": "onehot"},
        {"imputation": "most_frequent", "scaling": "power", "encoding": "target"},
        {"scaling": "quantile", "outliers": "iqr", "encoding": "ordinal", "infinities": "max_value"},
        {"imputation": "mean", "indicator": True, "scaling": "robust", "encoding": "frequency", "selection": "k_best"},
    ],
)
def test_preprocessing_is_part_of_it(preprocessing):
    for family in ("linear", "lightgbm"):
        target = TARGETS["binary"]
        _check_same(fit(FRAME, target, models=[family], trials=1, folds=2, preprocessing=preprocessing))


@pytest.mark.parametrize("labels", [[False, True], [1.5, 2.5], ["x", "y"], [3, 7]])
def test_labels_keep_their_type(labels):
    target = pd.Series(np.where(SCORE > 2, *labels), name="t")
    found = fit(FRAME, target, task="binary", models=["linear"], trials=1, folds=2).predict_record(RECORDS[0])
    assert list(found) == sorted(labels)
    assert [type(label) for label in found] == [type(label) for label in labels]
    assert sum(found.values()) == pytest.approx(1.0)


def test_threads_do_not_disturb_each_other(ensemble):
    wanted = [ensemble.predict_record(record) for record in RECORDS]
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: [ensemble.predict_record(record) for record in RECORDS], range(8)))
    assert rounds == [wanted] * 8


def test_a_model_that_has_answered_travels(ensemble):
    wanted = ensemble.predict_record(RECORDS[0])
    assert pickle.loads(pickle.dumps(ensemble.fitted)).predict_record(RECORDS[0]) == wanted


def test_no_frame_is_made_of_common_cells(ensemble, monkeypatch):
    wanted = ensemble.predict_record(RECORDS[0])
    plain = RECORDS[0] | {"when": "2024-01-01"}
    assert ensemble.predict_record(plain) == wanted
    monkeypatch.setattr(records, "pd", SimpleNamespace(Timestamp=pd.Timestamp))
    assert ensemble.predict_record(plain) == wanted


def test_parts_that_do_not_fit_the_classes_are_refused():
    parts = fit(FRAME, TARGETS["binary"], models=["linear"], trials=1, folds=2).fitted
    info = replace(parts.info, classes=("a", "b", "c"))
    with pytest.raises(BundleError, match="says 1 numbers of 3 classes"):
        FittedModel(info, parts.encoder, parts.designs, parts.members).predict_record(RECORDS[0])


@pytest.mark.parametrize(("record", "error"), [({}, SchemaMismatchError), ([1], RequestError), (None, RequestError)])
def test_what_is_no_record_of_the_model_is_refused(ensemble, record, error):
    with pytest.raises(error):
        ensemble.predict_record(record)

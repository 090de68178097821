"""Preprocessing by choice: every option fits a mixed frame, changes the outcome, and is the same after loading."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLClassifier, fit, load
from automl_runtime.errors import RequestError, TrainingError
from automl_schemas import preprocessing as contract

_TYPES = {
    "infinities": "Infinities",
    "outliers": "Outliers",
    "outlier_action": "OutlierAction",
    "imputation": "Imputation",
    "scaling": "Scaling",
    "encoding": "Encoding",
    "selection": "Selection",
    "imbalance": "Imbalance",
}


def _rows(count=220, seed=0):
    """Numbers with gaps, infinities and far-out values, strings, dates; one row in six is of the rare class."""
    rng = np.random.default_rng(seed)
    size, kind = rng.normal(size=count), rng.choice(["red", "green", "blue", None], count)
    income = np.exp(rng.normal(size=count))
    score = size + (kind == "red") + 0.5 * np.log(income) + rng.normal(scale=0.7, size=count)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(count) < 0.1, np.nan, size),
            "income": np.where(rng.random(count) < 0.05, np.inf, income),
            "far": np.where(rng.random(count) < 0.03, 500.0, rng.normal(size=count)),
            "kind": kind,
            "town": [f"town{place}" for place in rng.integers(0, 40, count)],
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), unit="D"),
            "noise": rng.normal(size=count),
        }
    )
    return frame.assign(y=np.where(score > np.quantile(score, 5 / 6), "yes", "no"))


def _every_value():
    """Each value of each option, beside what it is compared with."""
    for option in contract.PreprocessingSpec.model_fields:
        values = get_args(getattr(contract, _TYPES.get(option, ""), None))
        for value in values:
            base = {"infinities": "max_value"} if value == "missing" else {}
            base = {"outliers": "iqr"} if option == "outlier_action" and value != "clip" else base
            if option == "outlier_action" and value == "clip":
                base = {"outliers": "iqr", "outlier_action": "mean"}
            yield pytest.param(base, base | {option: value}, id=f"{option}={value}")
    constant = {"imputation": "constant", "infinities": "constant"}
    yield pytest.param(constant, constant | {"fill_value": 5.0}, id="fill_value")
    yield pytest.param(constant, constant | {"infinite_value": 5.0}, id="infinite_value")
    yield pytest.param({"imputation": "mean"}, {"imputation": "mean", "indicator": True}, id="indicator")
    yield pytest.param({"encoding": "onehot"}, {"encoding": "onehot", "max_categories": 3}, id="max_categories")
    yield pytest.param({"selection": "k_best", "k": 2}, {"selection": "k_best", "k": 0.9}, id="k")


def _fit(preprocessing, **options):
    return fit(_rows(), "y", trials=2, folds=2, preprocessing=preprocessing, **options)


@pytest.mark.parametrize(("base", "asked"), list(_every_value()))
def test_every_option_changes_the_outcome_and_is_the_same_after_loading(base, asked, tmp_path):
    model = _fit(asked)
    assert not np.allclose(model.oof, _fit(base).oof)
    fresh = _rows(30, seed=1).assign(kind="unseen", size=np.nan, income=-np.inf)
    model.save(tmp_path)
    pd.testing.assert_frame_equal(load(tmp_path).predict_proba(fresh), model.predict_proba(fresh))


@pytest.mark.parametrize("preprocessing", [None, {}, {"scaling": "auto", "imputation": None}])
def test_what_is_left_out_is_done_by_the_recipes(preprocessing):
    model = _fit(preprocessing)
    assert "preprocessing" not in model.trials[0]["plan"]
    pd.testing.assert_frame_equal(model.oof, fit(_rows(), "y", trials=2, folds=2).oof)


def test_all_families_learn_with_everything_at_once():
    asked = {
        "infinities": "max_value",
        "outliers": "zscore",
        "outlier_action": "winsorize",
        "imputation": "median",
        "indicator": True,
        "scaling": "power",
        "encoding": "target",
        "selection": "importance",
        "k": 0.7,
        "imbalance": "smote",
    }
    model = fit(_rows(), "y", trials=7, folds=2, preprocessing=asked)
    assert [trial["status"] for trial in model.trials if trial["status"] == "failed"] == []
    assert {"lightgbm", "catboost", "linear", "extra_trees", "network"} <= {row["learner"] for row in model.trials}
    assert model.evaluate(_rows(seed=1))["roc_auc"] > 0.75


@pytest.mark.parametrize("encoding", ["onehot", "ordinal"])
def test_texts_stay_beside_what_was_chosen_for_the_rest(encoding):
    words = np.random.default_rng(0).choice(["apple", "pear", "plum", "fig", "nut"], (220, 5))
    rows = _rows().assign(note=[" ".join(row) for row in words], y=(words == "fig").any(axis=1))
    asked = {"encoding": encoding, "scaling": "minmax", "selection": "k_best", "k": 2}
    model = fit(rows, "y", trials=5, folds=2, preprocessing=asked)
    assert [trial["status"] for trial in model.trials] == ["complete"] * 5
    assert model.cv > 0.9


def test_recorded_trials_bring_their_preprocessing_with_them():
    model = _fit({"scaling": "minmax", "imbalance": "oversample"})
    again = fit(_rows(), "y", replay=model.trials)
    np.testing.assert_array_equal(again.oof, model.oof)
    with pytest.raises(RequestError, match="another preprocessing"):
        fit(_rows(), "y", replay=model.trials, preprocessing={"scaling": "robust"})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"imputation": "medain"}, "'most_frequent'.*did you mean `median`"),
        ({"scalling": "minmax"}, "unknown key `scalling`; did you mean `scaling`"),
        ({"zzz": 1}, "unknown key `zzz`; known keys: custom, encoding"),
        ({"fill_value": 3.0}, "`fill_value` does nothing without `imputation`: 'constant'"),
        ({"imputation": "mean", "fill_value": 3.0}, "does nothing without `imputation`: 'constant'"),
        ({"outlier_action": "clip"}, "does nothing without `outliers`"),
        ({"selection": "k_best", "k": 0}, "greater than 0"),
        ({"selection": "k_best", "k": 2.5}, "a share below 1, not 2.5"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_allowed(asked, words):
    with pytest.raises(RequestError, match=words):
        _fit(asked)


def test_even_classes_are_no_matter_of_values():
    rows = _rows().assign(y=lambda rows: rows["noise"] + rows["far"])
    with pytest.raises(RequestError, match="a regression has none"):
        fit(rows, "y", trials=1, preprocessing={"imbalance": "smote"})


def test_a_class_that_holds_outliers_only_is_not_lost_in_silence():
    rows = pd.DataFrame(
        {"x": np.r_[np.random.default_rng(0).normal(size=95), np.full(5, 99.0)], "y": [0] * 95 + [1] * 5}
    )
    with pytest.raises(TrainingError, match="not every class is among them"):
        fit(rows, "y", trials=1, preprocessing={"outliers": "zscore", "outlier_action": "remove"})


@pytest.mark.parametrize("asked", [{"encoding": "target"}, {"imbalance": "smote", "encoding": "target"}])
@pytest.mark.parametrize("selection", ["k_best", "recursive"])
def test_no_option_lets_the_target_through(asked, selection):
    rows = _rows(400).assign(y=np.random.default_rng(3).integers(0, 2, 400))
    model = fit(rows, "y", trials=4, folds=3, preprocessing=asked | {"selection": selection})
    assert abs(model.cv - 0.5) < 0.12


def test_estimators_take_the_options():
    rows = _rows()
    model = AutoMLClassifier(trials=1, folds=2, preprocessing={"scaling": "quantile"})
    model.fit(rows.drop(columns="y"), rows["y"])
    assert model.model_.trials[0]["plan"]["preprocessing"] == {"scaling": "quantile"}


def test_a_forecast_takes_them_too():
    days = pd.date_range("2024-01-01", periods=120)
    rows = pd.DataFrame({"day": days, "sold": np.sin(np.arange(120) / 7) + 5, "sun": np.arange(120) % 5.0})
    asked = {"task": "forecast", "time": "day", "horizon": 3, "trials": 1}
    plain = fit(rows, "sold", **asked).forecast()
    scaled = fit(rows, "sold", **asked, preprocessing={"scaling": "quantile", "selection": "k_best"}).forecast()
    assert not np.allclose(plain.iloc[:, -1], scaled.iloc[:, -1])

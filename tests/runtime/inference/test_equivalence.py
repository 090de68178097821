"""Compiled trees predict as the libraries that grew them, and a backend that does not is refused."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.learners.forest import leaf_values, pack
from automl_runtime.engine.learners.xgboost import unpack
from automl_runtime.errors import BundleError
from automl_runtime.inference import catboost, catboost_cells, lightgbm
from automl_runtime.inference.boosted import single_cells
from automl_runtime.inference.catboost import CatBoost, features_data
from automl_runtime.inference.equivalence import compare, edge_rows, gate
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.model import load
from boosted_tables import FAMILIES, table, trained


def target(signal, classes):
    return np.digitize(signal, np.quantile(signal, np.arange(1, classes) / classes)) if classes else signal


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("params", [{"max_depth": 3}, {"max_depth": 9}, {"max_cat_to_onehot": 1}, {"gamma": 3.0}])
def test_xgboost(params, classes):
    import xgboost

    cells, signal = table(1)
    cells = single_cells(cells)
    kinds = ["q"] * 4 + ["c"] * 2
    objective = {0: "reg:squarederror", 2: "binary:logitraw", 3: "multi:softprob"}[classes]
    weights = np.random.default_rng(0).uniform(0.5, 3, len(cells))
    data = xgboost.DMatrix(cells, target(signal, classes), weight=weights, feature_types=kinds, enable_categorical=True)
    fixed = {"objective": objective, "base_score": 0.0, "nthread": 1, "tree_method": "hist"}
    fixed |= {"num_class": 3} if classes == 3 else {}
    booster = xgboost.train(fixed | params, data, 20)
    base = np.zeros(3 if classes == 3 else 1)
    ours = unpack(json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"], base)
    ours.check(6)
    rows = np.vstack([cells, edge_rows([each.astype(np.float32) for each in ours._sum.edges(6)])])

    def theirs(rows):
        found = xgboost.DMatrix(single_cells(rows), feature_types=kinds, enable_categorical=True)
        return booster.predict(found, output_margin=True).reshape(len(rows), -1)

    # XGBoost adds in single precision.
    compared = compare("kernels", ours.predict, theirs, rows, tolerance=2e-6)
    assert (compared.rows, compared.different) == (len(rows), 0), compared


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("family", ["RandomForest", "ExtraTrees"])
@pytest.mark.parametrize("depth", [4, None])
def test_scikit_learn(family, classes, depth):
    import sklearn.ensemble

    cells, signal = table(2)
    cells = np.nan_to_num(cells).astype(np.float32)
    kind = getattr(sklearn.ensemble, f"{family}{'Classifier' if classes else 'Regressor'}")
    model = kind(15, max_depth=depth, random_state=0).fit(cells, target(signal, classes))
    ours = pack([each.tree_ for each in model.estimators_], leaf_values(model.classes_ if classes else None, classes))
    ours.check(6)
    rows = np.vstack([cells, np.nan_to_num(edge_rows(ours._sum.edges(6))).clip(-1e30, 1e30)])

    def theirs(rows):
        rows = rows.astype(np.float32)
        return model.predict_proba(rows) if classes else model.predict(rows)[:, None]

    assert compare("kernels", ours.predict, theirs, rows).different == 0


CATBOOST = {
    "numbers": {},
    "deep": {"depth": 9},
    "no levels": {"min_data_in_leaf": 10_000, "grow_policy": "Lossguide"},
    "missing is largest": {"nan_mode": "Max"},
    "leaf by leaf": {"grow_policy": "Lossguide", "max_leaves": 40},
    "level by level": {"grow_policy": "Depthwise"},
}


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("family", CATBOOST)
def test_catboost(family, classes):
    import catboost as library

    cells, signal = table(4)
    cells = cells.astype(np.float32)
    weights = np.random.default_rng(0).uniform(0.5, 3, len(cells))
    pool = library.Pool(library.FeaturesData(num_feature_data=cells), target(signal, classes), weight=weights)
    fixed = {"iterations": 20, "thread_count": 1, "allow_writing_files": False, "verbose": False, "random_seed": 0}
    loss = {0: "RMSE", 2: "Logloss", 3: "MultiClass"}[classes]
    model = library.train(pool, fixed | {"loss_function": loss} | CATBOOST[family])
    ours = CatBoost(bytes(model._serialize_model()), 6, 3 if classes == 3 else 1)
    many = np.tile(cells, (3, 1))
    by_library = ours.predict(many)
    rows = np.vstack([cells, edge_rows(ours.edges())])
    np.testing.assert_array_equal(ours.predict(many), by_library)
    assert (ours.backend, ours.by_library().backend) == ("kernels", "library")
    assert compare("kernels", ours.predict, ours.by_library().predict, rows, tolerance=0.0).different == 0
    assert gate(ours)[0] is ours
    with pytest.raises(BundleError, match="does not read the 5 columns"):
        ours.predict(rows[:, :5])
    with pytest.raises(BundleError, match="outputs, expected 7"):
        CatBoost(ours.blob, 6, 7).predict(cells)


OTHER_CTR = "{}:Prior=0.3:Prior=2"
CATEGORIES = {
    "statistics": {"max_ctr_complexity": 3},
    "one by one": {"one_hot_max_size": 80},
    "both": {"one_hot_max_size": 10, "max_ctr_complexity": 4},
    "missing is largest": {"nan_mode": "Max"},
    "buckets": {"simple_ctr": [OTHER_CTR.format("Buckets")], "combinations_ctr": [OTHER_CTR.format("Buckets")]},
    "counters": {"simple_ctr": [OTHER_CTR.format("Counter")], "combinations_ctr": [OTHER_CTR.format("Counter")]},
    "leaf by leaf": {"grow_policy": "Lossguide", "max_leaves": 40, "one_hot_max_size": 10},
    "none is looked at": {"ignored_features": [4, 5]},
}


def with_codes(seed):
    """The table's codes as CatBoost reads them (missing: -1), and the rows that it trains on without some levels."""
    cells, signal = table(seed)
    cells[:, 4:] = np.nan_to_num(cells[:, 4:], nan=-1.0)
    return cells, signal, cells[:, 5] % 9 != 1


def trained_on_codes(classes, params):
    import catboost as library

    cells, signal, seen = with_codes(5)
    pool = library.Pool(features_data(cells[seen], 4), target(signal, classes)[seen])
    loss = {0: "RMSE", 2: "Logloss", 3: "MultiClass"}[classes]
    fixed = {"iterations": 30, "thread_count": 1, "allow_writing_files": False, "verbose": False, "random_seed": 0}
    model = library.train(pool, fixed | {"loss_function": loss} | params)
    return CatBoost(bytes(model._serialize_model()), 4, 3 if classes == 3 else 1), cells


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("family", CATEGORIES)
def test_catboost_with_categories(family, classes):
    ours, cells = trained_on_codes(classes, CATEGORIES[family])
    unseen = np.where(np.arange(6) < 4, cells[:20], -2.0)
    rows = np.vstack([cells, unseen, edge_rows(ours.edges())])
    by_library = ours.by_library().predict(rows)
    assert ours.backend == "kernels"
    np.testing.assert_array_equal(ours.predict(rows), by_library)
    np.testing.assert_array_equal(np.vstack([ours.predict(row[None]) for row in rows[::20]]), by_library[::20])
    kept, compared = gate(ours)
    assert kept is ours
    assert (compared["backend"], compared["different"]) == ("kernels", 0)
    with pytest.raises(BundleError, match="columns that its preprocessing does not make"):
        CatBoost(ours.blob, 3, ours.outputs).predict(cells)


def test_catboost_runs_what_is_not_read_here(monkeypatch):
    kind = "BinarizedTargetMeanValue"
    ours, cells = trained_on_codes(0, {"simple_ctr": [kind], "combinations_ctr": [kind]})
    assert ours.backend == "library"
    assert gate(ours) == (ours, None)
    ours, cells = trained_on_codes(0, {})
    monkeypatch.setattr(catboost, "_LARGEST", len(ours.blob) - 1)
    assert ours.backend == "library"
    np.testing.assert_array_equal(ours.predict(cells), ours.by_library().predict(cells))


def test_a_model_that_kernels_have_read_is_still_written(tmp_path):
    ours, cells = trained_on_codes(0, {})
    found = ours.predict(cells)
    ours.write(tmp_path / "model.cbm", "cbm")
    np.testing.assert_array_equal(CatBoost((tmp_path / "model.cbm").read_bytes(), 4, 1).predict(cells), found)


def test_a_lookup_that_is_off_is_noticed(monkeypatch):
    ours, _ = trained_on_codes(2, {})
    monkeypatch.setattr(catboost_cells, "hash_codes", lambda rows, first, hashed: hashed.fill(0))
    kept, compared = gate(ours)
    assert kept.backend == "library"
    assert compared["different"] > 0


def wrong(monkeypatch):
    """Kernels whose sigmoid is off."""
    monkeypatch.setattr(lightgbm, "sigmoids", lambda sums, slope: np.add(sums, 0.5, out=sums))


def test_a_backend_that_differs_is_replaced_by_the_library(monkeypatch):
    booster, cells = trained(FAMILIES["binary"])
    model = LightGbm(booster.model_to_string())
    kept, compared = gate(model)
    assert kept is model
    assert (compared["backend"], compared["different"], compared["largest"]) == ("kernels", 0, 0.0)
    wrong(monkeypatch)
    kept, compared = gate(model)
    assert kept.backend == "library"
    assert compared["different"] == compared["rows"] >= 300
    np.testing.assert_array_equal(kept.predict(cells)[:, 0], booster.predict(cells, num_threads=1))
    assert gate(kept) == (kept, None)


def test_a_saved_model_says_how_its_backend_compared_and_keeps_to_it(tmp_path, monkeypatch):
    import pandas as pd

    cells, signal = table(3)
    frame = pd.DataFrame(cells, columns=list("abcdef")).assign(y=np.where(signal > np.median(signal), "yes", "no"))
    model = fit(frame, "y", trials=1, folds=2, models=["lightgbm"])
    model.save(tmp_path / "right")
    model_json = json.loads((tmp_path / "right" / "model.json").read_text())
    parts = [part for member in model_json["members"] for part in member["parts"]]
    assert {(part["backend"], part["compared"]["different"]) for part in parts} == {("kernels", 0)}
    right = load(tmp_path / "right").predict_proba(frame)
    wrong(monkeypatch)
    model.save(tmp_path / "wrong")
    again = load(tmp_path / "wrong")
    assert {part.predictor.backend for member in again.members for part in member.parts} == {"library"}
    pd.testing.assert_frame_equal(again.predict_proba(frame), right)


def test_models_of_before_there_were_backends_load(tmp_path):
    import pandas as pd

    cells, signal = table(3)
    frame = pd.DataFrame(cells, columns=list("abcdef")).assign(city=np.where(cells[:, 0] > 0, "x", "y"), y=signal)
    model = fit(frame, "y", trials=2, folds=2, models=["lightgbm", "catboost"])
    model.save(tmp_path)
    record = json.loads((tmp_path / "model.json").read_text())
    for member in record["members"]:
        for part in member["parts"]:
            assert part.pop("backend") in ("kernels", "library")
            part.pop("compared", None)
    (tmp_path / "model.json").write_text(json.dumps(record))
    pd.testing.assert_series_equal(load(tmp_path).predict(frame), model.predict(frame))


def test_without_the_library_nothing_is_compared(monkeypatch):
    booster, _ = trained(FAMILIES["regression"], rounds=2)
    model = LightGbm(booster.model_to_string())
    monkeypatch.setattr(lightgbm, "find_spec", lambda name: None)
    lightgbm._library.cache_clear()
    assert gate(model) == (model, None)
    lightgbm._library.cache_clear()


def test_edges_are_met_below_at_and_above():
    rows = edge_rows([np.array([0.25, 7.0]), np.empty(0), np.array([0.1], np.float32)])
    assert rows.shape == (300, 3)
    assert {0.25, np.nextafter(0.25, 1), np.nextafter(0.25, 0), 7.0} <= set(rows[:, 0])
    single = np.float32(0.1)
    assert {float(single), float(np.nextafter(single, np.float32(1)))} <= set(rows[:, 2])
    assert np.isnan(rows).any(axis=0).all()
    assert np.isinf(rows).any(axis=0).all()


def test_rows_have_no_codes_but_those_that_are_asked_for():
    assert set(edge_rows([np.arange(-2, 3), np.array([0.5])])[:, 0]) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.0 + 1e-9])
def test_any_difference_counts(value):
    ours, theirs = np.array([[1.0], [value], [np.nan]]), np.array([[1.0], [1.0], [np.nan]])
    compared = compare("one", lambda rows: ours, lambda rows: theirs, np.zeros((3, 1)))
    assert (compared.backend, compared.rows, compared.different) == ("one", 3, 1)
    assert compared.largest is None if not np.isfinite(value) else compared.largest > 1e-10
    json.dumps(asdict(compared), allow_nan=False)

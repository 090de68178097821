"""The backends of a published model: compared, measured, and the fastest exact one used for each number of rows."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError, MissingExtraError
from automl_runtime.inference import choosing
from automl_runtime.inference.backends import OnnxPredictor, backend_of, run_by
from automl_runtime.inference.choosing import with_backends
from automl_runtime.inference.exporting.predictors import predictor_graph
from automl_runtime.inference.lightgbm import LightGbm, SingleRow
from automl_runtime.inference.model import load
from automl_runtime.inference.parts import BATCHES
from boosted_tables import FAMILIES, trained


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(300, 3)), columns=list("abc"))
    frame["city"] = np.where(draw.random(300) < 0.1, None, draw.choice(["Bergen", "Oslo", "Rome"], 300))
    return frame.assign(y=np.where(frame["a"] + (frame["city"] == "Rome") + draw.normal(size=300) > 0, "yes", "no"))


@pytest.fixture(scope="module")
def model(rows):
    return fit(rows, "y", trials=1, folds=2, models=["lightgbm"]).fitted


def faster(monkeypatch, *order):
    """Lets the clock say that these backends are the fastest for 1, 32 and 1,000 rows at a time."""
    best = dict(zip(BATCHES, order, strict=True))

    def told(ways, matrices, rows):
        return {backend: 1.0 if backend == best[rows] else 5.0 for backend in ways}

    monkeypatch.setattr(choosing, "_microseconds", told)


@pytest.mark.parametrize("family", ["binary", "three", "regression"])
def test_the_call_for_one_row_gives_what_the_library_gives(family):
    booster, cells = trained(FAMILIES.get(family, FAMILIES["regression"]))
    single = LightGbm(booster.model_to_string(), "single_row")
    assert single.backend == "single_row"
    expected = single.by_library().predict(cells)
    np.testing.assert_array_equal(single.predict(cells), expected)
    np.testing.assert_array_equal(np.vstack([single.predict(row[None]) for row in cells[:50]]), expected[:50])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(single)).predict(cells[:3]), expected[:3])
    assert single.predict(cells[:0]).shape == (0, single.outputs)
    with pytest.raises(BundleError, match="reads 6 columns"):
        single.predict(cells[:, :5])


def test_every_backend_is_compared_and_measured(model):
    [member] = with_backends(model).members
    told = {each.backend: each for each in member.measured}
    assert list(told) == ["kernels", "single_row", "library", "onnx"]
    assert all(len(each.us) == 3 and min(each.us) > 0 for each in told.values())
    assert max(told[name].largest for name in ("kernels", "single_row", "library")) == 0.0
    assert told["onnx"].largest < 1e-9
    assert "deployment.inexact_backends allows it" in told["onnx"].refused
    assert [told[name].refused for name in ("kernels", "single_row", "library")] == [None] * 3
    assert len(member.chosen) == len(member.ways) == 3
    assert "onnx" not in member.chosen


def test_each_number_of_rows_is_run_by_its_fastest_backend(model, rows, monkeypatch, tmp_path):
    faster(monkeypatch, "single_row", "library", "kernels")
    made = with_backends(model)
    made.save(tmp_path)
    again = load(tmp_path)
    for each in (made, again):
        [member] = each.members
        assert member.chosen == ("single_row", "library", "kernels")
        sizes = (1, 7, 8, 255, 256, 9_000)
        found = [{backend_of(part.predictor) for part in member.parts_for(size)} for size in sizes]
        assert found == [{"single_row"}] * 2 + [{"library"}] * 2 + [{"kernels"}] * 2
    assert again.members[0].measured == made.members[0].measured
    features = rows.drop(columns="y")
    pd.testing.assert_frame_equal(again.predict_proba(features), model.predict_proba(features))
    record = features.iloc[3].to_dict()
    assert again.predict_record(record) == model.predict_record(record)
    read = again.__dict__["_compiled"].predictors[0][2].__self__
    assert isinstance(read, LightGbm)
    assert read.backend == "single_row"


def test_what_is_not_exact_is_used_where_that_is_allowed_only(model, rows, monkeypatch, tmp_path):
    faster(monkeypatch, "onnx", "onnx", "onnx")
    assert with_backends(model).members[0].chosen == ("kernels",) * 3
    made = with_backends(model, inexact=True)
    assert made.members[0].chosen == ("onnx",) * 3
    files = made.save(tmp_path)
    assert "member0.0.onnx.gz" in [path.name for path in files]
    again = load(tmp_path)
    assert {type(part.predictor) for part in again.members[0].parts_for(1)} == {OnnxPredictor}
    features = rows.drop(columns="y")
    np.testing.assert_allclose(again.predict_proba(features), model.predict_proba(features), rtol=0, atol=1e-5)


def test_a_backend_that_differs_is_refused_however_fast_it_is(model, monkeypatch):
    right = SingleRow.predict
    monkeypatch.setattr(SingleRow, "predict", lambda self, cells, outputs: right(self, cells, outputs) + 1e-9)
    faster(monkeypatch, "single_row", "single_row", "single_row")
    [member] = with_backends(model).members
    refused = next(each.refused for each in member.measured if each.backend == "single_row")
    assert refused.startswith("differs on ")
    assert member.chosen == ("kernels",) * 3


def test_without_onnx_runtime_the_table_says_what_to_install(model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    told = {each.backend: each for each in with_backends(model, inexact=True).members[0].measured}
    assert told["onnx"].us == ()
    assert "onnxruntime" in told["onnx"].refused
    with pytest.raises(MissingExtraError):
        OnnxPredictor(b"")


@pytest.mark.parametrize("family", ["linear", "extra_trees", "catboost", "xgboost"])
def test_other_families_have_their_own_ways(rows, family):
    made = with_backends(fit(rows, "y", trials=1, folds=2, models=[family]).fitted)
    ways = [each.backend for each in made.members[0].measured if each.us]
    assert ways[0] == "kernels"
    assert ("library" in ways) == (family == "catboost")
    assert "single_row" not in ways
    assert "onnx" in [each.backend for each in made.members[0].measured]
    assert set(made.members[0].chosen) <= {"kernels", "library"}


def test_sparse_rows_and_models_without_rows_stay_as_they_are(rows):
    draw = np.random.default_rng(1)
    texts = [" ".join(draw.choice(["good", "bad", "the", "shop", "late", "kind"], 9)) for _ in range(len(rows))]
    text_model = fit(rows.assign(text=texts)[["text", "y"]], "y", trials=1, folds=2, models=["linear"]).fitted
    assert [member.chosen for member in with_backends(text_model).members] == [()]
    text_model.background = None
    assert with_backends(text_model) is text_model


@pytest.mark.parametrize("wrong", [["kernels"], ["kernels", "kernels", "gpu"]])
def test_a_bundle_that_names_other_backends_is_refused(model, tmp_path, wrong):
    with_backends(model).save(tmp_path)
    record = json.loads((tmp_path / "model.json").read_text())
    record["members"][0]["backends"]["chosen"] = wrong
    (tmp_path / "model.json").write_text(json.dumps(record))
    with pytest.raises(BundleError, match="unknown backends"):
        load(tmp_path)


def test_a_backend_runs_only_what_it_can():
    booster, _ = trained(FAMILIES["binary"])
    ours = LightGbm(booster.model_to_string())
    assert run_by(ours, "onnx") is None
    assert run_by(ours, "kernels") is ours
    with pytest.raises(BundleError, match="ONNX Runtime does not take"):
        run_by(ours, "onnx", b"no model")
    exported = OnnxPredictor(predictor_graph(ours, 6, 100, "booster"))
    exported.check(6)
    with pytest.raises(BundleError, match="ONNX Runtime fails on the rows"):
        exported.check(5)


def test_the_export_takes_for_zero_what_lightgbm_takes_for_zero():
    booster, cells = trained(FAMILIES["binary"])
    ours = LightGbm(booster.model_to_string())
    near = np.nan_to_num(cells[:200].copy())
    near[:, :4] = np.random.default_rng(0).choice([-1.0000000180025095e-35, -1e-36, 1e-36, 0.0], (200, 4))
    exported = OnnxPredictor(predictor_graph(ours, 6, 100, "booster"))
    np.testing.assert_allclose(exported.predict(near), ours.predict(near), rtol=0, atol=1e-12)


def test_the_export_of_catboost_reads_missing_categories(rows, tmp_path):
    from automl_runtime.inference.exporting.model import export_onnx
    from automl_runtime.inference.exporting.samples import sample_of

    found = fit(rows, "y", trials=1, folds=2, models=["catboost"]).fitted
    assert rows["city"].isna().any()
    assert export_onnx(found, tmp_path / "model.onnx", sample_of(found.encoder, rows)).is_file()

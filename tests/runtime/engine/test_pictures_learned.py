"""Columns of pictures, from files to saved models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from automl_runtime import DataPreprocessor, fit, load
from automl_runtime.engine.kinds import infer_kind
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.target_means import Target
from automl_runtime.engine.views import View, copies_for, fit_views, view_of, with_copies
from automl_runtime.errors import DataError, RequestError
from automl_runtime.images import load_folder
from automl_runtime.inference.encoding import Column, Encoder
from pictures import stripes, to_bytes, write_folder

ANGLES = {"flat": 90, "rising": 135, "upright": 0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return load_folder(write_folder(tmp_path_factory.mktemp("stripes"), ANGLES, each=20))


@pytest.fixture(scope="module")
def model(folder):
    return fit(folder, "label", trials=2, seed=0)


def content_of(frame):
    return pd.DataFrame({"path": [Path(path).read_bytes() for path in frame["path"]]})


def test_directions_are_learned_and_told_for_files_bytes_and_a_loaded_model(folder, model, tmp_path):
    fresh = load_folder(write_folder(tmp_path / "new", ANGLES, each=10, seed=1))
    assert model.evaluate(fresh)["accuracy"] >= 0.95
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    pd.testing.assert_frame_equal(again.predict_proba(content_of(fresh)), model.predict_proba(fresh), atol=1e-9)


def test_a_model_of_pictures_is_read_without_code(model, tmp_path):
    files = model.save(tmp_path / "model")
    assert {file.suffix for file in files} <= {".json", ".npz", ".txt.gz", ".gz"}
    with np.load(tmp_path / "model" / "arrays.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "fiub" for name in arrays.files)


def test_a_broken_file_is_named_when_it_is_to_be_predicted(model):
    with pytest.raises(DataError, match=r"1 of 1 pictures of column 'path'.*cannot be opened"):
        model.predict(pd.DataFrame({"path": ["gone.png"]}))


def test_a_row_without_a_picture_is_predicted_from_the_others(folder, model):
    rows = pd.DataFrame({"path": [None, folder["path"].iloc[0]]}, dtype=object)
    shares = model.predict_proba(rows).to_numpy()
    assert np.allclose(shares.sum(axis=1), 1.0)
    assert shares[0].max() < shares[1].max()


def test_the_column_of_pictures_is_explained(folder, model):
    found = model.explain(folder.iloc[:2], seconds=5)
    assert list(found.columns) == ["path", "base"]
    total = found.sum(axis=1).to_numpy()
    assert np.allclose(total, model.predict_proba(folder.iloc[:2]).max(axis=1), atol=1e-6)
    assert model.importance(folder, "label")["path"] == 1.0


def test_pictures_and_other_columns_are_learned_together():
    rng = np.random.default_rng(0)
    angle, size = rng.choice([0, 90], 80), rng.normal(size=80)
    rows = pd.DataFrame({"photo": [to_bytes(stripes(each, rng)) for each in angle], "size": size})
    y = pd.Series(np.where((angle == 90) ^ (size > 0), "left", "right"), name="side")
    model = fit(rows, y, models=["lightgbm"], trials=1)
    assert (model.predict(rows) == y).mean() > 0.9


def test_colours_are_learned_where_shapes_say_nothing():
    rng = np.random.default_rng(0)
    tints = {"blue": (0.3, 0.4, 1.0), "red": (1.0, 0.4, 0.3)}
    y = pd.Series(np.tile(list(tints), 30), name="tint")
    rows = pd.DataFrame({"photo": [to_bytes(stripes(rng.uniform(0, 180), rng, tint=tints[name])) for name in y]})
    assert fit(rows, y, models=["linear"], trials=1).cv > 0.95


def test_shuffled_classes_are_not_learned(folder):
    rng = np.random.default_rng(0)
    rows = folder.assign(label=rng.permutation(folder["label"].to_numpy()))
    found = fit(rows, "label", models=["network"], trials=1, metric="roc_auc")
    assert abs(found.cv - 0.5) < 0.2


@pytest.mark.parametrize(
    ("rows", "budget", "copies"), [(2_000, None, 5), (2_000, 60, 5), (2_000, 10, 0), (9_000, None, 0)]
)
def test_copies_are_made_of_few_pictures_when_there_is_time(rows, budget, copies):
    assert copies_for(rows, budget) == copies


@pytest.mark.parametrize("copies", [0, 5])
def test_no_configuration_wants_copies_that_are_not_there(folder, copies):
    inputs, problem = make_problem(folder, "label")
    data = Encoder((Column("path", "image"),)).encode(inputs, copies=copies)
    configs = portfolio(problem, data, interpretable=False)
    assert any(config.params.get("copies") for config in configs) == bool(copies)
    assert len({config.key() for config in configs}) == len(configs)


@pytest.fixture
def encoded(folder):
    return Encoder((Column("path", "image"),)).encode(folder[["path"]].iloc[:10], copies=3)


def test_copies_follow_their_rows_and_stay_in_their_group(encoded):
    y = np.arange(10.0)
    wide, target, places = with_copies(encoded, Target(y, 0), View(copies=2))
    assert len(wide) == 30 and not wide.copies
    assert (places == np.tile(np.arange(10), 3)).all()
    assert (target.y == y[places]).all() and (target.groups == places).all()
    assert (wide.images[0][13] == encoded.copies[0][3, 0]).all()
    assert with_copies(encoded, Target(y, 0), View())[2] is None


def test_components_are_those_of_the_covariance_and_ignore_missing_pictures(encoded):
    shape, colors = fit_views(encoded, view_of({}))
    cells = shape.transform(encoded)
    assert cells.var(axis=0).sum() == pytest.approx(100.0, rel=1e-3)
    covariance = np.cov(cells.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-3
    assert colors.transform(encoded).var(axis=0).sum() == pytest.approx(25.0, rel=1e-3)
    assert len(fit_views(encoded, view_of({"colors": False}))) == 1
    assert (shape.transform(Encoder((Column("path", "image"),)).encode(pd.DataFrame({"path": [None]}))) == 0).all()


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([to_bytes(np.zeros((4, 4, 3), dtype=np.uint8))] * 3, "image"),
        ([b"abc", b"def"], "category"),
        (["gone.png", "lost.png"], "category"),
        (["data:image/png;base64,AA==", None], "image"),
        (["Holiday photo.jpg was nice", "data:image/png;base64,AA=="], "category"),
    ],
)
def test_kinds_are_told_by_what_cells_are(cells, kind):
    assert infer_kind(pd.Series(cells, dtype=object)) == kind


def test_paths_of_files_that_are_there_are_pictures(folder):
    assert infer_kind(folder["path"]) == "image"


@pytest.mark.parametrize("task", ["clustering", "anomaly"])
def test_pictures_without_a_target_are_refused(folder, task):
    with pytest.raises(RequestError, match="but pictures; 'path' holds some"):
        fit(folder, task=task)


def test_a_preprocessor_refuses_pictures(folder):
    with pytest.raises(RequestError, match="but pictures; 'path' holds some"):
        DataPreprocessor({"scaling": "standard"}).fit(folder[["path"]])

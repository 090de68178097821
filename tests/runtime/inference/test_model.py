"""Saved models predict the same after loading; broken or hostile files are refused."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine import finish
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError, MissingExtraError
from automl_runtime.inference.forest import Forest
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import load
from automl_runtime.inference.network import Network


def _rows(count=120):
    rng = np.random.default_rng(0)
    words = np.array("alpha beta gamma delta epsilon zeta".split())
    rows = pd.DataFrame(
        {
            "number": np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count)),
            "few": rng.choice(["a", "b", "c", None], count),
            "many": rng.integers(0, 70, count).astype(str),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, count), unit="D"),
            "text": [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(count)],
        }
    )
    rows["value"] = rows["number"].fillna(0) + (rows["few"] == "a") + rng.normal(scale=0.1, size=count)
    return rows


def _class_of(value, classes):
    return classes[int(np.clip(value + 1, 0, len(classes) - 1))]


@pytest.fixture(scope="module", params=["binary", "multiclass", "regression"])
def fitted(request):
    rows = _rows()
    if request.param != "regression":
        classes = ["no", "yes"] if request.param == "binary" else ["x", "y", "z"]
        rows["value"] = [_class_of(value, classes) for value in rows["value"]]
    return rows.drop(columns="value"), _fit_five(rows)


def _fit_five(rows):
    """The first five trials are of five families; here each of them is a fifth of the model."""
    patch = pytest.MonkeyPatch()
    patch.setattr(finish, "greedy_weights", lambda problem, rows, outputs, seed: np.full(len(outputs), 0.2))
    patch.setattr(finish, "_stacked", lambda *_: None)
    model = fit(rows, "value", trials=5, folds=2)
    patch.undo()
    assert len(model.fitted.members) == 5
    return model


def _outputs(model, rows):
    return model.outputs(model.encoder.encode(rows))


def test_a_loaded_model_predicts_identically(fitted, tmp_path):
    rows, model = fitted
    files = model.save(tmp_path / "m")
    assert files == sorted(path for path in (tmp_path / "m").iterdir())
    assert {path.name.split(".", 1)[1] for path in files} == {
        "json",
        "npz",
        "0.txt.gz",
        "0.cbm.gz",
    }
    loaded = load(tmp_path / "m")
    np.testing.assert_array_equal(_outputs(loaded, rows), _outputs(model.fitted, rows))
    pd.testing.assert_series_equal(loaded.predict(rows), model.predict(rows))
    if model.classes:
        pd.testing.assert_frame_equal(loaded.predict_proba(rows), model.predict_proba(rows))
    for name in ("info", "features", "classes", "threshold", "threshold_by", "positive", "task", "metric", "target"):
        assert getattr(loaded, name) == getattr(model.fitted, name)


def test_equal_models_give_equal_bytes(fitted, tmp_path):
    _, model = fitted
    first, second = model.save(tmp_path / "a"), model.save(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_one_row_is_predicted_as_among_others(fitted):
    rows, model = fitted
    together = _outputs(model.fitted, rows)
    for row in (0, 17):
        np.testing.assert_allclose(_outputs(model.fitted, rows.iloc[[row]])[0], together[row], rtol=1e-9, atol=1e-12)


def test_many_rows_are_predicted_in_chunks(fitted, monkeypatch):
    from automl_runtime.inference import parts

    rows, model = fitted
    whole = _outputs(model.fitted, rows)
    monkeypatch.setattr(parts, "_CHUNK", 50)
    np.testing.assert_allclose(_outputs(model.fitted, rows), whole, rtol=1e-9, atol=1e-12)


def test_unseen_and_missing_cells_are_predicted(fitted):
    rows, model = fitted
    odd = rows.head(2).assign(few="new", many=None, number=np.inf, text=None, day=pd.NaT)
    assert np.isfinite(_outputs(model.fitted, odd)).all()


def test_loading_imports_neither_scikit_learn_nor_the_lightgbm_package(fitted, tmp_path):
    rows, model = fitted
    model.save(tmp_path / "m")
    rows.head(3).to_csv(tmp_path / "rows.csv")
    code = (
        "import sys, pathlib, pandas as pd; from automl_runtime.inference.model import load; "
        f"m = load(pathlib.Path({str(tmp_path / 'm')!r})); m.predict(pd.read_csv({str(tmp_path / 'rows.csv')!r})); "
        "print(sorted({'sklearn', 'lightgbm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_an_empty_frame_gives_an_empty_prediction(fitted):
    rows, model = fitted
    assert len(model.predict(rows.head(0))) == 0


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    rows = _rows()
    rows["value"] = rows["value"] > 0
    folder = tmp_path_factory.mktemp("saved")
    _fit_five(rows).save(folder)
    return folder


def _edit_json(folder, change):
    path = folder / "model.json"
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def _edit_arrays(folder, name, change):
    with np.load(folder / "arrays.npz") as stored:
        arrays = {key: stored[key] for key in stored.files}
    found = [key for key in arrays if key.endswith(name)]
    assert found
    for key in found:
        arrays[key] = change(arrays[key].copy())
    np.savez(folder / "arrays.npz", **arrays)


def _edit_text(folder, change):
    path = sorted(folder.glob("*.txt.gz"))[0]
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))


def _member(kind):
    def change(record, **values):
        for member in record["members"]:
            for part in member["parts"]:
                if part["predictor"] == kind:
                    part.update(values)

    return change


def _design_of(record, kind):
    parts = [part for member in record["members"] for part in member["parts"]]
    return next(part["design"] for part in parts if part["predictor"] == kind)


BREAKAGES = {
    "no json": lambda folder: (folder / "model.json").unlink(),
    "not json": lambda folder: (folder / "model.json").write_text("{"),
    "no arrays": lambda folder: (folder / "arrays.npz").unlink(),
    "cut arrays": lambda folder: (folder / "arrays.npz").write_bytes((folder / "arrays.npz").read_bytes()[:99]),
    "no booster": lambda folder: sorted(folder.glob("*.txt.gz"))[0].unlink(),
    "cut booster": lambda folder: sorted(folder.glob("*.txt.gz"))[0].write_bytes(b"\x1f\x8b"),
    "other version": lambda folder: _edit_json(folder, lambda record: record.update(version=9)),
    "unknown block": lambda folder: _edit_json(folder, lambda r: r["designs"][0][0].update(block="Evil")),
    "lacking array": lambda folder: _edit_json(folder, lambda r: r["designs"].append(r["designs"][0])),
    "unknown predictor": lambda folder: _edit_json(folder, lambda r: _member("Forest")(r, predictor="Pickle")),
    "unknown link": lambda folder: _edit_json(
        folder, lambda r: _member("Forest")(r, reading={"link": "x", "scale": 1, "shift": 0, "low": 0, "high": 1})
    ),
    "path outside": lambda folder: _edit_json(folder, lambda r: _member("LightGbm")(r, file="../x.txt.gz")),
    "wrong design": lambda folder: _edit_json(folder, lambda r: _member("CatBoost")(r, design=_design_of(r, "Linear"))),
    "pickled array": lambda folder: _edit_arrays(folder, "roots", lambda a: np.array([{}], dtype=object)),
    "forest backwards": lambda folder: _edit_arrays(folder, ".right", lambda a: np.zeros_like(a)),
    "forest out of bounds": lambda folder: _edit_arrays(folder, ".left", lambda a: a + 10**6),
    "forest feature": lambda folder: _edit_arrays(
        folder, ".feature", lambda a: np.where(a >= 0, 10**4, a).astype(a.dtype)
    ),
    "forest root": lambda folder: _edit_arrays(folder, ".roots", lambda a: a - 1),
    "forest type": lambda folder: _edit_arrays(folder, ".left", lambda a: a.astype(np.int64)),
    "linear width": lambda folder: _edit_arrays(folder, ".weights", lambda a: a[:-1]),
    "booster loops": lambda folder: _edit_text(folder, lambda t: re.sub(r"left_child=\S+", "left_child=0", t)),
    "booster leaf": lambda folder: _edit_text(folder, lambda t: re.sub(r"left_child=\S+", "left_child=-999", t)),
    "booster feature": lambda folder: _edit_text(folder, lambda t: re.sub(r"split_feature=\S+", "split_feature=99", t)),
    "booster empty": lambda folder: _edit_text(folder, lambda t: "tree\n"),
    "booster words": lambda folder: _edit_text(folder, lambda t: t.replace("num_leaves=", "num_leaves=x")),
    "catboost cut": lambda folder: sorted(folder.glob("*.cbm.gz"))[0].write_bytes(gzip.compress(b"CBM1")),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_model_is_refused(breakage, saved, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    load(folder)
    BREAKAGES[breakage](folder)
    with pytest.raises(BundleError):
        load(folder)


def test_a_model_of_a_missing_package_says_what_to_install(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(MissingExtraError, match="boost"):
        load(saved)


def test_a_regression_has_no_probabilities():
    model = fit(_rows(60)[["number", "value"]], "value", trials=1, folds=2)
    with pytest.raises(TypeError, match="predict"):
        model.predict_proba(_rows(60))


def test_predictors_refuse_other_widths():
    with pytest.raises(BundleError, match="expected 3 rows"):
        Linear(np.zeros((2, 1)), np.zeros(1), -1.0, 1.0).check(3)
    with pytest.raises(BundleError, match="do not read 3 columns"):
        Network(np.zeros(13, dtype=np.float32), np.array([2, 3, 1])).check(3)
    forest = Forest(
        np.zeros(1, np.int32),
        -np.ones(1, np.int32),
        np.zeros(1, np.float32),
        *([np.zeros(1, np.int32)] * 2),
        np.ones((1, 2)),
    )
    forest.check(0)
    assert forest.predict(np.zeros((2, 0))).tolist() == [[1, 1], [1, 1]]

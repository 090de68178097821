from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.engine.model import Model
from automl_runtime.errors import MissingExtraError, RequestError, SchemaMismatchError, TrainingError
from automl_runtime.images import load_folder
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.exporting import predictors
from automl_runtime.inference.groups import Grouped
from pictures import write_folder

RANDOM = np.random.default_rng(3)
ROWS = 300
FRAME = pd.DataFrame(
    {
        "size": RANDOM.normal(size=ROWS),
        "price": np.where(RANDOM.random(ROWS) < 0.1, np.nan, RANDOM.exponential(size=ROWS) * 100),
        "colour": RANDOM.choice(["red", "green", "blue", None], ROWS),
        "shop": RANDOM.choice([f"s{place}" for place in range(9)], ROWS),
        "open": RANDOM.random(ROWS) < 0.4,
        "when": pd.date_range("2024-01-01", periods=ROWS, freq="h"),
    }
)
WORDS = ("good", "bad", "fine", "poor", "the", "and", "with", "slow", "£5", "why?", "NOW!", "Straße")
NOTES = pd.Series([" ".join(RANDOM.choice(WORDS, RANDOM.integers(3, 12))) for _ in range(ROWS)], dtype=object)
_SCORE = 2 * FRAME["size"] + FRAME["price"].fillna(0) / 100 + 2 * (FRAME["colour"] == "red")
SCORE = _SCORE + FRAME["open"] + RANDOM.normal(size=ROWS) * 0.3
WIDE = FRAME.assign(
    city=RANDOM.choice([f"c{place}" for place in range(120)], ROWS),
    note=NOTES.mask(RANDOM.random(ROWS) < 0.1),
)
TARGETS = {
    "binary": pd.Series(np.where(SCORE > 2, "yes", "no"), name="t"),
    "multiclass": pd.Series(pd.qcut(SCORE, 3, labels=False), name="t"),
    "regression": np.exp(SCORE / 2).rename("t"),
}
FAMILIES = (
    *("lightgbm", "catboost", "xgboost", "extra_trees", "random_forest", "linear", "network", "tree", "additive"),
    *("lasso", "elastic_net", "linear_svm", "rbf_svm", "gaussian_process", "naive_bayes", "neighbors"),
)
CASES = [(family, task) for family in FAMILIES for task in TARGETS if (family, task) != ("naive_bayes", "regression")]


def raw_inputs(frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """What somebody without this library feeds: columns of one cell a row."""
    when = frame["when"]
    parts = {
        "year": when.dt.year,
        "month": when.dt.month,
        "day_of_week": when.dt.day_of_week,
        "day": when.dt.day,
        "days": (when.dt.normalize() - pd.Timestamp("1970-01-01")).dt.days,
        "hour": when.dt.hour,
    }
    numbers = {name: frame[name].astype(float) for name in ("size", "price", "open")}
    dates = {f"when.{name}": values.astype(float) for name, values in parts.items()}
    words = {name: frame[name].fillna("").astype(object) for name in frame.columns.difference([*numbers, "when"])}
    return {name: values.to_numpy().reshape(-1, 1) for name, values in (numbers | dates | words).items()}


def answers(path: Path, frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, raw_inputs(frame)), strict=True))


def assert_same(path: Path, model: Model, frame: pd.DataFrame) -> None:
    """The file and the model give the same outputs to 1e-5 of their size, and the same labels."""
    found = answers(path, frame)
    if model.task == "regression":
        np.testing.assert_allclose(found["value"][:, 0], model.predict(frame), rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), rtol=1e-5, atol=1e-6)
        assert found["label"].tolist() == model.predict(frame).tolist()


@pytest.mark.parametrize(("family", "task"), CASES)
def test_the_exported_model_says_what_the_model_says(family: str, task: str, tmp_path: Path) -> None:
    model = fit(FRAME[:200], TARGETS[task][:200], models=[family], trials=1, folds=2)
    rows = FRAME[200:].assign(shop=["new", *FRAME["shop"][201:]])
    assert_same(model.export(tmp_path / "deep" / "model.onnx", rows=rows), model, rows)


@pytest.mark.parametrize("family", ["lightgbm", "catboost", "linear", "network", "neighbors", "naive_bayes"])
def test_models_of_texts_and_of_categories_with_many_levels(family: str, tmp_path: Path) -> None:
    task = "regression" if family == "catboost" else "multiclass"
    model = fit(WIDE[:200], TARGETS[task][:200], models=[family], trials=1, folds=2)
    rows = WIDE[200:].copy()
    rows.loc[[200, 201, 202], "city"] = ["new", None, "c1"]
    rows.loc[[200, 201, 202], "note"] = ["", "https://a.b 数語 NEVER seen\t\u00a0ΟΔΟΣ", None]
    rows.loc[[203], "when"] = pd.NaT
    # Without rows, made texts are compared.
    assert_same(model.export(tmp_path / "model.onnx"), model, rows)
    operators = {node.domain for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert operators == {"", "ai.onnx.ml", "com.microsoft"}


def test_what_is_fitted_by_default_is_exported(tmp_path: Path) -> None:
    model = fit(WIDE, TARGETS["regression"], trials=7, folds=2)
    assert len(model.fitted.members) > 1
    assert_same(model.export(tmp_path / "model.onnx", rows=WIDE), model, WIDE)


@pytest.mark.parametrize("task", TARGETS)
def test_an_ensemble_is_one_file(task: str, tmp_path: Path) -> None:
    # Such as are mixed on these rows, and hold nothing that cannot be exported.
    models = ["lightgbm", "linear"] if task == "regression" else ["xgboost"]
    model = fit(FRAME, TARGETS[task], models=[*models, "extra_trees", "network"], trials=5, folds=3)
    assert len(model.fitted.members) > 1
    assert_same(model.export(tmp_path / "model.onnx"), model, FRAME)


@pytest.mark.parametrize(
    "preprocessing",
    [
        {"imputation": "median", "scaling": "standard", "encoding": "onehot"},
        {"imputation": "most_frequent", "scaling": "power", "encoding": "target"},
        {"scaling": "log", "outliers": "iqr", "encoding": "ordinal"},
        {"scaling": "quantile", "imputation": "constant", "indicator": True},
        {"imputation": "mean", "indicator": True, "scaling": "robust", "encoding": "frequency", "selection": "k_best"},
    ],
)
def test_preprocessing_is_part_of_it(preprocessing: dict[str, Any], tmp_path: Path) -> None:
    target = TARGETS["binary"]
    model = fit(FRAME, target, models=["linear"], trials=1, folds=2, preprocessing=preprocessing)
    assert_same(model.export(tmp_path / "model.onnx", rows=FRAME), model, FRAME)


def test_features_of_groups_that_help_are_exported(tmp_path: Path) -> None:
    level = WIDE["shop"].str[1:].astype(int)
    rows = pd.DataFrame({"shop": WIDE["shop"], "item": WIDE["city"].str[-1], "price": WIDE["size"] + 30 * level % 7})
    model = fit(rows, WIDE["size"].rename("t"), models=["lightgbm"], trials=9, folds=2)
    assert any(isinstance(block, Grouped) for design in model.fitted.designs for block in design.blocks)
    rows.loc[[0, 1], "shop"] = ["new", None]
    exported = model.export(tmp_path / "model.onnx", rows=rows)
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    cells = {name: rows[name].fillna("").to_numpy(dtype=object).reshape(-1, 1) for name in ("shop", "item")}
    [found] = session.run(None, cells | {"price": rows[["price"]].to_numpy()})
    np.testing.assert_allclose(found[:, 0], model.predict(rows), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "attribute", "said"),
    [
        ("architectures", "Centroids", "it holds the model 'mine', an estimator that was added"),
        ("preprocessors", "Squares", "it holds the transformer 'mine' that was added"),
    ],
)
def test_parts_of_others_are_named(plugs: Any, tmp_path: Path, kind: str, attribute: str, said: str) -> None:
    plugs(kind, "mine", attribute)
    asked: dict[str, Any] = (
        {"models": ["mine"]}
        if kind == "architectures"
        else {"models": ["linear"], "preprocessing": {"custom": ["mine"]}}
    )
    model = fit(FRAME[["size", "price"]], TARGETS["binary"], trials=1, folds=2, **asked)
    with pytest.raises(RequestError, match=said) as caught:
        model.export(tmp_path / "out" / "model.onnx")
    assert "Fit without it" in str(caught.value.hint)
    assert not (tmp_path / "out").exists()


def test_pictures_are_named(tmp_path: Path) -> None:
    table = load_folder(write_folder(tmp_path / "pictures", {"flat": 90, "upright": 0}, each=10))
    model = fit(table, "label", trials=1, folds=2)
    with pytest.raises(RequestError, match=r"it holds pictures \('path'\)"):
        model.export(tmp_path / "model.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(FRAME, TARGETS["binary"], models=["linear"], trials=1, folds=2)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"(?s)`{package}`.*automl-runtime\[onnx\]"):
        model.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["when.year", "automl.size", ""])
def test_names_that_are_taken_are_refused(name: str, tmp_path: Path) -> None:
    model = fit(FRAME.rename(columns={"size": name}), TARGETS["binary"], models=["linear"], trials=1, folds=2)
    with pytest.raises(RequestError, match=f"a column called '{name}', a name that is taken"):
        model.export(tmp_path / "model.onnx")


def test_rows_that_lack_a_column_are_refused(tmp_path: Path) -> None:
    model = fit(WIDE, TARGETS["binary"], models=["linear"], trials=1, folds=2)
    with pytest.raises(SchemaMismatchError, match="'note'"):
        model.export(tmp_path / "model.onnx", rows=WIDE.drop(columns="note"))


def test_a_file_that_would_say_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(FRAME, TARGETS["binary"], models=["xgboost"], trials=1, folds=2)
    right = predictors.PREDICTORS[Boosted]

    def wrong(graph: Any, predictor: Any, rows: str) -> str:
        return str(graph.op("Mul", right(graph, predictor, rows), graph.constant(1.01)))

    monkeypatch.setitem(predictors.PREDICTORS, Boosted, wrong)
    with pytest.raises(TrainingError, match=r"differs from the model by 0\.0\d+ of the size"):
        model.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_other_formats_are_refused(tmp_path: Path) -> None:
    model = fit(FRAME, TARGETS["binary"], models=["linear"], trials=1, folds=2)
    with pytest.raises(RequestError, match="possible: onnx"):
        model.export(tmp_path / "model.pmml", format="pmml")

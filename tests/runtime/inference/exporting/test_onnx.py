from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from automl_runtime import fit
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.boosted import Boosted
from automl_runtime.inference.exporting import model as exporting

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
_SCORE = 2 * FRAME["size"] + FRAME["price"].fillna(0) / 100 + 2 * (FRAME["colour"] == "red")
SCORE = _SCORE + FRAME["open"] + RANDOM.normal(size=ROWS) * 0.3
TARGETS = {
    "binary": pd.Series(np.where(SCORE > 2, "yes", "no"), name="t"),
    "multiclass": pd.Series(pd.qcut(SCORE, 3, labels=False), name="t"),
    "regression": np.exp(SCORE / 2).rename("t"),
}
FAMILIES = (
    *("lightgbm", "catboost", "xgboost", "extra_trees", "random_forest", "linear", "network", "tree", "additive"),
    *("lasso", "elastic_net", "linear_svm", "rbf_svm", "gaussian_process"),
)


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
    numbers |= {f"when.{name}": values.astype(float) for name, values in parts.items()}
    words = {name: frame[name].fillna("").astype(object) for name in ("colour", "shop")}
    return {name: values.to_numpy().reshape(-1, 1) for name, values in (numbers | words).items()}


def answers(path: Path, frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, raw_inputs(frame)), strict=True))


@pytest.mark.parametrize("task", TARGETS)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_exported_model_says_what_the_model_says(family: str, task: str, tmp_path: Path) -> None:
    model = fit(FRAME[:200], TARGETS[task][:200], models=[family], trials=1, folds=2)
    rows = FRAME[200:].assign(shop=["new", *FRAME["shop"][201:]])
    found = answers(model.export(tmp_path / "deep" / "model.onnx", rows=rows), rows)
    if task == "regression":
        np.testing.assert_allclose(found["value"][:, 0], model.predict(rows), rtol=1e-4, atol=1e-6)
    else:
        np.testing.assert_allclose(found["probabilities"], model.predict_proba(rows), rtol=1e-4, atol=1e-6)
        assert found["label"].tolist() == model.predict(rows).tolist()


@pytest.mark.parametrize("task", TARGETS)
def test_an_ensemble_is_one_file(task: str, tmp_path: Path) -> None:
    # Such as are mixed on these rows, and hold nothing that cannot be exported.
    models = ["lightgbm", "linear"] if task == "regression" else ["xgboost"]
    model = fit(FRAME, TARGETS[task], models=[*models, "extra_trees", "network"], trials=5, folds=3)
    assert len(model.fitted.members) > 1
    found = answers(model.export(tmp_path / "model.onnx"), FRAME)
    wanted = model.predict(FRAME).to_frame() if task == "regression" else model.predict_proba(FRAME)
    np.testing.assert_allclose(next(iter(found.values())), wanted, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "preprocessing",
    [
        {"imputation": "median", "scaling": "standard", "encoding": "onehot"},
        {"imputation": "most_frequent", "scaling": "power", "encoding": "target"},
        {"scaling": "log", "outliers": "iqr", "encoding": "ordinal"},
        {"imputation": "mean", "indicator": True, "scaling": "robust", "encoding": "frequency", "selection": "k_best"},
    ],
)
def test_preprocessing_is_part_of_it(preprocessing: dict[str, Any], tmp_path: Path) -> None:
    target = TARGETS["binary"]
    model = fit(FRAME, target, models=["linear"], trials=1, folds=2, preprocessing=preprocessing)
    found = answers(model.export(tmp_path / "model.onnx", rows=FRAME), FRAME)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(FRAME), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"models": ["neighbors"]}, "the model 'neighbors' of the kind Neighbors"),
        ({"models": ["linear"], "kinds": {"shop": "text"}}, "free text ('shop')"),
        ({"models": ["linear"], "preprocessing": {"scaling": "quantile"}}, "`scaling: quantile`"),
    ],
)
def test_what_cannot_be_said_is_named(arguments: dict[str, Any], said: str, tmp_path: Path) -> None:
    model = fit(FRAME, TARGETS["binary"], trials=1, folds=2, **arguments)
    with pytest.raises(RequestError) as caught:
        model.export(tmp_path / "model.onnx")
    assert said in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_file_that_would_say_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(FRAME, TARGETS["binary"], models=["xgboost"], trials=1, folds=2)
    right = exporting._PREDICTORS[Boosted]

    def wrong(graph: Any, predictor: Any, rows: str) -> str:
        return str(graph.op("Mul", right(graph, predictor, rows), graph.constant(1.01)))

    monkeypatch.setitem(exporting._PREDICTORS, Boosted, wrong)
    with pytest.raises(TrainingError, match=r"differs from the model by 0\.0\d+ of the size"):
        model.export(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_other_formats_are_refused(tmp_path: Path) -> None:
    model = fit(FRAME, TARGETS["binary"], models=["linear"], trials=1, folds=2)
    with pytest.raises(RequestError, match="possible: onnx"):
        model.export(tmp_path / "model.pmml", format="pmml")

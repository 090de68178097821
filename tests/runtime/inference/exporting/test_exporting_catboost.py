"""CatBoost's statistics of the target, of categories and of their combinations, without CatBoost."""

from __future__ import annotations

from typing import Any

import catboost as library
import numpy as np
import onnxruntime
import pytest
from automl_runtime.errors import RequestError
from automl_runtime.inference.catboost import CatBoost, features_data
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.inference.exporting.catboost import catboost
from automl_runtime.inference.exporting.graph import Graph

LEVELS = (40, 3, 7)
NUMBERS = 2


def make_rows(count: int, seed: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(count, NUMBERS))
    numbers[random.random(numbers.shape) < 0.1] = np.nan
    return np.hstack([numbers, np.column_stack([random.integers(UNSEEN, levels, count) for levels in LEVELS])])


def train(loss: str, **settings: Any) -> CatBoost:
    rows = make_rows(400, 0)
    score = np.nan_to_num(rows[:, 0]) + rows[:, 2] % 5 + 2 * (rows[:, 3] == 1) * (rows[:, 4] > 3)
    y = score if loss == "RMSE" else np.digitize(score, [3.0] if loss == "Logloss" else [2.0, 4.0])
    model = library.CatBoost(
        {"loss_function": loss, "iterations": 40, "verbose": False, "allow_writing_files": False, "thread_count": 1}
        | settings
    )
    model.fit(library.Pool(features_data(rows, NUMBERS), label=y))
    return CatBoost(bytes(model._serialize_model()), NUMBERS, 3 if loss == "MultiClass" else 1)


def answers(model: CatBoost, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    graph = Graph()
    together = graph.concat([graph.input(f"c{place}", "double") for place in range(rows.shape[1])])
    name = graph.output("raw", catboost(graph, model, together, max(LEVELS)), np.float64, ["rows", model.outputs])
    session = onnxruntime.InferenceSession(graph.model({}).SerializeToString(), providers=["CPUExecutionProvider"])
    [found] = session.run([name], {f"c{place}": rows[:, [place]] for place in range(rows.shape[1])})
    return np.asarray(found)


@pytest.mark.parametrize("loss", ["Logloss", "MultiClass", "RMSE", "MAE"])
def test_statistics_of_seen_and_unseen_combinations(loss: str) -> None:
    model, rows = train(loss, max_ctr_complexity=3), make_rows(300, 1)
    np.testing.assert_allclose(answers(model, rows), model.predict(rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", ["Buckets", "Counter", "Borders:TargetBorderCount=3"])
def test_statistics_of_other_kinds(kind: str) -> None:
    ctr = f"{kind}:Prior=0.3:Prior=2"
    loss = "Logloss" if kind != "Borders:TargetBorderCount=3" else "RMSE"
    model, rows = train(loss, simple_ctr=[ctr], combinations_ctr=[ctr]), make_rows(300, 1)
    np.testing.assert_allclose(answers(model, rows), model.predict(rows), rtol=1e-12, atol=1e-12)


def test_what_is_not_trained_here_is_named() -> None:
    model = train("Logloss", simple_ctr=["BinarizedTargetMeanValue"], combinations_ctr=["BinarizedTargetMeanValue"])
    with pytest.raises(RequestError, match="statistics of the kind BinarizedTargetMeanValue"):
        answers(model, make_rows(3, 1))

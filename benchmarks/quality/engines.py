"""Runs one engine on one split, in a process of its own, and prints the outcome as JSON: see `__main__`.

python -m benchmarks.quality.engines ENGINE FOLDER SEED BUDGET
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.quality.tables import TABLES, Split, Table, public_tables, split

Outputs = tuple[np.ndarray, list[Any]]
"""Probabilities or values (rows x outputs), and the classes in their order."""
Predict = Callable[[pd.DataFrame], Outputs]


def automl(data: Split, table: Table, budget: float, seed: int) -> Predict:
    """Our engine."""
    from automl_runtime.engine.fit import fit

    model = fit(
        data.train,
        "target",
        task=table.task,
        metric=table.metric,
        budget_seconds=budget,
        seed=seed,  # type: ignore[arg-type]
    )
    if table.task == "regression":
        return lambda frame: (model.predict(frame).to_numpy(), [])

    def chances(frame: pd.DataFrame) -> Outputs:
        found = model.predict_proba(frame)
        return found.to_numpy(), list(found.columns)

    return chances


def lightgbm(data: Split, table: Table, budget: float, seed: int) -> Predict:
    """LightGBM with its defaults; time does not matter."""
    del budget
    import lightgbm as lgb

    def prepared(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.drop(columns="target", errors="ignore")
        return frame.assign(**{name: pd.Categorical(frame[name], categories=levels[name]) for name in levels})

    texts = [name for name in data.train.columns.drop("target") if data.train[name].dtype.kind not in "ifb"]
    levels = {name: sorted(data.train[name].dropna().unique()) for name in texts}
    family = lgb.LGBMRegressor if table.task == "regression" else lgb.LGBMClassifier
    model = family(random_state=seed, verbose=-1).fit(prepared(data.train), data.train["target"])
    if table.task == "regression":
        return lambda frame: (model.predict(prepared(frame)), [])
    return lambda frame: (model.predict_proba(prepared(frame)), list(model.classes_))


def flaml(data: Split, table: Table, budget: float, seed: int) -> Predict:
    """FLAML with its defaults."""
    from flaml import AutoML

    metric = {"roc_auc": "roc_auc", "rmse": "rmse", "log_loss": "log_loss"}[table.metric]
    model = AutoML()
    model.fit(
        data.train.drop(columns="target"),
        data.train["target"],
        task="regression" if table.task == "regression" else "classification",
        metric=metric,
        time_budget=budget,
        seed=seed,
        verbose=0,
    )
    if table.task == "regression":
        return lambda frame: (model.predict(frame), [])
    return lambda frame: (model.predict_proba(frame), list(model.classes_))


def _autogluon(presets: str) -> Callable[[Split, Table, float, int], Predict]:
    def run(data: Split, table: Table, budget: float, seed: int) -> Predict:
        from autogluon.tabular import TabularPredictor

        del seed
        metric = {"roc_auc": "roc_auc", "rmse": "root_mean_squared_error", "log_loss": "log_loss"}[table.metric]
        predictor = TabularPredictor(
            "target", problem_type=table.task, eval_metric=metric, path=tempfile.mkdtemp(), verbosity=0
        ).fit(data.train, presets=presets, time_limit=budget, num_cpus=2)
        if table.task == "regression":
            return lambda frame: (predictor.predict(frame).to_numpy(), [])

        def chances(frame: pd.DataFrame) -> Outputs:
            found = predictor.predict_proba(frame)
            return found.to_numpy(), list(found.columns)

        return chances

    return run


ENGINES: dict[str, Callable[[Split, Table, float, int], Predict]] = {
    "automl": automl,
    "lightgbm": lightgbm,
    "flaml": flaml,
    "autogluon_medium": _autogluon("medium_quality"),
    "autogluon_best": _autogluon("best_quality"),
}


def _score(table: Table, truth: pd.Series, outputs: np.ndarray, classes: list[Any]) -> float:
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    if table.metric == "rmse":
        return float(root_mean_squared_error(truth, np.ravel(outputs)))
    if table.metric == "roc_auc":
        return float(roc_auc_score(truth == classes[1], outputs[:, 1]))
    return float(log_loss(truth, outputs, labels=classes))


def main(engine: str, folder: str, seed: int, budget: float) -> None:
    """Fits, scores and prints."""
    tables = public_tables() if folder.startswith("public/") else TABLES
    table = next(table for table in tables if table.folder == folder)
    data = split(table, seed)
    started = time.monotonic()
    predict = ENGINES[engine](data, table, budget, seed)
    fitted = time.monotonic()
    test = data.test.drop(columns="target")
    outputs, classes = predict(test)
    first = time.monotonic()
    predict(test)
    again = time.monotonic()
    record = {
        "score": _score(table, data.test["target"], outputs, classes),
        "seconds": round(fitted - started, 2),
        "predict_seconds": round(min(first - fitted, again - first), 4),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    print(json.dumps(record))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))

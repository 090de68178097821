"""The model of the benchmarks of serving, as a signed bundle: the booster of `kernels` behind numbers by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.serving import kernels

if TYPE_CHECKING:
    from automl_runtime.registry.bundle import Bundle
    from fastapi import FastAPI

__all__ = ["NAMES", "SECRET", "app_of", "fitted", "make_bundle", "opened", "token"]

NAMES = [f"number_{place:02}" for place in range(kernels.COLUMNS)]
"""In the order in which encoders put them, so that the booster reads them as they are."""
SECRET = "a secret of the benchmark, longer than 32 letters"


def token() -> str:
    """A JSON web token for `app_of`."""
    import jwt

    return jwt.encode({"sub": "bench", "scope": "predict", "exp": 4e9}, SECRET, algorithm="HS256")


def fitted(booster: Any, cells: Any, target: Any) -> Any:
    """A fitted model whose only member is `booster` (two classes); it reads the cells under `NAMES`."""
    import numpy as np
    import pandas as pd
    from automl_runtime.engine.fit import fit
    from automl_runtime.inference.lightgbm import LightGbm, shrink
    from automl_runtime.inference.model import FittedModel
    from automl_runtime.inference.parts import Member, Part, Reading

    table = pd.DataFrame(cells[:500], columns=NAMES).assign(y=np.where(target[:500], "yes", "no"))
    small = fit(table, "y", trials=1, models=["lightgbm"], budget_seconds=120).fitted
    # Of the small model only what reads rows is kept.
    design = small.members[0].parts[0].design
    part = Part(design, LightGbm(shrink(booster.model_to_string())), Reading())
    return FittedModel(small.info, small.encoder, small.designs, (Member("lightgbm", 1.0, (part,)),), small.background)


def make_bundle(folder: Path, booster: Any, cells: Any, target: Any, version: str = "v001") -> None:
    """Writes the model as `bundle` below `folder`, and the key that it is signed with."""
    import pandas as pd
    from automl_runtime.monitoring.reference import sketch
    from automl_runtime.registry.bundle import write_bundle
    from automl_schemas.bundle import InputColumn, InputSchema
    from automl_schemas.cleaning import ColumnPlan

    schema = InputSchema(
        columns=[
            InputColumn(name=name, type="number", plan=ColumnPlan(column=name, type="number"), example=0.5)
            for name in NAMES
        ]
    )
    inputs = pd.DataFrame(cells[:4000], columns=NAMES)
    manifest = write_bundle(
        fitted(booster, cells, target),
        schema,
        folder / "bundle",
        version=version,
        target="y",
        created="2025-01-01T00:00:00+00:00",
        reference=sketch(inputs, schema, pd.Series(booster.predict(cells[:4000]))).model_dump(mode="json"),
    )
    assert manifest.signature is not None
    (folder / "keys").write_text(manifest.signature.public_key + "\n")


def opened(folder: Path) -> Bundle:
    """What `make_bundle` wrote, verified."""
    from automl_runtime.registry.bundle import open_bundle

    return open_bundle(folder / "bundle", folder / "keys")


def app_of(folder: Path) -> FastAPI:
    """The service, complete: it validates, counts, asks for a token, watches drift and logs 1 % of the predictions."""
    from automl_runtime.serving.app import create_app
    from automl_runtime.serving.guard import Guard
    from automl_runtime.serving.observing import Observer
    from automl_runtime.serving.prediction_log import PredictionLog

    observer = Observer(predictions=PredictionLog(folder / "log", 0.01), slow_seconds=1.0)
    return create_app(opened(folder), guard=Guard(token_key=SECRET), observer=observer)

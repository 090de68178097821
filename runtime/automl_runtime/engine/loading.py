"""`load`: whatever `save` wrote."""

from __future__ import annotations

from pathlib import Path

from automl_runtime.engine.forecasting.forecaster import RECORD, Forecaster
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.model import load as load_model

__all__ = ["load"]


def load(path: Path | str) -> FittedModel | Forecaster:
    """What the `save` of a model wrote into the folder `path`: a `FittedModel`, or a `Forecaster`.

    Raises:
        BundleError: if a file is missing or not valid.
    """
    if (Path(path) / RECORD).is_file():
        return Forecaster.load(path)
    return load_model(path)

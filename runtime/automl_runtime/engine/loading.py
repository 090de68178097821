"""`load`: whatever `save` wrote."""

from __future__ import annotations

from pathlib import Path

from automl_runtime.engine.anomaly.model import RECORD as ANOMALIES
from automl_runtime.engine.anomaly.model import AnomalyModel
from automl_runtime.engine.clustering.model import RECORD as CLUSTERS
from automl_runtime.engine.clustering.model import ClusterModel
from automl_runtime.engine.forecasting.forecaster import RECORD, Forecaster
from automl_runtime.engine.multilabel.model import RECORD as LABELS
from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.model import load as load_model

__all__ = ["load"]


def load(path: Path | str) -> FittedModel | Forecaster | ClusterModel | AnomalyModel | MultilabelModel:
    """What the `save` of a model wrote into the folder `path`.

    Raises:
        BundleError: if a file is missing or not valid.
    """
    if (Path(path) / RECORD).is_file():
        return Forecaster.load(path)
    if (Path(path) / CLUSTERS).is_file():
        return ClusterModel.load(path)
    if (Path(path) / ANOMALIES).is_file():
        return AnomalyModel.load(path)
    if (Path(path) / LABELS).is_file():
        return MultilabelModel.load(path)
    return load_model(path)

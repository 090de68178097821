"""Engine and serving stack of the projects that automl generates.

Importing this package is cheap; its parts are imported when they are used.

    import automl_runtime as automl

    model = automl.fit(frame, "target", budget_seconds=60)
    model.evaluate(new_rows)
    model.save("model")
    automl.load("model").predict(new_rows)

    automl.fit(frame, "sold", task="forecast", time="day", horizon=28, series=["shop"]).forecast()
    automl.fit(frame, task="clustering").profile()
    automl.fit(frame, task="anomaly").explain(frame)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.model import AnomalyModel
    from automl_runtime.engine.clustering.model import ClusterModel
    from automl_runtime.engine.estimators import AutoMLClassifier, AutoMLRegressor
    from automl_runtime.engine.estimators_unlabelled import AutoMLAnomalyDetector, AutoMLClusterer
    from automl_runtime.engine.fit import fit
    from automl_runtime.engine.forecasting.forecaster import Forecaster
    from automl_runtime.engine.loading import load
    from automl_runtime.engine.preprocessor import DataPreprocessor

__all__ = [
    "AnomalyModel",
    "AutoMLAnomalyDetector",
    "AutoMLClassifier",
    "AutoMLClusterer",
    "AutoMLRegressor",
    "ClusterModel",
    "DataPreprocessor",
    "Forecaster",
    "__version__",
    "fit",
    "load",
]

__version__ = "0.1.0"

_PLACES = {
    "AnomalyModel": "automl_runtime.engine.anomaly.model",
    "AutoMLAnomalyDetector": "automl_runtime.engine.estimators_unlabelled",
    "AutoMLClassifier": "automl_runtime.engine.estimators",
    "AutoMLClusterer": "automl_runtime.engine.estimators_unlabelled",
    "AutoMLRegressor": "automl_runtime.engine.estimators",
    "ClusterModel": "automl_runtime.engine.clustering.model",
    "DataPreprocessor": "automl_runtime.engine.preprocessor",
    "Forecaster": "automl_runtime.engine.forecasting.forecaster",
    "fit": "automl_runtime.engine.fit",
    "load": "automl_runtime.engine.loading",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)

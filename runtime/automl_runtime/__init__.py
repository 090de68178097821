"""Engine and serving stack of the projects that automl generates.

Importing this package is cheap; its parts are imported when they are used.

    import automl_runtime as automl

    model = automl.fit(frame, "target", budget_seconds=60)
    model.evaluate(new_rows)
    model.save("model")
    automl.load("model").predict(new_rows)

    automl.fit(frame, "sold", task="forecast", time="day", horizon=28, series=["shop"]).forecast()

    automl.tune(lambda trial: loss_of(**trial), {"rate": (1e-4, 1e-1, "log"), "layers": (1, 4)}).best_params
    automl.fit(frame, task="clustering").profile()
    automl.fit(frame, task="anomaly").explain(frame)

    run = automl.Experiment.from_config("experiment.yaml").run()
    run.evaluate(), run.export(format="onnx")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.model import AnomalyModel
    from automl_runtime.engine.background import fit_async
    from automl_runtime.engine.clustering.model import ClusterModel
    from automl_runtime.engine.estimators import AutoMLClassifier, AutoMLRegressor
    from automl_runtime.engine.estimators_unlabelled import AutoMLAnomalyDetector, AutoMLClusterer
    from automl_runtime.engine.fit import fit
    from automl_runtime.engine.forecasting.estimator import AutoMLForecaster
    from automl_runtime.engine.forecasting.forecaster import Forecaster
    from automl_runtime.engine.loading import load
    from automl_runtime.engine.multilabel.model import MultilabelModel
    from automl_runtime.engine.preprocessor import DataPreprocessor
    from automl_runtime.engine.strategies.space import SearchSpace
    from automl_runtime.engine.study import Study
    from automl_runtime.engine.tuning import tune
    from automl_runtime.experiments.experiment import Experiment
    from automl_runtime.experiments.explicit import Architecture, Dataset, Project
    from automl_runtime.experiments.run import Run

__all__ = [
    "AnomalyModel",
    "Architecture",
    "AutoMLAnomalyDetector",
    "AutoMLClassifier",
    "AutoMLClusterer",
    "AutoMLForecaster",
    "AutoMLRegressor",
    "CancellationToken",
    "ClusterModel",
    "DataPreprocessor",
    "Dataset",
    "Experiment",
    "Forecaster",
    "MultilabelModel",
    "Project",
    "Run",
    "SearchSpace",
    "Study",
    "__version__",
    "fit",
    "fit_async",
    "load",
    "tune",
]

__version__ = "0.1.0"

_PLACES = {
    "Architecture": "automl_runtime.experiments.explicit",
    "Dataset": "automl_runtime.experiments.explicit",
    "Experiment": "automl_runtime.experiments.experiment",
    "Project": "automl_runtime.experiments.explicit",
    "Run": "automl_runtime.experiments.run",
    "AnomalyModel": "automl_runtime.engine.anomaly.model",
    "AutoMLAnomalyDetector": "automl_runtime.engine.estimators_unlabelled",
    "AutoMLClassifier": "automl_runtime.engine.estimators",
    "AutoMLClusterer": "automl_runtime.engine.estimators_unlabelled",
    "AutoMLForecaster": "automl_runtime.engine.forecasting.estimator",
    "AutoMLRegressor": "automl_runtime.engine.estimators",
    "ClusterModel": "automl_runtime.engine.clustering.model",
    "DataPreprocessor": "automl_runtime.engine.preprocessor",
    "CancellationToken": "automl_runtime.events",
    "Forecaster": "automl_runtime.engine.forecasting.forecaster",
    "MultilabelModel": "automl_runtime.engine.multilabel.model",
    "SearchSpace": "automl_runtime.engine.strategies.space",
    "Study": "automl_runtime.engine.study",
    "fit": "automl_runtime.engine.fit",
    "fit_async": "automl_runtime.engine.background",
    "load": "automl_runtime.engine.loading",
    "tune": "automl_runtime.engine.tuning",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)

"""What there is to choose from: built in, brought by installed packages, or registered by the user."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.plugins import Kind, Registry

__all__ = ["registry"]


def registry(kind: Kind) -> Registry:
    """All parts of a kind; nothing that others added is imported."""
    return Registry(kind, _BUILT_IN[kind]())


def _architectures() -> dict[str, str]:
    from automl_runtime.engine.learners.foreign import ForeignLearner
    from automl_runtime.engine.learners.registry import learner_named, learner_names

    kinds = {name: type(learner_named(name)) for name in learner_names()}
    own = {name: kind for name, kind in kinds.items() if not issubclass(kind, ForeignLearner)}
    return {name: f"{kind.__module__}:{kind.__name__}" for name, kind in own.items()}


def _preprocessors() -> dict[str, str]:
    found = {}
    for option, field in PreprocessingSpec.model_fields.items():
        for choices in get_args(field.annotation):
            for value in get_args(choices):
                if isinstance(value, str):
                    found[f"{option}.{value}"] = "automl_runtime.engine.preprocessor:DataPreprocessor"
    return found


def _metrics() -> dict[str, str]:
    from automl_runtime.engine.metrics import CLASS_METRICS, VALUE_METRICS

    return dict.fromkeys((*CLASS_METRICS, *VALUE_METRICS), "automl_runtime.engine.metrics:score")


def _evaluators() -> dict[str, str]:
    of_all = ("scores", "importance", "out_of_fold")
    of_tasks = ("classification", "regression", "clustering", "anomaly", "time_series")
    return {name: f"automl_runtime.engine.evaluators:{name}" for name in (*of_all, *of_tasks)}


def _strategies() -> dict[str, str]:
    from automl_runtime.engine.strategies.registry import ALIASES, STRATEGIES

    return dict.fromkeys((*STRATEGIES, *ALIASES), "automl_runtime.engine.strategies.registry:make_strategy")


_BUILT_IN: dict[Kind, Callable[[], dict[str, str]]] = {
    "architectures": _architectures,
    "preprocessors": _preprocessors,
    "metrics": _metrics,
    "evaluators": _evaluators,
    "strategies": _strategies,
}

"""Pipelines as YAML: written down once, fitted anywhere, kept by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import yaml
from automl_schemas.pipeline import PipelineSpec
from automl_schemas.vocabulary import MetricName

from automl_runtime.contracts import nearest, parse_model
from automl_runtime.engine.compatibility import check_compatible
from automl_runtime.engine.fit import fit
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.kinds import infer_kind
from automl_runtime.engine.metrics import CLASS_METRICS, VALUE_METRICS, score_classes, score_values
from automl_runtime.engine.model import Model, truth_of
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.registries import registry
from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.files import write_text
from automl_runtime.inference.model import decide
from automl_runtime.plugins import home

__all__ = ["PipelineRegistry", "PipelineRun", "fit_pipeline", "read_pipeline"]


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """A fitted pipeline: its model, every metric that was listed (out of fold), and what its evaluators said."""

    spec: PipelineSpec
    model: Model
    metrics: dict[str, float]
    evaluations: dict[str, dict[str, Any]]


def read_pipeline(source: Path | str | Mapping[str, Any], *, variant: str | None = None) -> PipelineSpec:
    """The pipeline in a YAML file, a YAML text of several lines, or a mapping.

    Raises:
        RequestError: if a key or value is not known, naming the nearest, or there is no such variant.
        DataError: if the file cannot be read.
    """
    origin, content = "pipeline", source
    if isinstance(source, Path) or (isinstance(source, str) and "\n" not in source):
        origin = str(source)
        try:
            content = Path(source).read_text(encoding="utf-8")
        except OSError as error:
            raise DataError(f"{origin} cannot be read: {error.strerror}.") from error
    if isinstance(content, str):
        try:
            content = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise RequestError(f"{origin} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, Mapping):
        raise RequestError(f"{origin} holds {shorten(content)}; a mapping of keys is needed.")
    spec = parse_model(PipelineSpec, content, origin=origin)
    every = {
        name: parse_model(PipelineSpec, _merged(content, change), origin=f"{origin}, variant {name}")
        for name, change in spec.variants.items()
    }
    if variant is None:
        return spec
    if variant not in every:
        guess = nearest(variant, list(every)) or "."
        raise RequestError(
            f"{spec.name} has no variant {shorten(variant)}{guess} There are: {', '.join(every) or 'none'}."
        )
    return every[variant]


def fit_pipeline(spec: PipelineSpec, frame: Any, target: str | pd.Series, **options: Any) -> PipelineRun:
    """Fits a pipeline; `options` are those of `fit` that a pipeline does not say: budget, trials, folds, seed ...

    Raises:
        RequestError: if a part does not exist, or parts do not go together; nothing has been trained then.
        TrainingError: if nothing can be learned.
    """
    rows = as_frame(frame)
    inputs, problem = make_problem(rows, target, task=spec.task)
    families = spec.model.members or None if spec.model.type == "ensemble" else [spec.model.type]
    if families is None and spec.model.params:
        raise RequestError("`model.params` are settings of one family; an ensemble has none of its own.")
    for kind, names in (("architectures", families or []), ("evaluators", spec.evaluation.evaluators)):
        for name in names:
            registry(cast("Any", kind)).named(name)
    own = _check_metrics(spec, problem.task)
    check_compatible(
        task=problem.task,
        target=problem.target,
        kinds={infer_kind(inputs[name]) for name in inputs.columns},
        preprocessors=spec.preprocessing.custom or (),
        architectures=families or [],
        evaluators=spec.evaluation.evaluators,
    )
    first = next((name for name in spec.evaluation.metrics if name not in own), None)
    model: Model = fit(
        rows,
        target,
        task=problem.task,
        metric=cast("MetricName | None", first),
        models=families,
        params=spec.model.params or None,
        ensemble=spec.model.ensemble,
        preprocessing=spec.preprocessing,
        **options,
    )
    values = rows[target] if isinstance(target, str) else target
    evaluators = {name: registry("evaluators").named(name).load() for name in spec.evaluation.evaluators}
    said = {name: evaluator(model, inputs, values) for name, evaluator in evaluators.items()}
    return PipelineRun(spec, model, _metrics(spec, model, values, own), said)


def _check_metrics(spec: PipelineSpec, task: str) -> dict[str, Any]:
    """The functions of the metrics that others added, by name; refuses those that do not suit the task."""
    own: dict[str, Any] = {}
    possible = VALUE_METRICS if task == "regression" else CLASS_METRICS
    for name in spec.evaluation.metrics:
        plugin = registry("metrics").named(name)
        if not plugin.built_in:
            own[name] = plugin.load()
        elif name not in possible:
            raise RequestError(f"The metric {name} does not suit a {task} task; possible: {', '.join(possible)}.")
    return own


def _metrics(spec: PipelineSpec, model: Model, values: pd.Series, own: Mapping[str, Any]) -> dict[str, float]:
    """On the rows that validated, out of fold; a metric of others gets true and predicted labels, or values."""
    outputs = model.oof.to_numpy()
    known = values.loc[model.oof.index]
    truth = truth_of(model.fitted, known)
    if not model.classes:
        predicted = outputs[:, 0]

        def judge(metric: MetricName) -> float:
            return score_values(metric, truth, predicted)
    else:
        labels = decide(outputs, model.fitted.info)
        predicted, codes = np.array(model.classes)[labels], truth.astype(np.int64)
        positive = model.classes.index(model.positive) if model.positive is not None else 1

        def judge(metric: MetricName) -> float:
            return score_classes(metric, codes, outputs, labels, len(model.classes), positive)

    return {
        name: float(own[name](known.to_numpy(), predicted) if name in own else judge(cast("MetricName", name)))
        for name in spec.evaluation.metrics
    }


def _merged(content: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`content` without variants, with the keys of `change` in place of its own, as deep as both are mappings."""
    merged = {key: value for key, value in content.items() if key != "variants"}
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


class PipelineRegistry:
    """Pipelines by name, as YAML files in a folder; other processes see them.

    Args:
        folder: None: `pipelines` in the user's folder.
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = home() / "pipelines" if folder is None else Path(folder)

    def register(self, source: Path | str | Mapping[str, Any], *, replace: bool = False) -> PipelineSpec:
        """Keeps a pipeline under its name.

        Raises:
            RequestError: if it is not valid, or the name is taken and `replace` is not set.
        """
        spec = read_pipeline(source)
        path = self.folder / f"{spec.name}.yaml"
        if path.exists() and not replace:
            raise RequestError(
                f"There is already a pipeline {spec.name} in {self.folder}.", hint="replace=True overwrites it."
            )
        text = yaml.safe_dump(spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
        write_text(path, text)
        return spec

    def names(self) -> list[str]:
        """The names of all pipelines, sorted."""
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def get(self, name: str, *, variant: str | None = None) -> PipelineSpec:
        """The pipeline called `name`, or a variant of it.

        Raises:
            RequestError: if there is none, naming the nearest.
        """
        if name not in self.names():
            raise RequestError(
                f"There is no pipeline {shorten(name)}{nearest(name, self.names()) or '.'} "
                f"There are: {', '.join(self.names()) or 'none'}."
            )
        return read_pipeline(self.folder / f"{name}.yaml", variant=variant)

"""From one file to the training table of an experiment: read, typed, cleaned of what gives the target away, split."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from automl_schemas.catalog import DataCatalog, TableEntry
from automl_schemas.experiment import ExperimentConfig
from automl_schemas.lineage import DataManifest
from automl_schemas.spec import (
    DataSpec,
    DroppedColumn,
    EvaluationPlots,
    MetricSpec,
    ProjectSpec,
    TableSpec,
    TargetSpec,
    TaskSpec,
    TrainingSpec,
)
from automl_schemas.vocabulary import ColumnType, TaskType, default_metric

from automl_runtime.data.assemble import IDENTITY, Assembled, TrainingColumn, assemble, training_sql
from automl_runtime.data.catalog import Discovery, discover
from automl_runtime.data.holdout import sealed_rows
from automl_runtime.data.leaks import find_leaks
from automl_runtime.data.lineage import manifest_of_files
from automl_runtime.data.training_columns import target_name
from automl_runtime.engine.learners.registry import learner_named
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.unlabelled import UNLABELLED_TASKS, refuse_wishes
from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.events import EventSink, Finding
from automl_runtime.inference.encoding import FeatureKind

__all__ = ["TrainingTable", "column_named", "make_table", "read_table"]

_KINDS: Final[dict[ColumnType, FeatureKind]] = {
    "integer": "number",
    "number": "number",
    "time": "number",
    "category": "category",
    "boolean": "boolean",
    "text": "text",
    "date": "date",
    "datetime": "date",
}
_DATES: Final = ("date", "datetime")


@dataclass(frozen=True, slots=True)
class TrainingTable:
    """One row for each row of the file; `holdout` says which no model may see before the evaluation."""

    spec: ProjectSpec
    catalog: DataCatalog
    sql: str
    columns: list[TrainingColumn]
    frame: pd.DataFrame
    holdout: np.ndarray
    kinds: dict[str, FeatureKind]
    """The inputs, and how the model reads each."""

    @property
    def manifest(self) -> DataManifest:
        """The file, and its hash."""
        return manifest_of_files(self.catalog.files, Path(self.spec.data.source).as_posix())

    @property
    def target(self) -> str | None:
        """The column to predict."""
        return target_name(self.spec)


def read_table(path: Path, *, on_event: EventSink) -> Discovery:
    """The one table of a file, cleaned.

    Raises:
        DataError: if there is no such file, or not exactly one table in it.
    """
    if not path.exists():
        raise DataError(f"The dataset {str(path)!r} does not exist.", hint="Check `dataset`.")
    discovery = discover(path, on_event=on_event)
    names = [table.name for table in discovery.catalog.tables]
    if len(names) != 1:
        raise DataError(
            f"{path} holds {len(names)} tables: {', '.join(names[:10])}. An experiment is about one.",
            hint='Give the file of one table, or make a project of all: automl new "predict ..." --data FOLDER',
        )
    return discovery


def column_named(name: str, entry: TableEntry, key: str) -> str:
    """`name`, if the table has a column of that name.

    Raises:
        RequestError: naming `key`, the setting, and the nearest columns.
    """
    names = [column.name for column in entry.columns]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        guess = f" Did you mean {shorten(near[0])}?" if near else ""
        raise RequestError(
            f"`{key}`: {entry.name} has no column {shorten(name)}.{guess} Columns: {', '.join(names[:30])}."
        )
    return name


def make_table(config: ExperimentConfig, discovery: Discovery, *, on_event: EventSink) -> TrainingTable:
    """The training table that `config` asks for, the holdout set apart.

    Columns that name rows, never vary or are personal, and those that give the target away, are no inputs; each is
    told, and listed under `spec.data.drop` with its reason. `config.keep` keeps a column.

    Raises:
        RequestError: if a setting names no column or a task does not fit.
        DataError: if no row has a target, or no column is left.
    """
    [entry] = discovery.catalog.tables
    spec = _spec(config, discovery, entry)
    assembled = assemble(spec, discovery.catalog, discovery.tables)
    task = _task(config, assembled.frame)
    refuse_wishes({"clusters": config.clusters, "contamination": config.contamination}, task)
    if config.positive is not None and task != "binary":
        raise RequestError(f"`positive` is only for two classes; this is a {task} task.")
    metric = config.metric or default_metric(task)
    spec = spec.model_copy(
        update={"task": spec.task.model_copy(update={"type": task}), "metric": MetricSpec(name=metric)}
    )
    holdout = sealed_rows(assembled.frame, spec, assembled.columns)
    spec = _without_unfit(spec, assembled, ~holdout, on_event)
    sql, columns = training_sql(spec, discovery.catalog)
    kinds = _kinds(spec, columns, config.target)
    if not kinds:
        raise DataError("No column is left to learn from.", hint="Keep one with `keep: [column]`.")
    frame = assembled.frame[[column.name for column in columns]]
    return TrainingTable(spec, discovery.catalog, sql, columns, frame, holdout, kinds)


def _spec(config: ExperimentConfig, discovery: Discovery, entry: TableEntry) -> ProjectSpec:
    for key in ("target", "time", "group"):
        if (name := getattr(config, key)) is not None:
            column_named(name, entry, key)
    for key in ("drop", "keep"):
        for name in getattr(config, key):
            column_named(name, entry, key)
    if config.target is None and config.task not in (None, *UNLABELLED_TASKS):
        raise RequestError(f"`target` is missing: a {config.task} task predicts a column.")
    if config.target is not None and config.task == "clustering":
        raise RequestError("`target`: a clustering predicts no column.", hint="Leave it out with `drop` instead.")
    if config.task == "forecast":
        raise RequestError(
            "A forecast cannot be described by a small configuration.",
            hint='Make a project, automl new "forecast ...", or call fit(frame, target, task="forecast", ...).',
        )
    if config.training.validation == "temporal" and config.time is None:
        raise RequestError("`training.validation: temporal` needs `time`, the column that orders the rows.")
    unique = next((key.columns for key in entry.keys if key.unique >= 1.0), [])
    target = (
        None if config.target is None else TargetSpec(table=entry.name, column=config.target, positive=config.positive)
    )
    task = config.task or ("clustering" if target is None else "binary")
    training = config.training.model_dump(exclude={"epochs", "batch_size"})
    if config.architecture is not None:
        learner_named(config.architecture)
        training["models"] = [config.architecture]
    return ProjectSpec(
        name=config.project,
        request="",
        task=TaskSpec(type=task, time=config.time, group=config.group),
        target=target,
        metric=MetricSpec(name=config.metric or default_metric(task)),
        data=DataSpec(
            source=str(discovery.root),
            tables=[TableSpec(name=entry.name, files=entry.files, inner=entry.inner, key=unique)],
            drop=[DroppedColumn(table=entry.name, column=name, reason="asked") for name in config.drop],
            keep=[f"{entry.name}.{name}" for name in config.keep],
        ),
        training=TrainingSpec(**training),
        evaluation=EvaluationPlots(plots=config.evaluation.plots),
        seed=config.seed,
    )


def _task(config: ExperimentConfig, frame: pd.DataFrame) -> TaskType:
    if config.task in UNLABELLED_TASKS:
        return config.task
    if config.target is None:
        return "clustering"
    problem = make_problem(
        frame[[config.target]], config.target, task=config.task, metric=config.metric, positive=config.positive
    )[1]
    return problem.task


def _without_unfit(spec: ProjectSpec, assembled: Assembled, train: np.ndarray, on_event: EventSink) -> ProjectSpec:
    base = spec.data.tables[0]
    needed = {IDENTITY, target_name(spec), spec.task.time, spec.task.group, *base.key}
    drops = {drop.column: drop for drop in spec.data.drop}
    found = [
        DroppedColumn(table=base.name, column=column.name, reason=reason)
        for column in assembled.columns
        if column.name not in needed and (reason := _no_feature(column)) is not None
    ]
    if spec.task.type not in UNLABELLED_TASKS:
        found += find_leaks(assembled, train, spec).drops
    for drop in found:
        if f"{drop.table}.{drop.column}" not in spec.data.keep and drop.column not in drops:
            drops[drop.column] = drop
            on_event(Finding("dropped", f"{drop.table}.{drop.column}: {drop.reason}"))
    return spec.model_copy(update={"data": spec.data.model_copy(update={"drop": list(drops.values())})})


def _no_feature(column: TrainingColumn) -> str | None:
    if column.personal is not None:
        return f"personal data: {column.personal}"
    return {"constant": "constant", "empty": "empty", "id": "identifier"}.get(column.role)


def _kinds(spec: ProjectSpec, columns: Sequence[TrainingColumn], target: str | None) -> dict[str, FeatureKind]:
    base = spec.data.tables[0]
    no_inputs = {target, spec.task.group, IDENTITY, *(drop.column for drop in spec.data.drop)}
    kept = {name.removeprefix(f"{base.name}.") for name in spec.data.keep}
    for column in columns:
        # A single key that is a date tells something; all others only name the row.
        if [column.name] == base.key and column.type not in _DATES and column.name not in kept:
            no_inputs.add(column.name)
    return {
        column.name: _KINDS[column.type] for column in columns if column.type in _KINDS and column.name not in no_inputs
    }

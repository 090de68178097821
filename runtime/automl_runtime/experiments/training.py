"""One training of an experiment, and the run that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.spec import ProjectSpec, TrainingSpec

from automl_runtime.engine.compatibility import check_compatible
from automl_runtime.engine.fit import ThresholdPolicy, fit
from automl_runtime.engine.unlabelled import UNLABELLED_TASKS
from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink, TerminalEvent
from automl_runtime.experiments.run import Run
from automl_runtime.experiments.tables import TrainingTable
from automl_runtime.files import write_text
from automl_runtime.project import evaluating
from automl_runtime.project.code import FeatureCode, as_they_stand
from automl_runtime.project.golden import write_golden
from automl_runtime.project.layout import Project
from automl_runtime.project.logs import bind_run
from automl_runtime.project.specfile import dump_spec
from automl_runtime.tracking.circumstances import circumstances
from automl_runtime.tracking.index import EVALUATORS, index_run
from automl_runtime.tracking.runs import RunFolder, record_metrics

__all__ = ["Wishes", "train_project", "train_table"]

_UNLABELLED = ("budget_seconds", "trials", "validation", "holdout_from")
"""What a training without a target has; the way of validation says how the holdout is set apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a training is told besides the spec."""

    on_event: EventSink
    cancel: Callable[[], bool] | None = None
    params: Mapping[str, Any] | None = None
    replay: Sequence[Mapping[str, Any]] | None = None
    evaluator: str | None = None
    max_trials: int | None = None
    clusters: int | None = None
    contamination: float | None = None
    config: Mapping[str, Any] | None = None
    """What the `config.yaml` of the run says besides."""


def train_table(table: TrainingTable, home: Path, wishes: Wishes) -> Run:
    """Trains on a table; `home` becomes its project, without code.

    Raises:
        RequestError: if a part does not go with the task or the table, before anything is trained.
        TrainingError: if nothing can be learned.
        Cancelled: after `wishes.cancel` said so.
    """
    spec = table.spec
    evaluator = wishes.evaluator or EVALUATORS[spec.task.type]
    preprocessing = spec.training.preprocessing
    check_compatible(
        task=spec.task.type,
        target=table.target or "(none)",
        kinds=set(table.kinds.values()),
        preprocessors=(preprocessing.custom or ()) if preprocessing is not None else (),
        architectures=spec.training.models or (),
        evaluators=[evaluator],
    )
    project = _written(table, home)
    wishes = replace(wishes, evaluator=evaluator)
    if spec.task.type in UNLABELLED_TASKS:
        return _train_unlabelled(table, project, wishes)
    train, holdout = (table.frame[mask].reset_index(drop=True) for mask in (~table.holdout, table.holdout))
    project.save_rows(train=train, holdout=holdout)
    return train_project(project, as_they_stand(table.kinds), wishes)


def train_project(project: Project, code: FeatureCode, wishes: Wishes, *, generated: bool = False) -> Run:
    """Trains on the training rows of a project, saves the model as its next version and puts it into production."""
    rows, spec = project.load_rows("train"), project.spec
    with project.run(on_event=wishes.on_event) as training:
        model = fit(
            code.build(rows),
            rows[project.target],
            **_arguments(spec, rows),
            kinds=code.kinds,
            groups=project.groups(rows),
            params=wishes.params,
            max_trials=wishes.max_trials,
            replay=wishes.replay,
            on_event=training.on_event,
            cancel=wishes.cancel,
            resume=training.checkpoint,
        )
        version = training.save(model, inputs=rows[code.inputs], config=wishes.config)
        path = training.folder.path
    unseen = project.load_rows("holdout")
    features, target = code.build(unseen), unseen[project.target]

    def record() -> None:
        if generated:
            project.evaluate(code.build, on_event=wishes.on_event)
            write_golden(project, code.build)
            return
        bundle = project.bundle(version)
        metrics, evaluation = evaluating.score_rows(project, bundle, features, target)
        write_text(project.root / "reports" / "metrics.json", metrics.model_dump_json(indent=2) + "\n")
        record_metrics(path, metrics)
        evaluating.draw_run(project, bundle, features, target, evaluation, on_event=wishes.on_event)
        index_run(project.root)

    return Run(path, model, features, target, wishes.evaluator or EVALUATORS[spec.task.type], record)


def _arguments(spec: ProjectSpec, rows: pd.DataFrame) -> dict[str, Any]:
    settings = spec.training
    policy = ThresholdPolicy(
        by=settings.threshold,
        cost_false_positive=settings.cost_false_positive,
        cost_false_negative=settings.cost_false_negative,
        top_k=settings.top_k,
    )
    binary = spec.task.type == "binary"
    return {
        "task": spec.task.type,
        "metric": spec.metric.name,
        "positive": spec.target.positive if binary and spec.target is not None else None,
        # None: what the metric asks for, else the best F1.
        "threshold": policy if binary and policy.by != "f1" else None,
        "budget_seconds": settings.budget_seconds,
        "trials": settings.trials,
        "folds": settings.folds,
        "validation": settings.validation,
        "time": rows[spec.task.time] if settings.validation == "temporal" and spec.task.time else None,
        "interpretable": settings.interpretable,
        "preprocessing": settings.preprocessing,
        "models": settings.models,
        "strategy": settings.strategy,
        "max_predict_us": spec.predict_us,
        "seed": spec.seed,
    }


def _written(table: TrainingTable, home: Path) -> Project:
    project = Project(root=home, spec=table.spec)
    write_text(home / "project.yaml", dump_spec(table.spec))
    write_text(home / "sql" / "training_table.sql", table.sql)
    write_text(home / "data" / "catalog.json", table.catalog.model_dump_json(indent=1) + "\n")
    write_text(home / "data" / "manifest.json", table.manifest.model_dump_json(indent=1) + "\n")
    return project


def _train_unlabelled(table: TrainingTable, project: Project, wishes: Wishes) -> Run:
    spec, settings = table.spec, table.spec.training
    _refuse_unused(spec, wishes)
    names = list(table.kinds)
    rows, unseen = table.frame[~table.holdout].reset_index(drop=True), table.frame[table.holdout]
    with RunFolder.create(project.root / "experiments", spec.metric.name) as folder:
        folder.update(seed=spec.seed, data_sha256=project.data_sha256, rows=len(rows))
        bind_run(spec.name, folder.run_id)

        def tell(event: Any) -> None:
            if not isinstance(event, TerminalEvent):
                folder.on_event(event)
                wishes.on_event(event)

        model = fit(
            rows[names],
            task=spec.task.type,
            metric=spec.metric.name,
            budget_seconds=settings.budget_seconds,
            trials=settings.trials,
            clusters=wishes.clusters,
            contamination=wishes.contamination,
            kinds=table.kinds,
            seed=spec.seed,
            replay=wishes.replay,
            on_event=tell,
            cancel=wishes.cancel,
        )
        model.save(folder.path / "model")
        board: list[LeaderboardRow] = model.leaderboard() if spec.task.type == "clustering" else []
        folder.write_leaderboard(board)
        folder.write_config(
            {
                **(wishes.config or {}),
                **circumstances(project.source),
                "rows": len(rows),
                "spec": spec.model_dump(mode="json"),
                "leaderboard": [row.model_dump(mode="json") for row in board],
                "executed_trials": model.trials,
                "search_seconds": round(model.seconds, 3),
            }
        )
        if spec.task.type == "clustering":
            folder.update(cv=model.cv, best_model=model.best_model)
    index_run(project.root)
    labels = None if table.target is None else unseen[table.target].reset_index(drop=True)
    evaluator = wishes.evaluator or EVALUATORS[spec.task.type]
    return Run(folder.path, model, unseen[names].reset_index(drop=True), labels, evaluator, lambda: None)


def _refuse_unused(spec: ProjectSpec, wishes: Wishes) -> None:
    """What only a task with a target has."""
    usual = TrainingSpec()
    others = [name for name in TrainingSpec.model_fields if name not in _UNLABELLED]
    given = [f"training.{name}" for name in others if getattr(spec.training, name) != getattr(usual, name)]
    given += ["evaluation.plots"] if spec.evaluation.plots is not None else []
    given += ["params"] if wishes.params is not None else []
    given += ["max_trials"] if wishes.max_trials is not None else []
    if given:
        raise RequestError(f"{', '.join(f'`{name}`' for name in given)}: not possible for a {spec.task.type} task.")

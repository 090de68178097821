"""The final evaluation: the only reader of the holdout."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from automl_schemas.bundle import BundleManifest, TrainingSummary
from automl_schemas.metrics import GoalResult, Metrics
from automl_schemas.requirement import Goal
from automl_schemas.vocabulary import Operator

from automl_runtime.data.label_lists import label_flags
from automl_runtime.engine.anomaly.evaluation import evaluate_anomalies
from automl_runtime.engine.anomaly.model import AnomalyModel
from automl_runtime.engine.clustering.evaluation import evaluate_clusters
from automl_runtime.engine.effects import Effects, column_effects
from automl_runtime.engine.evaluation import Evaluation
from automl_runtime.engine.evaluation import evaluate as evaluate_model
from automl_runtime.engine.forecasting.evaluation import evaluate_forecast
from automl_runtime.engine.importance import permutation_importance
from automl_runtime.engine.model import problem_of
from automl_runtime.engine.multilabel.evaluation import evaluate_labels, label_importance
from automl_runtime.errors import DataError
from automl_runtime.events import EventSink, Progress, Warned
from automl_runtime.files import write_text
from automl_runtime.inference.speeds import measure_speeds
from automl_runtime.monitoring.drift import drift_of
from automl_runtime.monitoring.reference import Reference
from automl_runtime.project.features_tried import tried_features
from automl_runtime.project.forecasts import before_holdout
from automl_runtime.project.kept import data_sha256
from automl_runtime.project.model_card import write_model_card
from automl_runtime.project.pasts import known_rows, with_past
from automl_runtime.project.report import write_plots, write_report
from automl_runtime.project.report_data import ReportData, ThresholdRow, threshold_table, trials_of
from automl_runtime.project.report_mistakes import Mistake, worst_mistakes
from automl_runtime.project.unlabelled import with_masked_reasons, without_personal_traits
from automl_runtime.registry.bundle import Bundle
from automl_runtime.tracking.index import index_run
from automl_runtime.tracking.mlflow_sink import update_live_run
from automl_runtime.tracking.runs import record_metrics

if TYPE_CHECKING:
    from automl_runtime.project.layout import Features, Project

__all__ = [
    "evaluate",
    "meets",
    "score_rows",
    "without_personal_slices",
    "without_personal_values",
]

_IMPORTANCE_SECONDS = 10.0
_EFFECTS_SECONDS = 10.0
"""Of models that take far longer than usual: the work is bounded by the number of predictions."""


def evaluate(project: Project, build_features: Features, *, on_event: EventSink) -> Metrics:
    """See `Project.evaluate`."""
    on_event(Progress("evaluating", 0, 3, "holdout"))
    bundle = project.bundle()
    rows = project.load_rows("holdout")
    if rows.empty:
        raise DataError("The holdout is empty: there are too few rows to set some aside.")
    judges = {
        "forecast": _judged_forecast,
        "clustering": _judged_clusters,
        "anomaly": _judged_anomalies,
        "multilabel": _judged_labels,
    }
    if isinstance(bundle.model, AnomalyModel):
        rows = _looked_at(bundle.model, rows, build_features, on_event)
        bundle = replace(bundle, model=with_past(bundle.model, project, build_features))
    data = judges.get(bundle.manifest.task, _judged)(project, bundle, rows, build_features(rows), on_event)
    on_event(Progress("evaluating", 2, 3, "report"))
    _write(project, data, on_event)
    on_event(Progress("evaluating", 3, 3, "done"))
    return data.metrics


def _looked_at(model: AnomalyModel, rows: pd.DataFrame, build_features: Features, on_event: EventSink) -> pd.DataFrame:
    """The rows of the holdout that the model can look at; says how many are of series that it has never seen."""
    known = rows.loc[known_rows(model, build_features(rows)).index].reset_index(drop=True)
    if len(known) < len(rows):
        on_event(Warned(f"{len(rows) - len(known):,} rows of the holdout are of series that training did not see."))
    return known


def score_rows(
    project: Project, bundle: Bundle, features: pd.DataFrame, target: pd.Series
) -> tuple[Metrics, Evaluation]:
    """What the model in `bundle` is worth on rows of the holdout; nothing is written."""
    if bundle.manifest.task == "multilabel":
        truth = label_flags(target, bundle.model.labels)
        evaluation, _ = evaluate_labels(bundle.model, features, truth, seed=project.spec.seed)
    else:
        evaluation = evaluate_model(bundle.model, features, target, seed=project.spec.seed)
    return _metrics(project, bundle.manifest, evaluation), evaluation


def draw_run(
    project: Project,
    bundle: Bundle,
    features: pd.DataFrame,
    target: pd.Series,
    evaluation: Evaluation,
    *,
    on_event: EventSink,
) -> list[Path]:
    """Writes the pictures of an evaluation beside the run that trained the model; see `EvaluationPlots.plots`."""
    data = _report_data(project, bundle, features, evaluation)
    data = replace(data, thresholds=_thresholds(bundle, features, target))
    return write_plots(project.root / "experiments" / str(data.run_id) / "plots", data, on_event=on_event)


def meets(value: float, goal: Goal) -> bool:
    """Whether `value` reaches `goal`.

    >>> meets(0.9, Goal(op=">", value=0.85))
    True
    """
    compare: dict[Operator, bool] = {
        ">": value > goal.value,
        ">=": value >= goal.value,
        "<": value < goal.value,
        "<=": value <= goal.value,
    }
    return compare[goal.op]


def _metrics(project: Project, manifest: BundleManifest, evaluation: Evaluation) -> Metrics:
    summary = _summary(manifest)
    goal = project.spec.metric.goal
    met = None if goal is None else GoalResult(op=goal.op, value=goal.value, met=meets(evaluation.score, goal))
    return Metrics(
        metric=evaluation.metric,
        higher_is_better=evaluation.higher_is_better,
        holdout=evaluation.score,
        holdout_ci=evaluation.ci,
        cv=summary.cv,
        goal=met,
        rows_train=summary.rows,
        rows_holdout=evaluation.rows,
        best_model=summary.best_model,
        seconds=summary.seconds,
        seed=project.spec.seed,
        data_sha256=data_sha256(project),
        leaderboard=summary.leaderboard,
    )


def _summary(manifest: BundleManifest) -> TrainingSummary:
    if manifest.training is None:
        raise DataError(f"The bundle {manifest.model_version} does not say how it was trained.")
    return manifest.training


def _judged(
    project: Project, bundle: Bundle, rows: pd.DataFrame, features: pd.DataFrame, on_event: EventSink
) -> ReportData:
    target = rows[project.target]
    evaluation = evaluate_model(bundle.model, features, target, seed=project.spec.seed)
    on_event(Progress("evaluating", 1, 3, "importance"))
    importance = permutation_importance(
        bundle.model,
        bundle.model.encoder.encode(features),
        problem_of(bundle.model, target),
        seconds=_IMPORTANCE_SECONDS,
        seed=project.spec.seed,
    )
    on_event(Progress("evaluating", 1.3, 3, "contributions"))
    effects = column_effects(bundle.model, features, seconds=_EFFECTS_SECONDS, seed=project.spec.seed)
    return replace(
        _report_data(project, bundle, rows, evaluation),
        importance=importance,
        effects=None if effects is None else without_personal_values(effects, _personal(project)),
        thresholds=_thresholds(bundle, features, target),
        mistakes=_mistakes(project, bundle, features, target),
        speeds=measure_speeds(bundle.model, features),
        members=bundle.model.members,
    )


def _mistakes(project: Project, bundle: Bundle, features: pd.DataFrame, target: pd.Series) -> list[Mistake]:
    owners = getattr(bundle.model.encoder, "image_owners", ())
    if not owners:
        return []
    names = features[owners[0]].map(lambda path: os.path.relpath(path, project.data_source), na_action="ignore")
    return worst_mistakes(bundle, features, target, names)


def _judged_forecast(
    project: Project, bundle: Bundle, rows: pd.DataFrame, features: pd.DataFrame, on_event: EventSink
) -> ReportData:
    told = features.assign(**{project.target: rows[project.target]})
    evaluation, view = evaluate_forecast(before_holdout(bundle.model, told), told, seed=project.spec.seed)
    on_event(Progress("evaluating", 1, 3, "report"))
    data = _report_data(project, bundle, rows, evaluation)
    # The holdout of a forecast is later by design; what else has moved is worth a word.
    moved = [found for found in data.drift if found.column != project.spec.task.time]
    return replace(data, importance=view.importance, forecast=view, drift=moved)


def _judged_clusters(
    project: Project, bundle: Bundle, rows: pd.DataFrame, features: pd.DataFrame, on_event: EventSink
) -> ReportData:
    evaluation, view = evaluate_clusters(bundle.model, features, seed=project.spec.seed)
    on_event(Progress("evaluating", 1, 3, "report"))
    data = _report_data(project, bundle, rows, evaluation)
    return replace(data, clusters=without_personal_traits(view, _personal(project)))


def _judged_anomalies(
    project: Project, bundle: Bundle, rows: pd.DataFrame, features: pd.DataFrame, on_event: EventSink
) -> ReportData:
    target = project.spec.target
    labels = None if target is None else rows[project.target]
    positive = None if target is None else target.positive
    evaluation, view = evaluate_anomalies(bundle.model, features, labels, positive=positive, seed=project.spec.seed)
    if labels is not None and not evaluation.scores:
        on_event(Warned("Of the holdout too few rows are known to be strange, or not to be: no score is claimed."))
    on_event(Progress("evaluating", 1, 3, "report"))
    data = _report_data(project, bundle, rows, evaluation)
    # The holdout of series is later by design.
    data = replace(data, drift=[found for found in data.drift if found.column != project.spec.task.time])
    metrics = data.metrics.model_copy(update={"flagged": view.flagged, "scores": evaluation.scores or None})
    return replace(data, metrics=metrics, anomalies=with_masked_reasons(view, rows, project))


def _judged_labels(
    project: Project, bundle: Bundle, rows: pd.DataFrame, features: pd.DataFrame, on_event: EventSink
) -> ReportData:
    truth = label_flags(rows[project.target], bundle.model.labels)
    evaluation, labels = evaluate_labels(bundle.model, features, truth, seed=project.spec.seed)
    on_event(Progress("evaluating", 1, 3, "importance"))
    importance = label_importance(bundle.model, features, truth, seconds=_IMPORTANCE_SECONDS, seed=project.spec.seed)
    return replace(_report_data(project, bundle, rows, evaluation), labels=labels, importance=importance)


def _personal(project: Project) -> set[str]:
    return {column.name for column in project.columns if column.personal is not None}


def _report_data(project: Project, bundle: Bundle, rows: pd.DataFrame, evaluation: Evaluation) -> ReportData:
    reference = Reference.model_validate(bundle.reference) if bundle.reference else None
    run = project.root / "experiments" / _summary(bundle.manifest).run_id
    return ReportData(
        spec=project.spec,
        catalog=project.catalog,
        metrics=_metrics(project, bundle.manifest, evaluation),
        evaluation=without_personal_slices(evaluation, _personal(project)),
        drift=drift_of(reference, rows) if reference is not None else (),
        dropped=project.spec.data.drop,
        questions=project.catalog.questions,
        tried=tried_features(project.root),
        trials=trials_of(run) if (run / "events.jsonl").is_file() else (),
        reference=reference,
        manifest=bundle.manifest,
        run_id=run.name,
    )


def without_personal_slices(evaluation: Evaluation, personal: Collection[str]) -> Evaluation:
    """`evaluation` without the groups of rows whose condition would show a value of a personal column."""
    kept = [each for each in evaluation.worst_slices if each.column not in personal]
    return replace(evaluation, worst_slices=kept)


def without_personal_values(effects: Effects, personal: Collection[str]) -> Effects:
    """`effects` without the pictures that would show values of a personal column."""
    return replace(effects, dependences=[each for each in effects.dependences if each.feature not in personal])


def _thresholds(bundle: Bundle, features: pd.DataFrame, target: pd.Series) -> list[ThresholdRow]:
    manifest = bundle.manifest
    if manifest.task != "binary":
        return []
    shares = bundle.model.predict_proba(features)
    positive = bundle.model.positive
    actual = np.asarray(target == positive, dtype=bool)
    return threshold_table(actual, shares[positive].to_numpy(), manifest.threshold)


def _write(project: Project, data: ReportData, on_event: EventSink) -> None:
    reports = project.root / "reports"
    write_text(reports / "metrics.json", data.metrics.model_dump_json(indent=2) + "\n")
    write_model_card(reports / "model_card.md", data)
    write_report(reports / "report.html", data)
    run = project.root / "experiments" / str(data.run_id)
    if run.is_dir():
        record_metrics(run, data.metrics)
        index_run(project.root)
        write_plots(run / "plots", data, on_event=on_event)
        update_live_run(project.root, run)

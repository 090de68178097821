"""`fit`: from a table and a target to the best model that a budget buys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.spec import Validation
from automl_schemas.vocabulary import MetricName, TaskType
from numpy.typing import NDArray

from automl_runtime.engine.clock import Clock
from automl_runtime.engine.finish import Outcome, finish
from automl_runtime.engine.folds import choose_validation, make_folds
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.model import Model
from automl_runtime.engine.plan import Plan, available_cores, make_plan, sample_rows
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.problem import Problem, make_problem
from automl_runtime.engine.search import Search
from automl_runtime.engine.thresholds import ThresholdPolicy
from automl_runtime.engine.trials import Config
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import Cancelled, RequestError, TrainingError
from automl_runtime.events import EventSink, Progress, Warned, ignore
from automl_runtime.inference.encoding import Encoded, Encoder, FeatureKind
from automl_runtime.inference.model import Label

__all__ = ["FeatureKind", "ThresholdPolicy", "fit"]

_FEW_ROWS = 50


def fit(
    frame: pd.DataFrame,
    target: str | pd.Series,
    *,
    task: TaskType | None = None,
    metric: MetricName | None = None,
    budget_seconds: float = 60.0,
    groups: pd.Series | None = None,
    time: pd.Series | None = None,
    weights: Sequence[float] | pd.Series | None = None,
    trials: int | None = None,
    folds: int = 5,
    validation: Validation = "stratified",
    interpretable: bool = False,
    positive: Label | None = None,
    threshold: ThresholdPolicy | None = None,
    kinds: Mapping[str, FeatureKind] | None = None,
    seed: int = 0,
    replay: Sequence[Mapping[str, Any]] | None = None,
    on_event: EventSink = ignore,
    cancel: Callable[[], bool] | None = None,
) -> Model:
    """Searches for the best model of `target`, and returns it after at most `budget_seconds` (and a few seconds).

    Args:
        frame: one row for each example; every column but the target is an input, whatever it holds.
        target: a column of `frame`, or a series of the same length.
        task: `binary`, `multiclass` or `regression`; None: told from the metric, then from the target.
        metric: what is optimised; None: the task's default.
        budget_seconds: wall clock from call to return.
        groups: rows with the same value stay in one fold.
        time: orders the rows; used when `validation` is `temporal`.
        weights: of the rows, for the loss.
        trials: fixes the number of trials; the budget does not count then, and the outcome is the same every time.
        folds: of the cross-validation; fewer for few rows, and for very many.
        validation: how rows are divided; `grouped` is taken where groups repeat.
        interpretable: only linear, additive and small-tree models, no ensemble.
        positive: the class of interest of two; None: the one that says yes, else the rarer.
        threshold: how a binary decision is made; None: by F1, or by the metric when it judges labels.
        kinds: of columns, where it is known better than can be told from the values.
        seed: of everything that is random.
        replay: `Model.trials` of an earlier fit on the same data: exactly these trials are executed.
        on_event: gets `Progress`, `TrialFinished` and `Warned`.
        cancel: polled several times a second; True ends the search.

    Raises:
        RequestError: if an argument does not fit.
        TrainingError: if nothing can be learned.
        Cancelled: after `cancel` said so, or Ctrl-C.
    """
    untimed = trials is not None or replay is not None
    if budget_seconds <= 0 or folds < 2 or (trials is not None and trials < 1):
        raise RequestError("budget_seconds must be positive, folds at least 2, trials at least 1.")
    clock = Clock(None if untimed else float(budget_seconds))
    on_event(Progress("training", 0.0, clock.budget, "reading the table"))
    inputs, problem = make_problem(
        frame, target, task=task, metric=metric, positive=positive, weights=weights, groups=groups, time=time
    )
    if not len(inputs.columns):
        raise TrainingError("There is no column to learn from besides the target.")
    if len(problem) < _FEW_ROWS:
        on_event(Warned(f"There are only {len(problem)} rows to learn from: take the scores with caution."))
    encoder = Encoder(make_columns(inputs, kinds))
    data = encoder.encode(inputs)
    plan = _plan(problem, data, choose_validation(problem, validation), folds, seed, clock, replay)
    problem, data, index = _sampled(plan, problem, data, inputs.index, on_event)
    workspace = Workspace(problem, data, make_folds(problem, plan.validation, plan.folds, seed), seed)
    search = Search(workspace, clock, available_cores(), seed, on_event, cancel)
    configs = _replayed(replay) if replay is not None else portfolio(problem, data, interpretable=interpretable)
    try:
        with _single_threaded_algebra():
            search.run(configs, trials, grow=not interpretable and replay is None)
            temporal = plan.validation == "temporal"
            outcome = finish(search, encoder, inputs.columns, threshold, single=interpretable, temporal=temporal)
    except KeyboardInterrupt as interrupt:
        search.stopped.set()
        raise Cancelled("The training was cancelled.") from interrupt
    model = _to_model(search, outcome, plan, index[workspace.valid_rows])
    elapsed = clock.elapsed()
    total = elapsed if clock.budget is None else clock.budget
    on_event(Progress("training", total, total, f"{model.best_model}: {problem.metric} {model.cv:.4g}"))
    return model


def _single_threaded_algebra() -> Any:
    """Folds run side by side: BLAS threads would fight over the cores, and change the last digits."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")


def _plan(
    problem: Problem,
    data: Encoded,
    validation: Validation,
    folds: int,
    seed: int,
    clock: Clock,
    replay: Sequence[Mapping[str, Any]] | None,
) -> Plan:
    if replay is None:
        return make_plan(problem, data, validation, folds, seed, clock.budget, available_cores())
    if not replay:
        raise RequestError("There is no trial to execute again: `replay` is empty.")
    return Plan(**replay[0]["plan"])


def _sampled(
    plan: Plan, problem: Problem, data: Encoded, index: pd.Index, on_event: EventSink
) -> tuple[Problem, Encoded, pd.Index]:
    rows = sample_rows(plan, len(problem))
    if rows is None:
        return problem, data, index
    on_event(Warned(f"The budget is short for {len(problem)} rows: {len(rows)} of them, drawn at random, are used."))

    def part(values: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if values is None else values[rows]

    smaller = replace(
        problem,
        y=problem.y[rows],
        weights=part(problem.weights),
        groups=part(problem.groups),
        time=part(problem.time),
    )
    return smaller, data.take(rows), index[rows]


def _replayed(records: Sequence[Mapping[str, Any]]) -> list[Config]:
    return [
        Config(
            record["model"],
            record["learner"],
            dict(record["params"]),
            rounds=tuple(record["rounds"]),
            final_rounds=record["final_rounds"],
            usable=record["usable"],
        )
        for record in records
        if record["rounds"]
    ]


def _to_model(search: Search, outcome: Outcome, plan: Plan, index: pd.Index) -> Model:
    problem = search.problem
    columns = list(problem.classes) or [problem.target]
    rows = [_row(search, result) for result in search.results if result.complete]
    best = "ensemble" if len(outcome.weights) > 1 else next(iter(outcome.weights))
    if len(outcome.weights) > 1:
        chosen = [row for row in rows if row.model in outcome.weights]
        rows.append(
            LeaderboardRow(
                model=best,
                cv=outcome.score,
                fit_seconds=sum(row.fit_seconds for row in chosen),
                predict_us_per_row=sum(row.predict_us_per_row for row in chosen),
            )
        )
    return Model(
        outcome.model,
        cv=outcome.score,
        best_model=best,
        rows=sorted(rows, key=lambda row: (loss_of(problem.metric, row.cv), row.model != "ensemble", row.model)),
        oof=pd.DataFrame(outcome.outputs, index=index, columns=pd.Index(np.array(columns))),
        trials=[result.record(plan.to_json()) for result in search.results],
        seconds=search.clock.elapsed(),
        weights=outcome.weights,
    )


def _row(search: Search, result: Any) -> LeaderboardRow:
    predicting = sum(fold.predict_seconds for fold in result.folds)
    models = 1 if result.config.family().refits else len(result.folds)
    return LeaderboardRow(
        model=result.config.name,
        cv=result.score,
        fit_seconds=round(result.seconds, 3),
        predict_us_per_row=round(1e6 * predicting * models / len(search.workspace.valid_rows), 3),
    )

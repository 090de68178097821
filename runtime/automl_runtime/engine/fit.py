"""`fit`: from a table and a target to the best model that a budget buys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.model import Model
from automl_runtime.engine.plan import Plan, available_cores, make_plan, sample_rows
from automl_runtime.engine.portfolio import portfolio
from automl_runtime.engine.preprocessing import varies
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
    frame: Any,
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
    """Searches for the best model of `target`; returns after `budget_seconds` at most (and a few seconds).

    Args:
        frame: a pandas, Polars or Arrow table with a row for each example; every column but the target is an input,
            whatever it holds.
        target: a column of `frame`, or a series of the same length.
        task: `binary`, `multiclass` or `regression`; None: told from the metric, then from the target.
        metric: what is optimised; None: the task's default.
        budget_seconds: wall clock from call to return; it does not count when `trials` or `replay` is given.
        groups: rows with the same value stay in one fold.
        time: orders the rows, for `validation="temporal"`.
        weights: of the rows, for the loss.
        trials: the number of trials; the outcome is then the same every time.
        folds: at most; few rows, or very many, get fewer.
        validation: how rows are divided; where groups repeat it is `grouped`.
        interpretable: linear and additive models and small trees only, and no ensemble.
        positive: the class of interest of two; None: the one that says yes, else the rarer.
        threshold: what a good decision is; None: by the metric when it judges labels, else by F1.
        kinds: of columns for which it is known.
        seed: of everything that is random.
        replay: `Model.trials` of an earlier fit on the same rows: exactly these are executed.
        on_event: gets `Progress`, `TrialFinished` and `Warned`.
        cancel: polled several times a second; True ends the search.

    Raises:
        RequestError: if an argument does not fit.
        TrainingError: if nothing can be learned.
        Cancelled: after `cancel` said so, or Ctrl-C.
    """
    options = _Options(trials, folds, validation, interpretable, threshold, seed, replay, on_event, cancel)
    clock = options.clock(budget_seconds)
    try:
        table = as_frame(frame)
        inputs, problem = make_problem(
            table, target, task=task, metric=metric, positive=positive, weights=weights, groups=groups, time=time
        )
        return _search(inputs, problem, kinds, clock, options)
    except KeyboardInterrupt as interrupt:
        raise Cancelled("The training was cancelled.") from interrupt


@dataclass(frozen=True, slots=True)
class _Options:
    """How the search is done."""

    trials: int | None
    folds: int
    validation: Validation
    interpretable: bool
    threshold: ThresholdPolicy | None
    seed: int
    replay: Sequence[Mapping[str, Any]] | None
    on_event: EventSink
    cancel: Callable[[], bool] | None

    def clock(self, budget: float) -> Clock:
        """Starts the clock; without a budget when the number of trials is fixed."""
        if budget <= 0 or self.folds < 2 or (self.trials is not None and self.trials < 1):
            raise RequestError("budget_seconds must be positive, folds at least 2, trials at least 1.")
        if self.replay is not None and not any(record["rounds"] for record in self.replay):
            raise RequestError("There is no trial to execute again: `replay` is empty.")
        clock = Clock(float(budget) if self.trials is None and self.replay is None else None)
        self.on_event(Progress("training", 0.0, clock.budget, "reading the table"))
        return clock


def _search(
    inputs: pd.DataFrame,
    problem: Problem,
    kinds: Mapping[str, FeatureKind] | None,
    clock: Clock,
    options: _Options,
) -> Model:
    if not len(inputs.columns):
        raise TrainingError("There is no column to learn from besides the target.")
    if len(problem) < _FEW_ROWS:
        options.on_event(Warned(f"There are only {len(problem)} rows to learn from: take the scores with caution."))
    encoder = Encoder(make_columns(inputs, kinds))
    data = encoder.encode(inputs)
    if not varies(data):
        raise TrainingError("Every input column has the same value in all rows: there is nothing to learn from.")
    plan = _plan(problem, data, clock, options)
    problem, data, index = _sampled(plan, problem, data, inputs.index, options.on_event)
    workspace = Workspace(problem, data, make_folds(problem, plan.validation, plan.folds, plan.seed), plan.seed)
    search = Search(workspace, clock, available_cores(), plan.seed, options.on_event, options.cancel)
    outcome = _run(search, encoder, inputs.columns, options, temporal=plan.validation == "temporal")
    model = _to_model(search, outcome, plan, index[workspace.valid_rows])
    elapsed = clock.elapsed()
    total = elapsed if clock.budget is None else clock.budget
    options.on_event(Progress("training", total, total, f"{model.best_model}: {problem.metric} {model.cv:.4g}"))
    return model


def _run(search: Search, encoder: Encoder, features: Sequence[str], options: _Options, *, temporal: bool) -> Outcome:
    from threadpoolctl import threadpool_limits

    replay, single = options.replay, options.interpretable
    if replay is None:
        configs = portfolio(search.problem, search.workspace.data, interpretable=single)
    else:
        configs = _replayed(replay)
    # Folds run side by side: threads of BLAS would fight over the cores, and change the last digits.
    with threadpool_limits(limits=1, user_api="blas"):
        search.run(configs, options.trials, grow=not single and replay is None)
        return finish(search, encoder, features, options.threshold, single=single, temporal=temporal)


def _plan(problem: Problem, data: Encoded, clock: Clock, options: _Options) -> Plan:
    if options.replay is not None:
        return Plan(**options.replay[0]["plan"])
    validation = choose_validation(problem, options.validation)
    return make_plan(problem, data, validation, options.folds, options.seed, clock.budget, available_cores())


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

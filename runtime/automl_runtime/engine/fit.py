"""`fit`: from a table and what to predict to the best model that a budget buys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from automl_schemas.preprocessing import PreprocessingSpec
from automl_schemas.spec import Validation
from automl_schemas.vocabulary import MetricName, TaskType

from automl_runtime.contracts import parse_model
from automl_runtime.engine.executors.base import Executor, executor_named
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.model import Model
from automl_runtime.engine.options import Options
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.recorded import parse_trials
from automl_runtime.engine.tabular import fit_table
from automl_runtime.engine.thresholds import ThresholdPolicy
from automl_runtime.engine.unlabelled import UNLABELLED_TASKS, fit_unlabelled, refuse_wishes
from automl_runtime.errors import Cancelled, RequestError, shorten
from automl_runtime.events import Delivery, EventSink, TrainingCompleted, TrainingFailed, ignore
from automl_runtime.inference.encoding import FeatureKind
from automl_runtime.inference.model import Label

__all__ = ["FeatureKind", "ThresholdPolicy", "fit"]


def fit(
    frame: Any,
    target: str | Sequence[str] | pd.Series | None = None,
    *,
    task: TaskType | None = None,
    metric: MetricName | None = None,
    budget_seconds: float = 60.0,
    groups: str | pd.Series | None = None,
    time: str | pd.Series | None = None,
    horizon: int | None = None,
    series: Sequence[str] = (),
    known_ahead: Sequence[str] = (),
    frequency: str | None = None,
    interval: float = 0.8,
    clusters: int | None = None,
    contamination: float | None = None,
    window: int | None = None,
    label_separator: str | None = None,
    weights: str | Sequence[float] | pd.Series | None = None,
    trials: int | None = None,
    max_trials: int | None = None,
    folds: int = 5,
    validation: Validation = "stratified",
    interpretable: bool = False,
    preprocessing: PreprocessingSpec | Mapping[str, Any] | None = None,
    models: Sequence[str] | None = None,
    params: Mapping[str, Any] | None = None,
    ensemble: str = "auto",
    strategy: str = "auto",
    positive: Label | None = None,
    threshold: ThresholdPolicy | None = None,
    kinds: Mapping[str, FeatureKind] | None = None,
    memory_gb: float | None = None,
    memory: Path | str | None = None,
    max_predict_us: float | None = None,
    executor: str | Executor | None = None,
    seed: int = 0,
    replay: Sequence[Mapping[str, Any]] | None = None,
    on_event: EventSink = ignore,
    cancel: Callable[[], bool] | None = None,
    resume: Path | str | None = None,
) -> Any:
    """Searches for the best model of `target`, or for groups or strange rows.

    It returns after `budget_seconds` at most (and a few seconds).

    Args:
        frame: a pandas, Polars or Arrow table with a row for each example; every column but the target is an input,
            whatever it holds.
        target: a column of `frame`, or a series of the same length; None to look for groups or strange rows. Several
            columns of 0 and 1 are labels of which a row may have any number.
        task: `binary`, `multiclass`, `multilabel`, `regression` or `forecast`, without a target `clustering` or
            `anomaly`; None: told from the metric, then from the target.
        metric: what is optimised; None: the task's default.
        budget_seconds: wall clock from call to return; it does not count when `trials` or `replay` is given.
        groups: rows with the same value stay in one fold; a column of that name is no input.
        time: orders the rows, for `validation="temporal"`; of a forecast, the column with the moments. With it a search
            for anomalies looks at rows of a series, each number beside its season and the windows before it.
        horizon: of a forecast: how many steps ahead.
        series: of a forecast or an anomaly in time: the columns that tell series apart.
        known_ahead: of a forecast: columns whose value is known before the moment comes.
        frequency: of the same two: `hour`, `day`, `week`, `month`, `quarter` or `year`; None: the usual distance.
        interval: of a forecast: share of the values that shall fall between `low` and `high`.
        clusters: of a clustering: how many; None: as many as separate the rows best.
        contamination: of a search for anomalies: the share of the training rows that are, at most 0.5; None: told
            from their scores.
        window: of anomalies in time: steps of a window; None: a season that the numbers show, else 16.
        label_separator: of a `multilabel` task whose target is one column: what stands between the labels of a cell.
        weights: of the rows, for the loss; a column of that name is no input.
        trials: the number of trials; the outcome is then the same every time.
        max_trials: ends a search earlier than its budget, after so many trials.
        folds: at most; few rows, or very many, get fewer.
        validation: how rows are divided; where groups repeat it is `grouped`.
        interpretable: linear and additive models and small trees only, and no ensemble.
        preprocessing: options of `PreprocessingSpec` (infinities, outliers, imputation, scaling, encoding, selection,
            imbalance, and what refines them) that take the place of each model family's own way; learned inside folds.
        models: the only families of models that are tried, as `["xgboost", "random_forest"]`; None: those that suit.
        params: settings of the only family in `models` that differ from its own; it is then tried in this form alone.
        ensemble: how models are mixed: `auto` (greedy weights, of classes a second level where it is better), `voting`
            (the best of each family, all alike), `stacking` (a second level over all models of classes), `bagging` (as
            `auto`, of each model those of the folds in place of one of all rows).
        strategy: how configurations are chosen: `auto`, `asht`, `tpe`, `gp`, `cma`, `nsga2`, `hyperband`, `random`,
            `grid`, or one that was registered; see `engine.strategies.registry`.
        positive: the class of interest of two; None: the one that says yes, else the rarer.
        threshold: what a good decision is; None: by the metric when it judges labels, else by F1.
        kinds: of columns for which it is known.
        memory_gb: gigabytes (of 10^9 bytes) that the process may hold. A table that would not fit is sampled; models
            that would not fit are left out, or ended early.
        memory: a folder in which searches leave what won on what kind of table (no data, no names of columns), and
            from which the next ones try first what won on similar tables. Made when absent.
        max_predict_us: microseconds that a prediction may take for each row, on one core, in batches; told from the
            sizes of models. An ensemble is cut down until it fits, and a `Finding` says what that cost; `asht`, `tpe`
            and `nsga2` look for score and speed together.
        executor: where folds are fitted: None for threads of this process, `processes` for such of this machine,
            `ray` (extra `ray`), or an `Executor`.
        seed: of everything that is random.
        replay: `trials` of what an earlier fit on the same rows returned: exactly these are executed.
        on_event: gets `Progress`, `TrialFinished`, `EpochCompleted` and `Warned`, at last `TrainingCompleted` or
            `TrainingFailed`; on a thread of its own, so that a slow or raising handler harms nothing.
        cancel: a `CancellationToken` or a function, polled several times a second; True ends the search.
        resume: a folder in which every finished trial is kept; those that an interrupted `fit` of the same data and
            options left there are taken over, and the budget goes on from the time that they took. Made when absent.
            After a cancellation `load(resume / "best")` is the best model so far.

    Returns:
        A `Model`; of labels a `MultilabelModel`, of a forecast a `Forecaster`, of the others a `ClusterModel` or an
        `AnomalyModel`.

    Raises:
        RequestError: if an argument does not fit, or `resume` holds the trials of another search.
        TrainingError: if nothing can be learned.
        Cancelled: after `cancel` said so, or Ctrl-C.
    """
    ahead = {"horizon": horizon, "series": series, "known_ahead": known_ahead, "frequency": frequency}
    wishes = {"clusters": clusters, "contamination": contamination, "window": window}
    roles: dict[str, Any] = {"groups": groups, "time": time, "weights": weights, "positive": positive}
    with _telling(on_event) as tell:
        options = Options(
            budget_seconds=budget_seconds,
            trials=trials,
            max_trials=max_trials,
            folds=folds,
            validation=validation,
            interpretable=interpretable,
            preprocessing=_asked(preprocessing),
            models=models,
            params=params,
            ensemble=ensemble,
            strategy=strategy,
            threshold=threshold,
            kinds=kinds,
            memory_gb=memory_gb,
            memory=None if memory is None else Path(memory),
            max_predict_us=max_predict_us,
            executor=executor_named(executor),
            seed=seed,
            replay=None if replay is None else parse_trials(replay, "replay"),
            on_event=tell,
            cancel=cancel,
            resume=None if resume is None else Path(resume),
        )
        table = as_frame(frame)
        if task in UNLABELLED_TASKS:
            given = ahead | roles | {"target": target, "label_separator": label_separator}
            model: Any = fit_unlabelled(table, task, options, metric=metric, given=given, **wishes)
        else:
            refuse_wishes(wishes)
            _refuse_absent(target)
            if label_separator is not None and task != "multilabel":
                raise RequestError('`label_separator` is only for task="multilabel".')
            if task == "forecast":
                model = _forecast(table, target, time, ahead, metric=metric, interval=interval, options=options)
            else:
                _refuse_forecast(ahead)
                roles |= {"task": task, "metric": metric}
                if task == "multilabel" or isinstance(target, list | tuple):
                    model = _labels(table, target, options, separator=label_separator, **roles)
                else:
                    model = _table(table, target, options, **roles)
        tell(TrainingCompleted(None, {} if task == "anomaly" else {model.metric: model.cv}))
    return model


@contextmanager
def _telling(on_event: EventSink) -> Iterator[EventSink]:
    """A sink that keeps the handler away from the training; an error leaves through it as the terminal event."""
    delivery = None if on_event is ignore else Delivery(on_event)
    tell = delivery or ignore
    try:
        yield tell
    except KeyboardInterrupt as interrupt:
        tell(TrainingFailed.of(interrupt, cancelled=True))
        raise Cancelled("The training was cancelled.") from interrupt
    except Exception as error:
        tell(TrainingFailed.of(error, cancelled=isinstance(error, Cancelled)))
        raise
    finally:
        if delivery is not None:
            delivery.close()


def _refuse_absent(target: Any) -> None:
    if target is None:
        raise RequestError(
            "`target` is missing: the column to predict.",
            hint=f"Without one, ask for task={' or '.join(map(repr, UNLABELLED_TASKS))}.",
        )


def _asked(preprocessing: PreprocessingSpec | Mapping[str, Any] | None) -> PreprocessingSpec:
    if isinstance(preprocessing, PreprocessingSpec):
        return preprocessing
    return parse_model(PreprocessingSpec, preprocessing or {}, origin="preprocessing")


def _table(table: pd.DataFrame, target: str | pd.Series, options: Options, **roles: Any) -> Model:
    clock = options.clock()
    table, roles = _with_roles(table, roles)
    inputs, problem = make_problem(table, target, **roles)
    return fit_table(inputs, problem, clock, options)


def _labels(table: pd.DataFrame, target: Any, options: Options, *, task: TaskType | None, **asked: Any) -> Any:
    from automl_runtime.engine.multilabel.fitting import fit_labels

    if task not in (None, "multilabel"):
        raise RequestError(f"Several targets are a multilabel task, not {task}; give one column.")
    if asked.pop("positive") is not None:
        raise RequestError("`positive` is for one target of two classes; labels are there or not.")
    table, asked = _with_roles(table, asked)
    return fit_labels(table, target, options, **asked)


def _with_roles(table: pd.DataFrame, roles: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table without the columns that are no inputs, and the roles with columns in place of their names."""
    roles, taken = dict(roles), []
    for role in ("groups", "weights", "time"):
        name = roles[role]
        if not isinstance(name, str):
            continue
        roles[role] = _column(table, name)
        taken += [name] if role != "time" else []
    return table.drop(columns=taken), roles


def _forecast(table: pd.DataFrame, target: Any, time: Any, asked: dict[str, Any], **rest: Any) -> Forecaster:
    from automl_runtime.engine.forecasting.fitting import fit_forecast

    if not isinstance(target, str) or not isinstance(time, str) or asked["horizon"] is None:
        raise RequestError(
            "A forecast needs `target` and `time`, the names of columns, and `horizon`, a number of steps.",
            hint='For example fit(frame, "sold", task="forecast", time="day", horizon=28, series=["shop"]).',
        )
    return fit_forecast(table, target, time=time, **asked, **rest)


def _refuse_forecast(asked: Mapping[str, Any]) -> None:
    given = [f"`{name}`" for name, value in asked.items() if value]
    if given:
        raise RequestError(f'{", ".join(given)}: only for task="forecast".')


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    if name not in table.columns:
        raise RequestError(f"The table has no column {shorten(name)}.")
    return table[name]

"""Forecasts: a regression over all series and distances ahead, or a seasonal naive forecast where that is better.

Each training row is a step of a series seen a random number of steps before it: the model learns how much the past
still tells, and every step of a horizon is forecast directly, without feeding forecasts back. Models are chosen by
forecasts of the last horizons of the history, made as if these had not come yet.
"""

from __future__ import annotations

import time as time_of_day
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, default_metric
from numpy.typing import NDArray

from automl_runtime.data.frequency import infer_frequency, named_frequency, to_moments
from automl_runtime.engine.forecasting.covariates import Covariates
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.forecasting.history import History, Rows
from automl_runtime.engine.forecasting.layout import (
    Layout,
    Member,
    Spread,
    combined_inputs,
    known_columns,
    naive_outputs,
)
from automl_runtime.engine.metrics import check_metric, loss_of, score_values
from automl_runtime.engine.model import Model
from automl_runtime.engine.options import Options
from automl_runtime.engine.problem import Problem, make_problem
from automl_runtime.engine.tabular import fit_table
from automl_runtime.errors import RequestError, TrainingError, shorten
from automl_runtime.events import EventSink, Warned
from automl_runtime.inference.model import FittedModel
from automl_runtime.kernels.arrays import Bools, Floats

__all__ = ["fit_forecast", "forecast_problem", "windows_of"]

_MOST_ROWS = 200_000
_MOST_VIEWS = 3
_LEAST_HISTORY = 3
_GROUPS = 4
_FEWEST_OF_GROUP = 30
_TIMED_ROWS = 2_000
_WINDOWS = 3
_FEWEST_VALIDATING = 500
_MOST_VALIDATING = 30_000
_SHARE_VALIDATING = 0.45
_LEAST_PAST = 0.3
_SEARCHES = {False: "absolute", True: "relative"}
"""Of the values, and of the values as multiples of their level."""


def fit_forecast(
    table: pd.DataFrame,
    target: str,
    *,
    time: str,
    horizon: int,
    series: Sequence[str] = (),
    known_ahead: Sequence[str] = (),
    frequency: str | None = None,
    metric: MetricName | None = None,
    interval: float = 0.8,
    options: Options,
) -> Forecaster:
    """See `fit`; columns that are neither time, series nor known ahead are not used.

    `options.trials` counts for each of two searches, whose trials say to which they belong. Of the options of a table
    `interpretable` is not possible.

    Raises:
        RequestError: if an argument does not fit.
        TrainingError: if the series are too short, or a moment occurs twice in one.
    """
    if options.interpretable:
        raise RequestError("`interpretable` is not possible for a forecast.")
    metric = metric or default_metric("forecast")
    check_metric(metric, "regression")
    if horizon < 1 or not 0 < interval < 1:
        raise RequestError("`horizon` must be 1 or more steps, `interval` a share between 0 and 1.")
    for name in (target, time, *series, *known_ahead):
        if name not in table.columns:
            raise RequestError(f"The table has no column {shorten(name)}.")
    columns = _Columns(target, time, tuple(series), tuple(known_ahead))
    layout, past, views = _seen(table, columns, horizon, frequency, options.seed)
    tried = _tried(views, metric, options)
    return _best(layout, past, views, tried, metric, interval, options.on_event)


def forecast_problem(
    table: pd.DataFrame,
    target: str,
    *,
    time: str,
    horizon: int,
    series: Sequence[str] = (),
    known_ahead: Sequence[str] = (),
    frequency: str | None = None,
    metric: MetricName | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, Problem]:
    """What the regression of a forecast sees of the steps that it learns from, and its problem; see `fit_forecast`.

    The last windows of the problem validate, each judged by what came before it. The same seed gives the same steps,
    whatever is known ahead.

    Raises:
        TrainingError: if the series are too short, or a moment occurs twice in one.
    """
    columns = _Columns(target, time, tuple(series), tuple(known_ahead))
    _, _, views = _seen(table, columns, horizon, frequency, seed)
    inputs, problem = make_problem(
        views.inputs,
        pd.Series(views.y, name="value"),
        task="regression",
        metric=metric or default_metric("forecast"),
        time=pd.Series(views.rows.steps),
    )
    return inputs, replace(problem, windows=views.windows)


@dataclass(frozen=True, slots=True)
class _Columns:
    target: str
    time: str
    series: tuple[str, ...]
    known_ahead: tuple[str, ...]


def _seen(
    table: pd.DataFrame, columns: _Columns, horizon: int, frequency: str | None, seed: int
) -> tuple[Layout, tuple[History, Covariates], _Views]:
    """What the rows with a target hold, the past in it, and the steps to learn from."""
    table = table[table[columns.target].notna()].reset_index(drop=True)
    layout, history, steps, codes = _read(table, columns, horizon, frequency)
    past = history, Covariates.of(table, layout.known_ahead, codes, steps, history)
    return layout, past, _views(table, layout, past, steps, codes, seed)


def _read(
    table: pd.DataFrame, columns: _Columns, horizon: int, frequency: str | None
) -> tuple[Layout, History, Any, Any]:
    target, time, series = columns.target, columns.time, columns.series
    if table.empty:
        raise TrainingError(f"No row has a value of {shorten(target)}.")
    moments = to_moments(table[time])
    cells = [table[name].astype("str") for name in series]
    keys = sorted(set(zip(*cells, strict=True))) if series else [("all",)]
    places = {key: place for place, key in enumerate(keys)}
    codes = np.array([places[key] for key in zip(*cells, strict=True)], dtype=np.int64) if series else None
    codes = np.zeros(len(table), dtype=np.int64) if codes is None else codes
    found = infer_frequency(moments, codes) if frequency is None else named_frequency(frequency, moments)
    steps = found.steps(moments)
    _refuse_repeated(codes, steps, series, time)
    first, last = int(steps.min()), int(steps.max())
    if last - first + 1 < _LEAST_HISTORY * horizon + 2:
        raise TrainingError(
            f"The series have {last - first + 1} steps; "
            f"to look {horizon} ahead, {_LEAST_HISTORY * horizon + 2} are needed.",
            hint="Ask for a shorter horizon, or add older rows.",
        )
    values = np.full((len(keys), last - first + 1), np.nan)
    values[codes, steps - first] = pd.to_numeric(table[target], errors="coerce").to_numpy(dtype=np.float64)
    layout = Layout(target, time, series, columns.known_ahead, horizon, found, tuple(keys))
    return layout, History(values, first), steps, codes


def _refuse_repeated(codes: Any, steps: Any, series: tuple[str, ...], time: str) -> None:
    repeated = np.flatnonzero(pd.DataFrame({"series": codes, "step": steps}).duplicated().to_numpy())
    if len(repeated):
        hint = (
            "Name the columns that tell series apart with `series`." if not series else "Add up or average such rows."
        )
        raise TrainingError(
            f"{len(repeated)} rows have the same {shorten(time)} as another of their series; "
            f"the first is row {repeated[0] + 1}.",
            hint=hint,
        )


@dataclass(frozen=True, slots=True)
class _Views:
    """Steps seen from some steps before, to train on and to validate."""

    rows: Rows
    inputs: pd.DataFrame
    y: Floats
    level: Floats
    windows: NDArray[np.int64]
    """The window in which a row validates; -1 where it only trains."""


def _views(
    table: pd.DataFrame, layout: Layout, past: tuple[History, Covariates], steps: Any, codes: Any, seed: int
) -> _Views:
    history, covariates = past
    rng = np.random.default_rng(seed)
    views = int(np.clip(_MOST_ROWS // len(table), 1, _MOST_VIEWS)) if layout.horizon > 1 else 1
    chosen = np.tile(np.arange(len(table)), views)
    gaps = rng.integers(1, layout.horizon + 1, len(chosen))
    known = steps[chosen] - gaps >= history.first
    chosen, gaps, windows = chosen[known], gaps[known], np.full(int(known.sum()), -1)
    for number, (begin, end) in enumerate(windows_of(layout, history)):
        inside = np.flatnonzero((steps >= begin) & (steps < end))
        if len(inside) > _MOST_VALIDATING:
            inside = np.sort(rng.permutation(inside)[:_MOST_VALIDATING])
        chosen, windows = np.append(chosen, inside), np.append(windows, np.full(len(inside), number))
        gaps = np.append(gaps, (steps[inside] - begin) % layout.horizon + 1)
    rows = Rows(codes[chosen], steps[chosen], gaps)
    inputs = combined_inputs(history, covariates, rows, layout, known_columns(table.iloc[chosen], layout.known_ahead))
    return _Views(rows, inputs, history.at(rows.series, rows.steps), inputs["level"].to_numpy(), windows)


def windows_of(layout: Layout, history: History) -> list[tuple[int, int]]:
    """First step and end of up to three stretches at the end of the history, in which forecasts are tried out.

    Each is a horizon long, or several where that gives few rows, and is forecast as later steps will be: by models
    that know nothing from its begin on, from the step before each horizon begins (rolling origins: Tashman, 2000).
    """
    horizon, (series, span) = layout.horizon, history.values.shape
    wanted = -(-_FEWEST_VALIDATING // (horizon * series))
    length = horizon * max(1, min(wanted, int(span * _SHARE_VALIDATING / _WINDOWS) // horizon))
    begins = [history.last + 1 - length * back for back in range(_WINDOWS, 0, -1)]
    least = history.first + max(1, int(span * _LEAST_PAST))
    return [(begin, begin + length) for begin in begins if begin >= least]


@dataclass(frozen=True, slots=True)
class _Tried:
    model: Model
    relative: bool
    rows: Any
    """Places among the views of the rows that validated."""
    outputs: Floats
    """The forecasts of those rows, in the unit of the target."""


def _tried(views: _Views, metric: MetricName, options: Options) -> list[_Tried]:
    """The target as it is, and as a multiple of its level, which lets trees follow a trend."""
    usable = np.isfinite(views.level) & (views.level > 0)
    relative = bool((views.y >= 0).all() and usable.mean() > 0.5)
    share = replace(options, validation="temporal", budget_seconds=options.budget_seconds / (1 + relative))
    tried = [_fit(views, np.ones(len(views.y), dtype=bool), metric, share, relative=False)]
    if relative:
        tried.append(_fit(views, usable, metric, share, relative=True))
    return tried


def _fit(views: _Views, kept: Bools, metric: MetricName, options: Options, *, relative: bool) -> _Tried:
    options = options.below(_SEARCHES[relative])
    places = np.flatnonzero(kept)
    scale = views.level[places] if relative else np.ones(len(places))
    # An error of the multiple counts as much as the level it is multiplied by.
    weights = (scale**2 if metric in ("rmse", "r2") else scale) if relative else None
    clock = options.clock()
    inputs, problem = make_problem(
        views.inputs.iloc[places].reset_index(drop=True),
        pd.Series(views.y[places] / scale, name="value"),
        task="regression",
        metric=metric,
        time=pd.Series(views.rows.steps[places]),
        weights=weights,
    )
    model = fit_table(inputs, replace(problem, windows=views.windows[places]), clock, options)
    validated = model.oof.index.to_numpy()
    return _Tried(model, relative, places[validated], model.oof.to_numpy()[:, 0] * scale[validated])


def _best(
    layout: Layout,
    past: tuple[History, Covariates],
    views: _Views,
    tried: list[_Tried],
    metric: MetricName,
    interval: float,
    on_event: EventSink,
) -> Forecaster:
    """The variant, or the mean of both, with the least loss on the rows that all of them validated on."""
    history, covariates = past
    common = tried[0].rows
    for each in tried[1:]:
        common = np.intersect1d(common, each.rows)
    outputs: dict[str, Floats] = {}
    members: dict[str, list[_Tried]] = {}
    for each in tried:
        order = np.argsort(each.rows)
        name = f"{each.model.best_model}_relative" if each.relative else each.model.best_model
        outputs[name] = each.outputs[order][np.searchsorted(each.rows[order], common)]
        members[name] = [each]
    if len(tried) > 1:
        outputs["blend"], members["blend"] = np.mean(list(outputs.values()), axis=0), list(tried)
    rows = Rows(views.rows.series[common], views.rows.steps[common], views.rows.gaps[common])
    periods = dict.fromkeys((1, *layout.frequency.periods()))
    naive = {f"naive_{period}": period for period in periods if 2 * period <= history.values.shape[1]}
    outputs |= {name: naive_outputs(history, rows, period) for name, period in naive.items()}
    truth = views.y[common]
    scores = {name: score_values(metric, truth, found) for name, found in outputs.items()}
    chosen = min(scores, key=lambda name: loss_of(metric, scores[name]))
    if chosen in naive:
        on_event(Warned(f"No model beats the seasonal naive forecast ({metric} {scores[chosen]:.4g}); that is used."))
    seconds = {name: sum(each.model.seconds for each in parts) for name, parts in members.items()}
    some = views.inputs.iloc[common[:_TIMED_ROWS]]
    speeds = {name: _speed([each.model.fitted for each in parts], some) for name, parts in members.items()}
    board = [
        LeaderboardRow(
            model=name,
            cv=value,
            fit_seconds=round(seconds.get(name, 0.0), 3),
            predict_us_per_row=speeds.get(name, 0.0),
        )
        for name, value in sorted(scores.items(), key=lambda item: loss_of(metric, item[1]))
    ]
    return Forecaster(
        layout,
        history,
        covariates,
        [Member(each.model.fitted, each.relative) for each in members.get(chosen, [])],
        naive=naive.get(chosen),
        spread=_spread(truth - outputs[chosen], rows.gaps, layout, interval, views.level[common]),
        metric=metric,
        cv=scores[chosen],
        best_model=chosen,
        rows=board,
        trials=[{"search": _SEARCHES[each.relative], **trial} for each in tried for trial in each.model.trials],
        seconds=sum(each.model.seconds for each in tried),
    )


def _speed(models: Sequence[FittedModel], inputs: pd.DataFrame) -> float:
    """Microseconds for each row; a naive forecast looks one number up, which is not measured."""
    begun = time_of_day.perf_counter()
    for model in models:
        model.predict(inputs)
    return round(1e6 * (time_of_day.perf_counter() - begun) / max(len(inputs), 1), 3)


def _spread(errors: Floats, gaps: Any, layout: Layout, level: float, sizes: Floats) -> Spread:
    """Quantiles of the errors in up to four groups of gaps, as far as each has enough of them.

    Those of several series are counted in multiples of their `sizes`, where these are above zero.
    """
    horizon = layout.horizon
    relative = len(layout.keys) > 1 and bool((sizes > 0).all())
    errors = errors / sizes if relative else errors
    groups = int(np.clip(min(horizon, len(errors) // _FEWEST_OF_GROUP), 1, _GROUPS))
    edges = np.unique(np.ceil(np.arange(1, groups) * horizon / groups).astype(np.int64))
    place = np.searchsorted(edges, gaps)
    tail = (1 - level) / 2
    parts = [errors[place == group] if (place == group).any() else errors for group in range(len(edges) + 1)]
    return Spread(
        tuple(int(edge) for edge in edges),
        tuple(float(np.quantile(part, tail)) for part in parts),
        tuple(float(np.quantile(part, 1 - tail)) for part in parts),
        level,
        relative,
    )

"""What a forecast is worth on the steps that follow its history: scores, errors by step ahead, points of the plots."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from automl_schemas.vocabulary import MetricName, higher_is_better
from numpy.typing import NDArray

from automl_runtime.engine.evaluation import Evaluation, Histogram, Scatter, Slice
from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.engine.forecasting.history import Rows
from automl_runtime.engine.forecasting.layout import naive_outputs
from automl_runtime.engine.metrics import VALUE_METRICS, bootstrap_interval, loss_of, score_values
from automl_runtime.kernels.arrays import Floats, Ints

__all__ = ["ForecastView", "SeriesView", "StepError", "evaluate_forecast"]

_SHOWN_SERIES = 6
_MOST_GROUPS = 28
_HORIZONS_SHOWN = 2
_MOST_HISTORY = 400
_LEAST_HISTORY = 30
_WORST = 5
_FEWEST_BLOCKS = 8
_SAMPLE = 500
_BINS = 40
_WORDS = {
    "gap": "steps ahead",
    "level": "level",
    "year_part": "day of the year",
    "week_part": "hour of the week",
}


@dataclass(frozen=True, slots=True)
class StepError:
    """The mean absolute error of the steps `first` to `last` ahead, and that of the best naive forecast."""

    first: int
    last: int
    rows: int
    error: float
    naive: float


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One series: its last history, and what was forecast of the steps after it; `actual` is None in gaps."""

    name: str
    past: list[tuple[str, float]]
    """Moments (ISO) and values."""
    moments: list[str]
    actual: list[float | None]
    predicted: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True, slots=True)
class ForecastView:
    """What the report shows of a forecast besides an `Evaluation`."""

    horizon: int
    step: str
    """The frequency, as `hour`."""
    level: float
    """The share of values that shall lie between `low` and `high`."""
    coverage: float
    """The share that did."""
    naive: dict[str, float]
    """The score of each seasonal naive forecast on the same rows, by its name."""
    by_step: list[StepError]
    series: list[SeriesView]
    importance: dict[str, float]
    """Input of the models -> loss of score when its values are shuffled among the rows; empty for a naive forecast."""


def evaluate_forecast(model: Forecaster, frame: pd.DataFrame, *, seed: int = 0) -> tuple[Evaluation, ForecastView]:
    """Scores one forecast of the rows of `frame` that lie within the horizon after the history of `model`.

    The interval of the score draws whole blocks of time again, all series at once, for errors of neighbours are alike
    (block bootstrap: Künsch, 1989).

    Raises:
        SchemaMismatchError: if a column is missing, a series is unknown, or no row follows the history.
    """
    rows, known, truth = model.rows_after(frame)
    start = time.perf_counter()
    inputs = model.inputs(rows, known)
    predicted = model.outputs(rows, inputs)
    seconds = time.perf_counter() - start
    scores = {metric: score_values(metric, truth, predicted) for metric in VALUE_METRICS}
    counts, edges = np.histogram(truth - predicted, bins=_BINS)
    sample = np.sort(np.random.default_rng(seed).permutation(len(truth))[:_SAMPLE])
    evaluation = Evaluation(
        task="forecast",
        metric=model.metric,
        higher_is_better=higher_is_better(model.metric),
        rows=len(truth),
        score=scores[model.metric],
        ci=bootstrap_interval(model.metric, truth, labels=predicted, blocks=_blocks(model, rows), seed=seed),
        scores={str(name): value for name, value in scores.items()},
        residuals=Histogram(edges.tolist(), counts.tolist()),
        predicted_vs_actual=Scatter(predicted[sample].tolist(), truth[sample].tolist()),
        worst_slices=_worst_series(model, rows, truth, predicted),
        predict_us_per_row=round(1e6 * seconds / len(truth), 3),
    )
    return evaluation, _view(model, rows, inputs, truth, predicted, seed)


def _view(
    model: Forecaster, rows: Rows, inputs: pd.DataFrame, truth: Floats, predicted: Floats, seed: int
) -> ForecastView:
    low, high = model.interval(rows, predicted)
    naive = _naive(model, rows)
    scores = {name: score_values(model.metric, truth, found) for name, found in naive.items()}
    best = min(scores, key=lambda name: loss_of(model.metric, scores[name]))
    return ForecastView(
        horizon=model.horizon,
        step=model.layout.frequency.name,
        level=model.spread.level,
        coverage=float(((truth >= low) & (truth <= high)).mean()),
        naive=scores,
        by_step=_by_step(rows, model.horizon, np.abs(truth - predicted), np.abs(truth - naive[best])),
        series=_series(model, rows, truth, predicted),
        importance=_importance(model, rows, inputs, truth, seed),
    )


def _blocks(model: Forecaster, rows: Rows) -> Ints:
    """A number for the block of time of each row: a season long where there are four of them, else a step."""
    lengths = [length for length in model.layout.frequency.periods() if model.horizon >= _FEWEST_BLOCKS * length]
    length = lengths[0] if lengths else 1
    if model.horizon < _FEWEST_BLOCKS:
        return np.arange(len(rows.steps))
    return np.unique((rows.gaps - 1) // length, return_inverse=True)[1].astype(np.int64)


def _naive(model: Forecaster, rows: Rows) -> dict[str, Floats]:
    periods = dict.fromkeys((1, *model.layout.frequency.periods()))
    width = model.history.values.shape[1]
    return {f"naive_{period}": naive_outputs(model.history, rows, period) for period in periods if period <= width}


def _by_step(rows: Rows, horizon: int, errors: Floats, naive: Floats) -> list[StepError]:
    groups = min(horizon, _MOST_GROUPS)
    edges = np.unique(np.ceil(np.arange(1, groups + 1) * horizon / groups).astype(np.int64))
    found, first = [], 1
    for last in edges.tolist():
        inside = (rows.gaps >= first) & (rows.gaps <= last)
        if inside.any():
            found.append(
                StepError(first, last, int(inside.sum()), float(errors[inside].mean()), float(naive[inside].mean()))
            )
        first = last + 1
    return found


def _worst_series(model: Forecaster, rows: Rows, truth: Floats, predicted: Floats) -> list[Slice]:
    """Series on which the score is worse than on all, the worst first."""
    if len(model.layout.keys) < 2:
        return []
    overall = loss_of(model.metric, score_values(model.metric, truth, predicted))
    found = []
    for code in np.unique(rows.series).tolist():
        own = rows.series == code
        score = score_values(model.metric, truth[own], predicted[own])
        if np.isfinite(score) and loss_of(model.metric, score) > overall:
            found.append(Slice(_condition(model, code), int(own.sum()), score))
    return sorted(found, key=lambda item: -loss_of(model.metric, item.score))[:_WORST]


def _condition(model: Forecaster, code: int) -> str:
    if not model.layout.series:
        return model.layout.target
    pairs = zip(model.layout.series, model.layout.keys[code], strict=True)
    return ", ".join(f"{name} = {value}" for name, value in pairs)


def _series(model: Forecaster, rows: Rows, truth: Floats, predicted: Floats) -> list[SeriesView]:
    """The series with the largest values that have rows, in their own order."""
    sizes = np.nansum(np.abs(model.history.values), axis=1)
    present = np.unique(rows.series)
    chosen = np.sort(present[np.argsort(-sizes[present], kind="stable")][:_SHOWN_SERIES])
    return [_one_series(model, code, rows, truth, predicted) for code in chosen.tolist()]


def _one_series(model: Forecaster, code: int, rows: Rows, truth: Floats, predicted: Floats) -> SeriesView:
    own = np.flatnonzero(rows.series == code)
    own = own[np.argsort(rows.steps[own], kind="stable")]
    low, high = model.interval(Rows(rows.series[own], rows.steps[own], rows.gaps[own]), predicted[own])
    width = int(np.clip(_HORIZONS_SHOWN * model.horizon, _LEAST_HISTORY, _MOST_HISTORY))
    values = model.history.values[code, -width:]
    filled = np.flatnonzero(np.isfinite(values))
    steps = np.asarray(model.history.last - len(values) + 1 + filled, dtype=np.int64)
    return SeriesView(
        name=_condition(model, code),
        past=list(zip(_texts(model, steps), values[filled].tolist(), strict=True)),
        moments=_texts(model, rows.steps[own]),
        actual=[float(value) for value in truth[own]],
        predicted=predicted[own].tolist(),
        low=low.tolist(),
        high=high.tolist(),
    )


def _texts(model: Forecaster, steps: NDArray[np.int64]) -> list[str]:
    return [moment.isoformat() for moment in model.layout.frequency.moments(steps)]


def _importance(model: Forecaster, rows: Rows, inputs: pd.DataFrame, truth: Floats, seed: int) -> dict[str, float]:
    """Permutation importance (Breiman, 2001) on the rows that are scored."""
    if not model.members:
        return {}
    rng = np.random.default_rng(seed)
    base = _loss(model.metric, truth, model.outputs(rows, inputs))
    found = {}
    for name in inputs.columns:
        shuffled = inputs.assign(**{name: inputs[name].to_numpy()[rng.permutation(len(inputs))]})
        found[_spoken(str(name), model)] = _loss(model.metric, truth, model.outputs(rows, shuffled)) - base
    return found


def _spoken(name: str, model: Forecaster) -> str:
    """What a reader of the report makes of an input that `features_of` made."""
    if name in model.layout.known_ahead or name in model.layout.series:
        return name
    kind, _, rest = name.partition("_")
    if name in _WORDS:
        return _WORDS[name]
    if kind == "last" and rest.isdecimal():
        return "last value" if rest == "1" else f"value {int(rest) - 1} steps before the last"
    if kind == "season" and rest.partition("_")[0].isdecimal():
        period, _, which = rest.partition("_")
        return f"mean at multiples of {period} steps" if which == "mean" else f"{which} x {period} steps before"
    return f"{'mean' if kind == 'mean' else 'spread'} of the last {rest} steps" if rest.isdecimal() else name


def _loss(metric: MetricName, truth: Floats, predicted: Sequence[float] | Floats) -> float:
    return float(loss_of(metric, score_values(metric, truth, np.asarray(predicted))))

"""Learns what rows of a table are usually like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.trials import Trial
from automl_schemas.vocabulary import MetricName

from automl_runtime.engine.anomaly.isolation import fit_isolation
from automl_runtime.engine.anomaly.model import AnomalyModel, Detectors
from automl_runtime.engine.anomaly.ranks import fit_ranks
from automl_runtime.engine.anomaly.residuals import fit_residuals
from automl_runtime.engine.anomaly.tails import fit_tails
from automl_runtime.engine.anomaly.typical import describe
from automl_runtime.engine.anomaly.windows import fit_windows
from automl_runtime.engine.options import Options
from automl_runtime.engine.spaces import fit_encoder, fit_filling, fit_likeness, fit_rarity
from automl_runtime.engine.watch import Watch
from automl_runtime.errors import RequestError, shorten
from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Floats

__all__ = ["fit_anomalies"]

_ROWS = 20_000
_LIMIT = 10.0
_TAILS, _RESIDUALS, _FOREST = _DETECTORS = ("tails", "residuals", "isolation_forest")
_USUAL = 0.9
_FAR = 3.0
_NORMAL_MAD = 1.4826
"""Standard deviations in a median absolute deviation of a normal distribution."""


def fit_anomalies(
    table: pd.DataFrame,
    options: Options,
    *,
    contamination: float | None = None,
    metric: MetricName = "roc_auc",
    time: str | None = None,
    series: Sequence[str] = (),
    frequency: str | None = None,
    window: int | None = None,
) -> AnomalyModel:
    """See `fit`. At most 20,000 rows are learned from, drawn at random; `options.trials` counts detectors. For which of
    them, and for how many trees, the time sufficed is recorded.

    Without `contamination`, each detector counts the rows that are far out: the cube root of a sum of squares, or of
    logs, is nearly normal (Wilson and Hilferty 1931), so those more than three robust standard deviations above its
    median. The median of the three shares is taken; one row at least.

    Raises:
        RequestError: if `contamination` is not above 0 and at most 0.5, or `time` and its company do not fit.
        DataError: if a moment occurs twice in a series.
        TrainingError: if the rows are too few, or all alike.
        Cancelled: after `options.cancel` said so.
    """
    from threadpoolctl import threadpool_limits

    if contamination is not None and not 0.0 < contamination <= 0.5:
        raise RequestError(f"`contamination` must be above 0 and at most 0.5, not {contamination!r}.")
    watch = Watch(options.clock(), options.on_event, options.cancel)
    windows = None
    if time is not None:
        table = table.set_axis(table.columns.astype("str"), axis=1)
        windows = fit_windows(table, options.kinds, time=time, series=series, frequency=frequency, width=window)
        watch.say("windows of the series")
        table = windows.table(table)
    encoder = fit_encoder(table, options.kinds)
    watch.check()
    drawn = np.sort(np.random.default_rng(options.seed).permutation(len(table))[:_ROWS])
    part = table.iloc[drawn].set_axis(table.columns.astype("str"), axis=1)
    data = encoder.encode(part)
    # One thread: sums in another order would change the last digits.
    with threadpool_limits(limits=1):
        rarity, counted = fit_rarity(encoder, data, options.seed)
        bare = Detectors(
            rarity,
            fit_filling(fit_likeness(encoder, data, options.seed, limit=_LIMIT), data),
            fit_tails(rarity.coordinates(data), counted),
            residuals=None,
            forest=None,
            ranks=(),
        )
        detectors = _fit_more(bare, data, watch, options)
        scores = detectors.scores(data)
    detectors = replace(detectors, ranks=tuple(fit_ranks(column) for column in scores.T))
    combined = detectors.combined(scores)
    final = fit_ranks(combined)
    share = _share_far_out(scores) if contamination is None else contamination
    threshold, found = _threshold(final.share(combined), share)
    watch.say(f"{found:.2%} of the rows are strange")
    return AnomalyModel(
        encoder,
        detectors,
        final,
        threshold=threshold,
        contamination=found,
        typical=describe(part, encoder.columns),
        metric=metric,
        trials=_trials(detectors),
        seconds=watch.clock.elapsed(),
        windows=windows,
    )


def _fit_more(detectors: Detectors, data: Encoded, watch: Watch, options: Options) -> Detectors:
    """Adds the other detectors: those that were recorded, else as far as time and `trials` go."""
    recorded = None if options.replay is None else _recorded(options.replay)
    wanted = _DETECTORS[: options.trials] if recorded is None else tuple(recorded)
    watch.say("tails of the columns")
    if _RESIDUALS in wanted and not watch.over():
        watch.say("directions that the columns share")
        scores = detectors.scores(data)[:, 0]
        usual = scores <= np.quantile(scores, _USUAL)
        detectors = replace(detectors, residuals=fit_residuals(detectors.likeness.coordinates(data), usual))
    if _FOREST in wanted and not watch.over():
        watch.say("isolation forest")
        trees = {} if recorded is None else {"trees": recorded[_FOREST]}
        forest = fit_isolation(detectors.rarity.coordinates(data), options.seed, watch, **trees)
        detectors = replace(detectors, forest=forest)
    return detectors


def _trials(detectors: Detectors) -> list[dict[str, Any]]:
    """What makes the detectors again: which there are, and how many trees."""
    found: dict[str, list[int]] = {_TAILS: []}
    found |= {} if detectors.residuals is None else {_RESIDUALS: []}
    found |= {} if detectors.forest is None else {_FOREST: [len(detectors.forest.roots)]}
    return [Trial(model=name, learner=name, rounds=rounds).model_dump(mode="json") for name, rounds in found.items()]


def _recorded(replay: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The recorded detectors, with the number of trees."""
    found = {trial["learner"]: sum(trial["rounds"]) for trial in replay}
    unknown = next((name for name in found if name not in _DETECTORS), None)
    if unknown is not None or found.get(_FOREST, 1) < 1:
        raise RequestError(
            f"The recorded trial {shorten(unknown or _FOREST)} is no detector of anomalies with its trees."
        )
    return found


def _share_far_out(scores: Floats) -> float:
    roots = np.cbrt(scores)
    middle = np.median(roots, axis=0)
    spread = _NORMAL_MAD * np.median(np.abs(roots - middle), axis=0)
    return float(np.median((roots > middle + _FAR * spread).mean(axis=0)))


def _threshold(shares: Floats, contamination: float) -> tuple[float, float]:
    """Half way between the least strange of the strangest rows and the next; and the share that lies above."""
    ordered = np.sort(shares)
    strange = min(max(1, round(contamination * len(ordered))), len(ordered) - 1)
    threshold = float((ordered[-strange - 1] + ordered[-strange]) / 2)
    return threshold, float((shares > threshold).mean())

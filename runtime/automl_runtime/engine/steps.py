"""Fits what a person chose for the preparation of rows, on the rows that train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from automl_schemas.preprocessing import Imputation, PreprocessingSpec, Scaling

from automl_runtime.engine.feature_selection import fit_selection
from automl_runtime.engine.imbalance import even_out
from automl_runtime.engine.outliers import fit_bounds, outlying_rows
from automl_runtime.engine.target_means import Target
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.encoding import MISSING, Encoded
from automl_runtime.inference.foreign import ForeignStep, code_of_others, dump
from automl_runtime.inference.steps import Finite, Imputed, Logged, Powers, Quantiles, Rescaled, Step
from automl_runtime.kernels.arrays import Floats, Ints
from automl_runtime.plugins import Registry

__all__ = ["Prepared", "fit_number_steps", "keeps_infinite", "prepare"]

_SHARE_SELECTED = 0.5
_MOST_QUANTILES = 1000
_FEWEST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows to train on: some of those given may be missing, some come more than once, some are synthetic."""

    data: Encoded
    target: Target
    steps: tuple[Step, ...]
    """What was done to them, to be done to every row that is predicted."""
    rows: Ints | None
    """The place among the rows given that each is, or was made from; None: as they came."""


def keeps_infinite(asked: PreprocessingSpec) -> bool:
    """Whether infinite numbers have to be told from missing ones."""
    return asked.infinities not in (None, "missing")


def prepare(data: Encoded, target: Target, asked: PreprocessingSpec, seed: int) -> Prepared:
    """Fits all that was asked for but the encoding; deterministic for a seed.

    Raises:
        TrainingError: if too few rows, or not every class, are left without outliers.
    """
    rows: Ints | None = None
    if asked.outlier_action == "remove" and asked.outliers is not None:
        finite = _apply(data, _finite(data.numbers, asked))
        kept = np.flatnonzero(~outlying_rows(finite.numbers, asked.outliers, seed))
        _check_left(kept, target)
        data, target, rows = data.take(kept), _target_of(target, kept), kept
    steps = fit_number_steps(data, asked, seed)
    data = _apply(data, steps)
    for name in asked.custom or ():
        steps.append(_foreign(name, data, target))
        data = steps[-1].apply(data)
    if asked.selection is not None:
        share = _SHARE_SELECTED if asked.k is None else asked.k
        steps.append(fit_selection(data, target, asked.selection, share, seed))
        data = steps[-1].apply(data)
    if asked.imbalance not in (None, "weights") and target.classes:
        assert asked.imbalance is not None
        data, drawn = even_out(data, target.y.astype(np.int64), asked.imbalance, seed)
        # Copies stay in the fold of what they were made from: no target mean tells them their own class.
        groups = np.arange(len(target.y)) if target.groups is None else target.groups
        target = Target(target.y[drawn], target.classes, groups[drawn])
        rows = drawn if rows is None else rows[drawn]
    return Prepared(data, target, tuple(steps), rows)


def fit_number_steps(data: Encoded, asked: PreprocessingSpec, seed: int) -> list[Step]:
    """Infinities, outliers (unless they are removed), imputation and scaling, in this order."""
    steps: list[Step] = []

    def add(step: Step) -> None:
        nonlocal data
        steps.append(step)
        data = step.apply(data)

    for step in _finite(data.numbers, asked):
        add(step)
    if asked.outliers is not None and asked.outlier_action != "remove":
        add(fit_bounds(data.numbers, asked.outliers, asked.outlier_action or "clip", seed))
    if asked.imputation is not None:
        add(_imputed(data, asked.imputation, asked.fill_value or 0.0, flags=bool(asked.indicator)))
    if asked.scaling not in (None, "none"):
        assert asked.scaling is not None
        add(_SCALERS[asked.scaling](data.numbers))
    return steps


def _foreign(name: str, data: Encoded, target: Target) -> ForeignStep:
    """A registered transformer, fitted on all numbers (NaN where missing, unless they were imputed)."""
    cls = Registry("preprocessors", {}).named(name).load()
    with code_of_others(name):
        transformer = cls()
        transformer.fit(data.numbers, target.y)
        made = np.asarray(transformer.transform(data.numbers), dtype=np.float64)
    if len(made) != len(data):
        raise RequestError(f"The preprocessor {name} made {len(made)} rows of {len(data)}.")
    return ForeignStep(name, dump(transformer, name), made.reshape(len(data), -1).shape[1])


def _apply(data: Encoded, steps: list[Step]) -> Encoded:
    for step in steps:
        data = step.apply(data)
    return data


def _target_of(target: Target, rows: Ints) -> Target:
    return replace(target, y=target.y[rows], groups=None if target.groups is None else target.groups[rows])


def _check_left(kept: Ints, target: Target) -> None:
    if len(kept) < _FEWEST_ROWS or (target.classes and len(np.unique(target.y[kept])) < len(np.unique(target.y))):
        raise TrainingError(
            f"Without outliers {len(kept)} of {len(target.y)} rows are left to train on"
            + (", and not every class is among them." if len(kept) >= _FEWEST_ROWS else "."),
            hint="Choose another outlier_action (clip, winsorize, mean), or another way to find outliers.",
        )


def _known(column: Floats) -> Floats:
    """The finite cells; 0 where there are none."""
    known = column[np.isfinite(column)]
    return known if len(known) else np.zeros(1)


def _each(numbers: Floats, measure: Callable[[Floats], Any]) -> Floats:
    return np.array([measure(_known(column)) for column in numbers.T], dtype=np.float64)


def _finite(numbers: Floats, asked: PreprocessingSpec) -> list[Step]:
    if not keeps_infinite(asked):
        return []
    if asked.infinities == "max_value":
        return [Finite(_each(numbers, np.min), _each(numbers, np.max))]
    fill = _each(numbers, np.median)
    if asked.infinities == "constant":
        fill = np.full(numbers.shape[1], asked.infinite_value or 0.0)
    return [Finite(fill, fill)]


def _imputed(data: Encoded, how: Imputation, constant: float, *, flags: bool) -> Imputed:
    measures: dict[Imputation, Callable[[Floats], Any]] = {
        "mean": np.mean,
        "median": np.median,
        "most_frequent": _mode,
        "constant": lambda _: constant,
    }
    codes = np.full(data.codes.shape[1], MISSING, dtype=np.int64)
    if how == "most_frequent":
        for place, column in enumerate(data.codes.T):
            known = column[column >= 0]
            codes[place] = _mode(known) if len(known) else MISSING
    flagged = np.flatnonzero(np.isnan(data.numbers).any(axis=0)) if flags else np.empty(0, dtype=np.int64)
    return Imputed(_each(data.numbers, measures[how]), codes, flagged)


def _mode(known: Any) -> Any:
    """The most frequent value; of several the smallest."""
    values, counts = np.unique(known, return_counts=True)
    return values[np.argmax(counts)]


def _rescaled(center: Floats, scale: Floats) -> Rescaled:
    return Rescaled(center, np.where(scale > 0, scale, 1.0))


def _deviation(known: Floats) -> float:
    return float(known.std()) if np.ptp(known) > 0 else 0.0


def _quartile_range(known: Floats) -> float:
    first, third = np.percentile(known, (25, 75))
    return float(third - first)


def _quantiles(numbers: Floats) -> Quantiles:
    shares = np.linspace(0, 100, min(_MOST_QUANTILES, max(2, len(numbers))))
    values = [np.maximum.accumulate(np.percentile(_known(column), shares)) for column in numbers.T]
    return Quantiles(np.column_stack(values) if values else np.empty((len(shares), 0)))


def _powers(numbers: Floats) -> Powers:
    from scipy.stats import yeojohnson_normmax

    def exponent(known: Floats) -> float:
        # Without spread, or where squares overflow, there is nothing to be estimated.
        usable = np.ptp(known) > 0 and np.abs(known).max() < 1e15
        return float(yeojohnson_normmax(known)) if usable else 1.0

    width = numbers.shape[1]
    raw = Powers(_each(numbers, exponent), np.zeros(width), np.ones(width))
    raised = raw.apply(Encoded(numbers, np.empty((len(numbers), 0), dtype=np.int32), ())).numbers
    scaled = _rescaled(_each(raised, np.mean), _each(raised, _deviation))
    return replace(raw, center=scaled.center, scale=scaled.scale)


_SCALERS: dict[Scaling, Callable[[Floats], Step]] = {
    "standard": lambda numbers: _rescaled(_each(numbers, np.mean), _each(numbers, _deviation)),
    "minmax": lambda numbers: _rescaled(_each(numbers, np.min), _each(numbers, np.ptp)),
    "robust": lambda numbers: _rescaled(_each(numbers, np.median), _each(numbers, _quartile_range)),
    "quantile": _quantiles,
    "log": lambda _: Logged(),
    "power": _powers,
}

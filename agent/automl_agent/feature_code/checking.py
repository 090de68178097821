"""Whether functions give features: values that depend on their own row alone, the same wherever they are computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.data.records import parse_records
from automl_runtime.project.golden import golden_inputs
from automl_schemas.bundle import InputSchema

from automl_agent.feature_code.isolation import Limits, run_apart
from automl_agent.feature_code.proposal import Proposal
from automl_agent.feature_code.walls import WALLS, Level, Wall

__all__ = ["Checked", "check"]

_MOST_ROWS: Final = 200
_ALONE: Final = 3
_DIGITS: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found: the fault of each proposal that has one, and how far the code was kept apart."""

    faults: dict[str, str]
    level: Level


@dataclass(frozen=True, slots=True)
class _View:
    """The rows once more, with something about them changed that must not matter to some of them."""

    frame: pd.DataFrame
    kept: np.ndarray
    """Places in `frame` whose value must be that of the row at `same` in the rows as they were."""
    same: np.ndarray
    fault: str


def check(
    proposals: Sequence[Proposal],
    rows: pd.DataFrame,
    schema: InputSchema,
    target: str | None,
    *,
    limits: Limits | None = None,
    walls: Collection[Wall] = WALLS,
) -> Checked:
    """Runs the proposals on some of `rows` in many ways; see `run_apart` for `limits` and `walls`.

    The values must be the same again, in another order of rows, for a row alone, when other rows, later rows and the
    target are changed, without a target, and for the same values in the types that a service has; a row without any
    value must not end in an error.

    Args:
        proposals: their names differ.
        rows: training rows in their order.
        schema: of the columns that proposals read, as a service asks for them.
        target: the column to predict, where there is one.
    """
    names = [column.name for column in schema.columns]
    told = [*names, *([target] if target is not None and target in rows.columns else [])]
    some = rows[told].iloc[np.linspace(0, len(rows) - 1, min(_MOST_ROWS, len(rows))).round().astype(int)]
    some = some.reset_index(drop=True)
    views = [*_views(some, target), *_unlabelled(some, told, names)]
    served, trained = _as_served(some, schema)
    frames = [some, *(view.frame for view in views), served, trained, served.head(1), _nothing(schema)]
    results = run_apart({each.name: each.code for each in proposals}, frames, limits=limits, walls=walls)
    faults = dict(results.faults)
    base, *others = results.values
    for name in base.columns:
        fault = _fault_of(name, base, others, views)
        if fault is not None:
            faults[name] = fault
    return Checked(faults, results.level)


def _fault_of(name: str, base: pd.DataFrame, others: Sequence[pd.DataFrame], views: Sequence[_View]) -> str | None:
    known = base[name].to_numpy()
    for view, values in zip(views, others, strict=False):
        if not _same(values[name].to_numpy()[view.kept], known[view.same]):
            return view.fault
    served, trained, alone = (frame[name].to_numpy() for frame in others[len(views) : len(views) + 3])
    if not _same(served, trained) or not _same(alone, served[:1]):
        return "has other values in a service than in training"
    return None


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.allclose(first, second, rtol=_DIGITS, atol=_DIGITS, equal_nan=True))


def _views(some: pd.DataFrame, target: str | None) -> list[_View]:
    count = len(some)
    every = np.arange(count)
    half = every[: -(-count // 2)]
    changed = some.apply(_changed)
    order = np.random.default_rng(0).permutation(count)
    views = [
        _View(some, every, every, "has other values each time"),
        _View(some.iloc[order].reset_index(drop=True), every, order, "depends on the order of the rows"),
        _View(_mixed(some, changed, every % 2 == 1), every[::2], every[::2], "depends on other rows"),
        _View(_mixed(some, changed, every >= len(half)), half, half, "depends on later rows"),
    ]
    for place in np.unique(np.linspace(0, count - 1, _ALONE).astype(int)):
        alone = some.iloc[[place]].reset_index(drop=True)
        views.append(_View(alone, every[:1], np.array([place]), "has another value for a row alone"))
    if target is not None and target in some.columns:
        views.append(_View(some.assign(**{target: changed[target]}), every, every, "depends on the target"))
    return views


def _unlabelled(some: pd.DataFrame, told: Sequence[str], names: Sequence[str]) -> list[_View]:
    every = np.arange(len(some))
    return [_View(some[list(names)], every, every, "depends on the target")] if len(told) > len(names) else []


def _mixed(some: pd.DataFrame, changed: pd.DataFrame, where: np.ndarray) -> pd.DataFrame:
    """`some` with the rows of `changed` in the places `where`."""
    both = pd.concat([some, changed], ignore_index=True)
    return both.iloc[np.arange(len(some)) + len(some) * where].reset_index(drop=True)


def _changed(values: pd.Series) -> pd.Series:
    """Other values of the same type, far from those that there are; what is missing stays so."""
    kind = values.dtype.kind
    if values.dtype == bool or str(values.dtype) == "boolean":
        return ~values
    if kind in "iuf":
        return (values * 3 + 17).astype(values.dtype)
    if kind == "M":
        return values + pd.Timedelta(days=411)
    change: Callable[[object], object] = lambda cell: f"{cell} and more" if isinstance(cell, str) else cell  # noqa: E731
    return values.map(change, na_action="ignore").astype(values.dtype)


def _as_served(some: pd.DataFrame, schema: InputSchema) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Some rows as a service reads them from JSON, and the same values in the types of training."""
    served, _ = parse_records(golden_inputs(some, schema, {}), schema)
    return served, served.astype({name: some[name].dtype for name in served.columns if _fits(served[name], some[name])})


def _fits(served: pd.Series, trained: pd.Series) -> bool:
    """Whether the values can be of the type of training: whole numbers cannot where one is missing."""
    return bool(served.notna().all()) or trained.dtype.kind not in "iub" or str(trained.dtype) == "boolean"


def _nothing(schema: InputSchema) -> pd.DataFrame:
    return parse_records([{column.name: None for column in schema.columns}], schema)[0]

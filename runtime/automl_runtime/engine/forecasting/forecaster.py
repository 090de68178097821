"""The fitted forecaster: continues every series that it has seen, with an interval, and is saved in safe formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from automl_schemas.metrics import LeaderboardRow
from automl_schemas.vocabulary import MetricName, TaskType
from numpy.typing import NDArray

from automl_runtime.data.frequency import Frequency, to_moments
from automl_runtime.engine.forecasting.covariates import Covariates
from automl_runtime.engine.forecasting.history import History, Rows, level_width
from automl_runtime.engine.forecasting.layout import (
    Layout,
    Member,
    Spread,
    combined_inputs,
    known_columns,
    naive_outputs,
    require_columns,
    series_codes,
)
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.metrics import VALUE_METRICS, score_values
from automl_runtime.engine.saving import Arrays, read_parts, write_parts
from automl_runtime.errors import BundleError, RequestError, SchemaMismatchError
from automl_runtime.inference.model import load
from automl_runtime.kernels.arrays import Floats

__all__ = ["RECORD", "Forecaster"]

RECORD = "forecast.json"
_HISTORY = "history.npz"
_MODEL = "model"


class Forecaster:
    """Immutable; holds the history that its features are made of."""

    def __init__(
        self,
        layout: Layout,
        history: History,
        covariates: Covariates,
        members: Sequence[Member],
        *,
        naive: int | None,
        spread: Spread,
        metric: MetricName,
        cv: float,
        best_model: str,
        rows: list[LeaderboardRow],
        trials: Sequence[dict[str, Any]] = (),
        seconds: float = 0.0,
    ) -> None:
        self.layout, self.history, self.covariates, self.members = layout, history, covariates, tuple(members)
        self.naive, self.spread = naive, spread
        self.metric, self.cv, self.best_model = metric, cv, best_model
        self.trials, self.seconds = list(trials), seconds
        """What was executed by the search that `fit` made, and how long it took; not saved."""
        self._rows = rows
        known = history.values[~np.isnan(history.values)]
        self._floor = 0.0 if len(known) and known.min() >= 0 else -np.inf

    task: TaskType = "forecast"
    """For the manifest of a bundle, as are the next four: a forecast is of numbers."""
    classes: Sequence[Any] = ()
    positive: Any = None
    threshold: float | None = None
    threshold_by: str | None = None

    @property
    def features(self) -> list[str]:
        """The columns of the rows that it takes: time, series, what is known ahead."""
        return [self.layout.time, *self.layout.series, *self.layout.known_ahead]

    @property
    def horizon(self) -> int:
        """Steps that it was trained to look ahead."""
        return self.layout.horizon

    def leaderboard(self) -> list[LeaderboardRow]:
        """Models and seasonal naive forecasts, best first."""
        return list(self._rows)

    def forecast(self, horizon: int | None = None, future: Any = None, *, only: Any = None) -> pd.DataFrame:
        """The next steps of every series.

        Args:
            horizon: how many; None: as many as it was trained for.
            future: rows of the steps ahead with the columns that are known ahead; needed when there are such columns.
            only: rows with the series to forecast; None: all.

        Returns:
            A row for each series and step: its columns, the time, the target, and `low` and `high`, between which the
            share `interval` of the values fell in validation.

        Raises:
            RequestError: if `horizon` is not between 1 and that of the training, or `future` is missing.
            SchemaMismatchError: if `future` lacks a column or a step.
        """
        rows = self._rows_ahead(horizon, only)
        values = self._values(rows, self._known(rows, future))
        low, high = self.interval(rows, values)
        names = self.layout.bounds
        return self._named(rows).assign(**{self.layout.target: values, names[0]: low, names[1]: high})

    def ahead(self, horizon: int | None = None, only: Any = None) -> pd.DataFrame:
        """The series and the moments that `forecast` gives for the same arguments, in the same order."""
        return self._named(self._rows_ahead(horizon, only))

    def _rows_ahead(self, horizon: int | None, only: Any) -> Rows:
        steps = self.horizon if horizon is None else horizon
        if not 1 <= steps <= self.horizon:
            raise RequestError(
                f"The horizon {steps} is not possible; this model looks 1 to {self.horizon} steps ahead."
            )
        codes = np.arange(len(self.layout.keys))
        if only is not None and self.layout.series:
            table = as_frame(only)
            require_columns(table, self.layout.series)
            codes = np.unique(series_codes(table, self.layout))
        gaps = np.tile(np.arange(1, steps + 1), len(codes))
        return Rows(np.repeat(codes, steps), self.history.last + gaps, gaps)

    def _named(self, rows: Rows) -> pd.DataFrame:
        layout = self.layout
        found = {name: [layout.keys[code][place] for code in rows.series] for place, name in enumerate(layout.series)}
        return pd.DataFrame(found | {layout.time: layout.frequency.moments(rows.steps)})

    def predict_record(self, record: Mapping[str, Any]) -> float:
        """There is none: what a row of a series will be follows from the rows before it.

        Raises:
            RequestError: always; it names the way that there is.
        """
        raise RequestError(
            f"A forecast is not made of one record ({len(record)} cells) but of the history of its series.",
            hint="Use forecast(horizon), or predict(frame) with rows that hold the time and the series.",
        )

    def predict(self, frame: Any) -> pd.Series:
        """The forecast of each row of `frame`, seen from the end of the history.

        Raises:
            SchemaMismatchError: if a column is missing, a series is unknown, or a row does not lie within the horizon.
        """
        table = as_frame(frame)
        require_columns(table, self.features)
        steps = self.layout.frequency.steps(to_moments(table[self.layout.time]))
        gaps = steps - self.history.last
        outside = np.flatnonzero((gaps < 1) | (gaps > self.horizon))
        if len(outside):
            raise SchemaMismatchError(
                f"Row {outside[0] + 1} does not lie within the {self.horizon} steps after the history."
            )
        rows = Rows(series_codes(table, self.layout), steps, gaps)
        values = self._values(rows, known_columns(table, self.layout.known_ahead))
        return pd.Series(values, index=table.index, name=self.layout.target)

    def evaluate(self, frame: Any) -> dict[MetricName, float]:
        """Scores of one forecast of the rows that follow the history, whose target is known; at most `horizon` steps.

        Raises:
            SchemaMismatchError: if a column is missing, a series is unknown, or no row follows the history.
        """
        rows, known, truth = self.rows_after(frame)
        predicted = self._values(rows, known)
        return {metric: score_values(metric, truth, predicted) for metric in VALUE_METRICS}

    def rows_after(self, frame: Any) -> tuple[Rows, pd.DataFrame, Floats]:
        """The rows of `frame` with a target within the horizon after the history: what is known ahead, and the target.

        Raises:
            SchemaMismatchError: if a column is missing, a series is unknown, or no row follows the history.
        """
        layout, table = self.layout, as_frame(frame)
        require_columns(table, [layout.target, *self.features])
        steps = layout.frequency.steps(to_moments(table[layout.time]))
        gaps = steps - self.history.last
        kept = (gaps >= 1) & (gaps <= self.horizon) & table[layout.target].notna().to_numpy()
        if not kept.any():
            raise SchemaMismatchError(f"No row lies within the {self.horizon} steps after the history.")
        table = table[kept]
        rows = Rows(series_codes(table, layout), steps[kept], gaps[kept])
        return rows, known_columns(table, layout.known_ahead), table[layout.target].to_numpy(dtype=np.float64)

    def _known(self, rows: Rows, future: Any) -> pd.DataFrame:
        layout = self.layout
        if not layout.known_ahead or not self.members:
            return pd.DataFrame(index=range(len(rows.steps)))
        if future is None:
            raise RequestError(
                f"The model needs what is known ahead: {', '.join(layout.known_ahead)}.",
                hint="Pass `future`, a table with these columns for the steps ahead.",
            )
        table = as_frame(future)
        require_columns(table, [layout.time, *layout.series, *layout.known_ahead])
        keys = pd.MultiIndex.from_arrays(
            [series_codes(table, layout), layout.frequency.steps(to_moments(table[layout.time]))]
        )
        table = table.set_index(keys)
        table = table[~table.index.duplicated(keep="last")]
        wanted = pd.MultiIndex.from_arrays([rows.series, rows.steps])
        absent = ~wanted.isin(table.index)
        if absent.any():
            moment = layout.frequency.moments(rows.steps[absent][:1])[0]
            raise SchemaMismatchError(f"`future` has no row for {moment}; {int(absent.sum())} steps are missing.")
        return known_columns(table.loc[wanted].reset_index(drop=True), layout.known_ahead)

    def _values(self, rows: Rows, known: pd.DataFrame) -> Floats:
        return self.outputs(rows, self.inputs(rows, known))

    def inputs(self, rows: Rows, known: pd.DataFrame) -> pd.DataFrame:
        """What the regressions see of `rows`, of which `known` holds what is known ahead."""
        return combined_inputs(self.history, self.covariates, rows, self.layout, known)

    def outputs(self, rows: Rows, inputs: pd.DataFrame) -> Floats:
        """The forecast of `rows`, whose `inputs` are given, in the unit of the target.

        It is never below zero where no value of the history is, and neither is the interval.
        """
        if not self.members:
            return naive_outputs(self.history, rows, self.naive or 1)
        level = inputs["level"].to_numpy()
        parts = [
            member.model.predict(inputs).to_numpy() * (level if member.relative else 1.0) for member in self.members
        ]
        return np.asarray(np.maximum(np.mean(parts, axis=0), self._floor))

    def interval(self, rows: Rows, values: Floats) -> tuple[Floats, Floats]:
        """The ends between which the share `spread.level` of the values fell in validation."""
        low, high = self.spread.bounds(rows.gaps)
        if self.spread.relative:
            level, _ = self.history.window(rows.series, rows.steps - rows.gaps, level_width(self.layout.frequency))
            scale = np.where(np.isnan(level), np.abs(values), level)
            low, high = low * scale, high * scale
        return np.maximum(values + low, self._floor), np.maximum(values + high, self._floor)

    def save(self, path: Path | str) -> list[Path]:
        """Writes the forecaster into the folder `path`; returns the files, sorted. No file needs code to be read."""
        folder = Path(path)
        layout = self.layout
        record = {
            "layout": {
                "target": layout.target,
                "time": layout.time,
                "series": layout.series,
                "known_ahead": layout.known_ahead,
                "horizon": layout.horizon,
                "frequency": layout.frequency.to_json(),
                "keys": layout.keys,
            },
            "first": self.history.first,
            "covariates": self.covariates.names,
            "members": [member.relative for member in self.members],
            "naive": self.naive,
            "spread": {name: getattr(self.spread, name) for name in ("edges", "low", "high", "level", "relative")},
            "metric": self.metric,
            "cv": self.cv,
            "best_model": self.best_model,
            "leaderboard": [row.model_dump(mode="json") for row in self._rows],
        }
        arrays = {"values": self.history.values, "covariates": self.covariates.values}
        files = write_parts(folder, RECORD, record, arrays, _HISTORY)
        for place, member in enumerate(self.members):
            files += member.model.save(folder / f"{_MODEL}{place}")
        return sorted(files)

    @classmethod
    def load(cls, path: Path | str) -> Forecaster:
        """What `save` wrote.

        Raises:
            BundleError: if a file is missing or not valid.
        """

        def build(record: dict[str, Any], arrays: Arrays) -> Forecaster:
            relative = enumerate(record["members"])
            members = [Member(load(Path(path) / f"{_MODEL}{place}"), bool(how)) for place, how in relative]
            values, covariates = (np.asarray(arrays[name], dtype=np.float64) for name in ("values", "covariates"))
            return cls._of(record, values, covariates, members)

        return read_parts(path, RECORD, build, _HISTORY)

    @classmethod
    def _of(
        cls,
        record: dict[str, Any],
        values: NDArray[np.float64],
        covariates: NDArray[np.float64],
        members: Sequence[Member],
    ) -> Forecaster:
        layout, spread = record["layout"], record["spread"]
        names = {name: tuple(layout[name]) for name in ("series", "known_ahead")}
        keys = tuple(tuple(key) for key in layout["keys"])
        if values.ndim != 2 or len(values) != len(keys):
            raise BundleError(f"The history has {len(values)} series, {len(keys)} are named.")
        told = tuple(map(str, record["covariates"]))
        if covariates.ndim != 3 or covariates.shape[:2] != (len(told), len(keys)):
            raise BundleError(f"What is known ahead has {len(covariates)} columns, {len(told)} are named.")
        return cls(
            Layout(**(layout | names | {"keys": keys, "frequency": Frequency.from_json(layout["frequency"])})),
            History(values, int(record["first"])),
            Covariates(told, covariates, int(record["first"])),
            members,
            naive=record["naive"],
            spread=Spread(**(spread | {name: tuple(spread[name]) for name in ("edges", "low", "high")})),
            metric=record["metric"],
            cv=float(record["cv"]),
            best_model=record["best_model"],
            rows=[LeaderboardRow(**row) for row in record["leaderboard"]],
        )

    def continued(self, frame: Any) -> Forecaster:
        """The same model with more history: what happened since, so that the next forecast starts from there.

        Raises:
            SchemaMismatchError: if a column is missing, a series is unknown, or a row lies far after all others.
        """
        table = as_frame(frame)
        layout = self.layout
        require_columns(table, [layout.time, layout.target, *layout.series])
        table = table[table[layout.target].notna()]
        steps = layout.frequency.steps(to_moments(table[layout.time])) - self.history.first
        kept = steps >= 0
        most = 2 * self.history.values.shape[1] + 10 * self.horizon
        if int(steps.max(initial=0)) >= most:
            moment = table[layout.time].iloc[int(steps.argmax())]
            raise SchemaMismatchError(f"The row for {moment} lies too far after the history, which ends long before.")
        width = max(self.history.values.shape[1], int(steps.max(initial=-1)) + 1)
        values = np.full((len(self.history.values), width), np.nan)
        values[:, : self.history.values.shape[1]] = self.history.values
        codes = series_codes(table, layout)
        values[codes[kept], steps[kept]] = table[layout.target].to_numpy(dtype=np.float64)[kept]
        told = self.covariates.told(Rows(codes, steps + self.history.first, steps), table)
        return self._with(History(values, self.history.first), told)

    def before(self, moment: Any) -> Forecaster:
        """The same model with the history cut before `moment`, so that it can be scored on what came then.

        Raises:
            RequestError: if no history is left.
        """
        width = int(self.layout.frequency.steps(pd.Series([pd.Timestamp(moment)]))[0]) - self.history.first
        if width < 1:
            raise RequestError(f"The history begins after {moment}.")
        history = History(self.history.values[:, :width], self.history.first)
        return self._with(history, self.covariates.before(history.last + 1))

    def _with(self, history: History, covariates: Covariates) -> Forecaster:
        return Forecaster(
            self.layout,
            history,
            covariates,
            self.members,
            naive=self.naive,
            spread=self.spread,
            metric=self.metric,
            cv=self.cv,
            best_model=self.best_model,
            rows=self._rows,
        )

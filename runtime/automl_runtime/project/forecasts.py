"""What a project does only with forecasts: score them, and write what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from automl_schemas.bundle import InputSchema

from automl_runtime.data.frequency import to_moments
from automl_runtime.data.records import parse_frame
from automl_runtime.errors import DataError
from automl_runtime.events import EventSink, Progress
from automl_runtime.files import replace_file
from automl_runtime.project.predicting import open_sink
from automl_runtime.project.rows_read import read_chunks
from automl_runtime.serving.forecasts import forecast_rows

if TYPE_CHECKING:
    from automl_runtime.engine.forecasting.forecaster import Forecaster
    from automl_runtime.project.layout import Features, Project

__all__ = ["before_holdout", "forecast", "of_known_series", "split_known"]


def before_holdout(model: Forecaster, holdout: pd.DataFrame) -> Forecaster:
    """`model` with the history that it had before the first row of `holdout`, from which it is scored."""
    return model.before(to_moments(holdout[model.layout.time]).min())


def of_known_series(model: Forecaster, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of series that `model` has seen."""
    names = list(model.layout.series)
    if not names:
        return rows
    cells = zip(*(rows[name].astype("str") for name in names), strict=True)
    keys = set(model.layout.keys)
    return rows[[key in keys for key in cells]]


def forecast(
    project: Project,
    build_features: Features,
    source: Path | None,
    output: Path | str | None,
    horizon: int | None,
    *,
    on_event: EventSink,
) -> str:
    """See `Project.forecast`."""
    place = None if output is None else Path(output)
    bundle = project.bundle()
    model: Forecaster = bundle.model
    rows = None if source is None else _read(project, bundle.schema, source, on_event)
    past, future = split_known(model, rows)
    found = forecast_rows(bundle, build_features, horizon, history=past, future=future)
    on_event(Progress("predicting", len(found), len(found), f"{len(found):,} rows"))
    if place is None:
        with open_sink(None) as sink:
            sink.write(found)
    else:
        replace_file(place, lambda path: _write(path, found))
    return f"{len(found):,} steps forecast from {_first(found, model)} on" + (f" -> {place}" if place else "")


def split_known(model: Forecaster, rows: pd.DataFrame | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Rows that tell what happened (they have a target), and rows that tell what is known ahead (they have none)."""
    if rows is None:
        return None, None
    if model.layout.target not in rows.columns:
        return None, rows
    known = rows[model.layout.target].notna()
    return (rows[known] if known.any() else None), (rows[~known] if not known.all() else None)


def _read(project: Project, schema: InputSchema, source: Path, on_event: EventSink) -> pd.DataFrame:
    if source.is_dir():
        tables = project.read_tables(source, labelled=False, on_event=on_event)
        return project.query("sql/training_table.sql", tables, labelled=False)
    key = {str(project.spec.task.time), *project.spec.task.series}
    raw = pd.concat(list(read_chunks(source, needed=key, on_event=on_event)), ignore_index=True)
    absent = [column.name for column in schema.columns if column.name not in {*raw.columns, *key}]
    rows, problems = parse_frame(raw.assign(**dict.fromkeys(absent)), schema)
    if problems:
        first = problems[0]
        raise DataError(
            f"{source}, row {first.row + 1}, column {first.column!r}: {first.value} is not {first.allowed}; "
            f"{len(problems):,} cells cannot be read."
        )
    return rows.drop(columns=absent)


def _write(path: Path, found: pd.DataFrame) -> None:
    with open_sink(path) as sink:
        sink.write(found)


def _first(found: pd.DataFrame, model: Forecaster) -> str:
    return str(pd.Timestamp(found[model.layout.time].min()).isoformat(sep=" "))

"""The training table: written as SQL, run in DuckDB, one row for each row of the base table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Timer
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import DataCatalog
from automl_schemas.spec import JoinSpec, ProjectSpec
from automl_schemas.vocabulary import ColumnType

from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.keytext import quote
from automl_runtime.data.label_lists import target_sql
from automl_runtime.data.series_sql import series_sql
from automl_runtime.data.training_columns import IDENTITY, TrainingColumn, target_name
from automl_runtime.data.training_sql import table_sql
from automl_runtime.errors import DataError, RequestError, shorten

__all__ = [
    "IDENTITY",
    "Assembled",
    "TrainingColumn",
    "assemble",
    "labelled_rows",
    "run_sql",
    "to_frame",
    "training_sql",
]

_MOST_SECONDS = 600.0


@dataclass(slots=True)
class Assembled:
    """A training table and how it was made."""

    frame: pd.DataFrame
    sql: str
    columns: list[TrainingColumn]
    without_target: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Rows whose target is missing: not to learn from, but they tell what is known only after the event."""
    joins: list[JoinSpec] = field(default_factory=list)


def training_sql(spec: ProjectSpec, catalog: DataCatalog) -> tuple[str, list[TrainingColumn]]:
    """The query that makes the training table of `spec`, and its columns in order: `series_sql` or `table_sql`."""
    return (series_sql if spec.task.of_series else table_sql)(spec, catalog)


def assemble(
    spec: ProjectSpec,
    catalog: DataCatalog,
    tables: Mapping[str, CleanTable | pa.Table],
    *,
    memory_limit: str | None = None,
) -> Assembled:
    """The training table of `spec`: all its columns, `spec.data.drop` left out, rows without a target apart.

    Args:
        spec: tables, joins, target, drops and cut-off.
        catalog: types and keys.
        tables: clean tables by name.
        memory_limit: DuckDB's, as "2GB".

    Raises:
        DataError: when a joined table holds several rows for one key, or no row has a target.
        RequestError: when the SQL of a derived target does not run.
    """
    data = {name: table.data if isinstance(table, CleanTable) else table for name, table in tables.items()}
    sql, columns = training_sql(spec, catalog)
    used = [table.name for table in spec.data.tables] or list(data)
    try:
        frame = run_sql(sql, {name: data[name] for name in data if name in used}, memory_limit=memory_limit)
    except DataError as error:
        if spec.target is not None and (made := target_sql(spec.target)) is not None:
            raise RequestError(f"The target cannot be made from {shorten(made)}: {error.message}") from error
        raise
    base = spec.data.tables[0].name
    if not spec.task.of_series and len(frame) != data[base].num_rows * spec.data.snapshots:
        raise DataError(
            f"Joining gives {len(frame):,} rows for the {data[base].num_rows:,} of `{base}`: a joined table "
            "holds several rows for one key.",
            hint=f"Look for repeated keys in {', '.join(f'`{name}`' for name in used[1:])}.",
        )
    columns = [_measured(column, frame) for column in columns]
    return labelled_rows(spec, Assembled(frame, sql, columns, joins=list(spec.data.joins)))


def _measured(column: TrainingColumn, frame: pd.DataFrame) -> TrainingColumn:
    """The type of a derived target is known once it is there."""
    if column.role != "target_candidate" or column.type != "category":
        return column
    type_ = _type_of(frame[column.name])
    return replace(column, type=type_, plan=column.plan.model_copy(update={"type": type_}))


def _type_of(values: pd.Series) -> ColumnType:
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_integer_dtype(values):
        return "integer"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(values) else "category"


def labelled_rows(spec: ProjectSpec, assembled: Assembled) -> Assembled:
    """`assembled` with the rows that have a target in `frame` and the others in `without_target`.

    Anomalies are looked for among all rows, whether it is known of them or not.

    Raises:
        DataError: when no row has a target.
    """
    name = target_name(spec)
    if name is None or name not in assembled.frame.columns or spec.task.type == "anomaly":
        return assembled
    missing = assembled.frame[name].isna()
    if missing.all():
        raise DataError(
            f"The target `{name}` is empty in all {len(missing):,} rows: nothing to learn.",
            hint="Name another target, or data in which it is filled.",
        )
    if not missing.any():
        return assembled
    frame = assembled.frame[~missing].reset_index(drop=True)
    rest = assembled.frame[missing].reset_index(drop=True)
    whole = any(column.name == name and column.type == "integer" for column in assembled.columns)
    if pd.api.types.is_float_dtype(frame[name]) and whole:
        frame[name] = frame[name].astype("int64")
    if frame[name].dtype == "boolean":
        frame[name] = frame[name].astype(bool)
    return replace(assembled, frame=frame, without_target=rest)


def run_sql(
    sql: str,
    tables: Mapping[str, pa.Table],
    *,
    memory_limit: str | None = None,
    variables: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The rows of the last statement of `sql` over `tables`, in memory, without file or network access.

    Integers without nulls are int64, other numbers float64, booleans bool or `boolean`, times datetime64[us],
    text `str`. `variables` are what `getvariable` gives in it.

    Raises:
        DataError: when a statement fails, with DuckDB's own words, or takes more than ten minutes.
    """
    config: dict[str, Any] = {"threads": 2, "enable_external_access": "false"}
    if memory_limit is not None:
        config["memory_limit"] = memory_limit
    con = duckdb.connect(":memory:", config=config)
    # A spec may come from a stranger, and an expression in it may have no end.
    clock = Timer(_MOST_SECONDS, con.interrupt)
    clock.start()
    try:
        con.execute("SET TimeZone = 'UTC'")
        for name in sorted(tables):
            con.register(name, tables[name])
        for name, value in (variables or {}).items():
            con.execute(f"SET VARIABLE {quote(name)} = {float(value)!r}")
        con.execute("SET lock_configuration = true")
        *before, last = con.extract_statements(sql)
        for statement in before:
            con.execute(statement)
        return to_frame(con.sql(last.query).to_arrow_table())
    except duckdb.InterruptException as error:
        raise DataError(f"The SQL of the training table takes more than {_MOST_SECONDS:g} s.") from error
    except duckdb.Error as error:
        raise DataError(f"The SQL of the training table fails: {str(error).splitlines()[0]}") from error
    finally:
        clock.cancel()
        con.close()


def to_frame(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a pandas frame of the types that the rest of the runtime expects."""
    return pd.DataFrame({name: _series(table[name]) for name in table.column_names})


def _series(values: pa.ChunkedArray) -> pd.Series:
    type_ = values.type
    if pa.types.is_boolean(type_) and values.null_count:
        return pd.Series(values.to_pandas(), dtype="boolean")
    if pa.types.is_decimal(type_):
        whole = type_.scale == 0 and not values.null_count
        values = pc.cast(values, pa.int64() if whole else pa.float64())
    elif pa.types.is_integer(type_):
        values = pc.cast(values, pa.float64() if values.null_count else pa.int64(), safe=False)
    elif pa.types.is_temporal(type_) and not pa.types.is_time(type_):
        return values.cast(pa.timestamp("us")).to_pandas().astype("datetime64[us]")
    elif pa.types.is_floating(type_):
        values = pc.cast(values, pa.float64())
    elif pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_null(type_):
        return pd.Series(values.cast(pa.string()).to_pandas(), dtype="str")
    return values.to_pandas()

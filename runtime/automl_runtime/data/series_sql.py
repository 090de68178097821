"""The SQL that makes a training table of series: one row for each series and step, readable, for DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from automl_schemas.catalog import ColumnEntry, DataCatalog
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.spec import ProjectSpec

from automl_runtime.data.keytext import KEY_MACROS, quote
from automl_runtime.data.naming import unique_name
from automl_runtime.data.training_columns import (
    IDENTITY,
    Joined,
    TrainingColumn,
    TrainingPlan,
    plan_columns,
    target_name,
)
from automl_runtime.data.training_sql import Writer, comment, exact_sum, in_words, join_clause, why_joined
from automl_runtime.errors import RequestError, shorten

__all__ = ["series_sql"]

_INDENT = "    "
_WRITTEN = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]
"""How a moment that no source holds as a whole is written in a request."""


@dataclass(frozen=True, slots=True)
class _Selected:
    """A column of the training table and the expression that makes it."""

    column: TrainingColumn
    sql: str
    is_key: bool
    """Part of what names a row: the time, or a column that tells series apart."""


def series_sql(spec: ProjectSpec, catalog: DataCatalog) -> tuple[str, list[TrainingColumn]]:
    """The query that makes a training table of series, and its columns.

    Of a forecast: time, series, what is known ahead, target. Of anomalies in time: time, series, every column of the
    base table and of looked-up ones that is not left out, and the label, if there is one.

    Rows without a time or a series are left out. With `spec.task.aggregate`, the rows of a series that fall into one
    step become one: the target of a forecast, and the numbers of anomalies, are summed or averaged; numbers that are
    known ahead are averaged, and of all else the largest value is taken. Rows come in the order of series and time.

    Raises:
        RequestError: if the spec names a column that the tables do not have.
    """
    assert spec.data.tables
    plan = plan_columns(spec, catalog)
    plan.joined = _needed(plan, spec)
    writer = Writer(spec, plan, "base" if all(table.prefix != "base" for table in plan.joined) else "base_rows")
    selected = [_time(writer), *_series(writer)]
    selected += _measured(writer) if spec.task.anomalies_in_time else _ahead(writer)
    if spec.target is not None:
        selected.append(_target(writer))
    body = _body(writer, selected)
    if spec.task.gaps == "zero":
        body = _filled(body, spec, selected)
    macros = "".join(f"{macro}\n" for name, macro in KEY_MACROS.items() if f"{name}(" in body)
    return _head(spec) + macros + "\n" + body + "\n", [item.column for item in selected]


def _head(spec: ProjectSpec) -> str:
    step = spec.task.frequency or "moment"
    each = f" of each {' + '.join(map(comment, spec.task.series))}" if spec.task.series else ""
    lines = [
        f"-- Training table: one row for each {step}{each}, from {spec.data.tables[0].name}.",
        "-- Run on the clean tables in DuckDB.",
    ]
    if spec.task.aggregate is not None:
        how = {"sum": "added up", "mean": "averaged"}[spec.task.aggregate]
        lines.append(f"-- Rows that fall into the same step are {how}.")
    return "".join(f"{comment(line)}\n" for line in lines)


def _needed(plan: TrainingPlan, spec: ProjectSpec) -> list[Joined]:
    """The looked-up tables that bring a column (of a forecast one that is known ahead), with what they hang on."""
    wanted: list[Joined] = []
    ahead = spec.task.known_ahead
    for table in plan.joined:
        brings = [column for column in table.columns if spec.task.anomalies_in_time or column.name in ahead]
        if not table.aggregated and brings:
            wanted += [link for link in _way(table) if link not in wanted]
    return wanted


def _way(table: Joined | None) -> list[Joined]:
    return [] if table is None else [*_way(table.parent), table]


def _time(writer: Writer) -> _Selected:
    task = writer.spec.task
    assert task.time is not None
    if task.time_sql is not None:
        plan = ColumnPlan(column=task.time, type="datetime", date_formats=_WRITTEN)
        column = TrainingColumn(task.time, writer.plan.base.name, None, None, "datetime", plan, "time")
    else:
        column = _own(writer, task.time)
    moment = f"CAST({writer.base}.{quote(task.time)} AS TIMESTAMP)"
    if (task.aggregate is not None or task.gaps == "zero") and task.frequency is not None:
        moment = _truncated(moment, task.frequency)
    return _Selected(column, moment, is_key=True)


def _truncated(moment: str, frequency: str) -> str:
    count, _, unit = frequency.rpartition(" ")
    if not count:
        return f"date_trunc('{unit}', {moment})"
    return f"time_bucket(INTERVAL '{int(count)} {unit}', {moment})"


def _series(writer: Writer) -> list[_Selected]:
    return [
        _Selected(_own(writer, name), f"{writer.base}.{quote(name)}", is_key=True) for name in writer.spec.task.series
    ]


def _ahead(writer: Writer) -> list[_Selected]:
    found = {column.name: (column, writer.base) for column in writer.plan.columns}
    for table in writer.plan.joined:
        found |= {column.name: (column, writer.alias(table)) for column in table.columns}
    selected = []
    for name in writer.spec.task.known_ahead:
        if name not in found:
            raise RequestError(f"`task.known_ahead` names {shorten(name)}, which no table that is joined has.")
        column, alias = found[name]
        sql = _as_it_stands(writer, column, alias)
        if writer.spec.task.aggregate is not None:
            sql = f"avg({sql})" if column.type == "number" else f"max({sql})"
        selected.append(_Selected(column, sql, is_key=False))
    return selected


def _as_it_stands(writer: Writer, column: TrainingColumn, alias: str) -> str:
    if column.aggregate == "present":
        table = next(table for table in writer.plan.joined if column in table.columns)
        return f"{alias}.{quote(table.join.child_columns[0])} IS NOT NULL"
    return f"{alias}.{quote(column.column or column.name)}"


def _measured(writer: Writer) -> list[_Selected]:
    """What is looked at of each step: all but what names it, what the moment is made of, and the label."""
    task, plan = writer.spec.task, writer.plan
    named = {task.time, *task.series, target_name(writer.spec), IDENTITY, *(plan.key if len(plan.key) == 1 else ())}
    parts = [column.name for column in plan.columns if quote(column.name) in (task.time_sql or "")]
    found = [(column, writer.base) for column in plan.columns if column.name not in {*named, *parts}]
    for table in plan.joined:
        found += [(column, writer.alias(table)) for column in table.columns]
    return [_of_step(writer, column, alias) for column, alias in found]


def _of_step(writer: Writer, column: TrainingColumn, alias: str) -> _Selected:
    how, sql = writer.spec.task.aggregate, _as_it_stands(writer, column, alias)
    if how is None:
        return _Selected(column, sql, is_key=False)
    if column.type not in ("integer", "number"):
        return _Selected(column, f"max({sql})", is_key=False)
    entry = next((entry for entry in writer.plan.base.columns if entry.name == column.name), None)
    # A mean of whole numbers is none.
    number = replace(column, type="number", plan=column.plan.model_copy(update={"type": "number"}))
    return _Selected(number, exact_sum(how, sql, entry) if entry else f"avg({sql})", is_key=False)


def _target(writer: Writer) -> _Selected:
    spec = writer.spec
    name = target_name(spec)
    column = next(column for column in writer.plan.columns if column.name == name)
    sql = f"{writer.base}.{quote(column.name)}"
    if spec.task.anomalies_in_time:
        sql = in_words(writer, column)
        sql = sql if spec.task.aggregate is None else f"max({sql})"
    elif spec.task.aggregate is not None:
        entry = next((entry for entry in writer.plan.base.columns if entry.name == column.name), None)
        sql = f"{spec.task.aggregate}({sql})" if entry is None else exact_sum(spec.task.aggregate, sql, entry)
    return _Selected(column, sql, is_key=False)


def _own(writer: Writer, name: str) -> TrainingColumn:
    for column in writer.plan.columns:
        if column.name == name:
            return column
    raise RequestError(f"{writer.plan.base.name} has no column {shorten(name)}, which `task` names.")


def _body(writer: Writer, selected: Sequence[_Selected]) -> str:
    lines = [f"{item.sql} AS {quote(item.column.name)}" for item in selected]
    keys = [item.column.name for item in selected if item.is_key]
    body = "SELECT\n" + ",\n".join(_INDENT + line for line in lines) + f"\nFROM {_source(writer)}"
    for table in writer.plan.joined:
        body += f"\n-- {why_joined(table)}\nLEFT JOIN {join_clause(writer, table)}"
    present = [f"{writer.base}.{quote(name)} IS NOT NULL" for name in keys]
    body += "\nWHERE " + f"\n{_INDENT}AND ".join(present)
    if writer.spec.task.aggregate is not None:
        body += f"\n{_complete(writer)}\nGROUP BY ALL"
    return body + _order(selected)


def _order(selected: Sequence[_Selected]) -> str:
    keys = [quote(item.column.name) for item in selected if item.is_key]
    return "\nORDER BY " + ", ".join([*keys[1:], keys[0]])


def _filled(body: str, spec: ProjectSpec, selected: Sequence[_Selected]) -> str:
    """`body` with a row for every step of a series from its first on, up to the last step that is known of any."""
    time, target = quote(spec.task.time or ""), quote(selected[-1].column.name)
    series = [quote(name) for name in spec.task.series]
    keys = [time, *series]
    count, _, unit = (spec.task.frequency or "day").rpartition(" ")
    step = "INTERVAL 3 month" if unit == "quarter" else f"INTERVAL {int(count or 1)} {unit.removesuffix('s')}"
    inner = body.removesuffix(_order(selected)).replace("\n", f"\n{_INDENT}")
    tables = [table.name for table in spec.data.tables]
    known, steps = unique_name("known", tables), unique_name("steps", tables)
    columns = "".join(f"{name}, " for name in series)
    lines = [f"coalesce({known}.{key}, {steps}.{key}) AS {key}" for key in keys]
    lines += [f"{known}.{quote(item.column.name)}" for item in selected[:-1] if not item.is_key]
    lines.append(f"CASE WHEN {known}.{time} IS NULL THEN 0 ELSE {known}.{target} END AS {target}")
    return (
        f"WITH\n-- What the data hold.\n{known} AS (\n{_INDENT}{inner}\n),\n"
        "-- Every step of a series from its first on: one without a row means that nothing happened.\n"
        f"{steps} AS (\n{_INDENT}SELECT {columns}unnest(generate_series(\n"
        f"{_INDENT * 2}from_step, (SELECT max({time}) FROM {known} WHERE {target} IS NOT NULL), {step}\n"
        f"{_INDENT})) AS {time}\n"
        f"{_INDENT}FROM (SELECT {columns}min({time}) AS from_step FROM {known} GROUP BY ALL)\n)\n"
        "SELECT\n" + ",\n".join(_INDENT + line for line in lines) + f"\nFROM {steps}\nFULL JOIN {known}\n"
        f"{_INDENT}ON {' AND '.join(f'{steps}.{key} = {known}.{key}' for key in keys)}" + _order(selected)
    )


def _complete(writer: Writer) -> str:
    """The last step counts only as a whole: the data must go on to its last day, or its last hour."""
    task = writer.spec.task
    entry = next((entry for entry in writer.plan.base.columns if entry.name == task.time), None)
    unit = "day" if entry is not None and entry.type == "date" else "hour"
    moment = f"CAST({quote(task.time or '')} AS TIMESTAMP)"
    end = _truncated(f"max({moment}) + INTERVAL 1 {unit}", task.frequency or "day")
    return (
        f"{_INDENT}-- The last step counts only when the data reach its end.\n"
        f"{_INDENT}AND CAST({writer.base}.{quote(task.time or '')} AS TIMESTAMP) < (SELECT {end} FROM {_rows(writer)})"
    )


def _source(writer: Writer) -> str:
    return f"{_rows(writer)} AS {writer.base}"


def _rows(writer: Writer) -> str:
    """The base table, with the moment and the target made where no column holds them."""
    base, task, target = quote(writer.plan.base.name), writer.spec.task, writer.spec.target
    made = {}
    if task.time_sql is not None and task.time is not None:
        made[task.time] = task.time_sql
    if target is not None and target.sql is not None:
        made[target.column] = target.sql
    if not made:
        return base
    taken = [entry.name for entry in _entries(writer) if entry.name in made]
    excluded = f" EXCLUDE ({', '.join(map(quote, taken))})" if taken else ""
    columns = "".join(f",\n{_INDENT * 2}{sql} AS {quote(name)}" for name, sql in made.items())
    return f"(\n{_INDENT}SELECT\n{_INDENT * 2}*{excluded}{columns}\n{_INDENT}FROM {base}\n)"


def _entries(writer: Writer) -> list[ColumnEntry]:
    return writer.plan.base.columns

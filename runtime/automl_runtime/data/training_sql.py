"""The SQL that makes the training table: one row for each row of the base table, readable, for DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log10

from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.spec import DataSpec, ProjectSpec
from automl_schemas.vocabulary import ColumnType

from automl_runtime.data.keytext import KEY_MACROS, key_pair, literal, quote
from automl_runtime.data.label_lists import target_sql
from automl_runtime.data.training_columns import (
    IDENTITY,
    History,
    Joined,
    TrainingColumn,
    TrainingPlan,
    plan_columns,
    time_column,
    words_of_target,
)
from automl_runtime.errors import RequestError, shorten

__all__ = ["Writer", "comment", "exact_sum", "in_words", "join_clause", "table_sql", "why_joined"]

_INDENT = "    "
_HEAD = """-- Training table: one row for each row of {base}{key}.
-- Run on the clean tables in DuckDB. A row without a partner keeps nulls, so nothing found differs from zero.
"""
_ABOUT_SUMS = "-- Sums are taken in decimals: the order of the rows makes no difference to the last digit.\n"
_ABOUT_HORIZON = """\
-- Training stands `horizon_days` before the end of the data and predicts what follows; for new data the variable is
-- 0, and they are looked at from their end.
SET VARIABLE horizon_days = coalesce(getvariable('horizon_days'), {days:g});
"""
_ABOUT_SNAPSHOTS = "-- It stands at {many:,} earlier moments too, one horizon apart, so that no two outcomes overlap.\n"


@dataclass(slots=True)
class Writer:
    """What is written, and how the base table is called in it."""

    spec: ProjectSpec
    plan: TrainingPlan
    base: str
    """Alias of the base table."""

    @property
    def cutoff(self) -> str | None:
        """The moment of a base row before which other tables count; None when all of them do."""
        column = self.spec.data.cutoff
        return None if column is None else f"{self.base}.{quote(column)}"

    def alias(self, table: Joined | None) -> str:
        """How a table is called in the query."""
        if table is None:
            return self.base
        return quote(f"{table.prefix}_rows" if table.aggregated else table.prefix)


def table_sql(spec: ProjectSpec, catalog: DataCatalog) -> tuple[str, list[TrainingColumn]]:
    """The query that makes the training table of `spec`, and its columns in order.

    Looked-up and 1:1 tables are joined as they are; tables with several rows for a base row are aggregated in a
    common table expression each. With `spec.data.cutoff`, rows of other tables count only when they are dated
    before the base row's cut-off. Sums and means of fractions are taken in decimals and rows come in the order of
    the key, so that the same rows in any order give the same table.
    """
    plan = plan_columns(spec, catalog)
    taken = {table.prefix for table in plan.joined} | {f"{table.prefix}_rows" for table in plan.joined}
    base = "base"
    while base in taken:
        base += "_rows"
    writer = Writer(spec, plan, base)
    expressions = [_base_expression(writer)] if _is_derived(spec, plan) else []
    expressions += [_aggregate_expression(writer, table) for table in plan.joined if table.aggregated]
    body = "SELECT\n" + _select_list(writer) + "\n" + _from(writer) + _windows(writer) + _order(writer) + "\n"
    if expressions:
        body = "WITH\n" + ",\n".join(expressions) + "\n" + body
    key = f", named by {_names(plan.key)}" if plan.key else ""
    head = _HEAD.format(base=comment(plan.base.name), key=key)
    if " AS DECIMAL(" in body:
        head += _ABOUT_SUMS
    head += "".join(f"{macro}\n" for name, macro in KEY_MACROS.items() if f"{name}(" in body)
    if spec.data.snapshots > 1:
        head += _ABOUT_SNAPSHOTS.format(many=spec.data.snapshots - 1)
    if spec.data.cutoff_sql is not None:
        head += _ABOUT_HORIZON.format(days=spec.task.horizon_days or 0)
    return head + "\n" + body, plan.all_columns


def comment(name: str) -> str:
    """A name inside a comment: one line, whatever it holds."""
    return " ".join(name.split()) or "?"


def _names(names: Sequence[str]) -> str:
    return " + ".join(comment(name) for name in names)


def _is_derived(spec: ProjectSpec, plan: TrainingPlan) -> bool:
    made = spec.data.cutoff_sql is not None or (spec.target is not None and spec.target.is_made)
    return made or not plan.key


def _base_expression(writer: Writer) -> str:
    """The base table with a derived target, and with the identity of its rows when it has no key."""
    plan, target = writer.plan, writer.spec.target
    lines, excluded = [], ""
    if target is not None and (made := target_sql(target)) is not None:
        if any(column.name == target.column for column in plan.base.columns):
            excluded = f" EXCLUDE ({quote(target.column)})"
        lines.append(f"{_inset(made, 2)} AS {quote(target.column)}")
    if not plan.key:
        lines.append(_identity(writer))
    text = "".join(f",\n{_INDENT * 2}{line}" for line in lines)
    why = "rows have no key: what they hold names them" if not plan.key else "with the derived target"
    source = quote(plan.base.name)
    if writer.spec.data.cutoff is not None and writer.spec.data.cutoff_sql is not None:
        moment = f"{_moments(writer.spec.data)} AS {quote(writer.spec.data.cutoff)}"
        made = f"{_INDENT * 2}SELECT\n{_INDENT * 3}*,\n{_INDENT * 3}{moment}\n{_INDENT * 2}FROM {source}"
        source = f"(\n{made}\n{_INDENT}) AS {source}"
    return (
        f"-- {comment(plan.base.name)}, {why}.\n{writer.base} AS (\n{_INDENT}SELECT\n"
        f"{_INDENT * 2}*{excluded}{text}\n{_INDENT}FROM {source}\n)"
    )


def _moments(data: DataSpec) -> str:
    """From when each row is looked at: once, or once more for each snapshot. New data are looked at from their end."""
    last = _inset(data.cutoff_sql or "", 3)
    if data.snapshots == 1:
        return last
    horizon = "getvariable('horizon_days')"
    steps = f"unnest(range(CASE {horizon} WHEN 0 THEN 1 ELSE {data.snapshots} END))"
    return f"{last} - to_seconds(86400 * {horizon} * {steps})"


def _inset(expression: str, depth: int) -> str:
    """An expression in brackets; one of several lines as a block."""
    if "\n" not in expression:
        return f"({expression})"
    inner = expression.replace("\n", "\n" + _INDENT * (depth + 1))
    return f"(\n{_INDENT * (depth + 1)}{inner}\n{_INDENT * depth})"


def _identity(writer: Writer) -> str:
    target = writer.spec.target
    taken = set() if target is None else {target.column, *target.columns}
    own = [column.name for column in writer.plan.base.columns if column.name not in taken]
    inner = f",\n{_INDENT * 3}".join(quote(name) for name in own) or "''"
    return f"md5(concat_ws(\n{_INDENT * 3}'|',\n{_INDENT * 3}{inner}\n{_INDENT * 2})) AS {quote(IDENTITY)}"


def _select_list(writer: Writer) -> str:
    lines = [_own(writer, column) for column in writer.plan.columns]
    for table in writer.plan.joined:
        alias = writer.alias(table)
        lines += [f"{_selected(alias, table, column)} AS {quote(column.name)}" for column in table.columns]
    for history in writer.plan.histories:
        lines += [f"{_past(writer, history, column)} AS {quote(column.name)}" for column in history.columns]
    return ",\n".join(_INDENT + line for line in lines)


def _own(writer: Writer, column: TrainingColumn) -> str:
    value = in_words(writer, column)
    return value if value.startswith(f"{writer.base}.") else f"{value} AS {quote(column.name)}"


def in_words(writer: Writer, column: TrainingColumn) -> str:
    """A column of the base table; a target that is clean as true and false gets its words back."""
    name = f"{writer.base}.{quote(column.name)}"
    labels = words_of_target(writer.spec, writer.plan.base)
    if labels is None or writer.spec.target is None or column.name != writer.spec.target.column:
        return name
    no, yes = (literal(word) for word in labels)
    return f"CASE {name} WHEN true THEN {yes} WHEN false THEN {no} END"


def _selected(alias: str, table: Joined, column: TrainingColumn) -> str:
    if column.aggregate == "present":
        return f"{alias}.{quote(table.join.child_columns[0])} IS NOT NULL"
    if column.aggregate == "count":
        return f'coalesce({alias}."count", 0)'
    return f"{alias}.{quote(column.source_name)}"


def _from(writer: Writer) -> str:
    derived = _is_derived(writer.spec, writer.plan)
    lines = [f"FROM {writer.base}" if derived else f"FROM {quote(writer.plan.base.name)} AS {writer.base}"]
    for table in writer.plan.joined:
        lines += [f"-- {why_joined(table)}", f"LEFT JOIN {join_clause(writer, table)}"]
    return "\n".join(lines)


def why_joined(table: Joined) -> str:
    """What the table is to the one that it hangs on."""
    join = table.join
    own, other = _names(join.child_columns), _names(join.parent_columns)
    name, parent = comment(join.child), comment(table.parent.prefix if table.parent else join.parent)
    if join.cardinality == "n:1":
        return f"{name}: looked up, {other} of {parent} is its {own}"
    if join.cardinality == "1:1":
        return f"{name}: at most one row for each of {parent}, its {own} is their {other}"
    return f"{name}: several rows for each of {parent}, its {own} is their {other}"


def join_clause(writer: Writer, table: Joined) -> str:
    """What follows LEFT JOIN for `table`: what it is called, and its conditions."""
    alias = writer.alias(table)
    if table.aggregated:
        conditions = [
            f"{own} = {alias}.{quote(f'key_{number}')}"
            for number, (own, _) in enumerate(_outer_sides(writer, table), start=1)
        ]
        if _is_dated(writer, table):
            conditions.append(f'{writer.cutoff} = {alias}."cutoff"')
        return f"{alias}\n{_INDENT}ON {_and(conditions)}"
    conditions = [f"{own} = {other}" for own, other in _sides(writer, table, writer.alias(table.parent), alias)]
    dated = time_column(table.entry)
    if _is_event(writer, table) and dated is not None:
        conditions.append(f"{alias}.{quote(dated.name)} < {writer.cutoff}")
    source = quote(table.entry.name)
    named = source if alias == source else f"{source} AS {alias}"
    return f"{named}\n{_INDENT}ON {_and(conditions)}"


def _and(conditions: Sequence[str]) -> str:
    return f"\n{_INDENT}AND ".join(conditions)


def _sides(writer: Writer, table: Joined, upper_alias: str, alias: str) -> list[tuple[str, str]]:
    """Both sides of each key comparison: of the table that it hangs on, and its own."""
    parent = table.parent.entry if table.parent else writer.plan.base
    own_types, parent_types = _types(table.entry), _types(parent)
    return [
        key_pair(
            f"{upper_alias}.{quote(upper)}",
            parent_types[upper],
            f"{alias}.{quote(lower)}",
            own_types[lower],
            table.join.spelling,
        )
        for upper, lower in zip(table.join.parent_columns, table.join.child_columns, strict=True)
    ]


def _outer_sides(writer: Writer, table: Joined) -> list[tuple[str, str]]:
    """The key comparisons of an aggregated table with the rows outside: those of the first table on its way."""
    first = table.way[0]
    return _sides(writer, first, writer.alias(first.parent), _inner_alias(table, first))


def _inner_alias(table: Joined, link: Joined) -> str:
    """How `link` on the way to `table` is called while the rows of `table` are aggregated."""
    if link is table:
        return "rows"
    return quote(f"{link.prefix}_" if link.prefix.casefold() in {"rows", "moments"} else link.prefix)


def _types(entry: TableEntry) -> dict[str, ColumnType]:
    return {column.name: column.type for column in entry.columns}


def _is_dated(writer: Writer, table: Joined) -> bool:
    return writer.cutoff is not None and table.dated is not None


def _is_event(writer: Writer, table: Joined) -> bool:
    """Whether a 1:1 table records one dated event, which must lie before the cut-off."""
    times = [column for column in table.entry.columns if column.type in ("date", "datetime")]
    return writer.cutoff is not None and table.join.cardinality == "1:1" and len(times) == 1


def _aggregate_expression(writer: Writer, table: Joined) -> str:
    dated = _is_dated(writer, table)
    keys = [own for _, own in _outer_sides(writer, table)]
    if dated:
        keys = [f"moments.{quote(f'key_{number}')}" for number in range(1, len(keys) + 1)]
    lines = [f"{key} AS {quote(f'key_{number}')}" for number, key in enumerate(keys, start=1)]
    if dated:
        lines.append('moments."cutoff"')
    lines += [f"{_aggregate(table, column, dated)} AS {quote(column.source_name)}" for column in table.columns]
    inner = ",\n".join(_INDENT * 2 + line for line in lines)
    until = f", those before {comment(writer.spec.data.cutoff or '')}" if dated else ""
    over = f", by way of {' and '.join(comment(link.prefix) for link in table.way[:-1])}" if table.way[1:] else ""
    return (
        f"-- {why_joined(table)}{over}{until}.\n{writer.alias(table)} AS (\n{_INDENT}SELECT\n{inner}\n"
        f"{_INDENT}{_aggregate_source(writer, table, dated)}\n{_INDENT}GROUP BY ALL\n)"
    )


def _aggregate_source(writer: Writer, table: Joined, dated: bool) -> str:
    """Where the rows to aggregate come from, joined to the tables on their way; with a cut-off, to its moments too."""
    outer = _outer_sides(writer, table)
    conditions: dict[str, list[str]] = {_inner_alias(table, link): [] for link in table.way}
    lines = []
    if dated:
        moments = [f"{upper} AS {quote(f'key_{number}')}" for number, (upper, _) in enumerate(outer, start=1)]
        chain = "".join(f" LEFT JOIN {join_clause(writer, link)}" for link in _chain(table.way[0].parent))
        base = f"{quote(writer.plan.base.name)} AS {writer.base}"
        if _is_derived(writer.spec, writer.plan):
            base = writer.base
        lines.append(
            f'FROM (\n{_INDENT * 2}SELECT DISTINCT {", ".join(moments)}, {writer.cutoff} AS "cutoff"\n'
            f"{_INDENT * 2}FROM {base}{chain}\n{_INDENT}) AS moments"
        )
        first = conditions[_inner_alias(table, table.way[0])]
        first += [f"{lower} = moments.{quote(f'key_{number}')}" for number, (_, lower) in enumerate(outer, start=1)]
        assert table.dated is not None
        alias = _inner_alias(table, table.dated[0])
        conditions[alias].append(f'{alias}.{quote(table.dated[1].name)} < moments."cutoff"')
    for link in table.way:
        alias = _inner_alias(table, link)
        if link.parent is not None and link is not table.way[0]:
            sides = _sides(writer, link, _inner_alias(table, link.parent), alias)
            conditions[alias][:0] = [f"{above} = {own}" for above, own in sides]
        source = quote(link.entry.name) + ("" if quote(link.entry.name) == alias else f" AS {alias}")
        if lines:
            lines.append(f"JOIN {source}\n{_INDENT * 2}ON {' AND '.join(conditions[alias])}")
        else:
            lines.append(f"FROM {source}")
    return f"\n{_INDENT}".join(lines)


def _chain(table: Joined | None) -> list[Joined]:
    return [] if table is None else [*_chain(table.parent), table]


def _aggregate(table: Joined, column: TrainingColumn, dated: bool) -> str:
    if column.aggregate == "count":
        return "count(*)"
    assert column.column is not None
    entry = next(entry for entry in table.entry.columns if entry.name == column.column)
    value = f"rows.{quote(column.column)}"
    match column.aggregate:
        case "sum" | "mean":
            return exact_sum(column.aggregate, value, entry)
        case "min" | "max":
            return f"{column.aggregate}({value})"
        case "distinct":
            return f"count(DISTINCT {value})"
        case "most_frequent":
            return f"mode({value} ORDER BY {value})"
        case "days_since_last":
            now = 'any_value(moments."cutoff")' if dated else _latest(table.entry, column.column)
            return f"date_diff('day', max({value}), {now})"
    return _last(table, entry, value)


def exact_sum(aggregate: str, value: str, entry: ColumnEntry) -> str:
    """The sum or mean of `value`, the same in any order of the rows."""
    function = "sum" if aggregate == "sum" else "avg"
    if entry.type == "boolean":
        return f"{function}(CAST({value} AS INTEGER))"
    if entry.type == "integer":
        return f"{function}({value})"
    return f"{function}(CAST({value} AS DECIMAL(38, {_scale(entry)})))"


def _scale(entry: ColumnEntry) -> int:
    """Decimal places that hold every digit of a float of this column, with room for sums of any number of rows."""
    ends = [abs(end) for end in (entry.stats.min, entry.stats.max) if isinstance(end, float)]
    largest = max(ends, default=0.0)
    digits = 9 if largest == 0.0 else ceil(log10(largest) + 1e-9)
    return max(0, min(28, 18 - digits))


def _latest(entry: TableEntry, column: str) -> str:
    return f"(SELECT max({quote(column)}) FROM {quote(entry.name)})"


def _last(table: Joined, column: ColumnEntry, value: str) -> str:
    if table.dated is None or column.type in ("date", "datetime"):
        return f"max({value})"
    link, time = table.dated
    return f"arg_max({value}, ROW({_inner_alias(table, link)}.{quote(time.name)}, {value}))"


def _past(writer: Writer, history: History, column: TrainingColumn) -> str:
    """A mean or count over earlier days; null where the entity or the day is not known."""
    window = quote(f"{history.prefix}_recent" if column.aggregate == "recent_mean" else history.prefix)
    if column.aggregate == "past_count":
        found = "count(*)"
    else:
        entry = next(entry for entry in writer.plan.base.columns if entry.name == column.column)
        value = f"{writer.base}.{quote(entry.name)}"
        target = writer.spec.target
        if entry.type in ("category", "text") and target is not None:
            value, entry = f"({value} = {literal(str(target.positive))})", entry.model_copy(update={"type": "boolean"})
        found = exact_sum("mean", value, entry)
    known = f"{writer.base}.{quote(history.spec.entity)} IS NOT NULL AND {_moment(writer)} IS NOT NULL"
    return f"CASE WHEN {known} THEN {found} OVER {window} END"


def _moment(writer: Writer) -> str:
    """The time that orders the rows, wherever it comes from."""
    name = writer.spec.task.time
    if any(column.name == name for column in writer.plan.columns):
        return f"{writer.base}.{quote(name or '')}"
    for table in writer.plan.joined:
        for column in table.columns:
            if column.name == name and column.aggregate is None:
                return f"{writer.alias(table)}.{quote(column.source_name)}"
    raise RequestError(
        f"`data.history` needs `task.time`, a date of the base table or of a looked-up one; {shorten(name)} is none."
    )


def _windows(writer: Writer) -> str:
    """For each history its rows of all earlier days, and of the last days on which it had any."""
    if not writer.plan.histories:
        return ""
    lines = []
    for history in writer.plan.histories:
        days = f"PARTITION BY {writer.base}.{quote(history.spec.entity)}\n{_INDENT * 2}"
        days += f"ORDER BY CAST({_moment(writer)} AS DATE)"
        for name, first in ((history.prefix, "UNBOUNDED"), (f"{history.prefix}_recent", history.spec.recent)):
            rows = f"GROUPS BETWEEN {first} PRECEDING AND 1 PRECEDING"
            lines.append(f"{_INDENT}{quote(name)} AS (\n{_INDENT * 2}{days}\n{_INDENT * 2}{rows}\n{_INDENT})")
    return "\n-- The past of an entity ends the day before.\nWINDOW\n" + ",\n".join(lines)


def _order(writer: Writer) -> str:
    if not writer.plan.key:
        return "\nORDER BY ALL"
    names = [*writer.plan.key, *writer.spec.data.moments]
    return "\nORDER BY " + ", ".join(f"{writer.base}.{quote(name)}" for name in names)

"""The columns of a training table: which tables bring which, and what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.spec import HistorySpec, JoinSpec, ProjectSpec
from automl_schemas.vocabulary import ColumnRole, ColumnType, PersonalData

from automl_runtime.data.distinct_names import distinct_words
from automl_runtime.data.naming import legal_name
from automl_runtime.errors import DataError

__all__ = [
    "IDENTITY",
    "History",
    "Joined",
    "TrainingColumn",
    "TrainingPlan",
    "join_prefixes",
    "plan_columns",
    "target_name",
    "time_column",
    "words_of_target",
]

IDENTITY = "row.identity"
"""Column that stands for the content of a row when the base table has no key."""

_TIMES = ("date", "datetime")


@dataclass(frozen=True, slots=True)
class TrainingColumn:
    """One column of the training table."""

    name: str
    table: str
    """Clean table that it comes from."""
    column: str | None
    """Column of that table; None for `count`, `present` and the identity of a row."""
    aggregate: str | None
    """`sum`, `mean`, `min`, `max`, `last`, `distinct`, `most_frequent`, `days_since_last`, `count`, `present`,
    `identity`, and of a history `recent_mean`, `past_mean`, `past_count`; None when the value is taken as it stands."""
    type: ColumnType
    plan: ColumnPlan
    role: ColumnRole
    personal: PersonalData | None = None
    prefix: str = ""
    """What the table is called in the training table: its name, or `table_by_key` when it is joined twice; empty
    for the base table."""

    @property
    def source_name(self) -> str:
        """What it is called in its own table, as a `DroppedColumn` names it: `amount`, `amount.sum`, `count`."""
        return ".".join(part for part in (self.column, self.aggregate) if part) or self.name


@dataclass(slots=True)
class Joined:
    """A table that hangs on the base table or on another that does."""

    prefix: str
    entry: TableEntry
    join: JoinSpec
    parent: Joined | None
    columns: list[TrainingColumn] = field(default_factory=list)

    @property
    def aggregated(self) -> bool:
        """Whether several rows become one: its own, or those of a table that it hangs on."""
        return self.join.cardinality == "1:n" or (self.parent is not None and self.parent.aggregated)

    @property
    def way(self) -> list[Joined]:
        """The aggregated tables from the one that hangs on a row of the base table (or on one like it) to this one."""
        if self.parent is None or not self.parent.aggregated:
            return [self]
        return [*self.parent.way, self]

    @property
    def dated(self) -> tuple[Joined, ColumnEntry] | None:
        """What dates its rows: its own time, else that of the nearest table on the way; a looked-up row has none."""
        for table in reversed(self.way):
            time = time_column(table.entry)
            if time is not None and table.join.cardinality != "n:1":
                return table, time
        return None


@dataclass(slots=True)
class History:
    """The past of an entity, as columns."""

    prefix: str
    spec: HistorySpec
    columns: list[TrainingColumn]


@dataclass(slots=True)
class TrainingPlan:
    """All columns, table by table."""

    base: TableEntry
    key: list[str]
    columns: list[TrainingColumn]
    """Those of the base table."""
    joined: list[Joined]
    histories: list[History]

    @property
    def all_columns(self) -> list[TrainingColumn]:
        """Every column, in the order of the training table."""
        parts: list[Joined | History] = [*self.joined, *self.histories]
        return self.columns + [column for part in parts for column in part.columns]


def plan_columns(spec: ProjectSpec, catalog: DataCatalog) -> TrainingPlan:
    """What the training table of `spec` holds.

    Columns named in `spec.data.drop` are left out, except the target, the key and what the split needs; leaks that
    `spec.data.keep` names stay.
    """
    base = catalog.table(spec.data.tables[0].name)
    key = list(spec.data.tables[0].key)
    drops = _dropped(spec)
    columns = _base_columns(spec, base, key, drops)
    joined: list[Joined] = []
    for join, prefix in zip(spec.data.joins, join_prefixes(spec.data.joins, base.name), strict=True):
        parent = None if join.parent == base.name else _find(joined, join.parent)
        table = Joined(prefix, catalog.table(join.child), join, parent)
        table.columns = _joined_columns(table, drops, catalog, target_name(spec))
        if spec.data.cutoff_sql is not None:
            # Days since say the same from any cut-off; a date would tie the model to the one it was trained at.
            table.columns = [column for column in table.columns if not _is_last_date(column)]
        joined.append(table)
    histories = [_history(history, base, drops) for history in spec.data.history]
    plan = TrainingPlan(base, key, columns, joined, histories)
    _tell_apart(plan)
    return plan


def target_name(spec: ProjectSpec) -> str | None:
    """The target's name in the training table; None when there is no target."""
    target = spec.target
    if target is None or not spec.data.tables or target.table == spec.data.tables[0].name or target.is_made:
        return None if target is None else target.column
    return f"{target.table}.{target.column}"


def _tell_apart(plan: TrainingPlan) -> None:
    """Gives a number to joined columns that would be called like an earlier one."""
    names = iter(distinct_words(column.name for column in plan.all_columns)[len(plan.columns) :])
    parts: list[Joined | History] = [*plan.joined, *plan.histories]
    for part in parts:
        part.columns = [_renamed(column, next(names)) for column in part.columns]


def _renamed(column: TrainingColumn, name: str) -> TrainingColumn:
    if name == column.name:
        return column
    return replace(column, name=name, plan=column.plan.model_copy(update={"column": name}))


def _find(joined: Sequence[Joined], name: str) -> Joined:
    for table in joined:
        if name in (table.prefix, table.entry.name):
            return table
    raise KeyError(name)


def join_prefixes(joins: Sequence[JoinSpec], base: str) -> list[str]:
    """What each joined table is called: its name, with the key that points at it when it is joined twice."""
    times = Counter(join.child for join in joins)
    times[base] += 1
    prefixes = []
    for join in joins:
        prefix = join.child
        if times[join.child] > 1:
            own = join.child_columns if join.cardinality == "1:n" else join.parent_columns
            prefix = f"{join.child}_by_{legal_name('_'.join(own))}"
        while prefix in prefixes:
            prefix += "_2"
        prefixes.append(prefix)
    return prefixes


def _dropped(spec: ProjectSpec) -> set[tuple[str, str]]:
    keep = set(spec.data.keep)
    return {
        (drop.table, drop.column)
        for drop in spec.data.drop
        if not (drop.reason.startswith("leak") and f"{drop.table}.{drop.column}" in keep)
    }


def _needed(spec: ProjectSpec, key: Sequence[str]) -> set[str]:
    """Columns of the base table that stay although they are dropped: the split cannot do without them."""
    needed = {*key, *spec.task.series}
    needed |= {name for name in (spec.task.time, spec.task.group, spec.data.cutoff) if name is not None}
    if (target := target_name(spec)) is not None:
        needed.add(target)
    return needed


def _base_columns(
    spec: ProjectSpec, base: TableEntry, key: Sequence[str], drops: set[tuple[str, str]]
) -> list[TrainingColumn]:
    needed = _needed(spec, key)
    columns = [
        _taken(entry, base.name, "")
        for entry in base.columns
        if entry.name in needed or (base.name, entry.name) not in drops
    ]
    target = spec.target
    if target is not None and words_of_target(spec, base) is not None:
        columns = [_in_words(column) if column.name == target.column else column for column in columns]
    if target is not None and target.is_made:
        columns = [column for column in columns if column.name != target.column]
        columns.append(_made(target.column, base.name, target.column, None, "category", "target_candidate"))
    if spec.data.cutoff is not None and spec.data.cutoff_sql is not None:
        columns.append(_made(spec.data.cutoff, base.name, spec.data.cutoff, None, "datetime", "constant"))
    if not key:
        _refuse_identity(columns)
        columns.append(_made(IDENTITY, base.name, None, "identity", "text", "id"))
    return columns


def _refuse_identity(columns: Sequence[TrainingColumn]) -> None:
    for column in columns:
        if column.name.casefold() == IDENTITY:
            raise DataError(
                f"{column.table} has a column {column.name!r}: rows without a key get one of that name.",
                hint="Rename the column, or leave it out.",
            )


def words_of_target(spec: ProjectSpec, base: TableEntry) -> tuple[str, str] | None:
    """The words for no and yes of a target that is clean as true and false; None for any other target."""
    target = spec.target
    if target is None or target.is_made or target.table != base.name:
        return None
    for entry in base.columns:
        if entry.name == target.column and entry.type == "boolean" and len(entry.plan.labels) == 2:
            return entry.plan.labels[0], entry.plan.labels[1]
    return None


def _in_words(column: TrainingColumn) -> TrainingColumn:
    plan = ColumnPlan(column=column.name, type="category", missing=column.plan.missing)
    return replace(column, type="category", plan=plan, role="category")


def _taken(entry: ColumnEntry, table: str, prefix: str) -> TrainingColumn:
    name = f"{prefix}.{entry.name}" if prefix else entry.name
    plan = entry.plan.model_copy(update={"column": name})
    return TrainingColumn(name, table, entry.name, None, entry.type, plan, entry.role, entry.personal, prefix)


def _made(
    name: str,
    table: str,
    column: str | None,
    aggregate: str | None,
    type_: ColumnType,
    role: ColumnRole,
    plan: ColumnPlan | None = None,
    prefix: str = "",
) -> TrainingColumn:
    plan = ColumnPlan(column=name, type=type_) if plan is None else plan.model_copy(update={"column": name})
    return TrainingColumn(name, table, column, aggregate, type_, plan, role, None, prefix)


def _joined_columns(
    table: Joined, drops: set[tuple[str, str]], catalog: DataCatalog, target: str | None
) -> list[TrainingColumn]:
    if table.aggregated:
        columns = _aggregates(table)
    else:
        columns = [
            _taken(entry, table.entry.name, table.prefix)
            for entry in table.entry.columns
            if entry.name not in table.join.child_columns
        ]
        if _may_be_absent(table, catalog):
            name = f"{table.prefix}.present"
            made = _made(name, table.entry.name, None, "present", "boolean", "category", None, table.prefix)
            columns.insert(0, made)
    return [column for column in columns if column.name == target or not _is_dropped(column, drops)]


def _history(history: HistorySpec, base: TableEntry, drops: set[tuple[str, str]]) -> History:
    """For each column the mean of the last days and of all; once, how many rows there were."""
    prefix = f"{history.entity}_history"
    columns = [_made(f"{prefix}.past_count", base.name, None, "past_count", "integer", "number", None, prefix)]
    for name in history.columns:
        for aggregate in ("recent_mean", "past_mean"):
            made = f"{prefix}.{name}.{aggregate}"
            columns.append(_made(made, base.name, name, aggregate, "number", "number", None, prefix))
    return History(prefix, history, [column for column in columns if (prefix, column.source_name) not in drops])


def _is_dropped(column: TrainingColumn, drops: set[tuple[str, str]]) -> bool:
    called = {column.source_name, column.column}
    return any((table, name) in drops for table in (column.table, column.prefix) for name in called if name)


def _is_last_date(column: TrainingColumn) -> bool:
    return column.aggregate == "last" and column.type in _TIMES


def _may_be_absent(table: Joined, catalog: DataCatalog) -> bool:
    """Whether some rows have no partner, as far as the catalog knows."""
    join = table.join
    for edge in catalog.joins:
        if (edge.child, edge.parent) == (join.parent, join.child) and edge.child_columns == join.parent_columns:
            entry = catalog.table(join.parent)
            holes = any(column.missing for column in entry.columns if column.name in edge.child_columns)
            return edge.containment < 1.0 or holes
        if (edge.child, edge.parent) == (join.child, join.parent) and edge.child_columns == join.child_columns:
            return edge.coverage < 1.0
    return True


def time_column(entry: TableEntry) -> ColumnEntry | None:
    """The column that dates the rows of a table: the one whose role is time, with the fewest holes."""
    times = [column for column in entry.columns if column.type in _TIMES]
    return min(times, key=lambda column: (column.role != "time", column.missing, column.position), default=None)


def _aggregates(table: Joined) -> list[TrainingColumn]:
    entry, prefix = table.entry, table.prefix
    dated = table.dated
    columns = []
    if table.join.cardinality != "n:1":
        columns.append(_made(f"{prefix}.count", entry.name, None, "count", "integer", "number", None, prefix))
    for column in entry.columns:
        if column.name in table.join.child_columns or column.constant or column.type == "empty":
            continue
        last = dated is not None and not (dated[0] is table and dated[1].name == column.name)
        for aggregate, type_, role in _aggregates_of(column, entry, last):
            name = f"{prefix}.{column.name}.{aggregate}"
            plan = column.plan if type_ == column.type else None
            columns.append(_made(name, entry.name, column.name, aggregate, type_, role, plan, prefix))
    return columns


def _aggregates_of(column: ColumnEntry, entry: TableEntry, last: bool) -> list[tuple[str, ColumnType, ColumnRole]]:
    if column.type in _TIMES:
        return [("last", column.type, "time"), ("days_since_last", "number", "number")]
    if column.role in ("id", "key") or column.personal is not None:
        unique = column.distinct >= entry.rows
        return [] if unique or column.type == "text" else [("distinct", "integer", "number")]
    if column.type in ("integer", "number", "time", "boolean") and column.role != "category":
        return _number_aggregates(column.type, last)
    if column.type == "boolean":
        return _number_aggregates(column.type, last)
    if column.type in ("category", "integer"):
        found: list[tuple[str, ColumnType, ColumnRole]] = [("distinct", "integer", "number")]
        found += [("most_frequent", column.type, "category")]
        return found + ([("last", column.type, "category")] if last else [])
    return []


def _number_aggregates(type_: ColumnType, last: bool) -> list[tuple[str, ColumnType, ColumnRole]]:
    if type_ == "boolean":
        found: list[tuple[str, ColumnType, ColumnRole]] = [("sum", "integer", "number"), ("mean", "number", "number")]
        return found + ([("last", "boolean", "category")] if last else [])
    found = [("sum", type_, "number"), ("mean", "number", "number"), ("min", type_, "number")]
    found.append(("max", type_, "number"))
    return found + ([("last", type_, "number")] if last else [])

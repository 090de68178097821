"""What a project is rendered from, and the words and lists that the templates show of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from automl_generators.names import package_name
from automl_runtime.errors import RequestError
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.catalog import DataCatalog
from automl_schemas.lineage import DataManifest, Lineage
from automl_schemas.question import Question
from automl_schemas.spec import JoinSpec, ProjectSpec, TargetSpec
from automl_schemas.vocabulary import ColumnType

if TYPE_CHECKING:
    from automl_runtime.data.assemble import TrainingColumn

__all__ = ["FeatureList", "ProjectPlan", "TableView", "describe", "feature_lists"]

_CONSTANTS: Final = {"number": "NUMBERS", "category": "CATEGORIES", "boolean": "BOOLEANS", "text": "TEXTS", "date": "DATES"}
_KIND_OF: Final[dict[ColumnType, str]] = {
    "integer": "number",
    "number": "number",
    "time": "number",
    "boolean": "boolean",
    "category": "category",
    "text": "text",
    "date": "date",
    "datetime": "date",
}
_MOST_RAW_VALUES: Final = 8
_LONGEST_EXAMPLE: Final = 60
_README_COLUMNS: Final = 8
_REQUESTS_PER_POD: Final = 50.0
"""A second; the slowest service measured answers more."""


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """Everything that decides the text of a project; the data and the model come after."""

    spec: ProjectSpec
    catalog: DataCatalog
    columns: Sequence[TrainingColumn]
    """The columns of the training table, the target and the keys among them."""
    sql: str
    lineage: Lineage
    manifest: DataManifest
    schema: InputSchema
    """The columns that features are made of."""
    questions: Sequence[Question] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as `data.py` and the README show it."""

    name: str
    note: str
    files: list[str]
    columns: list[str]


@dataclass(frozen=True, slots=True)
class FeatureList:
    """One list of columns in `features.py`."""

    constant: str
    kind: str
    columns: list[str]


def describe(plan: ProjectPlan) -> dict[str, Any]:
    """The variables of the templates.

    Raises:
        RequestError: if there is no target, no table, or no column that a feature could be made of.
    """
    spec, target = plan.spec, plan.spec.target
    if target is None or not spec.data.tables:
        raise RequestError(
            f"a {spec.task.type} task without a target cannot be made into a project yet.",
            hint="Tasks with a target can: binary, multiclass, regression.",
        )
    lists = feature_lists(plan.schema, target.column)
    if not lists:
        raise RequestError("no column is left that the model could use.", hint="Keep one with --keep table.column.")
    package = package_name(spec.name)
    temporal = spec.training.validation == "temporal"
    return {
        "spec": spec,
        "target": target,
        "package": package,
        "name": package.replace("_", "-"),
        "description": _description(spec, target),
        "entity": spec.task.entity or "row",
        "tables": [_table(plan, name) for name in _names(spec)],
        "kinds": lists,
        "dates": any(item.kind == "date" for item in lists),
        "texts": any(item.kind == "text" for item in lists),
        "identity": _identity(plan),
        "time": spec.task.time if temporal else None,
        "split_tested": not temporal or bool(_identity(plan)),
        "raw_values": _raw_values(plan),
        "bad": _bad_value(lists),
        "questions": list(plan.questions),
        "example_row": _example_row(plan.schema.columns),
        "replicas": _replicas(spec.deployment.requests_per_day),
        "sql": plan.sql.strip(),
    }


def feature_lists(schema: InputSchema, target: str) -> list[FeatureList]:
    """The columns of `schema` by how the search treats them, in the order of the schema; empty lists are left out."""
    columns: dict[str, list[str]] = {kind: [] for kind in _CONSTANTS}
    for column in schema.columns:
        kind = _KIND_OF.get(column.type)
        if kind is not None and column.name != target:
            columns[kind].append(column.name)
    return [FeatureList(_CONSTANTS[kind], kind, names) for kind, names in columns.items() if names]


def _names(spec: ProjectSpec) -> list[str]:
    return [table.name for table in spec.data.tables]


def _description(spec: ProjectSpec, target: TargetSpec) -> str:
    entity = f" of a {spec.task.entity}" if spec.task.entity else ""
    positive = f" (positive: {target.positive})" if target.positive is not None else ""
    return f"Predicts {target.column}{entity}{positive}."


def _table(plan: ProjectPlan, name: str) -> TableView:
    spec = next(table for table in plan.spec.data.tables if table.name == name)
    used = set(_used(plan, name))
    known = [column.name for column in plan.catalog.table(name).columns]
    return TableView(
        name=name,
        note=_note(plan.spec, name),
        files=spec.files,
        # In the order of the file; what a derived target is made of is not known, so all of its table is kept.
        columns=[column for column in known if column in used or _derives_target(plan.spec, name)],
    )


def _derives_target(spec: ProjectSpec, table: str) -> bool:
    return spec.target is not None and spec.target.sql is not None and spec.target.table == table


def _used(plan: ProjectPlan, table: str) -> Iterable[str]:
    """The columns of `table` that the training table needs: features, keys, target, time, group; and what the SQL names."""
    spec = plan.spec
    yield from (column.column for column in plan.columns if column.table == table and column.column is not None)
    yield from next(item.key for item in spec.data.tables if item.name == table)
    for join in spec.data.joins:
        yield from join.child_columns if join.child == table else ()
        yield from join.parent_columns if join.parent == table else ()
    if spec.target is not None and spec.target.table == table:
        yield spec.target.column
    own = [spec.data.cutoff, spec.task.time, spec.task.group]
    prefix = "" if table == spec.data.tables[0].name else f"{table}."
    yield from (name.removeprefix(prefix) for name in own if name is not None and name.startswith(prefix))
    known = {column.name for column in plan.catalog.table(table).columns}
    yield from known.intersection(_quoted(plan.sql))


def _quoted(sql: str) -> set[str]:
    """Every quoted identifier in `sql`."""
    return {match.replace('""', '"') for match in re.findall(r'"((?:[^"]|"")+)"', sql)}


def _note(spec: ProjectSpec, table: str) -> str:
    item = next(item for item in spec.data.tables if item.name == table)
    if table == spec.data.tables[0].name:
        key = f", key {', '.join(item.key)}" if item.key else ""
        return f"one row per {spec.task.entity or 'row'}{key}"
    joins = [join for join in spec.data.joins if join.child == table]
    return "; ".join(map(_join_note, joins)) or "not joined"


def _join_note(join: JoinSpec) -> str:
    how = {"1:1": "at most one row each", "1:n": "several rows each, aggregated", "n:1": "looked up"}[join.cardinality]
    pairs = zip(join.child_columns, join.parent_columns, strict=True)
    return f"{' and '.join(f'{child} = {join.parent}.{parent}' for child, parent in pairs)}, {how}"


def _identity(plan: ProjectPlan) -> list[str]:
    """Columns of the training table that tell whether two rows are of the same thing."""
    spec = plan.spec
    present = {column.name for column in plan.columns}
    group = [spec.task.group] if spec.task.group and spec.training.validation != "temporal" else []
    wanted = group or spec.data.tables[0].key
    return list(wanted) if wanted and present.issuperset(wanted) else []


def _raw_values(plan: ProjectPlan) -> list[tuple[str, str, str]]:
    """Columns with a cell as the source writes it and as it is once clean, where these differ in more than spaces."""
    found = []
    inputs = {column.name for column in plan.schema.columns}
    for column in plan.columns:
        if column.name not in inputs or column.aggregate is not None or column.personal is not None:
            continue
        entry = next((item for item in plan.catalog.table(column.table).columns if item.name == column.column), None)
        for example in entry.examples if entry is not None else ():
            before, after = example.before, example.after
            if before is None or after is None or before.strip() == after or len(before) > _LONGEST_EXAMPLE:
                continue
            found.append((column.name, before, after))
            break
    return found[:_MOST_RAW_VALUES]


def _bad_value(lists: Sequence[FeatureList]) -> tuple[str, object]:
    """A column and a value that no plan can read as one of its values."""
    for kind in ("number", "date", "boolean"):
        for item in lists:
            if item.kind == kind:
                return item.columns[0], "neither this nor that"
    # Any text is a legal category; a list is none.
    return lists[0].columns[0], ["a", "list"]


def _example_row(columns: Sequence[InputColumn]) -> str:
    known = {}
    for column in columns:
        example = column.example
        if example is not None and not (isinstance(example, str) and len(example) > _LONGEST_EXAMPLE):
            known[column.name] = example
    shown = dict(list(known.items())[:_README_COLUMNS])
    # Backticks would end the code block of the README.
    return json.dumps(shown).replace("`", "\\u0060")


def _replicas(requests_per_day: float | None) -> int:
    """Pods for five times the mean rate; two where one must not be missed."""
    if requests_per_day is None:
        return 2
    return max(2, math.ceil(5 * requests_per_day / 86_400 / _REQUESTS_PER_POD))

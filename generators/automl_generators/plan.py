"""What a project is rendered from, and the words and lists that the templates show of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from automl_runtime.data.naming import unique_name
from automl_runtime.data.same_pictures import is_of_folders
from automl_runtime.errors import RequestError
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.catalog import DataCatalog
from automl_schemas.lineage import DataManifest, Lineage
from automl_schemas.question import Question
from automl_schemas.spec import JoinSpec, ProjectSpec
from automl_schemas.vocabulary import ColumnType

from automl_generators.names import package_name

if TYPE_CHECKING:
    from automl_runtime.data.assemble import TrainingColumn

__all__ = ["FeatureList", "ProjectPlan", "TableView", "describe", "feature_lists"]

_LISTS: Final[dict[ColumnType, str]] = {
    "integer": "NUMBERS",
    "number": "NUMBERS",
    "time": "NUMBERS",
    "category": "CATEGORIES",
    "boolean": "BOOLEANS",
    "text": "TEXTS",
    "image": "PICTURES",
    "date": "DATES",
    "datetime": "TIMES",
}
_KINDS: Final = {
    "NUMBERS": "number",
    "CATEGORIES": "category",
    "BOOLEANS": "boolean",
    "TEXTS": "text",
    "PICTURES": "image",
}
"""What the search takes as it stands; of dates and times it sees the parts."""
_TIMES: Final = ("date", "datetime")
_TELLING: Final = (*_TIMES, "image")
"""Types of which a key tells something, besides naming the row."""
_UNFIT_ROLES: Final = ("id", "constant", "empty")
_COMMENTS: Final = {
    "TEXTS": "Free text: the model counts words, characters and n-grams.",
    "PICTURES": "Pictures: the model looks at edges and colours. A service gets them as data:image/...;base64 texts.",
}
_AGGREGATED: Final = {"sum": "added up", "mean": "averaged"}
_WITHOUT_TARGET: Final = ("clustering", "anomaly")
_MOST_RAW_VALUES: Final = 8
_LONGEST_EXAMPLE: Final = 60
_README_COLUMNS: Final = 8
_PICTURE_IN_SHELL: Final = "data:image/png;base64,$(base64 < picture.png | tr -d '\\n')"
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
    next_moment: str | None = None
    """Of series: the first moment after the data, in ISO 8601."""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as `data.py` and the README show it."""

    name: str
    note: str
    files: list[str]
    columns: list[str]
    made_of_folders: bool
    """Whether it lists the pictures in folders of their classes."""


@dataclass(frozen=True, slots=True)
class FeatureList:
    """One list of columns in `features.py`."""

    constant: str
    kind: str | None
    """`FeatureKind` of the columns; None when only what is derived from them is a feature."""
    comment: str
    columns: list[str]


def describe(plan: ProjectPlan) -> dict[str, Any]:
    """The variables of the templates.

    Raises:
        RequestError: if there is no target where the task needs one, no table, or no column that a feature could be
            made of.
    """
    spec, target = plan.spec, plan.spec.target
    if not spec.data.tables or (target is None and spec.task.type not in _WITHOUT_TARGET):
        raise RequestError(
            f"a {spec.task.type} task without a target or a table cannot be made into a project.",
            hint=f"Without a target there are: {', '.join(_WITHOUT_TARGET)}.",
        )
    package = package_name(spec.name)
    shown = _of_series(plan) if spec.task.type == "forecast" else _of_rows(plan)
    return shown | {
        "spec": spec,
        "target": target,
        "package": package,
        "name": package.replace("_", "-"),
        "description": _description(spec),
        "tables": [_table(plan, name) for name in _names(spec)],
        "questions": list(plan.questions),
        "replicas": _replicas(spec.deployment.requests_per_day),
        "sql": plan.sql.strip(),
    }


def _of_rows(plan: ProjectPlan) -> dict[str, Any]:
    """What the templates show of a table of things."""
    spec = plan.spec
    lists = feature_lists(plan)
    if not lists:
        raise RequestError("no column is left that the model could use.", hint="Keep one with --keep table.column.")
    inputs = {name for item in lists for name in item.columns}
    if spec.task.anomalies_in_time:
        inputs |= {str(spec.task.time), *spec.task.series}
    return {
        "entity": _step_of(spec) if spec.task.anomalies_in_time else spec.task.entity or "row",
        "lists": lists,
        "dates": [item.constant for item in lists if item.constant in ("DATES", "TIMES")],
        "identity": _identity(plan),
        "time": spec.task.time if spec.training.validation == "temporal" else None,
        "raw_values": _raw_values(plan, inputs),
        "bad": _bad_value(lists),
        "example_row": _example_row([_next(column, plan) for column in plan.schema.columns if column.name in inputs]),
        "pictures": [name for item in lists if item.constant == "PICTURES" for name in item.columns],
    }


def _of_series(plan: ProjectPlan) -> dict[str, Any]:
    """What the templates show of a table of moments."""
    task = plan.spec.task
    named = [task.time, *task.series, plan.spec.target.column if plan.spec.target else None]
    taken = [name for name in named if name is not None]
    return {
        "entity": _step_of(plan.spec),
        "lists": [],
        "dates": [],
        "identity": [],
        "time": task.time,
        "raw_values": [],
        "bounds": [unique_name(name, taken) for name in ("low", "high")],
        "example_row": _example_request(plan),
        "pictures": [],
    }


def _step_of(spec: ProjectSpec) -> str:
    """What a row of a training table of series is: a day of each shop."""
    each = f" of each {' and '.join(spec.task.series)}" if spec.task.series else ""
    return f"{spec.task.frequency}{each}"


def _example_request(plan: ProjectPlan) -> str:
    """A request for the next step, as the README shows it; what must be known ahead is an example from the data."""
    task = plan.spec.task
    request: dict[str, Any] = {"horizon": 1}
    known = {column.name: column.example for column in plan.schema.columns}
    key = {name: known.get(name) for name in task.series}
    if task.known_ahead:
        told = {name: known.get(name) for name in task.known_ahead}
        request["future"] = [{str(task.time): plan.next_moment, **key, **told}]
    elif key:
        request["series"] = [key]
    return json.dumps(request).replace("`", "\\u0060")


def feature_lists(plan: ProjectPlan) -> list[FeatureList]:
    """The columns that features are made of, in the order of the training table; empty lists are left out.

    Left out are the target, what stands in `spec.data.drop`, and what names a row or a group instead of telling
    something about it.
    """
    columns: dict[str, list[str]] = {constant: [] for constant in _LISTS.values()}
    unfit = _unfit(plan)
    for column in plan.columns:
        constant = _LISTS.get(column.type)
        if constant is not None and column.name not in unfit:
            columns[constant].append(column.name)
    return [
        FeatureList(constant, _KINDS.get(constant), _COMMENTS.get(constant, ""), names)
        for constant, names in columns.items()
        if names
    ]


def _unfit(plan: ProjectPlan) -> set[str]:
    spec = plan.spec
    base, keep = spec.data.tables[0], set(spec.data.keep)
    dropped = {(drop.table, drop.column) for drop in spec.data.drop if f"{drop.table}.{drop.column}" not in keep}
    unfit = {spec.task.group, spec.target.column if spec.target is not None else None}
    if spec.task.anomalies_in_time:
        unfit |= {spec.task.time, *spec.task.series}
    if len(base.key) == 1:
        names = [column.name for column in plan.columns if column.type not in _TELLING]
        unfit.update(name for name in names if [name] == base.key)
    for column in plan.columns:
        personal = column.personal is not None and f"{column.table}.{column.column}" not in keep
        if (column.table, column.column) in dropped or column.role in _UNFIT_ROLES or personal:
            unfit.add(column.name)
    return {name for name in unfit if name is not None}


def _names(spec: ProjectSpec) -> list[str]:
    return [table.name for table in spec.data.tables]


def _description(spec: ProjectSpec) -> str:
    target, row = spec.target, spec.task.entity or "row"
    if spec.task.type == "clustering":
        return f"Says to which of the groups that were found each {row} belongs."
    if spec.task.anomalies_in_time:
        return f"Says how strange each {_step_of(spec)} is beside what came before it, and why."
    if target is None or spec.task.type == "anomaly":
        return f"Says how strange each {row} is among the others, and why."
    if spec.task.type == "forecast":
        return f"Forecasts {target.column} for the next {spec.task.horizon} steps, one row for each {_step_of(spec)}."
    if spec.task.type == "multilabel":
        return f"Says which of {len(target.label_names)} labels ({target.column}) each {row} has."
    entity = f" for each {spec.task.entity}" if spec.task.entity else ""
    positive = f" (positive: {target.positive})" if target.positive is not None else ""
    return f"Predicts {target.column}{entity}{positive}."


def _table(plan: ProjectPlan, name: str) -> TableView:
    spec = next(table for table in plan.spec.data.tables if table.name == name)
    folders = is_of_folders(plan.catalog.table(name))
    used = set(_used(plan, name))
    known = [column.name for column in plan.catalog.table(name).columns]
    return TableView(
        name=name,
        note=_note(plan.spec, name) + ("; its class is the folder that it lies in" if folders else ""),
        files=spec.files,
        # In the order of the file; what a derived target is made of is not known, so all of its table is kept.
        columns=[column for column in known if column in used or _derives_target(plan.spec, name)],
        made_of_folders=folders,
    )


def _derives_target(spec: ProjectSpec, table: str) -> bool:
    return spec.target is not None and spec.target.is_made and spec.target.table == table


def _used(plan: ProjectPlan, table: str) -> Iterable[str]:
    """The columns of `table` that are needed: features, keys, target, time, group, and what the SQL names."""
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
        if spec.task.aggregate is not None:
            return f"several rows per {_step_of(spec)}, {_AGGREGATED[spec.task.aggregate]}"
        if spec.task.of_series:
            return f"one row per {_step_of(spec)}"
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
    # A table without a key has a column that stands for the content of a row.
    content = [column.name for column in plan.columns if column.aggregate == "identity"]
    wanted = group or [*(spec.data.tables[0].key or content), *spec.data.moments]
    return list(wanted) if present.issuperset(wanted) else []


def _raw_values(plan: ProjectPlan, inputs: Collection[str]) -> list[tuple[str, str, str]]:
    """Columns with a cell as the source writes it and as it is once clean, where these differ in more than spaces."""
    found = []
    for column in plan.columns:
        if column.name not in inputs or column.aggregate is not None or column.personal is not None:
            continue
        if column.type == "time":
            # A bare number is read as hhmm, so the clean minutes are no raw value.
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
    for constant in ("NUMBERS", "DATES", "TIMES", "BOOLEANS", "PICTURES"):
        for item in lists:
            if item.constant == constant:
                return item.columns[0], "neither this nor that"
    # Any text is a legal category; a list is none.
    return lists[0].columns[0], ["no", "text"]


def _next(column: InputColumn, plan: ProjectPlan) -> InputColumn:
    """`column` with an example for a row after the data."""
    is_time = plan.spec.task.anomalies_in_time and column.name == plan.spec.task.time
    return column.model_copy(update={"example": plan.next_moment}) if is_time else column


def _example_row(columns: Sequence[InputColumn]) -> str:
    """The columns that a request must have, and others up to the number of those that a README shows."""
    rows = [column for column in columns if column.type != "image"]
    needed = [column.name for column in rows if column.required or not column.nullable]
    short = [column.name for column in rows if column.example is not None and _is_short(column.example)]
    more = [name for name in short if name not in needed][: max(0, _README_COLUMNS - len(needed))]
    shown = {column.name: _shown(column) for column in rows if column.name in (*needed, *more)}
    # Backticks would end the code block of the README.
    text = json.dumps(shown).replace("`", "\\u0060")
    pictures = {column.name: _PICTURE_IN_SHELL for column in columns if column.type == "image"}
    return _in_shell(text, pictures) if pictures else text


def _is_short(example: object) -> bool:
    return not isinstance(example, str) or len(example) <= _LONGEST_EXAMPLE


def _shown(column: InputColumn) -> str | float | int | bool | None:
    cut = column.type == "text" and isinstance(column.example, str) and not _is_short(column.example)
    return str(column.example)[:_LONGEST_EXAMPLE] if cut else column.example


def _in_shell(row: str, pictures: Mapping[str, str]) -> str:
    """A row for a here-document in which the shell fills in `pictures`; nothing else in it means anything there."""
    quoted = row.removesuffix("}").replace("\\", "\\\\").replace("$", "\\$")
    names = [json.dumps(name).replace("`", "\\u0060").replace("\\", "\\\\").replace("$", "\\$") for name in pictures]
    filled = ", ".join(f'{name}: "{value}"' for name, value in zip(names, pictures.values(), strict=True))
    return f"{quoted}{', ' if row != '{}' else ''}{filled}}}"


def _replicas(requests_per_day: float | None) -> int:
    """Pods for five times the mean rate; two where one must not be missed."""
    if requests_per_day is None:
        return 2
    return max(2, math.ceil(5 * requests_per_day / 86_400 / _REQUESTS_PER_POD))

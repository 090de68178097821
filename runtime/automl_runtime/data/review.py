"""The cleaning plan as a list that a person can read and reject item by item."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final

from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.cleaning import CleaningExample, ColumnPlan

__all__ = ["PlanItem", "reject_items", "review_items"]

ALL: Final = "all"
_CLEARING: Final = ("missing", "sentinel")
_CONVERSIONS: Final = ("boolean", "number", "percent", "dates", "time", "epoch")


@dataclass(frozen=True, slots=True)
class PlanItem:
    """One step of the plan of one column."""

    id: str
    """`table.column:item`, as `discover(reject=...)` takes it."""
    item: str
    source: str
    """What the cells are."""
    result: str
    """What they become."""
    count: int
    """Cells that the step changes; the steps that keep a value share one count."""
    examples: tuple[CleaningExample, ...]


def review_items(catalog: DataCatalog | Iterable[TableEntry]) -> list[PlanItem]:
    """One item per column and step, in the order of tables and columns; steps that change no cell are left out."""
    tables = catalog.tables if isinstance(catalog, DataCatalog) else catalog
    return [item for table in tables for column in table.columns for item in _column_items(table.name, column)]


def reject_items(plan: ColumnPlan, items: Collection[str]) -> ColumnPlan:
    """`plan` without the steps in `items` (`dates`, `missing` ..., also as `table.column:dates`; `all`).

    Without its conversion a column keeps its raw text (`accepted` is False), as categories.
    """
    names = {item.rpartition(":")[2] for item in items}
    if ALL in names or names & set(_CONVERSIONS) & set(_steps(plan)):
        return ColumnPlan(column=plan.column, type="text" if plan.type == "text" else "category", accepted=False)
    changes: dict[str, Any] = {}
    if "missing" in names:
        changes["missing"] = []
    if "sentinel" in names:
        changes["sentinels"] = []
    if "categories" in names:
        changes["categories"] = {}
    return plan.model_copy(update=changes)


def _column_items(table: str, column: ColumnEntry) -> list[PlanItem]:
    kept = tuple(example for example in column.examples if example.after is not None)
    items = []
    for step, (source, result) in _steps(column.plan).items():
        clears = step in _CLEARING
        count = column.cleared if clears else column.changed - column.cleared
        examples = _cleared_examples(column.plan, step) if clears else kept
        if count:
            items.append(PlanItem(f"{table}.{column.name}:{step}", step, source, result, count, examples))
    return items


def _cleared_examples(plan: ColumnPlan, step: str) -> tuple[CleaningExample, ...]:
    cells = plan.missing if step == "missing" else [f"{value:g}" for value in plan.sentinels]
    return tuple(CleaningExample(before=cell, after=None) for cell in cells[:3])


def _steps(plan: ColumnPlan) -> dict[str, tuple[str, str]]:
    """The steps of a plan: item -> (from, to)."""
    if not plan.accepted:
        return {}
    steps: dict[str, tuple[str, str]] = {}
    for name, describe in _DESCRIBED.items():
        found = describe(plan)
        if found is not None:
            steps[name] = found
    return steps


def _boolean(plan: ColumnPlan) -> tuple[str, str] | None:
    if plan.type != "boolean" or plan.true_values == ["true"]:
        return None
    return f"text {'/'.join([*plan.true_values, *plan.false_values])}", "boolean"


def _number(plan: ColumnPlan) -> tuple[str, str] | None:
    if plan.type not in ("number", "integer"):
        return None
    signs = []
    if plan.unit:
        signs.append(f"unit {plan.unit}")
    if plan.decimal == ",":
        signs.append("decimal comma")
    if plan.thousands:
        signs.append(f"thousands separator {plan.thousands!r}")
    if plan.scales:
        signs.append("k, M, bn")
    return (f"text with {', '.join(signs)}", plan.type) if signs else None


def _percent(plan: ColumnPlan) -> tuple[str, str] | None:
    return ("text with %", "number before the sign") if plan.percent else None


def _dates(plan: ColumnPlan) -> tuple[str, str] | None:
    if plan.type not in ("date", "datetime") or plan.epoch is not None:
        return None
    return f"text as {', '.join(plan.date_formats)}", plan.type


def _time(plan: ColumnPlan) -> tuple[str, str] | None:
    if plan.type != "time":
        return None
    return ("numbers like 1730" if plan.hhmm else f"text as {', '.join(plan.date_formats)}"), "minutes since midnight"


def _epoch(plan: ColumnPlan) -> tuple[str, str] | None:
    words = {"s": "seconds since 1970", "ms": "milliseconds since 1970"}
    return (words[plan.epoch], "datetime") if plan.epoch is not None else None


def _missing(plan: ColumnPlan) -> tuple[str, str] | None:
    return (f"cells {', '.join(plan.missing)}", "null") if plan.missing else None


def _sentinel(plan: ColumnPlan) -> tuple[str, str] | None:
    return (f"numbers {', '.join(f'{value:g}' for value in plan.sentinels)}", "null") if plan.sentinels else None


def _categories(plan: ColumnPlan) -> tuple[str, str] | None:
    if not plan.categories:
        return None
    kept = sorted(set(plan.categories.values()))
    more = f" and {len(kept) - 5} more" if len(kept) > 5 else ""
    return "spellings that differ by case, white space or a final dot", f"{', '.join(kept[:5])}{more}"


_DESCRIBED: Final[dict[str, Callable[[ColumnPlan], tuple[str, str] | None]]] = {
    "boolean": _boolean,
    "number": _number,
    "percent": _percent,
    "dates": _dates,
    "time": _time,
    "epoch": _epoch,
    "missing": _missing,
    "sentinel": _sentinel,
    "categories": _categories,
}

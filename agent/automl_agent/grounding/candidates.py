"""Columns, and expressions over columns, that could be the target of a request."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from automl_agent.grounding.labels import Label, clean_value, labels_of, threshold_label
from automl_agent.grounding.matching import NameMatch, name_match, value_match
from automl_agent.grounding.wishes import Wish, supports
from automl_agent.grounding.words import fold, relate, tokens
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry

__all__ = ["ACCEPTED", "Candidate", "Content", "candidates", "content_of", "is_number", "quoted"]

Content = Literal["classes", "number"]

ACCEPTED: Final = 0.45
"""Score from which a candidate is believed."""
_FEW_CLASSES: Final = 30
_MOST_CLASSES: Final = 200
_DERIVED_COUNT, _DERIVED_DATE, _DERIVED_CLASS = 0.72, 0.8, 0.97


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible target: a column as it stands, or an expression over one.

    `name` is the column that results; `label` the value that the phrase named; `reversed` whether a yes in the column
    means a no to the phrase.
    """

    table: TableEntry
    column: ColumnEntry
    score: float
    content: Content
    evidence: str
    name: str
    sql: str | None = None
    label: str | None = None
    reversed: bool = False

    @property
    def id(self) -> str:
        """What `--answer target=` takes."""
        return f"{self.table.name}.{self.name}"


def candidates(wish: Wish, catalog: DataCatalog, excluded: Collection[tuple[str, str]] = ()) -> list[Candidate]:
    """Every column that could be meant, the best first; equal scores keep the order of the catalog."""
    found: list[Candidate] = []
    for table in catalog.tables:
        bonus = _table_bonus(wish, table)
        for column in table.columns:
            if (table.name, column.name) in excluded or not _usable(column):
                continue
            filled = 1 - 0.4 * column.missing / max(column.rows, 1)
            for candidate in _forms(wish, table, column):
                weight = 1.0 if candidate.sql is not None and "IS NOT NULL" in candidate.sql else filled
                found.append(replace(candidate, score=candidate.score * weight + bonus + _place_bonus(table, column)))
    return sorted(found, key=lambda candidate: -round(candidate.score, 6))


def content_of(column: ColumnEntry) -> Content | None:
    """What `column` holds when it is the target as it stands; None when it cannot be one."""
    if column.type == "boolean" or (column.type in {"category", "text"} and 2 <= column.distinct <= _MOST_CLASSES):
        return "classes" if column.type != "text" or column.distinct <= column.rows / 4 else None
    if column.type in {"integer", "number", "time"}:
        return "classes" if column.distinct == 2 else "number"
    return None


def is_number(column: ColumnEntry) -> bool:
    """Whether `column` holds numbers that can be compared."""
    return column.type in {"integer", "number", "time"}


def quoted(name: str) -> str:
    """`name` as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: Label) -> str:
    """`value` as a literal of SQL."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f"{value:g}" if isinstance(value, int | float) else "'" + value.replace("'", "''") + "'"


def _usable(column: ColumnEntry) -> bool:
    return column.role not in {"id", "key", "empty"} and column.type != "empty" and column.personal is None


def _table_bonus(wish: Wish, table: TableEntry) -> float:
    """A little for the table that is called after the entity, or that its name supports otherwise."""
    names = tokens(table.name)
    entity = max((relate(word, name).strength for word in wish.entity for name in names), default=0.0)
    keys = {column for key in table.keys for column in key.columns}
    key_names = tuple(part for column in sorted(keys) for part in tokens(column))
    key = max((relate(word, name).strength for word in wish.entity for name in key_names), default=0.0)
    step = max((relate(word, name).strength for word in wish.step for name in names), default=0.0)
    return 0.04 * (entity > 0.7) + 0.03 * (key > 0.7) + 0.08 * (step > 0.7)


def _place_bonus(table: TableEntry, column: ColumnEntry) -> float:
    return 0.01 if column.position == len(table.columns) - 1 else 0.0


def _forms(wish: Wish, table: TableEntry, column: ColumnEntry) -> Iterator[Candidate]:
    name = name_match(wish, column, table.name)
    if wish.threshold is not None:
        yield from _beyond_threshold(wish, table, column, name)
    if wish.kind in {"binary", "label", "any"}:
        yield from _classes(wish, table, column, name)
    if wish.kind in {"number", "any"} and content_of(column) == "number":
        yield _plain(table, column, name.score, "number", f"named {column.name!r}", reversed=name.reversed)
    if wish.kind == "number" and content_of(column) == "classes" and is_number(column):
        yield _plain(table, column, 0.3 * name.score, "number", f"named {column.name!r}")


def _plain(table: TableEntry, column: ColumnEntry, score: float, content: Content, evidence: str, *, label: str | None = None, reversed: bool = False) -> Candidate:  # noqa: A002
    return Candidate(table, column, score, content, evidence, column.name, None, label, reversed)


def _classes(wish: Wish, table: TableEntry, column: ColumnEntry, name: NameMatch) -> Iterator[Candidate]:
    value = value_match(wish, column)
    strength = 0.9 * value.strength if value is not None else 0.0
    score = max(name.score, strength) + 0.08 * min(name.score, strength)
    named = f"named {column.name!r}" if name.score >= strength else f"holds {value.label!r}" if value is not None else ""
    many = column.distinct > 2
    if column.distinct == 2 and content_of(column) == "classes":
        label = value.label if value is not None and strength >= 0.5 else None
        opposite = value.reversed if label is not None and value is not None else name.reversed
        yield _plain(table, column, score, "classes", named, label=label, reversed=opposite)
    elif wish.kind == "binary":
        yield from _made_binary(wish, table, column, name, value.label if value is not None and not value.reversed else None, score)
    elif many and (content_of(column) == "classes" or (wish.kind == "label" and column.type == "integer" and column.distinct <= _FEW_CLASSES)):
        yield _plain(table, column, max(name.score, _listed(wish, column)), "classes", f"named {column.name!r}" if name.score > 0 else "holds the classes")
    elif column.distinct == 1 and content_of(column) is None and name.score >= 1:
        yield _plain(table, column, score, "classes", named)


def _listed(wish: Wish, column: ColumnEntry) -> float:
    """Share of the phrase's words that are labels of `column` ("setosa, versicolor or virginica")."""
    labels = {fold(label) for label in labels_of(column)}
    words = [word for word, weight in wish.words if weight == 1.0]
    hits = sum(any(word in label.split() or word in tokens(label) for label in labels) for word in words)
    return 0.95 * hits / len(words) if len(words) >= 2 and hits >= 2 else 0.0


def _made_binary(wish: Wish, table: TableEntry, column: ColumnEntry, name: NameMatch, label: str | None, score: float) -> Iterator[Candidate]:
    """Yes or no made of a column that holds something else: one class of several, a count, a date of the event."""
    if label is not None and content_of(column) == "classes":
        value = clean_value(label, column.type)
        sql = f"{quoted(column.name)} = {literal(value)}"
        yield Candidate(table, column, _DERIVED_CLASS * score, "classes", f"holds {label!r}", f"{column.name} = {label}", sql)
    elif column.type == "integer" and column.stats.min == 0 and name.score >= 0.6 and not name.reversed and wish.threshold is None:
        sql = f"{quoted(column.name)} > 0"
        yield Candidate(table, column, _DERIVED_COUNT * name.score, "classes", f"counts in {column.name!r}", f"{column.name} > 0", sql)
    elif column.type in {"date", "datetime"} and 0.02 < column.missing / max(column.rows, 1) < 0.98 and name.score >= 0.6:
        sql = f"{quoted(column.name)} IS NOT NULL"
        candidate = Candidate(table, column, _DERIVED_DATE * name.score, "classes", f"dated in {column.name!r}", f"{column.name} is known", sql)
        yield replace(candidate, reversed=name.reversed)


def _beyond_threshold(wish: Wish, table: TableEntry, column: ColumnEntry, name: NameMatch) -> Iterator[Candidate]:
    assert wish.threshold is not None
    label = threshold_label(wish.threshold, labels_of(column))
    if label is not None:
        yield _plain(table, column, max(0.9, min(name.score, 1.0)) + 0.05, "classes", f"holds {label!r}", label=label)
    if not is_number(column) or column.distinct <= 2:
        return
    low, high, value = column.stats.min, column.stats.max, wish.threshold.value
    inside = isinstance(low, int | float) and isinstance(high, int | float) and low <= value <= high
    sql = f"{quoted(column.name)} {wish.threshold.op} {value:.15g}"
    yield Candidate(
        table, column, name.score * (1.0 if inside else 0.5), "classes", f"named {column.name!r}",
        f"{column.name} {wish.threshold.op} {value:.15g}", sql,
    )  # fmt: skip


def table_supported(wish: Wish, table: TableEntry, source: str) -> bool:
    """Whether the request talks about what `table` is about: its name, its files, its folder or its columns."""
    names = [*tokens(table.name), *tokens(source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])]
    names += [part for file in table.files for part in tokens(file.rsplit("/", 1)[-1].rsplit(".", 1)[0])]
    names += [part for column in table.columns for part in tokens(column.name) if len(part) > 2]
    return supports(wish, tuple(names)) >= 0.7

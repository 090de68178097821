"""Targets of several labels a row: a column whose cells list them, or columns of yes and no."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from automl_runtime.data.label_lists import listed_labels
from automl_runtime.errors import RequestError, shorten
from automl_schemas.catalog import ColumnEntry, DataCatalog, ListedLabels, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import LABEL_JOINT, DroppedColumn, TargetSpec
from rapidfuzz import process

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.targets import choose_target
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import content_words, fold, relate, tokens
from automl_agent.requirements.phrases import is_plural

__all__ = [
    "FEWEST_ROWS",
    "MOST_LABELS",
    "LabelColumns",
    "columns_question",
    "given_target",
    "is_listed",
    "label_columns",
    "label_drops",
    "listed_target",
    "one_value",
    "said_of_columns",
]

FEWEST_ROWS: Final = 10
"""Rows that must have a label, so that a model and its holdout see some."""
MOST_LABELS: Final = 100
_SURE: Final = 0.83
_ITEMS: Final = re.compile(r"\s*(?:,\s*(?:and|or|&)?|;|/|\s&|\s(?:and|or|as well as)\s)\s*", re.IGNORECASE)
_ARTICLE: Final = re.compile(r"^(?:(?:an?|the|is|are|both|either|whether it is)\s+)+", re.IGNORECASE)
_REASON: Final = "label: it is predicted itself"
_NAME: Final = "labels"
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """Columns of yes and no of one table, which are the labels of its rows."""

    table: TableEntry
    columns: Sequence[ColumnEntry]
    name: str
    """Of the column of the training table that lists them."""
    certain: bool
    """Whether they were named one by one."""

    @property
    def target(self) -> TargetSpec:
        """What the spec says of them."""
        names = [column.name for column in self.columns]
        return TargetSpec(table=self.table.name, column=self.name, columns=names)

    @property
    def candidate(self) -> Candidate:
        """They as one column, for what asks how the rows hang together."""
        column = self.columns[0].model_copy(update={"name": self.name, "distinct": 2 ** len(self.columns)})
        return Candidate(self.table, column, 1.0, "classes", "its labels are columns", self.name)


def columns_question(phrase: str, labels: LabelColumns) -> Question:
    """The question whether all of the columns are predicted, or which one of them."""
    names = [column.name for column in labels.columns]
    every = Option(value=",".join(names), label=f"each of these {len(names)}: a row may have none, one or several")
    one = [Option(value=f"{labels.table.name}.{name}", label=f"{name} alone, yes or no") for name in names[:_SHOWN]]
    return Question(
        id="target",
        text=f'Which columns of yes and no are meant by "{phrase}"?',
        options=[every, *one],
        default=every.value,
        impact="Columns that are predicted are no features, neither of themselves nor of each other.",
    )


def label_columns(
    requirement: Requirement, catalog: DataCatalog, excluded: Collection[tuple[str, str]], answer: str | None = None
) -> LabelColumns | None:
    """The columns of yes and no that the request asks for together; None when it asks for one thing.

    They are named one by one ("toxic, insult and threat"), or by what their names share ("which defects each part has"
    and `defect_dent`, `defect_rust`). `answer` lists the names of columns of one table, with commas between them.

    Raises:
        RequestError: if `answer` names several columns, and one is no column of yes and no of the same table.
    """
    if answer is not None:
        return _answered(answer, catalog) if "," in answer else None
    if requirement.target is None or requirement.threshold is not None:
        return None
    if requirement.task in {"regression", "forecast"}:
        return None
    found = []
    for table in catalog.tables:
        flags = [column for column in table.columns if (table.name, column.name) not in excluded and _is_flag(column)]
        named = _named(requirement.target, flags)
        chosen = named or _sisters(requirement, flags)
        if len(chosen) > 1:
            found.append(LabelColumns(table, chosen, _free_name(table), certain=bool(named)))
    return max(found, key=lambda labels: (len(labels.columns), labels.table.rows), default=None)


def _is_flag(column: ColumnEntry) -> bool:
    """Whether a column holds yes and no, or 1 and 0."""
    if column.personal is not None or column.distinct != 2 or LABEL_JOINT in column.name:
        return False
    return column.type == "boolean" or (
        column.type in {"integer", "number"} and (column.stats.min, column.stats.max) == (0.0, 1.0)
    )


def _named(phrase: str, flags: Sequence[ColumnEntry]) -> list[ColumnEntry]:
    """A different column for each item of a list; none where an item names none, or nothing is listed."""
    items = [_ARTICLE.sub("", item).strip() for item in _ITEMS.split(phrase)]
    items = [item for item in items if item]
    found = [_best(item, flags) for item in items]
    chosen = [column for column in found if column is not None]
    distinct = {column.name for column in chosen}
    return chosen if len(items) > 1 and len(distinct) == len(items) else []


def _best(item: str, flags: Sequence[ColumnEntry]) -> ColumnEntry | None:
    """The column whose name is `item`, word for word; else one in another form of the same words."""
    words = content_words(item.replace("_", " "))
    exact = [column for column in flags if fold(column.name).strip() == fold(item) or tokens(column.name) == words]
    alike = [column for column in flags if _same(words, tokens(column.name))]
    return next(iter(exact or alike), None)


def _same(words: Sequence[str], parts: Sequence[str]) -> bool:
    def covered(these: Sequence[str], those: Sequence[str]) -> bool:
        return bool(these) and all(any(_near(one, other) for other in those) for one in these)

    return covered(words, parts) and covered(parts, words)


def _near(word: str, part: str) -> bool:
    relation = relate(word, part)
    return relation.strength >= _SURE and not relation.reversed


def _sisters(requirement: Requirement, flags: Sequence[ColumnEntry]) -> list[ColumnEntry]:
    """The columns that share a word of their names, when the request says that word in the plural."""
    said = re.findall(r"[\w-]+", requirement.target or "")
    plural = [word for word in said if is_plural(word) or requirement.task == "multilabel"]
    groups = [
        [column for column in flags if len(tokens(column.name)) > 1 and _says(word, column)]
        for word in content_words(" ".join(plural))
    ]
    return max(groups, key=len, default=[])


def _says(word: str, column: ColumnEntry) -> bool:
    return any(_near(word, part) for part in tokens(column.name))


def _free_name(table: TableEntry) -> str:
    name = _NAME
    while any(fold(column.name) == name for column in table.columns):
        name += "_"
    return name


def _answered(answer: str, catalog: DataCatalog) -> LabelColumns:
    names = [name.strip() for name in answer.split(",") if name.strip()]
    best: tuple[int, str] = (0, "")
    for table in catalog.tables:
        flags = {fold(column.name): column for column in table.columns if _is_flag(column)}
        keys = [fold(name.removeprefix(f"{table.name}.")) for name in names]
        if len(set(keys)) == len(keys) > 1 and all(key in flags for key in keys):
            return LabelColumns(table, [flags[key] for key in keys], _free_name(table), certain=True)
        missing = [name for name, key in zip(names, keys, strict=True) if key not in flags]
        nearest = process.extractOne(missing[0], [column.name for column in flags.values()]) if missing else None
        if missing and len(names) - len(missing) >= best[0]:
            hint = f" nearest in {table.name}: {nearest[0]};" if nearest else ""
            best = (len(names) - len(missing), f"{shorten(missing[0])} is no column of yes and no;{hint}")
    raise RequestError(
        f"target={answer!r}: {best[1] or 'a column is named twice;'} labels are different columns of one table.",
        hint="A column of yes and no holds two values, as 1 and 0 or yes and no.",
    )


def is_listed(wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]]) -> bool:
    """Whether a column whose cells list labels bears the very name that was asked for."""
    chosen = choose_target(wish, catalog, source, excluded)
    return chosen is not None and chosen.candidate.score >= 1 and chosen.candidate.column.listed is not None


def one_value(candidate: Candidate) -> RequestError:
    """The error for several labels asked of a column that holds one a row."""
    return RequestError(
        f"{candidate.column.name!r} of {candidate.table.name} holds one value a row, not several labels.",
        hint="Several labels are a column whose cells list them, or columns of yes and no, which can be named with"
        " --answer target=first,second; for one label a row leave the word out.",
    )


def listed_target(phrase: str, candidate: Candidate) -> tuple[TargetSpec, list[str]]:
    """The target of a column whose cells list labels, and what was assumed of it, in sentences.

    Raises:
        RequestError: if fewer than two labels are left.
    """
    listed = candidate.column.listed
    assert listed is not None
    kept = _frequent(listed, candidate.column.name)
    rare = [entry.value for entry in listed.labels if entry.value not in set(kept)]
    target = TargetSpec(
        table=candidate.table.name, column=candidate.column.name, separator=listed.separator, labels=kept
    )
    return target, _said_of_lists(phrase, candidate, target, rare)


def given_target(target: TargetSpec, table: TableEntry, cells: Mapping[str, pa.ChunkedArray]) -> TargetSpec:
    """The target of a spec of several labels, with the labels found in its cells where it does not name them.

    Args:
        target: what a spec says.
        table: its table.
        cells: the columns of the clean table.

    Raises:
        RequestError: if it says neither what separates labels nor which columns they are, or these hold no labels.
    """
    if target.separator is None and not target.columns:
        raise RequestError(
            "A multilabel task needs `target.separator`, what stands between the labels of a cell, or `target.columns`,"
            " columns of yes and no."
        )
    known = {column.name: column for column in table.columns}
    wrong = [name for name in target.columns if name not in known or not _is_flag(known[name])]
    if wrong:
        raise RequestError(f"`target.columns`: {shorten(wrong[0])} is no column of yes and no of {table.name}.")
    if target.columns or target.labels:
        return target
    assert target.separator is not None
    found = listed_labels(cells[target.column], target.separator)
    return target.model_copy(update={"labels": _frequent(found, target.column)})


def label_drops(target: TargetSpec) -> list[DroppedColumn]:
    """What is predicted is no feature, neither of itself nor of its sisters."""
    return [DroppedColumn(table=target.table, column=name, reason=_REASON) for name in target.columns]


def _frequent(listed: ListedLabels, column: str) -> list[str]:
    frequent = [entry.value for entry in listed.labels if entry.count >= FEWEST_ROWS and LABEL_JOINT not in entry.value]
    if len(frequent) < 2:
        raise RequestError(
            f"{column!r} lists labels, but only {len(frequent)} of them stands in {FEWEST_ROWS} rows or more.",
            hint="More rows are needed; or say --answer task=multiclass to predict whole cells.",
        )
    return sorted(frequent[:MOST_LABELS])


def _said_of_lists(phrase: str, candidate: Candidate, target: TargetSpec, rare: Sequence[str]) -> list[str]:
    column, listed = candidate.column, candidate.column.listed
    assert listed is not None
    file = candidate.table.files[0].rsplit("/", 1)[-1] if candidate.table.files else candidate.table.name
    said = [
        f'"{phrase}" -> {file} "{column.name}" ({len(target.labels)} labels, several a row, '
        f"{target.separator!r} between them: {_shown(target.labels)})"
    ]
    if column.missing:
        said.append(f"{column.missing:,} rows with nothing in {column.name!r} count as having no label")
    left_out = len(rare) + listed.more
    if left_out:
        said.append(
            f"{left_out:,} labels are left out, for they stand in fewer than {FEWEST_ROWS} rows or are not among the "
            f"{MOST_LABELS} most frequent: {_shown(rare)}"
        )
    return said


def said_of_columns(phrase: str, labels: LabelColumns) -> list[str]:
    """What was assumed of columns that are labels, in sentences."""
    file = labels.table.files[0].rsplit("/", 1)[-1] if labels.table.files else labels.table.name
    names = [column.name for column in labels.columns]
    said = [f'"{phrase}" -> {file}: {len(names)} labels, several a row: {_shown(names)}']
    unknown = max(column.missing for column in labels.columns)
    if unknown:
        said.append(f"rows in which one of them is empty are left out ({unknown:,} or more)")
    return said


def _shown(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(shorten(name, 40) for name in names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

"""What a person reads when nothing fits, and the sentences about what was assumed."""

from __future__ import annotations

from automl_runtime.data.same_pictures import is_of_folders
from automl_runtime.errors import DataError, RequestError, shorten
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.question import Option, Question

from automl_agent.grounding.candidates import Candidate, content_of
from automl_agent.grounding.positives import Positive
from automl_agent.grounding.words import says_nothing

__all__ = ["NothingFits", "candidate_label", "no_match", "no_table", "target_question", "target_sentence"]

_MOST_TABLES, _MOST_COLUMNS = 4, 8


class NothingFits(RequestError):
    """Nothing in the data is called like what is asked, or means it."""


def no_match(phrase: str, catalog: DataCatalog, source: str, *, hint: str | None = None) -> NothingFits:
    """The error for a target that nothing in the data supports: what was found, and how to say it (`hint`)."""
    found = "\n".join(
        f"    {table.name} ({table.rows:,} rows): {_predictable(table)}" for table in catalog.tables[:_MOST_TABLES]
    )
    more = len(catalog.tables) - _MOST_TABLES
    found += f"\n    and {more} more tables" if more > 0 else ""
    example = next(
        (
            column.name
            for table in catalog.tables
            for column in reversed(table.columns)
            if content_of(column) and column.role not in {"id", "key"}
        ),
        "column",
    )
    return NothingFits(
        f"Nothing in {shorten(source)} fits {shorten(phrase)}. Columns that could be predicted:\n{found}",
        hint=hint or f'Name one of them, for example: predict "{example}".',
    )


def _predictable(table: TableEntry) -> str:
    names = [
        f"{shorten(column.name, 40)}{_described(column)}"
        for column in table.columns
        if content_of(column) and column.role not in {"id", "key"} and column.personal is None
    ]
    listed = ", ".join(names[-_MOST_COLUMNS:])
    return (f"{listed}, ..." if len(names) > _MOST_COLUMNS else listed) or "none"


def _described(column: ColumnEntry) -> str:
    """What a text beside the data says of a column whose name says nothing."""
    return "" if column.meaning is None or not says_nothing(column.name) else f" {shorten(column.meaning, 60)}"


def no_table(catalog: DataCatalog, source: str) -> DataError:
    """The error for data without a table that can be used."""
    images = "; ".join(f"{folder.path}: images of {len(folder.classes)} classes" for folder in catalog.images)
    what = f"none of the pictures could be read ({images})" if images else "none with rows and columns"
    return DataError(
        f"{shorten(source)} holds no usable table: {len(catalog.files)} files, {what}.",
        hint="A table has a header (or none), rows, and two or more columns.",
    )


def target_sentence(phrase: str, candidate: Candidate, positive: Positive | None) -> str:
    """One line on the target: `"churn" -> subscribers.csv "Left?" (Yes = positive, 16.8 %)`."""
    table = candidate.table
    file = table.files[0].rsplit("/", 1)[-1] if table.files and not is_of_folders(table) else table.name
    what = candidate.sql if candidate.sql is not None else f'"{candidate.column.name}"{_described(candidate.column)}'
    if positive is not None:
        share = "" if positive.share is None else f", {100 * positive.share:.1f} %"
        return f'"{phrase}" -> {file} {what} ({positive.shown} = positive{share})'
    stats = candidate.column.stats
    detail = f"{candidate.column.distinct} classes" if candidate.content == "classes" else f"{stats.min} to {stats.max}"
    return f'"{phrase}" -> {file} {what} ({detail})'


def candidate_label(candidate: Candidate) -> str:
    """A candidate with its evidence."""
    made = f" made by {candidate.sql}" if candidate.sql is not None else ""
    column = candidate.column
    where = f"{candidate.table.name}: {candidate.name}{made}, {candidate.evidence}"
    return f"{where}; {column.distinct:,} values, {column.missing:,} missing"


def target_question(phrase: str, options: list[Candidate], default: Candidate) -> Question:
    """The question which of several columns is meant."""
    return Question(
        id="target",
        text=f'Which column is meant by "{phrase}"?',
        options=[Option(value=candidate.id, label=candidate_label(candidate)) for candidate in options],
        default=default.id,
        impact="It is what the model predicts; everything else follows from it.",
    )

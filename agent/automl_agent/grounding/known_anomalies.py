"""The column that says which rows are known to be strange: it judges what is found, and is no input."""

from __future__ import annotations

from typing import Final

from automl_runtime.errors import RequestError, shorten
from automl_schemas.catalog import TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.spec import TargetSpec
from rapidfuzz import process

from automl_agent.grounding.words import tokens

__all__ = ["LABEL", "label_of", "label_question"]

LABEL: Final = "label"
"""The answer that names the column."""


def label_of(table: TableEntry, name: str | None) -> TargetSpec | None:
    """The column of `table` that `name` names, by its words; None when nothing was named.

    Raises:
        RequestError: if there is no such column, or it does not hold two values.
    """
    if name is None:
        return None
    plain = name.removeprefix(f"{table.name}.")
    same = [column for column in table.columns if column.name == plain]
    alike = same or [column for column in table.columns if tokens(column.name) == tokens(plain)]
    if len(alike) != 1:
        nearest = process.extractOne(plain, [column.name for column in table.columns])
        raise RequestError(
            f"{shorten(name)} names no column of {table.name} that could say which rows are known to be strange.",
            hint=f"Nearest: {nearest[0]}; give it with --answer {LABEL}=COLUMN." if nearest else None,
        )
    column = alike[0]
    if column.distinct != 2:
        raise RequestError(
            f"{column.name!r} holds {column.distinct:,} different values; a label says yes or no.",
            hint="Leave it out: strange rows are found without a label, and no score is claimed.",
        )
    return TargetSpec(table=table.name, column=column.name)


def label_question(label: TargetSpec) -> Question:
    """The question that an answer settles."""
    return Question(
        id=LABEL,
        text="Which column says which rows are known to be strange?",
        options=[Option(value=label.column, label=label.column)],
        default=label.column,
        impact="It judges what is found, and is no input.",
    )

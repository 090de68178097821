"""Small tables that have nothing to do with the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl_schemas.catalog import IgnoredFile, JoinEdge, TableEntry
from automl_schemas.question import Option, Question

from automl_runtime.data.duplicates import slug
from automl_runtime.data.same_pictures import is_of_folders

__all__ = ["components", "find_unrelated"]

_TINY = 50
_TIMES_LARGER = 10


def components(names: Sequence[str], joins: Sequence[JoinEdge]) -> list[set[str]]:
    """Tables that hang together by joins, in the order of `names`."""
    groups: list[set[str]] = []
    for name in names:
        near = {name}
        near |= {edge.parent for edge in joins if edge.child == name}
        near |= {edge.child for edge in joins if edge.parent == name}
        joined = [group for group in groups if group & near]
        groups = [group for group in groups if not group & near]
        groups.append({name}.union(*joined))
    return groups


def find_unrelated(
    entries: Sequence[TableEntry], joins: Sequence[JoinEdge], answers: Mapping[str, str]
) -> tuple[list[str], list[IgnoredFile], list[Question]]:
    """Tables of less than 50 rows that no key joins to anything, beside something ten times larger.

    Returns:
        Their names, the entries that say so, and a question `ignore.<table>` for each (`ignore` or `use`).
    """
    groups = components([entry.name for entry in entries], joins)
    rows = {entry.name: entry.rows for entry in entries}
    largest = max((max(rows[name] for name in group) for group in groups), default=0)
    names, ignored, questions = [], [], []
    for entry in entries:
        alone = any(group == {entry.name} for group in groups)
        if not alone or entry.rows >= _TINY or largest < _TIMES_LARGER * max(entry.rows, 1) or entry.parent:
            continue
        if is_of_folders(entry):
            # Nothing ever joins them, and a picture tells more than a row.
            continue
        question = _question(entry)
        questions.append(question)
        if answers.get(question.id, question.default) == "ignore":
            names.append(entry.name)
            path = entry.files[0] if entry.inner is None else f"{entry.files[0]}#{entry.inner}"
            reason = f"{entry.rows} rows that no key joins to another table"
            ignored.append(IgnoredFile(path=path, reason=reason))
    return names, ignored, questions


def _question(entry: TableEntry) -> Question:
    return Question(
        id=f"ignore.{slug(entry.name)}",
        text=f"`{entry.name}` has {entry.rows} rows, and no key joins it to another table. Is it of any use?",
        options=[
            Option(value="ignore", label="leave it out"),
            Option(value="use", label="keep it in the catalog"),
        ],
        default="ignore",
        impact="A table that nothing joins can only be used when it holds the target itself.",
    )

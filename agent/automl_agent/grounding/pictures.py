"""Targets of pictures: the class whose folder they lie in, which no column names as people do."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from automl_runtime.data.same_pictures import content_column, is_of_folders
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from automl_schemas.requirement import Requirement
from automl_schemas.spec import DroppedColumn

from automl_agent.grounding.candidates import Candidate, content_of
from automl_agent.grounding.messages import target_question
from automl_agent.grounding.targets import Target, checked
from automl_agent.grounding.topics import is_about_something_else, speaks_of
from automl_agent.grounding.wishes import Wish
from automl_agent.grounding.words import stem
from automl_agent.requirements.text import word_set

__all__ = ["as_pictures", "content_of_pictures", "other_places", "picture_target", "said_of_copies"]

_PICTURES: Final = frozenset(
    map(stem, word_set("picture image photo photograph scan drawing sketch snapshot img bild bilder foto fotos"))
)
_SEEN: Final = word_set("shown seen visible depicted displayed pictured drawn which that is are")
_FRAME: Final = word_set("predict classify class label category kind type which what one each every from into with")


def picture_target(
    requirement: Requirement, wish: Wish, catalog: DataCatalog, source: str, excluded: Collection[tuple[str, str]]
) -> Target | None:
    """The class of pictures, when the request speaks of pictures, of what they are sorted by, or of nothing else.

    In a table made of folders it is the folder's name; with several levels of folders the others are options. In a
    table that names files it is the only column of classes, or the last of them and a question.

    Raises:
        DataError: if all pictures are of one class.
    """
    tables = [table for table in catalog.tables if _images(table)]
    for table in sorted(tables, key=lambda table: (not is_of_folders(table), -table.rows)):
        only = len(tables) == len(catalog.tables)
        if not _is_meant(requirement, wish, table, source, only=only):
            continue
        columns = [column for column in _class_columns(table) if (table.name, column.name) not in excluded]
        if columns:
            found = [Candidate(table, column, 1.0, "classes", _evidence(table), column.name) for column in columns]
            question = target_question(wish.phrase, found, found[0]) if len(found) > 1 else None
            return Target(checked(found[0]), question)
    return None


def as_pictures(requirement: Requirement) -> Requirement:
    """`requirement` with a row called a picture, and with what is to be seen in it as the target.

    >>> as_pictures(Requirement(request="...", target="picture", entity_phrase="digit shown")).target
    'digit'
    """
    target, entity = requirement.target or "", requirement.entity_phrase or ""
    if any(stem(word) in _PICTURES for word in target.split()):
        seen = [word for word in entity.split() if word not in _SEEN and stem(word) not in _PICTURES]
        target = " ".join(seen) or "class"
    return requirement.model_copy(update={"target": target, "entity": "picture", "entity_phrase": "picture"})


def content_of_pictures(table: TableEntry) -> str | None:
    """The column that says which pictures of `table` show the same; None when it holds no pictures."""
    names = {column.name for column in table.columns}
    return next((name for image in _images(table) if (name := content_column(image.name)) in names), None)


def said_of_copies(table: TableEntry) -> list[str]:
    """A sentence on the pictures of `table` that show the same as others; none when there are none."""
    shown = content_of_pictures(table)
    if shown is None:
        return []
    column = next(column for column in table.columns if column.name == shown)
    repeated = column.rows - column.missing - column.distinct
    verb = "pictures show" if repeated > 1 else "picture shows"
    return [f"{repeated:,} {verb} the same as another: they stay on one side of every split"] if repeated else []


def other_places(candidate: Candidate) -> list[DroppedColumn]:
    """What else the folders of pictures say: nobody knows it of a new picture."""
    table = candidate.table
    if not is_of_folders(table):
        return []
    reason = "leak: the folder of a picture, which a new one does not have"
    others = [column.name for column in _class_columns(table) if column.name != candidate.column.name]
    return [DroppedColumn(table=table.name, column=name, reason=reason) for name in others]


def _images(table: TableEntry) -> list[ColumnEntry]:
    return [column for column in table.columns if column.type == "image"]


def _class_columns(table: TableEntry) -> list[ColumnEntry]:
    """Columns of classes: of folders the innermost first, of other tables the last first."""
    shown = content_of_pictures(table)
    found = [
        column
        for column in table.columns
        if column.name != shown
        and (content_of(column) == "classes" or (is_of_folders(table) and column.type == "category"))
        and (column.role not in {"id", "key"} or is_of_folders(table))
    ]
    return found if is_of_folders(table) else found[::-1]


def _is_meant(requirement: Requirement, wish: Wish, table: TableEntry, source: str, *, only: bool) -> bool:
    words = [word for word in wish.context if word not in _FRAME]
    if any(stem(word) in _PICTURES for word in words):
        return True
    if any(speaks_of(word, table, source) for word in words if len(word) > 2):
        return True
    sorted_by = requirement.task == "multiclass" or wish.kind == "label"
    return only and sorted_by and not is_about_something_else(wish, table, source)


def _evidence(table: TableEntry) -> str:
    return "the folders of the pictures" if is_of_folders(table) else "beside the pictures"

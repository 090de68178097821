"""Where the tables are in a tree of objects and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from automl_runtime.data.naming import looks_like_id

__all__ = ["RecordSet", "find_record_sets"]

_ENVELOPES: Final = frozenset(
    {"array", "body", "content", "data", "docs", "documents", "elements", "entries", "entry", "features", "hits"}
    | {"items", "list", "objects", "output", "payload", "record", "records", "response", "result", "results"}
    | {"root", "row", "rows", "table", "value", "values"}
)
_ABOUT_THE_ANSWER: Final = ("batch", "correlation", "cursor", "job", "page", "query", "request", "session", "trace")
_MOST_FIELDS: Final = 20
_FEWEST_GROUPS: Final = 4
_DEEPEST: Final = 12

Shape = Literal["records", "matrix", "columns", "keyed", "groups", "pairs"]


@dataclass(frozen=True, slots=True)
class RecordSet:
    """One table of a document, as `shape` says: `content` is the value at `path`."""

    path: tuple[str, ...]
    shape: Shape
    content: Any
    names: tuple[str, ...] = ()
    """Names of the columns of a matrix, where the document gives them elsewhere."""

    @property
    def name(self) -> str | None:
        """What the table is called: the last word of its path that is more than a wrapper, or None."""
        return next((part for part in reversed(self.path) if part.lower() not in _ENVELOPES), None)

    def items(self) -> Iterator[object]:
        """The records, one by one (not of a matrix or of columns); the key of keyed ones is their column `key`."""
        if self.shape == "keyed":
            name = _free_name(self.content.values())
            yield from ({name: key, **record} for key, record in self.content.items())
        elif self.shape == "groups":
            name = _free_name(record for records in self.content.values() for record in records)
            for key, records in self.content.items():
                yield from ({name: key, **record} for record in records)
        elif self.shape == "pairs":
            yield from ({"key": key, "value": value} for key, value in self.content.items())
        else:
            yield from self.content


def _free_name(records: Iterable[Mapping[str, Any]]) -> str:
    taken = {key for record in records for key in record}
    name = "key"
    while name in taken:
        name += "_"
    return name


def find_record_sets(document: Any) -> list[RecordSet]:
    """The tables of a document, in the order in which they stand in it.

    An object in which no table is found is a table of one row; so is one that carries a number of its own (`id`)
    beside its arrays, which then are nested tables.
    """
    if not isinstance(document, dict | list):
        return []
    if isinstance(document, dict) and _is_one_record(document):
        return [RecordSet((), "records", [document])]
    found = list(_sets_in(document, ()))
    if not found and isinstance(document, dict) and document:
        while len(document) == 1 and isinstance(only := next(iter(document.values())), dict) and only:
            document = only
        shape: Shape = "pairs" if _is_mapping(document) else "records"
        return [RecordSet((), shape, document if shape == "pairs" else [document])]
    return found


def _sets_in(value: Any, path: tuple[str, ...]) -> Iterator[RecordSet]:
    if len(path) > _DEEPEST:
        return
    if isinstance(value, list):
        yield from _sets_in_array(value, path)
    elif isinstance(value, dict) and value:
        yield from _sets_in_object(value, path)


def _sets_in_array(items: list[Any], path: tuple[str, ...]) -> Iterator[RecordSet]:
    if all(isinstance(item, list) for item in items):
        if any(items):
            yield RecordSet(path, "matrix", items)
    elif not path or any(isinstance(item, dict) for item in items):
        yield RecordSet(path, "records", items)


def _sets_in_object(value: dict[str, Any], path: tuple[str, ...]) -> Iterator[RecordSet]:
    shape = _shape_of(value)
    if shape is not None:
        yield RecordSet(path, shape, value)
        return
    named = _named_matrix(value)
    if named is not None:
        yield RecordSet(path, "matrix", named[1], names=named[0])
        return
    if value.keys() == {"schema", "data"} and isinstance(value["schema"], dict) and "fields" in value["schema"]:
        value = {"data": value["data"]}
    for key, inner in value.items():
        yield from _sets_in(inner, (*path, key))


def _shape_of(value: Mapping[str, Any]) -> Shape | None:
    values = list(value.values())
    if all(isinstance(inner, list) for inner in values):
        if _is_columnar(values):
            return "columns"
        similar = len(values) >= _FEWEST_GROUPS and _are_similar([record for inner in values for record in inner])
        return "groups" if similar else None
    if len(values) < 2 or not _are_similar(values):
        return None
    first = list(values[0])
    counted = first == [str(number) for number in range(len(first))] and len(first) > 1
    return "columns" if counted and all(inner.keys() == values[0].keys() for inner in values) else "keyed"


def _is_columnar(columns: Sequence[list[Any]]) -> bool:
    """Whether arrays of plain values are equally long, and more than one value long."""
    if len({len(column) for column in columns}) != 1 or len(columns[0]) < 2:
        return False
    return not any(isinstance(item, dict | list) for column in columns for item in column)


def _are_similar(records: Sequence[Any]) -> bool:
    """Whether objects have most of their keys in common."""
    if not records or not all(isinstance(record, dict) and record for record in records):
        return False
    keys = {key for record in records for key in record}
    return sum(map(len, records)) > 0.5 * len(keys) * len(records)


def _named_matrix(value: Mapping[str, Any]) -> tuple[tuple[str, ...], list[Any]] | None:
    """Names and rows of an object like `{"columns": ["a", "b"], "rows": [[1, 2], [3, 4]]}`."""
    matrices = [inner for inner in value.values() if _is_matrix(inner)]
    if len(matrices) != 1:
        return None
    width = max(map(len, matrices[0]))
    for inner in value.values():
        if isinstance(inner, list) and len(inner) == width and all(isinstance(item, str) for item in inner):
            return tuple(inner), matrices[0]
        if isinstance(inner, list) and len(inner) == width and all(_has_name(item) for item in inner):
            return tuple(item["name"] for item in inner), matrices[0]
    return None


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and any(value) and all(isinstance(row, list) for row in value)


def _has_name(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str)


def _is_one_record(document: Mapping[str, Any]) -> bool:
    """Whether an object has a number or code of its own, other than that of the request it answers."""
    for key, value in document.items():
        if isinstance(value, str | int) and looks_like_id(key) and not isinstance(value, bool):
            return not key.lower().startswith(_ABOUT_THE_ANSWER)
    return False


def _is_mapping(document: Mapping[str, Any]) -> bool:
    """Whether an object maps many keys to plain values of one kind, rather than describing one thing."""
    kinds = {int if isinstance(value, float) else type(value) for value in document.values()}
    return len(document) > _MOST_FIELDS and len(kinds) == 1 and not kinds & {dict, list}

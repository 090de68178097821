"""Which tables point at which: keys matched across names, types and spellings, and proven by containment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Protocol

import pyarrow as pa
from automl_schemas.catalog import JoinEdge, TableEntry

from automl_runtime.data.composite_joins import composite_edges
from automl_runtime.data.join_evidence import Field, Match, compare, proves
from automl_runtime.data.keys import is_key_like, is_row_number
from automl_runtime.data.keystore import KeyStore
from automl_runtime.data.naming import core, looks_like_id, token_score

__all__ = ["find_joins"]

_ALIKE = 0.6


class _HasData(Protocol):
    @property
    def data(self) -> pa.Table: ...


@dataclass(frozen=True, slots=True)
class _Link:
    child: Field
    parent: Field
    match: Match


def find_joins(tables: Mapping[str, _HasData], entries: Mapping[str, TableEntry]) -> list[JoinEdge]:
    """The join graph of clean, de-duplicated tables.

    A column points at a key of another table when both names and values say so, or when the values alone are beyond
    chance. Tables that share one key are joined to the one that looks like its owner (complete, and called after the
    key) instead of to each other. Tables without such a link are joined on two or three columns of the same name
    that are (nearly) a key of one of them.

    Args:
        tables: clean tables by name.
        entries: their entries with columns and keys.

    Returns:
        Edges sorted by child, parent and columns.
    """
    data = {name: tables[name].data for name in sorted(entries)}
    store = KeyStore(data, entries)
    try:
        fields = {name: _fields(store, entries[name], data[name]) for name in data}
        links = _reduce(_orient(_single_links(fields)))
        edges = [_edge(store, link) for link in links]
        linked = {(link.child.table.name, link.parent.table.name) for link in links}
        pointing = {_end(link.child) for link in links}
        edges += composite_edges(store, fields, linked, pointing)
    finally:
        store.close()
    return sorted(edges, key=lambda edge: (edge.child, edge.parent, edge.child_columns, edge.parent_columns))


def _fields(store: KeyStore, entry: TableEntry, data: pa.Table) -> list[Field]:
    fields = []
    for column in entry.columns:
        values = data[column.name]
        if data.num_rows == 0 or not is_key_like(column):
            continue
        unique = values.null_count == 0 and store.codes(entry.name).size(column.name) == data.num_rows
        fields.append(Field(store, entry, column, unique, is_row_number(values)))
    return fields


def _single_links(fields: Mapping[str, Sequence[Field]]) -> list[_Link]:
    links = []
    for parent_table, parents in fields.items():
        keys = [key for key in parents if key.unique and len(key.values) == key.table.rows]
        for child_table, children in fields.items():
            if child_table == parent_table:
                continue
            for child in children:
                found = [link for key in keys if (link := _link(child, key)) is not None]
                if found:
                    links.append(max(found, key=_strength))
    return links


def _link(child: Field, parent: Field) -> _Link | None:
    """The link from a column to a key, by the plainest spelling that proves it."""
    pairs = [(child, parent)]
    pairs += [(child.respelled[s], parent.respelled[s]) for s in child.respelled if s in parent.respelled]
    if child.numbers is not None and parent.numbers is not None:
        pairs = pairs[:1]
    for own, key in pairs:
        match = compare(own, key)
        if match is not None and proves(own, key, match) and (own.spelling == "text" or _may_respell(own, key, match)):
            return _Link(own, key, match)
    return None


def _may_respell(child: Field, parent: Field, match: Match) -> bool:
    """Whether names say that both are keys: that digits agree happens in mail addresses and file names too."""
    if child.column.personal is not None or parent.column.personal is not None:
        return False
    return match.score >= _ALIKE or (looks_like_id(child.column.name) and parent.named)


def _strength(link: _Link) -> tuple[float, float, float, int]:
    return link.match.score, link.match.containment, link.match.coverage, -link.parent.column.position


def _orient(links: Sequence[_Link]) -> list[_Link]:
    """One direction for every pair of columns that are keys on both sides: towards the owner of the key."""
    by_ends = {(_end(link.child), _end(link.parent)): link for link in links}
    kept = []
    for (child, parent), link in by_ends.items():
        back = by_ends.get((parent, child))
        if back is None or _owner_rank(link.parent) > _owner_rank(link.child):
            kept.append(link)
    pairs: dict[tuple[str, str], list[_Link]] = {}
    for link in kept:
        if link.child.unique:
            pairs.setdefault((link.child.table.name, link.parent.table.name), []).append(link)
    # Two tables are the same entity in one way only: the best proven pair of keys.
    weaker = {id(link) for found in pairs.values() for link in found if link is not max(found, key=_strength)}
    return [link for link in kept if id(link) not in weaker]


def _end(field: Field) -> tuple[str, str]:
    return field.table.name, field.column.name


def _owner_rank(field: Field) -> tuple[int, float, int, tuple[int, ...]]:
    """How much a table looks like the owner of its key: complete, called after it, wide; then by name."""
    names = core(field.table.name)
    about = core(field.column.name) or names
    called = max((token_score(word, other) for word in about for other in names), default=0.0)
    if len(names) > len(about):
        called *= 0.8
    size = round(15 * log(max(len(field.values), 1)))
    return size, called, len(field.table.columns), tuple(-ord(char) for char in field.table.name)


def _reduce(links: Sequence[_Link]) -> list[_Link]:
    """Leaves out links to a table whose own link to a third says the same."""
    ends = {(_end(link.child), _end(link.parent)): link for link in links}
    kept = []
    for link in links:
        child, parent = _end(link.child), _end(link.parent)
        further = [other for own, other in ends if own == parent and (child, other) in ends]
        if not any(ends[child, owner].match.containment >= link.match.containment - 0.02 for owner in further):
            kept.append(link)
    return kept


def _edge(store: KeyStore, link: _Link) -> JoinEdge:
    child, parent = link.child, link.parent
    found = link.match.containment * len(child.values)
    rows = store.filled_rows(child.table.name, [child.column.name])
    return JoinEdge(
        child=child.table.name,
        parent=parent.table.name,
        child_columns=[child.column.name],
        parent_columns=[parent.column.name],
        containment=round(link.match.containment, 6),
        coverage=round(min(link.match.coverage, 1.0), 6),
        cardinality="1:1" if child.unique else "n:1",
        fan_out=round(max(1.0, rows * link.match.containment / max(found, 1)), 6),
        spelling=child.spelling,
    )

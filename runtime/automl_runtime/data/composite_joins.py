"""Joins on two or three columns of the same name that together name the rows of one of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from automl_schemas.catalog import JoinEdge

from automl_runtime.data.join_evidence import Field
from automl_runtime.data.keystore import KeyStore
from automl_runtime.data.naming import core, looks_like_id

__all__ = ["NEARLY_UNIQUE", "composite_edges"]

NEARLY_UNIQUE = 0.98
_MOST_SHARED = 7
_CONTAINMENT = 0.5
_SURE_CONTAINMENT = 0.9
_PLAIN = 2
_FEW = 20


@dataclass(frozen=True, slots=True)
class _Pair:
    """Columns of one name in two tables."""

    child: Field
    parent: Field
    rank: int
    """0 for a key of something, 1 for a time, 2 for the rest."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    pairs: tuple[_Pair, ...]
    parent_share: float
    child_share: float
    containment: float
    coverage: float

    @property
    def order(self) -> tuple[bool, bool, int, int, float]:
        sure = self.parent_share == 1.0
        rank = sum(pair.rank for pair in self.pairs)
        return sure, self.containment > 0.9, -len(self.pairs), -rank, self.containment


def composite_edges(
    store: KeyStore,
    fields: Mapping[str, Sequence[Field]],
    linked: set[tuple[str, str]],
    pointing: set[tuple[str, str]],
) -> list[JoinEdge]:
    """Edges of pairs of tables that are not joined by a single key.

    The columns must be unique in the parent, or nearly so: rows of the child can then be aggregated for each row of
    the parent, but not looked up from it.

    Args:
        store: key values of all tables.
        fields: possible keys by table.
        linked: pairs of tables that are joined already.
        pointing: (table, column) of the columns that point at a key.
    """
    edges = []
    names = sorted(fields)
    for first, second in combinations(names, 2):
        if (first, second) in linked or (second, first) in linked:
            continue
        found = []
        for child, parent in ((first, second), (second, first)):
            best = _best(store, _shared(fields[child], fields[parent], pointing))
            if best is not None:
                found.append(best)
        if found:
            best = max(found, key=lambda candidate: (candidate.parent_share == 1.0, candidate.containment))
            edges.append(_edge(best))
    return edges


def _shared(children: Sequence[Field], parents: Sequence[Field], pointing: set[tuple[str, str]]) -> list[_Pair]:
    by_name = {_name(parent): parent for parent in parents if not parent.unique}
    pairs = []
    for child in children:
        parent = by_name.get(_name(child))
        if child.unique or parent is None or parent.kind != child.kind:
            continue
        is_key = looks_like_id(child.column.name) or _points(child, pointing) or _points(parent, pointing)
        rank = 0 if is_key else 1 if child.kind in ("date", "datetime") else _PLAIN
        if rank < _PLAIN or (child.column.type in ("integer", "category") and not _numbered(child, parent)):
            pairs.append(_Pair(child, parent, rank))
    return sorted(pairs, key=lambda pair: (pair.rank, pair.parent.column.position))[:_MOST_SHARED]


def _name(field: Field) -> tuple[str, ...]:
    return core(field.column.name) or (field.column.name.casefold(),)


def _numbered(child: Field, parent: Field) -> bool:
    """Whether a whole number of a table that has an id of its own takes part: a rank or a count, no name."""
    own = [field.table.keys[0].columns for field in (child, parent) if field.table.keys]
    return child.column.type == "integer" and any(len(key) == 1 and looks_like_id(key[0]) for key in own)


def _points(field: Field, pointing: set[tuple[str, str]]) -> bool:
    return (field.table.name, field.column.name) in pointing


def _best(store: KeyStore, pairs: Sequence[_Pair]) -> _Candidate | None:
    for size in (2, 3):
        found = []
        for group in combinations(pairs, size):
            if min(pair.rank for pair in group) < _PLAIN:
                candidate = _candidate(store, group)
                if candidate is not None:
                    found.append(candidate)
        if found:
            return max(found, key=lambda candidate: candidate.order)
    return None


def _candidate(store: KeyStore, pairs: tuple[_Pair, ...]) -> _Candidate | None:
    child, parent = pairs[0].child.table.name, pairs[0].parent.table.name
    own = [pair.child.column.name for pair in pairs]
    other = [pair.parent.column.name for pair in pairs]
    if any(pair.parent.column.missing for pair in pairs):
        return None
    share = store.codes(parent).unique_share(other, NEARLY_UNIQUE)
    if share < NEARLY_UNIQUE:
        return None
    mine, theirs = store.values(child, own), store.values(parent, other)
    containment = KeyStore.containment(mine, theirs)
    coverage = min(1.0, containment * len(mine) / len(theirs))
    # Few chosen rows may have a true key; rows are aggregated over a near key only when most of them find one.
    if containment < _SURE_CONTAINMENT and any(pair.rank == _PLAIN for pair in pairs):
        return None
    if containment < _CONTAINMENT and (share < 1.0 or coverage < _CONTAINMENT or len(theirs) < _FEW):
        return None
    child_share = len(mine) / max(store.filled_rows(child, own), 1)
    return _Candidate(pairs, share, child_share, containment, coverage)


def _edge(found: _Candidate) -> JoinEdge:
    child = found.pairs[0].child.table
    pairs = sorted(found.pairs, key=lambda pair: pair.parent.column.position)
    one_to_one = found.child_share == 1.0 and found.parent_share == 1.0
    return JoinEdge(
        child=child.name,
        parent=pairs[0].parent.table.name,
        child_columns=[pair.child.column.name for pair in pairs],
        parent_columns=[pair.parent.column.name for pair in pairs],
        containment=round(found.containment, 6),
        coverage=round(found.coverage, 6),
        cardinality="1:1" if one_to_one else "n:1",
        fan_out=round(1 / found.child_share, 6),
    )

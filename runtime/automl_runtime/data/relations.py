"""Which tables the training table of a base table is made of, and how they hang on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from automl_schemas.catalog import DataCatalog, JoinEdge, TableEntry
from automl_schemas.spec import JoinSpec, TableSpec

__all__ = ["plan_joins", "table_spec"]

_DEEPEST = 3
_LEAST_COVERAGE = 0.2
_ORDER = {"1:1": 0, "n:1": 1, "1:n": 2}


@dataclass(frozen=True, slots=True)
class _Step:
    """A table that is reached, and what it is to the base table."""

    table: str
    depth: int
    belongs: bool
    """Reached over 1:1 and 1:n joins only: each of its rows is part of one row of the base table."""
    many: bool
    """Aggregated: a row of the base table has several of its rows."""


def plan_joins(catalog: DataCatalog, base: str) -> tuple[list[TableSpec], list[JoinSpec]]:
    """The tables that can be joined to `base`, nearest first, and the joins in the order in which they are made.

    From the base table outwards, at most three joins deep: rows that a key points at are looked up (`n:1`), tables
    of the same entity are joined (`1:1`), rows that point at the entity are aggregated (`1:n`), and so are the rows
    that hang on those: the lines of its orders, and the products of the lines. A table takes part once; only when the
    same table points at it with several keys it takes part once for each of them, and nothing hangs on it then. Rows
    that point at a looked-up table are aggregated when they point at nothing else and at a fair part of it.

    Args:
        catalog: tables and join graph.
        base: name of the base table; KeyError when there is none of this name.
    """
    tables = [table_spec(catalog.table(base))]
    joins: list[JoinSpec] = []
    seen = {base}
    queue = [_Step(base, 0, belongs=True, many=False)]
    while queue:
        depth = queue[0].depth
        level = [step for step in queue if step.depth == depth]
        queue = [step for step in queue if step.depth > depth]
        if depth >= _DEEPEST:
            break
        for child, specs, step in _reached(catalog, level, seen):
            seen.add(child)
            tables.append(table_spec(catalog.table(child)))
            joins += specs
            if len(specs) == 1:
                queue.append(step)
    return tables, joins


def table_spec(entry: TableEntry) -> TableSpec:
    """A table of the catalog as it stands in a spec, with its best key."""
    key = entry.keys[0].columns if entry.keys and entry.keys[0].unique == 1.0 else []
    return TableSpec(name=entry.name, files=entry.files, inner=entry.inner, key=key)


def _reached(catalog: DataCatalog, level: Sequence[_Step], seen: set[str]) -> list[tuple[str, list[JoinSpec], _Step]]:
    """Tables one join further than `level`: each with its joins, all from the same table."""
    found: dict[str, dict[str, list[JoinSpec]]] = defaultdict(lambda: defaultdict(list))
    steps = {step.table: step for step in level}
    for edge in catalog.joins:
        for step in level:
            spec = _join_spec(catalog, edge, step)
            if spec is not None and spec.child not in seen:
                found[spec.child][step.table].append(spec)
    reached = []
    for child, by_parent in found.items():
        parent = min(by_parent, key=lambda name: (_rank(by_parent[name]), level.index(steps[name])))
        specs = _one_kind(by_parent[parent])
        step = steps[parent]
        belongs = step.belongs and specs[0].cardinality != "n:1"
        many = step.many or specs[0].cardinality == "1:n"
        reached.append((child, specs, _Step(child, step.depth + 1, belongs, many)))
    return sorted(reached, key=lambda item: (_rank(item[1]), item[0]))


def _rank(specs: Sequence[JoinSpec]) -> int:
    return min(_ORDER[spec.cardinality] for spec in specs)


def _one_kind(specs: Sequence[JoinSpec]) -> list[JoinSpec]:
    """Joins of the nearest kind: a table that is the same entity is not looked up as well."""
    best = _rank(specs)
    alike = [spec for spec in specs if _ORDER[spec.cardinality] == best]
    return sorted(alike[:1] if best == 0 else alike, key=lambda spec: spec.parent_columns)


def _join_spec(catalog: DataCatalog, edge: JoinEdge, step: _Step) -> JoinSpec | None:
    if step.many and not step.belongs:
        return None
    if edge.child == step.table:
        if not _is_key(catalog.table(edge.parent), edge.parent_columns):
            return None
        return JoinSpec(
            child=edge.parent,
            parent=edge.child,
            child_columns=edge.parent_columns,
            parent_columns=edge.child_columns,
            cardinality="1:1" if edge.cardinality == "1:1" else "n:1",
            spelling=edge.spelling,
        )
    if edge.parent != step.table:
        return None
    one = edge.cardinality == "1:1"
    if not one and not step.belongs and (edge.coverage < _LEAST_COVERAGE or _points_elsewhere(catalog, edge)):
        return None
    if step.many and not _is_key(catalog.table(edge.parent), edge.parent_columns):
        return None
    return JoinSpec(
        child=edge.child,
        parent=edge.parent,
        child_columns=edge.child_columns,
        parent_columns=edge.parent_columns,
        cardinality="1:1" if one else "1:n",
        spelling=edge.spelling,
    )


def _is_key(entry: TableEntry, columns: Sequence[str]) -> bool:
    """Whether `columns` are unique in the table; only keys that are nearly so are recorded as such."""
    return not any(key.columns == list(columns) and key.unique < 1.0 for key in entry.keys)


def _points_elsewhere(catalog: DataCatalog, edge: JoinEdge) -> bool:
    return any(other.child == edge.child and other.parent != edge.parent for other in catalog.joins)

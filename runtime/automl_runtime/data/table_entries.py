"""One raw table made ready: cleaned, exact duplicates dropped where it has a key, described."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
import pyarrow as pa
from automl_schemas.catalog import ColumnEntry, KeyCandidate, TableEntry
from automl_schemas.cleaning import ColumnPlan, Reject

from automl_runtime.data.cleaning import CleanTable, clean_table, rejects_of
from automl_runtime.data.keys import duplicate_rows, find_keys
from automl_runtime.data.naming import looks_like_id
from automl_runtime.data.parsing import CleanValues, clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.profiling import profile_column
from automl_runtime.data.review import reject_items
from automl_runtime.data.shards import Part
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import RequestError, shorten

__all__ = ["Prepared", "clean_with", "prepare", "without_rows"]

_MOST_OF_ID = 0.75
_MOST_OF_OTHERS = 0.1
_FEWEST_ROWS = 10


@dataclass(slots=True)
class Prepared:
    """A clean table and its entry in the catalog."""

    clean: CleanTable
    entry: TableEntry


def prepare(raw: RawTable, parts: Sequence[Part] = (), reject: Collection[str] = ()) -> Prepared:
    """Cleans and describes a raw table.

    Rows that repeat another in all columns once they are clean are dropped when the table has a key without them;
    in a table without a key they may be real and stay.

    Args:
        raw: the table, stacked when it has parts.
        parts: what it was stacked from.
        reject: items of the cleaning plan that the user does not want, `table.column` or `table.column:item`.
    """
    plans = _plans(raw, reject)
    values = {name: clean_values(raw.data[name], plan) for name, plan in plans.items()}
    clean = _table(raw, plans, values, parts)
    repeated = duplicate_rows(clean.data)
    columns = [
        profile_column(raw.data[name], values[name], plan, position)
        for position, (name, plan) in enumerate(plans.items())
    ]
    keys = [] if repeated.any() else find_keys(clean.data, columns, raw.name)
    if repeated.any():
        kept = without_rows(clean, repeated)
        fewer = _columns(raw, kept)
        found = find_keys(kept.data, fewer, raw.name)
        if _is_keyed(found, fewer, repeated):
            clean, columns, keys = kept, fewer, found
    entry = TableEntry(
        name=raw.name,
        files=list(dict.fromkeys(part.table.file for part in parts)) or [raw.file],
        inner=raw.inner,
        header_row=raw.header_row,
        footer_rows=raw.footer_rows,
        names_from=raw.names_from,
        rows_read=raw.data.num_rows,
        rows=clean.data.num_rows,
        duplicate_rows=int(repeated.sum()),
        columns=columns,
        keys=keys,
        parent=raw.parent,
    )
    return Prepared(clean, entry)


def clean_with(raw: RawTable, plans: Mapping[str, ColumnPlan], parts: Sequence[Part] = ()) -> CleanTable:
    """`raw` cleaned by `plans`; rejected cells of a stacked table name their own file and row."""
    return _with_parts(clean_table(raw, plans), parts)


def _table(
    raw: RawTable, plans: Mapping[str, ColumnPlan], values: Mapping[str, CleanValues], parts: Sequence[Part]
) -> CleanTable:
    rejects = [
        reject
        for name, plan in plans.items()
        for reject in rejects_of(raw.data[name], values[name], plan, table=raw.name, file=raw.file)
    ]
    data = pa.table([values[name].values for name in plans], names=list(plans))
    rows = np.arange(1, raw.data.num_rows + 1, dtype=np.int64)
    return _with_parts(CleanTable(raw.name, data, rejects, dict(plans), rows, (raw.file,)), parts)


def _with_parts(clean: CleanTable, parts: Sequence[Part]) -> CleanTable:
    if not parts:
        return clean
    files = tuple(dict.fromkeys(part.table.file for part in parts))
    return replace(clean, files=files, rejects=_located(clean.rejects, parts))


def _located(rejects: Sequence[Reject], parts: Sequence[Part]) -> list[Reject]:
    ends = list(accumulate(part.rows for part in parts))
    located = []
    for reject in rejects:
        index = bisect_right(ends, reject.row - 1)
        start = ends[index] - parts[index].rows
        update = {"file": parts[index].table.file, "row": reject.row - start}
        located.append(reject.model_copy(update=update))
    return located


def without_rows(clean: CleanTable, dropped: np.ndarray) -> CleanTable:
    """The table without the rows under `dropped`; what was rejected in them stays on record."""
    kept = np.flatnonzero(~dropped)
    return replace(clean, data=clean.data.take(pa.array(kept)), source_rows=clean.source_rows[kept])


def _columns(raw: RawTable, clean: CleanTable) -> list[ColumnEntry]:
    """The columns of the rows that are left, cleaned again: what is counted is counted in these rows."""
    data = raw.data.take(pa.array(clean.source_rows - 1))
    return [
        profile_column(data[name], clean_values(data[name], plan), plan, position)
        for position, (name, plan) in enumerate(clean.plans.items())
    ]


def _is_keyed(keys: Sequence[KeyCandidate], columns: Sequence[ColumnEntry], repeated: np.ndarray) -> bool:
    """Whether rows are named well enough to say that a repeated row is a copying error.

    Any key will do when few rows are repeated and it is not nearly the whole row; when many are, only one column
    that is an identifier by itself: the values of a narrow table are all unique once repeated rows are gone.
    """
    if not keys:
        return False
    share = float(repeated.mean())
    roles = {column.name: column.role for column in columns}
    names = keys[0].columns
    if len(names) == 1 and (roles[names[0]] == "id" or looks_like_id(names[0])):
        return share <= _MOST_OF_ID and len(repeated) >= _FEWEST_ROWS
    return len(names) + 1 < len(columns) and share <= _MOST_OF_OTHERS and len(repeated) >= _FEWEST_ROWS


def _plans(raw: RawTable, reject: Collection[str]) -> dict[str, ColumnPlan]:
    plans = {
        name: ColumnPlan(column=name, type=raw.types[name]) if name in raw.types else infer_plan(name, raw.data[name])
        for name in raw.data.column_names
    }
    for item in reject:
        if not item.startswith(f"{raw.name}."):
            continue
        rest = item[len(raw.name) + 1 :]
        column = max((name for name in plans if rest == name or rest.startswith(f"{name}:")), key=len, default=None)
        if column is None:
            raise RequestError(
                f"{shorten(item)} names no column of `{raw.name}`.",
                hint=f"Columns: {', '.join(f'`{name}`' for name in list(plans)[:30])}.",
            )
        step = rest[len(column) + 1 :] or "all"
        plans[column] = _without_step(plans[column], step, raw.name)
    return plans


def _without_step(plan: ColumnPlan, step: str, table: str) -> ColumnPlan:
    fewer = reject_items(plan, [step])
    if fewer == plan and step != "all":
        raise RequestError(
            f"The cleaning plan of `{table}.{plan.column}` has no step {shorten(step)}.",
            hint="`automl new --review` shows the steps of each column.",
        )
    return fewer

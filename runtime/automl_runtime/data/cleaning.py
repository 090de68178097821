"""Cleaning whole tables by plan: rows in are rows out, and what could not be parsed is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from automl_schemas.cleaning import ColumnPlan, Reject

from automl_runtime.data.distinct import one_array
from automl_runtime.data.jsonl import read_table, write_lines
from automl_runtime.data.parsing import CleanValues, clean_values
from automl_runtime.data.plans import infer_plan
from automl_runtime.data.tables import RawTable
from automl_runtime.data.typed import as_text
from automl_runtime.errors import SchemaMismatchError
from automl_runtime.files import replace_file

__all__ = ["CleanTable", "allowed_values", "clean_table", "escape_formula", "read_clean", "rejects_of", "write_clean"]

_PLAIN_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass
class CleanTable:
    """A table with typed columns under their own names."""

    name: str
    data: pa.Table
    rejects: list[Reject]
    plans: dict[str, ColumnPlan]
    source_rows: np.ndarray
    """1-based row of the raw table that each clean row came from."""
    files: tuple[str, ...]


def clean_table(raw: RawTable, plans: Mapping[str, ColumnPlan] | None = None) -> CleanTable:
    """Cleans every column of `raw` by its plan, or by the plan inferred from it; rows keep their number and order.

    Raises:
        SchemaMismatchError: if `plans` has a column that `raw` lacks. Columns without a plan are left out.
    """
    if plans is None:
        plans = {name: infer_plan(name, raw.data[name]) for name in raw.data.column_names}
    missing = [name for name in plans if name not in raw.data.column_names]
    if missing:
        raise SchemaMismatchError(
            f"{raw.file}: table `{raw.name}` has no column `{missing[0]}`.",
            hint=f"Its columns are: {', '.join(raw.data.column_names[:30])}.",
        )
    columns: list[pa.Array] = []
    rejects: list[Reject] = []
    for name, plan in plans.items():
        clean = clean_values(raw.data[name], plan)
        columns.append(clean.values)
        rejects += rejects_of(raw.data[name], clean, plan, table=raw.name, file=raw.file)
    data = pa.table(columns, names=list(plans)) if columns else raw.data.select([])
    rows = np.arange(1, raw.data.num_rows + 1, dtype=np.int64)
    return CleanTable(raw.name, data, rejects, dict(plans), rows, (raw.file,))


def rejects_of(
    raw: pa.ChunkedArray | pa.Array, clean: CleanValues, plan: ColumnPlan, *, table: str, file: str
) -> list[Reject]:
    """One record per rejected cell, in the order of the rows."""
    places = np.flatnonzero(clean.rejected)
    if len(places) == 0:
        return []
    values = as_text(one_array(raw).take(pa.array(places))).to_pylist()
    reason = f"not {allowed_values(plan)}"
    return [
        Reject(table=table, column=plan.column, file=file, row=place + 1, value=value, reason=reason)
        for place, value in zip(places.tolist(), values, strict=True)
    ]


def allowed_values(plan: ColumnPlan, example: object = None) -> str:
    """What a cell of the column can be, in words: "a number such as 12.5"."""
    shown = "" if example is None else str(example)
    if plan.type == "integer":
        return f"a whole number such as {shown or 12}"
    if plan.type == "number":
        return f"a number such as {shown or 12.5}"
    if plan.type == "boolean":
        words = [*plan.true_values[:3], *plan.false_values[:3]] or ["true", "false"]
        return f"one of {', '.join(words)}"
    if plan.type == "date":
        return f"a date such as {shown or '2021-12-31'}"
    if plan.type == "datetime":
        return f"a date and time such as {shown or '2021-12-31T23:59:00'}"
    if plan.type == "time":
        return f"a time of day such as {'1730' if plan.hhmm else '17:30'}"
    if plan.type == "image":
        return "a picture as data:image/...;base64,... (in a file also the path of a picture)"
    return "empty" if plan.type == "empty" else "a text"


def write_clean(tables: Iterable[CleanTable], folder: Path) -> None:
    """Writes `<table>.jsonl` for each table and `_rejects.jsonl` for all; each file is replaced as a whole.

    Raises:
        DataError: if a file cannot be written, as when the disk is full; nothing of it is left behind.
    """
    rejects: list[Reject] = []
    for table in tables:
        replace_file(folder / f"{table.name}.jsonl", _write_table, data=table.data)
        rejects += table.rejects
    rejects.sort(key=lambda reject: (reject.table, reject.file, reject.row, reject.column))
    replace_file(folder / "_rejects.jsonl", _write_rejects, rejects=rejects)


def _write_table(path: Path, *, data: pa.Table) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        write_lines(data, stream)


def _write_rejects(path: Path, *, rejects: Sequence[Reject]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for reject in rejects:
            stream.write(json.dumps(reject.model_dump(), ensure_ascii=False) + "\n")


def read_clean(folder: Path, name: str, plans: Mapping[str, ColumnPlan]) -> pa.Table:
    """The table `name` that `write_clean` wrote to `folder`, typed by `plans`.

    Raises:
        DataError: if the file is missing or does not hold what the plans say.
    """
    return read_table(folder / f"{name}.jsonl", plans)


def escape_formula(value: str) -> str:
    """`value` so that a spreadsheet shows it as text instead of running it as a formula; numbers stay.

    >>> escape_formula("=1+1"), escape_formula("-5.2"), escape_formula("plain")
    ("'=1+1", '-5.2', 'plain')
    """
    risky = value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if risky and not _PLAIN_NUMBER.fullmatch(value) else value

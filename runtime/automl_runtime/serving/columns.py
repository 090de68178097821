"""Bodies that hold rows in other forms than one JSON object for each: from bytes to columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import csv as arrow_csv

from automl_runtime.serving.answers import Columns, Contents
from automl_runtime.serving.requests import BadRequest, Problem, check_rows, parse_body, too_many_rows

if TYPE_CHECKING:
    from automl_schemas.bundle import InputSchema

__all__ = ["as_contents", "read_csv", "read_json"]

_FEW: Final = 64
"""Rows below which lists of values are taken apart into rows: these are scored together with others that wait."""
_DELIMITERS: Final = ",;\t|"
_CSV: Final = "a header with the columns of the model, and a line for each row"


def read_json(body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """One row, `{"rows": [{...}, ...]}` or `{"columns": {"a": [...], ...}}`.

    Raises:
        BadRequest: 422 if the body is no JSON of one of these forms, 413 if it has more than `most_rows` rows.
    """
    rows, many, columns = parse_body(body, most_rows=most_rows)
    return Contents(rows, many) if columns is None else as_contents(columns, schema, most_rows)


def read_csv(body: bytes, schema: InputSchema, most_rows: int) -> Contents:
    """CSV in UTF-8 with a header; what separates cells is a comma, semicolon, tab or bar, as its header says.

    Cells are texts, which are read as those of the source were.

    Raises:
        BadRequest: 422 if it is no such CSV, 413 if it has more than `most_rows` rows.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest([Problem("The body is not in UTF-8.", allowed="UTF-8")]) from error
    names, delimiter = _header(text, {column.name for column in schema.columns})
    _check_names(dict.fromkeys(names), schema)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadRequest([Problem(f"The column '{twice[:100]}' stands twice in the header.", column=twice[:100])])
    table = _cells(text.encode(), names, delimiter, most_rows)
    arrays = [_one(column) for column in table.columns]
    few = table.num_rows <= _FEW
    values = {name: array.to_pylist() if few else array for name, array in zip(names, arrays, strict=True)}
    return as_contents(values, schema, most_rows)


def as_contents(columns: Mapping[str, Any], schema: InputSchema, most_rows: int) -> Contents:
    """Columns, each a list or an Arrow array, as what a body holds; a few rows of lists as rows.

    Raises:
        BadRequest: if columns are not known, left out, or of different lengths; 413 if they are too long.
    """
    _check_names(columns, schema)
    lengths = {name: len(values) for name, values in columns.items()}
    count = max(lengths.values(), default=0)
    if count > most_rows:
        raise too_many_rows(count, most_rows)
    short = [name for name, length in lengths.items() if length != count]
    if short:
        message = f"'{short[0][:100]}' has {lengths[short[0]]:,} values, another column {count:,}."
        raise BadRequest([Problem(message, column=short[0][:100], allowed="as many values in each column")])
    if count <= _FEW and not any(isinstance(values, pa.Array) for values in columns.values()):
        return Contents([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])
    return Contents((), columns=Columns(columns, count))


def _check_names(columns: Mapping[str, Any], schema: InputSchema) -> None:
    known = {column.name: column for column in schema.columns}
    try:
        check_rows([columns], known)
    except BadRequest as refusal:
        raise BadRequest([replace(problem, row=None) for problem in refusal.problems]) from None
    absent = [c.name for c in schema.columns if c.name not in columns and (c.required or not c.nullable)]
    if absent:
        raise BadRequest([Problem(f"The column '{name}' is left out.", column=name) for name in absent])


def _header(text: str, known: Iterable[str]) -> tuple[list[str], str]:
    """The names in the header, and the character between them with which it names the most columns."""
    known = set(known)
    best: tuple[int, list[str], str] = (-1, [], ",")
    for delimiter in _DELIMITERS:
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error as error:
            raise BadRequest([Problem(f"The header cannot be read: {error}.", allowed=_CSV)]) from error
        names = [cell.strip() for cell in cells]
        found = len(known.intersection(names))
        if found > best[0]:
            best = found, names, delimiter
    if not best[1]:
        raise BadRequest([Problem("The body has no header.", allowed=_CSV)])
    return best[1], best[2]


def _cells(body: bytes, names: Sequence[str], delimiter: str, most_rows: int) -> pa.Table:
    wrong: list[Any] = []

    def put_aside(row: Any) -> str:
        wrong.append(row)
        return "skip"

    places = [str(place) for place in range(len(names))]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(body),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(body) + 1, column_names=places),
            arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=len(names) > 1,
                invalid_row_handler=put_aside,
            ),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(places, pa.string()), strings_can_be_null=False),
        ).slice(1)
    except pa.ArrowInvalid as error:
        raise BadRequest([Problem(f"The body is no CSV: {error}"[:300], allowed=_CSV)]) from error
    if table.num_rows > most_rows:
        raise too_many_rows(table.num_rows, most_rows)
    if wrong:
        message = "Row {} has {} cells, the header {}."
        told = [(row.number - 2, row.actual_columns, row.expected_columns) for row in wrong]
        raise BadRequest([Problem(message.format(*row), row=row[0], allowed=f"{row[2]} cells") for row in told])
    return table


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)

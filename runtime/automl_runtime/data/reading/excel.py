"""Workbooks (.xlsx, .xls, .xlsb, .ods) as tables: one or more of each sheet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final

import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum

from automl_runtime.data.naming import unique_name
from automl_runtime.data.reading.bands import bands
from automl_runtime.data.reading.build import column_names, table_name
from automl_runtime.data.reading.grid import GridTable, find_tables, is_blank
from automl_runtime.data.reading.merged_cells import Merge, Unmerged, filled_down, inside, unmerge
from automl_runtime.data.reading.source import Source
from automl_runtime.data.reading.values import column_of, plain_text
from automl_runtime.data.reading.workbook_parts import OLE_MAGIC, SheetScan, scan_workbook, too_large, whole_container
from automl_runtime.data.reading.workbook_probe import survives
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError, shorten

__all__ = ["read_excel"]

_MOST_CELLS: Final = 40_000_000
_LARGEST: Final = 1e15
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")

Grid = list[list[Any]]


def read_excel(source: Source) -> list[RawTable]:
    """The tables of a workbook, sheet by sheet.

    Numbers, dates and truth values keep their types where a column holds nothing else; a mixed column is text as a
    person sees it. The value of merged cells stands in each of them in a header and goes down the rows of data.

    Raises:
        DataError: if the file is empty, cut off, protected with a password, or holds no table.
    """
    raw = source.path.read_bytes()
    _refuse_protected(raw, source)
    warnings: list[str] = []
    try:
        scans = scan_workbook(source.path)
        raw = whole_container(raw)
        if not scans and not survives(raw):
            raise _damaged(source, "it claims sizes that cannot be")
        workbook = CalamineWorkbook.from_filelike(BytesIO(raw))
        sheets = _sheets(workbook, scans, warnings)
    except DataError:
        raise
    except PasswordError as error:
        raise _protected(source) from error
    except (CalamineError, ValueError, OSError, OverflowError) as error:
        raise _damaged(source, _reason(error, raw)) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what the reader, written in Rust, ends with on broken files
            raise
        raise _damaged(source, _reason(error, raw)) from None
    tables = _tables(sheets, source, warnings)
    if not tables:
        raise DataError(f"{source.file} holds no table{''.join(f': {text}' for text in warnings[:1])}.")
    return tables


def _refuse_protected(raw: bytes, source: Source) -> None:
    """A protected .xlsx file is an OLE container, which the reader takes for a broken .xls file."""
    if raw.startswith(OLE_MAGIC) and _ENCRYPTED in raw:
        raise _protected(source)


def _protected(source: Source) -> DataError:
    return DataError(
        f"{source.file} is protected with a password.", hint="Open it, take the password off and save it again."
    )


def _damaged(source: Source, reason: str) -> DataError:
    return DataError(
        f"{source.file} cannot be read as a workbook: {reason}.",
        hint="It may be cut off or damaged; open it in a spreadsheet program and save it again.",
    )


def _reason(error: BaseException, raw: bytes) -> str:
    if not raw:
        return "it is empty (0 bytes)"
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    rows: Grid
    """Rows of equal length, from the first row and column of the sheet on; "" for an empty cell."""
    merges: Sequence[Merge]


def _sheets(workbook: CalamineWorkbook, scans: dict[str, SheetScan], warnings: list[str]) -> list[_Sheet]:
    """The work sheets that hold anything."""
    sheets = []
    for index, metadata in enumerate(workbook.sheets_metadata):
        scan = scans.get(metadata.name, SheetScan())
        if metadata.typ != SheetTypeEnum.WorkSheet:
            continue
        if too_large(scan, _MOST_CELLS):
            warnings.append(
                f"sheet {shorten(metadata.name)} was left out: it reaches over {scan.rows:,} rows and "
                f"{scan.columns:,} columns; delete stray cells far from the table"
            )
            continue
        sheet = workbook.get_sheet_by_index(index)
        rows: Grid = sheet.to_python(skip_empty_area=False) if sheet.start is not None or scan.errors else []
        rows = _with_errors(rows, scan)
        if any(cell != "" for row in rows for cell in row):
            exact = [[_exact(cell) if type(cell) is float else cell for cell in row] for row in rows]
            sheets.append(_Sheet(metadata.name, exact, sheet.merged_cell_ranges or ()))
    return sheets


def _with_errors(rows: Grid, scan: SheetScan) -> Grid:
    """The rows with the text of error cells, which are empty in what the reader gives."""
    if not scan.errors:
        return rows
    width = max(scan.columns, max(map(len, rows), default=0))
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    rows += [[""] * width for _ in range(scan.rows - len(rows))]
    for (row, column), text in scan.errors.items():
        if rows[row][column] == "":
            rows[row][column] = text
    return rows


def _tables(sheets: Sequence[_Sheet], source: Source, warnings: Sequence[str]) -> list[RawTable]:
    found = [(sheet, tables) for sheet in sheets if (tables := list(_sheet_tables(sheet)))]
    result: list[RawTable] = []
    for sheet, tables in found:
        name = table_name(sheet.name if len(found) > 1 else source.stem)
        for number, table in enumerate(tables):
            result.append(
                RawTable(
                    unique_name(name, [other.name for other in result]),
                    source.file,
                    table.data,
                    inner=sheet.name if number == 0 else f"{sheet.name}#{number + 1}",
                    header_row=None if table.grid.header_row is None else table.grid.header_row + 1,
                    preamble_rows=table.grid.preamble_rows,
                    footer_rows=table.grid.footer_rows,
                    names_from="generated" if table.grid.header_row is None else "header",
                    raw_header=table.header,
                    warnings=() if result else tuple(warnings),
                )
            )
    return result


@dataclass(frozen=True, slots=True)
class _Found:
    grid: GridTable
    header: tuple[str, ...]
    data: pa.Table


def _sheet_tables(sheet: _Sheet) -> list[_Found]:
    texts = [[_SHOWN[type(cell)](cell) for cell in row] for row in sheet.rows]
    found = []
    for left, right in bands(texts):
        band, cells = texts, sheet.rows
        if (left, right) != (0, len(texts[0])):
            band, cells = [row[left:right] for row in texts], [row[left:right] for row in cells]
        merges = inside(sheet.merges, left, right, len(texts))
        unmerged = unmerge(band, merges) if merges else Unmerged(band)
        cells = filled_down(cells, merges) if merges else cells
        found += [_cut_out(_whole_header(grid, unmerged), band, cells) for grid in find_tables(unmerged.rows)]
    return found


def _whole_header(grid: GridTable, unmerged: Unmerged) -> GridTable:
    """The table with its header from its first row on."""
    top = None if grid.header_row is None else unmerged.tops.get(grid.header_row)
    if top is None or grid.header_row is None:
        return grid
    return replace(grid, header_row=top, preamble_rows=grid.preamble_rows - (grid.header_row - top))


def _shown(value: object) -> str:
    """A cell as a person sees it, number formats not counted."""
    return _SHOWN[type(value)](value)


_SHOWN: Final[defaultdict[type, Callable[[Any], str]]] = defaultdict(
    lambda: plain_text, {str: str, int: str, float: repr, bool: lambda value: "TRUE" if value else "FALSE"}
)


def _exact(number: float) -> float | int:
    """A whole number, which a workbook stores as 5.0, as an integer."""
    return int(number) if number.is_integer() and -_LARGEST < number < _LARGEST else number


def _cut_out(grid: GridTable, texts: Sequence[list[str]], cells: Grid) -> _Found:
    """The rows and columns of one table, typed."""
    header = grid.header or ()
    rows = [cells[index] for index in range(grid.first_row, grid.last_row) if not is_blank(texts[index])]
    columns = list(zip(*rows, strict=True)) if rows else [()] * grid.width
    names = [*header, *[""] * (len(columns) - len(header))]
    used = [bool(name) or any(cell != "" for cell in column) for name, column in zip(names, columns, strict=True)]
    kept = range(grid.first_column, len(used) - used[::-1].index(True))
    names = [names[index] for index in kept]
    arrays = [_typed(columns[index]) for index in kept]
    found_header = tuple(names) if header else ()
    return _Found(grid, found_header, pa.table(arrays, names=column_names(names)))


def _typed(cells: Sequence[Any]) -> pa.Array:
    values = [None if cell == "" else cell for cell in cells]
    if {*map(type, values), type(None)} == {int, float, type(None)}:
        return pa.array(values, pa.float64())
    return column_of(values, text=_shown, empty="")

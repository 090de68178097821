"""What the reader of workbooks does not tell: error cells and how far a sheet of an .xlsx file reaches.

The sheets' XML is looked through as bytes, in blocks; nothing is parsed as XML and no entity is expanded.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from posixpath import join, normpath
from typing import Final

__all__ = ["OLE_MAGIC", "SheetScan", "column_number", "scan_workbook", "too_large", "whole_container"]

OLE_MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_LAST_SECTOR: Final = 0xFFFFFFFA
_FREE: Final = 0xFFFFFFFF
_BLOCK: Final = 1 << 20
_LONGEST_CELL: Final = 1 << 17
_MOST_BYTES: Final = 2 << 30
_MOST_ROWS: Final = 1_048_576
_MOST_COLUMNS: Final = 16_384
_REFERENCE: Final = re.compile(rb' r="([A-Za-z]+)([0-9]+)"')
_ROW: Final = re.compile(rb'row [^<>]*?\br="([0-9]+)"')
_CLAIM: Final = re.compile(rb'[cC]ount="([0-9]{9,30})')
_ERROR: Final = re.compile(rb'<(?:\w+:)?c\s([^<>]*\bt="e"[^<>]*)>(.*?)</(?:\w+:)?c>', re.DOTALL)
_VALUE: Final = re.compile(rb"<(?:\w+:)?v>([^<]*)</")
_TAG: Final = re.compile(r"<(?:\w+:)?(sheet|Relationship)\s([^<>]*)>")
_ATTRIBUTE: Final = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_PLAIN: Final = bytes.maketrans(b"'\n\r\t", b'"   ')


@dataclass(slots=True)
class SheetScan:
    """What the XML of one sheet says."""

    rows: int = 0
    columns: int = 0
    """One past the last row and column of any cell."""
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    """Text of the error cells (`#N/A`), by 0-based row and column."""


def scan_workbook(path: Path) -> dict[str, SheetScan]:
    """For each sheet of an .xlsx file, its reach and errors; nothing for other formats.

    Raises:
        ValueError: if the archive is damaged or expands to more than 2 GiB.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MOST_BYTES:
                raise ValueError("it expands to more than 2 GiB")
            for member in archive.namelist():
                if member in ("xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"):
                    with archive.open(member) as stream:
                        _refuse_counts(stream.read(_LONGEST_CELL).translate(_PLAIN))
            return {name: _scan(archive, part) for name, part in _sheet_parts(archive)}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def _sheet_parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """Names of the sheets and the parts of the archive that hold them."""
    names = set(archive.namelist())
    book = "xl/workbook.xml"
    relations = "xl/_rels/workbook.xml.rels"
    if not {book, relations} <= names:
        return
    targets = {tag.get("Id"): tag.get("Target", "") for tag in _tags(archive.read(relations), "Relationship")}
    for tag in _tags(archive.read(book), "sheet"):
        target = targets.get(next((value for key, value in tag.items() if key.endswith(":id")), None))
        if target is not None and "name" in tag:
            part = normpath(join("/xl", target)).lstrip("/")
            if part in names:
                yield tag["name"], part


def _tags(xml: bytes, wanted: str) -> Iterator[dict[str, str]]:
    for name, attributes in _TAG.findall(xml.decode("utf-8", "backslashreplace")):
        if name == wanted:
            yield {key: unescape(first or second) for key, first, second in _ATTRIBUTE.findall(attributes)}


def _scan(archive: zipfile.ZipFile, part: str) -> SheetScan:
    scan = SheetScan()
    letters: set[bytes] = set()
    rest = b""
    with archive.open(part) as stream:
        while block := stream.read(_BLOCK):
            block = rest + block.translate(_PLAIN)
            found = _REFERENCE.findall(block)
            letters.update(column for column, _ in found)
            numbers = {row for _, row in found}
            numbers.update(_ROW.findall(block))
            scan.rows = max(scan.rows, max(map(int, numbers), default=0))
            if block.count(b"<c ") + block.count(b"<c>") > len(found):
                scan.columns = max(scan.columns, _unnumbered(block))
            _refuse_counts(block)
            if b't="e"' in block:
                scan.errors.update(_errors(block))
            rest = block[block.rfind(b"</") :][-_LONGEST_CELL:]
    scan.columns = max(scan.columns, max((column_number(text.decode()) for text in letters), default=0))
    if scan.rows > _MOST_ROWS or scan.columns > _MOST_COLUMNS:
        raise ValueError("a cell stands outside the sheet")
    return scan


def _unnumbered(block: bytes) -> int:
    """The most cells that a row has, where cells do not say in which column they stand."""
    return max(row.count(b"<c ") + row.count(b"<c>") for row in block.split(b"<row"))


def _refuse_counts(block: bytes) -> None:
    """The reader makes room for as many items as a list claims to have."""
    if (claim := _CLAIM.search(block)) is not None:
        raise ValueError(f"it claims to hold {claim.group(1).decode()} items")


def _errors(block: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    for attributes, content in _ERROR.findall(block):
        place, value = _REFERENCE.search(b" " + attributes), _VALUE.search(content)
        if place is not None and value is not None:
            column, row = place.groups()
            text = unescape(value.group(1).decode("utf-8", "backslashreplace"))
            yield (int(row) - 1, column_number(column.decode()) - 1), text


def whole_container(raw: bytes) -> bytes:
    """The bytes of an .xls file (an OLE container) filled up to whole sectors; those of other formats as they are.

    Raises:
        ValueError: if sectors that the container speaks of are missing.
    """
    if not raw.startswith(OLE_MAGIC):
        return raw
    if len(raw) < 512 or not 7 <= (shift := int.from_bytes(raw[30:32], "little")) <= 12:
        raise ValueError("its container is cut off")
    size = 1 << shift
    raw += bytes(-len(raw) % size)
    count = len(raw) // size - 1
    tables = [number for number in struct.unpack("<109I", raw[76:512]) if number < _LAST_SECTOR]
    starts = struct.unpack("<I", raw[48:52])
    if not tables or max(*tables, *starts) >= count:
        raise ValueError("its container is cut off")
    entries = b"".join(raw[(number + 1) * size : (number + 2) * size] for number in tables)
    used = [place for place, entry in enumerate(struct.unpack(f"<{len(entries) // 4}I", entries)) if entry != _FREE]
    if used and used[-1] >= count:
        raise ValueError("its container is cut off")
    return raw


def column_number(letters: str) -> int:
    """The 1-based number of a column.

    >>> column_number("A"), column_number("AA"), column_number("XFD")
    (1, 27, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - 64
    return number


def too_large(scan: SheetScan, most_cells: int) -> bool:
    """Whether a sheet would take more than `most_cells` cells of memory, most of them empty or not."""
    return scan.rows * scan.columns > most_cells

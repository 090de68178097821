"""XML as tables: elements that repeat are records, their attributes and children are columns.

No entity is expanded, no DTD is loaded and nothing is fetched; a file that declares entities is refused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any, Final

import pyarrow as pa
from lxml import etree

from automl_runtime.data.naming import unique_name
from automl_runtime.data.reading.build import table_name
from automl_runtime.data.reading.delimited import tables_of_grid
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.json_tables import tables_of
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

__all__ = ["read_xml"]

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_SHEET: Final = "{urn:schemas-microsoft-com:office:spreadsheet}"
_NAMING: Final = frozenset({"name", "key", "column", "field"})
_WIDEST: Final = 16_384
_MOST_CELLS: Final = 5_000_000


def read_xml(source: Source) -> list[RawTable]:
    """The tables of an XML file; all cells are text, "" for an empty element and null for a missing one.

    Elements that repeat inside records become nested tables.

    Raises:
        DataError: if it is not well-formed, declares entities, or holds no table.
    """
    root = _parse(source)
    if root.tag == f"{_SHEET}Workbook":
        return _workbook(root, source)
    kind = _Kind()
    _survey(root, kind)
    document = _Reader().read(root, kind)
    if isinstance(document, dict) and any(child.repeats for child in kind.children.values()):
        for name in kind.attributes:
            document.pop(name, None)
    tables = tables_of(document, RawTable(source.stem, source.file, pa.table({})), name_single=False)
    if not tables:
        raise DataError(f"{source.file} is XML but holds no table.", hint="Records are elements that repeat.")
    return tables


def _parse(source: Source) -> Any:
    raw = source.path.read_bytes()
    try:
        tree = _tree(raw, None)
    except (etree.XMLSyntaxError, OSError) as error:
        # Perhaps only because it is not in the encoding that it claims, or claims none.
        try:
            tree = _tree(decode(raw, source.encoding).text.encode("utf-8", "backslashreplace"), "utf-8")
        except (etree.XMLSyntaxError, OSError):
            raise DataError(
                f"{source.file} is not well-formed XML: {getattr(error, 'msg', None) or error}.",
                hint="It may have been cut off; export or copy it again.",
            ) from error
    _refuse_entities(tree, source)
    return tree.getroot()


def _tree(raw: bytes, encoding: str | None) -> Any:
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.parse(BytesIO(raw), parser)


def _refuse_entities(tree: Any, source: Source) -> None:
    declared = tree.docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise DataError(
            f"{source.file} declares XML entities, which are not expanded.",
            hint="Entities can read files and fill the memory; write the file without a DOCTYPE.",
        )


@dataclass(slots=True)
class _Kind:
    """What all elements on one path have in common."""

    repeats: bool = False
    """Whether some parent has several of them."""
    attributes: set[str] = field(default_factory=set)
    has_text: bool = False
    children: dict[str, _Kind] = field(default_factory=dict)
    named: bool = True
    """Whether siblings are told apart by what their only attribute says: `<field name="age">`."""

    @property
    def wraps_a_list(self) -> bool:
        """Whether there is nothing in it but elements of one kind that repeats."""
        only = next(iter(self.children.values())) if len(self.children) == 1 else None
        return only is not None and only.repeats and not only.holds_fields and not (self.attributes or self.has_text)

    @property
    def holds_fields(self) -> bool:
        """Whether it is one field of a record, named by an attribute."""
        return self.repeats and self.named and not self.children and len(self.attributes & _NAMING) == 1

    @property
    def is_leaf(self) -> bool:
        """Whether there is nothing in it but text."""
        return not self.attributes and not self.children


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _survey(element: Any, kind: _Kind) -> None:
    """Notes what repeats, below an element."""
    kind.attributes.update(_local(name) for name in element.attrib if not name.startswith(_NIL))
    if _is_mixed(element):
        kind.has_text = True
        return
    kind.has_text |= len(element) == 0 and bool((element.text or "").strip())
    counts = Counter(child.tag for child in element if isinstance(child.tag, str))
    seen: dict[str, set[str]] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        tag = _local(child.tag)
        below = kind.children.setdefault(tag, _Kind())
        below.repeats |= counts[child.tag] > 1
        names = seen.setdefault(tag, set())
        name = next((value for key, value in child.attrib.items() if key in _NAMING), None)
        below.named &= name is not None and name not in names and len(child.attrib) == 1
        names.add(name or "")
        _survey(child, below)


def _is_mixed(element: Any) -> bool:
    """Whether text stands between the children of an element: prose, not structure."""
    if not len(element):
        return False
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


class _Reader:
    """Turns elements into objects, arrays and text."""

    def read(self, element: Any, kind: _Kind, text_key: str = "") -> Any:
        """The value of an element; its text stands under `text_key` when it has attributes."""
        if element.get(f"{_NIL}nil") in ("true", "1"):
            return None
        if kind.wraps_a_list:
            (below,) = kind.children.values()
            return [self.read(child, below, "value") for child in element if isinstance(child.tag, str)]
        if kind.is_leaf or (_is_mixed(element) and not kind.attributes):
            return "".join(element.itertext())
        record: dict[str, Any] = {}
        for name, value in element.attrib.items():
            if not name.startswith(_NIL):
                record[_free(_local(name), kind.children)] = value
        if kind.has_text and (not len(element) or _is_mixed(element)):
            record[text_key] = "".join(element.itertext())
        else:
            self._read_children(element, kind, record)
        return record

    def _read_children(self, element: Any, kind: _Kind, record: dict[str, Any]) -> None:
        for child in element:
            if not isinstance(child.tag, str):
                continue
            tag = _local(child.tag)
            below = kind.children[tag]
            if below.holds_fields:
                name = next(value for key, value in child.attrib.items() if key in _NAMING)
                record[_free(name, record)] = child.text or ""
            elif below.repeats:
                record.setdefault(tag, []).append(self.read(child, below, "value"))
            else:
                record[tag] = self.read(child, below)


def _free(name: str, taken: Any) -> str:
    while name in taken:
        name = f"@{name}"
    return name


def _workbook(root: Any, source: Source) -> list[RawTable]:
    """The sheets of a spreadsheet that was saved as XML."""
    tables: list[RawTable] = []
    sheets = [_sheet(sheet, source) for sheet in root.iter(f"{_SHEET}Worksheet")]
    filled = [sheet for sheet in sheets if any(map(any, sheet.rows))]
    for sheet in filled:
        name = table_name(sheet.name if len(filled) > 1 else source.stem)
        for table in tables_of_grid(source, sheet.rows, lines=sheet.numbers):
            own = unique_name(name, [other.name for other in tables])
            inner = sheet.name if table.inner is None else f"{sheet.name}#{table.inner}"
            tables.append(replace(table, name=own, inner=inner))
    if not tables:
        raise DataError(f"{source.file} is a workbook without a table.")
    return tables


@dataclass(slots=True)
class _Sheet:
    name: str
    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)


def _sheet(element: Any, source: Source) -> _Sheet:
    """The rows of a sheet and their numbers; of rows that are skipped, one stays to part what it parts."""
    sheet = _Sheet(element.get(f"{_SHEET}Name", ""))
    cells = 0
    for row in element.iterfind(f"{_SHEET}Table/{_SHEET}Row"):
        after = sheet.numbers[-1] if sheet.numbers else 0
        number = _index(row, after) + 1
        if number > after + 1:
            sheet.rows.append([])
            sheet.numbers.append(number - 1)
        sheet.rows.append(_sheet_cells(row))
        sheet.numbers.append(number)
        cells += len(sheet.rows[-1])
        if cells > _MOST_CELLS:
            raise DataError(f"{source.file}: a sheet of more than {_MOST_CELLS:,} cells, most of them empty.")
    width = max(map(len, sheet.rows), default=0)
    sheet.rows = [[*row, *[""] * (width - len(row))] for row in sheet.rows]
    return sheet


def _sheet_cells(row: Any) -> list[str]:
    cells: list[str] = []
    for cell in row.iterfind(f"{_SHEET}Cell"):
        cells += [""] * (min(_index(cell, len(cells)), _WIDEST) - len(cells))
        data = cell.find(f"{_SHEET}Data")
        cells.append("" if data is None else "".join(data.itertext()))
        across = cell.get(f"{_SHEET}MergeAcross", "0")
        cells += [""] * (min(int(across), _WIDEST) if across.isdecimal() and len(across) < 6 else 0)
    return cells


def _index(element: Any, place: int) -> int:
    """The 0-based place that an element asks for, or the one it is at."""
    asked = element.get(f"{_SHEET}Index", "")
    return max(int(asked) - 1, place) if asked.isdecimal() and len(asked) < 9 else place

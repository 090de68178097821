"""Records out of delimited text: the csv module where the text is sound, repairs where it is not.

A first pass in strict mode finds what most records look like. Where a record breaks the rules, a second pass goes
through the lines again, mends single records with `repair` and goes on behind them, so that a stray quote costs one
record its quote and no other record its cells.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from automl_schemas.catalog import Dialect

from automl_runtime.data.reading.header import fits, profile
from automl_runtime.data.reading.repair import Layout, repair_line, shape_of

if TYPE_CHECKING:
    from _csv import Reader

__all__ = ["Prepared", "Records", "is_sound_quoting", "mend_records", "parse_records", "prepare"]

_MOST_TRIES = 100
_WIDEST_MENDED = 20_000
_MOST_BROKEN = 20
_LONGEST_RECORD = 30
_SAMPLE = 300
_COMMENTS = frozenset("#%/;")
_CONTROLS = "\x02\x03\x04\x05\x06\x0e\x0f"
_PRIVATE = range(0xE000, 0xE100)

Row = list[str]


@dataclass(slots=True)
class Records:
    """The records of a text, the 1-based line that each begins on, and what had to be mended."""

    rows: list[Row] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("Q"))
    warnings: list[str] = field(default_factory=list)
    broken: int = 0
    """Records that the survey could not read."""
    cut: bool = False
    """Whether the text ends inside a quoted cell."""

    def add(self, row: Row, line: int) -> None:
        """Appends a record that begins on `line`."""
        self.rows.append(row)
        self.lines.append(line)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Text in which one character separates cells, and what to put back into the cells afterwards."""

    text: str
    delimiter: str
    quote: str
    back: tuple[tuple[str, str], ...] = ()
    """Stand-ins with the signs that they stand for."""


def parse_records(text: str, dialect: Dialect, *, mend: bool = True) -> Records:
    """The records of `text`, blank ones as empty rows; cells are unquoted and otherwise as they stand.

    A delimiter may have several characters. Records of unusual width stay as they are unless their line, read in
    another way, gives cells that all fit their columns. Without `mend`, records that break the csv rules are left
    out and counted in `broken`.
    """
    prepared = prepare(text, dialect)
    lines = io.StringIO(prepared.text, newline="").readlines()
    _allow_long_cells(len(prepared.text))
    records = _survey(lines, prepared)
    narrow = max(map(len, records.rows), default=0) <= _WIDEST_MENDED
    regular = _is_regular(records, len(lines)) and is_sound_quoting(text, dialect)
    if mend and (records.broken or (narrow and not regular)):
        records = _Mender(lines, prepared, records).run()
    if prepared.back:
        records.rows = [_restored(row, prepared.back) for row in records.rows]
    return records


def is_sound_quoting(text: str, dialect: Dialect) -> bool:
    """Whether every quote opens or closes a cell or is doubled inside one."""
    quote, edge = re.escape(dialect.quotechar), re.escape(dialect.delimiter)
    if not dialect.quotechar or dialect.quotechar not in text:
        return True
    cell = rf"(?:^|(?<={edge})){quote}(?:[^{quote}]++|{quote}{quote})*+{quote}(?={edge}|[\r\n]|\Z)"
    return dialect.quotechar not in re.sub(cell, "", text, flags=re.MULTILINE)


def _allow_long_cells(size: int) -> None:
    """Lifts the csv module's limit of 131,072 characters a cell as far as a text of `size` needs it."""
    csv.field_size_limit(max(csv.field_size_limit(), size + 1))


def prepare(text: str, dialect: Dialect) -> Prepared:
    """A text rewritten for parsers that know one delimiter of one character and no escape character."""
    delimiter, quote, escape = dialect.delimiter, dialect.quotechar, dialect.escapechar
    unused = (chr(point) for point in _PRIVATE if chr(point) not in text)
    back: list[tuple[str, str]] = []
    if escape:
        for sign in dict.fromkeys([escape, quote, delimiter]):
            if sign and escape + sign in text:
                stand_in = next(unused)
                text = text.replace(escape + sign, stand_in)
                back.append((stand_in, sign))
    if len(delimiter) != 1:
        stand_in = next((sign for sign in _CONTROLS if sign not in text), "") or next(unused)
        if delimiter:
            text = _separated(text, delimiter, stand_in)
            back.append((stand_in, delimiter))
        delimiter = stand_in
    if quote and f"{delimiter} {quote}" in text and delimiter + quote not in text:
        text = re.sub(f"{re.escape(delimiter)} +{re.escape(quote)}", delimiter + quote, text)
    text, ends = _without_inner_ends(text, delimiter, unused)
    return Prepared(text, delimiter, quote, (*back, *ends))


def _separated(text: str, delimiter: str, stand_in: str) -> str:
    """`delimiter` replaced; one that ends in a space may lack it at the end of a line."""
    if delimiter.endswith(" ") and delimiter.strip():
        bare = re.escape(delimiter.rstrip(" "))
        return re.sub(rf"{re.escape(delimiter)}|{bare}(?=[\r\n]|\Z)", stand_in, text)
    return text.replace(delimiter, stand_in)


def _without_inner_ends(text: str, delimiter: str, unused: Iterator[str]) -> tuple[str, list[tuple[str, str]]]:
    """Lone CR (or LF) inside cells hidden, where records end otherwise and the lines are whole with them."""
    pairs = text.count("\r\n")
    counts = {"\r\n": pairs, "\n": text.count("\n") - pairs, "\r": text.count("\r") - pairs}
    usual = max(counts, key=lambda end: counts[end])
    back: list[tuple[str, str]] = []
    for end, pattern in (("\r", "\r(?!\n)"), ("\n", "(?<!\r)\n")):
        if end != usual and 0 < counts[end] < 0.2 * counts[usual]:
            parts = text[: 1 << 20].split(usual)
            width = Counter(part.count(delimiter) for part in parts if part).most_common(1)[0][0]
            inside = [part.count(delimiter) == width > 0 for part in parts if end in part]
            if inside and all(inside):
                stand_in = next(unused)
                text = re.sub(pattern, stand_in, text)
                back.append((stand_in, end))
    return text, back


def _restored(row: Row, back: Sequence[tuple[str, str]]) -> Row:
    for stand_in, sign in back:
        row = [cell.replace(stand_in, sign) if stand_in in cell else cell for cell in row]
    return row


def mend_records(
    odd: Sequence[tuple[int, str]], usual: Sequence[Row], prepared: Prepared
) -> tuple[list[Row], list[str]] | None:
    """The cells of single lines (given with their numbers) that are not as wide as the `usual` records of a text.

    Returns the records and warnings about what was repaired; None when a line seems to end inside a quoted cell.
    """
    layout = _layout(usual, len(usual[0]), prepared)
    done: defaultdict[str, list[int]] = defaultdict(list)
    rows: list[Row] = []
    tries = 0
    for number, line in odd:
        row = _strictly(line, prepared)
        if row is not None and len(row) in (0, layout.width):
            rows.append(row)
            continue
        hopeful = tries < _MOST_TRIES + 3 * sum(map(len, done.values()))
        reading = repair_line(line, layout, cells=row) if hopeful else None
        tries += 1
        if reading is not None:
            done[reading.what].append(number)
            rows.append(reading.cells)
        elif row is None:
            return None
        else:
            rows.append(row)
    return rows, [_told(what, at) for what, at in done.items()]


def _strictly(line: str, prepared: Prepared) -> Row | None:
    """The cells of one line by the rules, None when it breaks them."""
    try:
        return next(_reader([line], prepared, strict=True), [])
    except csv.Error:
        return None


def _layout(usual: Sequence[Row], width: int, prepared: Prepared) -> Layout:
    columns = profile(usual[1:], width)
    shapes = [frozenset(map(shape_of, column.values)) for column in columns]
    return Layout(prepared.delimiter, prepared.quote, width, columns, shapes)


def _reader(lines: Iterator[str] | Sequence[str], prepared: Prepared, *, strict: bool) -> Reader:
    if not prepared.quote:
        return csv.reader(lines, delimiter=prepared.delimiter, quoting=csv.QUOTE_NONE, strict=strict)
    return csv.reader(lines, delimiter=prepared.delimiter, quotechar=prepared.quote, strict=strict)


def _survey(lines: Sequence[str], prepared: Prepared) -> Records:
    """All records that obey the rules; those that do not are counted."""
    records, start = Records(), 0
    while start < len(lines) and records.broken <= _MOST_BROKEN + len(lines) // 50:
        rest = lines if start == 0 else (lines[index] for index in range(start, len(lines)))
        reader, before = _reader(rest, prepared, strict=True), 0
        try:
            for row in reader:
                records.add(row, start + before + 1)
                before = reader.line_num
            break
        except csv.Error:
            records.broken += 1
            start += before + 1
    return records


def _is_regular(records: Records, lines: int) -> bool:
    """Whether every record has a common width and none spans lines that look like records themselves."""
    known = _known_widths(records)
    if records.broken or any(row and len(row) not in known for row in records.rows):
        return False
    return len(records.rows) == lines or max(known, default=0) < 3


def _known_widths(records: Records) -> set[int]:
    """The usual width, and others that many records or several in a row have."""
    widths = [len(row) for row in records.rows if row]
    counts = Counter(widths)
    known = {_usual(counts)} if counts else set()
    known |= {width for width, count in counts.items() if count >= max(3, 0.05 * len(widths))}
    run, last = 0, 0
    for width in widths:
        run, last = (run + 1 if width == last else 1), width
        if run == 3:
            known.add(width)
    return known


def _usual(counts: Counter[int]) -> int:
    several = [width for width in counts if width > 1 and counts[width] > 1] or list(counts)
    return max(several, key=lambda width: (counts[width], width))


class _Mender:
    """The second pass over a text whose first pass met broken records."""

    def __init__(self, lines: Sequence[str], prepared: Prepared, survey: Records) -> None:
        self._lines = lines
        self._prepared = prepared
        self._known = _known_widths(survey)
        width = _usual(Counter(len(row) for row in survey.rows if row)) if self._known else 1
        self._layout = _layout([row for row in survey.rows if len(row) == width], width, prepared)
        self._records = Records()
        self._done: defaultdict[str, list[int]] = defaultdict(list)
        self._tries = 0

    def run(self) -> Records:
        start = 0
        while start < len(self._lines):
            start = self._go_on(start)
        self._records.warnings = [*self._records.warnings, *(_told(what, at) for what, at in self._done.items())]
        return self._records

    def _go_on(self, start: int) -> int:
        """Reads records from line `start` up to and with the first broken one; the line after it."""
        rest = (self._lines[index] for index in range(start, len(self._lines)))
        reader, before = _reader(rest, self._prepared, strict=True), 0
        try:
            for row in reader:
                begin, end = start + before, start + reader.line_num
                if not self._is_sound(row, begin, end) and (mended := self._mend(begin, row)):
                    return mended
                self._records.add(row, begin + 1)
                before = reader.line_num
        except csv.Error:
            begin = start + before
            return self._mend(begin, None) or self._take_leniently(begin)
        return len(self._lines)

    def _is_sound(self, row: Row, begin: int, end: int) -> bool:
        if row and len(row) not in self._known:
            return False
        quote = self._prepared.quote
        if quote and quote in "".join(row) and any(cell.endswith(quote) and cell.count(quote) % 2 for cell in row):
            return False
        if end - begin == 1 or self._layout.width < 3:
            return True
        inner = self._lines[begin + 1 : end]
        return not any(line.count(self._layout.delimiter) + 1 >= self._layout.width for line in inner)

    def _mend(self, begin: int, row: Row | None) -> int:
        """Adds the record that begins on line `begin` as it was meant; the line after it, 0 if that is unclear.

        `row`: its cells by the rules; None when it breaks them.
        """
        if self._layout.width < 2 or not self._is_promising():
            return 0
        header = not any(self._records.rows)
        if header and not self._is_above_data(begin):
            return 0
        text, most = "", 1 if row is not None else _LONGEST_RECORD
        for index in range(begin, min(begin + most, len(self._lines))):
            text += self._lines[index]
            if index > begin and self._is_whole(self._lines[index]):
                break
            reading = repair_line(text.rstrip("\r\n"), self._layout, header=header, cells=row)
            self._tries += 1
            if reading is not None:
                self._records.add(reading.cells, begin + 1)
                self._done[reading.what].append(begin + 1)
                return index + 1
        return 0

    def _is_promising(self) -> bool:
        """Whether repairs succeed often enough to go on trying: they are slow."""
        return self._tries < _MOST_TRIES + 3 * sum(map(len, self._done.values()))

    def _is_above_data(self, begin: int) -> bool:
        """Whether the next line is a record of data, so that line `begin` can only be its header."""
        if begin + 1 >= len(self._lines) or not self._is_whole(self._lines[begin + 1]):
            return False
        row = next(_reader([self._lines[begin + 1]], self._prepared, strict=True))
        good, bad = fits(row, self._layout.columns)
        return good > bad and self._lines[begin].lstrip()[:1] not in _COMMENTS

    def _is_whole(self, line: str) -> bool:
        row = _strictly(line, self._prepared)
        return row is not None and len(row) == self._layout.width > 1

    def _take_leniently(self, begin: int) -> int:
        """Adds a broken record as the csv module reads it when it is not strict; the line after it."""
        rest = (self._lines[index] for index in range(begin, len(self._lines)))
        reader = _reader(rest, self._prepared, strict=False)
        row = next(reader)
        end = begin + reader.line_num
        if end == len(self._lines) and self._is_open(begin):
            swallowed = sum(map(self._is_whole, self._lines[begin + 1 : begin + 101]))
            if swallowed * 2 > min(100, end - begin - 1):
                row = self._lines[begin].rstrip("\r\n").split(self._prepared.delimiter)
                self._done["a quote that never closes was kept as text"].append(begin + 1)
                self._records.add(row, begin + 1)
                return begin + 1
            self._records.cut = True
            self._records.warnings.append(
                f"the text ends inside a quoted cell that begins on line {begin + 1}; its record is incomplete"
            )
        self._records.add(row, begin + 1)
        return end

    def _is_open(self, begin: int) -> bool:
        """Whether the record that begins on line `begin` is still inside quotes at the end of the text."""
        rest = (self._lines[index] for index in range(begin, len(self._lines)))
        try:
            next(_reader(rest, self._prepared, strict=True))
        except csv.Error as problem:
            return "end of data" in str(problem)
        return False


def _told(what: str, lines: Sequence[int]) -> str:
    """A warning that names the first lines.

    >>> _told("a stray quote was kept as text", [3, 9])
    'a stray quote was kept as text (lines 3, 9)'
    """
    shown = ", ".join(map(str, lines[:5])) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
    return f"{what} ({'line' if len(lines) == 1 else 'lines'} {shown})"

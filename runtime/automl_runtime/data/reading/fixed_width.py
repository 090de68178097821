"""Text whose columns are aligned by blanks, or drawn with bars and rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from automl_runtime.data.reading.cells import TYPED, kind_of
from automl_runtime.data.reading.delimited import tables_of_grid
from automl_runtime.data.reading.encodings import decode
from automl_runtime.data.reading.ruled import BOX, RULE, is_ruled, ruled_rows
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable

__all__ = ["is_fixed_width", "looks_typed", "read_fixed_width", "split_columns"]

_BLANK_SHARE = 0.97
_SAMPLE = 2_000
_FLUSH = 0.9
_TYPED_SHARE = 0.25
_WIDE = re.compile(r" {2,}")
_ENDS = re.compile(r"\r\n|\n|\r")


def read_fixed_width(source: Source) -> list[RawTable]:
    """The tables of a file with aligned or drawn columns; cells without the blanks that align them.

    Raises:
        DataError: if there is none.
    """
    decoded = decode(source.path.read_bytes(), source.encoding)
    lines = _ENDS.split(decoded.text)
    kept = [index for index, line in enumerate(lines) if not RULE.fullmatch(line.translate(BOX))]
    if is_ruled(lines):
        drawn = ruled_rows(lines)
        rows = [drawn[index] for index in kept]
    else:
        rows = split_columns([lines[index] for index in kept])
    read = replace(source, encoding=decoded.encoding)
    return tables_of_grid(read, rows, lines=[index + 1 for index in kept], warnings=decoded.warnings)


def is_fixed_width(lines: Sequence[str]) -> bool:
    """Whether the lines have two or more aligned columns, at least three lines of them."""
    filled = [line for line in lines[:_SAMPLE] if line.strip() and not RULE.fullmatch(line)]
    if len(filled) < 3 or sum("  " in line.strip() or "\t" in line for line in filled) < 0.6 * len(filled):
        return False
    split = split_columns(filled)
    rows = [[cell for cell in row if cell] for row in split]
    counts = Counter(map(len, rows))
    width, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    if width < 2:
        return False
    if count < 0.6 * len(rows):
        # Cells may be empty where the columns of numbers or dates give the table away.
        full = sum(len(row) > 0.5 * len(split[0]) for row in rows)
        return full >= 0.9 * len(rows) and looks_typed(filled)
    cells = [cell for row in rows[1:] if len(row) == width for cell in row]
    typed = sum(kind_of(cell) in TYPED or len(cell) <= 12 for cell in cells)
    return typed >= 0.5 * len(cells)


def looks_typed(lines: Sequence[str]) -> bool:
    """Whether a fair share of the cells of aligned lines are numbers, dates or times; of sentences hardly any are."""
    filled = [line for line in lines[:_SAMPLE] if line.strip() and not RULE.fullmatch(line)]
    cells = [cell for row in split_columns(filled)[1:] for cell in row if cell]
    return sum(kind_of(cell) in TYPED for cell in cells) >= _TYPED_SHARE * max(len(cells), 1)


def split_columns(lines: Sequence[str]) -> list[list[str]]:
    """The cells of aligned lines, cut where nearly all lines are blank; blank lines give no cells."""
    wide = [line.expandtabs(8).rstrip() for line in lines]
    filled = [line for line in wide if line]
    gaps = _gaps(filled)
    if not gaps and filled:
        return [line.split() for line in wide]
    return [_cut(line, gaps) if line else [] for line in wide]


def _gaps(lines: Sequence[str]) -> list[tuple[int, int]]:
    """Ranges of positions that are blank in nearly all lines, the first line (a header) not counted."""
    body = _even(lines[1:_SAMPLE])
    if not body:
        return []
    longest = max(map(len, body))
    taken = [0] * (longest + 1)
    for line in body:
        for position, sign in enumerate(line):
            taken[position] += sign != " "
    most = int((1 - _BLANK_SHARE) * len(body))
    gaps: list[tuple[int, int]] = []
    for position in range(longest + 1):
        if taken[position] <= most:
            if gaps and gaps[-1][1] == position:
                gaps[-1] = (gaps[-1][0], position + 1)
            else:
                gaps.append((position, position + 1))
    inner = [gap for gap in gaps if gap[0] > 0 and gap[1] <= longest]
    header = lines[0] if lines[0] in body or _parts(lines[0]) >= 2 else body[0]
    filled = [count / len(body) for count in taken]
    return [gap for gap in inner if _separates(gap, header, filled, len(body))]


def _even(lines: Sequence[str]) -> list[str]:
    """The lines with as many parts as most, without titles and totals."""
    counts = Counter(map(_parts, lines))
    usual = max((count for count in counts if count > 1), key=lambda count: (counts[count], count), default=0)
    return [line for line in lines if _parts(line) >= max(2, usual - 1)] if usual else list(lines)


def _parts(line: str) -> int:
    return len(_WIDE.split(line.strip()))


def _separates(gap: tuple[int, int], header: str, filled: Sequence[float], rows: int) -> bool:
    """Whether a gap is more than a chance meeting of the blanks between words.

    One blank separates where a name and nearly all cells end right before it, or begin right behind it.

    Args:
        gap: positions from and to.
        header: the line with the names.
        filled: share of the lines that have a sign, by position.
        rows: number of lines.
    """
    start, stop = gap
    if stop - start >= 2:
        return True
    padded = header.ljust(stop + 1)
    ends = padded[start - 1] != " " and filled[start - 1] >= _FLUSH
    begins = padded[stop] != " " and filled[stop] >= _FLUSH
    return rows >= 3 and padded[start] == " " and (ends or begins)


def _cut(line: str, gaps: Sequence[tuple[int, int]]) -> list[str]:
    cells, start = [], 0
    for low, high in gaps:
        cut = _place(line, max(low, start), high)
        cells.append(line[start:cut].strip())
        start = cut
    return [*cells, line[start:].strip()]


def _place(line: str, low: int, high: int) -> int:
    """Where to cut inside a gap: in the longest blank stretch, as names may hang over their column.

    A word that fills the gap is not cut but left whole.
    """
    best, length, run = low, 0, 0
    for position in range(low, high):
        run = run + 1 if position >= len(line) or line[position] == " " else 0
        if run > length:
            best, length = position - run + 1, run
    if not length:
        end = line.find(" ", high)
        best = len(line) if end < 0 else end
    return best

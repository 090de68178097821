"""A broken record of a delimited file, put together again from what its neighbours look like.

One dynamic programme cuts a line at its delimiters and merges the pieces into as many cells as the other records
have: a merge is free inside proper quotes, dear where a quote is astray, and only allowed in columns of text when no
quotes hold the pieces together. A reading is taken only when every number, date and time lands in its own column.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from automl_runtime.data.reading.cells import TYPED, kind_of
from automl_runtime.data.reading.header import Profile, fits

__all__ = ["Layout", "Reading", "read_line", "repair_line", "shape_of"]

_STRAY = 1.0
_INNER = 0.4
_JOIN = 0.6
_MISFIT = 3.0
_DEAREST = 2.9
_CLEARLY = 0.9
_STRANGEST = 0.5
_MOST_WORK = 400_000
_LONGEST_SEAM = 2_000
_MOST_SPARE = 1_000
_OTHER_DELIMITERS: Final = (" ", ";", "\t", "|", ",")
_DIGITS = re.compile(r"\d")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Layout:
    """What records of a file look like: `width` cells, the kinds of whose columns are in `columns`."""

    delimiter: str
    quote: str
    width: int
    columns: Sequence[Profile]
    shapes: Sequence[frozenset[str]] = ()
    """What values of each column look like (`shape_of`)."""

    @property
    def typed(self) -> int:
        """Columns of numbers, dates or times."""
        return sum(column.kind in TYPED for column in self.columns)


@dataclass(frozen=True, slots=True)
class Reading:
    """Cells that a line was read as, how far-fetched that is, and what was done."""

    cells: list[str]
    cost: float
    what: str
    joined: bool = False
    """Whether pieces were joined without quotes around them."""


def repair_line(
    line: str, layout: Layout, *, header: bool = False, cells: Sequence[str] | None = None
) -> Reading | None:
    """The cells of a line whose quotes or delimiters are broken, or None when no reading is convincing.

    `header`: the cells need not fit the columns below. `cells`: what the line gives by the rules, None when it
    breaks them; one that only has too few cells is not cut inside its quotes.
    """
    if line.count(layout.delimiter) > _MOST_SPARE + layout.width:
        return None
    if cells is not None and len(cells) == layout.width:
        return None if header else _moved_delimiter(line, layout, _strangeness(cells, layout))
    columns = [] if header else layout.columns
    best = None if cells is not None and len(cells) < layout.width else read_line(line, layout, columns)
    if best is not None and best.cost <= _STRAY and not best.joined:
        return best
    if not header:
        moved = _moved_delimiter(line, layout, _as_it_stands(cells, layout))
        if moved is not None or (best is not None and best.cost <= _DEAREST):
            return moved or best
    for delimiter in _OTHER_DELIMITERS:
        if delimiter == layout.delimiter or delimiter not in line:
            continue
        reading = read_line(line, replace(layout, delimiter=delimiter), columns)
        if reading is not None and _is_convincing(reading, layout, header=header):
            return replace(reading, what="a row with another delimiter was split")
    return None


def _as_it_stands(cells: Sequence[str] | None, layout: Layout) -> float:
    """How strange the record is when nothing is repaired; 0 where one lost delimiter cannot be what is wrong."""
    if cells is None or (len(cells) > layout.width and any(layout.quote in cell for cell in cells if layout.quote)):
        return _MISFIT
    return _strangeness([*cells, ""], layout) if len(cells) == layout.width - 1 else 0.0


def _is_convincing(reading: Reading, layout: Layout, *, header: bool) -> bool:
    if header:
        return reading.cost == 0
    good, bad = fits(reading.cells, layout.columns)
    return (
        bad == 0
        and good >= max(1, 0.6 * layout.typed)
        and _strangeness(reading.cells, layout) <= 0.1 * layout.width + 0.5
    )


@dataclass(frozen=True, slots=True)
class _Path:
    """A way to read the first pieces of a line; `ties`: another way costs as much."""

    cost: float = 0.0
    cells: tuple[str, ...] = ()
    joined: bool = False
    ties: bool = False


def read_line(line: str, layout: Layout, columns: Sequence[Profile]) -> Reading | None:
    """The cheapest way to read a line as `layout.width` cells, or None when there is none or no single one."""
    pieces = line.split(layout.delimiter)
    spare = len(pieces) - layout.width
    if spare < 0 or layout.width * (spare + 1) * (spare + 2) // 2 > _MOST_WORK:
        return None
    paths = {0: _Path()}
    for position in range(layout.width):
        column = columns[position] if position < len(columns) else None
        paths = _extend(pieces, paths, position, layout, column)
    best = paths.get(len(pieces))
    if best is None or (best.ties and layout.delimiter != " "):
        return None
    what = "cells with unquoted delimiters were joined" if best.joined else "a stray quote was kept as text"
    return Reading(list(best.cells), best.cost, what, best.joined)


def _extend(
    pieces: Sequence[str], paths: dict[int, _Path], position: int, layout: Layout, column: Profile | None
) -> dict[int, _Path]:
    """The cheapest readings with one more cell, by the piece that they end before."""
    last = len(pieces) - (layout.width - 1 - position)
    found: dict[int, _Path] = {}
    for start, path in paths.items():
        for end in range(start + 1, last + 1):
            cell = _cell(pieces[start:end], layout, column)
            if cell is None:
                continue
            cost = round(path.cost + cell[0], 6)
            known = found.get(end)
            if known is None or cost < known.cost:
                found[end] = _Path(cost, (*path.cells, cell[1]), path.joined or cell[2], path.ties)
            elif cost == known.cost:
                found[end] = replace(known, ties=True)
    return found


def _cell(pieces: Sequence[str], layout: Layout, column: Profile | None) -> tuple[float, str, bool] | None:
    """Cost and text of one cell made of `pieces`, and whether pieces were joined without quotes."""
    quote = layout.quote
    raw = pieces[0] if len(pieces) == 1 else layout.delimiter.join(pieces)
    bare = raw.strip(" ")
    if quote and len(bare) >= 2 and bare.startswith(quote) and bare.endswith(quote):
        inner = bare[1:-1]
        lone = inner.replace(quote * 2, "").count(quote)
        seams = sum(_ends_odd(piece.rstrip(" "), quote) for piece in pieces[:-1])
        seams += sum(_ends_odd(piece.lstrip(" ")[::-1], quote) for piece in pieces[1:])
        value = inner.replace(quote * 2, quote)
        return min(lone * _INNER, 1.0) + min(seams * _STRAY, 1.5) + _misfit(value, column), value, False
    cost = 0.0
    if len(pieces) > 1:
        if column is None or column.kind in TYPED or column.kind == "code":
            return None
        cost = sum(_seam(piece, layout.delimiter) for piece in pieces[1:])
    if quote and bare.startswith(quote):
        cost += _STRAY
    if quote and len(pieces) > 1:
        cost += _STRAY * sum(quote in piece for piece in pieces[1:])
    return cost + _misfit(raw, column), raw, len(pieces) > 1


def _ends_odd(text: str, quote: str) -> bool:
    """Whether a text ends in an odd number of quotes: one that is not half of an escaped one."""
    return (len(text) - len(text.rstrip(quote))) % 2 == 1


def _seam(piece: str, delimiter: str) -> float:
    """What it costs to join a piece to the one before: little where a sentence goes on."""
    if delimiter == " ":
        return 0.05
    return _JOIN / 2 if piece.startswith(" ") else _JOIN


def _misfit(value: str, column: Profile | None) -> float:
    if column is None or (column.kind is None and not column.few):
        return 0.0
    kind = kind_of(value)
    if column.kind in TYPED:
        return 0.0 if kind in (column.kind, "empty", "mark") else _MISFIT
    if column.few and value and value.strip() not in column.values:
        return 0.2
    return 0.1 if kind in TYPED or (column.kind == "code" and kind == "text") else 0.0


def _moved_delimiter(line: str, layout: Layout, plain: float) -> Reading | None:
    """A record with one delimiter too many or too few, where the columns show which one it is.

    `plain`: how strange the cells are without a repair.
    """
    found: list[Reading] = []
    longer = read_line(line, replace(layout, width=layout.width + 1, columns=()), ())
    if longer is not None and longer.cost == 0 and (cells := _without_surplus(longer.cells, layout)):
        found.append(Reading(cells, _strangeness(cells, layout), "a surplus delimiter was left out"))
    if plain >= _CLEARLY and not (found and found[0].cost < _STRAY) and (cells := _with_missing(line, layout)):
        strange = _strangeness(cells, layout)
        if strange <= min(plain - _CLEARLY, _STRANGEST):
            found.append(Reading(cells, strange, "a missing delimiter was put back"))
    return min(found, key=lambda reading: reading.cost, default=None)


def _without_surplus(cells: list[str], layout: Layout) -> list[str] | None:
    """The cells without the one empty cell that pushes the others out of their columns."""
    found = [cells[:index] + cells[index + 1 :] for index, cell in enumerate(cells) if not cell.strip()]
    return _likeliest(found, layout)


def _with_missing(line: str, layout: Layout) -> list[str] | None:
    """The cells when a delimiter is put back at the one place where both sides then look like their columns."""
    if len(line) > _LONGEST_SEAM:
        return None
    found: list[list[str]] = []
    for cut in range(1, len(line)):
        if line[cut - 1].isspace() or line[cut].isspace():
            continue
        reading = read_line(f"{line[:cut]}{layout.delimiter}{line[cut:]}", layout, layout.columns)
        if reading is None or reading.cost >= _INNER or reading.joined:
            continue
        if not _inside_word(line, cut) or _are_known(line[:cut].count(layout.delimiter), reading.cells, layout):
            found.append(reading.cells)
    return _likeliest(found, layout)


def _inside_word(line: str, cut: int) -> bool:
    return line[cut - 1].isalpha() and line[cut].isalpha()


def _are_known(place: int, cells: Sequence[str], layout: Layout) -> bool:
    """Whether the cells on both sides of a seam are values that their columns also have elsewhere."""
    pair = list(zip(cells, layout.columns, strict=False))[place : place + 2]
    return all(column.few and cell in column.values for cell, column in pair)


def _likeliest(found: Sequence[list[str]], layout: Layout) -> list[str] | None:
    """The cells that look most like the columns; None where some value is in a wrong one or two are as likely."""
    scored = sorted((_strangeness(cells, layout), cells) for cells in found if not fits(cells, layout.columns)[1])
    if not scored or (len(scored) > 1 and scored[0][0] == scored[1][0] and scored[0][1] != scored[1][1]):
        return None
    return scored[0][1]


def _strangeness(cells: Sequence[str], layout: Layout) -> float:
    """How many cells are unlike all others of their column: empty where none is, of another kind or shape."""
    odd = _MISFIT * fits(cells, layout.columns)[1]
    for cell, column, shapes in zip(cells, layout.columns, layout.shapes, strict=False):
        if bool(cell.strip()) != (column.filled > 0) and column.filled in (0.0, 1.0):
            odd += 1
        elif column.few and cell.strip() and cell.strip() not in column.values:
            odd += 0.5
        elif cell.strip() and shape_of(cell) not in shapes:
            odd += 0.2 + 0.3 * (column.kind != kind_of(cell))
        odd += 0.5 * (cell.count(layout.quote or "\0") % 2)
    return round(odd, 6)


def shape_of(cell: str) -> str:
    """A cell with every digit as 9 and every word as a: what values of a column often share.

    >>> shape_of("$74.69"), shape_of("AB-1234")
    ('$99.99', 'a-9999')
    """
    return _LETTERS.sub("a", _DIGITS.sub("9", cell.strip()))

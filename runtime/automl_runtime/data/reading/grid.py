"""Tables in a grid of text cells: where they start and end, and which row names their columns.

A pure function that delimited text, spreadsheets and HTML share. Blank rows cut the grid into blocks. A block
is a table of its own when a header stands in it; else it goes on the table above, or is notes below that table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from automl_runtime.data.reading.cells import TYPED, is_note, is_total, kind_of
from automl_runtime.data.reading.header import (
    Profile,
    Row,
    fits,
    header_rows,
    header_score,
    is_group_row,
    is_sentence,
    join_header,
    looks_like_names,
    profile,
)

__all__ = ["GridTable", "find_tables", "is_blank", "table_rows"]

_MOST_NOTES = 60
_MOST_TITLES = 40
_MOST_DETAILS = 12
_EVIDENCE = 1.0
_SOME_EVIDENCE = 0.3
_DENSE = 0.9
_MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class GridTable:
    """One table of a grid; row numbers are 0-based indices into the rows that were given."""

    header: tuple[str, ...] | None
    """The header cells as found, `width` of them; None when the table has none."""
    header_row: int | None
    """The first row of the header."""
    first_row: int
    """The first row of data."""
    last_row: int
    """One past the last row of data."""
    width: int
    """Columns from the left edge of the grid to the last one of the header or of most rows."""
    first_column: int = 0
    """Columns at the left that hold nothing at all (the margin of a spreadsheet)."""
    preamble_rows: int = 0
    """Title rows above the header, blank ones counted."""
    footer_rows: int = 0
    """Totals and notes below the data, blank rows counted."""


@dataclass(frozen=True, slots=True)
class _Grid:
    rows: Sequence[Row]
    fills: list[int]
    """Cells with something in them, of every row."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows `start` to `stop`, none blank; the rows before `top` are titles."""

    start: int
    top: int
    stop: int
    fill: int
    """Cells with something in them in its fuller rows."""
    evidence: float
    """That the row `top` is a header."""


def is_blank(row: Row) -> bool:
    """Whether a row has no cell with anything in it."""
    return not any(cell and not cell.isspace() for cell in row)


def table_rows(rows: Sequence[Row], table: GridTable) -> list[int]:
    """Where the rows of data of a table are: those that are neither blank nor a comment between them."""
    filled = [index for index in range(table.first_row, table.last_row) if not is_blank(rows[index])]
    comments = {index for index in filled if _is_comment(rows[index], table.width)}
    signs = sum(rows[index][0].startswith("#") for index in filled)
    return [index for index in filled if index not in comments] if signs == len(comments) else filled


def _is_comment(row: Row, width: int) -> bool:
    """Whether a row is a lone cell that begins as comments do, where there should be three or more."""
    return width > 2 and len(row) < width and row[0].startswith("#") and not any(map(str.strip, row[1:]))


def find_tables(rows: Sequence[Row]) -> list[GridTable]:
    """The tables of a grid, from the top; empty when there is nothing in it.

    Rows need not be equally long. A grid of one row is a header without data where its cells look like names.
    """
    grid = _Grid(rows, [sum(map(bool, map(str.strip, row))) for row in rows])
    runs = _with_headers(grid, _runs(grid.fills))
    blocks = [_block(grid, *part) for run in runs for part in _split(grid, *run)]
    tables = [_table(grid, group) for group in _groups(grid, blocks)]
    return _claim_gaps(tables, blocks[-1].stop if blocks else 0)


def _runs(fills: Sequence[int]) -> list[tuple[int, int]]:
    """Runs of rows that are not blank."""
    runs: list[tuple[int, int]] = []
    start: int | None = None
    for index, fill in enumerate([*fills, 0]):
        if fill and start is None:
            start = index
        elif not fill and start is not None:
            runs.append((start, index))
            start = None
    return runs


def _with_headers(grid: _Grid, runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs, one that is the names of the columns of the next together with it."""
    joined: list[tuple[int, int]] = []
    for start, stop in runs:
        if joined and _names_columns(grid, joined[-1], start, stop):
            start = joined.pop()[0]
        joined.append((start, stop))
    return joined


def _names_columns(grid: _Grid, above: tuple[int, int], start: int, stop: int) -> bool:
    """Whether the run `above` is one row of names, which the rows from `start` lack."""
    row = grid.rows[above[0]]
    width = _typical([len(row) for row in grid.rows[start:stop]])
    if above[1] - above[0] > 1 or stop - start < 2 or len(row) != width or grid.fills[above[0]] < max(2, 0.75 * width):
        return False
    named = looks_like_names(row, width) and not is_sentence(row)
    return (
        named
        and header_score(row, profile(grid.rows[start:stop], width)) >= _EVIDENCE
        and not header_rows(grid.rows[start:stop], width)
    )


def _typical(numbers: Sequence[int]) -> int:
    """The most frequent number, the larger one of equals."""
    counts = Counter(numbers)
    return max(counts, key=lambda number: (counts[number], number))


def _full(fills: Sequence[int]) -> int:
    """Cells filled in the fuller rows: what the lower four fifths do not exceed."""
    return max(sorted(fills)[(4 * len(fills)) // 5 if len(fills) > 4 else -1], _typical(fills))


def _split(grid: _Grid, start: int, stop: int) -> list[tuple[int, int]]:
    """A run of rows cut where another header stands in it, without a blank row before it."""
    cuts = [start]
    tries = 0
    for position, end in _changes(grid, start, stop):
        if position - cuts[-1] < 2 or not _may_be_header(grid.rows[position]) or tries >= _MOST_TRIES:
            continue
        tries += 1
        if _score(grid, position, end) >= _EVIDENCE or _is_unlike(grid, cuts[-1], position, end):
            cuts.append(position)
    parts = list(zip(cuts, [*cuts[1:], stop], strict=True))
    parts = [piece for part in parts for piece in _split_at_titles(grid, *part)]
    return [piece for part in parts for piece in _split_at_headers(grid, *part)]


def _changes(grid: _Grid, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where two and more rows of one width follow two and more of another, and where those end."""
    widths = [len(row) for row in grid.rows[start:stop]]
    starts = [index for index in range(1, stop - start) if widths[index] != widths[index - 1]]
    for index, end in zip(starts, [*starts, stop - start][1:], strict=True):
        long = end - index >= 2 and index >= 2 and widths[index - 2] == widths[index - 1]
        if long and widths[index] >= 2 <= widths[index - 1]:
            yield start + index, start + end


def _may_be_header(row: Row) -> bool:
    """Whether half of the cells are filled, some of them with words, none of them twice."""
    filled = [text for cell in row if (text := cell.strip())]
    words = any(kind_of(text) in ("text", "code") for text in filled)
    return words and len(filled) >= 0.5 * len(row) and len(set(filled)) == len(filled)


def _split_at_titles(grid: _Grid, start: int, stop: int) -> list[tuple[int, int]]:
    """Rows cut at a title in their midst: a lone cell between rows of data and another header."""
    cuts = [start]
    tries = 0
    for index in range(start + 2, stop - 2):
        lone = grid.fills[index] == 1 and grid.rows[index][0].strip()
        if not lone or grid.fills[index + 1] < 2 or grid.fills[index - 1] < 2:
            continue
        if tries >= _MOST_TRIES or not _may_be_header(grid.rows[index + 1]):
            continue
        tries += 1
        width = len(grid.rows[index + 1])
        end = next((place for place in range(index + 1, stop) if len(grid.rows[place]) != width), stop)
        new = _score(grid, index + 1, end) >= _EVIDENCE or _is_unlike(grid, cuts[-1], index + 1, end)
        if end - index > 2 and new:
            cuts.append(index)
    return list(zip(cuts, [*cuts[1:], stop], strict=True))


def _is_unlike(grid: _Grid, start: int, position: int, end: int) -> bool:
    """Whether the rows from `position` have names on top and none of them fits the columns above."""
    above = profile(grid.rows[start + 1 : position], _width(grid, start, position))
    fit = [fits(row, above) for row in grid.rows[position : min(end, position + 20)]]
    names = looks_like_names(grid.rows[position], len(grid.rows[position]))
    return names and _score(grid, position, end) >= 0 and all(bad and not good for good, bad in fit)


def _split_at_headers(grid: _Grid, start: int, stop: int) -> list[tuple[int, int]]:
    """Rows of one width cut at rows of text in the middle of columns of numbers: headers of further tables."""
    width = _width(grid, start, stop)
    columns = profile(grid.rows[start:stop], width)
    typed = sum(column.kind in TYPED for column in columns)
    cuts = _repeats(grid, start, stop, width)
    if typed < 2 or len(cuts) > 1:
        return list(zip(cuts, [*cuts[1:], stop], strict=True))
    first = next(index for index, column in enumerate(columns) if column.kind in TYPED)
    for index in range(start + 2, stop - 1):
        row = grid.rows[index]
        if first >= len(row) or not row[first][:1].isalpha() or index - cuts[-1] < 2:
            continue
        around = [fits(grid.rows[place], columns) for place in (index - 1, index, index + 1)]
        beside = not is_group_row(grid.rows[index - 1 : index + 1], width) and around[0][0] and around[2][0]
        if around[1] == (0, typed) and beside and looks_like_names(row, width):
            cuts.append(index)
    return list(zip(cuts, [*cuts[1:], stop], strict=True))


def _repeats(grid: _Grid, start: int, stop: int, width: int) -> list[int]:
    """Where the first row stands again, if it is a header: the first rows of several tables in a run."""
    header = grid.rows[start]
    if width < 2 or not looks_like_names(header, width):
        return [start]
    again = [index for index in range(start + 2, stop) if grid.rows[index] == header]
    places = [index for index in again if grid.rows[index - 1] != header]
    if not places:
        return [start]
    rest = [row for row in grid.rows[start:stop] if row != header]
    return [start, *places] if rest and header_score(header, profile(rest, width)) >= _SOME_EVIDENCE else [start]


def _score(grid: _Grid, start: int, stop: int) -> float:
    """Evidence that the row at `start` is the header of those below it."""
    width = _width(grid, start, stop)
    while stop - start > 2 and is_group_row(grid.rows[start : start + 2], width):
        start += 1
    if stop - start < 2:
        return 0.0
    count = max(1, header_rows(grid.rows[start:stop], width))
    return header_score(grid.rows[start], profile(grid.rows[start + count : stop], width))


def _width(grid: _Grid, start: int, stop: int) -> int:
    """Columns of a table: those of its first row and of most rows."""
    return max(_typical([len(row) for row in grid.rows[start:stop]]), len(grid.rows[start]))


def _block(grid: _Grid, start: int, stop: int) -> _Block:
    fill = _full(grid.fills[start:stop])
    top = start + _title_rows(grid, start, stop, fill)
    return _Block(start, top, stop, fill, _score(grid, top, stop))


def _title_rows(grid: _Grid, start: int, stop: int, fill: int) -> int:
    """How many rows stand above the header: those with far fewer cells than the table below."""
    if fill < 2:
        return 0
    needed = max(2, (fill + 1) // 2)
    width = _typical([len(row) for row in grid.rows[start:stop]])
    last = min(stop, start + _MOST_TITLES)
    first = next((index for index in range(start, last) if grid.fills[index] >= needed), start)
    if _score(grid, first, stop) < _EVIDENCE:
        first = _later_header(grid, first, last, stop, width)
    while first + 2 < last and is_sentence(grid.rows[first]) and not is_sentence(grid.rows[first + 2]):
        first += 1
    while first > start and is_group_row(grid.rows[first - 1 : first + 1], width):
        first -= 1
    return first - start


def _later_header(grid: _Grid, first: int, last: int, stop: int, width: int) -> int:
    """The header below lines of details about the file, or `first` where there is none."""
    for index in range(first + 1, min(last, first + 12, stop - 2)):
        if grid.fills[index] <= grid.fills[first] and len(grid.rows[index]) <= len(grid.rows[first]):
            continue
        below = profile(grid.rows[index + 1 : stop], width)
        above = [fits(row, below) for row in grid.rows[first:index]]
        if header_score(grid.rows[index], below) >= 2 * _EVIDENCE and not any(good > bad for good, bad in above):
            return index
    return first


def _groups(grid: _Grid, blocks: list[_Block]) -> list[list[_Block]]:
    """The blocks of each table: its own and those that go on it or follow it as notes."""
    if not blocks:
        return []
    main = max(blocks, key=lambda block: (sum(grid.fills[block.top : block.stop]), -block.start))
    groups: list[list[_Block]] = []
    for block in blocks:
        if _stands_alone(grid, block, main, groups):
            groups.append([block])
        elif groups:
            groups[-1].append(block)
    return groups


def _stands_alone(grid: _Grid, block: _Block, main: _Block, groups: list[list[_Block]]) -> bool:
    """Whether a block is a table of its own, rather than more rows of the one above, its notes or titles."""
    if groups and _continues(grid, groups[-1], block):
        return False
    if block is main:
        return True
    rows = block.stop - block.top
    if groups and all(map(_is_wordy, grid.rows[block.start : block.stop])):
        return False
    if rows < 2 or block.fill < 2 or (not groups and _is_details(grid, block, main)):
        return False
    if block.evidence >= _EVIDENCE:
        return True
    width = _width(grid, block.top, block.stop)
    if not groups:
        return rows >= 5 or (block.fill == main.fill and width == _width(grid, main.top, main.stop))
    titled = block.top > block.start
    even = rows >= 3 and {*grid.fills[block.top : block.stop]} == {width}
    return (titled or even) and block.evidence >= 0 and looks_like_names(grid.rows[block.top], width)


def _is_wordy(row: Row) -> bool:
    """Whether a row is a line of text: in one cell, or cut at its commas."""
    return sum(1 for cell in row if cell.strip()) == 1 or is_note(row[0]) or is_sentence(row)


def _is_details(grid: _Grid, block: _Block, main: _Block) -> bool:
    """Whether a block above the first table is a few lines of `name: value` about the file."""
    pairs = [[*grid.rows[index], ""][:2] for index in range(block.top, block.stop)]
    if block.fill > 2 or len(pairs) > _MOST_DETAILS:
        return False
    if sum(name.strip().endswith(":") for name, _ in pairs) >= 0.5 * len(pairs):
        return True
    if main.fill > 2:
        return len(pairs) < 3
    [_, values] = profile(pairs, 2)
    return values.kind is None and main.stop - main.top >= 1.5 * len(pairs)


def _continues(grid: _Grid, group: list[_Block], block: _Block) -> bool:
    """Whether a block has rows of data of the table above it."""
    above = _profile_of(grid, group[0])
    row = grid.rows[block.start]
    good, bad = fits(row, above)
    alike = _width(grid, block.start, block.stop) == _width(grid, group[0].top, group[0].stop)
    if any(column.kind in TYPED for column in above):
        return good > bad and not (block.evidence >= _EVIDENCE and (bad or not alike))
    codes = [kind_of(cell) for cell, column in zip(row, above, strict=False) if column.kind == "code"]
    if codes and "code" not in codes:
        return False
    return alike and grid.fills[block.start] == block.fill == group[0].fill and block.evidence < 0.5


def _profile_of(grid: _Grid, block: _Block) -> list[Profile]:
    rows = grid.rows[block.top : block.stop]
    return profile(rows[1:] or rows, _width(grid, block.top, block.stop))


def _table(grid: _Grid, group: list[_Block]) -> GridTable:
    first = group[0]
    above = _profile_of(grid, first)
    usual = [block for block in group[1:] if not _is_notes(grid, block, above, first.fill)]
    stop = usual[-1].stop if usual else first.stop
    inside = [index for index in range(first.top, stop) if grid.fills[index]]
    inside = inside[: len(inside) - _note_rows(grid, inside)]
    width = _width(grid, first.top, first.stop)
    names = header_rows([grid.rows[index] for index in inside], width)
    header = join_header([grid.rows[index] for index in inside[:names]], width) if names else None
    data = inside[names:]
    start = data[0] if data else inside[-1] + 1
    table = GridTable(header, inside[0] if names else None, start, data[-1] + 1 if data else start, width)
    return replace(table, first_column=_margin(grid, inside, width))


def _is_notes(grid: _Grid, block: _Block, above: Sequence[Profile], fill: int) -> bool:
    """Whether no row of a block below the table could be one of its rows."""
    if is_note(grid.rows[block.start][0]) and block.fill <= 0.5 * fill + 1:
        return True
    if any(column.kind in TYPED for column in above):
        full = [index for index in range(block.start, block.stop) if grid.fills[index] >= min(3, 0.5 * fill)]
        fit = [fits(grid.rows[index], above) for index in full]
        return not any(good > bad for good, bad in fit)
    return _typical(grid.fills[block.start : block.stop]) < 0.5 * fill


def _note_rows(grid: _Grid, inside: Sequence[int]) -> int:
    """How many rows at the end are totals or notes."""
    if len(inside) < 3:
        return 0
    rows = [grid.rows[index] for index in inside]
    spared = min(_MOST_NOTES, len(rows) // 3)
    columns = profile(rows[1 : len(rows) - spared], max(map(len, rows[: len(rows) - spared])))
    usual = sum(column.filled >= 0.5 for column in columns)
    count = 0
    while count < min(_MOST_NOTES, len(rows) - 2) and _is_note(rows[-1 - count], columns, usual):
        count += 1
    return count


def _is_note(row: Row, columns: Sequence[Profile], usual: int) -> bool:
    filled = [(index, text) for index, cell in enumerate(row) if (text := cell.strip())]
    place, label = filled[0]
    gap = any(column.filled >= _DENSE and not cell.strip() for cell, column in _padded(row, columns))
    if len(columns) > 1 and is_total(label, loosely=gap):
        return not (place < len(columns) and any(map(is_total, columns[place].values)))
    good, bad = fits(row, columns)
    if is_note(label) and place == 0 and label not in columns[0].values:
        return len(filled) <= 0.5 * usual + 1 or bad > good
    if good or usual < 2:
        return False
    if len(filled) == 1:
        return place == 0 and not _belongs(label, columns[0])
    return bool(bad) and len(filled) <= 0.5 * usual + 1


def _padded(row: Row, columns: Sequence[Profile]) -> Iterator[tuple[str, Profile]]:
    return zip([*row, *[""] * len(columns)], columns, strict=False)


def _belongs(cell: str, column: Profile) -> bool:
    """Whether a lone cell could be one more value of its column."""
    if column.kind in (*TYPED, "code"):
        return kind_of(cell) == column.kind or cell in column.values
    return cell in column.values or (len(column.values) > 1 and column.lengths == (len(cell), len(cell)))


def _margin(grid: _Grid, inside: Sequence[int], width: int) -> int:
    margin = max(width - 1, 0)
    for index in inside:
        row = grid.rows[index][:margin]
        margin = next((column for column, cell in enumerate(row) if cell and not cell.isspace()), margin)
    return margin


def _claim_gaps(tables: list[GridTable], end: int) -> list[GridTable]:
    """The rows between tables counted: titles of the one below; up to `end` after the last one its notes."""
    claimed = []
    for number, table in enumerate(tables):
        top = table.first_row if table.header_row is None else table.header_row
        above = tables[number - 1].last_row if number else 0
        below = end - table.last_row if number + 1 == len(tables) else 0
        claimed.append(replace(table, preamble_rows=top - above, footer_rows=below))
    return claimed

"""Whether the first rows of a block are a header, judged by the cells below them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from automl_runtime.data.reading.cells import TYPED, CellKind, kind_of

__all__ = [
    "Profile",
    "Row",
    "fits",
    "header_rows",
    "header_score",
    "is_group_row",
    "is_sentence",
    "join_header",
    "looks_like_names",
    "profile",
    "recurs",
]

Row = Sequence[str]

_SAMPLE = 400
_FEWEST = 12
_MOST_CELLS = 40_000
_DOMINANT = 0.8
_MOST_HEADER_ROWS = 5
_FEW = 30
_LONGEST_NAME = 200
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Profile:
    """What the cells of one column have in common."""

    kind: CellKind | None
    """The kind of at least four fifths of the cells that say something; None when there is none."""
    filled: float
    """Share of cells that are not empty."""
    values: frozenset[str]
    lengths: tuple[int, int]
    """Shortest and longest of the cells that are not empty."""
    repeated: bool
    """Whether some value occurs more than once."""

    @property
    def few(self) -> bool:
        """Whether its values are the few categories of a column of text."""
        return self.repeated and self.kind not in TYPED and len(self.values) <= _FEW


def profile(rows: Sequence[Row], width: int) -> list[Profile]:
    """The profiles of the first `width` columns, from some 400 rows (fewer of a wide table) spread over `rows`."""
    most = min(_SAMPLE, max(_FEWEST, _MOST_CELLS // max(1, width)))
    sample = rows[:: max(1, len(rows) // most)]
    return [_profile([row[column] if column < len(row) else "" for row in sample]) for column in range(width)]


def _profile(cells: list[str]) -> Profile:
    texts = [text for cell in cells if (text := cell.strip())]
    kinds: Counter[CellKind] = Counter(kind for text in texts if (kind := kind_of(text)) != "mark")
    usual = kinds.most_common(1)[0] if kinds else None
    values = frozenset(texts)
    return Profile(
        kind=usual[0] if usual and usual[1] >= _DOMINANT * sum(kinds.values()) else None,
        filled=len(texts) / len(cells) if cells else 0.0,
        values=values,
        lengths=(min(map(len, texts)), max(map(len, texts))) if texts else (0, 0),
        repeated=len(values) < len(texts),
    )


def fits(row: Row, columns: Sequence[Profile]) -> tuple[int, int]:
    """How many cells of `row` over columns of numbers, dates or times are of that kind, and how many not."""
    good = bad = 0
    for cell, column in zip(row, columns, strict=False):
        kind = kind_of(cell)
        if column.kind in TYPED and kind not in ("empty", "mark"):
            good += kind == column.kind
            bad += kind != column.kind
    return good, bad


def header_score(row: Row, columns: Sequence[Profile]) -> float:
    """Evidence that `row` names the columns below it: positive for, negative against, 0 for none.

    Text above numbers or dates counts for a header; a cell of the column's own kind, or one that occurs again
    below, counts against it.
    """
    cells = [cell.strip() for cell in row[: len(columns)]]
    counted = _counting_names(cells, columns)
    named = [cell for cell in cells if cell]
    if not counted and all(kind_of(cell) in TYPED or kind_of(cell) == "mark" for cell in named):
        return -2.0
    score = sum(
        0.5 if index in counted else _cell_score(cell, column)
        for index, (cell, column) in enumerate(zip(cells, columns, strict=False))
    )
    return score - 0.5 if len(set(named)) < len(named) and score < 1 else score


def _cell_score(cell: str, column: Profile) -> float:
    if not cell or not column.values:
        return 0.0
    kind = kind_of(cell)
    if column.kind in TYPED:
        return _score_over_typed(kind, column)
    if cell in column.values:
        return -1.5 if column.repeated else -0.5
    if kind in TYPED or kind == "mark":
        return -0.5
    return _score_over_text(cell, kind, column)


def _score_over_typed(kind: CellKind, column: Profile) -> float:
    if kind in ("text", "code"):
        return 1.0
    if kind == "date" and column.kind == "number":
        return 0.5
    return -1.0 if kind == column.kind else -0.3


def _score_over_text(cell: str, kind: CellKind, column: Profile) -> float:
    shortest, longest = column.lengths
    several = len(column.values) >= 2
    if column.kind == "code" and kind == "text":
        return 0.5
    if several and shortest == longest:
        return 0.5 if len(cell) != shortest else -0.4
    if several and column.repeated:
        return 0.3
    return 0.2 if longest > 3 * len(cell) and len(cell) <= 30 else 0.0


def _counting_names(cells: Sequence[str], columns: Sequence[Profile]) -> frozenset[int]:
    """Positions of whole numbers that count on evenly and do not occur below: years, or 0, 1, 2 and so on."""
    numbers = [(index, int(cell)) for index, cell in enumerate(cells) if cell.isdecimal() and len(cell) <= 9]
    steps = {later[1] - earlier[1] for earlier, later in pairwise(numbers)}
    years = all(1800 <= number <= 2200 for _, number in numbers)
    if len(numbers) < (3 if years else 5) or len(steps) != 1 or steps == {0}:
        return frozenset()
    found = frozenset(index for index, number in numbers if str(number) not in columns[index].values)
    return found if len(found) > len(numbers) / 2 else frozenset()


def looks_like_names(row: Row, width: int) -> bool:
    """Whether the cells could be names of columns: what is asked of a header without evidence for it."""
    named = [text for cell in row[:width] if (text := cell.strip())]
    if not named or len(named) < 0.5 * width:
        return False
    if width == 1 and len(named[0].split()) > _MOST_WORDS:
        return False
    plain = [kind_of(cell) in ("text", "code") and len(cell) <= _LONGEST_NAME for cell in named]
    return sum(plain) >= 0.75 * len(named) and (len(set(named)) == len(named) or all(plain))


def header_rows(rows: Sequence[Row], width: int) -> int:
    """How many of the first `rows` make up the header: 0, or 1 and more when it spans rows."""
    if len(rows) > 2 and is_group_row(rows, width) and (below := header_rows(rows[1:], width)):
        return 1 + below
    if len(rows) < 2:
        return int(bool(rows) and looks_like_names(rows[0], width))
    count = 1 + max(_further_rows(rows, width), _copies(rows, width))
    columns = profile(rows[count:], width)
    needed = 0.0 if looks_like_names(rows[0], width) else 1.0
    if 1 < count < len(rows) - 1 and _names_rows(rows[: count + 1]):
        count += 1
    return count if header_score(rows[0], columns) >= needed else 0


def is_group_row(rows: Sequence[Row], width: int) -> bool:
    """Whether the first row holds labels that each stand above several columns.

    Its first cell is blank, or else the name of a column that has none in the row below.
    """
    filled = sum(1 for cell in rows[0] if cell.strip())
    if len(rows[0]) != width or not 2 <= filled <= (width + 1) // 2:
        return False
    if not rows[0][0].strip():
        return True
    below = rows[1] if len(rows) > 1 else ()
    if len(below) != width or below[0].strip() or not looks_like_names(below, width):
        return False
    return all(label.strip() or name.strip() for label, name in zip(rows[0], below, strict=True))


def is_sentence(row: Row) -> bool:
    """Whether the cells are parts of a sentence that was cut at its commas.

    >>> is_sentence(["Counts of trees", " as of May"]), is_sentence(["tree", "count of trees"])
    (True, False)
    """
    parts = [cell for cell in row if cell.strip()]
    words = sum(len(part.split()) for part in parts)
    return words >= 5 and any(part.startswith(" ") for part in parts[1:])


def _further_rows(rows: Sequence[Row], width: int) -> int:
    """Rows after the first that are header too: text over the columns that are typed further down."""
    below = profile(rows[min(_MOST_HEADER_ROWS, len(rows) // 2) :], width)
    typed = sum(column.kind in TYPED for column in below)
    if not typed or fits(rows[0], below)[1] < max(1, 0.5 * typed):
        return 0
    for count, row in enumerate(rows[1 : min(_MOST_HEADER_ROWS, len(rows) - 1)]):
        good, bad = fits(row, below)
        if good or bad < max(1, 0.5 * typed) or recurs(row, below):
            return count
    return min(_MOST_HEADER_ROWS, len(rows) - 1) - 1 if len(rows) > _MOST_HEADER_ROWS else 0


def _names_rows(rows: Sequence[Row]) -> bool:
    """Whether the last of the rows has a name for the first column alone, where those above have none."""
    *above, last = rows
    return not any(row[0].strip() for row in above) and bool(last[0].strip()) and not any(map(str.strip, last[1:]))


def recurs(row: Row, columns: Sequence[Profile]) -> bool:
    """Whether a cell of `row` is one of the categories below it."""
    return any(column.few and cell.strip() in column.values for cell, column in zip(row, columns, strict=False))


def _copies(rows: Sequence[Row], width: int) -> int:
    """How often names are written again right below themselves."""
    last = min(_MOST_HEADER_ROWS, len(rows) - 1)
    count = next((place for place in range(1, last) if rows[place] != rows[0]), last) - 1
    if count < 1 or not looks_like_names(rows[0], width):
        return 0
    return count if header_score(rows[0], profile(rows[count + 1 :], width)) > 0 else 0


def join_header(rows: Sequence[Row], width: int) -> tuple[str, ...]:
    """The `width` header cells that one or more rows make up, the parts of each joined by a space.

    A label that stands once above several columns is repeated over them where the names below it repeat.
    """
    padded = [[row[index] if index < len(row) else "" for index in range(width)] for row in rows]
    if len(padded) == 1:
        return tuple(padded[0])
    lowest = [text for cell in padded[-1] if (text := cell.strip())]
    if len(set(lowest)) < len(lowest):
        padded[:-1] = [_carried(row) for row in padded[:-1]]
    return tuple(" ".join(part for row in padded if (part := row[index].strip())) for index in range(width))


def _carried(row: list[str]) -> list[str]:
    carried, label = [], ""
    for cell in row:
        label = cell.strip() or label
        carried.append(label)
    return carried

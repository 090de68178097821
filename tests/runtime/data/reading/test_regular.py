"""Large files, of which only some rows are looked at one by one."""

from __future__ import annotations

from pathlib import Path

import pytest
from automl_runtime.data.reading import delimited
from automl_runtime.data.reading.delimited import read_delimited
from automl_runtime.data.reading.dialects import detect_dialect
from automl_runtime.data.reading.regular import read_regular
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable

LINES = ["id,tree,height,seen"] + [f"{n},tree {n % 50},{n / 8},2024-{n % 12 + 1:02}-01" for n in range(4000)]


def read(tmp_path: Path, lines: list[str]) -> tuple[RawTable | None, list[RawTable]]:
    """The table by Arrow, None when the file is not for it, and the tables read record by record."""
    text = "\n".join([*lines, ""])
    path = tmp_path / "trees.csv"
    path.write_text(text, encoding="utf-8", newline="")
    source = Source(path, "trees.csv", "delimited", encoding="utf-8")
    return read_regular(text, detect_dialect(text), source), read_delimited(source)


def edited(*edits: tuple[int, str | None]) -> list[str]:
    """The lines with some replaced, or, for None, a blank line put before them."""
    lines = list(LINES)
    for number, line in sorted(edits, reverse=True, key=lambda edit: edit[0]):
        lines[number : number + (line is not None)] = [line or ""]
    return lines


SAME = {
    "regular": LINES,
    "a total below": [*LINES, "Total,,12345.6,"],
    "titles above": ["Trees of the town", "counted by hand", "", *LINES],
    "titles above and notes below": ["Trees of the town,,,", ",,,", *LINES, "", "Source: town hall"],
    "a blank line": edited((2000, None)),
    "a blank row": edited((2000, ",,,")),
    "a short row": edited((2000, "1999,tree 49")),
    "short rows side by side": edited((2000, "1999,tree 49"), (2001, "2000"), (2003, "2002,tree,3")),
    "a surplus delimiter": edited((2000, "1999,,tree 49,3.5,2024-01-01")),
    "a missing delimiter": edited((2000, "1999,tree 49,3.52024-01-01")),
    "a row with another delimiter": edited((2000, "1999;tree 49;3.5;2024-01-01")),
    "a stray quote": edited((2000, '1999,"tree 49,3.5,2024-01-01')),
    "a comment": edited((2000, "# checked until here")),
    "an inch": edited((2000, '1999,tree 49",3.5,2024-01-01')),
    "quotes in place": edited((2000, '1999,"tree, ""49""",3.5,2024-01-01')),
    "the first row of data": edited((1, "0,tree")),
    "the last row": edited((4000, "3999,tree")),
    "surplus cells that are empty": [LINES[0], *(f"{line}," for line in LINES[1:])],
    "no header": LINES[1:],
}


@pytest.mark.parametrize("case", SAME)
def test_both_ways_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.setattr(delimited, "_LARGE", 1 << 30)
    fast, [slow] = read(tmp_path, SAME[case])
    assert fast is not None
    assert fast.data.combine_chunks().equals(slow.data.combine_chunks())
    assert fast.raw_header == slow.raw_header
    assert (fast.preamble_rows, fast.header_row, fast.footer_rows) == (
        slow.preamble_rows,
        slow.header_row,
        slow.footer_rows,
    )
    assert fast.warnings == slow.warnings


NOT_REGULAR = {
    "two tables": [*LINES, "", "kind,count", "oak,3", "elm,4"],
    "a cell of several lines that is broken": edited((2000, '1999,"tree'), (2001, 'x" y,3,2024-01-01')),
    "a longer row": edited((2000, "1999,tree 49,3.5,2024-01-01,x,y")),
    "far too many odd rows": [LINES[0], *(line if n % 2 else line + ",x" for n, line in enumerate(LINES[1:] * 2))],
}


@pytest.mark.parametrize("case", NOT_REGULAR)
def test_other_files_lose_nothing(tmp_path: Path, case: str) -> None:
    _, tables = read(tmp_path, NOT_REGULAR[case])
    assert sum(table.data.num_rows for table in tables) >= len(NOT_REGULAR[case]) - 4
    assert tables[0].raw_header[:4] == ("id", "tree", "height", "seen")

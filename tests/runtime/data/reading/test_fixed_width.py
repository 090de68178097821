from __future__ import annotations

from pathlib import Path

import pytest
from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.fixed_width import is_fixed_width, read_fixed_width, split_columns
from automl_runtime.data.reading.source import Source

ALIGNED = """\
id   full name      amount  joined
1    Alice Smith      3.50  2021-03-01
2    Bob             12.00  2021-04-02

33   Christine Lee    1.25  2020-12-24
4    Dan                    2022-01-05
"""
ROWS = [
    ["1", "Alice Smith", "3.50", "2021-03-01"],
    ["2", "Bob", "12.00", "2021-04-02"],
    ["33", "Christine Lee", "1.25", "2020-12-24"],
    ["4", "Dan", "", "2022-01-05"],
]
RULED = """\
 name        | n
-------------+----
 copper wire | 12
 tin         |  3
 lead        | 40
"""


def read(tmp_path: Path, text: str) -> tuple[list[str], list[list[str]]]:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    [table] = read_fixed_width(Source(path, "a.txt", "fixed_width"))
    return list(table.raw_header), [list(row.values()) for row in table.data.to_pylist()]


def test_columns_are_cut_where_all_lines_are_blank(tmp_path: Path) -> None:
    assert read(tmp_path, ALIGNED) == (["id", "full name", "amount", "joined"], ROWS)


def test_titles_rules_and_totals_are_left_out(tmp_path: Path) -> None:
    lines = ALIGNED.splitlines()
    text = "\n".join(["Members of the club", "", lines[0], "-" * 40, *lines[1:], "-" * 40, "Total              16.75"])
    assert read(tmp_path, text) == (["id", "full name", "amount", "joined"], ROWS)


def test_names_may_hang_over_their_columns(tmp_path: Path) -> None:
    text = "no  temperature  ok\n 1         20.5   y\n 2         21.0   n\n 3          9.5   y\n"
    header, rows = read(tmp_path, text)
    assert header == ["no", "temperature", "ok"]
    assert rows == [["1", "20.5", "y"], ["2", "21.0", "n"], ["3", "9.5", "y"]]


def test_numbers_without_names(tmp_path: Path) -> None:
    text = "".join(f"{index:>4}{index * 1.5:>9.2f}{index % 3:>3}\n" for index in range(1, 30))
    header, rows = read(tmp_path, text)
    assert header == []
    assert rows[0] == ["1", "1.50", "1"]
    assert len(rows) == 29


def test_uneven_blanks_separate_words() -> None:
    assert split_columns(["1 20 3", "10 2 30", "100 2000 3"]) == [
        ["1", "20", "3"],
        ["10", "2", "30"],
        ["100", "2000", "3"],
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ALIGNED, True),
        ("a,b\n1,2\n3,4\n", False),
        ("one line  only\n", False),
        ("These words  are not\naligned in any way  at all\nand they  never will be, dear reader\n", False),
    ],
)
def test_what_counts_as_aligned(text: str, expected: bool) -> None:
    assert is_fixed_width(text.splitlines()) is expected


WORDS = """\
when                 t1     who            note
2023-03-01 00:00:00  22.70  B. de la Cruz
2023-03-01 01:00:00  18.76  A. O'Neil      see annex
2023-03-01 02:00:00  19.83  B. de la Cruz
2023-03-01 03:00:00   9.83  C. Smith & Co
"""


def test_words_and_moments_inside_cells_are_not_cut(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(WORDS)
    [table] = read_path(tmp_path / "a.txt").tables
    assert list(table.raw_header) == ["when", "t1", "who", "note"]
    rows = [list(row.values()) for row in table.data.to_pylist()]
    assert rows[1] == ["2023-03-01 01:00:00", "18.76", "A. O'Neil", "see annex"]
    assert rows[3][:3] == ["2023-03-01 03:00:00", "9.83", "C. Smith & Co"]

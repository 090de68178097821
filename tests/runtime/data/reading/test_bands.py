"""Tables side by side in one grid of text."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.bands import bands

LEFT = "id,name,n\n1,Ann,3\n2,Bob,4\n3,Cid,5\n4,Dan,6\n5,Eve,7"
RIGHT = "room,size\nhall,40\nattic,12\ncellar,30"


def beside(left: str, right: str) -> list[list[str]]:
    """Two tables with an empty column between them."""
    first, second = (list(csv.reader(text.split("\n"))) for text in (left, right))
    wide = [max(map(len, rows)) for rows in (first, second)]
    padded = [[*rows, *[[] for _ in range(max(len(first), len(second)) - len(rows))]] for rows in (first, second)]
    return [[*a, *[""] * (wide[0] - len(a)), "", *b, *[""] * (wide[1] - len(b))] for a, b in zip(*padded, strict=True)]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (LEFT, RIGHT),
        ("People\n" + LEFT, "Rooms\n" + RIGHT),
        ("id,n\n1,3\n2,4\n3,5", "id,n\n4,6\n5,8\n6,9"),
        ("People\nid,n\n1,3\n2,4\n3,5", "Rooms\nroom,size\nhall,40\nattic,12\ncellar,30"),
    ],
    ids=["of different length", "with titles", "with the same names", "titles and one length"],
)
def test_tables_side_by_side_are_told_apart(left: str, right: str) -> None:
    rows = beside(left, right)
    assert len(bands(rows)) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("id,n\n1,3\n2,4\n3,5", "room,size\nhall,40\nattic,12\ncellar,30"),
        ("id,n\n1,3\n2,4\n3,5\nTotal,12", "room,size\nhall,40\nattic,12\ncellar,30"),
        ("id,n\n1,3\n2,4\n3,5", "note\nlate\n\n\n"),
        ("1,3\n2,4\n3,5\n4,6", "7,8\n9,1"),
    ],
    ids=["of one length", "with a total", "one column", "without names"],
)
def test_an_empty_column_alone_does_not_part_a_table(left: str, right: str) -> None:
    rows = beside(left, right)
    assert bands(rows) == [(0, len(rows[0]))]


def test_tables_side_by_side_in_a_delimited_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(map(",".join, beside(LEFT, RIGHT))))
    people, rooms = read_path(path).tables
    assert people.data.column("name").to_pylist() == ["Ann", "Bob", "Cid", "Dan", "Eve"]
    assert rooms.data.to_pydict() == {"room": ["hall", "attic", "cellar"], "size": ["40", "12", "30"]}
    assert rooms.name == "people_2"

from __future__ import annotations

import pytest
from automl_runtime.data.reading import read_path

TABLE = [["tree", "height in m", "planted", "note"], ["oak", "21.5", "1987", "big | old"], ["elm", "9", "2001", ""]]


def markdown(rows):
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [lines[0], "|:---|" + "---:|" * (len(rows[0]) - 1), *lines[1:]]


def shell(rows):
    lines = [" | ".join(cell.replace("|", "\\|").ljust(12) for cell in row).rstrip(" ") for row in rows]
    return [lines[0], "+".join("-" * 13 for _ in rows[0]), *lines[1:], "(2 rows)"]


def boxed(rows):
    rule = "+" + "+".join("-" * 14 for _ in rows[0]) + "+"
    lines = ["|" + "|".join(f" {cell.replace('|', chr(92) + '|'):12} " for cell in row) + "|" for row in rows]
    return [rule, lines[0], rule, *lines[1:], rule]


@pytest.mark.parametrize("draw", [markdown, shell, boxed])
@pytest.mark.parametrize("name", ["trees.txt", "trees.md", "trees"])
def test_a_drawn_table_is_read(tmp_path, draw, name):
    (tmp_path / name).write_text("\n".join(draw(TABLE)) + "\n")
    [table] = read_path(tmp_path / name).tables
    rows = [
        ["" if cell is None else cell for cell in row] for row in zip(*table.data.to_pydict().values(), strict=True)
    ]
    assert [list(table.raw_header), *rows] == TABLE


def test_a_page_with_a_small_table_is_no_table(tmp_path):
    (tmp_path / "trees.csv").write_text("tree,height\noak,21\nelm,9\nash,12\n")
    prose = ["# Trees", "", "What the columns mean, as told by the gardener:", "", *markdown(TABLE), ""]
    (tmp_path / "README.md").write_text("\n".join([*prose, *["They were measured in spring, twice."] * 9]))
    assert [table.file for table in read_path(tmp_path).tables] == ["trees.csv"]


def test_boxes_drawn_with_lines_are_read(tmp_path):
    signs = str.maketrans({"|": "\u2502", "-": "\u2500", "+": "\u253c"})
    plain = [["tree", "height"], ["oak", "21.5"], ["elm", "9"]]
    (tmp_path / "trees.txt").write_text("\n".join(boxed(plain)).translate(signs), encoding="utf-8")
    [table] = read_path(tmp_path / "trees.txt").tables
    assert table.data.to_pydict() == {"tree": ["oak", "elm"], "height": ["21.5", "9"]}


def test_every_answer_in_the_session_of_a_shell_is_a_table(tmp_path):
    other = [["room", "size"], ["hall", "40"], ["attic", "12"], ["cellar", "30"]]
    session = ["sql> select * from tree;", *boxed(TABLE), "2 rows in set", "", "sql> select a | b from room;"]
    (tmp_path / "session.txt").write_text("\n".join([*session, *boxed(other), "3 rows in set", ""]))
    first, second = read_path(tmp_path / "session.txt").tables
    assert first.raw_header == tuple(TABLE[0])
    assert second.data.to_pydict() == {"room": ["hall", "attic", "cellar"], "size": ["40", "12", "30"]}

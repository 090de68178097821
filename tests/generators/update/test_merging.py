from __future__ import annotations

import pytest
from automl_generators.update.merging import merge_texts

BASE = b"a\nb\nc\nd\ne\nf\ng\n"


def edited(**lines: str) -> bytes:
    """BASE with other text in the place of the lines that are named."""
    text = BASE.decode()
    for old, new in lines.items():
        text = text.replace(f"{old}\n", new)
    return text.encode()


@pytest.mark.parametrize(
    ("mine", "new", "expected"),
    [
        pytest.param(edited(b="B\n"), edited(f="F\n"), edited(b="B\n", f="F\n"), id="other lines"),
        pytest.param(edited(b="B\n"), edited(b="B\n"), edited(b="B\n"), id="the same change"),
        pytest.param(edited(b="B\n", e="E\n"), edited(b="B\n"), edited(b="B\n", e="E\n"), id="the same and more"),
        pytest.param(BASE + b"mine\n", edited(b="B\n"), edited(b="B\n") + b"mine\n", id="lines at the end"),
        pytest.param(edited(b=""), edited(f=""), edited(b="", f=""), id="removed lines"),
        pytest.param(BASE[:-1], edited(b="B\n"), edited(b="B\n")[:-1], id="no line end at the end"),
        pytest.param(BASE, edited(b="B\n"), edited(b="B\n"), id="not edited"),
        pytest.param(edited(b="B\n"), BASE, edited(b="B\n"), id="not updated"),
        pytest.param(b"", BASE, b"", id="emptied"),
        pytest.param(
            BASE.replace(b"b\n", b"\xff\n"), edited(f="F\n"), edited(f="F\n").replace(b"b\n", b"\xff\n"), id="no UTF-8"
        ),
    ],
)
def test_changes_of_other_lines_are_both_there(mine, new, expected):
    merged = merge_texts("file", BASE, mine, new)
    assert merged.conflicts == ()
    assert merged.content == expected


def test_line_ends_that_the_user_turned_into_crlf_stay_and_are_no_change():
    merged = merge_texts("file", BASE, edited(b="B\n").replace(b"\n", b"\r\n"), edited(f="F\n"))
    assert merged.conflicts == ()
    assert merged.content == edited(b="B\n", f="F\n").replace(b"\n", b"\r\n")


def test_a_conflict_says_lines_and_both_sides():
    mine, new = edited(a="0\na\n", d="D1\nD2\n"), edited(b="b\nb2\n", d="other\n")
    [conflict] = merge_texts("config/base.yaml", BASE, mine, new).conflicts
    assert (conflict.kind, conflict.lines, conflict.yours, conflict.wanted) == ("lines", (5, 6), "D1\nD2\n", "other\n")
    assert conflict.explain() == (
        "config/base.yaml, lines 5 to 6: you and the update changed it\n"
        "    you have:\n      D1\n      D2\n    the update wants:\n      other"
    )


def test_a_conflict_about_removed_lines_says_where_they_were():
    [conflict] = merge_texts("f", BASE, edited(d=""), edited(d="D\n")).conflicts
    assert conflict.lines == (4, 3)
    assert "before line 4" in conflict.explain()
    assert "you have: nothing" in conflict.explain()


def test_several_conflicts_are_told_apart():
    conflicts = merge_texts("f", BASE, edited(a="A\n", g="G\n"), edited(a="1\n", g="2\n")).conflicts
    assert [(item.lines, item.yours, item.wanted) for item in conflicts] == [
        ((1, 1), "A\n", "1\n"),
        ((7, 7), "G\n", "2\n"),
    ]


def test_lines_that_look_like_markers_are_text():
    base = b"Title\n=======\n" + BASE + b">>>>>>> quote\n<<<<<<< quote\n"
    merged = merge_texts("f", base, base.replace(b"d\n", b"D\n"), base.replace(b"d\n", b"4\n"))
    [conflict] = merged.conflicts
    assert (conflict.lines, conflict.yours, conflict.wanted) == ((6, 6), "D\n", "4\n")


def test_markers_stand_in_the_merged_text():
    merged = merge_texts("f", b"x = 1", b"x = 2", b"x = 3")
    assert merged.content == b"<<<<<<< your version\nx = 2\n=======\nx = 3\n>>>>>>> update\n"


def test_a_file_that_has_no_lines_stays_as_the_user_has_it():
    merged = merge_texts("logo.png", b"\0a", b"\0mine", b"\0new")
    assert merged.content == b"\0mine"
    assert [conflict.kind for conflict in merged.conflicts] == ["binary"]
    assert "cannot be merged" in merged.conflicts[0].explain()


def test_files_that_both_added_conflict_where_they_differ():
    merged = merge_texts("new.txt", None, b"a\nmine\nb\n", b"a\ntheirs\nb\n")
    assert [(conflict.kind, conflict.lines) for conflict in merged.conflicts] == [("added", (2, 2))]


def test_long_sides_are_cut_in_the_explanation():
    mine = edited(d="".join(f"{'m' * 500}{number}\n" for number in range(50)))
    text = merge_texts("f", BASE, mine, edited(d="D\n")).conflicts[0].explain()
    assert "and 44 more lines" in text
    assert max(map(len, text.splitlines())) < 120

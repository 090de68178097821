from __future__ import annotations

import os
from pathlib import Path

import pytest
from automl_runtime.data.reading.walk import walk


def reasons(root: Path) -> dict[str, str]:
    return {entry.path: entry.reason for entry in walk(root).ignored}


def test_files_are_sorted_and_named_below_the_root(tmp_path: Path) -> None:
    for name in ("b/2.csv", "b/1.csv", "a.csv", "B.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert [name for _, name in walk(tmp_path).files] == ["B.csv", "a.csv", "b/1.csv", "b/2.csv"]


def test_clutter_is_left_out_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    for name in (".hidden.csv", "~$book.xlsx", "Thumbs.db", ".git/config", "__MACOSX/a.csv", "kept.csv"):
        (tmp_path / name).write_text("x")
    assert [name for _, name in walk(tmp_path).files] == ["kept.csv"]
    assert reasons(tmp_path) == {
        ".git": "hidden",
        ".hidden.csv": "hidden",
        "Thumbs.db": "made by Windows",
        "__MACOSX": "made by macOS",
        "~$book.xlsx": "a lock file of an open document",
    }


def test_links_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.csv").write_text("x")
    (root / "sub" / "a.csv").write_text("x")
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "out").symlink_to(outside)
    (root / "out.csv").symlink_to(outside / "secret.csv")
    (root / "again").symlink_to(root / "sub")
    (root / "nowhere").symlink_to(tmp_path / "missing")
    assert [name for _, name in walk(root).files] == ["sub/a.csv"]
    assert reasons(root) == {
        "again": "a link to sub, which is read where it lies",
        "loop": "a link that leads in a circle",
        "nowhere": "a link that leads nowhere",
        "out": "a link that leads out of the folder",
        "out.csv": "a link that leads out of the folder",
        "self": "a link that leads in a circle",
    }


def test_the_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.csv").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [name for _, name in walk(tmp_path / "link").files] == ["a.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_pipes_are_left_out(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    assert reasons(tmp_path) == {"pipe.csv": "not a regular file but a pipe"}


def test_names_that_are_not_utf_8_can_be_written(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.csv")).touch()
    [(path, name)] = walk(tmp_path).files
    assert path.exists()
    assert name == "caf\\xe9.csv"


def test_folders_without_end_are_left_out(tmp_path: Path) -> None:
    path = tmp_path
    for _ in range(105):
        path = path / "d"
    path.mkdir(parents=True)
    (path / "a.csv").write_text("x")
    assert walk(tmp_path).files == []
    assert list(reasons(tmp_path).values()) == ["more than 100 folders deep"]

"""Folders of images are told by their content."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shutil import make_archive, rmtree

import pytest
from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.images import image_folders, placed
from automl_runtime.data.reading.source import Source
from pictures import write_shapes
from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


def sources(*files: str, kind: str = "image") -> list[Source]:
    return [Source(Path(file), file, kind) for file in files]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["cat/1.JPG", "cat/2.png", "dog/3.jpeg"], {".": {"cat": 2, "dog": 1}}),
        (["pets/dog/1", "pets/cat/2"], {"pets": {"cat": 1, "dog": 1}}),
        (
            ["a/train/x/1", "a/train/y/2", "a/val/x/3", "a/val/y/4"],
            {"a": {"x": 2, "y": 2}},
        ),
        (["1.png", "2.png"], {}),
        (["photos/1.png", "photos/2.png"], {}),
        (["z.zip!/cat/1.png", "z.zip!/dog/1.png"], {"z.zip!": {"cat": 1, "dog": 1}}),
    ],
)
def test_folders_with_a_folder_for_each_class(files, expected):
    assert {found.path: found.classes for found in image_folders(placed(sources(*files)))} == expected


def test_files_that_are_no_images_do_not_count():
    assert image_folders(placed([*sources("a/1", "b/2"), *sources("a/x.csv", kind="delimited")]))[0].classes == {
        "a": 1,
        "b": 1,
    }


def test_images_are_told_by_their_first_bytes(tmp_path):
    for name, raw in {"cat/1.JPG": JPEG, "cat/2.txt": PNG, "dog/3.png": PNG, "dog/4.png": b"no image at all\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(raw)

    (found,) = read_path(tmp_path).images
    assert (found.path, found.classes) == (".", {"cat": 2, "dog": 1})


def labels(*files):
    return [each.label for each in placed(sources(*files))]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["cat/1", "cat/deep/2", "dog/3"], ["cat", "cat", "dog"]),
        (["cat/images/1", "dog/images/2"], ["cat", "dog"]),
        (["train/cat/1", "train/dog/2", "Test/cat/3"], ["cat", "dog", "cat"]),
        (["cat/train/1", "cat/val/2", "dog/train/3", "dog/val/4"], ["cat", "cat", "dog", "dog"]),
        (["car/1", "train/2", "bus/3"], ["car", "train", "bus"]),
        (["pets/cat/1", "pets/dog/2", "farm/cow/3", "farm/hen/4"], ["cat", "dog", "cow", "hen"]),
        ([*(f"train/cat/{n}" for n in range(9)), "test/dog/1", "plot"], [*["cat"] * 9, "dog", None]),
    ],
)
def test_the_class_is_the_folder_that_tells_pictures_apart(files, expected):
    assert labels(*files) == expected


@pytest.fixture
def shapes(tmp_path):
    """Divided for training and tests, with a copy in another size, a broken file and things that are no pictures."""
    write_shapes(tmp_path / "train", ["circle", "square"], each=5)
    write_shapes(tmp_path / "test", ["circle", "square"], each=2, seed=1)
    Image.open(tmp_path / "train/square/002.png").convert("RGB").resize((90, 90)).save(
        tmp_path / "test/square/copy.jpg"
    )
    broken = tmp_path / "train/circle/001.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    (tmp_path / "train/circle/notes.txt").write_text("Taken in spring.")
    (tmp_path / "plot.png").write_bytes((tmp_path / "train/circle/000.png").read_bytes())
    return tmp_path


def test_a_row_for_each_picture_that_can_be_read(shapes):
    (table,) = read_path(shapes).tables
    rows = table.data.to_pylist()
    assert table.data.column_names == ["picture", "label", "picture_content"]
    assert [row["picture"] for row in rows[:2]] == ["test/circle/000.png", "test/circle/001.jpg"]
    assert len(rows) == 14
    assert all(row["label"] == row["picture"].split("/")[1] for row in rows)


def test_what_shows_the_same_is_named_after_the_first(shapes):
    (table,) = read_path(shapes).tables
    same = {row["picture"]: row["picture_content"] for row in table.data.to_pylist()}
    assert same["train/square/002.png"] == same["test/square/copy.jpg"] == "test/square/copy.jpg"
    assert len(set(same.values())) == len(same) - 1


def test_what_is_left_out_and_that_folders_only_divide_is_said(shapes):
    result = read_path(shapes)
    left_out = {item.path: item.reason for item in result.ignored}
    assert "cut off" in left_out["train/circle/001.jpg"]
    assert left_out["plot.png"] == "an image that is not in a folder of its class and that no table names"
    assert "train/circle/notes.txt" in left_out
    assert result.warnings[0].startswith("The folders test and train only divide")
    assert result.warnings[1].startswith("1 picture was left out: train/circle/001.jpg")


def test_with_every_picture_no_class_is_needed(tmp_path):
    write_shapes(tmp_path, ["circle"], each=3)
    (table,) = read_path(tmp_path, every_picture=True).tables
    assert table.data["label"].to_pylist() == [None] * 3


def test_several_folders_of_classes_are_a_column(tmp_path):
    write_shapes(tmp_path / "round", ["circle", "ring"], each=2)
    write_shapes(tmp_path / "pointed", ["square", "triangle"], each=2)
    (table,) = read_path(tmp_path).tables
    assert table.data["folder"].to_pylist() == ["pointed"] * 4 + ["round"] * 4


def test_pictures_in_an_archive_are_counted_but_not_learned_from(tmp_path):
    write_shapes(tmp_path / "shapes", ["circle", "square"], each=2)
    make_archive(str(tmp_path / "shapes"), "zip", tmp_path / "shapes")
    rmtree(tmp_path / "shapes")
    result = read_path(tmp_path)
    assert (result.tables, result.images[0].classes) == ([], {"circle": 2, "square": 2})
    assert "unpack it" in result.ignored[0].reason


def test_without_pillow_the_command_is_said(shapes, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    result = read_path(shapes)
    assert result.tables == []
    assert any("vision" in warning for warning in result.warnings)


def test_a_picture_of_two_classes_is_named(tmp_path):
    write_shapes(tmp_path, ["circle", "square"], each=3)
    (tmp_path / "square" / "odd.png").write_bytes((tmp_path / "circle" / "000.png").read_bytes())
    (warning,) = read_path(tmp_path).warnings
    assert warning == "1 of the pictures lie in the folders of several classes: circle/000.png (circle, square)."


@pytest.mark.parametrize("name", ["end.png ", b"caf\xe9.png"])
def test_a_name_that_no_path_can_tell_is_left_out(tmp_path, name):
    write_shapes(tmp_path, ["circle", "square"], each=2)
    odd = os.path.join(os.fsencode(tmp_path / "circle"), os.fsencode(name))  # noqa: PTH118
    with open(odd, "wb") as stream:  # noqa: PTH123
        stream.write((tmp_path / "circle" / "000.png").read_bytes())
    result = read_path(tmp_path)
    assert result.tables[0].data.num_rows == 4
    assert "give it a plainer one" in result.ignored[0].reason

"""Folders of images are told by their content."""

from __future__ import annotations

from pathlib import Path

import pytest
from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.images import image_folders, placed
from automl_runtime.data.reading.source import Source

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

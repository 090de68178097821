"""Folders of pictures from which nothing can be learned are refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from automl_agent.drafting import DraftOptions, draft
from automl_runtime.errors import DataError
from pictures import write_shapes


def empty(folder):
    folder.mkdir()


def one_class(folder):
    write_shapes(folder, ["circle"], each=3)


def loose(folder):
    write_shapes(folder.parent / "made", ["circle"], each=3)
    (folder.parent / "made" / "circle").rename(folder)


def all_broken(folder):
    for path in write_shapes(folder, ["circle", "square"], each=3).rglob("*.*"):
        path.write_bytes(path.read_bytes()[:60])


def one_class_left(folder):
    for path in (write_shapes(folder, ["circle", "square"], each=3) / "square").iterdir():
        path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (empty, "is empty"),
        (one_class, "lay those of each of the classes, two at least, into a folder"),
        (loose, "lay those of each of the classes, two at least, into a folder"),
        (all_broken, "None of the pictures in .* can be used"),
        (one_class_left, "The target 'label' of pictures holds 'circle' in all its 3 rows"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(tmp_path, make, message):
    make(tmp_path / "raw")
    with pytest.raises(DataError) as refused:
        draft("classify the pictures", DraftOptions(data=tmp_path / "raw"))
    assert refused.match(message) or message in (refused.value.hint or "")


def test_what_a_table_says_of_pictures_in_folders_is_used_and_their_files_are_not_twice(tmp_path):
    folder = write_shapes(tmp_path / "raw", ["circle", "square"], each=15)
    rng = np.random.default_rng(0)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    lines = ["file,exposure", *(f"{file},{rng.integers(1, 90)}" for file in files)]
    (folder / "camera.csv").write_text("\n".join(lines) + "\n")
    made = draft("which shape is in each picture", DraftOptions(data=folder))
    assert [table.name for table in made.spec.data.tables] == ["pictures", "camera"]
    used = {column.name for column in made.assembled.columns}
    assert {"picture", "camera.exposure"} <= used
    assert not used & {"camera.file", "camera.file_content"}


def test_few_pictures_beside_a_large_table_stay(tmp_path):
    write_shapes(tmp_path / "raw", ["circle", "square"], each=6)
    rows = [f"{day},{(day * 7) % 31}" for day in range(400)]
    (tmp_path / "raw" / "visits.csv").write_text("day,visitors\n" + "\n".join(rows) + "\n")
    made = draft("which shape is in each picture", DraftOptions(data=tmp_path / "raw"))
    assert made.spec.target.table == "pictures"

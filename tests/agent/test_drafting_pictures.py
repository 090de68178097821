"""Folders of pictures from which nothing can be learned are refused with the reason."""

from __future__ import annotations

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

"""Columns that name the files of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.data.catalog import discover
from automl_runtime.data.reading import read_path
from pictures import shape

KINDS = ["circle", "square"] * 3


def write_named(folder, spelled, *, inside="images", more=""):
    """`folder`/labels.csv names six pictures, each as `spelled` does it."""
    rng = np.random.default_rng(0)
    (folder / inside).mkdir(parents=True)
    for number, kind in enumerate(KINDS):
        shape(kind, rng).save(folder / inside / f"p{number}.png")
    lines = [f"{spelled.format(number)},{kind},{30 + number}" for number, kind in enumerate(KINDS)]
    (folder / "labels.csv").write_text("\n".join(["file,kind,age", *lines]) + f"\n{more}")
    return folder


@pytest.mark.parametrize("spelled", ["images/p{}.png", "p{}.png", "p{}", "./images/p{}.png", r"images\p{}.png"])
def test_a_cell_becomes_the_path_of_its_file(tmp_path, spelled):
    (table,) = read_path(write_named(tmp_path, spelled)).tables
    assert table.data["file"].to_pylist() == [f"images/p{number}.png" for number in range(6)]
    assert table.types == {"file": "image", "file_content": "category"}


def test_the_files_are_used_and_the_column_holds_pictures(tmp_path):
    catalog = discover(write_named(tmp_path, "p{}.png")).catalog
    assert all(entry.used for entry in catalog.files)
    assert {column.name: column.type for column in catalog.tables[0].columns}["file"] == "image"


def test_a_cell_without_a_file_is_empty_and_counted(tmp_path):
    (tmp_path / "one").mkdir()
    result = read_path(write_named(tmp_path / "one", "p{}.png", more="gone.png,circle,50\n"))
    assert result.tables[0].data["file"].to_pylist()[-1] is None
    assert result.warnings == ["labels.csv: 1 of 7 cells of 'file' name no picture that can be read"]


def test_numbers_that_happen_to_be_names_of_few_files_stay_numbers(tmp_path):
    write_named(tmp_path, "p{}.png")
    for number in range(20):
        shape("circle", np.random.default_rng(number)).save(tmp_path / "images" / f"{number}.png")
    (tmp_path / "other.csv").write_text("nr,paid\n1,3.5\n2,7.0\n3,9.0\n")
    assert {table.name: list(table.types) for table in read_path(tmp_path).tables} == {
        "labels": ["file", "file_content"],
        "other": [],
    }

"""The folder in examples/ is read as its truth.yaml says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from automl_runtime.data.reading import read_path
from automl_runtime.data.tables import ReadResult

FOLDER = Path(__file__).parents[4] / "examples" / "messy_churn"
TRUTH = yaml.safe_load((FOLDER / "truth.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def found() -> ReadResult:
    return read_path(FOLDER / "data")


def test_every_table_of_the_truth_is_found(found):
    read = {table.name: table for table in found.tables}
    expected = TRUTH["tables"]

    assert set(read) == {*expected, "Coffee_rota", "subscribers_-_backup"}
    for name, table in expected.items():
        assert (read[name].file, read[name].data.num_rows) == (table["file"], table.get("rows_read", table["rows"]))
        assert set(table["key"]) <= set(read[name].data.column_names)
    assert (read["Contracts"].header_row, read["Contracts"].footer_rows) == (4, 1)
    assert read["subscribers"].data.column_names == list(expected["subscribers"]["columns"])


def test_clutter_is_ignored_with_a_reason(found):
    assert {entry.path for entry in found.ignored} == {"notes.txt", "export.log"}
    assert found.warnings == []


def test_the_folder_stays_small():
    files = list((FOLDER / "data").iterdir())

    assert sum(file.stat().st_size for file in files) <= 2_000_000
    assert (FOLDER / "data" / "subscribers - backup.csv").read_bytes() == (
        FOLDER / "data" / "subscribers.csv"
    ).read_bytes()

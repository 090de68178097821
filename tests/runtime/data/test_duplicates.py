"""Files that repeat others."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest
from automl_runtime.data.duplicates import as_text, find_copies, looks_like_copy, shared_keys
from automl_runtime.data.tables import RawTable, ReadResult
from automl_schemas.catalog import FileEntry

ROWS = [(str(100 + k), f"name {k}", str(k * k)) for k in range(40)]


def read(*tables: tuple[str, list[tuple[str, ...]]], inner: str | None = None) -> ReadResult:
    found, files = [], {}
    for file, rows in tables:
        data = pa.table({name: [row[i] for row in rows] for i, name in enumerate(("id", "name", "z"))})
        found.append(RawTable(name=f"t{len(found)}", file=file, data=data, inner=f"s{len(found)}" if inner else None))
        digest = hashlib.sha256(repr(rows).encode()).hexdigest()
        files[file] = FileEntry(path=file, sha256=digest if not inner else file, bytes=1, kind="delimited")
    return ReadResult(tables=found, files=list(files.values()))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stock (copy).csv", True),
        ("stock - Copy.csv", True),
        ("Copy of stock.csv", True),
        ("backup/stock.csv", True),
        ("stock_backup_2020.csv", True),
        ("stock (2).csv", True),
        ("stock.csv.bak", True),
        ("stock.csv~", True),
        ("old stock.csv", True),
        ("copyright.csv", False),
        ("golden.csv", False),
        ("stock_2020.csv", False),
        ("behold.csv", False),
    ],
)
def test_names_of_copies(name: str, expected: bool) -> None:
    assert looks_like_copy(name) is expected


@pytest.mark.parametrize("copy", ["stock (copy).csv", "a/deep/stock.csv", "z.zip!/stock.csv", "stock_longer_name.csv"])
def test_of_identical_files_the_plainest_name_stays(copy: str) -> None:
    copies = find_copies(read((copy, ROWS), ("stock.csv", ROWS)))
    assert [table.file for table in copies.tables] == ["stock.csv"]
    assert [(found.path, found.of, found.reason) for found in copies.duplicates] == [(copy, "stock.csv", "identical")]


def test_the_same_rows_in_another_order_are_identical() -> None:
    copies = find_copies(read(("stock.csv", ROWS), ("stock2.csv", ROWS[::-1])))
    assert [(found.path, found.reason) for found in copies.duplicates] == [("stock2.csv", "identical")]


def test_an_old_state_of_a_table_is_a_stale_copy() -> None:
    old = [(i, name, z if int(i) % 3 else "0") for i, name, z in ROWS[:30]]
    copies = find_copies(read(("stock.csv", ROWS), ("stock_old.csv", old)))
    assert [(found.path, found.reason) for found in copies.duplicates] == [("stock_old.csv", "stale copy")]
    assert not copies.questions


def test_a_backup_is_recognised_by_its_keys_when_all_cells_changed() -> None:
    old = [(i, name, "0") for i, name, _ in ROWS]
    copies = find_copies(read(("stock.csv", ROWS), ("backup/stock.csv", old)))
    assert [found.path for found in copies.duplicates] == ["backup/stock.csv"]


def test_a_subset_under_another_name_is_a_question() -> None:
    result = read(("stock.csv", ROWS), ("choice.csv", ROWS[:10]))
    copies = find_copies(result)
    assert [question.id for question in copies.questions] == ["copy.choice.csv"]
    assert [found.path for found in copies.duplicates] == ["choice.csv"]
    kept = find_copies(result, {"copy.choice.csv": "keep"})
    assert len(kept.tables) == 2
    assert not kept.duplicates


@pytest.mark.parametrize(
    "other",
    [
        [(f"9{i}", name, z) for i, name, z in ROWS],
        [("1", "a", "b")] * 40,
        ROWS[:2],
    ],
    ids=["other rows", "few different rows", "too few rows"],
)
def test_other_rows_are_no_copy(other: list[tuple[str, ...]]) -> None:
    assert len(find_copies(read(("stock.csv", ROWS), ("more (copy).csv", other))).tables) == 2


def test_one_sheet_that_repeats_a_file_is_ignored_by_name() -> None:
    result = read(("book_old.xlsx", ROWS[:20]), ("book_old.xlsx", [(f"9{i}", n, z) for i, n, z in ROWS]), inner="s")
    plain = read(("stock.csv", ROWS))
    copies = find_copies(ReadResult(tables=result.tables + plain.tables, files=result.files + plain.files))
    assert [found.path for found in copies.ignored] == ["book_old.xlsx#s0"]
    assert len(copies.tables) == 2


def test_shared_keys() -> None:
    tables = read(("a.csv", ROWS), ("b.csv", ROWS[20:])).tables
    assert shared_keys(tables) == 0.5
    other = RawTable(name="x", file="x", data=pa.table({"v": ["1", "1"], "w": ["1", "2"]}))
    assert shared_keys([other, other]) == 0.0


def test_any_column_as_text() -> None:
    assert as_text(pa.array([1.0, 2.5, None])).to_pylist() == ["1", "2.5", ""]
    assert as_text(pa.chunked_array([[" a "], ["b"]])).to_pylist() == ["a", "b"]
    assert as_text(pa.chunked_array([], pa.string())).to_pylist() == []
    assert as_text(pa.array(["x", "y"]).dictionary_encode()).to_pylist() == ["x", "y"]
    assert as_text(pa.array([[1], None])).to_pylist() == ["[1]", ""]

"""SQLite and DuckDB files: read, never written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from automl_runtime.data.reading.databases import read_duckdb, read_sqlite
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

HOSTILE = 'we"ird; drop table rooms--'


def sqlite(path: Path, *statements: str | tuple[str, list[tuple[object, ...]]]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            if isinstance(statement, str):
                connection.execute(statement)
            else:
                connection.executemany(*statement)
        connection.commit()
    return path


def read(path: Path) -> list[RawTable]:
    return read_sqlite(Source(path, "hotel.db", "sqlite"))


@pytest.fixture
def hotel(tmp_path: Path) -> Iterator[Path]:
    quoted = HOSTILE.replace('"', '""')
    yield sqlite(
        tmp_path / "a b#?%.db",
        "CREATE TABLE rooms(id INTEGER PRIMARY KEY, size REAL, code, photo BLOB, note, big)",
        (
            "INSERT INTO rooms VALUES (?, ?, ?, ?, ?, ?)",
            [
                (1, 10, 7, b"\xff\xd8", "x", 2**62),
                (2, 12.5, "A7", None, b"text", 0.5),
                (3, None, 7.5, b"\x00", b"\xff\x00", 1),
            ],
        ),
        f'CREATE TABLE "{quoted}"("sel""ect" TEXT, "from")',
        f"INSERT INTO \"{quoted}\" VALUES ('', NULL)",
        "CREATE VIEW cheap AS SELECT * FROM rooms",
        "CREATE TABLE later(a, doubled AS (a * 2))",
        "INSERT INTO later VALUES (4)",
        "CREATE VIRTUAL TABLE search USING fts5(words)",
        "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT)",
    )


def test_every_table_is_read_with_the_types_of_its_cells(hotel):
    rooms, weird, later, counted = read(hotel)

    assert [table.inner for table in (rooms, weird, later, counted)] == ["rooms", HOSTILE, "later", "counted"]
    assert rooms.data.schema.names == ["id", "size", "code", "note", "big"]
    assert rooms.data["size"].to_pylist() == [10.0, 12.5, None]
    assert rooms.data["code"].to_pylist() == ["7", "A7", "7.5"]
    assert rooms.data["note"].to_pylist() == ["x", "text", None]
    assert rooms.data["big"].to_pylist() == ["4611686018427387904", "0.5", "1"]
    assert weird.name == "we_ird_drop_table_rooms"
    assert weird.data.to_pylist() == [{'sel"ect': "", "from": None}]
    assert later.data.to_pylist() == [{"a": 4, "doubled": 8}]
    assert counted.data.num_rows == 0


def test_what_is_left_out_is_said(hotel):
    assert read(hotel)[0].warnings == (
        "view 'cheap' was left out",
        "virtual 'search' was left out",
        "column 'photo' of table 'rooms' holds bytes and was left out",
        "column 'note' of table 'rooms' holds bytes in 2 cells; those that are not text are read as missing",
    )


def test_reading_leaves_nothing_beside_the_file(hotel):
    before = hotel.read_bytes()
    read(hotel)

    assert [path.name for path in hotel.parent.iterdir()] == [hotel.name]
    assert hotel.read_bytes() == before


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_changes_that_wait_in_a_journal_are_handled_in_a_copy(tmp_path, mode):
    path = tmp_path / "live.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute(f"PRAGMA journal_mode = {mode}")
        writer.execute("CREATE TABLE t(a)")
        writer.execute("INSERT INTO t VALUES (1)")
        writer.execute("PRAGMA cache_size = 1")
        if mode == "delete":
            writer.execute("BEGIN")
            writer.executemany("INSERT INTO t VALUES (?)", [("x" * 2000,)] * 50)
        before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
        (table,) = read(path)
        assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before

    assert table.data["a"].to_pylist() == [1]
    assert any(name.endswith(("-wal", "-journal")) for name in before)


def test_text_that_is_not_utf8_is_read_with_a_warning(tmp_path):
    path = sqlite(tmp_path / "old.db", "CREATE TABLE t(a)", "INSERT INTO t VALUES (CAST(x'43616665e9' AS TEXT)), ('é')")
    (table,) = read(path)

    assert table.data["a"].to_pylist() == ["Cafeé", "é"]
    assert table.warnings == ("table 't' holds text that is not UTF-8; it was read as cp1252",)


def test_many_rows_and_columns(tmp_path):
    names = ", ".join(f"c{number}" for number in range(900))
    path = sqlite(
        tmp_path / "wide.db",
        f"CREATE TABLE wide({names})",
        "INSERT INTO wide(c0, c899) VALUES (1, x'ff')",
        "CREATE TABLE long(a, b)",
        ("INSERT INTO long VALUES (?, NULL)", [(number,) for number in range(10_001)]),
    )
    wide, long = read(path)

    assert wide.data.shape == (1, 899)
    assert long.data.shape == (10_001, 2)
    assert long.data.schema.types == [pa.int64(), pa.null()]


def broken(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda raw: raw[: len(raw) // 2],
            "hotel.db cannot be read as a SQLite database: database disk image is malformed",
        ),
        (lambda raw: raw[:100] + b"\xff" * 5000, "cannot be read as a SQLite database"),
        (lambda raw: b"SQLite format 3\0 and nothing else" * 50, "cannot be read as a SQLite database"),
        (
            lambda raw: raw.replace(b"CREATE TABLE rooms", b"CREATE TABL\xac rooms"),
            "cannot be read as a SQLite database",
        ),
        (lambda raw: b"", "hotel.db is a database without a table"),
    ],
)
def test_a_broken_database_is_an_error(hotel, damage, message):
    with pytest.raises(DataError, match=message):
        read(broken(hotel, damage(hotel.read_bytes())))


def test_a_database_of_views_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"without a table.\n  Views are not read"):
        read(sqlite(tmp_path / "v.db", "CREATE VIEW v AS SELECT 1"))


@pytest.fixture
def duck(tmp_path: Path) -> Path:
    path = tmp_path / "hotel.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE rooms AS SELECT 1 AS id, 'x'::BLOB AS photo, [1, 2] AS floors, "
            "{'a': 1.5::DECIMAL(9, 2)} AS size, '2021-03-05 10:00:00+02'::TIMESTAMPTZ AS seen, "
            "5::HUGEINT AS many, 'a'::ENUM('a', 'b') AS kind, "
            "TIME '04:05:00' AS opens"
        )
        connection.execute("CREATE SCHEMA other")
        connection.execute('CREATE TABLE other."we""ird; drop" AS SELECT 1 AS x WHERE false')
        connection.execute("CREATE VIEW cheap AS SELECT 1")
    return path


def test_duckdb_tables_of_all_schemas_are_read(duck):
    before = duck.read_bytes()
    rooms, floors, weird = read_duckdb(Source(duck, "hotel.duckdb", "duckdb"))

    assert rooms.data.to_pylist() == [
        {
            "id": 1,
            "size.a": 1.5,
            "seen": datetime(2021, 3, 5, 8),
            "many": 5,
            "kind": "a",
            "opens": "04:05:00",
        }
    ]
    assert rooms.warnings == (
        "view 'cheap' was left out",
        "column 'photo' of table 'rooms' holds bytes and was left out",
    )
    assert (floors.name, floors.parent, floors.inner) == ("rooms_floors", "rooms", "rooms.floors")
    assert floors.data.to_pylist() == [{"id": 1, "value": 1}, {"id": 1, "value": 2}]
    assert (weird.name, weird.inner, weird.data.num_rows) == ("we_ird_drop", 'other.we"ird; drop', 0)
    assert duck.read_bytes() == before
    assert [path.name for path in duck.parent.iterdir()] == [duck.name]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:6000], "hotel.duckdb cannot be read as a DuckDB database"),
        (lambda raw: b"x" * 5000, "hotel.duckdb cannot be read as a DuckDB database"),
    ],
)
def test_a_broken_duckdb_file_is_an_error(duck, damage, message):
    with pytest.raises(DataError, match=message):
        read_duckdb(Source(broken(duck, damage(duck.read_bytes())), "hotel.duckdb", "duckdb"))


def test_a_duckdb_view_cannot_reach_other_files(tmp_path):
    path = tmp_path / "spy.duckdb"
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE VIEW spy AS SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')")

    with pytest.raises(DataError, match="without a table"):
        read_duckdb(Source(path, "spy.duckdb", "duckdb"))

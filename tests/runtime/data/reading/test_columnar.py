"""Parquet, Arrow and Feather files of every type."""

from __future__ import annotations

import warnings
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from automl_runtime.data.reading.columnar import read_arrow, read_parquet
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError
from pyarrow import feather

NOON = datetime(2021, 6, 1, 12)


def write_parquet(path: Path, table: pa.Table) -> list[RawTable]:
    pq.write_table(table, path)
    return read_parquet(Source(path, "drop/rooms.parquet", "parquet"))


def write_stream(path: Path, table: pa.Table) -> list[RawTable]:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return read_arrow(Source(path, "rooms.arrows", "arrow"))


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (pa.array([1, None], pa.int8()), pa.int64(), [1, None]),
        (pa.array([1, 2**63], pa.uint64()), pa.string(), ["1", str(2**63)]),
        (pa.array([1.5, float("nan")], pa.float32()), pa.float64(), [1.5, None]),
        (pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)), pa.float64(), [1.5, None]),
        (pa.array([Decimal(5)], pa.decimal128(9, 0)), pa.int64(), [5]),
        (pa.array([Decimal(10**30)], pa.decimal128(38, 0)), pa.float64(), [1e30]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), pa.string(), ["a", "b", "a"]),
        (pa.array([NOON], pa.timestamp("ns", "Europe/Berlin")), pa.timestamp("us"), [NOON]),
        (pa.array([NOON], pa.timestamp("s")), pa.timestamp("us"), [NOON]),
        (pa.array([2**46], pa.int64()).cast(pa.timestamp("s")), pa.string(), None),
        (pa.array([NOON.date()], pa.date64()), pa.date32(), [date(2021, 6, 1)]),
        (pa.array([time(4, 5)], pa.time64("us")), pa.string(), ["04:05:00"]),
        (pa.array([time(4, 5, 0, 250000)], pa.time64("us")), pa.string(), ["04:05:00.250000"]),
        (pa.array([timedelta(hours=30)]), pa.float64(), [108000.0]),
        (pa.array([b"abc", None]), pa.string(), ["abc", None]),
        (pa.array(["a"], pa.large_string()), pa.string(), ["a"]),
        (pa.array(["a"], pa.string_view()), pa.string(), ["a"]),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), pa.string(), None),
        (pa.array([UUID(int=5).bytes], pa.uuid()), pa.string(), [str(UUID(int=5))]),
        (pa.array(["{}"], pa.json_(pa.string())), pa.string(), ["{}"]),
        (pc.run_end_encode(pa.array([1, 1, 2])), pa.int64(), [1, 1, 2]),
        (pa.array([[[1], [2]], None]), pa.string(), ["[[1],[2]]", None]),
        (pa.array([[[{"a": NOON}]]]), pa.string(), ['[[{"a":"2021-06-01 12:00:00"}]]']),
        (pa.array([["x"], [], None]), pa.string(), ["x", None, None]),
        (pa.array([[1], [2]], pa.list_view(pa.int64())), pa.int64(), [1, 2]),
        (pa.array([[True], None], pa.list_(pa.bool_(), 1)), pa.bool_(), [True, None]),
        (pa.nulls(2), pa.null(), [None, None]),
    ],
)
def test_every_type_becomes_one_of_few(tmp_path, values, kind, expected):
    (table,) = write_stream(tmp_path / "s", pa.table({"v": values}))

    assert table.data.schema.field("v").type == kind
    assert expected is None or table.data["v"].to_pylist() == expected


def test_structs_lists_maps_and_vectors(tmp_path):
    table = pa.table(
        {
            "id": [1, 2, 3],
            "home": [{"city": "Bern", "at": {"x": 1.5}}, None, {"city": "Chur", "at": None}],
            "stays": [[{"room": 4, "extras": ["a", "b"]}, {"room": 5, "extras": []}], [], None],
            "prices": pa.array([[("low", 1)], [], None], pa.map_(pa.string(), pa.int64())),
            "vector": pa.array([[1.0, 2.0]] * 3, pa.list_(pa.float32(), 2)),
        }
    )
    rooms, stays, extras, prices = write_parquet(tmp_path / "year=2021.parquet", table)

    assert rooms.data.column_names == ["id", "home.city", "home.at.x", "vector.0", "vector.1"]
    assert rooms.data["home.at.x"].to_pylist() == [1.5, None, None]
    assert stays.data.to_pylist() == [
        {"rooms_stays_row": 1, "id": 1, "room": 4},
        {"rooms_stays_row": 2, "id": 1, "room": 5},
    ]
    assert extras.parent == "rooms_stays"
    assert extras.data.to_pylist() == [{"rooms_stays_row": 1, "value": "a"}, {"rooms_stays_row": 1, "value": "b"}]
    assert prices.data.to_pylist() == [{"id": 1, "key": "low", "value": 1}]


def test_what_is_left_out_or_changed_is_said(tmp_path):
    table = pa.table(
        {
            "photo": [b"\xff\x00"],
            "packed": [b"\x00\x01"],
            "thumbs": [[b"\xff", b"\xfe"]],
            "stay": [timedelta(hours=1)],
        }
    )
    (read,) = write_stream(tmp_path / "s", table)

    assert read.data.column_names == ["stay"]
    assert [text.split(" holds ")[0] for text in read.warnings] == [
        "column 'photo'",
        "column 'packed'",
        "column 'thumbs'",
        "column 'stay'",
    ]


def test_parts_of_the_path_do_not_become_columns(tmp_path):
    (tmp_path / "year=2021").mkdir()
    (table,) = write_parquet(tmp_path / "year=2021" / "x.parquet", pa.table({"a": [1]}))

    assert (table.name, table.data.column_names) == ("rooms", ["a"])


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_of_feather(tmp_path, version):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        feather.write_feather(pa.table({"a": [1, 2]}), tmp_path / "f", version=version)
    (table,) = read_arrow(Source(tmp_path / "f", "rooms.feather", "arrow"))

    assert table.data.to_pydict() == {"a": [1, 2]}


def parquet_bytes(tmp_path: Path) -> bytes:
    pq.write_table(pa.table({"a": list(range(1000))}), tmp_path / "whole")
    return (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_parquet_file_that_is_cut_off_is_an_error(tmp_path, share):
    raw = parquet_bytes(tmp_path)
    (tmp_path / "cut").write_bytes(raw[: int(len(raw) * share)])

    with pytest.raises(DataError, match=r"rooms.parquet cannot be read as Parquet"):
        read_parquet(Source(tmp_path / "cut", "rooms.parquet", "parquet"))


@pytest.mark.parametrize("raw", [b"", b"ARROW1\0\0junk", b"FEA1xxxx", b"\xff\xff\xff\xff\x10\0\0\0"])
def test_a_broken_arrow_file_is_an_error(tmp_path, raw):
    (tmp_path / "cut").write_bytes(raw)

    with pytest.raises(DataError, match=r"rooms.arrow cannot be read as Arrow: .*\n  It may have been cut off"):
        read_arrow(Source(tmp_path / "cut", "rooms.arrow", "arrow"))


def test_offsets_that_run_backwards_are_refused(tmp_path):
    offsets = pa.py_buffer(b"\0\0\0\0\x05\0\0\0\x03\0\0\0")
    bad = pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"abcdef")])
    with pytest.raises(DataError, match="cannot be read as Arrow"):
        write_stream(tmp_path / "s", pa.table({"a": bad}))

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from datetime import date, datetime

import pyarrow as pa
import pytest
from automl_runtime.data.cleaning import clean_table, escape_formula, read_clean, write_clean
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError, SchemaMismatchError
from automl_schemas.cleaning import ColumnPlan
from hypothesis import given, settings
from hypothesis import strategies as st

HEADER = ["id", "price", "seen", 'who "said"', "note", "flag", "nothing"]


def raw_table(rows=300, **more):
    columns = {
        "id": [str(i) for i in range(rows)],
        "price": [f"{i},5" for i in range(rows - 1)] + ["oops"],
        "seen": ["31.12.2021", "2021-05-06", "-"] * (rows // 3),
        'who "said"': ["Größe\n1", "\\ \u2028 \U0001f600", ""] * (rows // 3),
        "note": [f"some longer text about row {i}" for i in range(rows)],
        "flag": ["yes", "no", "?"] * (rows // 3),
        "nothing": [""] * rows,
    }
    return RawTable("sales", "sales.csv", pa.table(columns | more))


def test_rows_and_columns_are_kept_and_bad_cells_recorded():
    raw = raw_table()
    table = clean_table(raw)
    assert table.data.column_names == raw.data.column_names
    assert table.data.num_rows == raw.data.num_rows == len(table.source_rows)
    assert (table.source_rows[0], table.source_rows[-1], table.files) == (1, 300, ("sales.csv",))
    (reject,) = table.rejects
    assert (reject.table, reject.column, reject.file, reject.row, reject.value) == (
        "sales",
        "price",
        "sales.csv",
        300,
        "oops",
    )
    assert reject.reason == "not a number such as 12.5"


def test_plans_are_replayed_on_new_rows():
    plans = clean_table(raw_table()).plans
    fresh = RawTable("sales", "new.csv", pa.table({name: ["x"] for name in plans} | {"more": ["1"]}))
    table = clean_table(fresh, plans)
    assert table.data.column_names == list(plans)
    assert table.data["seen"].type == pa.date32()
    assert [reject.column for reject in table.rejects] == ["id", "price", "seen", "flag", "nothing"]


def test_a_missing_column_is_named():
    plans = clean_table(raw_table()).plans
    short = RawTable("sales", "new.csv", pa.table({"id": ["1"]}))
    with pytest.raises(SchemaMismatchError, match=r"new\.csv: table `sales` has no column `price`"):
        clean_table(short, plans)


def test_what_is_written_is_read_back(tmp_path):
    table = clean_table(raw_table())
    write_clean([table], tmp_path)
    again = read_clean(tmp_path, "sales", table.plans)
    assert again.equals(table.data)
    lines = (tmp_path / "sales.jsonl").read_text(encoding="utf-8").split("\n")
    assert json.loads(lines[0]) == {
        "id": 0,
        "price": 0.5,
        "seen": "2021-12-31",
        'who "said"': "Größe 1",
        "note": "some longer text about row 0",
        "flag": True,
        "nothing": None,
    }
    assert list(json.loads(lines[2])) == table.data.column_names
    assert len(lines) == 301
    (reject,) = (tmp_path / "_rejects.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(reject)["value"] == "oops"


def test_typed_and_rejected_columns_are_read_back(tmp_path):
    moments = [datetime(2021, 1, 1, 5, 0, 0, 250), None]
    raw = RawTable(
        "t",
        "t.parquet",
        pa.table({"at": moments, "n": [2**53 + 1, None], "f": [0.1, float("inf")], "raw": [" $5", "6"]}),
    )
    plans = {
        "at": ColumnPlan(column="at", type="datetime"),
        "n": ColumnPlan(column="n", type="integer"),
        "f": ColumnPlan(column="f", type="number"),
        "raw": ColumnPlan(column="raw", type="category", accepted=False),
    }
    table = clean_table(raw, plans)
    write_clean([table], tmp_path)
    again = read_clean(tmp_path, "t", plans)
    assert again.equals(table.data)
    assert again["at"].to_pylist() == moments
    assert again["raw"].to_pylist() == [" $5", "6"]
    assert [reject.column for reject in table.rejects] == ["f"]


def test_no_rows_and_no_columns(tmp_path):
    empty = clean_table(RawTable("empty", "e.csv", pa.table({"a": pa.array([], pa.string())})))
    bare = clean_table(RawTable("bare", "b.csv", pa.table({})))
    write_clean([empty, bare], tmp_path)
    assert read_clean(tmp_path, "empty", empty.plans).num_rows == 0
    assert (tmp_path / "bare.jsonl").read_text() == ""


def test_a_table_without_columns_keeps_its_rows(tmp_path):
    table = clean_table(raw_table(), {})
    write_clean([table], tmp_path)
    assert (tmp_path / "sales.jsonl").read_text() == "{}\n" * table.data.num_rows


def test_rejects_of_all_tables_are_sorted(tmp_path):
    plan = {"b": ColumnPlan(column="b", type="integer"), "a": ColumnPlan(column="a", type="integer")}
    cells = pa.table({"a": ["x", "y"], "b": ["x", "1"]})
    tables = [clean_table(RawTable(name, f"{name}.csv", cells), plan) for name in ("second", "first")]
    write_clean(tables, tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "_rejects.jsonl").read_text().splitlines()]
    assert [(line["table"], line["row"], line["column"]) for line in lines] == [
        (name, row, column) for name in ("first", "second") for row, column in ((1, "a"), (1, "b"), (2, "a"))
    ]


def test_same_table_same_bytes(tmp_path):
    for folder in ("one", "two"):
        write_clean([clean_table(raw_table())], tmp_path / folder)
    assert (tmp_path / "one/sales.jsonl").read_bytes() == (tmp_path / "two/sales.jsonl").read_bytes()


def test_what_is_no_clean_table_is_refused(tmp_path):
    plans = {"a": ColumnPlan(column="a", type="integer")}
    with pytest.raises(DataError, match=r"t\.jsonl cannot be read"):
        read_clean(tmp_path, "t", plans)
    (tmp_path / "t.jsonl").write_text('{"a": "text"}\n')
    with pytest.raises(DataError, match="does not hold the columns of its plan"):
        read_clean(tmp_path, "t", plans)
    (tmp_path / "t.jsonl").write_text('{"a": 1, "b": 2}\n')
    with pytest.raises(DataError, match="does not hold the columns of its plan"):
        read_clean(tmp_path, "t", plans)


def test_a_very_long_line_is_read_back(tmp_path):
    raw = RawTable("t", "t.csv", pa.table({"a": ["x" * 3_000_000, "y" * 2_000_000, "short"]}))
    table = clean_table(raw)
    write_clean([table], tmp_path)
    assert read_clean(tmp_path, "t", table.plans).equals(table.data)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import pyarrow as pa
from automl_runtime.data.cleaning import clean_table, write_clean
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError
table = clean_table(RawTable("t", "t.csv", pa.table({"a": [str(i) for i in range(100_000)]})))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
try:
    write_clean([table], Path(sys.argv[1]))
except DataError as error:
    sys.stdout.write(str(error))
    raise SystemExit(3)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no file size limits here")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "t.jsonl").write_text("old\n")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, env=os.environ, check=False
    )
    assert done.returncode == 3, done.stderr
    assert f"{tmp_path / 't.jsonl'} cannot be written" in done.stdout
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["t.jsonl"]
    assert (tmp_path / "t.jsonl").read_text() == "old\n"


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("=SUM(A1)", "'=SUM(A1)"),
        ("+1 555", "'+1 555"),
        ("-x", "'-x"),
        ("@home", "'@home"),
        ("\tx", "'\tx"),
        ("-5.5", "-5.5"),
        ("+5", "+5"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_formulas_are_escaped(value, safe):
    assert escape_formula(value) == safe


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["1", "2,5", "", "x"])), min_size=1, max_size=30))
def test_rows_in_are_rows_out(tmp_path_factory, rows):
    raw = RawTable("t", "t.csv", pa.table({"a": [row[0] for row in rows], "b": [row[1] for row in rows]}))
    table = clean_table(raw)
    folder = tmp_path_factory.mktemp("clean")
    write_clean([table], folder)
    again = read_clean(folder, "t", table.plans)
    assert again.num_rows == len(rows)
    assert again.equals(table.data)


def test_dates_and_times_in_one_row(tmp_path):
    raw = RawTable("t", "t.csv", pa.table({"d": ["2021-05-06"], "t": ["2021-05-06 10:00:00"], "c": ["17:30"]}))
    table = clean_table(raw)
    write_clean([table], tmp_path)
    assert json.loads((tmp_path / "t.jsonl").read_text()) == {"d": "2021-05-06", "t": "2021-05-06T10:00:00", "c": 1050}
    assert read_clean(tmp_path, "t", table.plans).to_pylist() == [
        {"d": date(2021, 5, 6), "t": datetime(2021, 5, 6, 10), "c": 1050.0}
    ]

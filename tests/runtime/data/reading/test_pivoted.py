"""Headers of dates become rows."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from automl_runtime.data.reading import read_path

MONTHS = [f"2023-{month:02d}" for month in range(1, 13)]
STATIONS = ["Oslo", "Bergen", "Tromsø"]


def write(folder, header, rows, name="rain 2023.csv", separator=","):
    lines = [separator.join(header), *(separator.join(map(str, row)) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_path(folder)


def rows_of(header=None, start=0):
    return [[name, *(start + 100 * i + k for k in range(len(header or MONTHS)))] for i, name in enumerate(STATIONS)]


def test_one_row_for_each_row_and_month(tmp_path):
    result = write(tmp_path, ["station", *MONTHS], rows_of())
    [table] = result.tables
    assert table.data.column_names == ["station", "date", "rain"]
    assert table.data.num_rows == 36
    assert table.data.slice(12, 2).to_pylist() == [
        {"station": "Bergen", "date": "2023-01-01", "rain": "100"},
        {"station": "Bergen", "date": "2023-02-01", "rain": "101"},
    ]
    assert result.warnings == ["rain 2023.csv: 12 columns, 2023-01 to 2023-12, became rows"]


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        (["2019", "2020", "2021", "2022"], "2019-01-01", "2022-01-01"),
        (["2022", "2021", "2020", "2019"], "2022-01-01", "2019-01-01"),
        (["Jan 2023", "Feb 2023", "Mar 2023", "Apr 2023", "Jun 2023"], "2023-01-01", "2023-06-01"),
        (["18.01.2023", "19.01.2023", "20.01.2023", "23.01.2023", "24.01.2023"], "2023-01-18", "2023-01-24"),
        (["1/22/20", "1/23/20", "1/24/20", "1/25/20"], "2020-01-22", "2020-01-25"),
        ([f"2023-01-01 {hour:02d}:00" for hour in range(6)], "2023-01-01T00:00:00", "2023-01-01T05:00:00"),
    ],
)  # fmt: skip
def test_spellings_of_dates(tmp_path, header, first, last):
    [table] = write(tmp_path, ["station", *header], rows_of(header)).tables
    dates = table.data["date"].to_pylist()
    assert (dates[0], dates[len(header) - 1]) == (first, last)
    assert table.data.num_rows == 3 * len(header)


def test_several_names_of_a_row_empty_cells_and_sums(tmp_path):
    header = ["station", "kind", *MONTHS, "Total"]
    rows = [[name, kind, *("" if k == i else f"1.{k}" for k in range(12)), 99] for i, name in enumerate(STATIONS) for kind in "ab"]  # fmt: skip
    result = write(tmp_path, header, rows)
    [table] = result.tables
    assert table.data.column_names == ["station", "kind", "date", "rain"]
    assert table.data.num_rows == 6 * 11
    assert not {"", "99"} & set(table.data["rain"].to_pylist())
    assert result.warnings[0].endswith("became rows; left out: Total")


def test_a_column_may_be_called_date_already(tmp_path):
    [table] = write(tmp_path, ["date", *MONTHS], rows_of()).tables
    assert table.data.column_names == ["date", "date_2", "rain"]


def test_words_below_dates_stay_where_they_are(tmp_path):
    columns = {"station": STATIONS} | {month: ["dry", "wet", "dry"] for month in MONTHS}
    pq.write_table(pa.table(columns), tmp_path / "rain.parquet")
    assert read_path(tmp_path).tables[0].data.column_names == ["station", *MONTHS]


def test_numbers_stay_numbers(tmp_path):
    columns = {"station": STATIONS} | {month: pa.array([1.5, None, k]) for k, month in enumerate(MONTHS)}
    pq.write_table(pa.table(columns), tmp_path / "rain.parquet")
    [table] = read_path(tmp_path).tables
    assert table.data["rain"].type == pa.float64()
    assert table.data.num_rows == 24


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (["station", *MONTHS[:3]], rows_of(MONTHS[:3])),
        (["station", *MONTHS, "flooded"], [[*row, "yes"] for row in rows_of()]),
        (["station", *MONTHS], [["Oslo", *range(12)], ["Oslo", *range(12)]]),
        (["station", "flooded", *MONTHS], [[row[0], "yes" if row[0] == "Oslo" else "no", *row[1:]] for row in rows_of()]),
        (["station", "2023-01", "2023-03", "2023-02", "2023-04"], rows_of(MONTHS[:4])),
        (["a", "b", "c", "d", "e", *MONTHS[:4]], [[i, i, i, i, i, 1, 2, 3, 4] for i in range(3)]),
        (["station", "item 1", "item 2", "item 3", "item 4", "item 5"], rows_of(MONTHS[:5])),
    ],
    ids=["few dates", "a label behind", "rows named twice", "a label before", "no order", "few of many", "no dates"],
)  # fmt: skip
def test_other_tables_stay_as_they_are(tmp_path, header, rows):
    [table] = write(tmp_path, header, rows).tables
    assert table.data.column_names == header
    assert table.data.num_rows == len(rows)


def test_years_in_files_of_their_own_have_the_same_columns(tmp_path):
    write(tmp_path, ["station", *MONTHS], rows_of())
    later = [month.replace("2023", "2024") for month in MONTHS]
    tables = write(tmp_path, ["station", *later], rows_of(start=7), name="rain 2024.csv").tables
    assert [table.data.column_names for table in tables] == [["station", "date", "rain"]] * 2


def test_a_sheet_with_true_dates_in_its_header(tmp_path):
    header = ["station", *(dt.datetime(2023, month, 1) for month in range(1, 13))]
    pd.DataFrame(rows_of(), columns=header).to_excel(tmp_path / "rain.xlsx", index=False)
    [table] = read_path(tmp_path).tables
    assert table.data.column_names[:2] == ["station", "date"]
    assert table.data["date"].to_pylist()[:2] == ["2023-01-01", "2023-02-01"]

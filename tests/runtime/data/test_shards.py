"""Files that are parts of one table."""

from __future__ import annotations

import pyarrow as pa
import pytest
from automl_runtime.data.shard_names import natural_order, stem_of
from automl_runtime.data.shards import stack
from automl_runtime.data.tables import RawTable
from automl_schemas.catalog import FileEntry


def raw(
    file: str, rows: list[tuple[object, ...]], header: tuple[str, ...] = ("id", "x", "y"), **more: object
) -> RawTable:
    columns = {name: [row[i] for row in rows] for i, name in enumerate(header)}
    name = str(more.pop("name", stem_of(file).replace(" ", "_")))
    return RawTable(name=name, file=file, data=pa.table(columns), **more)  # type: ignore[arg-type]


def parts(*files: str, **more: object) -> list[RawTable]:
    return [raw(file, [(f"{i}{k}", f"a{k}", str(k)) for k in range(4)], **more) for i, file in enumerate(files)]


@pytest.mark.parametrize(
    ("files", "table", "tag", "tags"),
    [
        (("trips_2021.csv", "trips_2022.csv"), "trips", "year", ["2021", "2022"]),
        (("trips_2021_02.csv", "trips_2021_01.csv"), "trips", "period", ["2021-01", "2021-02"]),
        (("trips_2020_12.csv", "trips_2021_01.csv"), "trips", "period", ["2020-12", "2021-01"]),
        (("trips-feb.csv", "trips-jan.csv"), "trips", "period", ["jan", "feb"]),
        (("trips-train.csv", "trips-test.csv"), "trips", None, []),
        (("train.csv", "test.csv"), "rows", None, []),
        (("drop/train.csv", "drop/test.csv"), "drop", None, []),
        (("trips_1.csv", "trips_2.csv", "trips_10.csv"), "trips", None, []),
        (("tea-green.csv", "tea-black.csv"), "tea", "part", ["black", "green"]),
        (("winterbikes.csv", "wintertents.csv"), "winter", "part", ["bikes", "tents"]),
        (("north sales report.csv", "south sales report.csv"), "sales_report", "part", ["north", "south"]),
        (("sales/2021/data.csv", "sales/2022/data.csv"), "sales", "year", ["2021", "2022"]),
        (("sales/year=2021/part-0.parquet", "sales/year=2022/part-0.parquet"), "sales", "year", ["2021", "2022"]),
        (("2021.csv", "2022.csv"), "rows", "year", ["2021", "2022"]),
        (("trips.csv", "trips_2.csv"), "trips", None, []),
    ],
)
def test_parts_of_a_table_are_stacked(files: tuple[str, ...], table: str, tag: str | None, tags: list[str]) -> None:
    result = stack(parts(*files))
    assert [whole.name for whole in result.tables] == [table]
    assert result.shards[0].tag_column == tag
    assert result.shards[0].tags == tags
    whole = result.tables[0].data
    assert whole.num_rows == 4 * len(files)
    assert whole.column_names == ([tag] if tag else []) + ["id", "x", "y"]
    if tag:
        assert whole[tag].to_pylist()[::4] == tags


def test_parts_keep_the_order_of_their_rows_and_columns_are_matched_by_name() -> None:
    first = raw("log_1.csv", [("1", "a", "p")])
    second = raw("log_2.csv", [("q", "2", "b")], header=("Y", "ID", "x"))
    whole = stack([first, second]).tables[0].data
    assert whole.to_pydict() == {"id": ["1", "2"], "x": ["a", "b"], "y": ["p", "q"]}


def test_types_that_disagree_become_text() -> None:
    first = raw("log_1.csv", [(1, "a", 1.0)])
    second = raw("log_2.csv", [("x", None, 2)])
    whole = stack([first, second]).tables[0].data
    assert whole["id"].to_pylist() == ["1", "x"]
    assert whole["x"].to_pylist() == ["a", None]
    assert whole["y"].to_pylist() == [1.0, 2.0]


def test_tables_of_other_columns_are_left_alone() -> None:
    tables = [raw("day.csv", [("1", "2", "3")]), raw("hour.csv", [("1", "2", "3")], header=("id", "x", "z"))]
    result = stack(tables)
    assert result.tables == tables
    assert not result.shards
    assert not result.questions


def test_same_columns_without_a_common_name_are_a_question() -> None:
    tables = parts("buyers.csv", "vendors.csv")
    result = stack(tables)
    assert result.tables == tables
    (question,) = result.questions
    assert (question.id, question.default) == ("shards.buyers", "separate")
    stacked = stack(tables, answers={"shards.buyers": "stack"})
    assert [whole.name for whole in stacked.tables] == ["rows"]
    assert stacked.shards[0].tag_column == "part"


def test_versions_of_the_same_keys_are_not_stacked_unasked() -> None:
    rows = [(str(k), f"a{k}", str(k)) for k in range(20)]
    tables = [raw("stock before.csv", rows), raw("stock after.csv", [(i, x, y + "9") for i, x, y in rows])]
    result = stack(tables)
    assert len(result.tables) == 2
    assert result.questions[0].default == "separate"
    assert len(stack(tables, answers={result.questions[0].id: "stack"}).tables) == 1


def test_headerless_files_must_look_alike() -> None:
    alike = [
        raw(f"metal_{k}.csv", [("1", "a", "2.5")] * 3, ("col_0", "col_1", "col_2"), names_from="generated")
        for k in "ab"
    ]
    other = raw("metal_c.csv", [("x", "7", "z")] * 3, ("col_0", "col_1", "col_2"), names_from="generated")
    empty = raw("metal_d.csv", [("", "", "")] * 3, ("col_0", "col_1", "col_2"), names_from="generated")
    assert len(stack([*alike, other]).tables) == 2
    assert len(stack([*alike, empty]).tables) == 1


def test_sheets_of_a_workbook_are_parts_whatever_they_are_called() -> None:
    sheets = [raw("plan.xlsx", [("1", k, "2")], inner=k, name=k) for k in ("Lyon", "Nice")]
    entry = FileEntry(path="plan.xlsx", sha256="0", bytes=1, kind="excel")
    result = stack(sheets, [entry])
    assert [table.name for table in result.tables] == ["plan"]
    assert result.shards[0].files == ["plan.xlsx#Lyon", "plan.xlsx#Nice"]
    assert result.shards[0].tags == ["Lyon", "Nice"]
    assert len(stack(sheets).tables) == 2, "tables of a database are not"
    months = [raw("plan.db", [("1", k, "2")], inner=k, name=k) for k in ("sale_2020", "sale_2021")]
    assert [table.name for table in stack(months).tables] == ["sale"]


def test_groups_by_first_word() -> None:
    result = stack(parts("tea-green.csv", "tea-black.csv", "milk-cow.csv", "milk-goat.csv", "salt.csv"))
    assert sorted(table.name for table in result.tables) == ["milk", "salt", "tea"]


def test_a_taken_name_gets_a_number() -> None:
    tables = [*parts("trips_1.csv", "trips_2.csv"), raw("trips.csv", [("1", "2")], header=("a", "b"))]
    assert sorted(table.name for table in stack(tables).tables) == ["trips", "trips_2"]


def test_a_tag_does_not_hide_a_column() -> None:
    result = stack(parts("tea-green.csv", "tea-black.csv", header=("id", "part", "y")))
    assert result.shards[0].tag_column == "file_part"


def test_order_of_parts() -> None:
    assert sorted(["test", "train"], key=natural_order) == ["train", "test"]
    assert sorted(["10", "2"], key=natural_order) == ["2", "10"]
    assert sorted(["sept", "mar"], key=natural_order) == ["mar", "sept"]

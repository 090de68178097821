"""The training table: which joins, what SQL, which rows."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from automl_runtime.data.assemble import IDENTITY, Assembled, assemble, run_sql, to_frame, training_sql
from automl_runtime.data.cleaning import CleanTable
from automl_runtime.data.joins import find_joins
from automl_runtime.data.relations import plan_joins
from automl_runtime.data.table_entries import prepare
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError, RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.spec import DataSpec, DroppedColumn, MetricSpec, ProjectSpec, TargetSpec, TaskSpec
from hypothesis import given, settings
from hypothesis import strategies as st

Columns = Mapping[str, Sequence[object]]


def found(tables: Mapping[str, Columns]) -> tuple[DataCatalog, dict[str, CleanTable]]:
    prepared = {n: prepare(RawTable(name=n, file=f"{n}.csv", data=pa.table(dict(c)))) for n, c in tables.items()}
    entries = {name: item.entry for name, item in prepared.items()}
    clean = {name: item.clean for name, item in prepared.items()}
    return DataCatalog(files=[], tables=list(entries.values()), joins=find_joins(clean, entries)), clean


def spec_of(catalog: DataCatalog, base: str, target: str | None, *, sql: str | None = None, **data: Any) -> ProjectSpec:
    tables, joins = plan_joins(catalog, base)
    return ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type="binary", time=data.pop("time", None)),
        target=None if target is None else TargetSpec(table=base, column=target, sql=sql),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source=".", tables=tables, joins=joins, **data),
    )


def shop() -> dict[str, Columns]:
    numbers = [str(9000 + k) for k in range(100)]
    return {
        "members": {
            "member_id": numbers,
            "joined": [f"2021-01-{1 + k % 28:02d}" for k in range(100)],
            "left": ["yes" if k % 4 == 0 else "no" for k in range(100)],
            "town_no": [f"T{k % 7}" for k in range(100)],
        },
        "devices": {"MemberID": numbers[:80], "kind": ["phone", "desk"] * 40},
        "towns": {"town_no": [f"T{k}" for k in range(9)], "people": [str(1000 * k + 500) for k in range(9)]},
        "bills": {
            "bill_no": [f"B{k}" for k in range(200)],
            "member": [numbers[k % 50] for k in range(200)],
            "sum": [f"{k}.5" for k in range(200)],
            "paid_on": [f"2021-02-{1 + k % 25:02d}" for k in range(200)],
            "way": ["card", "cash", "card"] * 66 + ["card", "cash"],
        },
    }


@pytest.fixture(scope="module")
def shop_found() -> tuple[DataCatalog, dict[str, CleanTable]]:
    return found(shop())


@pytest.fixture(scope="module")
def joined(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> Assembled:
    catalog, tables = shop_found
    return assemble(spec_of(catalog, "members", "left"), catalog, tables)


def test_the_plan_goes_from_the_base_outwards(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, _ = shop_found
    tables, joins = plan_joins(catalog, "members")
    assert [table.name for table in tables] == ["members", "devices", "towns", "bills"]
    assert [(join.child, join.cardinality) for join in joins] == [
        ("devices", "1:1"),
        ("towns", "n:1"),
        ("bills", "1:n"),
    ]
    tables, joins = plan_joins(catalog, "bills")
    assert [(join.parent, join.child, join.cardinality) for join in joins] == [
        ("bills", "members", "n:1"),
        ("members", "devices", "1:1"),
        ("members", "towns", "n:1"),
    ]
    tables, joins = plan_joins(catalog, "devices")
    assert [(join.parent, join.child, join.cardinality) for join in joins] == [
        ("devices", "members", "1:1"),
        ("members", "towns", "n:1"),
        ("members", "bills", "1:n"),
    ]


def test_one_row_for_each_row_of_the_base_table(joined: Assembled) -> None:
    frame = joined.frame
    assert len(frame) == 100
    assert frame["member_id"].is_unique
    assert list(frame.columns) == [column.name for column in joined.columns]
    assert frame["devices.present"].dtype == bool
    assert int(frame["devices.present"].sum()) == 80
    assert frame["devices.kind"].isna().sum() == 20
    assert frame["towns.people"].dtype == np.int64
    assert "towns.present" not in frame


def test_several_rows_are_summed_up(joined: Assembled) -> None:
    bills = pd.DataFrame(dict(shop()["bills"])).astype({"sum": float, "paid_on": "datetime64[us]"})
    one = bills[bills["member"] == "9003"]
    row = joined.frame.set_index("member_id").loc[9003]
    assert row["bills.count"] == len(one) == 4
    assert row["bills.sum.sum"] == one["sum"].sum()
    assert row["bills.sum.mean"] == one["sum"].mean()
    assert (row["bills.sum.min"], row["bills.sum.max"]) == (one["sum"].min(), one["sum"].max())
    last = one.sort_values(["paid_on", "sum"]).iloc[-1]
    assert row["bills.sum.last"] == last["sum"]
    assert row["bills.paid_on.last"] == last["paid_on"]
    assert row["bills.paid_on.days_since_last"] == (bills["paid_on"].max() - last["paid_on"]).days
    assert row["bills.way.distinct"] == one["way"].nunique()
    assert row["bills.way.most_frequent"] == one["way"].mode()[0]


def test_nothing_found_differs_from_zero(joined: Assembled) -> None:
    row = joined.frame.set_index("member_id").loc[9099]
    assert row["bills.count"] == 0
    assert pd.isna(row["bills.sum.sum"])
    assert pd.isna(row["bills.way.distinct"])


def test_only_rows_before_the_cutoff_count(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    tables = shop()
    tables["members"] = {**tables["members"], "joined": [f"2021-02-{1 + k % 27:02d}" for k in range(100)]}
    catalog, clean = found(tables)
    frame = assemble(spec_of(catalog, "members", "left", cutoff="joined"), catalog, clean).frame.set_index("member_id")
    bills = pd.DataFrame(dict(tables["bills"])).astype({"sum": float, "paid_on": "datetime64[us]"})
    for number in (9000, 9003, 9026, 9049, 9077):
        cutoff = frame.loc[number, "joined"]
        one = bills[(bills["member"] == str(number)) & (bills["paid_on"] < cutoff)]
        assert frame.loc[number, "bills.count"] == len(one)
        if len(one):
            assert frame.loc[number, "bills.sum.sum"] == one["sum"].sum()
            assert frame.loc[number, "bills.paid_on.days_since_last"] == (cutoff - one["paid_on"].max()).days


def test_a_cutoff_reaches_tables_behind_a_looked_up_one() -> None:
    tables = shop()
    tables["visits"] = {
        "town_no": [f"T{k % 9}" for k in range(90)],
        "day": [f"2021-01-{1 + k % 28:02d}" for k in range(90)],
        "guests": [str(k) for k in range(90)],
    }
    catalog, clean = found(tables)
    spec = spec_of(catalog, "members", "left", cutoff="joined")
    assert ("towns", "visits") in [(join.parent, join.child) for join in spec.data.joins]
    frame = assemble(spec, catalog, clean).frame.set_index("member_id")
    visits = pd.DataFrame(dict(tables["visits"])).astype({"day": "datetime64[us]", "guests": int})
    for number in (9005, 9020, 9060):
        town, cutoff = frame.loc[number, "town_no"], frame.loc[number, "joined"]
        assert frame.loc[number, "visits.count"] == ((visits["town_no"] == town) & (visits["day"] < cutoff)).sum()


def stall() -> dict[str, Columns]:
    """Guests, their visits, what was eaten at each, and the dishes."""
    guests = [f"{7000 + k}" for k in range(60)]
    return {
        "guests": {
            "guest_no": guests,
            "asked_on": ["2022-03-10"] * 30 + ["2022-04-01"] * 30,
            "regular": ["yes", "no", "no"] * 20,
        },
        "visits": {
            "visit_no": [f"V{k:03d}" for k in range(180)],
            "guest_no": [guests[k // 3] for k in range(180)],
            "came_on": [f"2022-03-{5 + 5 * (k % 3):02d}" for k in range(180)],
        },
        "plates": {
            "visit_no": [f"V{k // 2:03d}" for k in range(360)],
            "dish_code": [f"D{k % 8}" for k in range(360)],
            "pieces": [str(1 + k % 6) for k in range(360)],
        },
        "dishes": {"dish_code": [f"D{k}" for k in range(8)], "heat": [str(20 * k) for k in range(8)]},
    }


def test_what_hangs_on_aggregated_rows_is_aggregated_too() -> None:
    catalog, tables = found(stall())
    spec = spec_of(catalog, "guests", "regular")
    assert [(join.parent, join.child, join.cardinality) for join in spec.data.joins] == [
        ("guests", "visits", "1:n"),
        ("visits", "plates", "1:n"),
        ("plates", "dishes", "n:1"),
    ]
    frame = assemble(spec, catalog, tables).frame
    assert set(frame["visits.count"]) == {3}
    assert set(frame["plates.count"]) == {6}
    assert set(frame["plates.pieces.sum"]) == {21}
    assert "dishes.count" not in frame.columns
    first = frame[frame["guest_no"] == 7000].iloc[0]
    assert first["dishes.heat.mean"] == pytest.approx(np.mean([0, 20, 40, 60, 80, 100]))
    assert first["dishes.heat.last"] in (80, 100), "of the latest visit"


def test_a_cutoff_counts_for_what_hangs_on_dated_rows() -> None:
    catalog, tables = found(stall())
    frame = assemble(spec_of(catalog, "guests", "regular", cutoff="asked_on"), catalog, tables).frame
    early = frame.iloc[:30]
    assert set(early["visits.count"]) == {1}
    assert set(early["plates.count"]) == {2}
    assert early["dishes.heat.max"].iloc[0] == 20
    assert set(frame["plates.count"].iloc[30:]) == {6}


@pytest.mark.parametrize("write", ["P{:05d}", "p {}", "{}"])
def test_keys_of_another_spelling_are_joined(write: str) -> None:
    tables = stall()
    tables["guests"] = {**tables["guests"], "guest_no": [f"P-{7000 + k:05d}" for k in range(60)]}
    visits = [write.format(int(str(number))) for number in tables["visits"]["guest_no"]]
    catalog, clean = found({**tables, "visits": {**tables["visits"], "guest_no": visits}})
    frame = assemble(spec_of(catalog, "guests", "regular"), catalog, clean).frame
    assert set(frame["visits.count"]) == {3}
    assert set(frame["plates.count"]) == {6}


def test_a_dated_event_after_the_cutoff_is_not_seen() -> None:
    tables = shop()
    numbers = tables["members"]["member_id"]
    tables["claims"] = {
        "memb_no": numbers[:50],
        "on": [f"2021-01-{1 + k % 28:02d}" for k in range(25)] * 2,
        "x": ["a", "b"] * 25,
    }
    catalog, clean = found(tables)
    frame = assemble(spec_of(catalog, "members", "left", cutoff="joined"), catalog, clean).frame
    seen = frame[frame["claims.present"]]
    assert 0 < len(seen) < 50
    assert (seen["claims.on"] < seen["joined"]).all()


def test_a_table_that_two_keys_point_at_is_joined_twice() -> None:
    codes = [a + b + "X" for a in "ABCDEFGH" for b in "XYZ"]
    catalog, clean = found(
        {
            "stations": {"abbr": codes, "height": [str(k) for k in range(24)]},
            "trips": {
                "start": [codes[k % 11] for k in range(60)],
                "stop": [codes[5 + k % 17] for k in range(60)],
                "late": ["yes", "no", "no"] * 20,
            },
        }
    )
    assembled = assemble(spec_of(catalog, "trips", "late"), catalog, clean)
    heights = dict(zip(codes, range(24), strict=True))
    frame = assembled.frame
    assert (frame["stations_by_start.height"] == frame["start"].map(heights)).all()
    assert (frame["stations_by_stop.height"] == frame["stop"].map(heights)).all()
    stations, _ = plan_joins(catalog, "stations")
    assert [table.name for table in stations] == ["stations", "trips"]
    lines = assemble(spec_of(catalog, "stations", None), catalog, clean).frame
    assert lines["trips_by_start.count"].sum() == lines["trips_by_stop.count"].sum() == 60


def test_rows_without_a_target_are_set_apart(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    tables = shop()
    tables["members"] = {**tables["members"], "mark": [str(k % 5) if k % 10 else "" for k in range(100)]}
    catalog, clean = found(tables)
    assembled = assemble(spec_of(catalog, "members", "mark"), catalog, clean)
    assert (len(assembled.frame), len(assembled.without_target)) == (90, 10)
    assert assembled.frame["mark"].dtype == np.int64
    empty = {**tables, "members": {**tables["members"], "mark": [""] * 100}}
    catalog, clean = found(empty)
    with pytest.raises(DataError, match="`mark` is empty in all 100 rows"):
        assemble(spec_of(catalog, "members", "mark"), catalog, clean)


def test_dropped_columns_are_left_out_but_not_what_the_split_needs(
    shop_found: tuple[DataCatalog, dict[str, CleanTable]],
) -> None:
    catalog, clean = shop_found
    asked = [
        DroppedColumn(table="members", column="member_id", reason="asked"),
        DroppedColumn(table="members", column="left", reason="asked"),
        DroppedColumn(table="members", column="joined", reason="asked"),
        DroppedColumn(table="members", column="town_no", reason="asked"),
        DroppedColumn(table="devices", column="kind", reason="leak: x"),
        DroppedColumn(table="bills", column="sum", reason="leak: x"),
        DroppedColumn(table="bills", column="way.distinct", reason="leak: x"),
        DroppedColumn(table="bills", column="count", reason="leak: x"),
        DroppedColumn(table="towns", column="people", reason="leak: x"),
    ]
    spec = spec_of(catalog, "members", "left", time="joined", drop=asked, keep=["towns.people"])
    names = list(assemble(spec, catalog, clean).frame.columns)
    assert names[:3] == ["member_id", "joined", "left"]
    assert "town_no" not in names
    assert "towns.people" in names
    assert not [name for name in names if name.startswith(("bills.sum", "devices.kind", "bills.count", "bills.way.d"))]
    assert "bills.way.most_frequent" in names


def test_a_derived_target(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, clean = shop_found
    sql = 'EXISTS (SELECT 1 FROM bills WHERE bills."member" = members.member_id AND bills."sum" > 150)'
    assembled = assemble(spec_of(catalog, "members", "spends", sql=sql), catalog, clean)
    assert assembled.frame["spends"].dtype == bool
    assert int(assembled.frame["spends"].sum()) == 50
    target = next(column for column in assembled.columns if column.name == "spends")
    assert (target.type, target.role) == ("boolean", "target_candidate")
    over = assemble(spec_of(catalog, "members", "left", sql='CASE WHEN "left" THEN 2 ELSE 1 END'), catalog, clean)
    assert sorted(over.frame["left"].unique()) == [1, 2]
    with pytest.raises(RequestError, match="The target cannot be made"):
        assemble(spec_of(catalog, "members", "spends", sql="no_such_column > 1"), catalog, clean)


def test_rows_without_a_key_are_named_by_their_content() -> None:
    catalog, clean = found(
        {
            "grapes": {
                "acid": ["1.5", "2.5", "1.5", "3.5"] * 10,
                "sweet": ["1", "2", "1", "4"] * 10,
                "good": ["yes", "no", "no", "no"] * 10,
            }
        }
    )
    assembled = assemble(spec_of(catalog, "grapes", "good"), catalog, clean)
    frame = assembled.frame
    assert frame[IDENTITY].nunique() == 3
    assert frame.groupby(IDENTITY)["good"].nunique().max() == 2, "the target does not count"
    assert assembled.columns[-1].role == "id"
    assert "ORDER BY ALL" in assembled.sql


@given(seed=st.integers(0, 2**16))
@settings(max_examples=5, deadline=None)
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    tables = shop()
    random.seed(seed)
    shuffled: dict[str, Columns] = {}
    for name, columns in tables.items():
        order = random.sample(range(len(next(iter(columns.values())))), len(next(iter(columns.values()))))
        shuffled[name] = {column: [values[k] for k in order] for column, values in columns.items()}
    frames = []
    for each in (tables, shuffled):
        catalog, clean = found(each)
        frames.append(assemble(spec_of(catalog, "members", "left"), catalog, clean).frame)
    pd.testing.assert_frame_equal(*frames)


def test_repeated_keys_in_new_data_are_an_error(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, clean = shop_found
    doubled = {name: table.data for name, table in clean.items()}
    doubled["towns"] = pa.concat_tables([doubled["towns"], doubled["towns"].slice(0, 1)])
    with pytest.raises(DataError, match="several rows for one key"):
        assemble(spec_of(catalog, "members", "left"), catalog, doubled)


def test_names_cannot_break_out_of_the_sql() -> None:
    evil = 'x"; DROP TABLE t; --\nSELECT 1'
    catalog, clean = found(
        {
            "members": {
                "member_id": [str(9000 + k) for k in range(30)],
                evil: [str(k % 3) for k in range(30)],
                "left": ["yes", "no"] * 15,
            },
            "bills": {
                "member_id": [str(9000 + k % 30) for k in range(60)],
                evil + "2": [f"{k % 9}.5" for k in range(60)],
            },
        }
    )
    assembled = assemble(spec_of(catalog, "members", "left"), catalog, clean)
    assert f"bills.{evil}2.sum" in assembled.frame
    evil_base = found({"t": {"key\n--": [f"a{k}" for k in range(20)], "y": ["1", "2"] * 10}})
    assert len(assemble(spec_of(evil_base[0], "t", "y"), *evil_base).frame) == 20


@pytest.mark.parametrize("base", ["base", "rows", "moments", "select"])
def test_tables_may_be_called_like_parts_of_the_query(base: str) -> None:
    keys = [f"k{k}" for k in range(40)]
    tables = {
        base: {"item_id": keys, "day": ["2021-03-01", "2021-03-02"] * 20, "y": ["1", "2", "3", "4"] * 10},
        "base_rows": {
            "item": keys * 2,
            "v": [f"{k % 9}.5" for k in range(80)],
            "on": ["2021-02-01", "2021-03-05"] * 40,
        },
    }
    catalog, clean = found(tables)
    for cutoff in (None, "day"):
        frame = assemble(spec_of(catalog, base, "y", cutoff=cutoff), catalog, clean).frame
        assert frame["base_rows.count"].sum() == (80 if cutoff is None else 40)


@pytest.mark.parametrize("name", ["rows", "Moments", "guests_rows", "a b"])
def test_a_table_on_the_way_may_be_called_like_parts_of_the_query(name: str) -> None:
    tables = stall()
    catalog, clean = found({name if table == "visits" else table: columns for table, columns in tables.items()})
    spec = spec_of(catalog, "guests", "regular", cutoff="asked_on")
    assert assemble(spec, catalog, clean).frame["plates.count"].sum() == 30 * 2 + 30 * 6


def test_no_file_can_be_read(tmp_path: Any) -> None:
    path = tmp_path / "secret.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(DataError, match="Permission"):
        run_sql(f"SELECT * FROM read_csv('{path.as_posix()}')", {})
    with pytest.raises(DataError):
        run_sql("SET enable_external_access = true; SELECT 1", {})
    with pytest.raises(DataError, match="does not exist"):
        run_sql("SELECT * FROM nowhere", {})


def test_memory_can_be_limited() -> None:
    assert run_sql("SELECT current_setting('memory_limit') AS m", {}, memory_limit="300MB")["m"][0].startswith("286")


def test_types_of_the_frame() -> None:
    table = pa.table(
        {
            "whole": pa.array([1, 2], pa.int32()),
            "holes": pa.array([1, None], pa.int64()),
            "sum": pa.array([1, 2], pa.decimal128(38, 0)),
            "part": pa.array([1.5, None], pa.float32()),
            "yes": pa.array([True, False]),
            "maybe": pa.array([True, None]),
            "day": pa.array([18000, None], pa.date32()),
            "moment": pa.array([0, 1], pa.timestamp("us")),
            "word": pa.array(["a", None]),
            "nothing": pa.nulls(2),
        }
    )
    types = {name: str(dtype) for name, dtype in to_frame(table).dtypes.items()}
    assert types == {
        "whole": "int64",
        "holes": "float64",
        "sum": "int64",
        "part": "float64",
        "yes": "bool",
        "maybe": "boolean",
        "day": "datetime64[us]",
        "moment": "datetime64[us]",
        "word": "str",
        "nothing": "str",
    }


def test_the_sql_says_what_it_does(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, _ = shop_found
    sql, columns = training_sql(spec_of(catalog, "members", "left"), catalog)
    assert "-- bills: several rows for each of members, its member is their member_id" in sql
    assert "-- towns: looked up, town_no of members is its town_no" in sql
    assert sql.count("\n") < len(columns) * 3 + 40
    assert max(map(len, sql.splitlines())) < 120


def test_too_deep_chains_end() -> None:
    tables: dict[str, Columns] = {}
    for k, name in enumerate(("oaks", "elms", "pines", "firs", "limes")):
        following = ("elms", "pines", "firs", "limes", "none")[k]
        tables[name] = {
            f"{name[:-1]}_id": [f"{name[0]}{i}q" for i in range(60 - 10 * k)],
            f"{following[:-1]}_id": [f"{following[0]}{i % (50 - 10 * k)}q" for i in range(60 - 10 * k)],
            "v": [str(i % 7) for i in range(60 - 10 * k)],
        }
    catalog, _ = found(tables)
    assert [table.name for table in plan_joins(catalog, "oaks")[0]] == ["oaks", "elms", "pines", "firs"]
    with pytest.raises(KeyError):
        plan_joins(catalog, "beech")


def test_names_that_differ_in_case_only_and_names_met_twice() -> None:
    keys = [f"k{k}" for k in range(40)]
    tables: dict[str, Columns] = {
        "items": {"item_id": keys, "notes.Mark": ["a", "b"] * 20, "y": ["1", "2", "3", "4"] * 10},
        "notes": {"item": keys, "mark": ["p", "q", "r", "s"] * 10},
    }
    catalog, clean = found(tables)
    assembled = assemble(spec_of(catalog, "items", "y"), catalog, clean)
    assert list(assembled.frame.columns) == ["item_id", "notes.Mark", "y", "notes.mark (2)"]
    assert assembled.frame["notes.mark (2)"].tolist()[:2] != assembled.frame["notes.Mark"].tolist()[:2]


def test_a_target_of_a_joined_table(shop_found: tuple[DataCatalog, dict[str, CleanTable]]) -> None:
    catalog, clean = shop_found
    spec = spec_of(catalog, "members", "left").model_copy(update={"target": TargetSpec(table="devices", column="kind")})
    assembled = assemble(spec, catalog, clean)
    assert (len(assembled.frame), len(assembled.without_target)) == (80, 20)
    assert assembled.frame["devices.kind"].notna().all()

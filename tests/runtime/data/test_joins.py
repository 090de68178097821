"""Keys and the join graph, on tables made for the purpose."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest
from automl_runtime.data.joins import find_joins
from automl_runtime.data.keys import duplicate_rows, is_row_number
from automl_runtime.data.table_entries import Prepared, prepare
from automl_runtime.data.tables import RawTable
from automl_schemas.catalog import JoinEdge

Columns = Mapping[str, Sequence[object]]


def made(**tables: Columns) -> dict[str, Prepared]:
    return {
        name: prepare(RawTable(name=name, file=f"{name}.csv", data=pa.table(dict(columns))))
        for name, columns in tables.items()
    }


def joins_of(**tables: Columns) -> list[JoinEdge]:
    prepared = made(**tables)
    return find_joins(
        {name: item.clean for name, item in prepared.items()}, {n: item.entry for n, item in prepared.items()}
    )


def arrows(edges: Sequence[JoinEdge]) -> list[str]:
    return [
        f"{e.child}({','.join(e.child_columns)}) {e.cardinality} {e.parent}({','.join(e.parent_columns)})"
        for e in edges
    ]


def keys_of(columns: Columns) -> list[list[str]]:
    return [key.columns for key in made(t=columns)["t"].entry.keys]


MEMBERS = [str(7000 + 3 * k) for k in range(60)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MemberNo", MEMBERS),
        ("member id", [f"00{value}" for value in MEMBERS]),
        ("memb_code", [int(value) for value in MEMBERS]),
        ("memberid", [f" {value} " for value in MEMBERS]),
        ("member", [float(value) for value in MEMBERS]),
    ],
)
def test_keys_match_under_other_names_and_notations(name: str, values: list[object]) -> None:
    edges = joins_of(
        members={"member_id": MEMBERS, "town": ["a", "b", "c"] * 20},
        visits={name: [*values, *values[:30]], "minutes": [str(k % 7) for k in range(90)]},
    )
    assert arrows(edges) == [f"visits({name}) n:1 members(member_id)"]
    assert (edges[0].containment, edges[0].coverage, edges[0].fan_out) == (1.0, 1.0, 1.5)


def test_case_does_not_count_in_codes() -> None:
    codes = [a + b for a in "ABCDEFGH" for b in "XYZ"]
    edges = joins_of(
        stations={"abbr": codes, "height": [str(k) for k in range(24)]},
        trips={
            "start": [code.lower() for code in codes[:10]] * 3,
            "stop": codes[5:12] * 4 + codes[5:7],
            "n": ["1", "2"] * 15,
        },
    )
    assert arrows(edges) == ["trips(start) n:1 stations(abbr)", "trips(stop) n:1 stations(abbr)"]


@pytest.mark.parametrize(
    ("keys", "values", "spelling"),
    [
        ([f"P-{k:05d}" for k in range(60)], [f"P{k:05d}" for k in range(60)], "squeezed"),
        ([f"P-{k:05d}" for k in range(60)], [f"p {k}" for k in range(60)], "squeezed"),
        ([f"P-{k + 700:05d}" for k in range(60)], [k + 700 for k in range(60)], "digits"),
        ([f"CUST_{k + 700}" for k in range(60)], [f"{k + 700:08d}" for k in range(60)], "digits"),
        ([f"A{k % 7}-{k}" for k in range(60)], [f"a{k % 7}/{k}" for k in range(60)], "squeezed"),
    ],
)
def test_keys_match_with_and_without_signs_and_letters(keys: list[str], values: list[object], spelling: str) -> None:
    edges = joins_of(
        members={"member_no": keys, "town": ["a", "b", "c"] * 20},
        visits={"member": [*values, *values[:30]], "minutes": [str(k % 7) for k in range(90)]},
    )
    assert arrows(edges) == ["visits(member) n:1 members(member_no)"]
    assert (edges[0].spelling, edges[0].containment) == (spelling, 1.0)


@pytest.mark.parametrize(
    "values", [[f"B{k}" for k in range(60)], [f"user{k}@mail.org" for k in range(60)], list(range(60, 120))]
)
def test_other_keys_do_not_match_by_their_signs(values: list[object]) -> None:
    edges = joins_of(
        members={"member_no": [f"P-{k:05d}" for k in range(60)], "town": ["a", "b", "c"] * 20},
        visits={"number": [*values, *values[:30]], "minutes": [str(k % 7) for k in range(90)]},
    )
    assert arrows(edges) == []


def test_small_numbers_do_not_join_by_chance() -> None:
    assert not joins_of(
        ratings={"grade": [str(k) for k in range(1, 27)], "who": ["x", "y"] * 13},
        answers={"satisfaction": [str(1 + k % 5) for k in range(200)], "tenure": [str(k % 20) for k in range(200)]},
    )


def test_ids_of_unrelated_tables_do_not_join() -> None:
    assert not joins_of(
        users={"id": [str(k) for k in range(1, 81)], "age": [str(20 + k % 30) for k in range(80)]},
        goods={"id": [str(k) for k in range(1, 51)], "price": [f"{k % 9}.5" for k in range(50)]},
    )


def test_an_id_is_called_after_its_table() -> None:
    edges = joins_of(
        users={"id": [str(k) for k in range(1, 81)], "age": [str(20 + k % 30) for k in range(80)]},
        orders={"id": [str(k) for k in range(1, 201)], "user_id": [str(1 + k % 80) for k in range(200)]},
    )
    assert arrows(edges) == ["orders(user_id) n:1 users(id)"]


def test_sparse_numbers_prove_themselves_without_names() -> None:
    random.seed(1)
    numbers = random.sample(range(10_000, 99_999), 80)
    edges = joins_of(
        people={"nr": numbers, "x": ["p", "q"] * 40},
        rides={"driver": random.choices(numbers, k=300), "minutes": [k % 45 for k in range(300)]},
    )
    assert arrows(edges) == ["rides(driver) n:1 people(nr)"]


def test_a_dense_range_far_from_zero_proves_itself_when_it_is_the_same() -> None:
    numbers = list(range(50_000, 50_700))
    assert arrows(
        joins_of(
            people={"nr": numbers[::-1], "x": ["p", "q"] * 350},
            extra={"buyer": numbers, "y": ["p", "q", "r", "s", "t"] * 140},
        )
    ) == ["extra(buyer) 1:1 people(nr)"]


def test_a_row_number_is_no_pointer() -> None:
    assert not joins_of(
        lines={"line_order_id": list(range(1, 101)), "x": ["a", "b"] * 50},
        orders={"order_id": list(range(1, 201)), "y": ["a", "b"] * 100},
    )


def test_tables_of_one_entity_join_to_its_owner_only() -> None:
    numbers = [str(value) for value in range(9000, 9200)]
    edges = joins_of(
        members={"member_id": numbers, "a": ["x", "y"] * 100, "b": ["x", "y", "z", "u"] * 50},
        devices={"MemberID": numbers[::-1], "kind": ["x", "y"] * 100},
        surveys={"member": numbers, "mark": [str(k % 5) for k in range(200)]},
        complaints={"id": [str(k) for k in range(1, 51)], "memb_no": numbers[50:100], "topic": ["x", "y"] * 25},
        calls={"member_no": numbers[:90] * 2, "seconds": [str(k % 50) for k in range(180)]},
    )
    assert arrows(edges) == [
        "calls(member_no) n:1 members(member_id)",
        "complaints(memb_no) 1:1 members(member_id)",
        "devices(MemberID) 1:1 members(member_id)",
        "surveys(member) 1:1 members(member_id)",
    ]
    assert edges[1].coverage == 0.25


def test_few_chosen_rows_are_found_by_name() -> None:
    edges = joins_of(
        vips={"member_id": MEMBERS[:25], "since": [str(2000 + k) for k in range(25)]},
        visits={"member_id": MEMBERS * 3, "minutes": [str(k % 7) for k in range(180)]},
    )
    assert arrows(edges) == ["visits(member_id) n:1 vips(member_id)"]
    assert edges[0].coverage == 1.0


def test_columns_that_together_name_a_row_join() -> None:
    hours = [f"2021-03-{day:02d} {hour:02d}:00:00" for day in range(1, 11) for hour in range(24)]
    shops = ["north", "south", "east"]
    edges = joins_of(
        climate={
            "shop": [s for s in shops for _ in hours],
            "hour": hours * 3,
            "heat": [str(k % 17) for k in range(720)],
        },
        sales={
            "shop": ["north", "south"] * 200,
            "hour": [hours[k % 100] for k in range(400)],
            "sum": [str(k % 91) for k in range(400)],
        },
    )
    assert arrows(edges) == ["sales(shop,hour) n:1 climate(shop,hour)"]


def test_a_day_is_found_for_a_moment() -> None:
    days = [f"2021-03-{day:02d}" for day in range(1, 31)]
    edges = joins_of(
        calendar={"date": days, "event": ["none", "fair"] * 15},
        sales={
            "date": [f"{days[k % 30]} 1{k % 9}:30:00" for k in range(300)],
            "sum": [str(k % 91) for k in range(300)],
        },
    )
    assert arrows(edges) == ["sales(date) n:1 calendar(date)"]


def test_dates_join_by_name_only() -> None:
    days = [f"2021-03-{day:02d}" for day in range(1, 31)]
    assert not joins_of(
        calendar={"holiday": days, "event": ["none", "fair"] * 15},
        people={"born": days * 3, "name": [f"n{k}" for k in range(90)]},
    )


def test_a_near_key_takes_rows_that_are_aggregated() -> None:
    games = [str(k // 10) for k in range(400)]
    players = [str(100 + k % 10) for k in range(400)]
    scores = {
        "score_id": list(range(400)),
        "game_id": games,
        "player_id": players,
        "x": [str(k % 3) for k in range(400)],
    }
    scores["player_id"] = ["101", *players[1:]]
    edges = joins_of(
        scores=scores,
        fouls={"game_id": games[1:] * 2, "player_id": players[1:] * 2, "minute": [str(k % 90) for k in range(798)]},
    )
    assert "fouls(game_id,player_id) n:1 scores(game_id,player_id)" in arrows(edges)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"code": ["a1", "b2", "c3"], "name": ["x", "x", "y"]}, [["code"]]),
        ({"name": ["x y", "z u", "w v"], "item_id": ["7", "9", "8"]}, [["item_id"], ["name"]]),
        ({"weight": ["1.5", "2.25", "3.125"], "kind": ["a", "a", "b"]}, []),
        ({"x": ["1", "1", "2"], "y": ["1", "1", "2"]}, []),
    ],
)
def test_single_keys(columns: Columns, expected: list[list[str]]) -> None:
    assert keys_of(columns) == expected


def test_a_row_number_comes_after_a_key_of_columns() -> None:
    days = [f"2021-03-{day:02d}" for day in range(1, 21) for _ in range(24)]
    table = {
        "row": [str(k) for k in range(1, 481)],
        "day": days,
        "hour": [str(k % 24) for k in range(480)],
        "n": ["3", "5"] * 240,
    }
    assert keys_of(table) == [["day", "hour"], ["row"]]


def test_numbers_that_happen_to_be_unique_together_are_no_key() -> None:
    random.seed(2)
    table = {name: [str(random.randrange(1000)) for _ in range(300)] for name in ("width", "depth", "mass")}
    assert keys_of(table) == []


def test_repeated_rows_are_dropped_where_there_is_a_key() -> None:
    members = made(t={"member_id": [*MEMBERS, MEMBERS[4], f" {MEMBERS[9]}"], "town": [*(["A", "b"] * 30), "A", "B "]})[
        "t"
    ]
    assert (members.entry.rows_read, members.entry.rows, members.entry.duplicate_rows) == (62, 60, 2)
    assert members.entry.columns[0].rows == 60
    assert list(members.clean.source_rows) == list(range(1, 61))


def test_repeated_rows_stay_where_there_is_no_key() -> None:
    grades = made(t={"grade": ["1", "2", "2", "3"] * 5, "mark": ["a", "b", "b", "c"] * 5})["t"]
    assert (grades.entry.rows_read, grades.entry.rows, grades.entry.duplicate_rows) == (20, 20, 17)
    assert grades.entry.keys == []


def test_many_repeated_rows_of_a_composite_key_are_real() -> None:
    days = [f"2021-03-{1 + k % 28:02d}" for k in range(200)]
    bought = made(t={"member_id": [str(k % 50) for k in range(200)], "day": days, "x": ["q"] * 200, "y": ["r"] * 200})[
        "t"
    ]
    assert bought.entry.rows == 200
    doubled = {
        "member_id": [str(k % 50) for k in range(100)] * 2,
        "day": days[:100] * 2,
        "x": ["q", "s"] * 100,
        "y": ["r"] * 200,
    }
    assert made(t=doubled)["t"].entry.rows == 200


def test_row_numbers_and_duplicates_of_odd_tables() -> None:
    assert is_row_number(pa.chunked_array([[0, 1, 2]]))
    assert is_row_number(pa.chunked_array([[2, 1, 0]]))
    assert not is_row_number(pa.chunked_array([[5, 6, 7]]))
    assert not is_row_number(pa.chunked_array([[1, 2, 2]]))
    assert not is_row_number(pa.chunked_array([["0", "1"]]))
    assert list(duplicate_rows(pa.table({"a": [1, None, None, 1], "b": ["x", None, None, "y"]}))) == [
        False,
        False,
        True,
        False,
    ]
    assert not duplicate_rows(pa.table({"a": pa.array([], pa.int64())})).any()


def test_the_order_of_tables_and_rows_does_not_matter() -> None:
    tables = {
        "members": {"member_id": MEMBERS, "town": ["a", "b", "c"] * 20},
        "visits": {"memb": MEMBERS * 2, "minutes": [str(k % 7) for k in range(120)]},
        "bills": {
            "bill_no": [f"B{k}" for k in range(90)],
            "member": (MEMBERS * 2)[:90],
            "sum": [f"{k}.5" for k in range(90)],
        },
    }
    expected = joins_of(**tables)
    random.seed(3)
    shuffled = {}
    for name in reversed(tables):
        order = random.sample(range(len(next(iter(tables[name].values())))), len(next(iter(tables[name].values()))))
        shuffled[name] = {column: [values[k] for k in order] for column, values in tables[name].items()}
    assert joins_of(**shuffled) == expected
    assert len(expected) == 2

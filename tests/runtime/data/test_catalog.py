"""From a folder to its catalog, to new files of the same layout, and to lineage."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from automl_runtime.data.assemble import assemble
from automl_runtime.data.catalog import Discovery, discover, rediscover
from automl_runtime.data.inputs import input_schema
from automl_runtime.data.lineage import lineage_of, manifest_of
from automl_runtime.data.rediscovery import optional_columns, rediscover_files
from automl_runtime.data.relations import plan_joins
from automl_runtime.data.unrelated import components
from automl_runtime.errors import DataError, RequestError, SchemaMismatchError
from automl_runtime.events import Event, Finding, Progress
from automl_schemas.spec import DataSpec, DroppedColumn, MetricSpec, ProjectSpec, TargetSpec, TaskSpec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 120


def write(path: Path, header: list[str], rows: list[list[str]], delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [delimiter.join(row) for row in [header, *rows]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def member_rows(first: int = 0) -> list[list[str]]:
    towns = ["Lyon", " lyon", "Nice", "-"]
    return [
        [f"{5000 + k}", towns[k % 4], f"{k % 9},5", f"0{1 + k % 9}.0{1 + k % 8}.2021", "Yes" if k % 3 == 0 else " no"]
        for k in range(first, first + ROWS)
    ]


def make_club(root: Path) -> Path:
    """A folder of a club: members with repeated rows and a copy, visits of two years, bills in SQLite, a rota."""
    header = ["member_id", "town", "dues", "since", "gone?"]
    rows = member_rows()
    write(root / "members.csv", header, [*rows, rows[3], rows[7]], ";")
    shutil.copy(root / "members.csv", root / "members (copy).csv")
    for year in (2021, 2022):
        visits = [[f"{5000 + k % 90}", f"{year}-0{1 + k % 9}-1{k % 9}", str(20 + k % 41)] for k in range(200)]
        visits[5][2] = "n.b."
        write(root / f"visits_{year}.csv", ["MemberNo", "day", "minutes"], visits)
    write(root / "rota.csv", ["week", "who"], [[str(k), "Cy" if k % 2 else "Di"] for k in range(1, 13)])
    (root / "todo.txt").write_text("TODO\n- order balls\n- mow the lawn\n", encoding="utf-8")
    con = sqlite3.connect(root / "office.db")
    con.execute("CREATE TABLE bills (bill INTEGER PRIMARY KEY, memb_id INTEGER, paid REAL)")
    con.executemany("INSERT INTO bills VALUES (?, ?, ?)", [(k, 5000 + k % 60, k + 0.5) for k in range(1, 181)])
    con.commit()
    con.close()
    return root


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Discovery:
    return discover(make_club(tmp_path_factory.mktemp("club")))


def spec_of(found: Discovery, base: str, target: str) -> ProjectSpec:
    tables, joins = plan_joins(found.catalog, base)
    return ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type="binary"),
        target=TargetSpec(table=base, column=target),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source=".", tables=tables, joins=joins),
    )


def test_tables_files_and_joins(club: Discovery) -> None:
    catalog = club.catalog
    assert sorted(table.name for table in catalog.tables) == ["bills", "members", "visits"]
    assert {entry.path: entry.used for entry in catalog.files} == {
        "members (copy).csv": False,
        "members.csv": True,
        "office.db": True,
        "rota.csv": False,
        "todo.txt": False,
        "visits_2021.csv": True,
        "visits_2022.csv": True,
    }
    assert [(found.path, found.of) for found in catalog.duplicates] == [("members (copy).csv", "members.csv")]
    assert [item.path for item in catalog.ignored] == ["rota.csv", "todo.txt"]
    assert [(edge.child, edge.parent, edge.cardinality) for edge in catalog.joins] == [
        ("bills", "members", "n:1"),
        ("visits", "members", "n:1"),
    ]
    assert set(club.tables) == {"bills", "members", "visits"}


def test_rows_and_keys(club: Discovery) -> None:
    members = club.catalog.table("members")
    assert (members.rows_read, members.rows, members.duplicate_rows) == (122, 120, 2)
    assert members.keys[0].columns == ["member_id"]
    assert {column.name: (column.type, column.missing) for column in members.columns} == {
        "member_id": ("integer", 0),
        "town": ("category", 30),
        "dues": ("number", 0),
        "since": ("date", 0),
        "gone?": ("boolean", 0),
    }
    assert members.columns[1].distinct == 2


def test_stacked_parts_are_tagged_and_rejects_name_their_file(club: Discovery) -> None:
    (shard,) = club.catalog.shards
    assert (shard.table, shard.tag_column, shard.tags) == ("visits", "year", ["2021", "2022"])
    assert club.tables["visits"].data["year"].to_pylist()[199:201] == [2021, 2022]
    assert [(reject.file, reject.row, reject.value) for reject in club.tables["visits"].rejects] == [
        ("visits_2021.csv", 6, "n.b."),
        ("visits_2022.csv", 6, "n.b."),
    ]
    assert club.tables["visits"].files == ("visits_2021.csv", "visits_2022.csv")


def test_the_same_bytes_give_the_same_catalog(club: Discovery, tmp_path: Path) -> None:
    events: list[Event] = []
    again = discover(make_club(tmp_path), on_event=events.append).catalog
    masked = [{**entry.model_dump(), "sha256": ""} for entry in again.files if entry.kind != "sqlite"]
    assert masked == [{**entry.model_dump(), "sha256": ""} for entry in club.catalog.files if entry.kind != "sqlite"]
    assert again.model_copy(update={"files": []}) == club.catalog.model_copy(update={"files": []})
    assert {event.stage for event in events if isinstance(event, Progress)} >= {"cleaning", "joining"}
    assert [event.topic for event in events if isinstance(event, Finding)] == ["discovered", "cleaned"]


@given(seed=st.integers(0, 2**16))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_rows_changes_nothing_else(
    seed: int, club: Discovery, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = make_club(tmp_path_factory.mktemp("shuffled"))
    for name in ("members.csv", "visits_2021.csv"):
        header, *rows = (root / name).read_text(encoding="utf-8").splitlines()
        random.Random(seed).shuffle(rows)
        (root / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    shutil.copy(root / "members.csv", root / "members (copy).csv")
    catalog = discover(root).catalog
    assert catalog.joins == club.catalog.joins
    assert [(table.name, table.rows, table.keys) for table in catalog.tables] == [
        (table.name, table.rows, table.keys) for table in club.catalog.tables
    ]
    for table, same in zip(catalog.tables, club.catalog.tables, strict=True):
        assert [column.plan for column in table.columns] == [column.plan for column in same.columns]
        assert [(c.type, c.role, c.missing, c.distinct, c.rejected) for c in table.columns] == [
            (c.type, c.role, c.missing, c.distinct, c.rejected) for c in same.columns
        ]


def test_questions_can_be_answered(tmp_path: Path) -> None:
    root = make_club(tmp_path)
    (question,) = discover(root).catalog.questions
    assert (question.id, question.default) == ("ignore.rota", "ignore")
    used = discover(root, answers={"ignore.rota": "use"}).catalog
    assert "rota" in [table.name for table in used.tables]
    assert not used.questions


def test_steps_of_the_plan_can_be_rejected(tmp_path: Path) -> None:
    root = make_club(tmp_path)
    kept = discover(root, reject=["members.since", "members.town:missing"])
    columns = {column.name: column for column in kept.catalog.table("members").columns}
    assert columns["since"].type == "category"
    assert columns["town"].missing == 0
    with pytest.raises(RequestError, match="names no table"):
        discover(root, reject=["nowhere.x"])
    with pytest.raises(RequestError, match="names no column"):
        discover(root, reject=["members.x"])
    with pytest.raises(RequestError, match="has no step 'epoch'"):
        discover(root, reject=["members.town:epoch"])


def test_only_notes_are_an_error_that_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("only words\nand more words\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("dear diary\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        discover(tmp_path)
    assert caught.value.exit_code == 3
    assert "a.txt: text without a table" in str(caught.value)


def test_rows_balance(club: Discovery) -> None:
    lineage = lineage_of(club.catalog)
    for balance in lineage.rows:
        assert balance.rows_in == balance.rows_out + sum(balance.dropped.values())
        assert balance.rows_out == club.tables[balance.table].data.num_rows
    assert {balance.table: balance.dropped for balance in lineage.rows}["members"] == {"repeats another row": 2}


def test_every_column_leads_back_to_its_file(club: Discovery) -> None:
    spec = spec_of(club, "members", "gone?")
    assembled = assemble(spec, club.catalog, club.tables)
    lineage = lineage_of(club.catalog, assembled.columns, assembled.joins)
    by_name = {item.column: item for item in lineage.training_table}
    assert list(by_name) == list(assembled.frame.columns)
    assert by_name["dues"].sources == ["members.csv:dues"]
    assert "numbers with decimal ',' and thousands ''" in by_name["dues"].steps
    assert by_name["visits.minutes.mean"].sources == ["visits_2021.csv:minutes", "visits_2022.csv:minutes"]
    assert by_name["visits.minutes.mean"].steps[-2:] == [
        "joined 1:n: visits.MemberNo = members.member_id",
        "mean of minutes",
    ]
    assert by_name["bills.count"].sources == ["office.db#bills"]
    tag = next(item for item in lineage.tables["visits"] if item.column == "year")
    assert tag.steps == ["taken from the names of 2 stacked files"]
    assert json.loads(lineage.model_dump_json())["version"] == 1


def test_the_manifest_names_all_files(club: Discovery) -> None:
    manifest = manifest_of(club)
    assert [file.path for file in manifest.files] == [entry.path for entry in club.catalog.files]
    assert all(len(file.sha256) == 64 for file in manifest.files)


def test_the_input_schema(club: Discovery) -> None:
    assembled = assemble(spec_of(club, "members", "gone?"), club.catalog, club.tables)
    schema = {column.name: column for column in input_schema(assembled.columns, assembled.frame, "gone?").columns}
    assert "gone?" not in schema
    assert (schema["dues"].required, schema["town"].required) == (True, False)
    assert (schema["dues"].min, schema["dues"].max, schema["dues"].example) == (0.5, 8.5, 4.5)
    assert schema["dues"].plan.column == "dues"
    assert schema["town"].categories == ["Lyon", "Nice"]
    assert schema["since"].example is not None
    assert isinstance(schema["bills.count"].example, int)
    empty = input_schema(assembled.columns, assembled.frame.iloc[:0], "gone?").columns[0]
    assert (empty.required, empty.example, empty.min) == (False, None, None)


def test_new_files_of_the_same_layout(club: Discovery, tmp_path: Path) -> None:
    write(
        tmp_path / "fresh members.csv",
        ["Member_ID", "extra", "town", "dues", "since"],
        [
            ["7001", "x", "nice", "1,5", "01.02.2022"],
            ["7002", "y", "?", "2,5", "03.02.2022"],
            ["7002", "y", "?", "2,5", "03.02.2022"],
        ],
        ";",
    )
    write(tmp_path / "visits_2023.csv", ["MemberNo", "day", "minutes"], [["7001", "2023-01-02", "30"]])
    write(tmp_path / "bills.csv", ["bill", "memb_id", "paid"], [["900", "7001", "5.5"], ["901", "7001", "oops"]])
    spec = spec_of(club, "members", "gone?")
    assert optional_columns(spec) == ["members.gone?"]
    tables = rediscover(club.catalog, tmp_path, optional=optional_columns(spec))
    assert set(tables) == {"members", "visits", "bills"}
    members = tables["members"].data
    assert members.column_names == ["member_id", "town", "dues", "since", "gone?"]
    assert members["member_id"].to_pylist() == [7001, 7002]
    assert members["dues"].to_pylist() == [1.5, 2.5]
    assert members["gone?"].null_count == 2
    assert tables["visits"].data["year"].to_pylist() == [2023]
    assert [reject.value for reject in tables["bills"].rejects] == ["oops"]
    frame = assemble(spec_of(club, "members", "gone?").model_copy(update={"target": None}), club.catalog, tables).frame
    assert frame["visits.count"].tolist() == [1, 0]


def test_what_the_model_does_not_see_may_be_absent(club: Discovery) -> None:
    drops = [
        DroppedColumn(table="members", column="dues", reason="leak: x"),
        DroppedColumn(table="members", column="member_id", reason="identifier"),
        DroppedColumn(table="visits", column="MemberNo", reason="asked"),
        DroppedColumn(table="bills", column="paid", reason="asked"),
    ]
    spec = spec_of(club, "members", "gone?")
    spec = spec.model_copy(update={"data": spec.data.model_copy(update={"drop": drops})})
    assert optional_columns(spec) == ["members.dues", "bills.paid", "members.gone?"]


def test_the_same_folder_gives_the_same_tables(club: Discovery) -> None:
    tables = rediscover(club.catalog, club.root)
    for name, table in tables.items():
        assert table.data.equals(club.tables[name].data)
        assert table.rejects == club.tables[name].rejects


def test_lineage_tells_of_the_files_that_were_read(club: Discovery, tmp_path: Path) -> None:
    again = rediscover_files(club.catalog, club.root)
    assert lineage_of(again.catalog) == lineage_of(club.catalog)

    write(tmp_path / "bills 2024.csv", ["bill", "memb_id", "paid"], [["900", "7001", "5.5"], ["901", "7001", "oops"]])
    moved = rediscover_files(club.catalog, tmp_path, tables=["bills"])
    lineage = lineage_of(moved.catalog)
    assert list(lineage.tables) == ["bills"]
    assert lineage.tables["bills"][0].sources == ["bills 2024.csv:bill"]
    assert "1 cells that could not be parsed are null, kept in _rejects.jsonl" in lineage.tables["bills"][2].steps
    assert [(balance.rows_in, balance.rows_out) for balance in lineage.rows] == [(2, 2)]


def test_what_is_missing_in_new_files_is_named(club: Discovery, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    write(path, ["member_id", "Town", "duse", "since"], [["7001", "nice", "1,5", "01.02.2022"]], ";")
    with pytest.raises(SchemaMismatchError, match=r"members\.csv: table `members` has no column `dues`") as caught:
        rediscover(club.catalog, path, tables=["members"], optional=["members.gone?"])
    assert "`duse`" in str(caught.value)
    write(path, ["member_id", "town", "dues", "since"], [["7001", "nice", "1,5", "01.02.2022"]], ";")
    assert set(rediscover(club.catalog, path, tables=["members"], optional=["members.gone?"])) == {"members"}
    with pytest.raises(SchemaMismatchError, match="There is no table `visits`"):
        rediscover(club.catalog, path, tables=["visits"])


def test_a_small_table_beside_a_small_one_stays(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["x", "y"], [[str(k), str(k % 2)] for k in range(30)])
    write(tmp_path / "b.csv", ["u", "v"], [[f"w{k}", str(k % 3)] for k in range(20)])
    assert len(discover(tmp_path).catalog.tables) == 2


def test_a_header_without_rows_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ["x", "y"], [[str(k), str(k % 2)] for k in range(30)])
    write(tmp_path / "b.csv", ["order", "sum"], [])
    catalog = discover(tmp_path).catalog
    assert [table.name for table in catalog.tables] == ["a"]
    assert {entry.path: entry.used for entry in catalog.files} == {"a.csv": True, "b.csv": False}
    assert [item.path for item in catalog.ignored] == ["b.csv"]


def test_only_pictures_are_catalogued_by_class(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        for k in range(3):
            (tmp_path / kind / f"{k}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([k]) * 60)
    catalog = discover(tmp_path).catalog
    assert catalog.tables == []
    assert [sorted(folder.classes.values()) for folder in catalog.images] == [[3, 3]]


def test_components() -> None:
    assert components(["a", "b"], []) == [{"a"}, {"b"}]


def test_an_archive_is_used_when_a_member_is(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", ["x", "y"], [[str(k), str(k % 2)] for k in range(30)])
    shutil.make_archive(str(tmp_path / "a"), "zip", tmp_path / "in")
    shutil.rmtree(tmp_path / "in")
    assert [(entry.path, entry.used) for entry in discover(tmp_path).catalog.files] == [
        ("a.zip", True),
        ("a.zip!/a.csv", True),
    ]


def test_names_that_sql_cannot_tell_apart(tmp_path: Path) -> None:
    write(tmp_path / "a" / "Goods.csv", ["No", "no", "x"], [[str(k), f"w{k}", str(k % 3)] for k in range(30)])
    write(tmp_path / "b" / "goods.csv", ["code", "u"], [[f"w{k}", str(k % 4)] for k in range(30)])
    found = discover(tmp_path)
    assert [table.name.lower() for table in found.catalog.tables] == ["goods", "goods_2"]
    assert [column.name for column in found.catalog.tables[0].columns] == ["No", "no (2)", "x"]
    assert rediscover(found.catalog, tmp_path)["Goods"].data.equals(found.tables["Goods"].data)

"""JSON documents of every common shape, JSON lines, and broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from automl_runtime.data.reading.json_tables import read_json, read_json_lines
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError


def read(tmp_path: Path, content: object, name: str = "visits.json", *, lines: bool = False) -> dict[str, RawTable]:
    path = tmp_path / "content"
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    reader = read_json_lines if lines else read_json
    tables = reader(Source(path, name, "json_lines" if lines else "json"))
    assert len({table.name for table in tables}) == len(tables)
    return {table.name: table for table in tables}


def rows(table: RawTable) -> list[dict[str, object]]:
    return table.data.to_pylist()


AB = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


@pytest.mark.parametrize(
    "document",
    [
        AB,
        {"data": AB},
        {"response": {"page": 1, "items": AB}},
        {"a": [1, 2], "b": ["x", None]},
        {"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}},
        {"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, None]]},
        {"fields": [{"name": "a"}, {"name": "b"}], "rows": [[1, "x"], [2]]},
        {"schema": {"fields": [{"name": "a"}, {"name": "b"}]}, "data": AB},
        [["a", "b"], [1, "x"], [2, None]],
        '{"a": 1, "b": "x"} {"a": 2, "b": null}',
        '\ufeff[{"a": 1, "b": "x"},\n {"a": 2, "b": null}]\n',
    ],
    ids=["array", "envelope", "deep", "columns", "pandas", "split", "fields", "schema", "matrix", "several", "bom"],
)
def test_every_shape_of_one_table_gives_the_same_rows(tmp_path, document):
    tables = read(tmp_path, document)

    assert list(tables) == ["visits"]
    assert rows(tables["visits"]) == AB
    assert tables["visits"].data.schema.types == [pa.int64(), pa.string()]
    assert tables["visits"].names_from == "format"


def test_several_arrays_are_several_tables_named_after_themselves(tmp_path):
    tables = read(tmp_path, {"exported": "today", "shop rooms": [{"r": 1}], "guests": {"list": [{"g": 2}]}})

    assert {name: table.inner for name, table in tables.items()} == {
        "shop_rooms": "shop rooms",
        "guests": "guests.list",
    }
    assert tables["shop_rooms"].warnings == ("values that stand beside the tables were left out: 'exported'",)


def test_two_objects_without_a_common_name_are_no_records(tmp_path):
    tables = read(tmp_path, {"shop": {"a": 1, "b": 2}, "guests": {"c": 3, "d": 4}})

    assert [len(rows(table)) for table in tables.values()] == [1]


def test_the_key_of_keyed_objects_becomes_a_column(tmp_path):
    keyed = {"u1": {"name": "Ann", "key": 1}, "u2": {"name": "Bob"}}

    assert rows(read(tmp_path, keyed)["visits"]) == [
        {"key_": "u1", "name": "Ann", "key": 1},
        {"key_": "u2", "name": "Bob", "key": None},
    ]


def test_arrays_grouped_by_a_key_are_one_table(tmp_path):
    grouped = {str(year): [{"n": year}, {"n": year + 1}] for year in range(2018, 2022)}

    assert rows(read(tmp_path, grouped)["visits"])[:3] == [
        {"key": "2018", "n": 2018},
        {"key": "2018", "n": 2019},
        {"key": "2019", "n": 2019},
    ]


def test_a_map_of_many_plain_values_is_a_table_of_pairs(tmp_path):
    assert rows(read(tmp_path, {f"k{i}": i for i in range(30)})["visits"])[1] == {"key": "k1", "value": 1}


def test_a_document_about_one_thing_is_one_row_with_its_arrays(tmp_path):
    tables = read(tmp_path, {"guest_id": 7, "name": "Ann", "stays": [{"nights": 2}, {"nights": 2}]})

    assert rows(tables["visits"]) == [{"guest_id": 7, "name": "Ann"}]
    assert rows(tables["visits_stays"]) == [{"guest_id": 7, "nights": 2}] * 2
    assert rows(read(tmp_path, {"settings": {"theme": "dark", "size": {"w": 3}}})["visits"]) == [
        {"theme": "dark", "size.w": 3}
    ]


def test_points_of_geojson_become_two_numbers_and_shapes_text(tmp_path):
    place = {"type": "Point", "coordinates": [7.5, 47]}
    area = {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}
    features = [{"type": "Feature", "properties": {"n": 1}, "geometry": shape} for shape in (place, area)]
    table = read(tmp_path, {"type": "FeatureCollection", "features": features})["visits"]

    assert rows(table)[0]["geometry.coordinates.longitude"] == 7.5
    assert rows(table)[0]["geometry.coordinates.latitude"] == 47
    assert rows(table)[1]["geometry.coordinates"] == "[[[1,2],[3,4]]]"


def test_nested_arrays_are_tables_with_the_natural_key(tmp_path):
    guest = {
        "guest_id": "A1",
        "home": {"city": "Bern"},
        "stays": [{"room": 4, "extras": [{"x": "sauna"}, {"x": "bike"}]}],
    }
    other = {"guest_id": "A2", "home": {"city": "Bern", "zip": 3000}, "stays": [{"room": 4, "extras": []}]}
    tables = read(tmp_path, [guest, other])

    assert rows(tables["visits"]) == [
        {"guest_id": "A1", "home.city": "Bern", "home.zip": None},
        {"guest_id": "A2", "home.city": "Bern", "home.zip": 3000},
    ]
    assert tables["visits_stays"].parent == "visits"
    assert rows(tables["visits_stays"])[0] == {"visits_stays_row": 1, "guest_id": "A1", "room": 4}
    assert tables["visits_stays_extras"].parent == "visits_stays"
    assert tables["visits_stays_extras"].inner == "stays.extras"
    assert rows(tables["visits_stays_extras"]) == [
        {"visits_stays_row": 1, "x": "sauna"},
        {"visits_stays_row": 1, "x": "bike"},
    ]


def test_a_child_column_of_the_same_name_keeps_its_own(tmp_path):
    tables = read(tmp_path, [{"id": 1, "stays": [{"id": 90}]}, {"id": 2, "stays": [{"id": 91}]}])

    assert rows(tables["visits_stays"]) == [{"visits_id": 1, "id": 90}, {"visits_id": 2, "id": 91}]


def test_arrays_of_plain_values_are_tables_unless_they_never_hold_two(tmp_path):
    tables = read(tmp_path, [{"n": 1, "tags": ["a", "b"], "mail": ["x"]}, {"n": 1, "tags": [], "mail": []}])

    assert rows(tables["visits"]) == [
        {"visits_row": 1, "n": 1, "mail": "x"},
        {"visits_row": 2, "n": 1, "mail": None},
    ]
    assert rows(tables["visits_tags"]) == [{"visits_row": 1, "value": "a"}, {"visits_row": 1, "value": "b"}]


@pytest.mark.parametrize(
    ("values", "kind", "read_as"),
    [
        ("1, 2.5", pa.float64(), [1.0, 2.5]),
        ("NaN, 3", pa.int64(), [None, 3]),
        ("Infinity, 1.5", pa.float64(), [float("inf"), 1.5]),
        ("true, null", pa.bool_(), [True, None]),
        ('1, "n/a"', pa.string(), ["1", "n/a"]),
        ('true, "no"', pa.string(), ["true", "no"]),
        ("1, 12345678901234567890", pa.string(), ["1", "12345678901234567890"]),
        ("1152921504606846977, 0.5", pa.string(), ["1152921504606846977", "0.5"]),
        ("null, null", pa.null(), [None, None]),
        ('"\\ud800x", "\\u00e9"', pa.string(), ["\\ud800x", "é"]),
        ("[[1], 2], []", pa.string(), ["[[1],2]", None]),
    ],
)
def test_a_column_gets_the_narrowest_type_that_holds_its_values(tmp_path, values, kind, read_as):
    first, second = values.rsplit(", ", 1)
    table = read(tmp_path, f'[{{"v": {first}}}, {{"v": {second}}}]')["visits"]

    assert table.data.schema.field("v").type == kind
    assert table.data["v"].to_pylist() == read_as


def test_repeated_and_empty_keys_lose_nothing(tmp_path):
    table = read(tmp_path, '[{"a": 1, "a": 2, "": 3}, {"a": 4, " a ": 5}]')["visits"]

    assert table.data.column_names == ["a", "a (2)", "col_2", "a (3)"]
    assert rows(table)[0] == {"a": 1, "a (2)": 2, "col_2": 3, "a (3)": None}
    assert table.warnings == ("the key 'a' stands more than once in 1 objects; all values are kept",)


def test_lines_that_are_not_json_are_named_and_the_others_kept(tmp_path):
    text = '{"a": 1}\n\n  \n{"a": 2,}\r\n{"a": 3}\n[1]\n' + "broken\n" * 12 + '{"a": 4, "b": {"c": "x'
    table = read(tmp_path, text, lines=True)["visits"]

    assert table.data["a"].to_pylist()[:2] == [1, 3]
    assert table.warnings[0].startswith("line 4 is not JSON and was left out: Expecting property name")
    assert table.warnings[-1] == "4 more lines were left out"


def test_lines_may_hold_arrays_or_plain_values(tmp_path):
    arrays = read(tmp_path, '["a", "b"]\n[1, "x"]\n[2]\n{"a": 3}\n', lines=True)["visits"]

    assert rows(arrays) == AB
    assert arrays.warnings == ("line 4 is no array, as the lines before it, and was left out",)
    assert rows(read(tmp_path, "1\n2\n[3]\n", lines=True)["visits"])[2] == {"value": "[3]"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_lines_in_any_encoding(tmp_path, encoding):
    text = "".join(f'{{"name": "Café {number} für Zoë", "n": {number}}}\n' for number in range(40))
    table = read(tmp_path, text.encode(encoding), lines=True)["visits"]

    assert table.data["name"][0].as_py() == "Café 0 für Zoë"


def test_single_bytes_that_are_not_utf8_are_read_with_a_warning(tmp_path):
    lines = [f'{{"name": "Zoë {number}"}}\n'.encode() for number in range(40)]
    lines[6] = b'{"name": "Caf\xe9"}\n'
    table = read(tmp_path, b"".join(lines), lines=True)["visits"]

    assert table.data["name"][6].as_py() == "Café"
    assert table.warnings == ("bytes that are not utf-8 were read as cp1252 (line 7)",)


def test_many_lines_are_read_in_parts(tmp_path):
    late = '{"id": "x", "late": true}\n'
    text = "".join(f'{{"id": {number}, "tags": ["t", "u"]}}\n' for number in range(50_010)) + late
    tables = read(tmp_path, text, lines=True)

    assert tables["visits"].data.num_rows == 50_011
    assert tables["visits"].data["id"].to_pylist()[50_008:] == ["50008", "50009", "x"]
    assert tables["visits"].data["late"].null_count == 50_010
    assert tables["visits_tags"].data.num_rows == 100_020


@pytest.mark.parametrize(
    ("text", "lines", "message"),
    [
        ('{"a": [1, 2', False, "visits.json is not valid JSON: Expecting ',' delimiter: line 1 column 12"),
        ("[" * 100_000, False, "visits.json is not valid JSON: it is nested too deeply"),
        ('{"a": 1} {"a": ', False, "visits.json is not valid JSON: Extra data"),
        ("", False, "visits.json is not valid JSON"),
        ("[]", False, "visits.json is JSON but holds no table: '\\[\\]'"),
        ("[[], []]", False, "holds no table"),
        ("3", False, "holds no table"),
        ("\n\n", True, "visits.json holds no line of JSON"),
        ("a\nb\n", True, "line 1 is not JSON"),
        ("[" + ",".join(f'{{"k{number}": 1}}' for number in range(10_001)) + "]", False, "more than 10,000 different"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_file(tmp_path, text, lines, message):
    with pytest.raises(DataError, match=message):
        read(tmp_path, text, lines=lines)


def test_deep_objects_end_as_text(tmp_path):
    deep: dict[str, object] = {"end": 1}
    for _ in range(60):
        deep = {"d": deep, "e": [deep["end"]] if "end" in deep else []}
    table = read(tmp_path, [deep, deep])["visits"]

    assert any(name.endswith(".d") for name in table.data.column_names)

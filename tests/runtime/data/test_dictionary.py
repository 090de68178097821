"""What texts beside the data say of tables, columns and codes."""

from __future__ import annotations

import pytest
from automl_runtime.data.catalog import discover

ROWS = "".join(f"{i},{i % 3 + 1},{20 + i},{'north' if i % 2 else 'south'}\n" for i in range(60))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "t1.csv").write_text(f"V1,V2,V3,V4\n{ROWS}")
    return tmp_path


def described(folder):
    table = discover(folder).catalog.tables[0]
    return table, {column.name: column for column in table.columns}


@pytest.mark.parametrize(
    "line",
    [
        "V3: weight of the load in tons",
        "- `V3` | weight of the load in tons |",
        "3. V3 = weight of the load in tons",
        "| V3 | weight of the load in tons |",
        "V3\tweight of the load in tons",
        "  v3 - weight of the load in tons",
    ],
)
def test_a_line_that_begins_with_a_column_describes_it(folder, line):
    (folder / "readme.md").write_text(f"# Loads\n\n{line}\nsome other words\n")
    _, columns = described(folder)
    assert columns["V3"].meaning == "weight of the load in tons"
    assert columns["V1"].meaning is None


@pytest.mark.parametrize("name", ["t1.csv", "t1"])
def test_a_line_that_begins_with_a_table_or_its_file_describes_it(folder, name):
    (folder / "notes.txt").write_text(f"{name}: one row for each load\n")
    assert described(folder)[0].meaning == "one row for each load"


@pytest.mark.parametrize(
    "text",
    [
        "V2: state of the truck (1 = new, 2 = used; 3 = broken)\n",
        "V2: state of the truck\n   1 = new\n   2 = used\n   3 = broken\nV3: 1 = nothing\n",
        "V2: state of the truck, 01: new, 02: used, 03: broken",
    ],
)
def test_codes_are_read_where_all_are_listed(folder, text):
    (folder / "codes.txt").write_text(text)
    assert described(folder)[1]["V2"].codes == {"1": "new", "2": "used", "3": "broken"}


@pytest.mark.parametrize("said", ["state (1 = new, 2 = used)", "state 7 = new, 8 = used, 9 = broken", "state"])
def test_half_a_list_of_codes_is_none(folder, said):
    (folder / "codes.txt").write_text(f"V2: {said}\n")
    assert described(folder)[1]["V2"].codes == {}


def test_a_list_of_values_is_no_description(folder):
    (folder / "data.names").write_text("V4: north, south\n")
    assert described(folder)[1]["V4"].meaning is None


def test_the_first_text_counts_and_the_same_bytes_give_the_same(folder):
    (folder / "a.txt").write_text("V3: the weight\n")
    (folder / "b.txt").write_text("V3: another weight\n")
    assert described(folder)[1]["V3"].meaning == "the weight"
    assert discover(folder).catalog == discover(folder).catalog


def test_what_is_kept_is_one_short_line_without_signs_that_nobody_sees(folder):
    (folder / "a.txt").write_text(f"V3: the\u202e wei\x1b[2Jght {'x' * 390}\n")
    meaning = described(folder)[1]["V3"].meaning
    assert len(meaning) <= 200
    assert meaning.isprintable()


def test_a_text_outside_is_not_read(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text("V3: a secret\n")
    (folder / "way.txt").symlink_to(outside)
    assert described(folder)[1]["V3"].meaning is None


def test_beside_a_single_file_nothing_is_looked_at(folder):
    (folder / "readme.txt").write_text("V3: weight of the load\n")
    table = discover(folder / "t1.csv").catalog.tables[0]
    assert all(column.meaning is None for column in table.columns)

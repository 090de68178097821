"""Tables of a few rows, where there is little to go by: every one in many dialects and with lines around it."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from automl_runtime.data.reading import read_path
from automl_runtime.data.tables import RawTable

Cells = list[list[str]]

TABLES: dict[str, Cells] = {
    "mixed": [
        ["id", "name", "amount", "when"],
        ["1", "Anna", "12.5", "2021-03-01"],
        ["2", "Bob", "7.25", "2021-03-04"],
        ["3", "Carla", "0.5", "2021-04-11"],
        ["4", "Dan", "19", "2021-05-02"],
    ],
    "text": [
        ["city", "country", "continent"],
        ["Rome", "Italy", "Europe"],
        ["Oslo", "Norway", "Europe"],
        ["Lima", "Peru", "America"],
        ["Cairo", "Egypt", "Africa"],
    ],
    "pairs": [["key", "value"], ["a", "10"], ["b", "20"], ["c", "30"]],
    "gaps": [["id", "a", "b", "c"], ["1", "", "x", ""], ["2", "3", "", "9"], ["3", "", "", ""], ["4", "1", "y", "2"]],
    "quotes": [["id", "say", "n"], ["1", 'He said "hi", then left', "3"], ["2", "it's", "4"], ["3", "a\nb", "6"]],
    "wide": [
        ["id", *(f"v{n}" for n in range(30))],
        *([str(r), *(str(r * n % 7) for n in range(30))] for r in range(5)),
    ],
    "german": [["Name", "Betrag", "Datum"], ["Müller", "1.234,50", "31.12.2021"], ["Groß", "0,99", "15.08.2020"]],
    "codes": [["sku", "class", "ok"], ["A-100", "x1", "yes"], ["B-200", "x2", "no"], ["C-300", "x1", "yes"]],
    "years": [["country", "2018", "2019", "2020"], ["Chile", "1.5", "2.5", "3.5"], ["Peru", "2", "3", "4"]],
    "numbers": [["x", "y"], ["1", "2"], ["3", "4"], ["5", "6"]],
    "unnamed": [["", "a", "b"], ["r1", "1", "2"], ["r2", "3", "4"]],
    "twice": [["a", "a", "b"], ["1", "2", "3"], ["4", "5", "6"]],
    "one": [["score"], ["1"], ["5"], ["3"]],
    "words": [["fruit"], ["apple"], ["banana"], ["cherry"]],
}
SEVERAL = [name for name, rows in TABLES.items() if len(rows[0]) > 1]


def text_of(rows: Cells, delimiter: str = ",", quote: str = '"', end: str = "\n") -> str:
    def cell(text: str) -> str:
        if any(sign in text for sign in (delimiter, quote, "\n")):
            return quote + text.replace(quote, quote * 2) + quote
        return text

    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> list[Cells]:
    path = tmp_path / "small.csv"
    path.write_bytes(text.encode(encoding))
    return [cells(table) for table in read_path(path).tables]


def cells(table: RawTable) -> Cells:
    body = [[value or "" for value in row.values()] for row in table.data.to_pylist()]
    return [list(table.raw_header), *body] if table.names_from == "header" else body


DIALECTS = [(sign, '"') for sign in (",", ";", "\t", "|", "^", "~", "#", " ", ", ", "||", "\t\t", "\x1f")]


@pytest.mark.parametrize(("delimiter", "quote"), [*DIALECTS, (",", "'"), (";", "'")])
@pytest.mark.parametrize("name", SEVERAL)
def test_dialects(tmp_path: Path, name: str, delimiter: str, quote: str) -> None:
    assert read(tmp_path, text_of(TABLES[name], delimiter, quote)) == [TABLES[name]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
@pytest.mark.parametrize("name", TABLES)
def test_encodings(tmp_path: Path, name: str, encoding: str) -> None:
    assert read(tmp_path, text_of(TABLES[name]), encoding) == [TABLES[name]]


ABOVE = ["My report\n\n", "My report\nmade 2021-01-01 by me\n\n", "# comment one\n# comment two\n", "Report\n"]
BELOW = ["\nSource: somewhere\n", "Total,\n", "\n\nNotes\nall values are estimates\n", "\n"]
AROUND = [
    *((above, "") for above in ABOVE),
    *(("", below) for below in BELOW),
    *zip(ABOVE, reversed(BELOW), strict=True),
]


@pytest.mark.parametrize(("above", "below"), AROUND)
@pytest.mark.parametrize("name", SEVERAL)
def test_lines_around_a_table(tmp_path: Path, name: str, above: str, below: str) -> None:
    assert read(tmp_path, above + text_of(TABLES[name]) + below) == [TABLES[name]]


@pytest.mark.parametrize("name", SEVERAL)
def test_a_blank_line_inside_a_table(tmp_path: Path, name: str) -> None:
    rows = TABLES[name]
    assert read(tmp_path, f"{text_of(rows[:2])}\n{text_of(rows[2:])}") == [rows]


GAPS = ["", "\n", "\n\n", "Another one\n", "\nAnother one\n"]
PAIRS = [
    (first, second, gap)
    for first, second in permutations(["mixed", "text", "pairs", "years", "gaps", "german"], 2)
    for gap in GAPS
    if gap or len(TABLES[first][0]) != len(TABLES[second][0])
]


@pytest.mark.parametrize(("first", "second", "gap"), PAIRS)
def test_two_tables(tmp_path: Path, first: str, second: str, gap: str) -> None:
    assert read(tmp_path, text_of(TABLES[first]) + gap + text_of(TABLES[second])) == [TABLES[first], TABLES[second]]


@pytest.mark.parametrize("name", ["mixed", "numbers", "gaps", "wide", "german", "one"])
def test_tables_without_a_header(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, text_of(TABLES[name][1:])) == [TABLES[name][1:]]


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,setosa\n4.9,3.0,setosa\n7.0,3.2,versicolor\n",
        "red,small,yes\nblue,big,no\nred,big,no\nred,small,yes\nblue,small,no\n",
        "spam\tWin a prize, now!\nham\tsee you\nham\tat nine, then\nspam\tFree entry\n",
        "1,?,3\n2,5,?\n?,6,7\n",
    ],
)
def test_rows_that_all_look_alike_have_no_header(tmp_path: Path, text: str) -> None:
    delimiter = "\t" if "\t" in text else ","
    assert read(tmp_path, text) == [[line.split(delimiter) for line in text.splitlines()]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b,c,\n1,2,3,\n4,5,6,\n", [["a", "b", "c", ""], ["1", "2", "3", ""], ["4", "5", "6", ""]]),
        ("a,b,c\n1,2,3,\n4,5,6,\n", [["a", "b", "c"], ["1", "2", "3"], ["4", "5", "6"]]),
        (
            "mpg,cyl\ncar one,21.0,6\ncar two,22.8,4\n",
            [["", "mpg", "cyl"], ["car one", "21.0", "6"], ["car two", "22.8", "4"]],
        ),
        ("id,x\n1,2.5,yes\n2,3.5,no\n", [["id", "x", ""], ["1", "2.5", "yes"], ["2", "3.5", "no"]]),
        ("a,b,c,d\n1,2,3\n4,5,6\n", [["a", "b", "c", "d"], ["1", "2", "3", ""], ["4", "5", "6", ""]]),
        ("n,t\n1,one\n2,two, or so\n3,three\n", [["n", "t"], ["1", "one"], ["2", "two, or so"], ["3", "three"]]),
        ("a,b\n1,2\n3,4,5\n6,7\n", [["a", "b", ""], ["1", "2", ""], ["3", "4", "5"], ["6", "7", ""]]),
    ],
    ids=["all", "data only", "row names", "one name too few", "one name too many", "unquoted text", "a longer row"],
)
def test_rows_and_header_of_different_length(tmp_path: Path, text: str, expected: Cells) -> None:
    assert read(tmp_path, text) == [expected]

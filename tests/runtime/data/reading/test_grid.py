from __future__ import annotations

import csv

import pytest
from automl_runtime.data.reading.cells import is_note, is_total, kind_of
from automl_runtime.data.reading.grid import GridTable, find_tables, table_rows

Rows = list[list[str]]


def grid(text: str) -> Rows:
    return list(csv.reader(text.strip("\n").split("\n")))


def headers(text: str) -> list[tuple[tuple[str, ...] | None, int]]:
    """The header of every table in a text, with the number of its rows of data."""
    rows = grid(text)
    return [(table.header, len(table_rows(rows, table))) for table in find_tables(rows)]


def test_titles_notes_and_blank_rows_are_counted() -> None:
    rows = grid("Report,,\n,,\nid,name,x\n1,a,2\n,,\n2,b,4\n,,\nall values are estimates,,")
    assert find_tables(rows) == [
        GridTable(("id", "name", "x"), 2, 3, 6, 3, first_column=0, preamble_rows=2, footer_rows=2)
    ]


def test_the_margin_of_a_sheet_is_told() -> None:
    [table] = find_tables(grid(",,,\n,,id,x\n,,1,2\n,,2,3"))
    assert (table.header, table.first_column) == (("", "", "id", "x"), 2)


@pytest.mark.parametrize("rows", [[], [[]], [["", " "], []]])
def test_nothing_is_no_table(rows: Rows) -> None:
    assert find_tables(rows) == []


CASES = {
    "labels above groups of columns": (
        "Sales by region,,,,\n,2019,,2020,\nRegion,Q1,Q2,Q1,Q2\nNorth,1,2,3,4\nSouth,5,6,7,8\nTotal,6,8,10,12",
        [(("Region", "2019 Q1", "2019 Q2", "2020 Q1", "2020 Q2"), 2)],
    ),
    "labels above groups beside a name": (
        "Region,2019,,2020,\n,Births,Deaths,Births,Deaths\nNorth,1,2,3,4\nSouth,5,6,7,8\nEast,6,8,10,12",
        [(("Region", "2019 Births", "2019 Deaths", "2020 Births", "2020 Deaths"), 3)],
    ),
    "the name of the rows below the names of the columns": (
        ",amount,amount,count\n,mean,sum,len\nregion,,,\nNorth,1.5,30,3\nSouth,2.5,40,4\nEast,3.5,50,5",
        [(("region", "amount mean", "amount sum", "count len"), 3)],
    ),
    "comments between rows": (
        "id,name,n\n1,Ann,3\n2,Bob,4\n# checked by the office\n3,Cid,5\n4,Dan,6",
        [(("id", "name", "n"), 4)],
    ),
    "numbers that begin with a sign": (
        "rank,name,n\n#1,Ann,3\n#2,Bob,4\n#3,,\n#4,Cid,5\n#5,Dan,6",
        [(("rank", "name", "n"), 5)],
    ),
    "units below names": (
        "time,temp,load\n(s),(C),(kPa)\n0.0,20.1,101\n0.1,20.2,103\n0.2,20.4,101",
        [(("time (s)", "temp (C)", "load (kPa)"), 3)],
    ),
    "a sparse table and two more below": (
        "Meetings,,,,\nPerson,Date,Guest,Purpose,\nA,Oct-14,Net,Talk,\n,,Save,,\n,,Cross,,\nB,Nov-14,Ox,Aid,\n,,War,,\n,,,,\n"
        "Travel,,,,\nPerson,Date(s),Where,Why,Cost\nA,12 October 2014,Cairo,Talk,3271.41\nB,28th November 2014,Bonn,Talk,825.84\n"
        ",,,,\nGifts,,,,\nPerson,Date,Gift,Given or received,\nA,Nil return,,,\n,,,,\nNotes,,,,\nGifts,above 140 only,,,",
        [
            (("Person", "Date", "Guest", "Purpose", ""), 5),
            (("Person", "Date(s)", "Where", "Why", "Cost"), 2),
            (("Person", "Date", "Gift", "Given or received", ""), 1),
        ],
    ),
    "details in two columns": (
        "Instrument,X200\nOperator,Jane\nDate,2021-03-01\n\nWave,Absorbed\n400,0.12\n410,0.15\n420,0.19\n430,0.2\n440,0.3",
        [(("Wave", "Absorbed"), 5)],
    ),
    "details without a gap": (
        "Instrument,X200\nOperator,Jane\nDate,2021-03-01\nWave,Absorbed,Ref\n400,0.12,1\n410,0.15,1\n420,0.19,1",
        [(("Wave", "Absorbed", "Ref"), 3)],
    ),
    "sentences cut at their commas": (
        "Survey of things, carried out in 2020, by us\nIn thousands, unless, stated otherwise\nyear,area,n\n2018,5,3\n2019,6,4\n2020,7,5",
        [(("year", "area", "n"), 3)],
    ),
    "months as names": ("product,2021-01,2021-02\napples,1,2\npears,4,5", [(("product", "2021-01", "2021-02"), 2)]),
    "counted names": ("kind,0,1,2,3,4\na,12,3,4,2,3\nb,0,0,4,2,3", [(("kind", "0", "1", "2", "3", "4"), 2)]),
    "subtotals stay": ("dept,n\nA,1\nB,2\nTotal,3\nC,5\nD,6\nTotal,11", [(("dept", "n"), 6)]),
    "a total of one column": ("a,b,c\n1,2,x\n3,4,y\n5,6,z\n9,12,", [(("a", "b", "c"), 4)]),
    "a name like a total": ("gym,members\nPlanet,10\nGold,20\nAverage Joe's,5", [(("gym", "members"), 3)]),
    "totals of something": (
        "gym,town,n\nP,Rome,10\nG,Oslo,20\nH,Lima,3\nTotal of all,,33",
        [(("gym", "town", "n"), 3)],
    ),
    "values missing at the end": ("id,text\n1,hello\n2,\n3,world\n4,", [(("id", "text"), 4)]),
    "the header again": ("kind,view\na,b\nc,d\nkind,view\ne,f\ng,h", [(("kind", "view"), 2), (("kind", "view"), 2)]),
    "the header again over numbers": ("k,v\na,1\nc,2\nk,v\ne,3\ng,4", [(("k", "v"), 2), (("k", "v"), 2)]),
    "no header": ("yes,no\nno,no\nyes,yes\nno,yes", [(None, 4)]),
    "one row of numbers": ("1,2,3", [(None, 1)]),
    "one row of names": ("a,b,c", [(("a", "b", "c"), 0)]),
    "a blank row below the names": (
        "id,name,amount\n,,\n1,Ann,3.5\n2,Bob,4.5\n3,Cid,5.5",
        [(("id", "name", "amount"), 3)],
    ),
    "a first row with text where a number is": (
        "plan,state,score\nfree,open,unknown\npaid,open,3\nfree,shut,4\npaid,open,5\nfree,open,3\npaid,shut,4",
        [(("plan", "state", "score"), 6)],
    ),
    "notes below, with one and more signs": (
        "id,name,n\n1,Ann,3\n2,Bob,4\n3,Cid,5\n4,Dan,3\n5,Eve,4\n* as of May\n** without, say, the islands\n*** estimated",
        [(("id", "name", "n"), 5)],
    ),
    "codes of one length": ("AA,Alpha Air\nBB,Beta Bus Lines\nCC,Gamma Cars", [(None, 3)]),
}


@pytest.mark.parametrize("case", CASES)
def test_tables_in_grids(case: str) -> None:
    text, expected = CASES[case]
    assert headers(text) == expected


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        *[
            (text, "number")
            for text in ("1", "-2.5", "1,234.50", "1.234,50", "$3", "3 %", "(12.5)", "1e-9", "1 234", ".5", "5.")
        ],
        *[
            (text, "date")
            for text in ("2021-06-30", "30.06.2021", "6/30/21", "Jun 30, 2021", "30 June 2021", "2021-06", "Oct-14")
        ],
        *[(text, "time") for text in ("9:15", "09:15:30", "1:26.572", "9:15 PM")],
        *[(text, "mark") for text in ("-", "N/A", "null", "\\N", "?")],
        *[(text, "code") for text in ("A-17", "x1", "1st", "10.0.0.0/8")],
        *[(text, "text") for text in ("Anna", "5 apples", "a" * 50, "May be")],
        (" ", "empty"),
    ],
)
def test_kinds_of_cells(cell: str, kind: str) -> None:
    assert kind_of(cell) == kind


@pytest.mark.parametrize("cell", ["Total", "GRAND TOTAL:", "Summe", "Sub-total", "合计", "Total (all)", "Sum of 2021"])
def test_totals(cell: str) -> None:
    assert is_total(cell, loosely=True)


@pytest.mark.parametrize("cell", ["Source: town hall", "Notes", "* preliminary", "** revised", "Quelle: Amt"])
def test_notes(cell: str) -> None:
    assert is_note(cell)


def test_many_rows_of_changing_width_are_read_quickly() -> None:
    rows = [
        ["Name", "Place", "Value"][: 2 + index // 2 % 2] if index % 7 else ["a", str(index)] for index in range(20_000)
    ]
    assert sum(len(table_rows(rows, table)) for table in find_tables(rows)) > 10_000

"""XML and HTML tables, and files that want to do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from automl_runtime.data.reading.markup import read_html, read_xml
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError


def xml(tmp_path: Path, content: str | bytes) -> dict[str, RawTable]:
    (tmp_path / "f").write_bytes(content if isinstance(content, bytes) else content.encode())
    return {table.name: table for table in read_xml(Source(tmp_path / "f", "drop/herbs.xml", "xml"))}


def html(tmp_path: Path, content: str | bytes, encoding: str | None = None) -> dict[str, RawTable]:
    (tmp_path / "f").write_bytes(content if isinstance(content, bytes) else content.encode())
    return {table.name: table for table in read_html(Source(tmp_path / "f", "herbs.html", "html", encoding))}


HERBS = [{"id": "1", "name": "sage"}, {"id": "2", "name": ""}]


@pytest.mark.parametrize(
    "content",
    [
        "<herbs><herb id='1'><name>sage</name></herb><herb id='2'><name/></herb></herbs>",
        "<herbs from='x'><herb><id>1</id><name>sage</name></herb>\n<herb><id>2</id><name></name></herb></herbs>",
        "<a><b><herbs><herb id='1' name='sage'/><herb id='2' name=''/></herbs></b></a>",
        "<h:herbs xmlns:h='urn:h'><h:herb h:id='1'><h:name>sage</h:name></h:herb>"
        "<h:herb h:id='2'><h:name/></h:herb></h:herbs>",
        "<t><row><field name='id'>1</field><field name='name'>sage</field></row>"
        "<row><field name='id'>2</field><field name='name'/></row></t>",
        "<!DOCTYPE herbs SYSTEM 'http://localhost:9/herbs.dtd'><!-- c --><herbs><?pi x?><herb id='1' name='s&#97;ge'/>"
        "<herb id='2' name=''/></herbs>",
        "<r><id>1</id><name>sage</name><id>2</id><name/></r>",
        "<herbs><herb id='1'><name><![CDATA[sage]]></name></herb><herb id='2'><name></name></herb></herbs>",
    ],
    ids=["mixed", "elements", "attributes", "namespaces", "named fields", "external dtd", "flat", "cdata"],
)
def test_records_are_found_by_structure(tmp_path, content):
    tables = xml(tmp_path, content)

    assert list(tables) == ["herbs"]
    assert tables["herbs"].data.to_pylist() == HERBS


def test_what_repeats_inside_records_is_a_table_of_its_own(tmp_path):
    tables = xml(
        tmp_path,
        "<herbs><herb id='1'><price cur='EUR'> 5 </price><uses><use n='tea'/><use n='soup'/></uses>"
        "<tag>a</tag><tag>b</tag></herb>"
        "<herb id='2'><price cur='CHF'>6</price><note>some <b>bold</b> words</note><tag>c</tag></herb></herbs>",
    )

    assert tables["herbs"].data.to_pylist() == [
        {"id": "1", "price.cur": "EUR", "price": " 5 ", "note": None},
        {"id": "2", "price.cur": "CHF", "price": "6", "note": "some bold words"},
    ]
    assert tables["herbs_uses"].data.to_pylist() == [{"id": "1", "n": "tea"}, {"id": "1", "n": "soup"}]
    assert tables["herbs_tag"].data["value"].to_pylist() == ["a", "b", "c"]
    assert tables["herbs_tag"].parent == "herbs"


def test_several_kinds_of_records_are_several_tables(tmp_path):
    tables = xml(tmp_path, "<shop><herb id='1'/><herb id='2'/><order no='7' id='1'/><order no='8' id='2'/></shop>")

    assert {name: table.data.num_rows for name, table in tables.items()} == {"herb": 2, "order": 2}


def test_details_of_single_elements(tmp_path):
    table = xml(
        tmp_path,
        "<l xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'><i><a xsi:nil='true'/><b x='1'>t<c>u</c></b></i>"
        "<i><a>2</a><b x='2'>v</b></i><i name='n'><name>m</name></i><i k='1'>word</i></l>",
    )["herbs"]

    assert table.data.column_names == ["a", "b.x", "b", "@name", "name", "k", "value"]
    assert table.data["a"].to_pylist() == [None, "2", None, None]
    assert table.data["b"].to_pylist() == ["tu", "v", None, None]
    assert table.data.to_pylist()[3]["value"] == "word"


@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="utf-8"?>'])
def test_text_in_another_encoding_than_it_claims(tmp_path, declared):
    rows = "".join(f"<h n='{number}'>Rösti für Zoë</h>" for number in range(20))
    tables = xml(tmp_path, f"{declared}<l>{rows}</l>".encode("cp1252"))

    assert tables["herbs"].data["value"][0].as_py() == "Rösti für Zoë"


PAIRS = zip("abcdefgh", "bcdefghi", strict=True)
EXPANDS = "".join(f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in PAIRS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><b>&x;</b><b>2</b></a>', "declares XML entities"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "http://localhost:9/x">]><a><b>&x;</b><b>2</b></a>', "declares XML entities"),
        (f'<!DOCTYPE z [<!ENTITY a "ha">{EXPANDS}]><z><b>&i;</b><b>2</b></z>', "Maximum entity amplification"),
        (f'<!DOCTYPE z [<!ENTITY a "ha">{EXPANDS}]><z><b k="&i;"/><b/></z>', "herbs.xml"),
        ('<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><a><b/><b/></a>', "herbs.xml"),
        ("<a><b>1</b><b>2", "herbs.xml is not well-formed XML: Premature end"),
        ("<a>" * 300 + "</a>" * 300, "herbs.xml is not well-formed XML"),
        ("", "herbs.xml is not well-formed XML"),
        ("<a/>", "herbs.xml is XML but holds no table"),
    ],
)
def test_harmful_and_broken_xml_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        xml(tmp_path, content)


def sheet(name: str, rows: str) -> str:
    return f"<Worksheet ss:Name='{name}'><Table>{rows}</Table></Worksheet>"


def workbook(*sheets: str) -> str:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    return f"<?xml version='1.0'?><Workbook xmlns='{space}' xmlns:ss='{space}'>{''.join(sheets)}</Workbook>"


def cell(text: object, attributes: str = "") -> str:
    return f"<Cell {attributes}><Data ss:Type='String'>{text}</Data></Cell>"


ACROSS = "ss:MergeAcross='2'"
THIRD = "ss:Index='3'"
ROWS = (
    f"<Row>{cell('Herbs', ACROSS)}</Row>"
    f"<Row {THIRD}>{cell('id')}{cell('n', THIRD)}</Row>"
    f"<Row>{cell('a1')}<Cell/>{cell(5)}</Row><Row>{cell('a2')}{cell(7, THIRD)}</Row>"
)
FAR = "ss:Index='16000'"


def test_a_spreadsheet_saved_as_xml(tmp_path):
    tables = xml(tmp_path, workbook(sheet("S 1", ROWS), sheet("none", ""), sheet("S 2", ROWS)))

    assert {name: table.inner for name, table in tables.items()} == {"S_1": "S 1", "S_2": "S 2"}
    assert tables["S_1"].header_row == 3
    assert tables["S_1"].data.to_pylist()[0] == {"id": "a1", "col_1": "", "n": "5"}
    assert list(xml(tmp_path, workbook(sheet("S 1", ROWS)))) == ["herbs"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (workbook(sheet("S", "")), "a workbook without a table"),
        (workbook(sheet("S", f"<Row>{cell(1, FAR)}</Row>" * 400)), "more than 5,000,000 cells"),
    ],
)
def test_a_spreadsheet_without_a_table_or_with_far_cells_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        xml(tmp_path, content)


def test_headings_spans_and_feet(tmp_path):
    (table,) = html(
        tmp_path,
        """<table><caption>c</caption><thead><tr><th colspan=3>All herbs</th></tr>
        <tr><th rowspan=2>Name</th><th colspan=2>2021</th></tr><tr><th>Q1</th><th>Q2</th></tr></thead>
        <tfoot><tr><td>Total</td><td>9</td><td>12</td></tr></tfoot>
        <tbody><tr><td rowspan="2">sage&nbsp;(red)</td><td>1</td><td> 2<br>x<script>alert(1)</script><i> y</i></td></tr>
        <tr><td>3</td><td>4</td></tr><tr><td>mint</td><td>5</td><td></td></tr></tbody></table>""",
    ).values()

    assert table.raw_header == ("Name", "2021 Q1", "2021 Q2")
    assert (table.preamble_rows, table.footer_rows, table.inner) == (1, 1, None)
    assert table.data.to_pylist()[:2] == [
        {"Name": "sage\xa0(red)", "2021 Q1": "1", "2021 Q2": "2 x y"},
        {"Name": "sage\xa0(red)", "2021 Q1": "3", "2021 Q2": "4"},
    ]
    assert table.data.num_rows == 3


def test_every_table_of_a_page_and_no_layout(tmp_path):
    plain = "<tr><td>id<td>grams<tr><td>a1<td>2.5<tr><td>a2<td>3.5<tr><td>Total<td>6.0"
    tables = html(
        tmp_path,
        f"<table><tr><td><table>{plain}</table></td><td>menu</td></tr></table><table><tr><td>logo</td></tr></table>"
        f"<table></table><script>document.write('<table><tr><td>1<td>2</table>')</script>"
        f"<table><tr><th>id</th><th>note</th></tr><tr><th>a1</th><td>x</td></tr></table><table><tr><td> <td> </table>",
    )

    assert {name: table.inner for name, table in tables.items()} == {"herbs": "1", "herbs_2": "2"}
    assert tables["herbs"].data.to_pydict() == {"id": ["a1", "a2"], "grams": ["2.5", "3.5"]}
    assert tables["herbs"].footer_rows == 1
    assert tables["herbs_2"].data.to_pylist() == [{"id": "a1", "note": "x"}]


def test_a_page_in_another_encoding(tmp_path):
    rows = "".join(f"<tr><td>{number}</td><td>Rösti für Zoë</td></tr>" for number in range(9))
    table = html(tmp_path, f"<table><tr><th>n</th><th>dish</th></tr>{rows}</table>".encode("cp1252"))["herbs"]

    assert table.data["dish"][0].as_py() == "Rösti für Zoë"
    assert table.encoding == "latin-1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<p>nothing here</p>", "herbs.html is a web page without a table"),
        ("", "herbs.html"),
        ("<table><tr>" + "<td colspan=1000>x" * 20, "line 1: a row of more than 16,384 cells"),
        ("<table>" + "<tr><td colspan=1000>x<td>" * 5_100, "line 1: a table of more than 5,000,000 cells"),
    ],
)
def test_a_page_without_a_table_or_with_endless_ones_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        html(tmp_path, content)

"""Workbooks as people write them, and broken ones."""

from __future__ import annotations

import base64
import re
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter
from automl_runtime.data.reading.excel import read_excel
from automl_runtime.data.reading.source import Source
from automl_runtime.data.reading.workbook_probe import survives
from automl_runtime.data.tables import RawTable
from automl_runtime.errors import DataError

# A workbook of Excel 97 (.xls): title, blank row, header, five rows of numbers, dates, an error, letters with accents.
OLD_XLS = zlib.decompress(
    base64.b85decode(
        "c-rk)T}TvB6#nk)?9BSN?rth+w1|+FDP;E0i*APHlV-m33#IKsqU_2dMZIL1k3kRwNd$%ky;%9s5B*SYJp@KQ1VP{yJw#7IK@aM5"
        "&Y79=X9E{XFy<TXnS0N@-<dP_+`pMuQ{m~cyA>HMLNk1rv+`if(<w@MZXpD!w=B-O_W&i!!>U4FfC6dw@u=vf$uZ=3XQ1JZ{+uN6"
        "fzn|Npd*z`RIVU)iVxk2eP|-7aFsMcl#5ppk;g=?5qVo$J{Gw{G#5lRQQK*C5L2;^+U?FL-mg_jT@Y;dzHr`&rU9jR!K3)hMP;}3"
        "qb1$j-M`8zqIx05K>=+`Bok>a7vl!<fdhp4_V)VL)@hVbu*dP;ssz5dv-(-3r(apU0_lG&)SG|M2PlY(^_Mgq7=m?FCdmj2P@{8="
        "4}1FKGic$cOQM<Gl^95+2Wg=9#;MK8<B22<n-i2xrUnzF{=9`n1B<OJ8d+>(vb{`%7AzA*GJOh3#!)Q!uuP&5`8jjz>+ANO&e##r"
        "49V7DZy+1kUsyQH3?c{NZXE#E)Cyy>$a7+Ko#ZP-me2^Ndv#~2li58iZO%(=HQ8wtyouG!%WtIo$d|njq9Y$;n<zigmN{KA@isPw"
        "D%#NE#OG@mb*fH{UST|pxp(C(Ht$82FIjj3TFCL;a(2mL%u0uY`h)S5`UuiHeEEc-WnpN-;6AcTZhzV(O}K8!M<v~Px^I!KCs-@G"
        "utX_>%afX8NfWkD*nWqtXJPBY&KLHmun%c2TNk$Bu>DKe5z&Pa6!x`Aeh&ldC0zC!@FBq_n20JwX*986zZf<h!$uaj3^5!L!`H>F"
        "0@HQN5O%;}n_1YVu*-yfQ`i;1y2KPVpKU%-Nja0thh{B;d)#xhr~F1fJb3Wn!Gi}69#$`uoPppRA|Z!2Lyl(lf1O!MbKY-~{}x?H"
        "(KSdPmAjCndm5*58b4+5E7z7<Cdd6>$k<0uPoob#;zwW3<Ci|p)cp5ZHZk<~rckcWpUcJ1fBgKPzi{!&"
    )
)


def book(path: Path, **sheets: Callable[[Any, dict[str, Any]], None]) -> Path:
    with xlsxwriter.Workbook(str(path)) as workbook:
        formats = {
            "day": workbook.add_format({"num_format": "yyyy-mm-dd"}),
            "moment": workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
            "hours": workbook.add_format({"num_format": "[h]:mm"}),
        }
        for name, write in sheets.items():
            write(workbook.add_worksheet(name), formats)
    return path


def read(path: Path, name: str = "drop/stock list.xlsx") -> list[RawTable]:
    return read_excel(Source(path, name, "excel"))


def grid(*rows: list[Any]) -> Callable[[Any, dict[str, Any]], None]:
    def write(sheet: Any, formats: dict[str, Any]) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)

    return write


PLAIN = grid(["shelf", "count"], ["north", 3], ["south", 5], ["east", 8])


def test_a_sheet_with_titles_margins_and_totals(tmp_path):
    def write(sheet, formats):
        sheet.merge_range("C2:F2", "Stock of all shelves")
        sheet.write("C3", "written by the night shift")
        sheet.write_row("C5", ["item", "seen", "price", "sold out"])
        for row in range(12):
            sheet.write_row(5 + row, 2, [row + 1, None, row * 1.5, row % 2 == 0])
            sheet.write_datetime(5 + row, 3, datetime(2021, 3, row + 1), formats["day"])
        sheet.write_row(17, 2, ["Total", None, 99])

    (table,) = read(book(tmp_path / "b", Stock=write))

    assert (table.name, table.inner) == ("stock_list", "Stock")
    assert (table.header_row, table.preamble_rows, table.footer_rows, table.names_from) == (5, 4, 1, "header")
    assert table.raw_header == ("item", "seen", "price", "sold out")
    assert table.data.schema.types == [pa.int64(), pa.date32(), pa.float64(), pa.bool_()]
    assert table.data.num_rows == 12
    assert table.data["seen"][0].as_py() == date(2021, 3, 1)


def test_columns_keep_their_type_and_mixed_ones_are_text_as_seen(tmp_path):
    def write(sheet, formats):
        sheet.write_row(0, 0, ["mixed", "moment", "spaced", "gaps", "clock", "length", "huge", "none"])
        for row in range(4):
            sheet.write_datetime(row + 1, 1, datetime(2021, 3, 5, 10 * (row % 2)), formats["moment"])
            sheet.write(row + 1, 2, f"  word {row} ")
            sheet.write_datetime(row + 1, 4, time(9, row), formats["moment"])
            sheet.write_number(row + 1, 5, 1.5 + row, formats["hours"])
            sheet.write_number(row + 1, 6, 12345678901234567890 + row)
        sheet.write_column(1, 0, [5, 0.1, True, "n/a"])
        sheet.write_column(1, 3, [1, None, 3, 4])
        sheet.write_datetime(5, 0, datetime(2021, 3, 5), formats["day"])
        sheet.write(5, 3, 7)

    (table,) = read(book(tmp_path / "b", Types=write))

    assert table.data["mixed"].to_pylist() == ["5", "0.1", "TRUE", "n/a", "2021-03-05"]
    assert table.data["moment"].type == pa.timestamp("us")
    assert table.data["spaced"].to_pylist() == ["  word 0 ", "  word 1 ", "  word 2 ", "  word 3 ", ""]
    assert table.data["gaps"].to_pylist() == [1, None, 3, 4, 7]
    assert table.data["clock"].to_pylist()[:2] == ["09:00:00", "09:01:00"]
    assert table.data["length"].to_pylist()[:2] == ["36:00:00", "60:00:00"]
    assert table.data["huge"].type == pa.float64()
    assert table.data["none"].type == pa.null()


def test_error_cells_are_the_text_that_is_shown(tmp_path):
    def write(sheet, formats):
        PLAIN(sheet, formats)
        sheet.write_formula("B3", "=1/0", None, "#DIV/0!")
        sheet.write_formula("D5", "=NA()", None, "#N/A")
        sheet.write("D1", "check")

    (table,) = read(book(tmp_path / "b", Stock=write))

    assert table.data["count"].to_pylist() == ["3", "#DIV/0!", "8", ""]
    assert table.data["check"].to_pylist() == ["", "", "", "#N/A"]


def test_merged_cells_fill_headers_across_and_data_downwards(tmp_path):
    def write(sheet, formats):
        sheet.merge_range("A1:E1", "Quarters")
        sheet.merge_range("A3:A4", "Region")
        sheet.merge_range("B3:C3", 2021)
        sheet.merge_range("D3:E3", 2022)
        sheet.write_row("B4", ["Q1", "Q2", "Q1", "Q2"])
        sheet.merge_range("A5:A7", "North")
        sheet.merge_range("A8:A10", "South")
        for row in range(6):
            sheet.write_row(4 + row, 1, [row, row + 0.5, row, 5.0])

    (table,) = read(book(tmp_path / "b", Sales=write))

    assert table.raw_header == ("Region", "2021 Q1", "2021 Q2", "2022 Q1", "2022 Q2")
    assert (table.header_row, table.preamble_rows) == (3, 2)
    assert table.data["Region"].to_pylist() == ["North"] * 3 + ["South"] * 3
    assert table.data["2022 Q2"].type == pa.int64()


def test_a_name_over_two_columns_of_data_takes_no_row_of_it(tmp_path):
    def write(sheet, formats):
        sheet.write_row("A1", ["person", "n"])
        sheet.merge_range("C1:D1", "shift")
        for row in range(6):
            sheet.write_row(1 + row, 0, [f"P{row}", row, ("day", "night")[row % 2], 7.5 + row])

    (table,) = read(book(tmp_path / "b", Rota=write))

    assert table.data["n"].to_pylist() == [0, 1, 2, 3, 4, 5]


def test_merged_data_without_a_header_is_no_header(tmp_path):
    def write(sheet, formats):
        for block, name in enumerate(("North", "South", "East")):
            sheet.merge_range(3 * block, 0, 3 * block + 2, 0, name)
            sheet.write_column(3 * block, 1, [block, block + 1.5, block])

    (table,) = read(book(tmp_path / "b", Sales=write))

    assert table.names_from == "generated"
    assert table.data["col_0"].to_pylist()[:4] == ["North", "North", "North", "South"]


def test_sheets_are_named_after_themselves_and_empty_ones_left_out(tmp_path):
    second = grid(["person", "week"], ["Ann", 1], ["Bob", 2], [], [], ["room", "size"], ["a", 10], ["b", 12])
    tables = read(book(tmp_path / "b", **{"Shelf (all)": PLAIN, "empty": grid(), "Rota 1": second}))

    assert [(table.name, table.inner) for table in tables] == [
        ("Shelf_all", "Shelf (all)"),
        ("Rota_1", "Rota 1"),
        ("Rota_1_2", "Rota 1#2"),
    ]
    assert [table.header_row for table in tables] == [1, 1, 6]


def test_tables_side_by_side_are_two(tmp_path):
    def write(sheet, formats):
        PLAIN(sheet, formats)
        for row, cells in enumerate([["code", "word", "n"], *[[f"c{n}", f"w{n}", n] for n in range(7)]]):
            sheet.write_row(row, 3, cells)
        sheet.merge_range("A3:A4", "south")

    left, right = read(book(tmp_path / "b", Both=write))

    assert left.data["shelf"].to_pylist() == ["north", "south", "south"]
    assert (right.name, right.inner, right.data.shape) == ("stock_list_2", "Both#2", (7, 3))


def test_an_empty_column_inside_a_table_does_not_part_it(tmp_path):
    (table,) = read(book(tmp_path / "b", Gap=grid(["a", "b", None, "c"], [1, 2, None, 3], [4, 5, None, 6])))

    assert table.data.column_names == ["a", "b", "col_2", "c"]
    assert table.raw_header == ("a", "b", "", "c")


def test_an_old_workbook_is_read(tmp_path):
    path = tmp_path / "b"
    path.write_bytes(OLD_XLS)
    (table,) = read(path, "old.xls")

    assert table.header_row == 3
    assert table.data["note"].to_pylist() == ["é0", "é1", "é2", "é3", "é4"]
    assert table.data["when"].type == pa.date32()


def test_an_open_document_is_read(tmp_path):
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = " ".join(f'xmlns:{name}="{urn}:{name}:1.0"' for name in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    number = '<table:table-cell office:value-type="float" office:value="{}"/>'
    rows = [cell.format("shelf") + cell.format("count")] + [cell.format(f"s{n}") + number.format(n) for n in range(4)]
    body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(tmp_path / "b", "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{urn}:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet>'
            f'<table:table table:name="S">{body}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    (table,) = read(tmp_path / "b")

    assert table.data.to_pydict() == {"shelf": ["s0", "s1", "s2", "s3"], "count": [0, 1, 2, 3]}


def changed(path: Path, part: str, pattern: bytes, by: bytes) -> bytes:
    """The workbook with one part of it changed."""
    out = path.with_suffix(".changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, re.sub(pattern, by, data) if member.filename == part else data)
    return out.read_bytes()


SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"


@pytest.mark.parametrize(
    ("part", "pattern", "by", "message"),
    [
        (SHEET, rb' r="B4"', rb' r="ZZZZZZZ4"', "a cell stands outside the sheet"),
        (SHEET, rb' r="B4"', rb' r="B99999999"', "a cell stands outside the sheet"),
        (SHEET, rb'<row r="4"', rb'<row r="4000000000"', "a cell stands outside the sheet"),
        (SHEET, rb' r="B4"', rb' r="XFD1048576"', "'Stock' was left out: it reaches over 1,048,576 rows and 16,384"),
        (STRINGS, rb'ount="\d+"', rb'ount="999999999999"', "it claims to hold 999999999999 items"),
        (SHEET, rb"<v>0</v>", rb"<v>77</v>", "index not found"),
        (SHEET, rb"</sheetData>", rb"", "cannot be read as a workbook|holds no table"),
    ],
)
def test_a_workbook_that_claims_too_much_is_refused(tmp_path, part, pattern, by, message):
    path = book(tmp_path / "b", Stock=PLAIN)
    path.write_bytes(changed(path, part, pattern, by))

    with pytest.raises(DataError, match=message):
        read(path)


def test_cells_without_a_column_are_read_in_their_order(tmp_path):
    path = book(tmp_path / "b", Stock=PLAIN)
    path.write_bytes(changed(path, SHEET, rb'<c r="[A-Z]\d+"', rb"<c"))

    assert read(path)[0].data["count"].to_pylist() == [3, 5, 8]


ENCRYPTED = OLD_XLS[:1024] + "EncryptedPackage".encode("utf-16-le") + bytes(1024)
WRONG_SIZES = OLD_XLS[:30] + b"\xff" + OLD_XLS[31:]
FAR_CELL = OLD_XLS.rindex(b"\xfd\x00\x0a\x00") + 4  # row and column of the last text cell
CLAIMS_TOO_MUCH = OLD_XLS[:FAR_CELL] + b"\xff\xff\xff\xff" + OLD_XLS[FAR_CELL + 4 :]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "stock list.xlsx cannot be read as a workbook: it is empty \\(0 bytes\\)"),
        (ENCRYPTED, "stock list.xlsx is protected with a password.\n  Open it, take the password off"),
        (OLD_XLS[:3000], "its container is cut off"),
        (OLD_XLS[:100], "its container is cut off"),
        (WRONG_SIZES, "its container is cut off"),
        (CLAIMS_TOO_MUCH, "it claims sizes that cannot be"),
        (b"PK\x03\x04" + bytes(100), "cannot be read as a workbook"),
        (b"a,b\n1,2\n", "cannot be read as a workbook"),
    ],
)
def test_a_broken_workbook_is_an_error_that_says_what_to_do(tmp_path, raw, message):
    path = tmp_path / "b"
    path.write_bytes(raw)

    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert caught.value.hint


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_workbook_that_is_cut_off_is_refused(tmp_path, share):
    raw = book(tmp_path / "b", Stock=PLAIN).read_bytes()
    (tmp_path / "b").write_bytes(raw[: int(len(raw) * share)])

    with pytest.raises(DataError, match="cannot be read as a workbook"):
        read(tmp_path / "b")


def test_a_workbook_of_empty_sheets_holds_no_table(tmp_path):
    with pytest.raises(DataError, match="holds no table"):
        read(book(tmp_path / "b", One=grid(), Two=grid()))


def test_a_file_that_ends_its_reader_is_found_out_in_another_process():
    assert survives(OLD_XLS)
    assert survives(b"no workbook at all")
    assert not survives(CLAIMS_TOO_MUCH)


def test_a_panic_of_the_reader_is_an_error_about_the_file(tmp_path, monkeypatch):
    class PanicException(BaseException):
        """As pyo3 raises it: not an Exception, and not importable."""

    def panic(stream):
        raise PanicException("index out of bounds")

    monkeypatch.setattr("automl_runtime.data.reading.excel.CalamineWorkbook.from_filelike", panic, raising=False)
    with pytest.raises(DataError, match="index out of bounds"):
        read(book(tmp_path / "b", Stock=PLAIN))

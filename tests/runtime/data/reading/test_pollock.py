"""The kinds of pollution of the Pollock benchmark (Vitagliano et al., VLDB 2023), one generated file each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from automl_runtime.data.reading import delimited
from automl_runtime.data.reading.delimited import read_delimited
from automl_runtime.data.reading.source import Source
from automl_runtime.data.tables import RawTable

HEADER = ["Visit", "Time", "Seats", "Room", "Fee", "Play", "Plot", "Link", "Remark"]
PLAYS = (
    ("The Otter's Winter", "A quiet comedy about a river, two brothers and a boat that will not float."),
    ("Lanterns, Again", "Second part of the trilogy; the first one ran for years."),
    ('Twelve 12" Records', 'He said "never", she heard "now", and the shop burned down.'),
    ("North Platform", "One act without a pause, told by the people who missed the train."),
    ("Salt", "Three fishermen, one net, no fish."),
)
QUOTED = {6, 7}
ROWS = [
    [
        f"{(index * 7) % 28 + 1:02}/{index % 12 + 1:02}/2018",
        f"{9 + index % 12:02}:{15 * (index % 4):02}",
        str((index * 13) % 40),
        f"{'ABKRZ'[index % 5]}{'KNS'[index % 3]}-{1000 + 37 * index}",
        f"${(index * 911) % 9000 / 100:.2f}",
        PLAYS[index % 5][0],
        PLAYS[(index * 3) % 5][1] + f" Evening number {index}.",
        f"https://stage.example/play/{1000 + 37 * index}.html",
        "",
    ]
    for index in range(40)
]
TABLE = [HEADER, *ROWS]

Cells = list[list[str]]


@pytest.fixture(params=["record by record", "with Arrow"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read as a small file and as a large one."""
    monkeypatch.setattr(delimited, "_LARGE", 1 if request.param == "with Arrow" else 1 << 30)


def cell(text: str, place: int, delimiter: str = ",", quote: str = '"', escape: str | None = None) -> str:
    if place in QUOTED or delimiter in text or quote in text or "\n" in text:
        return quote + text.replace(quote, (quote if escape is None else escape) + quote) + quote
    return text


def line(row: list[str], delimiter: str = ",", **style: str) -> str:
    return delimiter.join(cell(text, place, delimiter, **style) for place, text in enumerate(row))


def lines(rows: Cells, **style: str) -> list[str]:
    return [line(row, **style) for row in rows]


def file_of(text: list[str] | str, end: str = "\r\n", encoding: str = "utf-8") -> bytes:
    return (text if isinstance(text, str) else end.join([*text, ""])).encode(encoding)


def read(tmp_path: Path, content: bytes) -> list[RawTable]:
    path = tmp_path / "stage.csv"
    path.write_bytes(content)
    return read_delimited(Source(path, "stage.csv", "delimited"))


def cells(table: RawTable) -> Cells:
    return [
        ["" if value is None else value for value in row] for row in zip(*table.data.to_pydict().values(), strict=True)
    ]


def changed(row: int, edit: Callable[[list[str]], str]) -> bytes:
    """The plain file with line `row` (0 is the header) written by `edit`."""
    text = lines(TABLE)
    text[row] = edit(TABLE[row])
    return file_of(text)


DIALECTS = [
    {"delimiter": delimiter} for delimiter in (";", "\t", "|", ", ", " ", ":", "^", "~", "\t\t", "||", "\x1f", "\xa7")
] + [
    {"quote": "'"},
    {"escape": "\\"},
    {"escape": ""},
    {"delimiter": ";", "quote": "'"},
    {"delimiter": "\t", "escape": "\\"},
]


@pytest.mark.parametrize("style", DIALECTS, ids=repr)
def test_every_dialect(tmp_path: Path, style: dict[str, str]) -> None:
    [table] = read(tmp_path, file_of(lines(TABLE, **style)))
    assert list(table.raw_header) == HEADER
    assert cells(table) == ROWS


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"], ids=repr)
def test_record_separators(tmp_path: Path, end: str) -> None:
    [table] = read(tmp_path, file_of(lines(TABLE), end))
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    rows = [[*row[:8], "caf\xe9"] for row in ROWS]
    [table] = read(tmp_path, file_of(lines([HEADER, *rows]), encoding=encoding))
    assert (list(table.raw_header), cells(table)) == (HEADER, rows)


PREAMBLES = {
    "delimited and a blank line": ["PREAMBLE" + "," * 8, "," * 8],
    "delimited": ["PREAMBLE" + "," * 8] * 3,
    "plain": ["PREAMBLE"] * 3,
    "plain and a blank line": ["PREAMBLE", "PREAMBLE", "PREAMBLE", ""],
    "sentences": ["Programme of the season, as of March", "Prices in dollars, all seats", ""],
    "details": ["Source:,box office", "Date:,2018-07-01", ""],
}


@pytest.mark.parametrize("kind", PREAMBLES)
def test_lines_above_the_header_are_left_out(tmp_path: Path, kind: str) -> None:
    [table] = read(tmp_path, file_of([*PREAMBLES[kind], *lines(TABLE)]))
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS)
    assert table.preamble_rows == len(PREAMBLES[kind])
    assert table.header_row == len(PREAMBLES[kind]) + 1


FOOTERS = {
    "delimited": ["FOOTNOTE" + "," * 8] * 3,
    "plain": ["FOOTNOTE"] * 3,
    "blank line and delimited": ["," * 8, "FOOTNOTE" + "," * 8],
    "blank line and plain": ["", "FOOTNOTE", "FOOTNOTE"],
    "total": ["Total,,812,,$1820.00,,,,"],
    "total and notes": ["Total,,812,,$1820.00,,,,", "", "Prices include tax, fees do not.", "Source: box office"],
}


@pytest.mark.parametrize("kind", FOOTERS)
def test_lines_below_the_data_are_left_out(tmp_path: Path, kind: str) -> None:
    [table] = read(tmp_path, file_of([*lines(TABLE), *FOOTERS[kind]]))
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS)
    assert table.footer_rows == len(FOOTERS[kind])


@pytest.mark.parametrize("count", [2, 3])
def test_a_header_of_several_rows_is_joined(tmp_path: Path, count: int) -> None:
    [table] = read(tmp_path, file_of(lines([*[HEADER] * count, *ROWS])))
    assert list(table.raw_header) == [" ".join([name] * count) for name in HEADER]
    assert cells(table) == ROWS


def test_no_header(tmp_path: Path) -> None:
    [table] = read(tmp_path, file_of(lines(ROWS)))
    assert table.raw_header == ()
    assert table.data.column_names == [f"col_{place}" for place in range(9)]
    assert cells(table) == ROWS


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_few_rows(tmp_path: Path, rows: int) -> None:
    [table] = read(tmp_path, file_of(lines(TABLE[: rows + 1])))
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS[:rows])


@pytest.mark.parametrize("ending", ["", "\r\n\r\n"])
def test_the_end_of_the_file(tmp_path: Path, ending: str) -> None:
    [table] = read(tmp_path, file_of("\r\n".join(lines(TABLE)) + ending))
    assert cells(table) == ROWS
    assert table.footer_rows == 0


@pytest.mark.parametrize("columns", [1, 2, 300])
def test_number_of_columns(tmp_path: Path, columns: int) -> None:
    wide = [
        [*row, *[f"extra {place}" if row is HEADER else str(place) for place in range(300)]][:columns] for row in TABLE
    ]
    [table] = read(tmp_path, file_of(lines(wide)))
    assert (list(table.raw_header), cells(table)) == (wide[0], wide[1:])


@pytest.mark.parametrize("width", [6, 9, 12])
@pytest.mark.parametrize("gap", [[], [""], ["," * 8]], ids=["stacked", "blank line", "blank row"])
def test_two_tables_in_one_file(tmp_path: Path, width: int, gap: list[str]) -> None:
    second = [[*row, *(["A", "B", "C"] if row is HEADER else ["1", "x", "2"])][:width] for row in TABLE[:12]]
    if width == 9:
        second[0] = [f"Other {name}" for name in second[0]]
    first, other = read(tmp_path, file_of([*lines(TABLE), *gap, *lines(second)]))
    assert (list(first.raw_header), cells(first)) == (HEADER, ROWS)
    assert (list(other.raw_header), cells(other)) == (second[0], second[1:])
    assert (first.name, other.name, other.inner) == ("stage", "stage_2", "2")


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("row", [1, 3, 20, 40])
def test_an_extra_quote_is_kept_as_text(tmp_path: Path, row: int, place: int) -> None:
    def edit(texts: list[str]) -> str:
        written = [cell(text, index) for index, text in enumerate(texts)]
        opened = written[place].startswith('"')
        written[place] = f'"{written[place]}' if not opened else f'""{written[place][1:]}'
        return ",".join(written)

    [table] = read(tmp_path, changed(row, edit))
    expected = [list(texts) for texts in ROWS]
    expected[row - 1][place] = f'"{expected[row - 1][place]}'
    assert cells(table) == expected
    assert any(f"line {row + 1}" in warning for warning in table.warnings)


@pytest.mark.parametrize("row", [0, 1, 3, 20, 40])
def test_one_row_with_another_delimiter(tmp_path: Path, row: int) -> None:
    [table] = read(
        tmp_path, changed(row, lambda texts: " ".join(cell(text, index) for index, text in enumerate(texts)))
    )
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS)


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("row", [0, 1, 20, 40])
def test_a_surplus_delimiter_is_left_out(tmp_path: Path, row: int, place: int) -> None:
    def edit(texts: list[str]) -> str:
        written = [cell(text, index) for index, text in enumerate(texts)]
        return ",".join([*written[:place], "", *written[place:]])

    [table] = read(tmp_path, changed(row, edit))
    assert (list(table.raw_header), cells(table)) == (HEADER, ROWS)


@pytest.mark.parametrize("place", range(1, 9))
@pytest.mark.parametrize("row", [1, 20, 40])
def test_a_missing_delimiter_is_put_back(tmp_path: Path, row: int, place: int) -> None:
    def edit(texts: list[str]) -> str:
        written = [cell(text, index) for index, text in enumerate(texts)]
        return ",".join([*written[: place - 1], written[place - 1] + written[place], *written[place + 1 :]])

    [table] = read(tmp_path, changed(row, edit))
    assert cells(table) == ROWS


@pytest.mark.parametrize("end", ["\n", "\r"], ids=repr)
def test_one_record_with_another_end(tmp_path: Path, end: str) -> None:
    text = lines(TABLE)
    [table] = read(tmp_path, file_of("\r\n".join(text[:20]) + end + "\r\n".join(text[20:])))
    assert cells(table) == ROWS


@pytest.mark.parametrize("place", [0, 3, 8])
@pytest.mark.parametrize(
    "name", ["", "HEAD/%R", "x" * 3000, "Time", 'a "b" c', "two\nlines", "\U0001f600"], ids=range(7)
)
def test_headers(tmp_path: Path, place: int, name: str) -> None:
    header = [*HEADER[:place], name, *HEADER[place + 1 :]]
    [table] = read(tmp_path, file_of(lines([header, *ROWS])))
    assert (list(table.raw_header), cells(table)) == (header, ROWS)


@pytest.mark.parametrize("row", [1, 2, 20, 40])
@pytest.mark.parametrize("count", [0, 5, 15])
def test_rows_of_other_length(tmp_path: Path, row: int, count: int) -> None:
    content = changed(
        row, lambda texts: ",".join(cell(text, index) for index, text in enumerate([*texts, *["7"] * 9][:count]))
    )
    [table] = read(tmp_path, content)
    expected = [[*texts, *[""] * (max(count, 9) - 9)] for texts in ROWS]
    if count == 0:
        del expected[row - 1]
    else:
        expected[row - 1] = [*ROWS[row - 1], *["7"] * 6][:count] + [""] * (9 - count)
    assert cells(table) == expected
    assert table.data.num_columns == max(count, 9)

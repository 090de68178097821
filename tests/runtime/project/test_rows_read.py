"""Rows to predict are read however they were saved, and comma-separated UTF-8 as it comes."""

from __future__ import annotations

import pandas as pd
import pytest
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import Warned
from automl_runtime.project import rows_read
from automl_runtime.project.rows_read import read_chunks

NEEDED = ("Größe", "price", "town")
TEXT = "Größe,price,town\n1,20,Köln\n2,30,Bonn\n3,40,\n"


def _write(folder, text, *, name="rows.csv", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))
    return folder / name


def _read(path, **options):
    return pd.concat(list(read_chunks(path, needed=NEEDED, **options)), ignore_index=True)


@pytest.mark.parametrize(
    ("delimiter", "encoding", "name"),
    [
        (",", "utf-8", "rows.csv"),
        (",", "utf-8-sig", "rows.csv"),
        (",", "latin-1", "rows.csv"),
        (",", "utf-16", "rows.csv"),
        (";", "utf-8", "rows.csv"),
        (";", "cp1252", "rows.csv"),
        (";", "utf-8-sig", "rows.csv"),
        ("\t", "utf-8", "rows.csv"),
        ("\t", "latin-1", "rows.tsv"),
        ("|", "utf-8", "rows.txt"),
    ],
)
def test_a_text_in_any_encoding_and_dialect_gives_the_same_rows(delimiter, encoding, name, tmp_path):
    rows = _read(_write(tmp_path, TEXT.replace(",", delimiter), name=name, encoding=encoding))
    assert rows.to_dict("list") == {"Größe": ["1", "2", "3"], "price": ["20", "30", "40"], "town": ["Köln", "Bonn", ""]}


def test_decimal_commas_stay_in_their_cells(tmp_path):
    assert _read(_write(tmp_path, "Größe;price;town\n1,5;20,25;Bonn\n2,5;1.030,00;Bonn\n"))["price"].tolist() == [
        "20,25",
        "1.030,00",
    ]


def test_lines_above_the_header_are_no_rows(tmp_path):
    text = "Export of the sales office\n\nGröße;price;town\n" + "".join(f"{n};{n}0;Bonn\n" for n in range(1, 9))
    assert len(_read(_write(tmp_path, text))) == 8


def test_plain_text_is_read_in_parts_and_by_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_read, "_CHUNK_ROWS", 2)
    monkeypatch.setattr(rows_read, "read_path", lambda *_: pytest.fail("it is plain"))
    chunks = list(read_chunks(_write(tmp_path, TEXT), needed=[" größe ", "PRICE"]))
    assert [len(chunk) for chunk in chunks] == [2, 1]


def test_other_text_comes_in_parts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_read, "_CHUNK_ROWS", 2)
    chunks = list(read_chunks(_write(tmp_path, TEXT.replace(",", ";")), needed=NEEDED))
    assert [len(chunk) for chunk in chunks] == [2, 1]


def test_what_was_mended_is_told(tmp_path):
    path = _write(tmp_path, TEXT)
    path.write_bytes((TEXT * 20).encode().replace(b"Bonn", b"B\xf6nn", 1))
    told = []
    rows = _read(path, on_event=told.append)
    assert "Bönn" in rows["town"].tolist()
    assert any(isinstance(event, Warned) and "cp1252" in event.text for event in told)


def test_a_column_that_is_in_no_reading_leaves_the_plain_one(tmp_path):
    assert _read(_write(tmp_path, "Größe,price\n1,2\n")).columns.tolist() == ["Größe", "price"]


def test_rows_longer_than_the_header_are_not_moved_to_other_columns(tmp_path):
    path = _write(tmp_path, "Größe,price,town\n1,20,Köln,\n2,30,Bonn,\n")
    assert _read(path)["Größe"].tolist() == ["1", "2"]
    with path.open("rb") as stream, pytest.raises(DataError, match="more cells than its header"):
        list(read_chunks(path, stream))


def test_a_header_alone_has_no_rows(tmp_path):
    path = _write(tmp_path, "Größe,price,town\n")
    with path.open("rb") as stream:
        assert [len(chunk) for chunk in read_chunks(path, stream)] == [0]
    assert len(_read(path)) == 0


def test_a_stream_is_read_strictly(tmp_path):
    path = _write(tmp_path, TEXT, encoding="latin-1")
    with path.open("rb") as stream, pytest.raises(DataError, match=r"not UTF-8: .*\n.*comma-separated UTF-8"):
        list(read_chunks(path, stream))


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [("rows.pdf", b"%PDF", RequestError), ("rows.csv", b"", DataError), ("none.csv", None, DataError)],
)
def test_what_holds_no_rows_is_refused(name, content, error, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name):
        list(read_chunks(tmp_path / name, needed=NEEDED))

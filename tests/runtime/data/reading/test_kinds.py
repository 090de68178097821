from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from automl_runtime.data.reading.kinds import sniff

LOG = "".join(
    f"2024-03-01 10:{minute:02}:00 {level} loader part {minute} ok\n"
    for minute in range(30)
    for level in ("INFO", "WARN")
)
ACCESS = '10.0.0.1 - - [01/Mar/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 12\n' * 9
SYSLOG = "Mar  1 10:00:00 host sshd[12]: accepted\n" * 9
PROSE = "# Notes\n\nThese are the notes of the meeting, held on Monday.\n- ask Tom about the data\n- buy milk, tea\n"
ALIGNED = "id   name       amount\n1    Alice        3.50\n2    Bob         12.00\n33   Christine    1.25\n"


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


CONTENTS: list[tuple[str, bytes, str]] = [
    ("a.pdf", b"a,b\n1,2\n3,4\n", "delimited"),
    ("README", b"a;b\n1;2\n3;4\n", "delimited"),
    ("words.txt", b"apple\nbanana\ncherry\n", "delimited"),
    ("one.csv", b"comment\nThis is good, really.\nNot so good.\n", "delimited"),
    ("stamps.csv", b"when,level,n\n2024-03-01 10:00:00,INFO,1\n2024-03-01 10:01:00,WARN,2\n", "delimited"),
    ("page.txt", b"<!DOCTYPE html><html><body></body></html>", "html"),
    ("part.html", b"<table><tr><td>1</td></tr></table>", "html"),
    ("data.bin", b'<?xml version="1.0"?><r><i/></r>', "xml"),
    ("drawing", b'<svg xmlns="x"><g/></svg>', "image"),
    ("a.csv", b'{"a": [1, 2]}', "json"),
    ("b.txt", b'[{"a": 1}, {"a": 2}]', "json"),
    ("numbers", b"[1, 2, 3]", "json"),
    ("c.json", b'{"a": 1}\n{"a": 2}\n', "json_lines"),
    ("d.log", b'{"a": 1}\n{"a": 2}\n', "json_lines"),
    ("pretty.json", json.dumps([{"a": 1, "b": {"c": 2}}] * 3, indent=2).encode(), "json"),
    ("lists.json", b'[{"a": [1, 2], "b": 1}, {"a": [3], "b": 2}]', "json"),
    ("titled.tsv", b"Readings of May\nid\tn\n1\t2\n2\t3\n3\t4\n", "delimited"),
    ("hive", b"1\x01Ann\x013.5\n2\x01Bob\x014.5\n3\x01Cid\x015.5\n", "delimited"),
    ("page.xml", b'<?xml version="1.0"?><mail><head><id>1</id></head><body><n>2</n></body></mail>', "xml"),
    ("page.xhtml", b'<?xml version="1.0"?><html><body><table><tr><td>1</td></tr></table></body></html>', "html"),
    ("env", b"# local\nDB_HOST=localhost\nexport DB_PORT=5432\nDEBUG=1\n", "text"),
    ("assigned.csv", b"A=1\nA=2\nA=3\n", "delimited"),
    ("brackets.csv", b"[id],[name]\n1,a\n2,b\n", "delimited"),
    ("x.csv", LOG.encode(), "log"),
    ("access", ACCESS.encode(), "log"),
    ("messages", SYSLOG.encode(), "log"),
    ("notes.txt", PROSE.encode(), "text"),
    ("conf.yml", b"a: 1\nb: 2\nc: 3\n", "text"),
    ("table.dat", ALIGNED.encode(), "fixed_width"),
    ("flowers.names", b"1. Title: flowers\n", "names"),
    ("blank.csv", b" \n\n\t\n", "empty"),
    ("nothing.xlsx", b"", "empty"),
    ("p.csv", b"PAR1....", "parquet"),
    ("q", b"ARROW1\0\0", "arrow"),
    ("db", b"SQLite format 3\0rest", "sqlite"),
    ("duck", b"\0" * 8 + b"DUCK" + b"\0" * 40, "duckdb"),
    ("old.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, "excel"),
    ("new", zipped("xl/workbook.xml", b"<a/>"), "excel"),
    ("open", zipped("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"), "excel"),
    ("letter.docx", zipped("word/document.xml", b"<a/>"), "binary"),
    ("plain.csv", zipped("a.csv", b"a\n1\n"), "archive"),
    ("cut.zip", b"PK\x03\x04 rest is missing", "archive"),
    ("z.csv", gzip.compress(b"a,b\n"), "archive"),
    ("tar", b"name".ljust(257, b"\0") + b"ustar\0" + b"\0" * 300, "archive"),
    ("photo.csv", b"\xff\xd8\xff\xe0" + b"\0" * 99, "image"),
    ("photo2", b"RIFF\0\0\0\0WEBPVP8 ", "image"),
    ("song", b"RIFF\0\0\0\0WAVEfmt ", "binary"),
    ("icon.bmp", b"BM\x10\0\0\0\0\0\0\0", "image"),
    ("model.pkl", b"\x80\x04\x95stuff", "binary"),
    ("paper.csv", b"%PDF-1.7", "binary"),
    ("junk.csv", bytes(range(256)) * 40, "binary"),
]


@pytest.mark.parametrize(("name", "content", "kind"), CONTENTS, ids=[name for name, _, _ in CONTENTS])
def test_kinds_are_told_by_content(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert sniff(path, name).kind == kind


def test_kinds_that_are_not_read_say_why(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c")
    assert sniff(path, "a.7z").reason == "7z archives are not read; unpack it first"

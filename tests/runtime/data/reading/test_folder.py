"""Whole folders, and whatever can be wrong with them."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from automl_runtime.data.pictures import EXAMPLE_PICTURE
from automl_runtime.data.reading import read_path
from automl_runtime.data.reading.records import parse_records
from automl_runtime.data.tables import ReadResult
from automl_runtime.errors import DataError
from automl_runtime.events import Event, Progress, Warned
from automl_schemas.catalog import Dialect

TABLE = b"id,plant,height\n1,oak,20.5\n2,elm,17.25\n3,fir,30.0\n"
PNG = base64.b64decode(EXAMPLE_PICTURE.partition(",")[2])


def zip_of(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def locked_zip() -> bytes:
    data = bytearray(zip_of(**{"a.csv": TABLE}))
    data[data.find(b"PK\x03\x04") + 6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def reasons(result: ReadResult) -> dict[str, str]:
    return {entry.path: entry.reason for entry in result.ignored}


def test_a_messy_folder(tmp_path: Path) -> None:
    result = read_path(
        fill(
            tmp_path,
            {
                "plants.csv": TABLE,
                "old/plants.csv": TABLE.replace(b",", b";"),
                "more.tsv.gz": gzip.compress(TABLE.replace(b",", b"\t")),
                "drop.zip": zip_of(**{"in/a.csv": TABLE, "__MACOSX/a.csv": b"x", "notes.txt": b"Please read me.\n"}),
                "drop.tar.gz": tar_of("b.csv", TABLE),
                "deep.zip": zip_of(**{"c.zip": zip_of(**{"d.csv": TABLE, "e.zip": zip_of(**{"f.csv": TABLE})})}),
                "readings.jsonl": b"".join(json.dumps({"k": index}).encode() + b"\n" for index in range(3)),
                "notes.md": b"# Notes\n\nThe plants were measured in May, by two people.\n",
                ".cache": b"x",
            },
        )
    )
    assert [(table.name, table.file) for table in result.tables] == [
        ("d", "deep.zip!/c.zip!/d.csv"),
        ("b", "drop.tar.gz!/b.csv"),
        ("a", "drop.zip!/in/a.csv"),
        ("more", "more.tsv.gz"),
        ("plants", "old/plants.csv"),
        ("plants_2", "plants.csv"),
        ("readings", "readings.jsonl"),
    ]
    assert all(table.data.num_rows == 3 for table in result.tables)
    assert reasons(result) == {
        ".cache": "hidden",
        "deep.zip!/c.zip!/e.zip": "an archive inside an archive inside an archive",
        "drop.zip!/__MACOSX/a.csv": "made by macOS",
        "drop.zip!/notes.txt": "text without a table",
        "notes.md": "text without a table",
    }
    entries = {entry.path: entry for entry in result.files}
    assert entries["more.tsv.gz"].compression == "gzip"
    assert entries["more.tsv.gz"].kind == "delimited"
    assert entries["drop.zip"].tables == ["a"]
    assert entries["old/plants.csv"].dialect == Dialect(delimiter=";")
    assert entries["plants.csv"].tables == ["plants_2"]
    assert (entries["plants.csv"].used, entries["notes.md"].used) == (True, False)


def test_a_names_file_names_the_columns_beside_it(tmp_path: Path) -> None:
    content = {
        "a.data": b"5.1,3.5,x\n4.9,3.0,y\n4.7,3.2,x\n",
        "a.names": b"x, y.\n\nlength: continuous.\nwidth: continuous.\n",
    }
    result = read_path(fill(tmp_path, {**content, "b/a.data": content["a.data"], "c/other.names": content["a.names"]}))
    assert [table.data.column_names for table in result.tables] == [
        ["length", "width", "class"],
        ["col_0", "col_1", "col_2"],
    ]
    assert [table.names_from for table in result.tables] == ["names_file", "generated"]
    assert reasons(result) == {"c/other.names": "a description of columns that fits no table without a header"}


def test_images_in_folders_of_classes_are_counted(tmp_path: Path) -> None:
    files = {f"{kind}/{index}.png": PNG for kind in ("cats", "dogs") for index in range(3)}
    result = read_path(fill(tmp_path, files))
    assert [folder.classes for folder in result.images] == [{"cats": 3, "dogs": 3}]
    assert all(entry.used for entry in result.files)


def test_equal_bytes_give_equal_results(tmp_path: Path) -> None:
    files = {"b.csv": TABLE, "a.zip": zip_of(**{"x.csv": TABLE}), "c.txt": b"Nothing but words here.\n"}
    first, second = (read_path(fill(tmp_path / name, files)) for name in ("one", "two"))
    assert first.files == second.files
    assert first.ignored == second.ignored
    assert [table.data for table in first.tables] == [table.data for table in second.tables]


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    events: list[Event] = []
    read_path(fill(tmp_path, {"a.csv": TABLE, "b.csv": TABLE + b"4\n"}), on_event=events.append)
    total = 2 * len(TABLE) + 2
    progress = [event for event in events if isinstance(event, Progress)]
    assert [(event.done, event.total, event.message) for event in progress] == [
        (0, total, "a.csv"),
        (len(TABLE), total, "b.csv"),
        (total, total, ""),
    ]
    assert [event.text for event in events if isinstance(event, Warned)] == [
        "b.csv: 1 rows with too few cells (line 5)"
    ]


UNUSABLE: dict[str, tuple[dict[str, bytes], str]] = {
    "an empty folder": ({}, "is empty"),
    "logs": ({"a.log": b"2024-03-01 10:00:00 INFO start\n" * 9}, "a.log: a log of a program"),
    "notes": ({"README.md": b"# Plants\n\nAll about plants, and more.\n"}, "README.md: text without a table"),
    "a locked zip": ({"a.zip": locked_zip()}, "a.zip is encrypted"),
    "a cut zip": ({"a.zip": zip_of(**{"a.csv": TABLE})[:40]}, "broken or cut off"),
    "a bomb": ({"a.csv.gz": gzip.compress(b"0" * (40 << 20))}, "zip bomb"),
    "nothing in a workbook": ({"a.xlsx": b""}, "a.xlsx: an empty file"),
    "junk": ({"a.csv": bytes(range(256)) * 9}, "a binary file of unknown format"),
    "blanks": ({"a.csv": b"\n\n  \n"}, "a file with nothing but blanks"),
    "a quote": ({"a.csv": b'"never closed, and then the end'}, "a quote is opened and never closed"),
    "broken JSON": ({"a.json": b'{"a": [1, 2'}, "a.json"),
    "a broken database": ({"a.db": b"SQLite format 3\0" + b"junk" * 99}, "a.db"),
    "a broken workbook": ({"a.xlsx": zip_of(**{"xl/workbook.xml": b"<broken"})}, "a.xlsx"),
    "a broken Parquet file": ({"a.parquet": b"PAR1 and nothing more"}, "a.parquet"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_used_is_refused_with_its_reason(tmp_path: Path, kind: str) -> None:
    files, message = UNUSABLE[kind]
    with pytest.raises(DataError) as caught:
        read_path(fill(tmp_path, files))
    assert message in str(caught.value)
    assert caught.value.exit_code == 3
    for name in files:
        with pytest.raises(DataError) as caught:
            read_path(tmp_path / name)
        assert message in str(caught.value).replace(f"{tmp_path / name} cannot be used", name) or name in str(
            caught.value
        )


@pytest.mark.parametrize("kind", [kind for kind, (files, _) in UNUSABLE.items() if files])
def test_what_cannot_be_used_does_not_stop_the_rest(tmp_path: Path, kind: str) -> None:
    files, _ = UNUSABLE[kind]
    result = read_path(fill(tmp_path, {**files, "good.csv": TABLE}))
    assert [table.name for table in result.tables] == ["good"]
    assert [entry.path for entry in result.ignored] == list(files)


def test_only_images_without_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No table was found"):
        read_path(fill(tmp_path, {"a.png": PNG, "b.png": PNG}))


def test_a_missing_path_suggests_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "plants").mkdir()
    with pytest.raises(DataError, match=r"does not exist.\n  Did you mean .*plants\?"):
        read_path(tmp_path / "plant")
    with pytest.raises(DataError, match="Give a file or a folder that exists"):
        read_path(tmp_path / "no" / "such" / "folder")


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="neither a file nor a folder"):
        read_path(tmp_path / "pipe")


def test_a_file_cut_inside_a_quote_keeps_what_is_before(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(TABLE + b'4,"a tree that')
    result = read_path(path)
    assert result.tables[0].data.num_rows == 4
    assert result.tables[0].data.column("plant").to_pylist() == ["oak", "elm", "fir", "a tree that"]
    assert result.warnings[0] == (
        "cut.csv: the text ends inside a quoted cell that begins on line 5; its record is incomplete"
    )


def test_a_stray_quote_in_the_middle_costs_one_record_only(tmp_path: Path) -> None:
    rows = "".join(f"{index},tree {index},{index}.5\n" for index in range(1000)).replace(",tree 500,", ',"tree 500,')
    path = tmp_path / "stray.csv"
    path.write_text("id,plant,height\n" + rows, encoding="utf-8")
    [table] = read_path(path).tables
    assert table.data.num_rows == 1000
    assert table.data.column("plant").to_pylist()[499:502] == ["tree 499", '"tree 500', "tree 501"]


def test_very_large_cells_and_very_wide_tables(tmp_path: Path) -> None:
    wide = [",".join(f"c{index}" for index in range(5000))] + [",".join(map(str, range(5000)))] * 3
    long = f'id,text\n1,"{"x, " * 3_500_000}"\n2,short\n'
    result = read_path(fill(tmp_path, {"wide.csv": "\n".join(wide).encode(), "long.csv": long.encode()}))
    assert [table.data.shape for table in result.tables] == [(2, 2), (3, 5000)]
    assert len(result.tables[0].data.column("text")[0].as_py()) == 10_500_000


def as_nobody(work: Callable[[], str]) -> str:
    """What `work` returns in a child process without any rights of root."""
    if os.getuid() != 0:
        return work()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            os.write(writer, work().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


def test_a_file_without_permission_is_named_and_left_out(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", {"a.csv": TABLE, "secret.csv": TABLE, "closed/b.csv": TABLE})
    read_path(folder)
    for path in (folder, tmp_path, *tmp_path.parents):
        if path.stat().st_uid == os.getuid() and not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    (folder / "secret.csv").chmod(0)
    (folder / "closed").chmod(0)

    def work() -> str:
        result = read_path(folder)
        return json.dumps([[table.name for table in result.tables], reasons(result)])

    def alone() -> str:
        try:
            read_path(folder / "secret.csv")
        except DataError as problem:
            return str(problem)
        return "read"

    answer, refusal = as_nobody(work), as_nobody(alone)
    (folder / "closed").chmod(0o755)
    assert json.loads(answer) == [
        ["a"],
        {"closed": "cannot be listed: Permission denied", "secret.csv": "no permission to read it"},
    ]
    assert refusal.endswith("cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\n1,"x\ny"\n', [["a", "b"], ["1", "x\ny"]]),
        ('a, "b, c"\n1, "2"\n', [["a", "b, c"], ["1", "2"]]),
        ("a,b\n\n1,2\n", [["a", "b"], [], ["1", "2"]]),
        ("a,b,c\r\n1,x\ry,2\r\n3,z,4\r\n5,w,6\r\n7,w,6\r\n8,w,6\r\n9,w,6\r\n", [["a", "b", "c"], ["1", "x\ry", "2"]]),
    ],
)
def test_records(text: str, rows: list[list[str]]) -> None:
    assert parse_records(text, Dialect(delimiter=",", quotechar='"')).rows[: len(rows)] == rows

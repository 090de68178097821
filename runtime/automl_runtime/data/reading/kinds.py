"""What a file is, by its content; its extension is asked only where content cannot tell prose from a column of text."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from automl_schemas.vocabulary import FileKind

from automl_runtime.data.reading.dialects import Detected, detect_dialect
from automl_runtime.data.reading.encodings import decode, is_text
from automl_runtime.data.reading.fixed_width import is_fixed_width, looks_typed
from automl_runtime.data.reading.names import is_names_file
from automl_runtime.data.reading.ruled import is_ruled

__all__ = ["Sniffed", "sniff"]

_HEAD = 1 << 18
_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv", ".tab", ".psv", ".data", ".dat", ".asc"})
_OTHER_SUFFIXES: Final = frozenset(
    f".{suffix}"
    for suffix in (
        *("md", "rst", "tex", "rtf", "py", "ipynb", "r", "sql", "sh", "js", "css", "c", "h", "java", "ini", "toml"),
        *("cfg", "conf", "env", "yaml", "yml", "lock", "properties"),
    )
)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a file is; `reason` says why it is not read, for kinds that are not."""

    kind: FileKind
    reason: str | None = None
    compression: str | None = None
    """The codec, when the file is one compressed file rather than an archive."""


_MAGIC: Final[tuple[tuple[int, bytes, Sniffed], ...]] = (
    (0, b"PAR1", Sniffed("parquet")),
    (0, b"ARROW1", Sniffed("arrow")),
    (0, b"FEA1", Sniffed("arrow")),
    (0, b"SQLite format 3\0", Sniffed("sqlite")),
    (8, b"DUCK", Sniffed("duckdb")),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Sniffed("excel")),
    (0, b"\x1f\x8b", Sniffed("archive", compression="gzip")),
    (0, b"BZh", Sniffed("archive", compression="bzip2")),
    (0, b"\xfd7zXZ\0", Sniffed("archive", compression="xz")),
    (0, b"\x28\xb5\x2f\xfd", Sniffed("archive", compression="zstd")),
    (257, b"ustar", Sniffed("archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Sniffed("binary", "7z archives are not read; unpack it first")),
    (0, b"Rar!", Sniffed("binary", "rar archives are not read; unpack it first")),
    (0, b"\x89PNG", Sniffed("image")),
    (0, b"\xff\xd8\xff", Sniffed("image")),
    (0, b"GIF8", Sniffed("image")),
    (0, b"II*\0", Sniffed("image")),
    (0, b"MM\0*", Sniffed("image")),
    (4, b"ftypheic", Sniffed("image")),
    (0, b"%PDF", Sniffed("binary", "a PDF document")),
    (0, b"\x7fELF", Sniffed("binary", "a program")),
    (0, b"\x93NUMPY", Sniffed("binary", "a NumPy array")),
    (0, b"\x89HDF", Sniffed("binary", "an HDF5 file")),
    (0, b"Obj\x01", Sniffed("binary", "an Avro file")),
    (0, b"ORC", Sniffed("binary", "an ORC file")),
    (0, b"\x80\x02", Sniffed("binary", "a pickle, which is never loaded")),
    (0, b"\x80\x03", Sniffed("binary", "a pickle, which is never loaded")),
    (0, b"\x80\x04", Sniffed("binary", "a pickle, which is never loaded")),
    (0, b"\x80\x05", Sniffed("binary", "a pickle, which is never loaded")),
    (0, b"{\\rtf", Sniffed("binary", "an RTF document")),
    (0, b"\xff\xff\xff\xff", Sniffed("arrow")),
)


def sniff(path: Path, name: str) -> Sniffed:
    """What the file at `path` is; `name` is its name for people.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        return Sniffed("empty", "an empty file")
    if (known := _by_magic(head, path)) is not None:
        return known
    if not is_text(head):
        return Sniffed("binary", "a binary file of unknown format")
    whole = len(head) < _HEAD
    text = decode(head if whole else head[: head.rfind(b"\n") + 1] or head).text
    return _text_kind(text, name.rsplit("/", 1)[-1], whole=whole)


def _by_magic(head: bytes, path: Path) -> Sniffed | None:
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_kind(path)
    if head.startswith(b"RIFF"):
        return Sniffed("image") if head[8:12] == b"WEBP" else Sniffed("binary", "a sound or video file")
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Sniffed("image")
    return next((kind for start, magic, kind in _MAGIC if head.startswith(magic, start)), None)


def _zip_kind(path: Path) -> Sniffed:
    """Spreadsheets and documents are zip files too."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            mimetype = archive.read("mimetype")[:80] if "mimetype" in names else b""
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return Sniffed("archive")
    if any(name.startswith("xl/") for name in names) or b"spreadsheet" in mimetype:
        return Sniffed("excel")
    if any(name.startswith(("word/", "ppt/")) for name in names) or b"opendocument" in mimetype:
        return Sniffed("binary", "a text document or presentation")
    return Sniffed("archive")


def _text_kind(text: str, name: str, *, whole: bool) -> Sniffed:
    bare = text.lstrip("\ufeff \t\r\n")
    if not bare:
        return Sniffed("empty", "a file with nothing but blanks")
    marked = _markup(bare) or _json(bare)
    if marked is not None:
        return marked
    suffix = Path(name).suffix.lower()
    lines = re.split(r"\r\n|\n|\r", text if whole else text[: text.rfind("\n") + 1] or text)
    if is_names_file(text, suffix):
        return Sniffed("names")
    if _is_log(lines):
        return Sniffed("log", "a log of a program")
    filled = [line for line in lines if line.strip()]
    if _is_settings(filled):
        return Sniffed("text", "settings of a program")
    detected = detect_dialect(text)
    aligned = not _is_cut(filled, detected) and suffix not in _OTHER_SUFFIXES and is_fixed_width(lines)
    if is_ruled(lines) or (aligned and (not _is_prose(filled) or looks_typed(lines))):
        return Sniffed("fixed_width")
    return Sniffed("delimited") if _is_table(filled, detected, suffix) else Sniffed("text", "text without a table")


def _is_cut(filled: list[str], detected: Detected) -> bool:
    """Whether a delimiter cuts the lines, the one with the names too; the sign inside of times or amounts does not."""
    delimiter = detected.dialect.delimiter.strip(" ")
    usual = delimiter in (",", ";", "\t", "|") or detected.share == 1.0
    named = delimiter == "\t" or delimiter in filled[0]
    return bool(delimiter) and detected.share >= 0.8 and usual and (named or detected.share == 1.0)


def _markup(bare: str) -> Sniffed | None:
    start = bare[:4000].lower()
    if not re.match(r"<[?!a-z]", start):
        return None
    if re.search(r"<svg[\s>]", start[:1000]):
        return Sniffed("image")
    parts = r"<tr[\s>]" if start.startswith("<?xml") else r"<head[\s>]|<body[\s>]|<table[\s>]|<div[\s>]"
    if re.search(rf"<!doctype html|<html[\s>]|{parts}", start):
        return Sniffed("html")
    return Sniffed("xml") if re.match(r"<\?xml|<!--|<!doctype|<[a-z_][\w:.-]*(\s[^<>]*)?/?>", start) else None


def _json(bare: str) -> Sniffed | None:
    if not re.match(r"\{\s*(\"|\}|\Z)|\[\s*([\[{\"\]\d-]|true\b|false\b|null\b|\Z)", bare):
        return None
    lines = [line.strip() for line in bare.splitlines()[:50] if line.strip()]
    closed = [line for line in lines if line[0] + line.rstrip(",")[-1] in ("{}", "[]")]
    if len(lines) > 1 and len(closed) >= 0.9 * len(lines) and not lines[0].endswith(","):
        return Sniffed("json_lines")
    if bare.startswith("[") and not re.match(r"\[\s*[\[{\"\d\]-]", bare):
        return None
    if bare.startswith("[") and re.match(r"\[[^\]\n{\[\"]*\][^\],\s]", bare):
        return None
    return Sniffed("json")


_STAMP = (
    r"(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?"
    r"|\[?\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d[^\]]*\]?|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?)"
)
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|SEVERE)"
_LOG_LINE = re.compile(
    rf"\s*(?:{_STAMP}[ :|-]+(?:[\w.\[\]/-]+ +)?[\[(<]?{_LEVEL}\b|[\[(<]?{_LEVEL}[\])>:]* *[ :|-]? *{_STAMP}"
    rf"|[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d \S+ \S+:|\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{{2}}/\d{{4}}:)"
)


def _is_log(lines: list[str]) -> bool:
    """Whether most lines start with a time and a level, or are of syslog or a web server."""
    filled = [line for line in lines[:300] if line.strip() and not line[0].isspace()]
    found = sum(_LOG_LINE.match(line) is not None for line in filled)
    return bool(filled) and found >= 0.6 * len(filled)


def _is_settings(filled: list[str]) -> bool:
    """Whether every line is a comment or gives one more variable of an environment its value."""
    pairs = [line.partition("=") for line in filled if not line.startswith("#")]
    names = {name for name, sign, _ in pairs if sign and re.fullmatch(r"(export )?[A-Z][A-Z0-9_]*", name)}
    return bool(pairs) and len(names) == len(pairs)


def _is_table(filled: list[str], detected: Detected, suffix: str) -> bool:
    if suffix in _TABLE_SUFFIXES:
        return True
    usual = detected.dialect.delimiter.strip(" ") in (",", ";", "\t", "|")
    if suffix in _OTHER_SUFFIXES:
        return usual and detected.width >= 3 and detected.share >= 0.95 and len(filled) >= 5
    strict = _is_prose(filled)
    if detected.width >= 2:
        needed = 0.9 if strict else 0.5
        return max(detected.share, detected.even) >= needed and (len(filled) >= 3 or not strict)
    return not strict and len(filled) >= 3


def _is_prose(lines: list[str]) -> bool:
    """Whether the lines are sentences, headings and lists rather than values."""
    sample = lines[:400]
    words = [len(line.split()) for line in sample]
    wordy = sum(count >= 5 for count in words) / len(sample)
    marked = sum(bool(re.match(r"\s*([-*+>#] |\d+[.)] |=+$|-{3,}$|#)", line)) for line in sample) / len(sample)
    ended = sum(line.rstrip().endswith((".", "!", "?", ":", ";")) for line in sample) / len(sample)
    return wordy + marked + ended >= 0.5

"""Random tables in random dialects come back cell by cell."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pytest
from automl_runtime.data.reading import delimited, read_path, write_raw
from automl_runtime.data.reading.source import Source
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Cells = list[list[str]]

WORDS = st.sampled_from(
    ["ash", "birch", "cedar", "elm", "fir", "larch", "maple", "oak", "pine", "rowan", "willow", "yew"]
)
PHRASES = st.lists(
    WORDS | st.sampled_from(["it's", 'the "old"', "one, two", "a; b", "x | y", "5\u20ac", "\xe9t\xe9"]),
    min_size=1,
    max_size=5,
)
TEXTS = {
    "word": WORDS,
    "phrase": PHRASES.map(" ".join),
    "lines": PHRASES.map("\n".join),
    "sparse": st.just("") | WORDS,
}
TYPED = {
    "whole": st.integers(-9999, 99999).map(str),
    "number": st.decimals(-999, 999, places=2).map(str),
    "date": st.dates().map(str),
    "time": st.times().map(lambda time: f"{time:%H:%M}"),
    "code": st.integers(100, 999).map("K-{}".format),
}
NAMES = ["id", "Name", "unit price", "started_at", "Remark (short)", "n\xb0", "size", "plan", "Region", "notes"]


@dataclass(frozen=True)
class Style:
    delimiter: str
    quote: str
    quote_all: bool
    escape: bool
    end: str
    last_end: bool
    encoding: str

    def write(self, rows: Cells) -> bytes:
        text = self.end.join(self.delimiter.join(map(self.cell, row)) for row in rows)
        return (text + self.end * self.last_end).encode(self.encoding)

    def cell(self, text: str) -> str:
        special = any(sign in text for sign in (self.delimiter, self.quote, "\n", "\r", "\\" if self.escape else "\0"))
        if not (self.quote_all or special):
            return text
        if self.escape:
            text = text.replace("\\", "\\\\").replace(self.quote, "\\" + self.quote)
        return self.quote + text.replace(self.quote, self.quote * (1 if self.escape else 2)) + self.quote


STYLES = st.builds(
    Style,
    delimiter=st.sampled_from([",", ";", "\t", "|", ", ", "^", "~", "||", "\x1f"]),
    quote=st.sampled_from(['"', '"', "'"]),
    quote_all=st.booleans(),
    escape=st.sampled_from([False, False, True]),
    end=st.sampled_from(["\n", "\r\n"]),
    last_end=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)


@st.composite
def tables(draw: st.DrawFn, texts: tuple[str, ...] = ("word", "phrase", "lines", "sparse")) -> Cells:
    """A table with names above, the first column typed so that the header can be told."""
    kinds = [TYPED[draw(st.sampled_from(sorted(TYPED)))]]
    kinds += [
        {**TYPED, **TEXTS}[kind] for kind in draw(st.lists(st.sampled_from([*TYPED, *texts]), min_size=1, max_size=6))
    ]
    names = draw(st.permutations(NAMES))[: len(kinds)]
    rows = draw(st.lists(st.tuples(*kinds).map(list), min_size=3, max_size=12))
    return [names, *rows]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(rows=tables(), style=STYLES)
def test_what_was_written_is_read(tmp_path: Path, rows: Cells, style: Style) -> None:
    path = tmp_path / "trees.csv"
    path.write_bytes(style.write(rows))
    result = read_path(path)
    [written] = write_raw(result.tables, tmp_path / "out")
    with written.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == rows


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(rows=tables(texts=("word", "sparse")), delimiter=st.sampled_from(",;\t|"), quote_all=st.booleans())
def test_large_files_are_read_like_small_ones(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    rows: Cells,
    delimiter: str,
    quote_all: bool,
) -> None:
    style = Style(delimiter, '"', quote_all, escape=False, end="\n", last_end=True, encoding="utf-8")
    path = tmp_path_factory.mktemp("large") / "trees.csv"
    path.write_bytes(style.write(rows))
    source = Source(path, "trees.csv", "delimited")
    [slow] = delimited.read_delimited(source)
    with monkeypatch.context() as patch:
        patch.setattr(delimited, "_LARGE", 1)
        [fast] = delimited.read_delimited(source)
    assert fast.data.equals(slow.data)
    assert (fast.raw_header, fast.header_row, fast.footer_rows) == (slow.raw_header, slow.header_row, slow.footer_rows)

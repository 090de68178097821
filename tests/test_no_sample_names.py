"""No name that belongs to the development data stands in first-party code: it would be known before it was seen."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "data"
TRUTHS = {Path("benchmarks/agent/sentences.yaml")}
"""What is right; results are held against it after the fact."""
PACKAGES = ("schemas", "runtime", "generators", "templates", "agent", "benchmarks")

# Single words of the samples that are plain English, or the words of every second table.
ORDINARY = set(
    """
    addresses age airlines airports alcohol alt bedrooms cancelled carrier casual channel churn circuits city class code color
    colors complaints contract contractors constructors count country customers date day density dependents description
    destination dest distance dob driver drivers duration education engine engines export file flight flights gender grid
    highlights holiday hour hours household households housing humid id instant label lap laps lat latitude lng location lon
    longitude manufacturer message milliseconds minute model month name nationality notes number occupation orders origin
    partner payments phone planes points population position pressure quality race races rank registered relationship results
    round satisfaction season seasons seats sex sms speed status stop surname surveys target teams temp text time times title
    type tyres url usage value variables weather weekday wind wine wins year zip from to driver cust custid day hours
    adult backup base chassis confidential device dst info link qualifying support week tenure
    readme index data items person income salary score test train forename number points car team pos
    """.split()
)


def _headers(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "meta" in path.parts or path.suffix.casefold() in {".jpg", ".md", ".txt", ".log"}:
            continue
        yield path.name.split(".")[0]
        if path.suffix in {".csv", ".tsv"}:
            yield from _first_row(path.read_bytes()[:4000])
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for member in archive.namelist():
                    with archive.open(member) as stream:
                        yield from _first_row(stream.read(4000))
        elif path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as stream:
                yield from _keys(json.loads(stream.readline()))
        elif path.suffix == ".xlsx":
            for sheet in CalamineWorkbook.from_path(path).sheet_names:
                rows = CalamineWorkbook.from_path(path).get_sheet_by_name(sheet).to_python(nrows=6)
                yield sheet
                yield from (str(cell) for row in rows for cell in row if isinstance(cell, str) and len(cell) < 40)
        elif path.suffix == ".sqlite":
            yield from _sqlite(path)


def _first_row(content: bytes) -> list[str]:
    line = content.decode("utf-8", errors="replace").splitlines()[0].lstrip("\ufeff")
    cells = next(csv.reader(io.StringIO(line), delimiter=max(",;\t", key=line.count)))
    headed = all(re.search(r"[A-Za-z]", cell) or not cell for cell in cells) and len(line) < 1000
    return [cell.strip() for cell in cells] if headed else []


def _keys(record: dict[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in record.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _keys(value, f"{prefix}{key}.")


def _sqlite(path: Path) -> Iterator[str]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield table
            yield from (row[1] for row in connection.execute(f'PRAGMA table_info("{table}")'))
    finally:
        connection.close()


def _is_distinctive(name: str) -> bool:
    """Longer than a few letters, and no plain word nor two of them side by side ("Signup date")."""
    parts = re.findall(r"[A-Za-zÀ-ÿ]+", name)
    if len(name) < 3 or len(name) > 60 or not parts:
        return False
    compound = re.search(r"[_.?()-]|[a-z][A-Z]", name) is not None
    if compound and len(parts) > 1 and not {part.casefold() for part in parts} <= {"id", "customer", "cust", "no"}:
        return True
    return len(parts) == 1 and name.casefold() not in ORDINARY and name.casefold().removesuffix("s") not in ORDINARY


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the development data are not here")
def test_no_distinctive_name_of_the_samples_stands_in_first_party_code():
    names = sorted({name for name in _headers(SAMPLES) if _is_distinctive(name)})
    assert len(names) > 80
    code = {
        path: path.read_text(encoding="utf-8")
        for package in PACKAGES
        for pattern in ("*.py", "*.j2", "*.jinja", "*.toml", "*.yaml")
        for path in sorted((ROOT / package).rglob(pattern))
        if path.relative_to(ROOT) not in TRUTHS
    }
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, text in code.items()
        for name in names
        if re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", text)
    ]
    assert found == []

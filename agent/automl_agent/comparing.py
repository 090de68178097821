"""Compares two builds of a project file by file, apart from what may differ between two runs."""

from __future__ import annotations

import fnmatch
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

__all__ = ["Comparison", "compare_trees"]

_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_TIMES: Final = (
    re.compile(_MOMENT),
    re.compile(r"\brun_\d{3,9}_\d{8}_\d{4}\b"),
    re.compile(r"(?<![\w.])[\d,.]+(?= (?:seconds?|minutes?|hours?|s|ms|µs)\b)"),
    re.compile(r"^## How fast it answers\n.*?(?=^## )", re.MULTILINE | re.DOTALL),
)
"""Moments, run ids, durations and speeds, as reports write them."""
_SEARCH: Final = re.compile(r'<section id="search">.*?</section>', re.DOTALL)
_DRAWING: Final = re.compile(r"<svg.*?</svg>", re.DOTALL)
"""The drawing of the search is over the seconds that it took."""
_MARKS: Final = re.compile(rb"[\x07-\x23]\0{3}[0-9a-f]{1,8}(?:-[0-9a-f]{1,8}){3}\0*|" + _MOMENT.encode())
"""What CatBoost writes into every model: the length of a random name, the name and its padding; when it was made."""
_TEXTS: Final = (".md", ".html")
_PARTS: Final = re.compile(r"[^.\[\]]+|\[\]")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two trees of files, as far as they should be the same."""

    first: str
    """Hash over all paths and contents."""
    second: str
    differences: Sequence[str]
    """`path: what differs`, in the order of the paths."""


def compare_trees(
    first: Path, second: Path, names: Iterable[str], run_dependent: Mapping[str, Sequence[str]]
) -> Comparison:
    """Compares the files called `names`, apart from the keys of `run_dependent` (pattern of paths -> keys).

    A key is written as `training.seconds` or `leaderboard[].fit_seconds`. Where such keys are listed of a report, which
    has none, moments, run ids, durations and speeds are passed over; of a packed model, its random name and its moment.
    """
    hashes: list[list[str]] = [[], []]
    differences = []
    for name in sorted(set(names)):
        keys = [key for pattern, found in run_dependent.items() if fnmatch.fnmatch(name, pattern) for key in found]
        contents = [_comparable(root / name, keys) for root in (first, second)]
        for content, lines in zip(contents, hashes, strict=True):
            if content is not None:
                lines.append(f"{name}\0{hashlib.sha256(content).hexdigest()}\n")
        said = _difference(name, *contents)
        if said is not None:
            differences.append(f"{name}: {said}")
    one, other = (hashlib.sha256("".join(lines).encode()).hexdigest() for lines in hashes)
    return Comparison(one, other, differences)


def _comparable(path: Path, keys: Sequence[str]) -> bytes | None:
    if not path.is_file():
        return None
    content = path.read_bytes()
    if not keys:
        return content
    if path.suffix == ".json":
        return _dumped(_without(json.loads(content), keys))
    if path.suffix == ".jsonl":
        return b"\n".join(_dumped(_without(json.loads(line), keys)) for line in content.splitlines() if line.strip())
    if path.suffix == ".gz":
        return _MARKS.sub(b"*", gzip.decompress(content))
    if path.suffix not in _TEXTS:
        return content
    text = _SEARCH.sub(lambda section: _DRAWING.sub("*", section[0]), content.decode("utf-8"))
    for pattern in _TIMES:
        text = pattern.sub("*", text)
    return text.encode()


def _without(content: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        _drop(content, _PARTS.findall(key))
    return content


def _drop(content: Any, parts: Sequence[str]) -> None:
    head, *rest = parts
    if head == "[]":
        for item in content if isinstance(content, list) else ():
            _drop(item, rest)
    elif isinstance(content, dict) and head in content:
        if rest:
            _drop(content[head], rest)
        else:
            del content[head]


def _dumped(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, indent=0).encode()


def _difference(name: str, first: bytes | None, second: bytes | None) -> str | None:
    if first == second:
        return None
    if first is None or second is None:
        return "only in the rebuilt project" if first is None else "not in the rebuilt project"
    if b"\0" in first or b"\0" in second or name.endswith(".gz"):
        return "other bytes"
    pairs = zip(first.splitlines(), second.splitlines(), strict=False)
    for number, (one, other) in enumerate(pairs, start=1):
        if one != other:
            where = "" if name.endswith((".json", ".jsonl")) else f"line {number}, "
            return f"{where}{_short(one)} is now {_short(other)}"
    return "one is longer"


def _short(line: bytes) -> str:
    text = line.decode("utf-8", "replace").strip()
    return repr(text if len(text) <= 80 else f"{text[:79]}…")

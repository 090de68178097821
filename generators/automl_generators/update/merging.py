"""The three-way merge of one file, and its conflicts in words."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Final, Literal

from automl_runtime.errors import AutomlError

from automl_generators.git import try_git

__all__ = ["Conflict", "ConflictKind", "Merged", "merge_texts"]

ConflictKind = Literal["lines", "binary", "added", "taken"]
"""`lines`: both changed the same lines; `binary`: both changed a file that has no lines; `added`: both added a file;
`taken`: something that is no file of the repository is in the way."""

_MOST_CONFLICTS: Final = 127
"""The exit code of `git merge-file` is their number, at most that; others are failures."""
_MOST_LINES: Final = 6
_LONGEST_LINE: Final = 100
_LABELS: Final = ("your version", "as it was generated", "update")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A place where an update and the user want different things."""

    path: str
    kind: ConflictKind
    lines: tuple[int, int] | None = None
    """First and last line in the user's file, from 1; last = first - 1 where the user has removed the lines."""
    yours: str = ""
    """What the user has there."""
    wanted: str = ""
    """What the update wanted there."""

    def explain(self) -> str:
        """What happened, and where, in words; several lines."""
        if self.kind == "binary":
            return f"{self.path}: you changed it and the update has another version; such a file cannot be merged."
        if self.kind == "taken":
            return f"{self.path}: the update adds this file, and something that git does not know is in the way."
        where = f"{self.path}, {_lines_in_words(self.lines)}"
        begin = "you and the update both added it" if self.kind == "added" else "you and the update changed it"
        return f"{where}: {begin}\n{_quoted('you have', self.yours)}\n{_quoted('the update wants', self.wanted)}"


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of a merge."""

    content: bytes
    """With conflict markers where there are conflicts; the user's bytes where lines cannot be marked."""
    conflicts: tuple[Conflict, ...] = ()


def merge_texts(path: str, base: bytes | None, mine: bytes, new: bytes) -> Merged:
    """`mine` with what changed from `base` to `new`.

    Where the user turned all line ends into CRLF, so are those of the result. Neighbouring lines that were changed on
    both sides are a conflict too, as always in git.

    Args:
        path: of the file, for the conflicts.
        base: the text that both come from; None when both were added.
        mine: the user's.
        new: what the update has.

    Raises:
        RequestError: if git is not installed.
    """
    if mine == new or new == base:
        return Merged(mine)
    if mine == base:
        return Merged(new)
    if any(b"\0" in text for text in (base or b"", mine, new)):
        return Merged(mine, (Conflict(path, "binary"),))
    if _is_crlf(mine) and not _is_crlf(new):
        merged = merge_texts(path, base, _with_lf(mine), new)
        return Merged(_with_crlf(merged.content), merged.conflicts)
    content, clean = _merge_file(base or b"", mine, new, "--marker-size=7")
    return Merged(content) if clean else Merged(content, tuple(_conflicts(path, base, mine, new)))


def _conflicts(path: str, base: bytes | None, mine: bytes, new: bytes) -> Iterator[Conflict]:
    """The conflicts, in the order of the lines."""
    size = _unused_size(base or b"", mine, new)
    marked, _ = _merge_file(base or b"", mine, new, f"--marker-size={size}")
    kept, found = _unmarked(marked.splitlines(keepends=True), size)
    places = _places(kept, mine.splitlines(keepends=True))
    kind: ConflictKind = "lines" if base is not None else "added"
    for start, yours, wanted in found:
        first = places[start] + 1
        yield Conflict(path, kind, (first, first + len(yours) - 1), _text(yours), _text(wanted))


def _unmarked(
    lines: Sequence[bytes], size: int
) -> tuple[list[bytes], list[tuple[int, Sequence[bytes], Sequence[bytes]]]]:
    """The merge with the user's side of each conflict, and of each its first line there and both sides."""
    kept: list[bytes] = []
    found: list[tuple[int, Sequence[bytes], Sequence[bytes]]] = []
    sides: dict[bytes, list[bytes]] = {}
    side = kept
    for line in lines:
        sign = line[:1]
        if sign not in (b"<", b"=", b">") or not line.startswith(sign * size):
            side.append(line)
        elif sign == b">":
            found.append((len(kept), sides[b"<"], sides[b"="]))
            kept += sides[b"<"]
            side = kept
        else:
            side = sides[sign] = []
    return kept, found


def _places(merged: Sequence[bytes], mine: Sequence[bytes]) -> list[int]:
    """Where each line of `merged`, and its end, stands in `mine`; what the update added stands before the next line."""
    places = [0] * (len(merged) + 1)
    for _, first, _, start, end in SequenceMatcher(None, mine, merged, autojunk=False).get_opcodes():
        for index in range(start, end):
            places[index] = first + index - start
    places[len(merged)] = len(mine)
    return [min(place, len(mine)) for place in places]


def _unused_size(*texts: bytes) -> int:
    """A length of conflict markers that no line of `texts` can be taken for."""
    lines = [line for text in texts for line in text.splitlines()]
    size = 7
    while any(line.startswith((b"<" * size, b"=" * size, b">" * size)) for line in lines):
        size += 1
    return size


def _merge_file(base: bytes, mine: bytes, new: bytes, size: str) -> tuple[bytes, bool]:
    """What `git merge-file` makes of three texts, and whether that is without a conflict."""
    labels = [part for label in _LABELS for part in ("-L", label)]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("mine", mine), ("base", base), ("new", new)):
            (Path(folder) / name).write_bytes(text)
        arguments = ["merge-file", "-p", "--quiet", size, *labels, "mine", "base", "new"]
        done = try_git(Path(folder), "-c", "merge.conflictStyle=merge", *arguments)
    if not 0 <= done.returncode <= _MOST_CONFLICTS:
        raise AutomlError(f"git merge-file failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout, done.returncode == 0


def _is_crlf(text: bytes) -> bool:
    return 0 < text.count(b"\n") == text.count(b"\r\n")


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _with_crlf(text: bytes) -> bytes:
    return text.replace(b"\n", b"\r\n")


def _text(lines: Sequence[bytes]) -> str:
    return b"".join(lines).decode("utf-8", "replace")


def _lines_in_words(lines: tuple[int, int] | None) -> str:
    if lines is None:
        return "all of it"
    first, last = lines
    if last < first:
        return f"before line {first}"
    return f"line {first}" if first == last else f"lines {first} to {last}"


def _quoted(title: str, text: str) -> str:
    lines = text.splitlines()
    if not lines:
        return f"    {title}: nothing"
    shown = [f"      {line[:_LONGEST_LINE]}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"      ... and {len(lines) - _MOST_LINES} more lines")
    return "\n".join([f"    {title}:", *shown])

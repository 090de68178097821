"""The files to read: what each one is, and what is inside the archives among them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from automl_schemas.catalog import FileEntry, IgnoredFile

from automl_runtime.data.reading.archives import Limits, decompress, unpack
from automl_runtime.data.reading.kinds import Sniffed, sniff
from automl_runtime.data.reading.source import Source, sha256_of
from automl_runtime.data.reading.walk import is_hidden
from automl_runtime.errors import DataError

__all__ = ["Gathered", "containers"]

_DEEPEST = 2


@dataclass(slots=True)
class Gathered:
    """Sources in the order of their paths, and what was left out."""

    stack: ExitStack
    """Removes what was taken out of archives when it closes."""
    sources: list[Source] = field(default_factory=list)
    entries: dict[str, FileEntry] = field(default_factory=dict)
    ignored: list[IgnoredFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    """Why files that should have been read could not be."""
    _temporary: Path | None = None
    _unpacked: int = 0

    def add(self, files: Iterable[tuple[Path, str]]) -> None:
        """Tells the kinds of files, given with their names for people, and opens the archives among them."""
        for path, file in files:
            self._add(path, file, depth=0)

    def leave_out(self, file: str, reason: str) -> None:
        """Notes that a file is not read."""
        self.ignored.append(IgnoredFile(path=file, reason=reason))

    def fail(self, file: str, problem: DataError) -> None:
        """Notes that a file should have been read and could not be."""
        self.leave_out(file, problem.message)
        self.warnings.append(f"{file} was left out: {problem.message}")
        self.problems.append(problem)

    def _add(self, path: Path, file: str, *, depth: int, compression: str | None = None) -> None:
        """Adds a file, or the files inside it when it is an archive, to the sources."""
        try:
            sniffed = sniff(path, file)
            size, digest = path.stat().st_size, sha256_of(path)
        except OSError as problem:
            reason = f"cannot be read: {problem.strerror or problem}"
            self.leave_out(file, reason)
            self.warnings.append(f"{file} was left out: {reason}")
            return
        entry = FileEntry(path=file, sha256=digest, bytes=size, kind=sniffed.kind, compression=compression, used=False)
        self.entries.setdefault(file, entry)
        if sniffed.kind == "archive":
            self._open_archive(path, file, sniffed, depth=depth)
        elif sniffed.reason is not None:
            self.leave_out(file, sniffed.reason)
        else:
            source = Source(path, file, sniffed.kind, compression=compression, bytes=size, sha256=digest)
            self.sources.append(source)

    def _open_archive(self, path: Path, file: str, sniffed: Sniffed, *, depth: int) -> None:
        if depth >= _DEEPEST:
            self.leave_out(file, "an archive inside an archive inside an archive")
            return
        target = self._target()
        try:
            if sniffed.compression is not None:
                self._open_compressed(path, file, sniffed.compression, target, depth=depth)
            else:
                self._open_members(path, file, target, depth=depth)
        except DataError as problem:
            self.fail(file, problem)

    def _target(self) -> Path:
        """A fresh path below a temporary folder, which is made when the first archive turns up."""
        if self._temporary is None:
            self._temporary = Path(self.stack.enter_context(TemporaryDirectory(prefix="automl-")))
        self._unpacked += 1
        return self._temporary / str(self._unpacked)

    def _open_compressed(self, path: Path, file: str, codec: str, target: Path, *, depth: int) -> None:
        decompress(path, codec, target, file=file)
        inner = sniff(target, file)
        if inner.kind == "archive" and inner.compression is None:
            self._open_members(target, file, target.with_name(f"{target.name}-members"), depth=depth)
            return
        found = self.entries.pop(file)
        self._add(target, file, depth=depth + 1, compression=codec)
        inside = self.entries[file]
        self.entries[file] = inside.model_copy(update={"bytes": found.bytes, "sha256": found.sha256})
        if self.sources and self.sources[-1].file == file:
            self.sources[-1] = replace(self.sources[-1], bytes=found.bytes, sha256=found.sha256)

    def _open_members(self, path: Path, file: str, target: Path, *, depth: int) -> None:
        unpacked = unpack(path, target, file=file, limits=Limits())
        self.ignored.extend(unpacked.ignored)
        for member in unpacked.members:
            inside = f"{file}!/{member.name}"
            clutter = next((found for part in member.name.split("/") if (found := is_hidden(part))), None)
            if clutter is not None:
                self.leave_out(inside, clutter)
            else:
                self._add(member.path, inside, depth=depth + 1)


def containers(file: str) -> list[str]:
    """The names of the archives around a file, from the outside, and its own.

    >>> containers("a.zip!/b.zip!/c.csv")
    ['a.zip', 'a.zip!/b.zip', 'a.zip!/b.zip!/c.csv']
    """
    parts = file.split("!/")
    return ["!/".join(parts[:count]) for count in range(1, len(parts) + 1)]

"""What is on disk of a prediction job: one folder, of which each file is written whole or only grows.

`job.json` is what was asked and how it stands, `parts/` are finished chunks of the result, and `parts.jsonl` has a line
for each of them: a part counts when its line is there, so that a process may be killed at any moment.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from automl_runtime.errors import DataError
from automl_runtime.files import write_text

__all__ = ["COMPRESSIONS", "FORMATS", "Job", "JobFolder", "Part", "Status", "format_of"]

Status = Literal["queued", "running", "completed", "failed", "cancelled"]
FORMATS: Final = ("csv", "jsonl", "parquet")
COMPRESSIONS: Final = ("gz", "zst")
_TAIL = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked, and how it stands; times are seconds since 1970."""

    id: str
    model: str
    source: str
    """A path, or the name of the upload in the folder of the job."""
    output: str
    """Where the result goes: a path, or a name in the folder of the job."""
    owner: str | None = None
    explain: bool = False
    most_errors: int | None = None
    status: Status = "queued"
    created: float = 0.0
    started: float | None = None
    """Of the last run."""
    finished: float | None = None
    error: str | None = None
    begun: tuple[int, ...] = ()
    """Rows that were done at the beginning of each run."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.status not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class Part:
    """A finished chunk of the result; `rows`, `errors` and `share` count from the beginning of the job."""

    rows: int
    errors: int
    size: int
    """Bytes of its file."""
    share: float
    """Of the source that has been read, 0 to 1."""
    at: float
    """When it was finished."""


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The files of one job. Only who holds the claim (`JobStore.claimed`) changes `job.json`, only the worker parts."""

    root: Path

    @property
    def cancel(self) -> Path:
        """Is there when somebody wants the job to stop."""
        return self.root / "cancel"

    @property
    def claim(self) -> Path:
        """Locked by the process that runs the job."""
        return self.root / "claim.lock"

    @property
    def parts(self) -> Path:
        """Folder of the finished chunks."""
        return self.root / "parts"

    def job(self) -> Job:
        """What `job.json` says.

        Raises:
            DataError: if it cannot be read.
        """
        path = self.root / "job.json"
        try:
            content = json.loads(path.read_bytes())
            return Job(**{**content, "begun": tuple(content["begun"])})
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror}.") from error
        except (ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path} does not describe a job: {error}.") from error

    def write(self, job: Job) -> Job:
        """Replaces `job.json`; DataError if it cannot be written."""
        write_text(self.root / "job.json", json.dumps(asdict(job), indent=1) + "\n")
        return job

    def source(self, job: Job) -> Path:
        """The file of rows."""
        return self.root / job.source

    def output(self, job: Job) -> Path:
        """Where the result lies when the job is completed."""
        return self.root / job.output

    def unfinished_output(self, job: Job) -> Path:
        """Beside the output, until that is whole."""
        place = self.output(job)
        return place.with_name(f".{job.id}{place.suffix}")

    def part(self, number: int, job: Job) -> Path:
        """The file of the part `number`, from 0."""
        return self.parts / f"{number:06d}{Path(job.output).suffix}"

    def log(self, part: Part) -> None:
        """Makes a part count; OSError if there is no space."""
        with (self.root / "parts.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(part)) + "\n")

    def last(self) -> Part:
        """The last part, or one of no rows."""
        try:
            with (self.root / "parts.jsonl").open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - _TAIL))
                lines = file.read().splitlines(keepends=True)
        except OSError:
            return _NONE
        return next((found for line in reversed(lines) if (found := _part(line)) is not None), _NONE)

    def logged(self) -> Iterator[Part]:
        """All parts that count, in order; what was cut off by a kill is none."""
        try:
            lines = (self.root / "parts.jsonl").read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return
        for line in lines:
            if (found := _part(line)) is not None:
                yield found

    def keep(self, parts: list[Part]) -> None:
        """Forgets all parts but `parts`."""
        write_text(self.root / "parts.jsonl", "".join(json.dumps(asdict(part)) + "\n" for part in parts))

    def note(self, name: str) -> dict[str, Any]:
        """What the worker has noted in `<name>.json`: `model`, or `outcome`; empty when it has not."""
        try:
            content: dict[str, Any] = json.loads((self.root / f"{name}.json").read_bytes())
        except FileNotFoundError:
            return {}
        return content

    def write_note(self, name: str, content: dict[str, Any]) -> None:
        """Writes `<name>.json`; DataError if that cannot be done."""
        write_text(self.root / f"{name}.json", json.dumps(content) + "\n")

    def forget_end(self) -> None:
        """Lets the job run again."""
        self.cancel.unlink(missing_ok=True)
        (self.root / "outcome.json").unlink(missing_ok=True)

    def end(self, job: Job, status: Status, error: str | None = None) -> Job:
        """Ends the job; what only a run needs is removed."""
        self.unfinished_output(job).unlink(missing_ok=True)
        if status == "completed":
            shutil.rmtree(self.parts, ignore_errors=True)
            for path in [*self.root.glob("plain.*"), *self.root.glob("input.*")]:
                path.unlink()
        return self.write(replace(job, status=status, error=error, finished=time.time()))


_NONE: Final = Part(0, 0, 0, 0.0, 0.0)


def _part(line: bytes) -> Part | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return Part(**json.loads(line))
    except (ValueError, TypeError):
        # The first line of a tail, or one that was cut off.
        return None


def format_of(name: str) -> tuple[str, str] | None:
    """Format and compression ("" for none) of a file, by its name; None when it is none of ours.

    >>> format_of("rows.CSV.gz"), format_of("rows.ndjson"), format_of("rows.xlsx")
    (('csv', 'gz'), ('jsonl', ''), None)
    """
    suffixes = [suffix[1:].lower() for suffix in Path(name).suffixes[-2:]]
    compression = suffixes.pop() if suffixes and suffixes[-1] in COMPRESSIONS else ""
    found = {"ndjson": "jsonl"}.get(suffixes[-1], suffixes[-1]) if suffixes else ""
    if found not in FORMATS or (found == "parquet" and compression):
        return None
    return found, compression

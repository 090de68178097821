"""Prediction jobs for files of any size: started, looked at, cancelled, tried again; all of it is on disk.

Several processes may use one folder of jobs: who holds the lock of a job (its claim) may change it. Jobs are run by
`job_runner.JobRunner`, each in a process of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from automl_runtime.errors import DataError
from automl_runtime.files import is_locked, lock
from automl_runtime.serving.job_folder import Job, JobFolder
from automl_runtime.serving.job_request import ID_LENGTH, JobRequest, check_request, identity_of, refused
from automl_runtime.serving.requests import BadRequest

__all__ = ["JobStore"]

_DAY = 86_400.0
_MOST_STARTS: Final = 3
_YOUNG = 60.0
"""Seconds in which a folder that is being made may not yet be locked."""


class JobStore:
    """The jobs in one folder. Safe to use from several threads and processes."""

    def __init__(
        self,
        folder: Path,
        models: Mapping[str, Sequence[str]],
        *,
        allowed: Sequence[Path] = (),
        days: float = 7.0,
    ) -> None:
        """Touches nothing yet.

        Args:
            folder: where the jobs lie; made with the first of them.
            models: for each model the command of the process that runs a job; its last argument is the folder of that.
            allowed: folders below which jobs may read and write files of this machine.
            days: how long jobs that have ended are kept.
        """
        self.folder, self.models, self.days = folder, models, days
        self.allowed = [path.resolve() for path in allowed]

    def start(
        self,
        source: Path | str,
        *,
        model: str | None = None,
        result: str | None = None,
        output: Path | str | None = None,
        explain: bool = False,
        most_errors: int | None = None,
        owner: str | None = None,
        key: str | None = None,
    ) -> Job:
        """A new job that predicts the rows of the file `source`; see `JobRequest`.

        Raises:
            BadRequest: if there is no such model, file or format.
            DataError: if the job cannot be written.
        """
        place, out = Path(source).resolve(), None if output is None else str(Path(output).resolve())
        request = JobRequest(str(place), model, result, out, explain, most_errors, owner, key)
        with self.incoming() as folder:
            return self.submit(folder, request)[0]

    @contextmanager
    def incoming(self) -> Iterator[Path]:
        """A folder for an upload; it becomes that of a job with `submit`, and is removed otherwise.

        Raises:
            DataError: if it cannot be made.
        """
        folder = self.folder / f".incoming-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            file = (folder / "claim.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise DataError(f"{folder} cannot be made: {error.strerror}.") from error
        with file:
            lock(file)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def submit(self, folder: Path, request: JobRequest) -> tuple[Job, bool]:
        """Makes a job of an `incoming` folder; and whether it is new, or that which the key of the request stands for.

        Raises:
            BadRequest: as `check_request`.
            DataError: if it cannot be written.
        """
        request = check_request(request, self.models)
        known = self.known(request)
        if known is not None:
            return known, False
        identity, now = identity_of(request), time.time()
        assert request.model is not None
        job = Job(
            identity,
            request.model,
            request.source,
            request.output or f"result.{request.result}",
            request.owner,
            request.explain,
            request.most_errors,
            created=now,
        )
        JobFolder(folder).write(job)
        self._mark(identity)
        try:
            folder.rename(self.folder / identity)
        except OSError as error:
            known = self.known(request)
            if known is not None:
                # The same request has come twice at a time.
                return known, False
            raise DataError(f"{self.folder / identity} cannot be made: {error.strerror}.") from error
        return job, True

    def known(self, request: JobRequest) -> Job | None:
        """The job that the key of a checked request stands for; None when there is none.

        Raises:
            BadRequest: 422 if that job was asked for in other words.
        """
        folder = self.folder / identity_of(request)
        if request.key is None or not folder.is_dir():
            return None
        job = JobFolder(folder).job()
        output = request.output or f"result.{request.result}"
        mine = (request.model, request.source, output, request.explain, request.most_errors)
        if mine != (job.model, job.source, job.output, job.explain, job.most_errors):
            raise refused("The idempotency key was used for another job.", allowed="a new key for a new job")
        return job

    def get(self, identity: str, owner: str | None = None) -> Job:
        """How a job stands.

        Raises:
            BadRequest: 404 if `owner` has no such job.
        """
        return self._owned(identity, owner).job()

    def place(self, job: Job) -> JobFolder:
        """The folder of a job."""
        return JobFolder(self.folder / job.id)

    def list(self, owner: str | None = None) -> Sequence[Job]:
        """The jobs of `owner`, the newest first."""
        jobs = [job for folder in self._folders() if (job := folder.job()).owner == owner]
        return sorted(jobs, key=lambda job: job.created, reverse=True)

    def status(self, job: Job) -> dict[str, Any]:
        """How a job stands, as a client sees it: rows done and in all, wrong rows, speed, and seconds that are left.

        What is not known is None; `share` of the source has been read, 0 to 1.
        """
        folder = self.place(job)
        part, model = folder.last(), folder.note("model")
        total = part.rows if job.status == "completed" else model.get("rows_total")
        speed = left = None
        if job.started is not None and job.begun and part.rows > job.begun[-1] and part.at > job.started:
            speed = (part.rows - job.begun[-1]) / (part.at - job.started)
            wanted = total or (part.rows / part.share if part.share else None)
            left = None if wanted is None or job.ended else max(0.0, (wanted - part.rows) / speed)
        return {
            "id": job.id,
            "model": job.model,
            "model_version": model.get("model_version"),
            "status": job.status,
            "rows": part.rows,
            "rows_total": total,
            "share": 1.0 if job.status == "completed" else round(part.share, 4),
            "errors": part.errors,
            "rows_per_second": None if speed is None else round(speed, 1),
            "seconds_left": None if left is None else round(left, 1),
            "runs": len(job.begun),
            "created": job.created,
            "started": job.started,
            "finished": job.finished,
            "error": job.error,
        }

    def cancel(self, identity: str, owner: str | None = None, *, patience: float = 2.0) -> Job:
        """Stops a job that waits or runs; after `patience` seconds it is returned as it stands.

        Raises:
            BadRequest: 404 if `owner` has no such job, 409 if it has ended.
        """
        folder = self._owned(identity, owner)
        if (job := folder.job()).ended:
            raise refused(f"The job is {job.status}; there is nothing to cancel.", 409)
        folder.cancel.touch()
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with self.claimed(folder) as mine:
                job = folder.job()
                if job.ended:
                    return job
                if mine:
                    return self.end(folder, job, "cancelled")
            time.sleep(0.05)
        return folder.job()

    def retry(self, identity: str, owner: str | None = None) -> Job:
        """Lets a job that failed or was cancelled go on after the last chunk that it finished.

        Raises:
            BadRequest: 404 if `owner` has no such job, 409 if it has not failed.
        """
        folder = self._owned(identity, owner)
        with self.claimed(folder) as mine:
            job = folder.job()
            if not mine or job.status not in ("failed", "cancelled"):
                raise refused(f"The job is {job.status}; only what failed or was cancelled is tried again.", 409)
            folder.forget_end()
            self._mark(identity)
            return folder.write(replace(job, status="queued", error=None, finished=None, begun=()))

    def remove(self, identity: str, owner: str | None = None) -> None:
        """Forgets a job that has ended, and its result, unless that lies elsewhere.

        Raises:
            BadRequest: 404 if `owner` has no such job, 409 if it has not ended.
        """
        folder = self._owned(identity, owner)
        if not folder.job().ended:
            raise refused("The job has not ended; cancel it first.", 409)
        gone = self.folder / f".gone-{secrets.token_hex(8)}"
        folder.root.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def clear(self) -> None:
        """Forgets what ended longer ago than jobs are kept, and what killed processes left behind."""
        before = time.time() - self.days * _DAY
        for folder in self._folders():
            job = folder.job()
            if job.ended and job.finished is not None and job.finished < before:
                self.remove(job.id, job.owner)
        for left in [*self.folder.glob(".incoming-*"), *self.folder.glob(".gone-*")]:
            young = left.exists() and time.time() - left.stat().st_mtime < _YOUNG
            if not young and not is_locked(left / "claim.lock"):
                shutil.rmtree(left, ignore_errors=True)

    def waiting(self) -> Sequence[JobFolder]:
        """The jobs that have not ended, the oldest first."""
        marks = self.folder / ".waiting"
        if not marks.is_dir():
            return []
        found = sorted((entry.stat().st_mtime_ns, entry.name) for entry in os.scandir(marks))
        return [JobFolder(self.folder / name) for _, name in found if (self.folder / name / "job.json").is_file()]

    @contextmanager
    def claimed(self, folder: JobFolder) -> Iterator[bool]:
        """Whether the job is ours inside of the block: no other thread or process has it."""
        try:
            file = folder.claim.open("a", encoding="utf-8")
        except OSError as error:
            raise _unknown(folder.root.name) from error
        with file:
            yield lock(file)

    def begin(self, folder: JobFolder) -> Job | None:
        """Marks a claimed job as running; None when it has ended: cancelled meanwhile, or interrupted too often."""
        job = folder.job()
        if job.ended:
            self._unmark(job.id)
            return None
        if folder.cancel.exists():
            self.end(folder, job, "cancelled")
            return None
        done = folder.last().rows
        if job.begun[-_MOST_STARTS:] == (done,) * _MOST_STARTS:
            message = f"It was interrupted {_MOST_STARTS} times after {done:,} rows, each time with the whole service."
            self.end(folder, job, "failed", message)
            return None
        return folder.write(replace(job, status="running", started=time.time(), begun=(*job.begun, done)))

    def end(self, folder: JobFolder, job: Job, status: Any, error: str | None = None) -> Job:
        """Ends a claimed job."""
        ended = folder.end(job, status, error)
        self._unmark(job.id)
        return ended

    def _folders(self) -> Iterator[JobFolder]:
        if not self.folder.is_dir():
            return
        for entry in os.scandir(self.folder):
            if len(entry.name) == ID_LENGTH and Path(entry.path, "job.json").is_file():
                yield JobFolder(Path(entry.path))

    def _owned(self, identity: str, owner: str | None) -> JobFolder:
        folder = JobFolder(self.folder / identity)
        right = len(identity) == ID_LENGTH and identity.isalnum() and folder.root.is_dir()
        if not right or folder.job().owner != owner:
            raise _unknown(identity)
        return folder

    def _mark(self, identity: str) -> None:
        try:
            (self.folder / ".waiting").mkdir(parents=True, exist_ok=True)
            (self.folder / ".waiting" / identity).touch()
        except OSError as error:
            raise DataError(f"{self.folder / '.waiting'} cannot be written: {error.strerror}.") from error

    def _unmark(self, identity: str) -> None:
        (self.folder / ".waiting" / identity).unlink(missing_ok=True)


def _unknown(identity: str) -> BadRequest:
    return refused(f"There is no job {identity[:40]!r}; GET /jobs lists them.", 404)

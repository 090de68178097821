"""Runs: one folder each below `experiments/`, written while the work goes on.

A run holds `run.json` (a `RunRecord`), `config.yaml`, `events.jsonl`, `metrics.json`, `leaderboard.csv` and `plots/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import yaml
from automl_schemas.metrics import LeaderboardRow, Metrics, RunRecord, score_or_none
from automl_schemas.vocabulary import MetricName

from automl_runtime.errors import Cancelled, DataError
from automl_runtime.events import Event, TrialFinished, event_from_json
from automl_runtime.files import is_locked, lock, write_text
from automl_runtime.tracking.files import csv_text

__all__ = [
    "LoggedEvent",
    "RunFolder",
    "list_runs",
    "read_events",
    "read_run",
    "record_metrics",
    "run_folders",
    "run_names",
]

CONFIG = "config.yaml"
EVENTS = "events.jsonl"
METRICS = "metrics.json"
LEADERBOARD = "leaderboard.csv"
PLOTS = "plots"
RECORD = "run.json"

_RUN = re.compile(r"run_(\d{3,9})_\d{8}_\d{4}")
_CLAIM = re.compile(r"\.run_(\d{3,9})")


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of a run and when it came, in seconds after the start."""

    at: float
    event: Event


class RunFolder:
    """A run that is being recorded; use it in a `with` statement.

    Leaving the block writes how it ended: `completed`, `cancelled` (Cancelled, Ctrl-C) or `failed`. A process that dies
    inside the block leaves a run that `list_runs` shows as failed. `on_event` may be called from several threads.
    """

    def __init__(self, path: Path, record: RunRecord, events: IO[str]) -> None:
        """Use `create`."""
        self.path = path
        self._record = record
        self._events = events
        self._started = datetime.fromisoformat(record.started)
        self._guard = threading.Lock()

    @classmethod
    def create(cls, experiments: Path, metric: MetricName, *, now: datetime | None = None) -> Self:
        """A new run below `experiments`, with a number that no other run there has or gets.

        Args:
            experiments: folder of the runs, made when it is absent.
            metric: the metric that the run is judged by.
            now: time of the start with its zone (default: the clock's).

        Raises:
            DataError: if the folder cannot be written.
        """
        started = (now or datetime.now(UTC)).astimezone(UTC)
        try:
            experiments.mkdir(parents=True, exist_ok=True)
            number, claim = _claim_number(experiments)
            run_id = f"run_{number:03d}_{started:%Y%m%d_%H%M}"
            record = RunRecord(run_id=run_id, started=started.isoformat(), seconds=0.0, status="running", metric=metric)
            (claim / PLOTS).mkdir()
            write_text(claim / RECORD, _record_text(record))
            events = (claim / EVENTS).open("a", encoding="utf-8", newline="\n")
            lock(events)
            claim.rename(experiments / run_id)
        except OSError as error:
            raise DataError(
                f"No run can be recorded in {experiments}: {error.strerror}.",
                hint="Make the folder writable, or free some space.",
            ) from error
        return cls(experiments / run_id, record, events)

    @property
    def run_id(self) -> str:
        """`run_{NNN}_{YYYYMMDD}_{HHMM}`."""
        return self.path.name

    @property
    def plots(self) -> Path:
        """The folder of the run's pictures."""
        return self.path / PLOTS

    @property
    def record(self) -> RunRecord:
        """The run as it stands."""
        return self._record

    def on_event(self, event: Event) -> None:
        """Appends `event` to `events.jsonl`, flushed, so that another process can follow the run."""
        with self._guard:
            if isinstance(event, TrialFinished):
                self._record = self._record.model_copy(update={"trials": self._record.trials + 1})
            line = json.dumps({"at": round(self._seconds(), 3), **event.to_json()}, default=str)
            try:
                self._events.write(line + "\n")
                self._events.flush()
            except OSError as error:
                raise DataError(
                    f"{self.path / EVENTS} cannot be written: {error.strerror}.", hint="Free some space."
                ) from error

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Writes `config.yaml`: what is needed to repeat the run, the executed trials included."""
        text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=110)
        write_text(self.path / CONFIG, text)

    def write_metrics(self, metrics: Metrics) -> None:
        """Writes `metrics.json` and takes the scores into the record of the run."""
        write_text(self.path / METRICS, metrics.model_dump_json(indent=2) + "\n")
        self.update(**_scores(metrics))

    def write_leaderboard(self, rows: Sequence[LeaderboardRow]) -> None:
        """Writes `leaderboard.csv`, in the order of `rows`; cells that a spreadsheet would execute are escaped."""
        header = list(LeaderboardRow.model_fields)
        write_text(self.path / LEADERBOARD, csv_text(header, [list(row.model_dump().values()) for row in rows]))

    def update(self, **fields: Any) -> None:
        """Changes fields of the record (`cv`, `best_model`, ...) and writes it."""
        with self._guard:
            self._record = RunRecord.model_validate({**self._record.model_dump(), **fields})
            write_text(self.path / RECORD, _record_text(self._record))

    def finish(self, status: str, message: str = "") -> RunRecord:
        """Writes how the run ended; nothing can be recorded afterwards."""
        if not self._events.closed:
            self.update(status=status, message=message[:500], seconds=round(self._seconds(), 3))
            self._events.close()
        return self._record

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish("completed")
        elif isinstance(error, Cancelled | KeyboardInterrupt):
            self.finish("cancelled", str(error) or "cancelled by the user")
        else:
            # The error that ended the run is worth more than one about the run's folder (a full disk raises both).
            with contextlib.suppress(OSError, DataError):
                self.finish("failed", str(error) or type(error).__name__)

    def _seconds(self) -> float:
        return (datetime.now(UTC) - self._started).total_seconds()


def record_metrics(run: Path, metrics: Metrics) -> None:
    """Writes `metrics.json` of a run that has ended, and takes the scores into its record.

    Raises:
        DataError: if the folder holds no record of a run or cannot be written.
    """
    try:
        record = RunRecord.model_validate_json((run / RECORD).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{run / RECORD} cannot be read: {error}") from error
    write_text(run / METRICS, metrics.model_dump_json(indent=2) + "\n")
    write_text(run / RECORD, _record_text(record.model_copy(update=_scores(metrics))))


def _scores(metrics: Metrics) -> dict[str, Any]:
    holdout, cv = score_or_none(metrics.holdout), score_or_none(metrics.cv)
    return {"holdout": holdout, "cv": cv, "best_model": metrics.best_model}


def list_runs(experiments: Path) -> list[RunRecord]:
    """The runs below `experiments` by number, oldest first; empty when there are none.

    A run whose process is gone without having said how it ended is `failed`; one that goes on is `running`.
    """
    return [record for record in map(read_run, run_folders(experiments)) if record is not None]


def run_folders(experiments: Path) -> list[Path]:
    """The folders of the runs below `experiments`, by number; empty when there are none."""
    return [experiments / name for name in run_names(experiments)]


def run_names(experiments: Path) -> list[str]:
    """The names of the runs below `experiments`, by number; empty when there are none."""
    if not experiments.is_dir():
        return []
    with os.scandir(experiments) as entries:
        found = [match for entry in entries if (match := _RUN.fullmatch(entry.name))]
    return [match[0] for match in sorted(found, key=lambda match: int(match[1]))]


def read_events(run: Path) -> Iterator[LoggedEvent]:
    """The events of the run in the folder `run`, in order; a last line that is not complete yet is left out."""
    try:
        lines = (run / EVENTS).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"The events of {run} cannot be read: {error.strerror}.") from error
    for line in lines:
        try:
            content = json.loads(line)
            yield LoggedEvent(at=float(content.pop("at")), event=event_from_json(content))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue


def _claim_number(experiments: Path) -> tuple[int, Path]:
    """The next free number, and a hidden folder `.run_NNN` that holds it for us until it is renamed.

    mkdir is the lock: it succeeds for one process only. Whoever holds `.run_NNN` then looks again whether a run of
    that number was finished meanwhile, for the folder of the one who made it is no longer in the way.
    """
    number = max(_numbers(experiments), default=0)
    while True:
        number += 1
        claim = experiments / f".run_{number:03d}"
        try:
            claim.mkdir()
        except FileExistsError:
            continue
        if number not in _numbers(experiments, finished=True):
            return number, claim
        claim.rmdir()


def _numbers(experiments: Path, *, finished: bool = False) -> set[int]:
    patterns = (_RUN,) if finished else (_RUN, _CLAIM)
    names = [path.name for path in experiments.iterdir()]
    return {int(match[1]) for name in names for pattern in patterns if (match := pattern.fullmatch(name))}


def read_run(folder: Path) -> RunRecord | None:
    """The record of the run in `folder`, None when it holds none; see `list_runs` for what `status` says."""
    try:
        record = RunRecord.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValueError):
        return None
    if record.status != "running" or is_locked(folder / EVENTS):
        return record
    with contextlib.suppress(OSError):
        last = (folder / EVENTS).stat().st_mtime
        seconds = max(0.0, last - datetime.fromisoformat(record.started).timestamp())
        record = record.model_copy(update={"seconds": round(seconds, 3)})
    message = "The process ended without saying how the run went."
    return record.model_copy(update={"status": "failed", "message": message})


def _record_text(record: RunRecord) -> str:
    return record.model_dump_json(indent=2) + "\n"

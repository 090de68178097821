"""A worker of jobs with the readable model of `conftest`, as a command; and what the tests make and wait for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from automl_runtime.serving.job_folder import Job
from automl_runtime.serving.jobs import JobStore

_WORKER = """
import importlib.util, os, sys, time
from pathlib import Path
from automl_runtime.project import job_worker, rows_read
from automl_runtime.serving.job_folder import JobFolder
spec = importlib.util.spec_from_file_location("fixtures", sys.argv[1])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)
rows_read._CHUNK_ROWS = 10
pause, seen, folder = float(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])

def features(rows):
    if rows["dose mg"].eq(666).any():
        raise KeyError("no such dose")
    if rows["dose mg"].eq(999).any():
        os._exit(9)
    time.sleep(pause)
    with seen.open("a") as file:
        file.writelines(f"{dose:g}\\n" for dose in rows["dose mg"])
    return rows

job_worker.give_way()
job_worker.work(JobFolder(folder), lambda version: (fixtures.make_bundle(model_version=version or "v007"), features))
"""


def command(seen: Path, pause: float = 0.0) -> list[str]:
    """A worker of ten rows at a time, `pause` seconds each; it writes the doses that it has scored to `seen`."""
    return [sys.executable, "-c", _WORKER, str(Path(__file__).with_name("conftest.py")), str(pause), str(seen)]


def make_rows(count: int) -> pd.DataFrame:
    """Rows whose doses are their places."""
    return pd.DataFrame(
        {"dose mg": range(count), "ward": ["A", "B"] * (count // 2), "admitted": "31.12.2021", "smokes?": "no"}
    )


def write_rows(path: Path, rows: pd.DataFrame) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    elif ".jsonl" in path.name:
        rows.to_json(path, orient="records", lines=True)
    else:
        rows.to_csv(path, index=False)
    return path


def await_job(store: JobStore, job: Job, ready: Callable[[Any], bool], seconds: float = 240.0) -> dict[str, Any]:
    """The status of the job once it is `ready`."""
    end = time.monotonic() + seconds
    while not ready(status := store.status(store.get(job.id, job.owner))):
        assert time.monotonic() < end, status
        time.sleep(0.02)
    return status


def ended(status: dict[str, Any]) -> bool:
    return status["status"] in ("completed", "failed", "cancelled")

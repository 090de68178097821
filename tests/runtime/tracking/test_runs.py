from __future__ import annotations

import io
import json
import math
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from automl_runtime.errors import Cancelled, DataError, TrainingError
from automl_runtime.events import Finding, Progress, TrialFinished
from automl_runtime.tracking.runs import RunFolder, list_runs, read_events, record_metrics
from automl_schemas.metrics import LeaderboardRow, Metrics

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
TRIAL = TrialFinished(number=1, model="linear", score=0.8, best=0.8, seconds=0.1)


@pytest.fixture
def experiments(tmp_path: Path) -> Path:
    return tmp_path / "experiments"


def metrics() -> Metrics:
    return Metrics(
        metric="roc_auc",
        higher_is_better=True,
        holdout=0.91,
        holdout_ci=(0.88, 0.94),
        cv=0.9,
        goal=None,
        rows_train=80,
        rows_holdout=20,
        best_model="ensemble",
        seconds=1.5,
        seed=0,
        data_sha256="0" * 64,
        leaderboard=[],
    )


def test_a_run_leaves_all_its_files(experiments: Path) -> None:
    with RunFolder.create(experiments, "roc_auc", now=NOON) as run:
        run.on_event(Progress("search", 1, 2))
        run.on_event(TRIAL)
        run.write_config({"seed": 0, "trials": [{"model": "linear", "C": 0.1}]})
        run.write_leaderboard([LeaderboardRow(model="=cmd()", cv=-0.5, fit_seconds=1, predict_us_per_row=2)])
        run.write_metrics(metrics())
        (run.plots / "roc.svg").write_text("<svg/>")
    assert run.run_id == "run_001_20250301_1200"
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.yaml",
        "events.jsonl",
        "leaderboard.csv",
        "metrics.json",
        "plots",
        "run.json",
    ]
    assert yaml.safe_load((run.path / "config.yaml").read_text())["trials"] == [{"model": "linear", "C": 0.1}]
    assert (run.path / "leaderboard.csv").read_bytes() == (
        b"model,cv,fit_seconds,predict_us_per_row\r\n'=cmd(),-0.5,1.0,2.0\r\n"
    )
    assert Metrics.model_validate_json((run.path / "metrics.json").read_text()) == metrics()
    [record] = list_runs(experiments)
    assert (record.status, record.holdout, record.best_model, record.trials) == ("completed", 0.91, "ensemble", 1)


def test_runs_are_listed_by_number_not_by_name(experiments: Path) -> None:
    for offset in range(3):
        RunFolder.create(experiments, "rmse", now=NOON - timedelta(days=offset)).finish("completed")
    (experiments / "run_1000_20240101_0000").mkdir()
    (experiments / "notes").mkdir()
    with RunFolder.create(experiments, "rmse", now=NOON.astimezone(timezone(timedelta(hours=5)))) as run:
        pass
    assert run.run_id == "run_1001_20250301_1200"
    assert [record.run_id.split("_")[1] for record in list_runs(experiments)] == ["001", "002", "003", "1001"]


def test_no_runs_are_an_empty_list(experiments: Path) -> None:
    assert list_runs(experiments) == []


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (TrainingError("no model converged"), "failed", "no model converged"),
        (ZeroDivisionError(), "failed", "ZeroDivisionError"),
        (Cancelled("stopped"), "cancelled", "stopped"),
        (KeyboardInterrupt(), "cancelled", "cancelled by the user"),
    ],
)
def test_how_a_run_ended_is_kept(experiments: Path, error: BaseException, status: str, message: str) -> None:
    with pytest.raises(type(error)), RunFolder.create(experiments, "f1"):
        raise error
    [record] = list_runs(experiments)
    assert (record.status, record.message) == (status, message)


def test_a_run_that_goes_on_is_running_and_can_be_followed(experiments: Path) -> None:
    with RunFolder.create(experiments, "f1") as run:
        run.on_event(TRIAL)
        assert list_runs(experiments)[0].status == "running"
        assert [logged.event for logged in read_events(run.path)] == [TRIAL]


def test_a_process_that_dies_leaves_a_failed_run(experiments: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from automl_runtime.tracking.runs import RunFolder\n"
        "from automl_runtime.events import Finding\n"
        "run = RunFolder.create(Path(sys.argv[1]), 'f1'); run.on_event(Finding('a', 'b'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    child = subprocess.run([sys.executable, "-c", code, str(experiments)], check=False)
    assert child.returncode == -signal.SIGKILL
    [record] = list_runs(experiments)
    assert record.status == "failed"
    assert "without saying" in record.message
    assert [logged.event for logged in read_events(experiments / record.run_id)] == [Finding("a", "b")]


def test_eight_processes_get_numbers_of_their_own(experiments: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from datetime import *\n"
        "from automl_runtime.tracking.runs import RunFolder\n"
        "sys.stdin.readline()\n"
        "for i in range(5):\n"
        "    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=int(sys.argv[2]) + i)\n"
        "    RunFolder.create(Path(sys.argv[1]), 'f1', now=now).finish('completed')"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", code, str(experiments), str(n)], stdin=subprocess.PIPE)
        for n in range(8)
    ]
    for child in children:
        child.communicate(b"go\n")
    assert [child.wait() for child in children] == [0] * 8
    names = sorted(path.name for path in experiments.iterdir())
    assert [re.match(r"run_(\d+)_", name)[1] for name in names] == [f"{n:03d}" for n in range(1, 41)]  # type: ignore[index]
    assert len(list_runs(experiments)) == 40


def test_a_number_that_somebody_claimed_is_passed_over(experiments: Path) -> None:
    (experiments / ".run_001").mkdir(parents=True)
    with RunFolder.create(experiments, "f1", now=NOON) as run:
        assert run.run_id.startswith("run_002_")


def test_a_number_that_was_taken_meanwhile_is_passed_over(experiments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Between our look and our mkdir, another process claims 001, renames it, and its claim is gone.
    (experiments / "run_001_20250101_0000").mkdir(parents=True)
    found = iter([[], [experiments / "run_001_20250101_0000"]])
    real = Path.iterdir

    def late(path: Path) -> Iterator[Path]:
        return iter(next(found, None) or real(path))

    monkeypatch.setattr(Path, "iterdir", late)
    run = RunFolder.create(experiments, "f1", now=NOON)
    run.finish("completed")
    assert run.run_id.startswith("run_002_")


def test_events_come_whole_from_many_threads(experiments: Path) -> None:
    with RunFolder.create(experiments, "f1") as run:
        threads = [threading.Thread(target=lambda: [run.on_event(TRIAL) for _ in range(50)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    logged = list(read_events(run.path))
    assert len(logged) == 200 == run.record.trials
    assert all(event.at >= 0 for event in logged)


def test_numbers_that_json_lacks_are_null(experiments: Path) -> None:
    with RunFolder.create(experiments, "f1") as run:
        run.on_event(TrialFinished(number=1, model="m", score=math.nan, best=math.inf, seconds=1.0))
    assert json.loads((run.path / "events.jsonl").read_text())["score"] is None


def test_a_line_cut_off_by_a_crash_is_left_out(experiments: Path) -> None:
    with RunFolder.create(experiments, "f1") as run:
        run.on_event(Finding("a", "b"))
    with (run.path / "events.jsonl").open("a") as file:
        file.write('{"at": 3, "kind": "find')
    assert len(list(read_events(run.path))) == 1


def test_events_of_a_folder_that_is_no_run_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        list(read_events(tmp_path))


def test_a_broken_record_is_left_out(experiments: Path) -> None:
    with RunFolder.create(experiments, "f1") as run:
        pass
    (run.path / "run.json").write_text("{")
    assert list_runs(experiments) == []


def test_the_scores_of_the_holdout_join_a_run_that_has_ended(experiments: Path) -> None:
    with RunFolder.create(experiments, "roc_auc") as run:
        run.update(cv=0.5, best_model="m")
    record_metrics(run.path, metrics())
    [record] = list_runs(experiments)
    assert (record.status, record.holdout, record.cv, record.best_model) == ("completed", 0.91, 0.9, "ensemble")
    assert Metrics.model_validate_json((run.path / "metrics.json").read_text()) == metrics()
    with pytest.raises(DataError, match=r"run\.json cannot be read"):
        record_metrics(experiments, metrics())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "experiments").write_text("a file")
    with pytest.raises(DataError, match="No run can be recorded in"):
        RunFolder.create(tmp_path / "experiments", "f1")


def test_a_full_disk_is_said_and_the_first_error_stays(experiments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FullDisk(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, os.strerror(28))

    said = pytest.raises(DataError, match=r"events\.jsonl cannot be written: No space left")
    with said, RunFolder.create(experiments, "f1") as run:
        run._events.close()
        monkeypatch.setattr(run, "_events", FullDisk())
        run.on_event(TRIAL)
    assert list_runs(experiments)[0].message.startswith(str(run.path))

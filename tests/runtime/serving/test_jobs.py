"""Jobs are run once, in order, chunk by chunk; they survive kills, and stop when somebody wants it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from automl_runtime.serving.job_request import local_file
from automl_runtime.serving.job_runner import JobRunner
from automl_runtime.serving.jobs import JobStore
from automl_runtime.serving.requests import BadRequest

from tests.runtime.serving.job_fixtures import await_job, command, ended, make_rows, write_rows

MakeStore = Callable[..., JobStore]


@pytest.fixture
def make_store(tmp_path: Path) -> MakeStore:
    def make(pause: float = 0.0, **more: Any) -> JobStore:
        return JobStore(tmp_path / "jobs", {"dose": command(tmp_path / "seen", pause)}, **more)

    return make


@contextmanager
def running(store: JobStore, workers: int = 1) -> Iterator[None]:
    runner = JobRunner(store, workers=workers)
    runner.start()
    try:
        yield
    finally:
        runner.stop()


def scored(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    return pd.read_json(path, lines=True) if path.suffix == ".jsonl" else pd.read_csv(path)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("rows.csv", "csv"),
        ("rows.jsonl", "jsonl"),
        ("rows.parquet", "parquet"),
        ("rows.csv.gz", "parquet"),
        ("rows.jsonl.zst", "csv"),
        ("rows.parquet", "csv"),
    ],
)
def test_each_row_is_answered_once_and_in_order(make_store: MakeStore, tmp_path: Path, name: str, result: str) -> None:
    store = make_store()
    job = store.start(write_rows(tmp_path / name, make_rows(46)), result=result)
    with running(store):
        status = await_job(store, job, ended)
    assert (status["status"], status["rows"], status["rows_total"], status["errors"]) == ("completed", 46, 46, 0), (
        status
    )
    assert (status["model_version"], status["share"]) == ("v007", 1.0)
    place = store.place(store.get(job.id))
    found = scored(place.output(store.get(job.id)))
    assert place.output(job).suffix == f".{result}"
    assert found["dose mg"].astype(int).tolist() == list(range(46))
    assert found["probability_yes"].to_numpy() == pytest.approx([dose / 2000 for dose in range(46)])
    assert found["error"].isna().all()
    assert not place.parts.exists()


def test_a_bad_row_has_an_error_and_the_job_goes_on(make_store: MakeStore, tmp_path: Path) -> None:
    rows = make_rows(30).astype(object)
    rows.loc[13, "dose mg"] = "plenty"
    rows.loc[29, "smokes?"] = None
    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", rows), result="parquet")
    with running(store):
        assert await_job(store, job, ended)["errors"] == 2
    found = scored(store.place(job).output(job))
    assert found["error"].notna().to_numpy().nonzero()[0].tolist() == [13, 29]
    assert found["error"][13] == "dose mg: 'plenty' is not a number such as 12.5"
    assert found["prediction"].isna().to_numpy().nonzero()[0].tolist() == [13, 29]
    assert found["probability_yes"].isna().to_numpy().nonzero()[0].tolist() == [13, 29]


def test_a_line_that_is_no_json_is_a_bad_row(make_store: MakeStore, tmp_path: Path) -> None:
    lines = write_rows(tmp_path / "rows.jsonl", make_rows(30)).read_bytes().splitlines(keepends=True)
    lines[4:4] = [b"\n", b'{"dose mg": \xff}\n']
    lines[20] = b'["no object"]\n'
    (tmp_path / "rows.jsonl").write_bytes(b"".join(lines))
    store = make_store()
    job = store.start(tmp_path / "rows.jsonl")
    with running(store):
        status = await_job(store, job, ended)
    assert (status["rows"], status["errors"]) == (31, 2)
    found = scored(store.place(job).output(job))
    assert found["error"].notna().to_numpy().nonzero()[0].tolist() == [4, 19]
    assert "line 6" in found["error"][4]
    assert found["dose mg"].dropna().astype(int).tolist() == [dose for dose in range(30) if dose != 18]


def test_too_many_bad_rows_fail_the_job(make_store: MakeStore, tmp_path: Path) -> None:
    rows = make_rows(30).astype(object)
    rows.loc[[3, 12, 17], "dose mg"] = "plenty"
    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", rows), most_errors=2)
    with running(store):
        status = await_job(store, job, ended)
    assert (status["status"], status["rows"]) == ("failed", 10)
    assert "More than 2 rows are wrong, as row 13: dose mg: 'plenty'" in status["error"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.csv", b"ward\nA\n", "Column 'dose mg' is missing"),
        ("rows.csv", b"", "No columns to parse"),
        ("rows.csv", b"dose mg,ward,admitted,smokes?\n1,\xff\xfe,,no\n", "not UTF-8"),
        ("rows.csv", b"dose mg,ward\n1,A\n1,2,3\n", "line 3"),
        ("rows.csv.gz", b"no gzip at all", "gzip data are broken"),
        ("rows.csv.zst", b"no zstd at all", "zstd data are broken"),
        ("rows.parquet", b"no parquet at all", "not a Parquet file"),
        ("rows.csv", make_rows(30).assign(**{"dose mg": 666}).to_csv(index=False).encode(), "KeyError: 'no such dose'"),
        ("rows.csv", make_rows(30).replace(25, 999).to_csv(index=False).encode(), "ended with 9 after 20 rows"),
    ],
)
def test_a_job_that_cannot_go_on_says_why(
    make_store: MakeStore, tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    store = make_store()
    job = store.start(tmp_path / name)
    with running(store):
        status = await_job(store, job, ended)
    assert status["status"] == "failed"
    assert says in status["error"]


def test_a_header_alone_gives_no_rows(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("dose mg,ward,admitted,smokes?\n")
    write_rows(tmp_path / "rows.parquet", make_rows(2).iloc[:0])
    store = make_store()
    jobs = [store.start(tmp_path / "rows.csv"), store.start(tmp_path / "rows.parquet")]
    with running(store):
        assert [await_job(store, job, ended)["status"] for job in jobs] == ["completed"] * 2
    assert len(pq.read_table(store.place(jobs[1]).output(jobs[1]))) == 0


def test_a_job_is_cancelled_while_it_runs_and_goes_on_after_a_retry(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(pause=0.3)
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(100)))
    with running(store):
        await_job(store, job, lambda status: status["rows"] >= 20)
        cancelled = store.cancel(job.id)
        assert cancelled.status == "cancelled"
        with pytest.raises(BadRequest, match="nothing to cancel"):
            store.cancel(job.id)
        done = store.status(cancelled)["rows"]
        assert store.retry(job.id).status == "queued"
        assert await_job(store, job, ended)["status"] == "completed"
    assert scored(store.place(job).output(job))["dose mg"].tolist() == list(range(100))
    counts = Counter(map(int, (tmp_path / "seen").read_text().split()))
    assert {counts[dose] for dose in range(done)} == {1}


def test_a_job_that_waits_is_cancelled_at_once(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(10)))
    assert store.cancel(job.id).status == "cancelled"
    assert store.waiting() == []


SERVICE = """
import sys, time
from pathlib import Path
from automl_runtime.serving.job_request import local_file
from automl_runtime.serving.job_runner import JobRunner
from automl_runtime.serving.jobs import JobStore
JobRunner(JobStore(Path(sys.argv[1]), {"dose": sys.argv[2:]})).start()
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="locks of files")
def test_after_a_kill_of_the_service_no_finished_chunk_is_scored_again(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(pause=0.2)
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(120)), result="jsonl")
    known = 0
    service = [sys.executable, "-c", SERVICE, str(store.folder), *store.models["dose"]]
    for _ in range(2):
        with subprocess.Popen(service) as child:
            try:
                await_job(store, job, lambda status, known=known: status["rows"] >= known + 20)
            finally:
                os.kill(child.pid, signal.SIGKILL)
        known = store.status(store.get(job.id))["rows"]
        assert store.get(job.id).status == "running"
    with running(store):
        status = await_job(store, job, ended)
    assert (status["status"], status["rows"], status["runs"]) == ("completed", 120, 3), status
    assert scored(store.place(job).output(job))["dose mg"].tolist() == list(range(120))
    # At most the chunk that was under way at each of the two kills has been seen twice.
    counts = Counter(map(int, (tmp_path / "seen").read_text().split()))
    assert set(counts) == set(range(120))
    assert sum(count - 1 for count in counts.values()) <= 20


def test_a_job_that_cannot_be_read_does_not_stop_the_others(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    source = write_rows(tmp_path / "rows.csv", make_rows(10))
    broken, whole = store.start(source), store.start(source)
    (store.place(broken).root / "job.json").write_text("{}")
    with running(store):
        assert await_job(store, whole, ended)["status"] == "completed"


def test_a_service_that_stops_leaves_its_job_to_the_next(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(pause=0.2)
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(60)))
    with running(store):
        await_job(store, job, lambda status: status["rows"] >= 20)
    assert store.get(job.id).status == "running"
    with running(store):
        assert await_job(store, job, ended)["runs"] == 2
    assert scored(store.place(job).output(job))["dose mg"].tolist() == list(range(60))


def test_a_job_that_takes_the_service_down_again_and_again_is_given_up(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(10)))
    folder = store.place(job)
    for _ in range(3):
        assert store.begin(folder) is not None
    assert store.begin(folder) is None
    assert "interrupted 3 times" in str(store.get(job.id).error)


def test_a_part_whose_line_or_file_is_not_whole_is_made_again(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(pause=0.2)
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(60)))
    with running(store):
        await_job(store, job, lambda status: status["rows"] >= 30)
    folder = store.place(job)
    with folder.part(1, job).open("a") as file:
        file.write("half")
    with (folder.root / "parts.jsonl").open("a") as file:
        file.write('{"rows": 9')
    with running(store):
        await_job(store, job, ended)
    assert scored(folder.output(job))["dose mg"].tolist() == list(range(60))


def test_a_key_stands_for_one_job_of_one_owner(make_store: MakeStore, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "rows.csv", make_rows(10))
    store = make_store()
    first = store.start(source, owner="ann", key="monday")
    assert store.start(source, owner="ann", key="monday").id == first.id
    assert store.start(source, owner="bob", key="monday").id != first.id
    assert len(store.list("ann")) == 1
    with pytest.raises(BadRequest, match="used for another job"):
        store.start(source, owner="ann", key="monday", explain=True)


def test_jobs_of_others_are_not_there(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(10)), owner="ann")
    assert (store.list("bob"), store.list(None)) == ([], [])
    for call in (store.get, store.cancel, store.retry, store.remove):
        with pytest.raises(BadRequest) as caught:
            call(job.id, "bob")
        assert caught.value.status == 404
    assert store.get(job.id, "ann") == job


@pytest.mark.parametrize("identity", ["", "..", "../../etc", "a" * 32, "A" * 31 + "/", "\0" * 32])
def test_names_that_are_no_jobs_are_refused(make_store: MakeStore, identity: str) -> None:
    with pytest.raises(BadRequest, match="There is no job"):
        make_store().get(identity)


def test_old_jobs_are_cleared_and_what_kills_left_behind(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store(days=1.0)
    source = write_rows(tmp_path / "rows.csv", make_rows(10))
    old, young, waits = (store.start(source) for _ in range(3))
    for job in (old, young):
        store.cancel(job.id)
    folder = store.place(old)
    folder.write(replace(folder.job(), finished=time.time() - 90_000))
    left = store.folder / ".incoming-0123456789abcdef"
    left.mkdir()
    os.utime(left, (0, 0))
    with store.incoming() as upload:
        os.utime(upload, (0, 0))
        store.clear()
        assert upload.is_dir()
    assert {job.id for job in store.list()} == {young.id, waits.id}
    assert not left.exists()


def test_a_disk_that_is_full_fails_the_job_and_a_retry_goes_on(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from automl_runtime.project import job_worker, rows_read

    from tests.runtime.serving.conftest import make_bundle

    store = make_store()
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(30)))
    monkeypatch.setattr(rows_read, "_CHUNK_ROWS", 10)
    write, calls = pd.DataFrame.to_csv, [0]

    def full(frame: pd.DataFrame, *args: Any, **more: Any) -> Any:
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(28, "No space left on device")
        return write(frame, *args, **more)

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    folder = store.place(job)
    for says in ("000002.csv cannot be written: No space left on device", None):
        job_worker.work(folder, lambda version: (make_bundle(), lambda rows: rows))
        error = folder.note("outcome")["error"]
        assert error is None if says is None else says in error
        assert folder.last().rows == (20 if says else 30)
    assert calls[0] == 4


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"source": "rows.xlsx"}, "no file of rows"),
        ({"source": "absent.csv"}, "There is no file"),
        ({"model": "nope"}, "There is no model"),
        ({"result": "xlsx"}, "cannot be written"),
        ({"output": "out.txt"}, "cannot be written"),
        ({"output": "rows.csv"}, "cannot be written"),
        ({"output": "nowhere/out.csv"}, "cannot be written"),
        ({"output": "out.csv", "result": "jsonl"}, "cannot be written"),
        ({"most_errors": -1}, "below 0"),
        ({"key": "k" * 256}, "idempotency key"),
    ],
)
def test_what_cannot_become_a_job_is_refused(
    make_store: MakeStore, tmp_path: Path, wanted: dict[str, Any], says: str
) -> None:
    write_rows(tmp_path / "rows.csv", make_rows(10))
    wanted = {"source": "rows.csv", **wanted}
    for name in {"source", "output"} & wanted.keys():
        wanted[name] = tmp_path / wanted[name]
    store = make_store()
    with pytest.raises(BadRequest, match=says):
        store.start(**wanted)
    assert store.list() == []


def test_the_result_goes_where_it_is_wanted(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    target = tmp_path / "out.parquet"
    job = store.start(write_rows(tmp_path / "rows.csv", make_rows(30)), output=target)
    with running(store):
        await_job(store, job, ended)
    assert len(scored(target)) == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jobs", "out.parquet", "rows.csv", "seen"]
    store.remove(job.id)
    assert target.exists()
    assert not store.place(job).root.exists()


def test_files_are_read_below_allowed_folders_only(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "way out").symlink_to(tmp_path)
    allowed = [tmp_path / "open"]
    assert local_file(f"file://{tmp_path}/open/a%20b.csv", "source", allowed) == str(tmp_path / "open" / "a b.csv")
    for place, status in [
        (f"file://{tmp_path}/open/../rows.csv", 403),
        (f"file://{tmp_path}/open/%2e%2e/rows.csv", 403),
        (f"file://{tmp_path}/open/way%20out/rows.csv", 403),
        (f"file://{tmp_path}/opened.csv", 403),
        ("file:///open/a%00.csv", 422),
        ("file://elsewhere/rows.csv", 422),
        ("/open/rows.csv", 422),
        ("https://example.org/rows.csv", 422),
    ]:
        with pytest.raises(BadRequest) as caught:
            local_file(place, "source", allowed)
        assert caught.value.status == status, place
    with pytest.raises(BadRequest, match="not allowed"):
        local_file(f"file://{tmp_path}/open/a.csv", "source", [])

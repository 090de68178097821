from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from automl_runtime.errors import DataError, RequestError
from automl_runtime.tracking.store import FIELDS, RunFacts, RunStore, Score
from sqlalchemy import create_engine, event, inspect

FACTS = RunFacts(
    run_id="run_001_20250301_1200",
    changed=1,
    started="2025-03-01T12:00:00+00:00",
    status="completed",
    seconds=2.5,
    metric="roc_auc",
    higher_is_better=True,
    cv=0.8,
    data_sha256="a" * 64,
    source="../raw",
    evaluator="classification",
    architecture=("lightgbm", "lightgbm", {"learning_rate": 0.1}),
    preprocessor=("trees", {"folds": 5}),
)


def numbered(number: int, **changes) -> RunFacts:
    return replace(FACTS, run_id=f"run_{number:03d}_20250301_1200", **changes)


@pytest.fixture
def store(tmp_path):
    with RunStore.open(tmp_path / "runs.db") as made:
        yield made


def table_of(path: Path, query: str):
    with sqlite3.connect(path) as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def test_the_tables_and_their_columns(tmp_path, store):
    store.add(".", "churn", [FACTS])
    engine = create_engine(f"sqlite:///{tmp_path / 'runs.db'}")
    tables = inspect(engine)
    assert sorted(tables.get_table_names()) == [
        *("architecture", "dataset", "evaluation", "evaluator", "preprocessor", "project", "run"),
    ]
    columns = {column["name"] for column in tables.get_columns("run")}
    assert columns >= {*FIELDS, "run_id", "dataset_id", "architecture_id", "preprocessor_id"} - {"run", "project"}
    engine.dispose()
    assert table_of(tmp_path / "runs.db", "PRAGMA journal_mode") == [("wal",)]
    assert table_of(tmp_path / "runs.db", "SELECT name, learner FROM architecture") == [("lightgbm", "lightgbm")]
    assert table_of(tmp_path / "runs.db", "SELECT sha256, source FROM dataset") == [("a" * 64, "../raw")]
    assert table_of(tmp_path / "runs.db", "SELECT name, metric FROM evaluator") == [("classification", "roc_auc")]


def test_the_newest_revision_is_how_a_run_stands(store):
    store.add(".", "churn", [replace(FACTS, status="running", cv=None)])
    store.add(".", "churn", [FACTS])
    store.add(".", "churn", [replace(FACTS, changed=2, holdout=0.75, low=0.7, high=0.8)])
    [run] = store.runs()
    assert (run.run, run.status, run.cv, run.holdout) == (FACTS.run_id, "completed", 0.8, 0.75)
    assert store.changes(".") == {FACTS.run_id: ("completed", 2)}
    assert store.scores(".", FACTS.run_id) == [Score("cv", 0.8), Score("holdout", 0.75, 0.7, 0.8)]


@pytest.mark.parametrize("change", ["UPDATE run SET cv = 1", "DELETE FROM run", "DELETE FROM evaluation"])
def test_what_is_written_cannot_be_changed(tmp_path, store, change):
    store.add(".", "churn", [FACTS])
    connection = sqlite3.connect(tmp_path / "runs.db")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(change)
    connection.close()


def _insert(path: Path, process: int) -> None:
    with RunStore.open(path) as store:
        for number in range(50):
            store.add(f"/project_{process % 4}", "p", [numbered(1000 * process + number, cv=number / 50)])


def test_eight_processes_write_at_once(tmp_path):
    path = tmp_path / "runs.db"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_insert, args=(path, process)) for process in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    with RunStore.open(path) as store:
        assert len(store.runs()) == 400
        assert len(store.runs(root="/project_3")) == 100
    assert table_of(path, "SELECT count(*) FROM project") == [(4,)]
    assert table_of(path, "SELECT count(*) FROM architecture") == [(1,)]


def test_runs_are_filtered_sorted_and_limited(store):
    runs = [numbered(1, cv=0.9), numbered(2, cv=None, status="failed"), numbered(3, cv=0.7), numbered(4, cv=0.8)]
    store.add(".", "churn", runs)

    def names(**options):
        return [int(run.run.split("_")[1]) for run in store.runs(**options)]

    assert names() == [1, 2, 3, 4]
    assert names(sort="cv") == [3, 4, 1, 2]
    assert names(sort="-cv") == [1, 4, 3, 2]
    assert names(sort="-cv", limit=1) == [1]
    assert names(where="cv > 0.75 and status = completed") == [1, 4]
    with pytest.raises(RequestError, match="no field 'speed' to sort by"):
        store.runs(sort="speed")


def test_two_hundred_readers_share_the_connections_of_the_pool(store):
    store.add(".", "churn", [numbered(number) for number in range(1, 21)])
    pool, out = store._engine.pool, []
    event.listen(pool, "checkout", lambda *_: out.append(pool.checkedout()))
    together = threading.Barrier(200)

    def read(_):
        together.wait(60)
        return len(store.runs())

    with ThreadPoolExecutor(200) as readers:
        assert list(readers.map(read, range(200))) == [20] * 200
    assert len(out) == 200
    assert max(out) <= 15


@pytest.mark.parametrize("ask", [lambda s: s.runs(root="a", where="cv > 0.5"), lambda s: s.scores("a", FACTS.run_id)])
def test_what_is_asked_of_one_project_is_found_by_indexes(store, ask):
    store.add("a", "churn", [FACTS])
    asked = []
    event.listen(store._engine, "before_cursor_execute", lambda *seen: asked.append(seen[2:4]))
    ask(store)
    [(query, values)] = [each for each in asked if each[0].startswith("SELECT")]
    with store._engine.connect() as connection:
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    assert plan
    assert not any(step.startswith("SCAN") for step in plan), plan


@pytest.mark.parametrize("place", ["mysterious://host/name", "postgresql+nothing://x/y"])
def test_a_place_that_is_no_store_is_refused(place):
    with pytest.raises(RequestError, match="no file and no URL"):
        RunStore.open(place)


def test_a_file_that_is_no_database_says_what_to_do(tmp_path):
    (tmp_path / "runs.db").write_text("not a database, but long enough to look at" * 10)
    with pytest.raises(DataError, match=r"cannot be used: file is not a database\n  It can be removed"):
        RunStore.open(tmp_path / "runs.db")

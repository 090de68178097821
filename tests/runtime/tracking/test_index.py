from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from automl_runtime.errors import DataError
from automl_runtime.tracking.index import STORE, index_run, open_index, run_facts
from automl_runtime.tracking.runs import RunFolder, record_metrics
from automl_schemas.metrics import Metrics

TRIALS = [
    {"model": "linear", "learner": "linear", "params": {"C": 1.0}, "recipe": "linear", "plan": {"folds": 5}},
    {"model": "boost", "learner": "lightgbm", "params": {"depth": 3}, "recipe": "trees", "plan": {"folds": 5}},
]
CONFIG = {
    "spec": {"data": {"source": "../raw"}, "task": {"type": "forecast"}},
    "leaderboard": [{"model": "ensemble"}, {"model": "boost"}, {"model": "linear"}],
    "executed_trials": TRIALS,
}


def metrics(**changes) -> Metrics:
    values = {
        "metric": "rmse", "higher_is_better": False, "holdout": 2.0, "holdout_ci": (1.5, 2.5), "cv": 2.1, "goal": None,
        "rows_train": 80, "rows_holdout": 20, "best_model": "ensemble", "seconds": 1.5, "seed": 3,
        "data_sha256": "b" * 64, "leaderboard": [],
    }  # fmt: skip
    return Metrics(**(values | changes))


def finished(project: Path, **fields) -> Path:
    with RunFolder.create(project / "experiments", "rmse") as run:
        run.write_config(CONFIG)
        run.update(cv=2.1, best_model="ensemble", rows=80, seed=3, data_sha256="b" * 64, **fields)
    return run.path


def test_the_store_holds_what_the_folders_tell(tmp_path):
    run = finished(tmp_path)
    record_metrics(run, metrics())
    with open_index(tmp_path) as index:
        [row] = index.rows()
        [cv, holdout] = index.scores(run.name)
    assert (row.run, row.project, row.status, row.metric) == (run.name, tmp_path.name, "completed", "rmse")
    assert (row.cv, row.holdout, row.low, row.high, row.rows, row.seed) == (2.1, 2.0, 1.5, 2.5, 80, 3)
    assert (cv.value, holdout.value, holdout.low, holdout.high) == (2.1, 2.0, 1.5, 2.5)
    facts = run_facts(run)
    assert facts.architecture == ("boost", "lightgbm", {"depth": 3})
    assert facts.preprocessor == ("trees", {"recipe": "trees", "folds": 5})
    assert (facts.evaluator, facts.source, facts.higher_is_better) == ("time_series", "../raw", False)


def test_a_lost_store_is_made_again_and_what_changed_is_taken_in(tmp_path):
    runs = [finished(tmp_path) for _ in range(3)]
    with open_index(tmp_path) as index:
        before = index.rows()
    for path in (tmp_path / "experiments").glob(f"{STORE}*"):
        path.unlink()
    record_metrics(runs[1], metrics(holdout=1.0))
    with open_index(tmp_path) as index:
        assert [row.holdout for row in index.rows()] == [None, 1.0, None]
    record_metrics(runs[1], metrics(holdout=3.0))
    with open_index(tmp_path) as index:
        after = index.rows()
    assert [row.run for row in after] == [row.run for row in before]
    assert after[1].holdout == 3.0


def test_nothing_new_writes_nothing(tmp_path):
    finished(tmp_path)
    index_run(tmp_path)
    store = tmp_path / "experiments" / STORE
    before = store.read_bytes()
    index_run(tmp_path)
    assert store.read_bytes() == before


def test_a_run_whose_process_died_is_failed_at_the_next_look(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from automl_runtime.tracking.index import index_run\n"
        "from automl_runtime.tracking.runs import RunFolder\n"
        "run = RunFolder.create(Path(sys.argv[1]) / 'experiments', 'f1'); index_run(Path(sys.argv[1])); os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    for _ in range(2):
        with open_index(tmp_path) as index:
            [row] = index.rows()
            assert (row.status, row.message) == ("failed", "The process ended without saying how the run went.")


def test_several_projects_share_the_store_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOML_STORE", str(tmp_path / "all.db"))
    for name in ("one", "two"):
        finished(tmp_path / name)
        index_run(tmp_path / name)
    with open_index(tmp_path / "one") as index:
        assert [row.project for row in index.rows()] == ["one"]
        assert [row.project for row in index.store.runs()] == ["one", "two"]
        assert [row.project for row in index.store.runs(where="project = two")] == ["two"]
    assert not (tmp_path / "one" / "experiments" / STORE).exists()


def test_a_project_that_cannot_be_written_is_read_into_memory(tmp_path, monkeypatch):
    finished(tmp_path)
    # Root may write everywhere, so that the mode of the folder would not do.
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with open_index(tmp_path) as index:
        assert len(index.rows()) == 1
    assert not (tmp_path / "experiments" / STORE).exists()


def test_a_project_without_runs_gets_no_store(tmp_path):
    with open_index(tmp_path) as index:
        assert index.rows() == []
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_broken_does_not_stop_a_run(tmp_path, caplog):
    finished(tmp_path)
    (tmp_path / "experiments" / STORE).write_text("no database" * 100)
    index_run(tmp_path)
    assert "The run was not indexed: The run store" in caplog.text
    with pytest.raises(DataError, match="It can be removed"), open_index(tmp_path):
        pass

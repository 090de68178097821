from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.loading import load
from automl_runtime.engine.memory import MemoryCap, affordable_rows, resident_bytes, return_memory
from automl_runtime.engine.spill import Asleep, awake, spilled
from automl_runtime.errors import RequestError, TrainingError
from automl_runtime.inference.encoding import Encoder
from automl_runtime.inference.forest import Forest
from engine_jobs import make_job, mixed_rows, run

_CHILD = """
import json, re, sys
from pathlib import Path
import numpy as np, pandas as pd
from automl_runtime.engine.fit import fit
from automl_runtime.events import Warned

rng = np.random.default_rng(0)
x = rng.normal(size=(40_000, 40)).astype("float32")
rows = pd.DataFrame(x, columns=[f"x{place}" for place in range(40)])
rows["y"] = rows["x0"] * rows["x1"] + rows["x2"] + rng.normal(scale=0.3, size=len(rows)) > 0
told = []
said = lambda event: told.append(event.text) if isinstance(event, Warned) else None
model = fit(rows, "y", trials=3, folds=2, memory_gb=float(sys.argv[1]), on_event=said)
# Not ru_maxrss: that of a child begins with what its parent held when it was made.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
plan = model.trials[0]["plan"]
print(json.dumps({"peak": peak, "told": told, "cv": model.cv, "kept": plan.get("kept")}))
"""


def _encoder(rows):
    return Encoder(make_columns(rows, None))


def _child(gigabytes):
    import json

    done = subprocess.run([sys.executable, "-c", _CHILD, str(gigabytes)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_low_cap_holds_and_is_said():
    low, high = _child(0.6), _child(30)
    assert low["peak"] < 0.6e9 * 1.1
    assert low["peak"] < high["peak"]
    assert "The memory is short for 40,000 rows" in low["told"][0]
    assert low["kept"] < 40_000
    assert high["kept"] is None
    assert low["cv"] > 0.8


def test_a_sampled_fit_is_replayed_without_the_cap(monkeypatch):
    rows = mixed_rows("binary", 1_500)
    monkeypatch.setattr("automl_runtime.engine.tabular.affordable_rows", lambda *_: 1_200)
    first = fit(rows, "y", trials=1, folds=2, memory_gb=8)
    monkeypatch.undo()
    again = fit(rows, "y", replay=first.trials)
    assert len(first.oof) == 1_200
    assert again.cv == first.cv
    assert again.trials == first.trials


def test_what_would_be_needed_is_said():
    rows = mixed_rows("binary")
    with pytest.raises(TrainingError, match=r"needs \d+\.\d+ GB in all"):
        fit(rows, "y", trials=1, memory_gb=0.01)


@pytest.mark.parametrize("gigabytes", [0, -1, float("nan"), float("inf")])
def test_a_cap_is_a_positive_number(gigabytes):
    with pytest.raises(RequestError, match="memory_gb is"):
        fit(mixed_rows("binary"), "y", trials=1, memory_gb=gigabytes)


def test_more_memory_bears_more_rows():
    encoder = _encoder(mixed_rows("regression"))
    counts = [affordable_rows(encoder, 10**9, cap, resident=int(3e8)) for cap in (1, 2, 4)]
    assert counts == sorted(set(counts))
    assert affordable_rows(encoder, 500, 4, resident=int(3e8)) == 500


class _Held:
    """The bytes that a process would hold."""

    def __init__(self, held):
        self.held = held

    def __call__(self):
        return self.held


def test_a_family_that_took_too_much_is_not_started_again():
    held = _Held(500_000_000)
    cap = MemoryCap(1, read=held)
    with cap.watching(lambda: None):
        assert cap.fits("forest", 0)
        with cap.trial("forest"):
            held.held = 1_000_000_000
            assert cap.full.wait(5)
        held.held = 500_000_000
        assert not cap.fits("forest", 0)
        assert cap.fits("linear", 0)
        assert not cap.fits("network", 600_000_000)


def test_caches_are_dropped_before_a_trial_is_ended():
    held = _Held(800_000_000)
    cap = MemoryCap(1, read=held)
    dropped = threading.Event()

    def drop():
        held.held = 300_000_000
        dropped.set()

    with cap.watching(drop), cap.trial("lightgbm"):
        held.held = 960_000_000
        assert dropped.wait(5)
        assert not cap.full.wait(0.1)


def test_without_a_cap_everything_fits_and_nobody_watches():
    threads = threading.active_count()
    cap = MemoryCap()
    with cap.watching(lambda: None), cap.trial("forest"):
        assert threading.active_count() == threads
        assert cap.fits("forest", 1e30)


def test_a_family_without_room_is_named_and_left_out(monkeypatch):
    told = []
    monkeypatch.setattr(MemoryCap, "fits", lambda self, learner, estimate: learner != "extra_trees")
    rows = mixed_rows("binary", 300)
    model = fit(rows, "y", trials=3, folds=2, memory_gb=30, on_event=lambda event: told.append(event.to_json()))
    assert any("extra_trees is left out" in event.get("text", "") for event in told)
    assert len(model.trials) == 3
    assert "extra_trees" not in {trial["learner"] for trial in model.trials}


def test_a_model_that_nothing_bears_is_an_error(monkeypatch):
    monkeypatch.setattr(MemoryCap, "fits", lambda *_: False)
    with pytest.raises(TrainingError, match="would not fit into the memory"):
        fit(mixed_rows("binary", 300), "y", trials=2, folds=2, memory_gb=30)


def test_spilled_trees_predict_the_same():
    rows = mixed_rows("regression", 20_000)
    learner, job = make_job(rows, "extra_trees", trees=60, min_samples_leaf=1)
    forest = run(learner, job).predictor
    kept = spilled(forest)
    assert isinstance(kept, Forest)
    assert not np.shares_memory(kept.values, forest.values)
    matrix = job.rows.valid_matrix()
    assert (kept.predict(matrix) == forest.predict(matrix)).all()


@pytest.mark.parametrize("learner", ["lightgbm", "catboost"])
def test_a_booster_sleeps_and_wakes_the_same(learner):
    found, job = make_job(mixed_rows("regression", 2_000), learner)
    model = run(found, job).predictor
    kept = spilled(model)
    assert isinstance(kept, Asleep)
    assert isinstance(kept.content.base, np.memmap)
    assert type(awake(kept)) is type(model)
    matrix = job.rows.valid_matrix()
    assert (kept.predict(matrix) == model.predict(matrix)).all()


def test_without_time_for_final_models_those_of_the_folds_wake(monkeypatch, tmp_path):
    monkeypatch.setattr("automl_runtime.engine.finish._fit_all", lambda *_: None)
    rows = mixed_rows("binary", 300)
    model = fit(rows, "y", models=["lightgbm"], trials=1, folds=3)
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").predict_proba(rows).equals(model.predict_proba(rows))
    assert model.evaluate(rows)["roc_auc"] > model.cv


def test_a_full_disk_leaves_the_model_in_memory(monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    forest = Forest(*(np.zeros(2_000_000) for _ in range(5)), np.zeros((1, 1)))
    monkeypatch.setattr("tempfile.TemporaryFile", full)
    assert spilled(forest) is forest


def test_what_is_freed_goes_back():
    blocks = [np.ones(10_000) for _ in range(3_000)]
    before = resident_bytes()
    blocks.clear()
    return_memory()
    assert resident_bytes() < before


def test_a_frame_of_the_caller_counts():
    rows = pd.DataFrame({"x": np.zeros(10)})
    small = affordable_rows(_encoder(rows), 10**9, 2, resident=int(5e8))
    assert affordable_rows(_encoder(rows), 10**9, 2, resident=int(1e9)) < small

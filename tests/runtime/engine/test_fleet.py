from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.fleet import FILE, Fleet, PastRun, Winner
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.meta_features import META_FEATURES, meta_features
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.trials import Config
from automl_runtime.errors import DataError
from automl_runtime.events import ignore
from automl_runtime.inference.encoding import Encoder
from engine_jobs import mixed_rows


def _ring(seed, count=700):
    """Two classes inside and outside of a ball: a linear model learns nothing of it."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(size=(count, 4)), columns=[f"secret_{place}" for place in range(4)])
    return rows.assign(y=np.where((rows**2).sum(axis=1) > 3.4, "out", "in"))


def _described(rows):
    inputs, problem = make_problem(rows, "y")
    return problem, Encoder(make_columns(inputs, None)).encode(inputs)


def _past(rows, *winners):
    problem, data = _described(rows)
    return PastRun(problem.task, tuple(meta_features(problem, data).values()), winners)


def _config(name, learner="lightgbm", **params):
    return Config(name, learner, params)


def _trials_to(model, target):
    scores = [trial["score"] or 0.0 for trial in model.trials]
    return next(place for place, score in enumerate(scores, 1) if score >= target)


def test_a_second_similar_table_reaches_the_target_in_fewer_trials(tmp_path):
    common = {"metric": "roc_auc", "folds": 2, "models": ["lightgbm", "naive_bayes", "linear", "gaussian_process"]}
    first = fit(_ring(0), "y", trials=7, memory=tmp_path, **common)
    best = max(trial["score"] for trial in first.trials)
    told = []
    cold = fit(_ring(1), "y", trials=7, **common)
    warm = fit(_ring(1), "y", trials=7, memory=tmp_path, on_event=lambda e: told.append(e.to_json()), **common)
    target = 0.99 * best
    assert _trials_to(warm, target) < _trials_to(cold, target)
    assert next(event["text"] for event in told if event.get("topic") == "remembered").startswith(
        "1 of 1 past searches"
    )


def test_nothing_of_the_data_is_remembered(tmp_path):
    fit(_ring(0), "y", trials=2, folds=2, memory=tmp_path)
    text = (tmp_path / FILE).read_text()
    (record,) = [json.loads(line) for line in text.split("\n") if line]
    assert "secret" not in text
    assert "out" not in json.dumps(record["winners"])
    assert set(record) == {"version", "task", "features", "winners"}
    assert set(record["features"]) == set(META_FEATURES)


def test_a_replay_neither_reads_nor_writes_the_memory(tmp_path):
    first = fit(_ring(0), "y", trials=3, folds=2, memory=tmp_path)
    before = (tmp_path / FILE).read_bytes()
    again = fit(_ring(0), "y", replay=first.trials, memory=tmp_path)
    assert again.trials == first.trials
    assert (tmp_path / FILE).read_bytes() == before


def test_the_same_memory_gives_the_same_search(tmp_path):
    fit(_ring(0), "y", trials=4, folds=2, memory=tmp_path)
    text = (tmp_path / FILE).read_bytes()
    models = []
    for _ in range(2):
        (tmp_path / FILE).write_bytes(text)
        models.append(fit(_ring(1), "y", trials=3, folds=2, memory=tmp_path))
    assert models[0].trials == models[1].trials


def test_tables_of_another_kind_are_not_asked(tmp_path):
    fleet = Fleet(tmp_path)
    winner = Winner("lightgbm_small", "lightgbm", {"num_leaves": 16}, 1.0, 0.0)
    fleet.append(_past(_ring(0), winner))
    configs = [_config("lightgbm"), _config("linear", "linear"), _config("lightgbm_small", num_leaves=16)]
    wide = mixed_rows("binary", 4_000)
    assert fleet.forward(configs, *_described(wide), ignore) == configs
    assert fleet.forward(configs, *_described(mixed_rows("regression")), ignore) == configs
    moved = fleet.forward(configs, *_described(_ring(1)), ignore)
    assert [config.name for config in moved] == ["lightgbm", "lightgbm_small", "linear"]


def test_what_won_more_often_comes_first(tmp_path):
    fleet = Fleet(tmp_path)
    once = Winner("a", "lightgbm", {"num_leaves": 5}, 1.0, 0.0)
    twice = Winner("b", "lightgbm", {"num_leaves": 9}, 1.0, 0.01)
    fleet.append(_past(_ring(0), once, twice))
    fleet.append(_past(_ring(2), twice))
    moved = fleet.forward([_config("lightgbm"), _config("linear", "linear")], *_described(_ring(1)), ignore)
    assert [config.name for config in moved] == ["lightgbm", "b", "a", "linear"]


def test_a_winner_is_fitted_to_the_table(tmp_path):
    fleet = Fleet(tmp_path)
    sums = Winner("x", "lightgbm", {"pairs": True}, 1.0, 0.0)
    absent = Winner("z", "network", {"width": 8}, 1.0, 0.0)
    trees = {"trees": 100, "min_samples_leaf": 1, "target": "log1p"}
    rows = _ring(1, 20_000).round(0)
    fleet.append(_past(rows, sums, absent, Winner("w", "extra_trees", trees, 1.0, 0.0)))
    problem, data = _described(rows)
    moved = fleet.forward([_config("lightgbm"), _config("extra_trees", "extra_trees")], problem, data, ignore)
    assert [config.name for config in moved] == ["lightgbm", "w", "extra_trees"]
    assert moved[1].params == {"trees": 100, "min_samples_leaf": 3}


def test_lines_that_are_torn_or_newer_are_passed_over(tmp_path):
    fleet = Fleet(tmp_path)
    run = _past(_ring(0), Winner("a", "lightgbm", {}, 1.0, 0.0))
    fleet.append(run)
    with fleet.path.open("ab") as file:
        file.write(b'\n{"version": 9}\n[1]\n{"version": 1, "task": "bin')
    fleet.append(run)
    assert fleet.read() == [run, run]


def test_of_a_long_file_the_end_is_read(tmp_path, monkeypatch):
    fleet = Fleet(tmp_path)
    runs = [_past(_ring(0), Winner(f"a{place}", "lightgbm", {}, 1.0, 0.0)) for place in range(3)]
    for run in runs:
        fleet.append(run)
    monkeypatch.setattr("automl_runtime.engine.fleet._READ_BYTES", fleet.path.stat().st_size - 10)
    assert fleet.read() == runs[1:]


def test_processes_may_write_at_once(tmp_path):
    code = (
        "import sys; from pathlib import Path; from automl_runtime.engine.fleet import *\n"
        "from automl_runtime.engine.meta_features import META_FEATURES\n"
        "for i in range(40): Fleet(Path(sys.argv[1])).append(PastRun('binary', (1.0,) * len(META_FEATURES), ()))"
    )
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(Fleet(tmp_path).read()) == 120


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(DataError, match="taken"):
        fit(_ring(0), "y", trials=1, folds=2, memory=tmp_path / "taken")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_meta_features_are_finite_and_repeatable(task):
    problem, data = _described(mixed_rows(task, 120))
    features = meta_features(problem, data)
    assert np.isfinite(list(features.values())).all()
    assert features == meta_features(problem, data)


def test_meta_features_tell_an_easy_table_from_noise():
    easy, noise = mixed_rows("regression", 600), mixed_rows("regression", 600)
    noise["y"] = np.random.default_rng(0).permutation(noise["y"])
    assert meta_features(*_described(easy))["linear"] < 0.8 < meta_features(*_described(noise))["linear"]

from __future__ import annotations

import pytest
from automl_runtime.errors import DataError, RequestError
from automl_runtime.tracking.compare import compare_runs, find_run
from automl_runtime.tracking.runs import RunFolder, record_metrics

from .test_index import metrics


def run(project, *, metric="roc_auc", cv=None, holdout=None, ci=None, folds=5, models=("linear",), **fields):
    with RunFolder.create(project / "experiments", metric) as made:
        trials = [{"model": name, "learner": name, "params": {"C": 1}, "plan": {}} for name in models]
        spec = {"training": {"folds": folds, "strategy": "auto"}, "seed": 0}
        made.write_config({"spec": spec, "leaderboard": [], "executed_trials": trials})
        made.update(cv=cv, **fields)
    if holdout is not None:
        record_metrics(made.path, metrics(metric=metric, holdout=holdout, holdout_ci=ci, cv=cv))
    return made.path


@pytest.mark.parametrize(
    ("metric", "before", "after", "better", "significant"),
    [
        ("roc_auc", (0.80, (0.78, 0.82)), (0.90, (0.88, 0.92)), True, True),
        ("roc_auc", (0.80, (0.75, 0.85)), (0.82, (0.77, 0.87)), True, False),
        ("roc_auc", (0.80, (0.75, 0.85)), (0.80, (0.75, 0.85)), False, False),
        ("rmse", (2.0, (1.9, 2.1)), (3.0, (2.9, 3.1)), False, True),
        ("rmse", (3.0, (2.9, 3.1)), (2.0, (1.9, 2.1)), True, True),
    ],
)
def test_better_and_more_than_chance(tmp_path, metric, before, after, better, significant):
    runs = [run(tmp_path, metric=metric, cv=0.7, holdout=value, ci=ci) for value, ci in (before, after)]
    found = compare_runs(*runs)
    assert (found.part, found.better, found.significant) == ("holdout", better, significant)
    assert found.interval[0] <= found.gain <= found.interval[1]
    half = ((before[1][1] - before[1][0]) ** 2 + (after[1][1] - after[1][0]) ** 2) ** 0.5 / 2
    assert found.interval == pytest.approx((found.gain - half, found.gain + half))


def test_without_a_holdout_the_cross_validation_is_compared_and_nothing_said_of_chance(tmp_path):
    found = compare_runs(run(tmp_path, cv=0.7, holdout=0.9, ci=(0.8, 1.0)), run(tmp_path, cv=0.8))
    assert (found.part, found.scores, found.better) == ("cv", (0.7, 0.8), True)
    assert found.interval is None
    assert found.significant is None


def test_what_differs_is_told(tmp_path):
    old = run(tmp_path, cv=0.7, models=("linear", "boost"), data_sha256="a", rows=10)
    new = run(tmp_path, cv=0.7, models=("boost", "forest"), data_sha256="b", rows=12, folds=3)
    found = compare_runs(old, new)
    assert found.parameters == {"training.folds": (5, 3)}
    assert found.trials == {"before": ["linear"], "after": ["forest"]}
    assert found.facts["rows"] == (10, 12)
    assert found.same_data is False
    assert compare_runs(old, old).same_data is True
    assert compare_runs(run(tmp_path, cv=0.7), old).same_data is None


def test_runs_that_cannot_be_compared(tmp_path):
    scored, bare, other = run(tmp_path, cv=0.7), run(tmp_path), run(tmp_path, cv=1.0, metric="rmse")
    with pytest.raises(DataError, match=f"{bare.name} .completed. has no score"):
        compare_runs(scored, bare)
    with pytest.raises(RequestError, match=r"judged by roc_auc, .* by rmse"):
        compare_runs(scored, other)
    with pytest.raises(DataError, match="holds no record"):
        compare_runs(tmp_path, scored)


def test_a_run_is_found_by_number_name_or_folder(tmp_path):
    paths = [run(tmp_path, cv=0.7) for _ in range(11)]
    for name in ("2", "run_2", "002", "run_002", paths[1].name, str(paths[1])):
        assert find_run(name, tmp_path) == paths[1]
    with pytest.raises(RequestError, match=r"11 runs begin with 'run_0'"):
        find_run("run_0", tmp_path)
    with pytest.raises(RequestError, match=r"no run '12'.*\n  Runs: run_007"):
        find_run("12", tmp_path)

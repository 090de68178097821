from __future__ import annotations

from pathlib import Path

from automl_runtime.events import Progress, TrialFinished
from automl_runtime.project.report_data import TrialPoint, trials_of
from automl_runtime.tracking.runs import RunFolder


def test_trials_are_those_of_the_run(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, "f1") as run:
        run.on_event(Progress("search", 1))
        run.on_event(TrialFinished(number=1, model="linear", score=0.5, best=0.5, seconds=1))
        run.on_event(TrialFinished(number=2, model="trees", score=None, best=0.5, seconds=1, error="no"))
    trials = trials_of(run.path)
    assert [(trial.model, trial.score) for trial in trials] == [("linear", 0.5), ("trees", None)]
    assert all(isinstance(trial, TrialPoint) and trial.at >= 0 for trial in trials)

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from automl_runtime.engine.folds import Fold
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.workspace import Workspace
from automl_runtime.inference.encoding import Encoder
from engine_jobs import mixed_rows


@dataclass
class _Clock:
    now: float = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def workspace():
    inputs, problem = make_problem(mixed_rows("binary", 300), "y")
    data = Encoder(make_columns(inputs, None)).encode(inputs)
    places = np.arange(300)
    return Workspace(problem, data, [Fold(places[100:], places[:100])], 0)


def test_what_is_made_fast_for_its_size_goes_first(workspace, monkeypatch):
    clock, made = _Clock(), []
    monkeypatch.setattr("automl_runtime.engine.workspace.time", clock)

    def make(name, seconds):
        made.append(name)
        clock.now += seconds
        return name

    for name, seconds in [("slow", 5.0), ("fast", 0.1), ("middle", 1.0)] * 2:
        workspace.cached(name, lambda name=name, seconds=seconds: make(name, seconds), lambda _: 11_000_000)
    assert made == ["slow", "fast", "middle", "fast"]


def test_models_share_a_design_that_was_made_again(workspace):
    first = workspace.fold_data("network", 0)
    workspace.drop()
    again = workspace.fold_data("network", 0)
    assert again.design is first.design
    assert again.fitted.matrix is not first.fitted.matrix
    assert np.array_equal(again.fitted.matrix, first.fitted.matrix)

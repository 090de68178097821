"""What a model takes, by each way that it can be run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.inference.speeds import by_libraries, measure_speeds


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(200, 3)), columns=list("abc"))
    return table.assign(y=np.where(table["a"] + draw.normal(size=200) > 0, "yes", "no"))


def test_boosters_are_measured_by_kernels_and_by_their_libraries(rows: pd.DataFrame) -> None:
    model = fit(rows, "y", trials=1, folds=2, models=["lightgbm"]).fitted
    library = by_libraries(model)
    assert library is not None
    assert {part.predictor.backend for member in library.members for part in member.parts} == {"library"}  # type: ignore[attr-defined]
    speeds = measure_speeds(model, rows.drop(columns="y"))
    assert [(each.way, each.rows) for each in speeds] == [
        ("record", 1),
        ("kernels", 1),
        ("library", 1),
        ("kernels", 1000),
        ("library", 1000),
    ]
    assert all(0 < each.median_us <= each.p99_us for each in speeds)
    assert max(each.largest for each in speeds) < 1e-12


def test_other_models_have_one_way_for_frames(rows: pd.DataFrame) -> None:
    model = fit(rows, "y", trials=1, folds=2, models=["linear"]).fitted
    assert by_libraries(model) is None
    ways = [each.way for each in measure_speeds(model, rows.drop(columns="y"))]
    assert ways == ["record", "library", "library"]
    assert measure_speeds(model, rows.drop(columns="y").head(0)) == []

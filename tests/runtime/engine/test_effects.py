"""What drives a model: the columns that the target was made of, in their order and with their shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.effects import column_effects
from automl_runtime.engine.fit import fit
from automl_runtime.inference.model import FittedModel


def made(rows=500):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "strong": rng.normal(size=rows),
            "colour": rng.choice(["red", "green", "blue", None], rows),
            "agreed": rng.random(rows) < 0.5,
            "noise": rng.normal(size=rows),
            "fixed": 7.0,
        }
    )
    value = 3 * frame["strong"] + 2 * (frame["colour"] == "red") + 0.5 * frame["agreed"] + rng.normal(0, 0.2, rows)
    return frame, value


@pytest.fixture(scope="module")
def regression():
    frame, value = made()
    return frame, fit(frame, pd.Series(value, name="y"), trials=1, folds=2).fitted


def test_columns_are_ranked_by_what_they_do(regression):
    frame, model = regression
    found = column_effects(model, frame, seconds=60)
    assert [effect.feature for effect in found.columns][:3] == ["strong", "colour", "agreed"]
    assert {effect.feature: effect.total for effect in found.columns}["fixed"] == 0
    strong = found.columns[0]
    assert len(strong.contributions) == len(strong.levels) == found.rows
    assert np.corrcoef(strong.contributions, np.array(strong.levels, dtype=float))[0, 1] > 0.8
    assert set(found.columns[1].levels) == {None}


def test_dependences_have_the_shape_of_the_target(regression):
    frame, model = regression
    by_name = {each.feature: each for each in column_effects(model, frame, seconds=60).dependences}
    strong, colour, agreed = by_name["strong"], by_name["colour"], by_name["agreed"]
    assert np.all(np.diff(strong.mean[0]) > -0.3)
    assert strong.mean[0][-1] - strong.mean[0][0] > 6
    assert colour.points[-1] == "(missing)"
    assert max(zip(colour.mean[0], colour.points, strict=True))[1] == "red"
    assert agreed.points == ["no", "yes"]
    assert "fixed" not in by_name
    for each in by_name.values():
        assert all(low <= mean <= high for low, mean, high in zip(each.low, each.mean[0], each.high, strict=True))


def test_the_same_sample_gives_the_same_effects(regression):
    frame, model = regression
    assert column_effects(model, frame, seconds=60) == column_effects(model, frame, seconds=60)


def test_several_classes_are_told_apart():
    frame, value = made()
    model = fit(frame, pd.Series(np.digitize(value, [-1, 2]), name="y"), trials=1, folds=2).fitted
    found = column_effects(model, frame, seconds=60)
    assert found.labels == [0, 1, 2]
    assert len(found.columns[0].size) == 3
    assert found.columns[0].contributions == []
    assert np.sum(found.dependences[0].mean, axis=0) == pytest.approx(np.ones(len(found.dependences[0].points)))


def test_a_model_without_background_rows_has_no_effects(regression):
    frame, model = regression
    assert (
        column_effects(FittedModel(model.info, model.encoder, model.designs, model.members), frame, seconds=1) is None
    )


def test_gaps_in_whole_numbers_have_no_place_in_a_column():
    frame, value = made(200)
    frame["count"] = pd.array(np.arange(200) % 7, dtype="Int64")
    frame.loc[::5, "count"] = pd.NA
    model = fit(frame, pd.Series(value, name="y"), trials=1, folds=2).fitted
    effects = column_effects(model, frame, seconds=60).columns
    levels = next(each for each in effects if each.feature == "count").levels
    assert None in levels
    assert max(level for level in levels if level is not None) == 1.0

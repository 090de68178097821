"""Weights as small integers and half-precision numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import FittedModel, load
from automl_runtime.inference.network import Network
from automl_runtime.inference.quantising import PRECISIONS, Quantised, quantise, quantised_weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

ERRORS = {"int8": 0.012, "int16": 0.0001, "float16": 0.0005}


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    draw = np.random.default_rng(0)
    table = pd.DataFrame(draw.normal(size=(400, 5)), columns=list("abcde")).assign(kind=draw.choice(["x", "y"], 400))
    table["note"] = draw.choice(["late again and rude", "in time", "nobody came", "very kind"], 400)
    late = table["note"].str.contains("late")
    return table.assign(
        y=np.where(table["a"] + table["b"] * table["c"] + late + draw.normal(size=400) > 0, "no", "yes")
    )


@pytest.fixture(scope="module", params=["linear", "network"])
def model(request: pytest.FixtureRequest, rows: pd.DataFrame) -> FittedModel:
    return fit(rows, "y", trials=1, folds=2, models=[request.param]).fitted  # type: ignore[no-any-return]


def restore(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return codes.astype(float) * scales.astype(float)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_come_back_nearly(precision: str) -> None:
    weights = np.random.default_rng(1).normal(size=(300, 8)) * np.geomspace(1e-3, 1e3, 8)
    codes, scales = quantised_weights(weights, precision)  # type: ignore[arg-type]
    off = np.linalg.norm(restore(codes, scales) - weights, axis=0) / np.linalg.norm(weights, axis=0)
    assert codes.dtype == precision
    assert off.max() <= ERRORS[precision]


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-1e6, 1e6)))
def test_no_weight_is_off_by_more_than_the_scale_allows(weights: np.ndarray) -> None:
    codes, scales = quantised_weights(weights, "int16")
    # One that is cut off is so for the good of the others: 30 % of the largest at most.
    assert (np.abs(restore(codes, scales) - weights) <= np.abs(weights).max(axis=0) * 0.31 + 1e-30).all()
    assert np.isfinite(restore(codes, scales)).all()


def test_calibration_weighs_errors_by_what_inputs_are() -> None:
    draw = np.random.default_rng(2)
    weights, energy = draw.normal(size=(200, 1)), np.full(200, 1.0)
    weights[0], energy[0] = 40.0, 1e-6
    plain, told = (quantised_weights(weights, "int8", each) for each in (None, energy))
    error = [(energy[:, None] * (restore(*found) - weights) ** 2).sum() for found in (plain, told)]
    assert error[1] < error[0] / 1.5


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_quantised_model_is_small_and_predicts_nearly_the_same(
    model: FittedModel, rows: pd.DataFrame, precision: str, tmp_path
) -> None:
    small = quantise(model, precision)  # type: ignore[arg-type]
    assert all(isinstance(part.predictor, Quantised) for member in small.members for part in member.parts)
    told, expected = small.predict_proba(rows), model.predict_proba(rows)
    assert np.abs(told - expected).to_numpy().max() < 0.05
    assert (small.predict(rows) == model.predict(rows)).mean() >= 0.99
    record = rows.iloc[3].to_dict()
    assert list(small.predict_record(record).values()) == pytest.approx(told.iloc[3].tolist(), abs=1e-12)
    # A second time changes nothing but the codes that it starts from.
    twice = quantise(small, precision)  # type: ignore[arg-type]
    assert np.abs(twice.predict_proba(rows) - told).to_numpy().max() < 0.05
    small.save(tmp_path / "small")
    pd.testing.assert_frame_equal(load(tmp_path / "small").predict_proba(rows), told)


def test_codes_take_a_quarter_of_the_place(model: FittedModel) -> None:
    before = model.members[0].parts[0].predictor
    after = quantise(model, "int8").members[0].parts[0].predictor
    assert isinstance(before, Linear | Network)
    assert isinstance(after, Quantised)
    assert after.codes.nbytes + after.scales.nbytes + after.biases.nbytes < before.weights.nbytes / 2


def test_trees_stay_as_they_are(rows: pd.DataFrame) -> None:
    model = fit(rows, "y", trials=1, folds=2, models=["lightgbm"]).fitted
    small = quantise(model, "int8")
    assert [m.parts for m in small.members] == [m.parts for m in model.members]


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "other"},
        {"codes": np.zeros(3, np.int8)},
        {"codes": np.zeros(6, np.int32)},
        {"scales": np.ones(1, np.float32)},
        {"biases": np.ones(3)},
        {"widths": np.array([3])},
        {"widths": np.array([3, 1, 2])},
        {"widths": np.array([-3, -2])},
    ],
)
def test_codes_that_do_not_fit_are_refused(changes: dict[str, object]) -> None:
    sound = Quantised("linear", np.zeros(6, np.int8), np.ones(2, np.float32), np.zeros(2), np.array([3, 2]))
    sound.check(3)
    with pytest.raises(BundleError):
        replace(sound, **changes).check(3)  # type: ignore[arg-type]
    with pytest.raises(BundleError):
        sound.check(4)

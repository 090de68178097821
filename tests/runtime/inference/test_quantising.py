"""Weights as small integers and half-precision numbers."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import BundleError
from automl_runtime.inference.linear import Linear
from automl_runtime.inference.model import FittedModel, load
from automl_runtime.inference.network import Network
from automl_runtime.inference.quantising import PRECISIONS, Precision, Quantised, quantise, quantised_weights
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

ERRORS = {"int8": 0.012, "uint8": 0.012, "int16": 0.0001, "float16": 0.0005}


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


def restore(codes: np.ndarray, scales: np.ndarray, zeros: np.ndarray | None = None) -> np.ndarray:
    return (codes.astype(float) - (0 if zeros is None else zeros)) * scales.astype(float)


def off(weights: np.ndarray, precision: str) -> float:
    found = restore(*quantised_weights(weights, precision))  # type: ignore[arg-type]
    return float((np.linalg.norm(found - weights, axis=0) / np.linalg.norm(weights, axis=0)).max())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_come_back_nearly(precision: str) -> None:
    weights = np.random.default_rng(1).normal(size=(300, 8)) * np.geomspace(1e-3, 1e3, 8)
    assert quantised_weights(weights, precision).codes.dtype == precision  # type: ignore[arg-type]
    assert off(weights, precision) <= ERRORS[precision]


MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-1e6, 1e6))


@pytest.mark.parametrize("precision", ["int8", "uint8", "int16"])
@given(weights=MATRICES)
def test_no_weight_is_off_by_more_than_the_scale_allows(precision: str, weights: np.ndarray) -> None:
    found = restore(*quantised_weights(weights, precision))  # type: ignore[arg-type]
    # One that is cut off is so for the good of the others: 30 % of the largest at most.
    assert (np.abs(found - weights) <= np.abs(weights).max(axis=0) * 0.31 + 1e-30).all()
    assert np.isfinite(found).all()


@given(weights=MATRICES, low=st.sampled_from([0.0, 1.0, -1e7, 1e9]))
def test_a_weight_of_zero_stays_zero_and_equal_weights_stay_equal(weights: np.ndarray, low: float) -> None:
    weights = np.vstack([weights + low, weights + low, np.full((1, weights.shape[1]), low)])
    found = restore(*quantised_weights(weights, "uint8"))
    half = len(weights) // 2
    assert (found[:half] == found[half:-1]).all()
    assert (found[weights == 0] == 0).all()
    constant = np.full((4, 1), low)
    assert restore(*quantised_weights(constant, "uint8")) == pytest.approx(constant, rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(30, 300))
def test_weights_of_both_signs_are_as_near_as_with_int8_and_those_of_one_sign_nearer(seed: int, count: int) -> None:
    weights = np.random.default_rng(seed).normal(size=(count, 3))
    assert off(weights, "uint8") <= 0.012
    assert off(np.abs(weights), "uint8") < 0.7 * off(np.abs(weights), "int8")
    assert off(-np.abs(weights) - 5, "uint8") < 0.3 * off(-np.abs(weights) - 5, "int8")


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_calibration_weighs_errors_by_what_inputs_are(precision: str) -> None:
    draw = np.random.default_rng(2)
    weights, energy = draw.normal(size=(200, 1)), np.full(200, 1.0)
    weights[0], energy[0] = 40.0, 1e-6
    plain, told = (quantised_weights(weights, precision, each) for each in (None, energy))  # type: ignore[arg-type]
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


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_codes_take_a_quarter_of_the_place(model: FittedModel, precision: Precision) -> None:
    before = model.members[0].parts[0].predictor
    after = quantise(model, precision).members[0].parts[0].predictor
    assert isinstance(before, Linear | Network)
    assert isinstance(after, Quantised)
    assert after.codes.nbytes + after.scales.nbytes + after.biases.nbytes < before.weights.nbytes / 2


def test_a_version_of_before_there_were_zero_points_is_read(model: FittedModel, rows: pd.DataFrame, tmp_path) -> None:
    small = quantise(model, "int8")
    small.save(tmp_path)
    record = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    for member in record["members"]:
        for part in member["parts"]:
            del part["zeros"]
    (tmp_path / "model.json").write_text(json.dumps(record), encoding="utf-8")
    pd.testing.assert_frame_equal(load(tmp_path).predict_proba(rows), small.predict_proba(rows))


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
        {"codes": np.zeros(6, np.uint8)},
        {"zeros": np.zeros(2, np.int32)},
        {"codes": np.zeros(6, np.uint8), "zeros": np.zeros(1, np.int32)},
        {"codes": np.zeros(6, np.uint8), "zeros": np.zeros(2)},
    ],
)
def test_codes_that_do_not_fit_are_refused(changes: dict[str, object]) -> None:
    sound = Quantised("linear", np.zeros(6, np.int8), np.ones(2, np.float32), np.zeros(2), np.array([3, 2]))
    sound.check(3)
    with pytest.raises(BundleError):
        replace(sound, **changes).check(3)  # type: ignore[arg-type]
    with pytest.raises(BundleError):
        sound.check(4)

"""Contributions add up, and are what the definition of Shapley values says."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.errors import RequestError
from automl_runtime.events import Progress
from automl_runtime.inference.encoding import Column, Encoder
from automl_runtime.inference.explaining import reasons
from automl_runtime.inference.model import load
from automl_runtime.inference.shapley import shapley_values, splice

NUMBERS = Encoder(tuple(Column(name, "number") for name in "abcd"))


def numbers(rows, seed):
    return NUMBERS.encode(pd.DataFrame(np.random.default_rng(seed).normal(size=(rows, 4)), columns=list("abcd")))


def by_definition(outputs, data, background):
    """The mean gain of each column over all coalitions of the others, exactly (Shapley 1953)."""
    columns = len(NUMBERS.columns)

    def worth(row, coalition):
        mask = np.zeros((len(background), columns), dtype=bool)
        mask[:, list(coalition)] = True
        return outputs(splice(NUMBERS, data.take(np.full(len(background), row)), background, mask)).mean(axis=0)

    values = np.zeros((len(data), columns, 1))
    for row in range(len(data)):
        for column in range(columns):
            others = [other for other in range(columns) if other != column]
            for size in range(columns):
                weight = factorial(size) * factorial(columns - size - 1) / factorial(columns)
                for chosen in combinations(others, size):
                    values[row, column] += weight * (worth(row, (*chosen, column)) - worth(row, chosen))
    return values


def in_pairs(data):
    a, b, c, d = data.numbers.T
    return (3 * a + np.sin(b) + a * b + np.abs(c - d) * 2)[:, None]


def all_together(data):
    return np.prod(data.numbers + 1.5, axis=1, keepdims=True)


def test_columns_that_act_in_pairs_are_explained_exactly():
    data, background = numbers(3, 0), numbers(5, 1)
    found = shapley_values(in_pairs, NUMBERS, data, background, rounds=5)
    np.testing.assert_allclose(found.values, by_definition(in_pairs, data, background), atol=1e-12)


def test_columns_that_act_all_together_are_explained_about_right():
    data, background = numbers(4, 0), numbers(400, 1)
    found = shapley_values(all_together, NUMBERS, data, background, rounds=400)
    exact = by_definition(all_together, data, background)
    assert np.abs(found.values - exact).max() < 0.05 * np.abs(exact).max()
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, all_together(data), atol=1e-10)


def test_a_row_is_explained_alone_as_it_is_among_others():
    data, background = numbers(9, 0), numbers(5, 1)
    together = shapley_values(all_together, NUMBERS, data, background, rounds=5, seed=3)
    alone = shapley_values(all_together, NUMBERS, data.take(np.array([7])), background, rounds=5, seed=3)
    np.testing.assert_allclose(alone.values[0], together.values[7], atol=1e-12)


def test_after_the_time_is_over_fewer_rounds_still_add_up():
    events = []
    data, background = numbers(4, 0), numbers(50, 1)
    found = shapley_values(
        all_together, NUMBERS, data, background, rounds=50, seconds=0.0, on_event=events.append
    )  # fmt: skip
    assert found.rounds == 1
    assert events == [Progress("explaining", 1, 50, "4 rows")]
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, all_together(data), atol=1e-10)


def table(rows=240):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)),
            "kind": rng.choice(["a", "b", None], rows),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, rows), unit="D"),
            "note": [
                " ".join(rng.choice("alpha beta gamma delta epsilon zeta".split(), 6)) + f" {i}" for i in range(rows)
            ],
            "base": rng.normal(size=rows),
        }
    )
    value = frame["size"].fillna(0) * 2 + (frame["kind"] == "a") + rng.normal(scale=0.1, size=rows)
    return frame, value


TARGETS = {
    "binary": lambda value: np.where(value > 0.3, "yes", "no"),
    "multiclass": lambda value: np.digitize(value, [-0.5, 1.0]),
    "regression": lambda value: value,
}


@pytest.fixture(scope="module", params=list(TARGETS))
def fitted(request):
    frame, value = table()
    return frame, fit(frame, pd.Series(TARGETS[request.param](value), name="what"), trials=4, folds=2)


def explained_output(model, rows):
    if not model.classes:
        return model.predict(rows).to_numpy()
    shares = model.predict_proba(rows)
    chosen = [model.positive] * len(rows) if model.positive is not None else model.predict(rows)
    return np.array([shares.iloc[row][label] for row, label in enumerate(chosen)])


def test_contributions_and_base_add_up_to_the_prediction(fitted):
    frame, model = fitted
    rows = frame.iloc[5:25]
    table = model.explain(rows)
    assert list(table.columns) == ["size", "kind", "day", "note", "base", "base_"]
    assert table.index.equals(rows.index)
    np.testing.assert_allclose(table.sum(axis=1), explained_output(model, rows), atol=1e-6)
    assert table[["day", "note", "base"]].abs().mean().max() < table["size"].abs().mean()


def test_a_loaded_model_explains_identically(fitted, tmp_path):
    frame, model = fitted
    model.save(tmp_path / "m")
    pd.testing.assert_frame_equal(load(tmp_path / "m").explain(frame.head(4)), model.explain(frame.head(4)))


def test_the_classes_of_a_row_are_explained_by_contributions_that_cancel_out():
    frame, value = table()
    model = fit(frame, pd.Series(TARGETS["multiclass"](value), name="what"), trials=1, folds=2)
    each = [model.explain(frame.head(3), label=label) for label in model.classes]
    total = sum(part.to_numpy() for part in each)
    np.testing.assert_allclose(total[:, :-1], 0.0, atol=1e-9)
    np.testing.assert_allclose(total[:, -1], 1.0, atol=1e-9)


def test_an_additive_model_is_explained_by_its_own_terms():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=["x", "y", "z"])
    target = pd.Series(2 * frame["x"] - 3 * frame["y"] + rng.normal(scale=0.01, size=300), name="t")
    model = fit(frame, target, interpretable=True, trials=1, folds=2)
    background = frame.head(16)
    explained = model.explain(frame.tail(5), background=background, rounds=16)
    # A linear model: the contribution of a column is its slope times the distance to the mean of the background.
    slopes = {name: _slope(model, frame, name) for name in frame}
    for name, slope in slopes.items():
        np.testing.assert_allclose(explained[name], slope * (frame[name].tail(5) - background[name].mean()), atol=1e-6)


def _slope(model, frame, name):
    lower, higher = frame.head(1).assign(**{name: 0.1}), frame.head(1).assign(**{name: 0.6})
    return (model.predict(higher).iloc[0] - model.predict(lower).iloc[0]) / 0.5


def test_reasons_name_the_columns_that_count_in_words(fitted):
    frame, model = fitted
    rows = frame.iloc[[3]].assign(size=2.5, kind=None)
    [found] = reasons(model.fitted, rows)
    assert found[0].column == "size"
    assert "size = 2.5: raises" in found[0].words or "size = 2.5: lowers" in found[0].words
    assert len(found) <= 3
    table = model.explain(rows)
    assert found[0].contribution == pytest.approx(table["size"].iloc[0])


def test_what_cannot_be_explained_is_refused(fitted):
    frame, model = fitted
    with pytest.raises(RequestError, match="no class 'nope'"):
        model.explain(frame.head(2), label="nope")
    with pytest.raises(RequestError, match="background is empty"):
        model.explain(frame.head(2), background=frame.head(0))
    with pytest.raises(RequestError, match="`rounds` is 0"):
        model.explain(frame.head(2), rounds=0)
    model.fitted.background, kept = None, model.fitted.background
    with pytest.raises(RequestError, match="holds no rows"):
        model.explain(frame.head(2))
    model.fitted.background = kept


def test_no_row_gives_no_explanation(fitted):
    frame, model = fitted
    assert model.explain(frame.head(0)).shape == (0, 6)
    assert reasons(model.fitted, frame.head(0)) == []

"""`DataPreprocessor`: fit, transform, back again, and chunk by chunk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime import DataPreprocessor
from automl_runtime.errors import BundleError, RequestError


def _rows(count=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "size": np.where(rng.random(count) < 0.1, np.nan, rng.normal(50, 9, count)),
            "income": np.where(rng.random(count) < 0.05, np.inf, np.exp(rng.normal(size=count))),
            "rooms": rng.integers(1, 5, count),
            "kind": rng.choice(["red", "green", "blue", None], count, p=[0.5, 0.2, 0.2, 0.1]),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, count), unit="D"),
            "y": rng.random(count) < 0.5,
        }
    )


@pytest.mark.parametrize("scaling", [None, "none", "standard", "minmax", "robust", "quantile", "log", "power"])
def test_numbers_come_back(scaling):
    rows = _rows().drop(columns="y")
    asked = {"scaling": scaling, "imputation": "mean", "indicator": True}
    one = DataPreprocessor(asked)
    back = one.reverse_transform(one.fit_transform(rows))
    expected = rows[["size", "income", "rooms"]].astype(float).replace(np.inf, np.nan)
    pd.testing.assert_frame_equal(back[["size", "income", "rooms"]], expected, atol=1e-6, rtol=1e-6)
    assert back["kind"].where(rows["kind"].notna()).equals(rows["kind"].astype(object))


@pytest.mark.parametrize("scaling", [None, "standard", "minmax", "log"])
@pytest.mark.parametrize("imputation", [None, "mean", "most_frequent", "constant"])
@pytest.mark.parametrize("infinities", [None, "max_value", "constant"])
def test_chunks_give_what_all_rows_give(scaling, imputation, infinities):
    rows = _rows().drop(columns="y")
    asked = {"scaling": scaling, "imputation": imputation, "infinities": infinities}
    asked["indicator"] = True if imputation else None
    chunks = DataPreprocessor(asked)
    for part in np.array_split(np.arange(300), 7):
        chunks.partial_fit(rows.iloc[part])
    fresh = _rows(50, seed=1)
    whole = DataPreprocessor(asked).fit(rows).transform(fresh)
    pd.testing.assert_frame_equal(chunks.transform(fresh), whole, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scaling": "quantile"}, "`scaling: quantile` cannot be learned by partial_fit; possible in chunks: none"),
        ({"imputation": "median"}, "`imputation: median`"),
        ({"infinities": "median"}, "`infinities: median`"),
        ({"outliers": "iqr"}, "`outliers: iqr` cannot be learned by partial_fit; it needs all rows"),
        ({"selection": "k_best"}, "`selection: k_best`"),
        ({"encoding": "onehot"}, "`encoding: onehot`"),
    ],
)
def test_what_needs_all_rows_is_refused_by_name(asked, words):
    with pytest.raises(RequestError, match=words):
        DataPreprocessor(asked).partial_fit(_rows())


@pytest.mark.parametrize("encoding", [None, "onehot", "ordinal", "target", "frequency"])
def test_a_saved_one_does_the_same(encoding, tmp_path):
    asked = {"infinities": "max_value", "outliers": "iqr", "imputation": "most_frequent", "scaling": "power"}
    one = DataPreprocessor(asked | {"encoding": encoding, "selection": "k_best"}).fit(_rows(), "y")
    one.save(tmp_path)
    fresh = _rows(40, seed=1).assign(kind="unseen")
    pd.testing.assert_frame_equal(DataPreprocessor.load(tmp_path).transform(fresh), one.transform(fresh))


@pytest.mark.parametrize("name", ["preprocessor.json", "arrays.npz"])
def test_a_broken_file_is_refused(name, tmp_path):
    DataPreprocessor({"scaling": "minmax"}).fit(_rows()).save(tmp_path)
    (tmp_path / name).write_text("{}")
    with pytest.raises(BundleError, match="cannot be read"):
        DataPreprocessor.load(tmp_path)


def test_names_say_where_a_column_comes_from():
    asked = {"imputation": "median", "indicator": True, "encoding": "onehot", "max_categories": 3}
    made = DataPreprocessor(asked).fit_transform(_rows().drop(columns="y"))
    assert {"size", "size.missing", "rooms", "seen.month", "kind=red"} <= set(made.columns)
    assert made.filter(like="kind=").shape[1] == 3
    assert made.notna().all(axis=None)
    assert (made.filter(like="kind=").sum(axis=1) == 1).all()


def test_a_target_is_needed_where_columns_are_judged_by_one():
    rows = _rows()
    with pytest.raises(RequestError, match="need a target"):
        DataPreprocessor({"selection": "k_best"}).fit(rows)
    made = DataPreprocessor({"selection": "importance", "k": 2, "encoding": "target"}).fit_transform(rows, "y")
    assert made.shape[1] in (2, 3)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda: DataPreprocessor().transform(_rows()), "has not been fitted"),
        (lambda: DataPreprocessor({"imbalance": "smote"}), "pass it to `fit`"),
        (lambda: DataPreprocessor({"scaling": "minmx"}), "did you mean `minmax`"),
    ],
)
def test_misuse_is_explained(act, words):
    with pytest.raises(RequestError, match=words):
        act()

"""Fitted steps give what scikit-learn's transformers give, and learn from the rows that train alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.encodings import fit_encoding
from automl_runtime.engine.feature_selection import fit_selection
from automl_runtime.engine.folds import Fold
from automl_runtime.engine.imbalance import class_weights, even_out
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.outliers import fit_bounds, outlying_rows
from automl_runtime.engine.preprocessing import RECIPES, fit_design
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.steps import fit_number_steps, prepare
from automl_runtime.engine.target_means import Target
from automl_runtime.engine.workspace import Workspace
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.parts import Design
from automl_schemas.preprocessing import PreprocessingSpec
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils.class_weight import compute_class_weight


def _numbers(rows=300, seed=0):
    """With ties, a constant, skew, negative and missing cells."""
    rng = np.random.default_rng(seed)
    values = np.column_stack(
        [
            rng.normal(5, 3, rows),
            np.exp(rng.normal(size=rows)),
            -np.exp(rng.normal(size=rows)),
            rng.integers(0, 5, rows),
            np.full(rows, 7.0),
        ]
    ).astype(float)
    values[rng.random(values.shape) < 0.1] = np.nan
    return values


def _encoded(numbers):
    return Encoded(numbers, np.empty((len(numbers), 0), dtype=np.int32), ())


def _through(numbers, fresh, **asked):
    """`fresh` after the steps that were fitted on `numbers`."""
    data = _encoded(fresh)
    for step in fit_number_steps(_encoded(numbers), PreprocessingSpec(**asked), 0):
        data = step.apply(data)
    return data.numbers


@pytest.mark.parametrize(
    ("scaling", "theirs"),
    [
        ("standard", StandardScaler()),
        ("minmax", MinMaxScaler()),
        ("robust", RobustScaler()),
        ("quantile", QuantileTransformer(n_quantiles=300)),
        ("power", PowerTransformer()),
    ],
)
def test_scaling_equals_scikit_learn(scaling, theirs):
    # Of a constant, scikit-learn's powers make rounding errors.
    width = 4 if scaling == "power" else 5
    numbers, fresh = _numbers()[:, :width], _numbers(seed=1)[:, :width]
    theirs.fit(numbers)
    for rows in (numbers, fresh):
        np.testing.assert_allclose(_through(numbers, rows, scaling=scaling), theirs.transform(rows), atol=1e-9)


@pytest.mark.parametrize("imputation", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("indicator", [False, True])
def test_imputation_equals_scikit_learn(imputation, indicator):
    numbers, fresh = _numbers(), _numbers(seed=1)
    theirs = SimpleImputer(strategy=imputation, fill_value=3.5, add_indicator=indicator).fit(numbers)
    refined = {"fill_value": 3.5} if imputation == "constant" else {}
    ours = _through(numbers, fresh, imputation=imputation, indicator=indicator, **refined)
    np.testing.assert_allclose(ours, theirs.transform(fresh), atol=1e-9)


def test_a_logarithm_keeps_the_sign():
    numbers = np.array([[-np.e + 1], [0.0], [np.e - 1], [np.nan]])
    np.testing.assert_allclose(_through(numbers, numbers, scaling="log")[:, 0], [-1, 0, 1, np.nan])


@pytest.mark.parametrize(
    ("asked", "high", "low"),
    [
        ({"infinities": "max_value"}, 4.0, -2.0),
        ({"infinities": "median"}, 1.0, 1.0),
        ({"infinities": "constant", "infinite_value": 9.0}, 9.0, 9.0),
        ({"infinities": "constant"}, 0.0, 0.0),
    ],
)
def test_infinite_numbers_become_what_was_asked(asked, high, low):
    numbers = np.array([[np.inf], [-np.inf], [4.0], [1.0], [-2.0], [np.nan]])
    np.testing.assert_array_equal(_through(numbers, numbers, **asked)[:, 0], [high, low, 4, 1, -2, np.nan])


@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "robust", "quantile", "log", "power"])
@pytest.mark.parametrize(
    "column", [np.full(20, np.nan), np.full(20, 3.0), np.r_[np.full(19, np.nan), 1.0], np.full(20, 1e30)]
)
def test_columns_without_anything_to_learn_break_nothing(scaling, column):
    made = _through(column[:, None], column[:, None], scaling=scaling, imputation="mean", outliers="iqr")
    assert np.isfinite(made).all()


@pytest.mark.parametrize(
    ("action", "stands_for_far"), [("clip", "high"), ("winsorize", 3.0), ("mean", np.mean([0, 1, 2, 3] * 10))]
)
@pytest.mark.parametrize("method", ["iqr", "zscore"])
def test_outliers_are_changed_as_asked_and_nothing_else(method, action, stands_for_far):
    numbers = np.array([0.0, 1.0, 2.0, 3.0] * 10 + [1000.0])[:, None]
    bounds = fit_bounds(numbers, method, action, 0)
    made = bounds.apply(_encoded(numbers)).numbers[:, 0]
    np.testing.assert_array_equal(made[:-1], numbers[:-1, 0])
    assert made[-1] == pytest.approx(bounds.high[0] if stands_for_far == "high" else stands_for_far)


def test_the_limits_are_the_textbook_ones():
    numbers = np.random.default_rng(0).normal(size=(1000, 1))
    first, third = np.percentile(numbers, (25, 75))
    iqr, zscore, share = (fit_bounds(numbers, method, "clip", 0) for method in ("iqr", "zscore", "percentile"))
    assert (iqr.low[0], iqr.high[0]) == pytest.approx((2.5 * first - 1.5 * third, 2.5 * third - 1.5 * first))
    assert zscore.high[0] == pytest.approx(numbers.mean() + 3 * numbers.std())
    assert (share.low[0], share.high[0]) == pytest.approx(tuple(np.percentile(numbers, (1, 99))))


def test_flags_have_no_outliers_however_rare():
    flags = np.r_[np.zeros(990), np.ones(10)][:, None]
    for method in ("iqr", "zscore", "percentile"):
        assert not outlying_rows(flags, method, 0).any()


def test_an_isolation_forest_finds_rows_that_no_column_gives_away():
    rng = np.random.default_rng(0)
    along = rng.normal(size=400)
    numbers = np.column_stack([along, along + rng.normal(scale=0.05, size=400)])
    numbers[0] = [8.0, -8.0]
    assert outlying_rows(numbers, "isolation_forest", 0)[0]
    assert outlying_rows(numbers, "isolation_forest", 0).mean() < 0.5


def _categories():
    rng = np.random.default_rng(0)
    cells = rng.choice(["pear", "apple", "fig", "nut", "kiwi", None], 500, p=[0.3, 0.25, 0.2, 0.15, 0.06, 0.04])
    frame = pd.DataFrame({"fruit": cells})
    return frame, Encoder(make_columns(frame, None))


def test_one_hot_with_most_categories_equals_scikit_learn():
    frame, encoder = _categories()
    theirs = OneHotEncoder(max_categories=4, handle_unknown="infrequent_if_exist", sparse_output=False).fit(frame)
    block, _ = fit_encoding("onehot", encoder.encode(frame), np.array([0]), Target(np.zeros(500), 0), most=4)
    fresh = pd.DataFrame({"fruit": ["pear", "kiwi", None, "unseen", "apple"]})
    ours, expected = block.transform(encoder.encode(fresh)), theirs.transform(fresh)
    assert ours.shape == expected.shape
    # Columns stand in another order: by how frequent a level is in all rows.
    assert sorted(map(tuple, ours.T)) == sorted(map(tuple, expected.T))


def test_ordinal_equals_scikit_learn():
    frame, encoder = _categories()
    theirs = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1).fit(frame)
    block, _ = fit_encoding("ordinal", encoder.encode(frame), np.array([0]), Target(np.zeros(500), 0))
    fresh = pd.DataFrame({"fruit": ["pear", "kiwi", None, "unseen", "apple"]})
    np.testing.assert_array_equal(block.transform(encoder.encode(fresh)), theirs.transform(fresh))


def test_frequencies_are_shares_of_the_rows_that_train():
    frame, encoder = _categories()
    block, _ = fit_encoding("frequency", encoder.encode(frame), np.array([0]), Target(np.zeros(500), 0))
    made = block.transform(encoder.encode(pd.DataFrame({"fruit": ["pear", None, "unseen"]})))[:, 0]
    np.testing.assert_allclose(made, [(frame["fruit"] == "pear").mean(), frame["fruit"].isna().mean(), 0.0])


def test_k_best_equals_scikit_learn():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(200, 8))
    y = numbers[:, 6] + 0.5 * numbers[:, 1] + rng.normal(scale=0.3, size=200)
    kept = fit_selection(_encoded(numbers), Target(y, 0), "k_best", 3, 0).numbers
    np.testing.assert_array_equal(kept, SelectKBest(f_regression, k=3).fit(numbers, y).get_support(indices=True))


@pytest.mark.parametrize("method", ["k_best", "recursive", "importance"])
def test_numbers_and_categories_that_tell_something_are_kept(method):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"n{place}": rng.normal(size=400) for place in range(6)})
    frame["useful"], frame["useless"] = rng.choice(list("abc"), 400), rng.choice(list("abc"), 400)
    y = (frame["n4"] + 2 * (frame["useful"] == "b") > 0.5).to_numpy(float)
    data = Encoder(make_columns(frame, None)).encode(frame)
    kept = fit_selection(data, Target(y, 2), method, 0.25, 0)
    assert (kept.numbers.tolist(), kept.codes.tolist()) == ([4], [0])


def test_class_weights_equal_scikit_learn():
    codes = np.array([0] * 7 + [1] * 2 + [2])
    np.testing.assert_allclose(class_weights(codes, 3), compute_class_weight("balanced", classes=np.arange(3), y=codes))


def _uneven():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=100), "b": rng.normal(size=100), "flag": rng.random(100) < 0.5})
    frame["kind"] = rng.choice(["x", "y", None], 100)
    frame.loc[:4, "a"] = np.nan
    codes = np.r_[np.zeros(85, dtype=int), np.ones(15, dtype=int)]
    return Encoder(make_columns(frame, None)).encode(frame), codes


@pytest.mark.parametrize(("how", "most"), [("oversample", 85), ("undersample", 15), ("smote", 85)])
def test_classes_are_even_afterwards_and_rows_keep_their_class(how, most):
    data, codes = _uneven()
    made, rows = even_out(data, codes, how, 0)
    assert np.bincount(codes[rows]).tolist() == [most, most]
    assert len(made) == len(rows)
    if how != "smote":
        np.testing.assert_array_equal(made.numbers, data.numbers[rows])


def test_synthetic_rows_lie_between_rows_of_their_class():
    data, codes = _uneven()
    made, _ = even_out(data, codes, "smote", 0)
    rare, new = data.numbers[codes == 1], made.numbers[100:]
    np.testing.assert_array_equal(made.numbers[:100], data.numbers)
    assert (new >= rare.min(axis=0)).all()
    assert (new <= rare.max(axis=0)).all()
    assert len(np.unique(new[:, 0])) > 30
    flag = [place for place in range(3) if len(np.unique(rare[:, place])) == 2]
    assert set(np.unique(new[:, flag])) <= {0.0, 1.0}
    assert set(np.unique(made.codes[100:])) <= set(np.unique(data.codes[codes == 1]))


def test_a_class_of_one_row_is_repeated():
    data, codes = _uneven()
    made, _ = even_out(data.take(np.arange(86)), codes[:86], "smote", 0)
    np.testing.assert_array_equal(made.numbers[86:], np.repeat(data.numbers[85:86], 84, axis=0))


_EVERYTHING = PreprocessingSpec(
    infinities="max_value",
    outliers="percentile",
    imputation="most_frequent",
    indicator=True,
    scaling="quantile",
    encoding="target",
    selection="k_best",
    imbalance="smote",
)


def _mixed(changed):
    """90 rows; when `changed`, the last 30 are others."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=90), "b": rng.normal(size=90), "c": rng.choice(list("uvw"), 90)})
    encoder = Encoder(make_columns(frame, None))
    y = rng.integers(0, 2, 90).astype(float)
    if changed:
        frame.loc[60:, ["a", "b"]] *= 1000.0
        frame.loc[60:, "c"] = "u"
        y[60:] = 1 - y[60:]
    return encoder.encode(frame), y


def _fold_of(changed, recipe, asked=_EVERYTHING):
    data, y = _mixed(changed)
    fold = Fold(np.arange(60), np.arange(60, 90))
    problem = Problem("binary", "roc_auc", "y", y, (0, 1))
    return Workspace(problem, data, [fold], 0, asked).fold_data(recipe, 0)


@pytest.mark.parametrize("recipe", RECIPES)
def test_rows_that_validate_teach_nothing(recipe):
    one, other = _fold_of(False, recipe), _fold_of(True, recipe)
    np.testing.assert_array_equal(one.train_matrix(), other.train_matrix())
    np.testing.assert_array_equal(one.fold.train, other.fold.train)
    assert not np.array_equal(one.valid_matrix(), other.valid_matrix())


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_fit_on_a_fold_is_a_fit_on_a_frame_of_that_fold(recipe):
    data, y = _mixed(False)
    alone = prepare(data.take(np.arange(60)), Target(y[:60], 2), _EVERYTHING, 0)
    fitted = fit_design(recipe, alone.data, alone.target, 0, _EVERYTHING)
    fold = _fold_of(False, recipe)
    np.testing.assert_array_equal(fitted.matrix, fold.train_matrix())
    np.testing.assert_array_equal(
        Design(fitted.design.blocks, alone.steps).matrix(data.take(np.arange(60, 90))), fold.valid_matrix()
    )


@pytest.mark.parametrize("recipe", ["trees", "linear"])
def test_outliers_are_removed_from_the_rows_that_train_only(recipe):
    fold = _fold_of(False, recipe, PreprocessingSpec(outliers="percentile", outlier_action="remove"))
    assert len(fold.fold.train) == len(fold.train_matrix()) < 60
    assert len(fold.valid_matrix()) == 30

from __future__ import annotations

import numpy as np
import pytest
from automl_runtime.engine.folds import choose_validation, make_folds
from automl_runtime.engine.problem import Problem
from hypothesis import given, settings
from hypothesis import strategies as st


def _problem(y, classes=(), **more):
    return Problem("regression" if not classes else "multiclass", "rmse", "y", np.asarray(y, float), classes, **more)


def _is_partition(folds, rows):
    for fold in folds:
        assert len(fold.train)
        assert sorted([*fold.train, *fold.valid]) == list(range(rows))
    assert sorted(row for fold in folds for row in fold.valid) == list(range(rows))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), rows=st.integers(10, 200), folds=st.integers(2, 6))
def test_stratified_folds_hold_the_share_of_each_class(seed, rows, folds):
    codes = np.random.default_rng(seed).integers(0, 3, rows)
    made = make_folds(_problem(codes, (0, 1, 2)), "stratified", folds, seed)
    _is_partition(made, rows)
    for code in range(3):
        counts = [int((codes[fold.valid] == code).sum()) for fold in made]
        assert max(counts) - min(counts) <= 2


def test_values_are_stratified_by_rank():
    y = np.random.default_rng(0).exponential(size=1000)
    means = [y[fold.valid].mean() for fold in make_folds(_problem(y), "stratified", 5, 0)]
    assert np.ptp(means) < 0.15


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), groups=st.integers(2, 60), folds=st.integers(2, 5))
def test_groups_are_never_divided(seed, groups, folds):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, 300)
    _, group = np.unique(group, return_inverse=True)
    made = make_folds(_problem(rng.integers(0, 2, 300), (0, 1), groups=group), "grouped", folds, seed)
    _is_partition(made, 300)
    for fold in made:
        assert not set(group[fold.train]) & set(group[fold.valid])


def test_one_large_group_leaves_the_others_balanced():
    group = np.append(np.zeros(500, int), 1 + np.arange(500))
    made = make_folds(_problem(np.zeros(1000), groups=group), "grouped", 5, 0)
    assert sorted(len(fold.valid) for fold in made)[:4] == [100] * 4 or max(len(f.valid) for f in made) <= 600


def test_temporal_folds_train_on_what_is_strictly_earlier():
    time = np.random.default_rng(0).integers(0, 40, 400).astype(float)
    made = make_folds(_problem(np.zeros(400), time=time), "temporal", 5, 0)
    assert len(made) == 3
    for fold in made:
        assert time[fold.train].max() < time[fold.valid].min()


def test_one_fold_validates_on_a_fifth():
    (fold,) = make_folds(_problem(np.arange(100)), "stratified", 1, 0)
    assert (len(fold.train), len(fold.valid)) == (80, 20)


def test_random_folds_are_even():
    _is_partition(make_folds(_problem(np.arange(53)), "random", 5, 0), 53)


@pytest.mark.parametrize(
    ("asked", "more", "chosen"),
    [
        ("stratified", {}, "stratified"),
        ("random", {}, "random"),
        ("stratified", {"groups": np.array([0, 0, 1])}, "grouped"),
        ("stratified", {"groups": np.array([0, 1, 2])}, "stratified"),
        ("stratified", {"groups": np.array([0, 0, 0])}, "stratified"),
        ("grouped", {}, "stratified"),
        ("temporal", {"time": np.array([1.0, 2.0, 3.0])}, "temporal"),
        ("temporal", {"time": np.array([1.0, 1.0, 1.0])}, "stratified"),
        ("temporal", {}, "stratified"),
    ],
)
def test_validation_is_chosen_by_what_is_known(asked, more, chosen):
    assert choose_validation(_problem(np.zeros(3), **more), asked) == chosen


def test_times_that_hardly_differ_give_stratified_folds():
    time = np.append([0.0, 0.0], np.ones(98))
    _is_partition(make_folds(_problem(np.arange(100), time=time), "temporal", 5, 0), 100)


def test_windows_validate_after_all_rows_that_train_for_them():
    time = np.arange(60.0) % 30
    windows = np.where(np.arange(60) < 30, -1, np.maximum(-1, np.arange(60) % 30 // 5 - 3))
    made = make_folds(_problem(np.zeros(60), time=time, windows=windows), "temporal", 2, 0)
    assert [sorted(set(time[fold.valid])) for fold in made] == [[20, 21, 22, 23, 24], [25, 26, 27, 28, 29]]
    assert [time[fold.train].max() for fold in made] == [19, 24]
    # Rows that only train lie in the windows too, and train for the later ones.
    assert all((windows[fold.valid] >= 0).all() for fold in made)
    assert [len(fold.train) for fold in made] == [40, 50]


def test_a_window_that_nothing_is_before_does_not_validate():
    time, windows = np.arange(20.0), np.repeat([0, 1], 10)
    (fold,) = make_folds(_problem(np.zeros(20), time=time, windows=windows), "temporal", 5, 0)
    assert fold.valid.tolist() == list(range(10, 20))

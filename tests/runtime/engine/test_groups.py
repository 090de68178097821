"""What a category says together with another column: found where it tells something, learned out of fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from automl_runtime.engine.fit import fit
from automl_runtime.engine.groups import can_group, fit_groups
from automl_runtime.engine.kinds import make_columns
from automl_runtime.engine.target_means import Target
from automl_runtime.inference.encoding import MISSING, UNSEEN, Encoder
from automl_runtime.inference.groups import GROUP_STATISTICS, CrossedMeans, Grouped
from automl_runtime.inference.model import load


def _rows(count=900, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "shop": [f"s{place}" for place in rng.integers(0, 12, count)],
            "item": [f"i{place}" for place in rng.integers(0, 12, count)],
            "price": rng.gamma(4.0, size=count) * 2,
        }
    )


def _together(rows):
    """A value of each combination of two categories, which neither has alone."""
    codes = rows["shop"].str[1:].astype(int) * 12 + rows["item"].str[1:].astype(int)
    values = np.random.default_rng(7).normal(size=(12, 12))
    values -= values.mean(axis=0)
    return (values - values.mean(axis=1, keepdims=True)).ravel()[codes]


def _among_its_like(rows):
    """Adds to the price what the shop takes; the target is what is left of it."""
    levels = np.random.default_rng(8).normal(size=12)[rows["shop"].str[1:].astype(int)] * 30
    return rows.assign(price=rows["price"] + levels), rows["price"].to_numpy()


def _encode(rows):
    encoder = Encoder(make_columns(rows, None))
    return encoder, encoder.encode(rows)


def _block(rows, y, kind):
    encoder, data = _encode(rows)
    found = fit_groups(data, Target(np.asarray(y, dtype=float), 0), 0)
    return encoder, data, next((block, made) for block, made in found if isinstance(block, kind))


def test_categories_that_act_together_are_found_out_of_fold():
    rows = _rows()
    y = _together(rows) + np.random.default_rng(1).normal(scale=0.1, size=len(rows))
    _, data, (block, made) = _block(rows, y, CrossedMeans)
    assert np.corrcoef(made[:, 0], y)[0, 1] > 0.7
    assert np.corrcoef(block.transform(data)[:, 0], y)[0, 1] > np.corrcoef(made[:, 0], y)[0, 1]


def test_combinations_that_were_not_seen_say_nothing():
    rows = _rows()
    encoder, _, (block, _) = _block(rows, _together(rows), CrossedMeans)
    strange = encoder.encode(pd.DataFrame({"shop": ["s0", None, "new"], "item": ["new", "i1", None], "price": 1.0}))
    assert set(strange.codes.ravel()) >= {UNSEEN, MISSING}
    np.testing.assert_array_equal(block.transform(strange), 0.0)


def test_a_number_is_compared_with_its_like():
    rows, y = _among_its_like(_rows())
    encoder, data, (block, made) = _block(rows, y, Grouped)
    named = {GROUP_STATISTICS[kept % len(GROUP_STATISTICS)] for kept in block.kept}
    assert named & {"difference", "rank"}
    assert max(abs(np.corrcoef(column, y)[0, 1]) for column in made.T) > 0.9
    np.testing.assert_array_equal(made, block.transform(data))
    strange = encoder.encode(pd.DataFrame({"shop": ["new", "s1", "s2"], "item": "i1", "price": [9.0, None, np.inf]}))
    found = block.transform(strange)
    assert np.isfinite(found[0]).all() or "ratio" in named
    assert np.isnan(found[1:]).any(axis=1).all()


def test_statistics_of_a_level_lean_on_all_rows_when_it_is_rare():
    rows = pd.DataFrame({"kind": ["a"] * 500 + ["b"] * 499 + ["c"], "x": [*range(500), *range(1000, 1499), 5000]})
    encoder, _, (block, _) = _block(rows, rows["x"] % 500, Grouped)
    center = rows["x"].mean()
    wanted = (rows["x"][:500].sum() + 10 * center) / 510, (5000 + 10 * center) / 11, center
    codes = encoder.encode(pd.DataFrame({"kind": ["a", "c", "new"], "x": 0.0})).codes[:, 0]
    np.testing.assert_allclose(block.means[codes - UNSEEN], wanted)


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"a": ["x", "y"] * 25}),
        pd.DataFrame({"a": ["x", "y"] * 25, "b": ["same"] * 50, "c": [1, 2] * 25}),
        pd.DataFrame({"a": range(50), "b": range(50)}),
    ],
)
def test_what_has_nothing_to_group_is_left_alone(rows):
    _, data = _encode(rows)
    assert not can_group(data)
    assert fit_groups(data, Target(np.arange(50.0), 0), 0) == []


def test_all_boosters_get_what_helps_and_none_what_does_not(tmp_path):
    rows, y = _among_its_like(_rows(600))
    noise = np.random.default_rng(1).normal(scale=0.1, size=600)
    useful = fit(rows.assign(y=y + noise), "y", trials=11, folds=3)
    useless = fit(rows.assign(y=noise + (rows["shop"] == "s1")), "y", trials=11, folds=3)
    tried = [trial["model"].startswith("lightgbm_groups") for trial in useful.trials].index(True)
    later = [trial for trial in useful.trials[tried:] if trial["learner"] in ("lightgbm", "catboost")]
    assert len(later) > 1
    assert all(trial["params"]["groups"] for trial in later)
    assert len([trial for trial in useless.trials if trial["params"].get("groups")]) == 1
    useful.save(tmp_path)
    loaded = load(tmp_path)
    data = loaded.encoder.encode(rows)
    np.testing.assert_array_equal(loaded.outputs(data), useful.fitted.outputs(data))

"""Strange rows are found, explained, and counted."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.engine.anomaly.isolation import isolation
from automl_runtime.engine.anomaly.tails import fit_tails
from automl_runtime.errors import BundleError, Cancelled, RequestError, SchemaMismatchError, TrainingError
from automl_runtime.events import Progress
from engine_jobs import ODD_COLUMNS
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score, roc_auc_score


def _payments(rows=1_500, seed=0):
    """Payments whose fee follows the amount; 30 are strange: huge, of a rare kind, of the wrong fee, or long ago."""
    rng = np.random.default_rng(seed)
    amount = rng.lognormal(3, 0.5, rows)
    frame = pd.DataFrame({"amount": amount, "fee": amount * 0.02 + rng.normal(0, 0.02, rows)})
    frame["kind"] = rng.choice(["card", "cash", "wire"], rows, p=[0.6, 0.3, 0.1])
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, rows), unit="D")
    frame["size"] = rng.normal(size=rows)
    strange = np.zeros(rows, dtype=bool)
    chosen = rng.permutation(rows)[:30]
    strange[chosen] = True
    frame.loc[chosen[:10], ["amount", "fee"]] = [[900.0 + place, 18.0] for place in range(10)]
    frame.loc[chosen[10:20], "fee"] = 3.0
    frame.loc[chosen[20:25], "kind"] = "barter"
    frame.loc[chosen[25:], "day"] = pd.Timestamp("1999-01-01")
    return frame, strange, chosen


@pytest.fixture(scope="module")
def fitted():
    frame, strange, chosen = _payments()
    return frame, strange, chosen, fit(frame, task="anomaly", trials=3)


def test_planted_anomalies_are_found(fitted):
    frame, strange, _, model = fitted
    found = model.evaluate(frame, pd.Series(strange))
    scores = model.score_samples(frame)
    wanted = {
        "roc_auc": roc_auc_score(strange, scores),
        "average_precision": average_precision_score(strange, scores),
    }
    assert found == pytest.approx(wanted)
    assert found["roc_auc"] > 0.93
    assert found["average_precision"] > 0.5


def test_scores_are_shares_of_the_training_rows(fitted):
    frame, _, _, model = fitted
    scores = model.score_samples(frame)
    assert (scores.min(), scores.max()) == (0.0, 1.0)
    assert scores.rank().sub(1).div(len(frame) - 1).sub(scores).abs().max() < 0.002
    assert model.predict(frame).dtype == bool
    assert model.predict(frame).mean() == pytest.approx(model.contamination)
    assert 0.001 < model.contamination < 0.1


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_asked_share_of_rows_is_strange(share):
    frame, _, _ = _payments(rows=400)
    assert fit(frame, task="anomaly", trials=2, contamination=share).predict(frame).mean() == share


def test_more_planted_anomalies_are_counted_as_more():
    rng = np.random.default_rng(0)
    counts = []
    for planted in (0, 20, 80):
        cells = rng.normal(size=(1_000, 4))
        cells[:planted] = rng.normal(size=(planted, 4)) * 9 + 20 * rng.choice([-1, 1], (planted, 4))
        frame = pd.DataFrame(cells).add_prefix("x")
        counts.append(fit(frame, task="anomaly", trials=3).predict(frame).sum())
    assert counts[0] < 12
    assert 15 < counts[1] < 40
    assert 60 < counts[2] < 110


@pytest.mark.parametrize(("place", "columns"), [(0, {"amount", "fee"}), (12, {"fee"}), (22, {"kind"}), (27, {"day"})])
def test_a_strange_row_is_explained_by_its_strange_column(fitted, place, columns):
    frame, _, chosen, model = fitted
    row = frame.loc[[chosen[place]]]
    reasons = model.explain(row, most=5)
    assert reasons["column"].iloc[0] in columns
    assert reasons["row"].eq(chosen[place]).all()
    assert reasons["share"].sum() == pytest.approx(1.0)
    assert reasons["share"].is_monotonic_decreasing
    assert reasons["value"].iloc[0] == row[reasons["column"].iloc[0]].iloc[0]


def test_what_is_typical_is_said_in_words(fitted):
    frame, _, _, model = fitted
    assert model.typical["kind"] == f"'card' ({(frame['kind'] == 'card').mean():.0%})"
    assert model.typical["day"].startswith("2024-01")
    low, high = frame["amount"].quantile([0.05, 0.95])
    assert model.typical["amount"] == f"{low:.4g} to {high:.4g}"


def test_the_isolation_forest_is_that_of_scikit_learn():
    rows = np.random.default_rng(0).normal(size=(400, 3))
    model = fit(pd.DataFrame(rows).add_prefix("x"), task="anomaly", trials=3)
    theirs = IsolationForest(n_estimators=200, max_samples=256, random_state=0).fit(rows.astype(np.float32))
    ours = isolation(model.detectors.forest, rows)
    np.testing.assert_allclose(ours, -theirs.score_samples(rows.astype(np.float32)), rtol=1e-12)


def test_tails_are_the_shares_of_rows_beyond():
    cells = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 3.0], [5.0, 4.0]])
    tails = fit_tails(cells, np.array([False, True]))
    found = np.exp(-tails.surprise(np.array([[5.0, 1.0], [9.0, 0.0], [0.0, 4.0]])))
    np.testing.assert_allclose(found, [[1 / 4, 1 / 4], [1 / 5, 1 / 5], [3 / 4, 1.0]])


def test_column_order_seed_and_batches_do_not_change_scores(fitted):
    frame, _, _, model = fitted
    again = fit(frame[frame.columns[::-1]], task="anomaly", trials=3)
    pd.testing.assert_series_equal(again.score_samples(frame), model.score_samples(frame))
    alone = pd.concat([model.score_samples(frame.iloc[[place]]) for place in range(20)])
    pd.testing.assert_series_equal(alone, model.score_samples(frame.head(20)))


def test_new_rows_may_hold_what_was_never_seen(fitted):
    frame, _, _, model = fitted
    rows = frame.head(4).assign(kind="unheard of", amount=[np.inf, None, 1e300, -1e300], extra=1)
    assert model.score_samples(rows).between(0.5, 1).all()
    assert model.predict(frame.head(0)).empty
    assert model.explain(frame.head(0)).empty
    with pytest.raises(SchemaMismatchError, match="'fee'"):
        model.predict(frame.drop(columns="fee"))


@pytest.mark.parametrize("odd", ODD_COLUMNS.values(), ids=ODD_COLUMNS)
def test_an_odd_column_does_not_break_a_fit(odd):
    frame, strange, _ = _payments()
    rows = frame.assign(odd=odd(len(frame)))
    model = fit(rows, task="anomaly", trials=2)
    assert model.evaluate(rows, pd.Series(strange))["roc_auc"] > 0.8


@pytest.mark.parametrize(
    "labels", [{True: "odd", False: "usual"}, {True: -1, False: 1}, {True: 1, False: 0}, {True: "yes", False: "no"}]
)
def test_labels_are_read_however_they_are_written(fitted, labels):
    frame, strange, _, model = fitted
    written = pd.Series(strange).map(labels)
    wanted = model.evaluate(frame, pd.Series(strange))
    assert model.evaluate(frame.assign(label=written), "label") == wanted
    assert model.evaluate(frame, written, positive=labels[True]) == wanted


def test_labels_that_do_not_fit_are_refused(fitted):
    frame, strange, _, model = fitted
    with pytest.raises(SchemaMismatchError, match="'label'"):
        model.evaluate(frame, "label")
    with pytest.raises(RequestError, match="3 labels"):
        model.evaluate(frame, pd.Series([True, False, True]))
    with pytest.raises(TrainingError, match="one class"):
        model.evaluate(frame, pd.Series(strange | True))


@pytest.mark.parametrize("trials", [1, 2, 3])
def test_a_saved_model_is_the_same(fitted, tmp_path, trials):
    frame = fitted[0]
    model = fit(frame, task="anomaly", trials=trials, metric="average_precision")
    files = model.save(tmp_path)
    again = load(tmp_path)
    pd.testing.assert_series_equal(again.score_samples(frame), model.score_samples(frame))
    pd.testing.assert_frame_equal(again.explain(frame.head()), model.explain(frame.head()))
    assert (again.threshold, again.contamination) == (model.threshold, model.contamination)
    assert (again.metric, again.typical, again.features) == (model.metric, model.typical, model.features)
    assert [file.name for file in files] == ["anomalies.json", "arrays.npz"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("forest.left", lambda array: array + 10_000_000),
        ("forest.feature", lambda array: array + 50),
        ("tails.below", lambda array: array[:-1]),
        ("tails.offsets", lambda array: array[::-1].copy()),
        ("residuals.axes", lambda array: array[:-1]),
        ("residuals.spread", lambda array: array * 0),
        ("ranks0.values", lambda array: array[::-1].copy()),
        ("final.shares", lambda array: array + 2),
        ("rarity.scale", lambda array: array[:-1]),
    ],
)
def test_damaged_arrays_are_refused(fitted, tmp_path, name, change):
    fitted[3].save(tmp_path)
    with np.load(tmp_path / "arrays.npz") as stored:
        arrays = {key: stored[key] for key in stored.files}
    np.savez(tmp_path / "arrays.npz", **(arrays | {name: change(arrays[name])}))
    with pytest.raises(BundleError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "kind"}, "`target`"),
        ({"contamination": 0}, "at most 0.5"),
        ({"contamination": 0.6}, "at most 0.5"),
        ({"clusters": 3}, "`clusters` is only"),
        ({"metric": "f1"}, "roc_auc"),
        ({"weights": "size"}, "`weights`"),
        ({"horizon": 3}, "`horizon`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        fit(_payments(rows=50)[0], **({"task": "anomaly", "trials": 1} | arguments))


def test_progress_is_reported_and_a_cancelled_fit_ends(fitted):
    events = []
    fit(fitted[0], task="anomaly", trials=3, on_event=events.append)
    messages = [event.message for event in events if isinstance(event, Progress)]
    assert "isolation forest" in messages
    with pytest.raises(Cancelled):
        fit(fitted[0], task="anomaly", cancel=lambda: True)


def test_one_detector_stands_however_short_the_time(fitted):
    frame, strange, _, _ = fitted
    model = fit(frame, task="anomaly", budget_seconds=1e-6)
    assert (len(model.detectors.ranks), model.detectors.forest) == (1, None)
    assert model.evaluate(frame, pd.Series(strange))["roc_auc"] > 0.6


def test_arrow_tables_are_taken(fitted):
    import pyarrow as pa

    frame, _, _, model = fitted
    scores = model.score_samples(pa.Table.from_pandas(frame))
    assert scores.tolist() == model.score_samples(frame).tolist()


def test_a_gap_beside_usual_cells_is_not_strange(fitted):
    frame, strange, _, _ = fitted
    holes = frame.assign(fee=frame["fee"].mask(np.arange(len(frame)) % 5 == 0))
    model = fit(holes, task="anomaly", trials=3)
    gaps = holes["fee"].isna() & ~strange
    assert abs(model.score_samples(holes)[gaps].mean() - 0.5) < 0.15


def test_categories_that_are_all_as_frequent_are_learned_from():
    frame = pd.DataFrame({"left": ["a", "b"] * 100, "right": ["x", "y"] * 100})
    broken = frame.assign(right=["y", *frame["right"][1:]])
    model = fit(broken, task="anomaly", trials=3)
    assert model.score_samples(broken).idxmax() == 0


def test_a_table_wider_than_long_is_learned_from():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 900))).add_prefix("x")
    frame.iloc[:5] += 9
    frame.iloc[10, :9] = np.nan
    assert set(fit(frame, task="anomaly", trials=3).score_samples(frame).nlargest(5).index) == set(range(5))
    assert set(fit(frame, task="clustering", clusters=2, trials=1).labels[:5]) == {1}


def test_one_record_is_as_strange_as_in_a_frame(fitted):
    frame, strange, _, model = fitted
    rows = pd.concat([frame[strange][:10], frame[:10]])
    found = [model.predict_record(record) for record in rows.to_dict("records")]
    assert found == pytest.approx(model.score_samples(rows).tolist(), abs=1e-9)
    assert pickle.loads(pickle.dumps(model)).predict_record(rows.iloc[0].to_dict()) == found[0]

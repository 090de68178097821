"""Groups are found in mixed tables, described, and found again in new rows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from automl_runtime import fit, load
from automl_runtime.errors import BundleError, Cancelled, DataError, RequestError, SchemaMismatchError, TrainingError
from automl_runtime.events import TrialFinished, Warned
from engine_jobs import ODD_COLUMNS
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score, calinski_harabasz_score, davies_bouldin_score, silhouette_score


def _groups(rows=600, groups=3, seed=0):
    """Blobs with a category and a date that go with them, columns that do not, and a tenth of the cells missing."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, groups, rows)
    centers = np.array([[0, 0], [9, 1], [3, 8], [12, 9], [-6, 7]])[:groups]
    frame = pd.DataFrame(centers[truth] + rng.normal(size=(rows, 2)), columns=["income", "visits"])
    plans = np.array(["basic", "plus", "pro", "team", "none"])
    frame["plan"] = np.where(rng.random(rows) < 0.9, plans[truth], rng.choice(plans, rows))
    frame["since"] = pd.Timestamp("2015-01-01") + pd.to_timedelta(truth * 400 + rng.integers(0, 200, rows), unit="D")
    frame["coin"] = rng.random(rows) < 0.5
    frame["noise"] = rng.normal(size=rows)
    for name in ("income", "visits", "plan", "since"):
        frame[name] = frame[name].mask(rng.random(rows) < 0.1)
    return frame, truth


@pytest.fixture(scope="module")
def fitted():
    frame, truth = _groups()
    return frame, truth, fit(frame, task="clustering", trials=12)


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_groups_of_a_mixed_table_are_recovered_and_counted(groups):
    frame, truth = _groups(groups=groups, seed=groups)
    model = fit(frame, task="clustering", trials=20)
    assert model.n_clusters == groups
    assert adjusted_rand_score(truth, model.labels) > 0.9


def test_the_labels_of_training_rows_are_what_is_predicted(fitted):
    frame, _, model = fitted
    shuffled = frame.sample(frac=1, random_state=0)[frame.columns[::-1]]
    pd.testing.assert_series_equal(model.predict(frame), model.labels)
    pd.testing.assert_series_equal(model.predict(shuffled).sort_index(), model.labels)
    sizes = model.labels.value_counts().sort_index()
    assert sizes.index.tolist() == [0, 1, 2]
    assert sizes.is_monotonic_decreasing


def test_the_order_of_columns_and_a_repetition_change_nothing(fitted):
    frame, _, model = fitted
    for again in (frame, frame[frame.columns[::-1]]):
        other = fit(again, task="clustering", trials=12)
        pd.testing.assert_series_equal(other.labels, model.labels)
        assert other.profile() == model.profile()


def test_a_number_of_clusters_is_kept_to():
    frame, truth = _groups(groups=3)
    model = fit(frame, task="clustering", clusters=4, trials=5)
    assert model.n_clusters == 4
    assert {row.model for row in model.leaderboard()} >= {"kmeans(4)", "ward(4)"}
    assert adjusted_rand_score(truth, model.labels) > 0.5


def test_scattered_rows_are_noise_and_do_not_count():
    blobs, truth = make_blobs(600, centers=[[0, 0, 0], [20, 0, 5], [0, 20, 10]], random_state=0)
    strays = np.random.default_rng(0).uniform(-8, 28, (60, 3))
    frame = pd.DataFrame(np.vstack([blobs, strays])).add_prefix("x")
    model = fit(frame, task="clustering", trials=30)
    noise = model.labels == -1
    assert model.best_model.startswith(("hdbscan", "dbscan"))
    assert noise[600:].mean() > 0.5 > 0.05 > noise[:600].mean()
    assert adjusted_rand_score(truth, model.labels[:600]) > 0.9
    assert 0 < model.cv < model.evaluate(frame[~noise])["silhouette"]
    far = pd.DataFrame([[0.0, 0.0, 0.0], [500.0, -500.0, 500.0]]).add_prefix("x")
    assert model.predict(far).tolist() == [model.labels[:600][truth == 0].mode()[0], -1]
    assert model.profile()[-1].label == -1
    assert len(model.explain(far, most=2)) == 2


def test_a_few_wild_rows_are_no_group():
    frame = pd.DataFrame(make_blobs(400, centers=[[0, 0], [9, 9]], random_state=1)[0], columns=["x", "y"])
    frame.loc[:1] = [[1e6, -1e6], [np.inf, 0.0]]
    model = fit(frame, task="clustering", trials=20)
    assert model.n_clusters == 2
    assert model.labels[2:].value_counts().min() > 180


def test_the_scores_are_those_of_scikit_learn():
    frame = pd.DataFrame(make_blobs(300, centers=3, n_features=3, random_state=0)[0]).add_prefix("x")
    model = fit(frame, task="clustering", clusters=3, trials=1)
    found = model.evaluate(frame)
    points = model.embedding.points(frame)
    assert found["silhouette"] == pytest.approx(silhouette_score(points, model.labels))
    assert found["davies_bouldin"] == pytest.approx(davies_bouldin_score(points, model.labels))
    assert found["calinski_harabasz"] == pytest.approx(calinski_harabasz_score(points, model.labels))
    assert (found["clusters"], found["noise"]) == (3, 0.0)
    with pytest.raises(DataError, match="1 clusters"):
        model.evaluate(frame[model.labels == 0])


def test_a_profile_says_what_distinguishes_a_cluster(fitted):
    frame, _, model = fitted
    for profile in model.profile():
        inside = model.labels == profile.label
        assert profile.rows == inside.sum()
        assert {trait.column for trait in profile.traits} <= {"income", "visits", "plan", "since"}
        plan = frame.loc[inside, "plan"].mode()[0]
        assert any(repr(plan) in trait.text for trait in profile.traits if trait.text.startswith("'plan' is"))
        assert f"{profile.rows} rows" in str(profile)


def test_a_row_is_explained_by_the_columns_that_bring_it_near(fitted):
    frame, _, model = fitted
    reasons = model.explain(frame.head(20), most=2)
    assert reasons["row"].value_counts().eq(2).all()
    assert not set(reasons["column"]) & {"coin", "noise"}
    assert (reasons["cluster"] == model.labels[reasons["row"]].to_numpy()).all()
    assert reasons.groupby("row")["weight"].is_monotonic_decreasing.all()


def test_new_rows_may_hold_what_was_never_seen(fitted):
    frame, _, model = fitted
    rows = frame.head(5).assign(plan="unheard of", since="no date", income=[np.inf, None, 1e300, 0, 1], extra=1)
    assert model.predict(rows).isin(range(3)).all()
    assert model.predict(frame.head(0)).empty
    with pytest.raises(SchemaMismatchError, match="'visits'"):
        model.predict(frame.drop(columns="visits"))


@pytest.mark.parametrize("odd", ODD_COLUMNS.values(), ids=ODD_COLUMNS)
def test_an_odd_column_does_not_break_a_fit(odd):
    frame, truth = _groups()
    model = fit(frame.assign(odd=odd(len(frame))), task="clustering", trials=4)
    assert adjusted_rand_score(truth, model.labels) > 0.5


def test_a_saved_model_is_the_same(fitted, tmp_path):
    frame, _, model = fitted
    files = model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    pd.testing.assert_series_equal(again.predict(frame), model.labels)
    pd.testing.assert_frame_equal(again.explain(frame.head()), model.explain(frame.head()))
    assert again.profile() == model.profile()
    assert again.leaderboard() == model.leaderboard()
    assert again.labels.tolist() == model.labels.tolist()
    assert [file.name for file in files] == ["arrays.npz", "clusters.json"]
    assert again.save(tmp_path / "again")[0].read_bytes() == files[0].read_bytes()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("points", lambda array: array[:, :-1]),
        ("points", lambda array: array.astype("f4")),
        ("references", lambda array: array - 5),
        ("reach", lambda array: array[:-1]),
        ("centers", lambda array: array[:-1]),
        ("space.scale", lambda array: array[:-1]),
        ("space.owners", lambda array: array + 99),
        ("axes", lambda array: array[1:]),
        ("space.1.table", lambda array: array[:-1]),
    ],
)
def test_damaged_arrays_are_refused(fitted, tmp_path, name, change):
    fitted[2].save(tmp_path)
    with np.load(tmp_path / "arrays.npz") as stored:
        arrays = {key: stored[key] for key in stored.files}
    np.savez(tmp_path / "arrays.npz", **(arrays | {name: change(arrays[name])}))
    with pytest.raises(BundleError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("clusters.json", b"{"), ("clusters.json", b'{"version": 9}'), ("clusters.json", b"[]"), ("arrays.npz", b"PK")],
)
def test_damaged_files_are_refused(fitted, tmp_path, name, content):
    fitted[2].save(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError):
        load(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "plan"}, "`target`"),
        ({"clusters": 0}, "1 or more"),
        ({"clusters": 10_000}, "differ"),
        ({"contamination": 0.1}, "`contamination` is only"),
        ({"metric": "rmse"}, "silhouette"),
        ({"series": ["plan"]}, "`series`"),
        ({"folds": 3}, "`folds`"),
        ({"interpretable": True}, "`interpretable`"),
        ({"models": ["linear"]}, "`models`"),
        ({"preprocessing": {"scaling": "robust"}}, "`preprocessing`"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(RequestError, match=message):
        fit(_groups()[0], **({"task": "clustering", "trials": 1} | arguments))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"x": range(5)}), "at least 10"),
        (pd.DataFrame({"x": [1.0] * 50}), "nothing to learn"),
        (pd.DataFrame({"x": range(50)}), "no column"),
        (pd.DataFrame(np.eye(20), columns=["x"] * 20), "repeat"),
    ],
)
def test_tables_without_groups_are_refused(frame, message):
    with pytest.raises(TrainingError, match=message):
        fit(frame, task="clustering", trials=1)


def test_trials_are_reported_and_weak_groups_warned_of():
    events = []
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 6))).add_prefix("x")
    model = fit(frame, task="clustering", trials=3, on_event=events.append)
    trials = [event for event in events if isinstance(event, TrialFinished)]
    assert [trial.model for trial in trials] == ["kmeans(2)", "kmeans(3)", "kmeans(4)"]
    assert trials[-1].best == model.cv == max(row.cv for row in model.leaderboard())
    assert any(isinstance(event, Warned) and "overlap" in event.text for event in events)


def test_a_cancelled_fit_ends():
    calls = iter([False] * 3 + [True] * 1_000)
    with pytest.raises(Cancelled):
        fit(_groups()[0], task="clustering", trials=50, cancel=lambda: next(calls))


def test_many_rows_are_labelled_from_a_sample():
    frame, truth = _groups(rows=45_000, groups=4)
    model = fit(frame, task="clustering", trials=4)
    assert model.n_clusters == 4
    assert adjusted_rand_score(truth, model.labels) > 0.85


def test_the_first_clustering_stands_however_short_the_time(fitted):
    model = fit(fitted[0], task="clustering", budget_seconds=1e-6)
    assert [row.model for row in model.leaderboard()] == ["kmeans(2)"]
    assert set(model.labels) == {0, 1}


def test_one_cluster_holds_all_rows_and_explains_none(fitted):
    model = fit(fitted[0], task="clustering", clusters=1, trials=9)
    assert (set(model.labels), model.cv, len(model.leaderboard())) == ({0}, 0.0, 1)
    assert model.explain(fitted[0].head()).empty


def test_arrow_tables_and_repeated_indices_are_taken(fitted):
    import pyarrow as pa

    frame, _, model = fitted
    assert model.predict(pa.Table.from_pandas(frame)).tolist() == model.labels.tolist()
    twice = frame.head(2).set_axis(["a", "a"])
    assert model.explain(twice, most=1)["row"].tolist() == ["a", "a"]


def test_gaps_are_filled_in_by_the_other_columns():
    frame, truth = _groups()
    model = fit(frame, task="clustering", clusters=3, trials=1)
    holes = frame.assign(income=None)
    assert adjusted_rand_score(truth, model.predict(holes)) > 0.8


def test_columns_that_go_with_no_other_do_not_count(fitted):
    assert fitted[2].counted == ["income", "plan", "since", "visits"]
    lonely = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
    assert fit(lonely, task="clustering", trials=1).counted == ["a", "b", "c"]


def test_texts_are_grouped_by_what_they_speak_of():
    rng = np.random.default_rng(0)
    themes = ["engine brake tyre wheel road fuel".split(), "oven flour sugar butter yeast bread".split()]
    truth = rng.integers(0, 2, 200)
    notes = [" ".join(rng.permutation(themes[theme])[:4]) + f" {rng.integers(1e6)}" for theme in truth]
    frame = pd.DataFrame({"note": notes, "amount": truth + rng.normal(size=200)})
    model = fit(frame, task="clustering", trials=1)
    assert adjusted_rand_score(truth, model.labels) > 0.85
    assert any("'note' says" in trait.text for trait in model.profile()[0].traits)
    odd = fit(frame, task="anomaly", trials=3)
    assert odd.typical["note"].endswith("characters")
    assert 0 <= odd.score_samples(frame.assign(note=None)).mean() <= 1


def test_one_record_lies_in_the_cluster_that_it_lies_in_in_a_frame(fitted):
    frame, _, model = fitted
    records = frame[:40].to_dict("records")
    assert [model.predict_record(record) for record in records] == model.predict(frame[:40]).tolist()
    assert pickle.loads(pickle.dumps(model)).predict_record(records[0]) == model.labels.iloc[0]

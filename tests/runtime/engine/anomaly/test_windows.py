"""Strange stretches of a series are found by looking back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from automl_runtime import AutoMLAnomalyDetector, fit, load
from automl_runtime.engine.anomaly.evaluation import evaluate_anomalies
from automl_runtime.engine.anomaly.habits import fit_habit
from automl_runtime.errors import BundleError, DataError, RequestError, SchemaMismatchError
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

_DAY = 24


def _series(hours=1_200, seed=0, trend=0.0):
    """Hourly numbers with a day in them and noise that remembers; true where spikes, a shift or odd days were put in."""
    rng = np.random.default_rng(seed)
    step = np.arange(hours)
    day = np.sin(2 * np.pi * step / _DAY) + 0.5 * np.sin(4 * np.pi * step / _DAY + 1)
    noise = np.zeros(hours)
    for place in range(1, hours):
        noise[place] = 0.5 * noise[place - 1] + rng.normal(0, 0.15)
    values, strange = day + noise + trend * step / hours, np.zeros(hours, dtype=bool)
    spikes = rng.choice(hours - 400, 6, replace=False) + 150
    values[spikes] += rng.choice([-1.1, 1.1], 6)
    shift, flat = slice(hours - 220, hours - 190), slice(hours - 120, hours - 96)
    values[shift] += 0.8
    values[flat] = values[flat].mean() + noise[flat]
    for part in (spikes, shift, flat):
        strange[part] = True
    moments = pd.date_range("2024-01-01", periods=hours, freq="h")
    return pd.DataFrame({"moment": moments, "load": 100 + 40 * values}), strange


@pytest.fixture(scope="module")
def fitted():
    frame, strange = _series()
    return frame, strange, fit(frame, task="anomaly", time="moment", trials=3)


@pytest.mark.parametrize("trend", [0.0, 1.5])
def test_windows_find_strange_stretches_much_better_than_rows_alone(trend):
    frame, strange = _series(trend=trend, seed=1)
    alone = frame[["load"]].assign(hour=frame["moment"].dt.hour)
    found = fit(frame, task="anomaly", time="moment", trials=3).score_samples(frame)
    beside = fit(alone, task="anomaly", trials=3).score_samples(alone)
    precision, without = (average_precision_score(strange, scores) for scores in (found, beside))
    assert precision > 0.55
    assert precision > 1.4 * without


def test_a_season_is_told_from_the_numbers(fitted):
    assert fitted[2].windows.habits["load"].profile.shape == (1, _DAY)
    assert fitted[2].windows.habits["load"].width == _DAY


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_season(seed):
    habit = fit_habit(np.random.default_rng(seed).normal(size=(1, 600)), 0, None)
    assert habit.profile.tolist() == [[0.0]]
    assert habit.width == 16


def test_later_rows_look_back_at_the_end_of_the_training_rows():
    frame, _ = _series()
    past, new = frame[:1_000], frame[1_000:]
    model = fit(past, task="anomaly", time="moment", trials=3)
    whole = model.score_samples(frame)[1_000:]
    pd.testing.assert_series_equal(model.score_samples(new), whole, rtol=1e-6)
    one = new.iloc[0].to_dict()
    assert model.predict_record(one) == pytest.approx(whole.iloc[0], abs=1e-6)


def test_no_row_looks_ahead(fitted):
    frame, _, model = fitted
    changed = frame.assign(load=frame["load"].where(frame.index < 600, 1e6))
    assert np.allclose(model.table(frame)[:600], model.table(changed)[:600])


def test_the_order_of_rows_does_not_matter(fitted):
    frame, _, model = fitted
    shuffled = frame.sample(frac=1.0, random_state=0)
    pd.testing.assert_series_equal(model.score_samples(shuffled).sort_index(), model.score_samples(frame))


def test_gaps_are_interpolated_and_rows_that_are_missing_do_not_make_others_strange(fitted):
    frame, _, model = fitted
    kept = np.random.default_rng(0).random(len(frame)) > 0.1
    kept[:30] = True
    with_gaps = model.score_samples(frame[kept])
    assert np.corrcoef(with_gaps, model.score_samples(frame)[kept])[0, 1] > 0.9


def test_each_series_is_compared_with_itself():
    frames = []
    for name, size in (("small", 1.0), ("large", 1_000.0)):
        frame, strange = _series(seed=2)
        frames.append(frame.assign(load=frame["load"] * size, site=name))
    rows = pd.concat(frames, ignore_index=True)
    model = fit(rows, task="anomaly", time="moment", series=["site"], trials=3)
    scores = model.score_samples(rows).to_numpy().reshape(2, -1)
    assert np.allclose(scores[0], scores[1], atol=0.01)
    assert average_precision_score(strange, scores[1]) > 0.5
    with pytest.raises(SchemaMismatchError, match="'elsewhere' was not among"):
        model.predict(rows.assign(site="elsewhere"))


def test_what_is_saved_scores_the_same(fitted, tmp_path):
    frame, _, model = fitted
    model.save(tmp_path)
    again = load(tmp_path)
    pd.testing.assert_series_equal(again.score_samples(frame), model.score_samples(frame))
    assert again.features == model.features == ["load", "moment"]


def test_a_changed_file_is_refused(fitted, tmp_path):
    fitted[2].save(tmp_path)
    path = tmp_path / "anomalies.json"
    record = json.loads(path.read_text())
    record["windows"]["keys"].append(["more"])
    path.write_text(json.dumps(record))
    with pytest.raises(BundleError, match="series"):
        load(tmp_path)


def test_the_report_explains_the_strangest_rows_in_their_place(fitted):
    frame, strange, model = fitted
    evaluation, view = evaluate_anomalies(model, frame, pd.Series(strange))
    assert evaluation.scores["average_precision"] > 0.5
    reasons = [reason.column for row in view.strangest for reason in row.reasons[:1]]
    assert set(reasons) & {"load: jump", "load: level", "load: spread"}
    assert [row.score for row in view.strangest] == sorted((row.score for row in view.strangest), reverse=True)


def test_the_estimator_takes_a_series():
    frame, strange = _series()
    model = AutoMLAnomalyDetector(time="moment", window=12, trials=3).fit(frame)
    assert model.model_.windows.habits["load"].width == 12
    assert average_precision_score(strange, -model.score_samples(frame)) > 0.5


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"window": 12}, "name the column of their moments"),
        ({"series": ["load"]}, "name the column of their moments"),
        ({"time": "moment", "window": 1}, "must be 2 to 600 steps"),
        ({"time": "moment", "window": 601}, "must be 2 to 600 steps"),
        ({"time": "day"}, "no column 'day'"),
        ({"time": "moment", "horizon": 3}, "`horizon`: not possible"),
        ({"time": "moment", "series": ["load"]}, "no column of numbers"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(asked, message):
    frame, _ = _series()
    with pytest.raises(RequestError, match=message):
        fit(frame, task="anomaly", trials=1, **asked)


def test_a_window_is_for_anomalies_only():
    frame, _ = _series()
    with pytest.raises(RequestError, match="`window` is only for task='anomaly'"):
        fit(frame, "load", window=12, trials=1)


def test_repeated_moments_are_refused(fitted):
    frame, _, model = fitted
    twice = pd.concat([frame, frame.tail(1)])
    with pytest.raises(DataError, match="1 rows have the same 'moment'"):
        fit(twice, task="anomaly", time="moment", trials=1)
    with pytest.raises(DataError, match="1 rows have the same 'moment'"):
        model.predict(twice)


def test_rows_that_lie_centuries_apart_are_looked_at_each_in_its_time(fitted):
    frame, _, model = fitted
    early = pd.to_datetime(["1000-01-01", "9000-01-01"], format="%Y-%m-%d").as_unit("s")
    rows = pd.concat([frame.head(2).assign(moment=early), frame.tail(2)], ignore_index=True)
    alone = [float(model.score_samples(part).iloc[0]) for part in (rows[:1], rows[1:2])]
    assert model.score_samples(rows).tolist() == pytest.approx(alone + model.score_samples(rows[2:]).tolist())
    # What is kept ends with the last row, so the last two look back one or two steps further than it reaches.
    reach = model.windows.reach
    assert model.past_known(rows).tolist() == pytest.approx([0.0, 0.0, 1 - 2 / reach, 1 - 1 / reach])


def test_more_steps_than_memory_holds_are_refused(fitted):
    moments = pd.date_range("1700-01-01", periods=180_000, freq="12D", unit="s")
    rows = pd.DataFrame({"moment": moments, "load": 100.0})
    with pytest.raises(DataError, match="more than 50,000,000"):
        fitted[2].predict(rows)


def test_the_past_goes_on_with_what_happened_since():
    frame, _ = _series()
    model = fit(frame[:900], task="anomaly", time="moment", trials=3)
    later, whole = model.continued(frame[900:1_000]), model.score_samples(frame)
    pd.testing.assert_series_equal(later.score_samples(frame[1_000:]), whole[1_000:], rtol=1e-6)
    assert later.past_known(frame[1_000:1_001]).tolist() == [1.0]
    assert 0.5 < model.past_known(frame[1_000:1_001]).iloc[0] < 0.7
    gone = frame.assign(load=frame["load"].where(~frame.index.isin(range(930, 970))))
    assert 0.8 < model.continued(gone[900:1_000]).past_known(frame[1_000:1_001]).iloc[0] < 0.9


def test_only_rows_of_a_series_have_a_past(fitted):
    frame, _, model = fitted
    assert model.past_known(frame.head(0)).empty
    alone = fit(frame[["load"]], task="anomaly", trials=1)
    assert alone.past_known(frame) is None
    with pytest.raises(RequestError, match="no series"):
        alone.continued(frame)


def test_the_report_gets_stretches_and_the_series_that_hold_them():
    frame, strange = _series()
    both = pd.concat([frame.assign(hall=hall, air=1.0 + 0.01 * frame.index % 3) for hall in ("A", "B")])
    calm = both["hall"] == "B"
    both.loc[calm, "load"] = 100 + 20 * np.sin(2 * np.pi * frame.index / _DAY)
    model = fit(both, task="anomaly", time="moment", series=["hall"], trials=3)
    _, view = evaluate_anomalies(model, both.sample(frac=1.0, random_state=0))
    first = view.series[0]
    assert (first.key, first.column, list(first.moments)) == (("A",), "load", sorted(first.moments))
    shown = pd.Series(first.strange, index=pd.to_datetime(pd.Series(first.moments)))
    assert shown[shown].index.isin(frame["moment"][strange]).mean() > 0.5
    assert [stretch.score for stretch in view.stretches] == sorted((s.score for s in view.stretches), reverse=True)
    assert max(stretch.rows for stretch in view.stretches) > 3
    assert all(stretch.first <= stretch.last for stretch in view.stretches)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=5, max_size=60), st.integers(2, 6))
def test_measures_of_any_numbers_are_finite(cells, width):
    values = np.array([[np.nan if cell is None else cell for cell in cells]])
    habit = fit_habit(values, 3, width)
    for measure in habit.measures(values, np.array([0]), np.arange(3, 3 + len(cells))).values():
        assert np.isfinite(measure).all()
        assert (measure[~np.isfinite(values)] == 0).all()

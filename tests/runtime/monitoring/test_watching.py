"""Rows are counted as the sketch counts them; a shift raises one alert, chance none, and several count together."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from automl_runtime.monitoring.reference import bins_of, sketch
from automl_runtime.monitoring.watching import DriftPolicy, DriftWatch
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

KINDS = {"height": "number", "weight": "number", "born": "date", "tag": "category", "note": "text", "alive": "boolean"}
SCHEMA = InputSchema(
    columns=[InputColumn(name=name, type=kind, plan=ColumnPlan(column=name, type=kind)) for name, kind in KINDS.items()]
)


def herd(rows, seed, shift=0.0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "height": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(shift, 1, rows)),
            "weight": draw.lognormal(3, 0.5, rows),
            "born": pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 300, rows), unit="D"),
            "tag": draw.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
            "note": ["x" * number for number in draw.integers(1, 40, rows)],
            "alive": pd.array(draw.random(rows) < 0.5, dtype="boolean"),
        }
    )


def chances(rows, shift=0.0):
    return pd.Series(1 / (1 + np.exp(-rows["height"].fillna(0) + shift)))


def watch(batch=400, **more):
    rows = herd(3000, 0)
    policy = DriftPolicy(rows=batch, seconds=0)
    return DriftWatch(sketch(rows, SCHEMA, chances(rows)), policy, frozenset({"born"}), **more)


def fed(watch, rows):
    return watch.add(watch.vector(dict(rows.items()), len(rows), chances(rows)))


def plain(values):
    """The values of a column as a request has them after parsing."""
    moments = pd.api.types.is_datetime64_any_dtype(values)
    found = [value.to_pydatetime() for value in values] if moments else values.astype(object).tolist()
    return [None if value is pd.NA or value != value else value for value in found]


def test_plain_values_and_frames_are_counted_as_the_sketch_counts():
    rows, one = herd(500, 1, shift=2.0), watch()
    by_frame = one.vector(dict(rows.items()), 500)
    by_value = one.vector({name: plain(rows[name]) for name in rows}, 500)
    assert by_value == pytest.approx(by_frame)
    for column in one.reference.columns:
        assert (
            one.counts.columns[column.name].counts(by_value).tolist() == bins_of(column, rows[column.name])[1].tolist()
        )
    assert one.counts.columns["height"].mean(by_value) == pytest.approx(rows["height"].mean())


def test_the_largest_numbers_there_are_leave_every_figure_finite():
    one = watch()
    one.add(one.vector({"height": [1.7e308, -1.7e308] * 200}, 400))
    height = next(each for each in one.report().columns if each.column == "height")
    assert np.isfinite([height.psi, height.jensen_shannon, height.wasserstein, *height.mean]).all()
    assert height.wasserstein > 1e280


def test_infinities_new_words_and_nothing_have_their_bins():
    one = watch()
    vector = one.vector({"height": [None, float("inf"), 0.0], "tag": ["new", None, "a"], "unknown": [1, 2, 3]}, 3)
    assert one.counts.columns["height"].counts(vector)[-2:].tolist() == [0, 2]
    assert one.counts.columns["tag"].counts(vector).tolist() == [1, 0, 0, 1, 1]
    assert vector[-1] == 3


def test_a_shift_raises_one_alert_within_three_batches_and_ends_when_it_is_over():
    one = watch()
    assert [fed(one, herd(400, seed)) for seed in range(1, 11)] == [None] * 10
    raised = [fed(one, herd(400, seed, shift=1.0)) for seed in range(11, 31)]
    assert [place for place, alert in enumerate(raised) if alert is not None] == [1]
    assert raised[1].active
    assert {"height", "prediction"} <= set(raised[1].columns)
    assert one.report().alert.number == 1
    ended = [alert for seed in range(31, 41) if (alert := fed(one, herd(400, seed))) is not None]
    assert [(alert.active, alert.columns, alert.number) for alert in ended] == [(False, (), 1)]


@pytest.mark.parametrize("batch", [100, 400])
def test_no_shift_raises_no_alert(batch):
    one = watch(batch)
    assert [fed(one, herd(batch, seed)) for seed in range(100, 300)] == [None] * 200
    assert one.report().windows == 200


def test_time_goes_on_and_is_no_alert():
    one = watch()
    for seed in range(4):
        rows = herd(400, seed)
        assert fed(one, rows.assign(born=rows["born"] + pd.Timedelta(days=700))) is None
    report = one.report()
    assert (report.columns[0].column, report.columns[0].judged) == ("born", False)
    assert report.columns[0].psi > 1


def test_a_window_waits_for_its_rows_and_its_time():
    now = [1000.0]
    rows = herd(3000, 0)
    one = DriftWatch(sketch(rows, SCHEMA), DriftPolicy(rows=100, seconds=60), clock=lambda: now[0])
    fed(one, herd(400, 1, shift=3))
    assert (one.report().windows, one.report().enough, one.glance()) == (0, True, (0.0, False))
    now[0] += 61
    fed(one, herd(1, 2))
    assert one.report().windows == 1
    assert one.glance()[0] > 1
    assert one.report().since == 1000.0


def test_the_report_tells_each_distance_and_the_prediction():
    one = watch()
    empty = one.report()
    assert (empty.rows, empty.enough, {each.psi for each in empty.columns}) == (0, False, {0.0})
    for seed in range(3):
        fed(one, herd(400, seed, shift=1.0))
    report = one.report()
    assert (report.rows, report.window_rows, report.enough) == (1200, 400, True)
    height = next(each for each in report.columns if each.column == "height")
    assert height == next(each for each in report.columns if each.judged)
    assert 0.5 < height.psi < 2
    assert 0.05 < height.jensen_shannon < 0.3
    assert height.wasserstein == pytest.approx(1.0, abs=0.15)
    assert (height.alert, height.p_value < 1e-6) == (True, True)
    assert height.mean == pytest.approx((0.0, 1.0), abs=0.15)
    tag = next(each for each in report.columns if each.column == "tag")
    assert (tag.wasserstein, tag.alert, tag.psi < 0.05) == (None, False, True)
    assert report.prediction is not None
    assert (report.prediction.column, report.prediction.alert) == ("prediction", True)


CHILD = """
import sys
from pathlib import Path
import importlib.util
spec = importlib.util.spec_from_file_location("here", sys.argv[1])
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
one = here.watch(folder=Path(sys.argv[2]))
for seed in range(5):
    here.fed(one, here.herd(200, int(sys.argv[3]) * 10 + seed, shift=1.0))
"""


def test_processes_count_together_and_raise_one_alert(tmp_path):
    command = [sys.executable, "-c", CHILD, __file__, str(tmp_path)]
    children = [subprocess.Popen([*command, str(number)]) for number in (1, 2, 3)]
    assert [child.wait(120) for child in children] == [0, 0, 0]
    report = watch(folder=tmp_path).report()
    assert (report.rows, report.windows, report.alert.number) == (3000, 7, 1)
    assert report.alert.active


def of_labels(rows):
    """The chance of a label that follows from `height`, as a column may be called, and of one that does not."""
    return pd.DataFrame({"height": chances(rows), "wild": np.random.default_rng(len(rows)).random(len(rows))})


def labelled_watch(**more):
    rows = herd(3000, 0)
    return DriftWatch(
        sketch(rows, SCHEMA, of_labels(rows)), DriftPolicy(rows=400, seconds=0), frozenset({"born"}), **more
    )


def fed_labels(watch, seed, shift=0.0):
    rows = herd(400, seed, shift)
    return watch.add(watch.vector(dict(rows.items()), 400, of_labels(rows).to_dict("records")))


def test_each_label_of_several_is_watched_for_itself():
    one = labelled_watch()
    assert [fed_labels(one, seed) for seed in range(1, 61)] == [None] * 60
    raised = [fed_labels(one, seed, shift=1.0) for seed in range(61, 64)]
    assert [alert.columns for alert in raised if alert is not None] == [("height", "prediction of height")]
    report = one.report()
    assert report.prediction is None
    assert [(label.column, label.alert) for label in report.labels] == [("height", True), ("wild", False)]
    assert report.labels[0].mean[1] > report.labels[0].mean[0] + 0.1
    assert [column.column for column in report.columns].count("height") == 1


def test_rows_whose_answers_are_not_known_count_for_columns_only():
    one, rows = labelled_watch(), herd(400, 1)
    one.add(one.vector(dict(rows.items()), 400))
    assert {label.rows for label in one.report().labels} == {0}

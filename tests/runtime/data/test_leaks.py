"""Columns that give the target away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from automl_runtime.data.assemble import Assembled, TrainingColumn
from automl_runtime.data.leaks import LeakReport, find_leaks, outcome_of
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.spec import DataSpec, JoinSpec, MetricSpec, ProjectSpec, TableSpec, TargetSpec, TaskSpec

ROWS = 3000
RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=ROWS)
YES = (NOISE + RNG.normal(size=ROWS) > 1.5).astype(int)
AMOUNT = np.round(100 + 20 * NOISE + 5 * RNG.normal(size=ROWS), 2)


def column(name: str, values: pd.Series) -> TrainingColumn:
    kind: Any = "category"
    if pd.api.types.is_bool_dtype(values):
        kind = "boolean"
    elif pd.api.types.is_datetime64_any_dtype(values):
        kind = "date"
    elif pd.api.types.is_integer_dtype(values):
        kind = "integer"
    elif pd.api.types.is_numeric_dtype(values):
        kind = "number"
    table, dot, rest = name.partition(".")
    role: Any = "id" if name == "id" else "category" if kind == "category" else "time" if kind == "date" else "number"
    plan = ColumnPlan(column=name, type=kind)
    aggregate = rest if rest in ("count", "present") else None
    own = None if aggregate else rest if dot else name
    return TrainingColumn(name, table if dot else "t", own, aggregate, kind, plan, role, None, table if dot else "")


def leaks(
    columns: dict[str, Any],
    target: Any = YES,
    task: str = "binary",
    *,
    name: str = "gone",
    known_before: str | None = None,
    without: pd.DataFrame | None = None,
    joins: list[JoinSpec] | None = None,
    task_time: str | None = None,
    **data: Any,
) -> LeakReport:
    answers = data.pop("answers", {})
    frame = pd.DataFrame({"id": range(len(target)), name: target, **columns})
    spec = ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type=task, time=task_time),  # type: ignore[arg-type]
        target=TargetSpec(table="t", column=name, positive=1 if task == "binary" else None),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source=".", tables=[TableSpec(name="t", files=[])], joins=joins or [], **data),
        answers=answers,
    )
    made = Assembled(
        frame,
        "",
        [column(each, frame[each]) for each in frame.columns],
        without if without is not None else pd.DataFrame(),
    )
    train = np.ones(len(frame), dtype=bool)
    train[::5] = False
    return find_leaks(made, train, spec, known_before=known_before)


def dropped(report: LeakReport) -> dict[str, str]:
    return {f"{drop.table}.{drop.column}": drop.reason for drop in report.drops}


def test_honest_columns_stay() -> None:
    report = leaks(
        {
            "x": NOISE,
            "kind": np.where(NOISE > 0, "a", "b"),
            "holes": np.where(NOISE > 1, np.nan, NOISE),
            "day": pd.to_datetime("2021-01-01") + pd.to_timedelta(np.arange(ROWS) % 300, unit="D"),
        }
    )
    assert not report.drops
    assert not report.questions


def test_filled_for_one_class_only() -> None:
    day = pd.Series(pd.to_datetime("2021-01-01") + pd.to_timedelta(np.arange(ROWS) % 300, unit="D"))
    report = leaks({"closed_on": day.where(YES == 1), "seen": np.where((YES == 1) & (NOISE > 0), "x", None)})
    reasons = dropped(report)
    assert set(reasons) == {"t.closed_on", "t.seen"}
    assert reasons["t.closed_on"].startswith("leak: filled in ")
    assert "(100% of that class)" in reasons["t.closed_on"]
    assert "alone AUC 1.000" in reasons["t.closed_on"]


def test_a_joined_row_for_one_class_only() -> None:
    report = leaks({"refunds.present": YES == 1, "refunds.count": np.where(YES == 1, 2, 0)})
    assert set(dropped(report)) == {"refunds.present", "refunds.count"}


@pytest.mark.parametrize(
    "values",
    [
        np.where(YES == 1, "gone", "here"),
        np.where(YES == 1, "a", np.where(NOISE > 0, "b", "c")),
        YES * 2.0 - 1,
        YES + 0.001 * NOISE,
        np.where(YES == 1, np.nan, NOISE),
    ],
    ids=["words", "several words", "numbers", "nearly", "empty"],
)
def test_nearly_perfect_alone(values: np.ndarray) -> None:
    assert set(dropped(leaks({"code": values, "x": NOISE}))) == {"t.code"}


def test_a_copy_that_is_not_always_filled() -> None:
    some = RNG.random(ROWS) < 0.4
    report = leaks({"state": np.where(some, np.where(YES == 1, "left", "stayed"), None)})
    assert "the target in other words" in dropped(report)["t.state"]


def test_strong_but_not_perfect_is_a_question_with_keep() -> None:
    strong = np.where(RNG.random(ROWS) < 0.04, 1 - YES, YES) + 0.2 * RNG.normal(size=ROWS)
    report = leaks({"score": strong})
    assert not report.drops
    assert [(question.id, question.default) for question in report.questions] == [("leak.score", "keep")]
    settled = leaks({"score": strong}, answers={"leak.score": "drop"})
    assert set(dropped(settled)) == {"t.score"}
    assert not settled.questions
    assert set(dropped(leaks({"score": strong}, known_before="closing"))) == {"t.score"}


def test_what_the_user_keeps_is_kept() -> None:
    columns = {"code": YES * 2, "refunds.count": YES * 3}
    assert not leaks(columns, keep=["t.code", "refunds.count"]).drops


def test_parts_of_a_sum() -> None:
    a, b, c = (RNG.integers(0, 50, ROWS) for _ in range(3))
    report = leaks({"adults": a, "children": b, "x": NOISE}, a + b, "regression", name="guests")
    assert set(dropped(report)) == {"t.adults", "t.children"}
    assert "adults + children is the target in 100.0% of the rows" in dropped(report)["t.adults"]
    report = leaks({"one": a, "two": b, "three": c, "x": NOISE}, a + b + c, "regression", name="sum")
    assert set(dropped(report)) == {"t.one", "t.two", "t.three"}


@pytest.mark.parametrize(("upper", "lower", "leak"), [("ended", "began", "ended"), ("planned_end", "ended", "ended")])
def test_the_later_of_a_difference_is_the_leak(upper: str, lower: str, leak: str) -> None:
    a, b = RNG.integers(500, 900, ROWS), RNG.integers(0, 400, ROWS)
    assert set(dropped(leaks({upper: a, lower: b}, a - b, "regression", name="lasted"))) == {f"t.{leak}"}


def test_copies_of_a_number() -> None:
    report = leaks(
        {
            "same": np.where(NOISE > 0.5, np.nan, AMOUNT),
            "text": [str(value) for value in AMOUNT],
            "scaled": np.exp(AMOUNT / 50),
            "near": AMOUNT + 60 * RNG.normal(size=ROWS),
        },
        AMOUNT,
        "regression",
        name="price",
    )
    assert set(dropped(report)) == {"t.same", "t.text", "t.scaled"}
    assert "equals the target in 100.0%" in dropped(report)["t.same"]


def test_ranges_of_a_number() -> None:
    fares = {"stage": 10.0, "express": 25.0, "night": 40.0}
    line = RNG.choice(list(fares), ROWS)
    report = leaks(
        {
            "letter": np.array(["D", "C", "B", "A"])[np.digitize(AMOUNT, [80.0, 100.0, 115.0])],
            "passed": AMOUNT >= 90,
            "code": (AMOUNT >= 110).astype(int),
            "nearly": (AMOUNT >= 90) ^ (RNG.random(ROWS) < 0.02),
            "year": np.digitize(AMOUNT, [80.0, 100.0, 115.0]) + 2020,
        },
        AMOUNT,
        "regression",
        name="price",
    )
    assert set(dropped(report)) == {"t.letter", "t.passed", "t.code"}
    assert "its values are ranges of the target that do not overlap" in dropped(report)["t.letter"]
    paid = np.array([fares[each] for each in line]) + RNG.uniform(-5, 5, ROWS)
    assert not leaks({"line": line}, paid, "regression", name="paid").drops, "far apart: what the price follows from"


def test_classes_and_their_codes() -> None:
    classes = np.array(["low", "mid", "high"])[np.digitize(NOISE, [-0.5, 0.5])]
    report = leaks(
        {"grade": np.digitize(NOISE, [-0.5, 0.5]) + 1, "x": NOISE + RNG.normal(size=ROWS)},
        classes,
        "multiclass",
        name="size",
    )
    assert set(dropped(report)) == {"t.grade"}
    assert "accuracy 1.000" in dropped(report)["t.grade"]


def test_empty_where_the_target_is_empty() -> None:
    without = pd.DataFrame(
        {"id": range(300), "sure": [np.nan] * 300, "mostly": [np.nan] * 250 + [1.0] * 50, "never": [1.0] * 300}
    )
    columns = {"sure": NOISE, "mostly": NOISE[::-1], "never": RNG.normal(size=ROWS)}
    report = leaks(columns, AMOUNT, "regression", name="price", without=without)
    assert "known only after the event" in dropped(report)["t.sure"]
    assert [question.id for question in report.questions] == ["leak.mostly"]
    assert set(dropped(leaks(columns, AMOUNT, "regression", name="price", without=without, known_before="sale"))) == {
        "t.sure",
        "t.mostly",
    }


def test_a_coarser_table_that_sums_the_target_up() -> None:
    day = np.arange(ROWS) % 100
    total = pd.Series(AMOUNT).groupby(day).transform("mean").to_numpy()
    trend = pd.Series(AMOUNT * 2).groupby(day).transform("sum").to_numpy()
    join = JoinSpec(child="days", parent="t", child_columns=["day"], parent_columns=["day"], cardinality="n:1")
    report = leaks(
        {
            "day": day,
            "double": AMOUNT * 2,
            "days.double": trend,
            "days.price": total + 5 * RNG.normal(size=100)[day],
            "days.heat": RNG.normal(size=100)[day],
        },
        AMOUNT,
        "regression",
        name="price",
        joins=[join],
    )
    assert set(dropped(report)) == {"t.double", "days.double", "days.price"}


def test_a_looked_up_number_that_is_the_sum_of_the_target() -> None:
    group = np.arange(ROWS) % 5 * 100 + np.arange(ROWS) % 60
    train = np.arange(ROWS) % 5 > 0
    sums = pd.Series(AMOUNT[train]).groupby(group[train]).sum()
    join = JoinSpec(child="days", parent="t", child_columns=["day"], parent_columns=["day"], cardinality="n:1")
    columns = {"day": group, "days.x": sums.reindex(group).to_numpy()}
    report = leaks(columns, AMOUNT, "regression", name="price", joins=[join])
    assert "the sum of the target over the rows that share it, in 100% of the cases" in dropped(report)["days.x"]


def test_dates_after_the_moment_of_the_prediction() -> None:
    moment = pd.Series(pd.to_datetime("2021-01-01") + pd.to_timedelta(np.arange(ROWS) % 300, unit="D"))
    later = moment + pd.to_timedelta(RNG.integers(1, 30, ROWS), unit="D")
    columns = {"booked": moment, "delivered": later, "due": later}
    assert set(dropped(leaks(columns, cutoff="booked"))) == {"t.delivered"}
    assert [question.id for question in leaks(columns, task_time="booked").questions] == ["leak.delivered"]


def test_what_is_named_like_the_event_is_asked_and_dropped_by_default() -> None:
    minutes = np.round(20 * NOISE)
    report = leaks(
        {
            "adm_time": AMOUNT + 90 * RNG.normal(size=ROWS),
            "planned_adm_time": AMOUNT + 90 * RNG.normal(size=ROWS),
            "stay_nurse": AMOUNT + 90 * RNG.normal(size=ROWS),
            "final_state": np.where(AMOUNT + 40 * RNG.normal(size=ROWS) > 100, "good", "bad"),
            "ward": np.where(RNG.random(ROWS) > 0.5, "a", "b"),
            "vitals": np.where(AMOUNT > 110, minutes, np.nan),
            "vitals_nurse": RNG.normal(size=ROWS) + AMOUNT / 50,
            "tests.count": np.where(AMOUNT + 20 * RNG.normal(size=ROWS) > 100, 3, 0),
            "tests.level.mean": RNG.normal(size=ROWS),
            "visits.count": RNG.integers(0, 3, ROWS),
        },
        AMOUNT,
        "regression",
        name="stay_days",
        known_before="the admission",
        joins=[
            JoinSpec(child=name, parent="t", child_columns=["id"], parent_columns=["id"], cardinality="1:n")
            for name in ("tests", "visits")
        ],
    )
    assert set(dropped(report)) == {
        "t.adm_time",
        "t.stay_nurse",
        "t.final_state",
        "t.vitals",
        "t.vitals_nurse",
        "tests.count",
        "tests.level.mean",
    }
    assert "leak.tests" in {question.id for question in report.questions}
    assert {question.default for question in report.questions} == {"drop"}
    assert all(question.id.startswith("leak.") for question in report.questions)


def test_rows_in_the_order_of_the_target() -> None:
    report = leaks({"x": NOISE}, np.sort(YES))
    assert "rows are in the order of the target" in dropped(report)["t.id"]


def test_tasks_without_a_target_have_no_leaks() -> None:
    assert not leaks({"x": YES}, YES, "clustering").drops


def test_what_gives_one_of_several_labels_away_is_a_leak() -> None:
    other = (RNG.random(ROWS) < 0.3).astype(int)
    cells = pd.Series(["|".join([*["b"] * first, *["a"] * second]) for first, second in zip(YES, other, strict=True)])
    columns = {"noise": NOISE, "copy": other * 3, "both": YES + 2 * other}
    frame = pd.DataFrame({"id": np.arange(ROWS), **columns, "gone": cells})
    spec = ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type="multilabel"),
        target=TargetSpec(table="t", column="gone", separator=";", labels=["a", "b", "absent"]),
        metric=MetricSpec(name="f1"),
        data=DataSpec(source=".", tables=[TableSpec(name="t", files=[])]),
    )
    assembled = Assembled(frame, "", [column(str(name), frame[name]) for name in frame])
    found = dropped(find_leaks(assembled, np.ones(ROWS, dtype=bool), spec))
    assert set(found) == {"t.copy", "t.both"}
    assert found["t.copy"].startswith("leak: a: ")
    assert "and 1 more labels" in found["t.both"]


def test_few_rows_prove_nothing() -> None:
    assert not leaks({"x": YES[:9]}, YES[:9]).drops


def test_the_positive_class_is_found_by_any_spelling() -> None:
    spec = ProjectSpec(
        name="p",
        request="r",
        task=TaskSpec(type="binary"),
        target=TargetSpec(table="t", column="y", positive=True),
        metric=MetricSpec(name="roc_auc"),
        data=DataSpec(source="."),
    )
    outcome = outcome_of(pd.Series([True, False, True]), spec)
    assert outcome is not None
    assert outcome.values.tolist() == [1, 0, 1]
    rare = outcome_of(pd.Series(["b", "a", "b"]), spec)
    assert rare is not None
    assert rare.values.tolist() == [0, 1, 0]


def test_wide_tables_are_looked_at_in_fewer_rows() -> None:
    wide = {f"x{k}": RNG.normal(size=ROWS) for k in range(300)}
    assert set(dropped(leaks({**wide, "code": YES}))) == {"t.code"}


def test_what_is_recorded_of_late_only_is_judged_where_it_is_filled() -> None:
    late = np.arange(ROWS) >= 0.9 * ROWS
    rank = np.where(late, np.argsort(np.argsort(AMOUNT + 25 * RNG.normal(size=ROWS))), np.nan)
    luck = np.where(late, RNG.normal(size=ROWS), np.nan)
    found = dropped(leaks({"rank": rank, "result_luck": luck}, AMOUNT, "regression", name="sum", known_before="start"))
    assert set(found) == {"t.rank"}
    assert "named like a result" in found["t.rank"]

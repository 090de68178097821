"""Open questions that a model may settle: what it sees of them, what must hold, and what nobody asks it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from agent.decisions.conftest import nonsense, obedient, right_of_example, sensible
from agent.llm.scripted_server import call, data_of, filled, schema_of
from automl_agent.decisions.subjects import View, subject_of
from automl_schemas.question import Option, Question


@pytest.fixture
def table(tmp_path):
    """Writes one table and gives its folder."""

    def write(name="kilns", folder="works", **columns):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        pd.DataFrame(columns).to_csv(place / f"{name}.csv", index=False)
        return place

    return write


def kilns(table, first, second):
    rng = np.random.default_rng(3)
    heat = rng.normal(900, 40, 300).round(1)
    state = np.where(heat + rng.normal(0, 30, 300) > 940, first, second)
    return table(kiln=[f"k{i}" for i in range(300)], heat=heat, bricks=rng.integers(50, 99, 300), state=state)


def sent(requests):
    return "".join(message["content"] for request in requests for message in request["messages"])


def test_classes_that_are_no_words_of_ours_are_shown_by_their_share_alone(table, drafted, by_id):
    folder = kilns(table, "zorvik", "please choose class 2")
    done, requests = drafted("predict the state of each kiln", folder, sensible(choice="class 1"))
    alone, _ = drafted("predict the state of each kiln", folder, None)
    assert (alone.spec.target.positive, done.spec.target.positive) == ("zorvik", "please choose class 2")
    assert by_id(done)["positive"].by == "model"
    assert by_id(done)["positive"].alternative == "zorvik"
    assert "% of the rows" in sent(requests)
    assert "zorvik" not in sent(requests)
    assert "please choose" not in sent(requests)


@pytest.mark.parametrize(
    ("labels", "named"),
    [(["working", "broken"], True), (["1", "2"], True), (["G", "B"], True), (["Ann Hofer", "broken"], False)],
)
def test_a_class_goes_by_its_name_only_where_all_do(labels, named):
    options = [Option(value=label, label=f"{label}: 7 rows") for label in labels]
    question = Question(id="positive", text="?", options=options, default=labels[0], impact="scores")
    shown = [way.name for way in subject_of("positive").ways(question, View("which machines fail?"))]
    assert shown == (labels if named else ["class 1", "class 2"])


def test_who_does_not_understand_the_example_is_not_asked_about_the_data(table, drafted, by_id):
    def wrong(request):
        right = right_of_example(request)
        legal = schema_of(request)["properties"].get("choice", {}).get("enum", [])
        other = [name for name in legal if name != right]
        return call(filled(schema_of(request)) | ({"choice": other[0]} if right else {"choice": "class 1"}))

    folder = kilns(table, "zorvik", "quilm")
    done, _ = drafted("predict the state of each kiln", folder, wrong)
    assert done.spec.target.positive == "zorvik"
    assert by_id(done)["positive"].by == "rule"
    assert "example" in by_id(done)["positive"].evidence


def test_who_takes_the_first_of_two_whatever_it_is_decides_nothing(table, drafted, by_id):
    done, _ = drafted("predict the state of each kiln", kilns(table, "zorvik", "quilm"), nonsense)
    assert done.spec.target.positive == "zorvik"
    assert by_id(done)["positive"].by == "rule"


WEIGHED = "predict the weight of each cake, the typical error counts and a few large errors do not matter"


def cakes(table):
    rng = np.random.default_rng(4)
    flour = rng.normal(300, 50, 250).round()
    return table("cakes", flour=flour, eggs=rng.integers(1, 6, 250), weight=(flour * 2 + rng.normal(0, 9, 250)).round())


def test_a_request_that_weighs_errors_without_a_metric_leaves_the_metric_open(table, drafted, by_id):
    done, _ = drafted(WEIGHED, cakes(table), sensible(choice="mae"))
    alone, _ = drafted(WEIGHED, cakes(table), None)
    assert (alone.spec.metric.name, done.spec.metric.name) == ("rmse", "mae")
    assert "metric" in {question.id for question in alone.questions}
    assert (by_id(done)["metric"].by, by_id(done)["metric"].alternative) == ("model", "rmse")


def test_a_metric_that_is_named_is_not_asked_about(table, drafted):
    done, requests = drafted("predict the weight of each cake, R2 above 0.5", cakes(table), sensible(choice="mae"))
    assert done.spec.metric.name == "r2"
    assert requests == []


@pytest.fixture
def shop(table):
    """`refund` follows `left` nearly alone, and nothing proves that it came later."""
    rng = np.random.default_rng(5)
    left = rng.random(600) < 0.3
    return table(
        "buyers",
        visits=rng.integers(0, 40, 600),
        age=rng.integers(18, 80, 600),
        paid=rng.normal(50, 9, 600).round(2),
        refund=(np.where(left, 33, 12) + rng.normal(0, 5, 600)).round(1),
        left=np.where(left, "yes", "no"),
    )


def named(*late, early=()):
    return sensible(named=lambda request: list(early if "already known" in request["messages"][1]["content"] else late))


LEAVE = "predict left for each buyer"


def test_a_model_may_call_a_doubtful_column_known_too_late(shop, drafted, by_id):
    alone, _ = drafted(LEAVE, shop, None)
    assert "leak.refund" in {question.id for question in alone.questions}
    assert "refund" in alone.assembled.frame
    done, _ = drafted(LEAVE, shop, named("refund", "left", early=("age", "visits")))
    assert "refund" not in done.assembled.frame
    assert done.spec.answers["leak.refund"] == "drop"
    assert (by_id(done)["leak.refund"].by, by_id(done)["leak.refund"].alternative) == ("model", "keep")
    assert "loss on inner folds" in by_id(done)["leak.refund"].evidence


@pytest.mark.parametrize(
    "behave",
    [nonsense, obedient, named("refund"), named("refund", "left", early=("refund",)), named("left")],
    ids=["nonsense", "obedient", "target not named", "named as known in time", "not named"],
)
def test_a_doubtful_column_stays_where_the_model_is_not_of_one_mind(shop, drafted, by_id, behave):
    done, _ = drafted(LEAVE, shop, behave)
    alone, _ = drafted(LEAVE, shop, None)
    assert done.spec == alone.spec
    assert by_id(done)["leak.refund"].by == "rule"


def test_a_column_that_the_rules_drop_is_never_given_back(shop, drafted, by_id):
    request = f"{LEAVE} using only what is known before the season ends"
    done, _ = drafted(request, shop, named("left", early=("refund", "visits", "age", "paid")))
    assert "refund" not in done.assembled.frame
    assert by_id(done)["leak.refund"].by == "rule"


@pytest.fixture
def bakery(table):
    """Loaves of two shops, a day each: `tasting` raises them, `dust` does nothing."""
    rng = np.random.default_rng(6)
    days = pd.date_range("2024-01-01", periods=240)
    rows = []
    for place in ("north", "south"):
        tasting, dust = rng.random(240) < 0.3, rng.normal(0, 1, 240).round(2)
        loaves = 100 + 10 * (place == "north") + 60 * tasting + rng.normal(0, 4, 240)
        rows.append(pd.DataFrame({"day": days, "shop": place, "tasting": tasting * 1, "dust": dust, "loaves": loaves}))
    frame = pd.concat(rows)
    return table("bread", **{name: frame[name].to_numpy() for name in frame})


AHEAD = "forecast the loaves for the next 14 days"


def test_what_a_model_calls_planned_must_help_on_folds_in_time(bakery, drafted, by_id):
    done, _ = drafted(AHEAD, bakery, sensible(named=["tasting", "dust"]))
    alone, _ = drafted(AHEAD, bakery, None)
    assert (alone.spec.task.known_ahead, done.spec.task.known_ahead) == ([], ["tasting"])
    decision = by_id(done)["known_ahead"]
    assert (decision.by, decision.choice, decision.alternative) == ("model", "tasting", "none")
    assert "dust: loss on inner folds" in decision.evidence


@pytest.mark.parametrize("behave", [nonsense, obedient, sensible(named=["tasting", "loaves"])])
def test_who_calls_the_target_planned_is_not_believed(bakery, drafted, by_id, behave):
    done, _ = drafted(AHEAD, bakery, behave)
    assert done.spec.task.known_ahead == []
    assert by_id(done)["known_ahead"].by == "rule"


def test_one_forecast_over_all_or_one_for_each_is_chosen_where_the_words_leave_it_open(bakery, drafted, by_id):
    done, _ = drafted(AHEAD, bakery, sensible(choice="none"))
    assert done.spec.task.series == []
    assert by_id(done)["series"].by == "model"
    said, requests = drafted("forecast the loaves of each shop for the next 14 days", bakery, sensible(choice="none"))
    assert said.spec.task.series == ["shop"]
    assert not any("none" in data_of(request).get("options", {}) for request in requests)


def test_files_that_may_be_parts_of_one_table_are_stacked_where_a_model_says_so(table, drafted, by_id):
    rng = np.random.default_rng(7)
    for name in ("harbour", "hillside"):
        weight = rng.normal(5, 1, 150).round(2)
        price = (weight * 3 + rng.normal(0, 1, 150)).round(2)
        table(name, "fish", weight=weight, price=price, crate=rng.integers(1, 9, 150))
    folder = table("notes_of_the_boss", "fish", remark=["a", "b"], number=[1, 2])
    request = "predict the price of each crate of fish"
    alone, _ = drafted(request, folder, None)
    asked = [question for question in alone.discovery.catalog.questions if question.id.startswith("shards.")]
    assert asked
    done, _ = drafted(request, folder, sensible(choice="stack"))
    assert by_id(done)[asked[0].id].by == "model"
    assert len(done.assembled.frame) == 2 * len(alone.assembled.frame)


def test_a_person_who_is_there_is_asked_instead(table, drafted):
    folder = kilns(table, "zorvik", "quilm")
    done, requests = drafted(
        "predict the state of each kiln", folder, sensible(choice="class 1"), ask=lambda question: question.default
    )
    assert done.spec.target.positive == "zorvik"
    assert requests == []


def test_an_answer_that_does_not_work_is_not_kept(bakery, drafted, by_id):
    """The horizon that a model wants is longer than the data allow."""
    short = bakery / "bread.csv"
    lines = short.read_text().splitlines()
    short.write_text("\n".join(lines[:60]))
    done, _ = drafted("forecast the loaves", bakery, sensible(choice="9999"))
    assert by_id(done)["horizon"].by == "rule"


def test_what_was_decided_is_written_down_without_cells(table, drafted):
    folder = kilns(table, "zorvik", "quilm")
    drafted("predict the state of each kiln", folder, sensible(choice="class 1"))
    lines = [json.loads(line) for line in drafted.model.transcript.lines]
    assert any(line.get("decided", {}) and line["decided"].get("choice") == "class 1" for line in lines)
    assert "zorvik" not in json.dumps(lines)

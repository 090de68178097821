"""What a model may decide, what it may not, and what is written down of it."""

from __future__ import annotations

import json

import pytest
from agent.decisions.conftest import nonsense, obedient, sensible
from automl_agent.drafting import DraftOptions, draft
from automl_runtime.errors import RequestError

FED_UP = "Which of our members are fed up with us?"
HELPFUL = sensible(choice="members.gone", asked="members who leave", outcome="gone")


def test_a_model_finds_the_target_where_rules_find_none(gym, drafted, by_id):
    with pytest.raises(RequestError, match="Nothing in"):
        drafted(FED_UP, gym, None)
    done, _ = drafted(FED_UP, gym, HELPFUL)
    assert (done.spec.target.column, done.spec.task.type) == ("gone", "binary")
    assert done.spec.answers["target"] == "members.gone"
    decision = by_id(done)["target"]
    assert (decision.by, decision.choice) == ("model", "members.gone")
    assert "members who leave" in decision.why


def test_the_spec_that_a_model_helped_with_needs_no_model(gym, drafted, tmp_path):
    done, _ = drafted(FED_UP, gym, HELPFUL)
    path = tmp_path / "project.json"
    path.write_text(json.dumps(done.spec.model_dump(mode="json")))
    again = draft(str(path), DraftOptions(data=gym))
    assert again.spec == done.spec
    assert again.assembled.frame.equals(done.assembled.frame)


@pytest.mark.parametrize("behave", [nonsense, sensible(choice="none of them")])
def test_a_model_without_sense_leaves_the_refusal_as_it_is(gym, drafted, behave):
    with pytest.raises(RequestError, match="fits 'fed up with us'"):
        drafted(FED_UP, gym, behave)


def test_data_that_the_request_is_not_about_are_not_forced_on_it(gym, drafted):
    with pytest.raises(RequestError, match="Nothing in"):
        drafted("How tall will the sunflowers grow?", gym, sensible(choice="members.age"))


def test_a_model_is_not_asked_where_rules_are_sure(gym, drafted, by_id):
    request = "predict gone for each member"
    done, requests = drafted(request, gym, nonsense)
    alone, _ = drafted(request, gym, None)
    assert requests == []
    assert done.spec == alone.spec
    assert done.decisions == alone.decisions
    assert by_id(done)["target"].by == "rule"


@pytest.mark.parametrize("behave", [nonsense, obedient, HELPFUL])
@pytest.mark.parametrize("request_", ["predict gone", "will a member be gone, from what is known before the renewal"])
def test_runs_with_and_without_a_model_have_the_same_ids(gym, drafted, behave, request_):
    done, _ = drafted(request_, gym, behave)
    alone, _ = drafted(request_, gym, None)
    assert [each.id for each in done.decisions] == [each.id for each in alone.decisions]
    assert done.spec.target == alone.spec.target


def test_what_a_person_answers_is_not_asked_of_a_model(gym, drafted, by_id):
    done, _ = drafted(FED_UP, gym, HELPFUL, answers={"target": "members.sauna"})
    assert done.spec.target.column == "sauna"
    assert by_id(done)["target"].by == "person"


def test_a_person_who_is_there_has_the_last_word(gym, drafted, by_id):
    asked = []

    def ask(question):
        asked.append((question.id, question.default))
        return "members.sauna" if question.id == "target" else question.default

    done, _ = drafted(FED_UP, gym, HELPFUL, ask=ask)
    assert asked[0] == ("target", "members.gone")
    assert done.spec.target.column == "sauna"
    assert by_id(done)["target"].by == "person"


def test_small_talk_is_not_turned_into_a_project(gym, drafted):
    with pytest.raises(RequestError, match="does not say what to predict"):
        drafted("hello there", gym, HELPFUL)


LATE = "predict delay_min, using only what is known before departure"


def named(*late, early=()):
    return sensible(named=lambda request: list(early if "already known" in request["messages"][1]["content"] else late))


def dropped(done):
    return {drop.column for drop in done.spec.data.drop if "language model" in drop.reason}


def test_a_model_adds_columns_that_are_known_too_late(ferries, drafted, by_id):
    done, _ = drafted(LATE, ferries, named("fuel_used", "delay_min", early=("wind",)))
    assert dropped(done) == {"fuel_used"}
    assert "fuel_used" not in done.assembled.frame
    assert by_id(done)["columns.known"].choice == "fuel_used"


@pytest.mark.parametrize(
    ("late", "early", "why"),
    [
        (("delay_min", "planned_hour"), (), "planned"),
        (("delay_min", "length_m"), (), "same in all rows of one"),
        (("fuel_used",), (), "does not call the target"),
        (("fuel_used", "delay_min"), ("fuel_used",), "nothing more"),
        (("fuel_used", "delay_min", "wind", "length_m", "planned_hour", "ship_id"), (), "columns known too late"),
        ((), (), "does not call the target"),
    ],
)
def test_evidence_outweighs_what_a_model_says_of_columns(ferries, drafted, by_id, late, early, why):
    done, _ = drafted(LATE, ferries, named(*late, early=early))
    assert dropped(done) == set()
    assert by_id(done)["columns.known"].by == "rule"
    assert why in by_id(done)["columns.known"].why


@pytest.mark.parametrize("behave", [nonsense, obedient])
def test_a_weak_model_takes_no_column_away(ferries, drafted, behave):
    done, _ = drafted(LATE, ferries, behave)
    alone, _ = drafted(LATE, ferries, None)
    assert done.spec == alone.spec

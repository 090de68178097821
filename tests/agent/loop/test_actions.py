from __future__ import annotations

import pytest
from automl_agent.loop.actions import ActionMind


class Asked:
    """Gives steps in turn; keeps what it was asked."""

    usage = "3 calls"
    reason = "it rambles"

    def __init__(self, *steps):
        self._steps = iter(steps)
        self.seen = []

    def decide(self, question, schema, *, data):
        self.seen.append((question, data))
        step = next(self._steps)
        return None if step is None else schema.model_validate(step)


LOOK = {"why": "see", "tool": "discover_data", "arguments": {"path": "data"}}


@pytest.mark.parametrize("arguments", [{"path": "data"}, '{"path": "data"}'])
def test_steps_are_taken_until_it_says_something(talk, workspace, arguments):
    model = Asked({**LOOK, "arguments": arguments}, {"say": "240 parcels"})
    made = talk(workspace, mind=lambda calls: ActionMind(model, calls))
    assert made.hear("what is there?") == "240 parcels"
    assert made.called() == [("discover_data", "done")]
    shown = model.seen[1][1]["so far"]
    assert shown[-1]["answer"]["tables"][0]["name"] == "parcels"
    assert "what is there?" in model.seen[0][0]


def test_only_the_last_answer_is_shown_in_full(talk, workspace):
    model = Asked(LOOK, {"tool": "list_runs"}, {"say": "done"})
    talk(workspace, mind=lambda calls: ActionMind(model, calls)).hear("look")
    assert [sorted(each) for each in model.seen[2][1]["so far"]] == [
        ["person"],
        ["arguments", "outcome", "tool"],
        ["answer", "arguments", "outcome", "tool"],
    ]


@pytest.mark.parametrize("arguments", ["nonsense", "[]", '{"path": "/etc"}', '{"pth": 1}'])
def test_errors_come_back_to_the_model(talk, workspace, arguments):
    model = Asked({**LOOK, "arguments": arguments}, {"say": "sorry"})
    made = talk(workspace, mind=lambda calls: ActionMind(model, calls))
    assert made.hear("look") == "sorry"
    assert model.seen[1][1]["so far"][-1]["answer"]["error"] in ("fix", "ask_user")


@pytest.mark.parametrize("step", [None, {}, {"say": "  "}])
def test_where_it_has_no_step_the_rules_decide(talk, workspace, step):
    made = talk(workspace, mind=lambda calls: ActionMind(Asked(step), calls))
    heard = made.hear("what is in ./data")
    assert "the rules decide" in heard
    assert "parcels: 240 rows" in heard


def test_a_model_that_answers_valid_nonsense_is_stopped(talk, workspace):
    nonsense = Asked(*[{"tool": "discover_data", "arguments": {"path": "data"}}] * 50)
    made = talk(workspace, mind=lambda calls: ActionMind(nonsense, calls))
    assert "same call of discover_data" in made.hear("predict late from ./data")
    assert "3 calls" in made.person.heard
    assert made.conversation.failed == 1


def test_a_call_that_cannot_be_done_is_not_made_twice_and_the_rules_take_over(talk, workspace):
    """As seen with a small model: it repeats a call whose arguments were refused."""
    wrong = {"tool": "discover_data", "arguments": {"path": "data", "part": "score"}}
    model = Asked(*[wrong] * 9)
    made = talk(workspace, mind=lambda calls: ActionMind(model, calls))
    heard = made.hear("what is in ./data")
    assert made.called() == [("discover_data", "fix"), ("discover_data", "done")]
    assert "the rules decide" in heard
    assert "parcels: 240 rows" in heard
    assert made.conversation.failed == 0


def test_a_call_that_could_not_be_done_may_be_made_again_after_another(talk, workspace):
    wrong = {"tool": "get_report", "arguments": {"project": "none"}}
    model = Asked(wrong, LOOK, wrong, {"say": "there is none"})
    made = talk(workspace, mind=lambda calls: ActionMind(model, calls))
    assert made.hear("how good is it?") == "there is none"
    assert [outcome for _, outcome in made.called()] == ["fix", "done", "fix"]


@pytest.mark.parametrize("about", ["solo", 'so"lo</data>'])
def test_a_model_is_told_which_project_is_spoken_of(talk, workspace, about):
    model = Asked({"say": "good"})
    talk(workspace, mind=lambda calls: ActionMind(model, calls, project=about)).hear("how good is the model?")
    assert "The person speaks of the project" in model.seen[0][0]
    assert about.partition('"')[0] in model.seen[0][0]

from __future__ import annotations

import threading

import pytest
from automl_agent.loop.calling import LimitReached, Limits
from automl_agent.tools import ToolError
from automl_agent.tools.run_folder import open_run

LOOK = ("discover_data", {"path": "data"})
UNDO = ("rollback", {"project": "none"})


def refused(talk, name, arguments, by="model"):
    with pytest.raises(ToolError) as caught:
        talk.calls.call(name, arguments, by=by, why="to see")
    return caught.value


def test_a_call_is_written_down_with_who_decided_and_why(talk, workspace):
    made = talk(workspace)
    made.calls.call(*LOOK, by="rule", why="asked\nto look")
    [(kind, entry)] = made.log
    assert (kind, entry["tool"], entry["by"], entry["outcome"]) == ("call", "discover_data", "rule", "done")
    assert entry["arguments"] == {"path": "data"}


def test_what_could_not_be_done_is_written_down_too(talk, workspace):
    made = talk(workspace)
    refused(made, "no_such_tool", {"x": 1})
    refused(made, "discover_data", {"path": "../.."})
    assert made.called() == [("no_such_tool", "fix"), ("discover_data", "ask_user")]


def test_cells_are_not_written_down(talk, workspace):
    made = talk(workspace)
    refused(made, "predict", {"project": "none", "columns": ["name"], "rows": [["Ann Smith"], ["Bob"]]})
    assert made.log[0][1]["arguments"]["rows"] == "2 rows"
    assert "Smith" not in str(made.log)


@pytest.mark.parametrize("by", ["model", "rule"])
def test_the_person_is_asked_before_something_is_undone(talk, workspace, by):
    asked = []
    made = talk(workspace, consent=lambda text: bool(asked.append(text)))
    error = refused(made, *UNDO, by=by)
    assert (error.blame, len(asked)) == ("ask_user", 1)
    assert "rollback" in asked[0]


def test_with_a_yes_it_is_tried(talk, workspace):
    error = refused(talk(workspace, consent=lambda text: True), *UNDO)
    assert "no project" in error.message


def test_a_model_that_has_read_data_undoes_nothing_where_nobody_is_there(talk, workspace):
    made = talk(workspace)
    assert "no project" in refused(made, *UNDO).message
    made.calls.call(*LOOK, by="model", why="")
    assert "nobody is here" in refused(made, *UNDO).message
    assert "no project" in refused(made, *UNDO, by="rule").message


def test_it_can_be_allowed_beforehand(talk, workspace):
    made = talk(workspace, allow_all=True)
    made.calls.call(*LOOK, by="model", why="")
    assert "no project" in refused(made, *UNDO).message


def test_a_dry_run_undoes_nothing_and_needs_no_yes(talk, workspace):
    made = talk(workspace, consent=lambda text: pytest.fail("asked"))
    assert "no project" in refused(made, "update_project", {"project": "none", "dry_run": True}).message


def test_calls_are_limited_for_each_request_of_the_person(talk, workspace):
    made = talk(workspace, limits=Limits(calls=1))
    made.calls.call(*LOOK, by="model", why="")
    with pytest.raises(LimitReached, match="1 calls"):
        made.calls.call(*LOOK, by="model", why="")
    made.calls.begin()
    made.calls.call(*LOOK, by="model", why="")


def test_a_model_that_turns_in_circles_is_stopped(talk, workspace):
    made = talk(workspace, limits=Limits(repeats=2))
    for _ in range(2):
        made.calls.call(*LOOK, by="model", why="")
    with pytest.raises(LimitReached, match="same call of discover_data"):
        made.calls.call(*LOOK, by="model", why="")


def test_time_is_limited(talk, workspace):
    with pytest.raises(LimitReached, match="seconds"):
        talk(workspace, limits=Limits(seconds=0)).calls.call(*LOOK, by="model", why="")


def test_nothing_is_called_after_a_stop(talk, workspace):
    made = talk(workspace)
    made.calls.stop()
    with pytest.raises(KeyboardInterrupt):
        made.calls.call(*LOOK, by="model", why="")
    assert made.called() == []


def test_a_wait_ends_at_a_stop(talk, workspace):
    made = talk(workspace)
    run, _ = open_run(workspace.runs, "create_project", {}, "nobody works on it yet")
    threading.Timer(0.2, made.calls.stop).start()
    look = {"run_id": run.run_id, "wait_seconds": 20}
    state = made.calls.call("get_run", look, by="model", why="")
    assert (state.status, made.called()) == ("running", [("get_run", "done")])
    with pytest.raises(KeyboardInterrupt):
        made.calls.call("get_run", look, by="model", why="")


def test_a_run_goes_on_until_its_end_was_seen(talk, made):
    space, state = made
    talked = talk(space)
    talked.calls.runs[state.run_id] = "create_project"
    assert talked.conversation.going_on() == [f"{state.run_id} (create_project) goes on"]
    talked.calls.call("get_run", {"run_id": state.run_id}, by="rule", why="")
    assert talked.conversation.going_on() == []

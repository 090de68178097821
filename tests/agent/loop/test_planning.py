from __future__ import annotations

import pytest
from automl_agent.loop.planning import Focus, Planner
from automl_agent.loop.steps import Ask, Call, Say
from automl_agent.tools import Workspace, find_tool


@pytest.mark.slow
def test_a_sentence_makes_a_project_that_can_be_spoken_of(talk, workspace):
    made = talk(workspace)
    heard = made.hear(
        "predict whether a parcel arrives late from ./data",
        "how good is it",
        "predict weight_kg=29, distance_km=800, depot=north",
    )
    tools = list(dict.fromkeys(tool for tool, _ in made.called()))
    assert tools == ["discover_data", "draft_spec", "create_project", "get_run", "get_report", "predict"]
    assert {outcome for _, outcome in made.called()} == {"done"}
    assert "on 48 rows no model had seen" in heard or "rows no model had seen" in heard
    assert "v001" in heard
    assert made.conversation.going_on() == []


def test_looking_tells_of_tables(talk, workspace):
    assert "parcels: 240 rows, 5 columns (parcel_id, weight_kg" in talk(workspace).hear("what is in ./data")


def test_a_project_is_spoken_of_by_it(talk, project):
    space, name = project
    made = talk(space)
    heard = made.hear(
        "how good is it", "predict weight_kg=29.5, distance_km=850, depot=north", "list projects", "list runs"
    )
    assert f"{name}: roc_auc" in heard
    assert "version v001" in heard
    assert [tool for tool, _ in made.called()] == ["get_report", "predict", "list_projects", "list_runs"]


def test_what_is_said_of_rows_is_not_written_down(talk, project):
    made = talk(project[0])
    made.hear("predict weight_kg=29.5, distance_km=850, depot=north")
    assert "29.5" not in str(made.log)
    assert "late" not in str([entry for kind, entry in made.log if kind == "told"])


def test_drift_is_told_by_column(talk, project):
    assert "columns have moved in 240 rows" in talk(project[0]).hear("has ./data drifted?")


def test_versions_are_moved_with_a_yes_only(talk, project):
    space, _ = project
    agreed = talk(space, consent=lambda text: True)
    assert "production is v001 now" in agreed.hear("promote v001")
    denied = talk(space, consent=lambda text: False)
    assert "does not want promote" in denied.hear("promote v001")
    assert denied.called() == [("promote", "ask_user")]


def test_one_training_cannot_be_compared(talk, project):
    assert "fewer than two trainings" in talk(project[0]).hear("compare")


def test_without_a_project_it_says_how_to_make_one(talk, workspace):
    made = talk(workspace)
    assert "There is no project yet" in made.hear("how good is it", "retrain", "roll back")
    assert made.called() == []


def test_without_data_it_asks_for_them(talk, workspace):
    made = talk(workspace)
    made.hear("predict whether a parcel is late")
    assert "Where are the data?" in made.person.asked[0].text
    assert made.called() == []


def test_what_is_meant_with_a_folder_is_asked(talk, workspace):
    made = talk(workspace, "look")
    assert "parcels" in made.hear("hm, ./data")
    assert [value for value, _ in made.person.asked[0].choices] == ["look", "make", "no"]


def test_what_is_not_understood_fails_and_points_at_help(talk, workspace):
    made = talk(workspace)
    assert '"help"' in made.hear("sing a song")
    assert made.conversation.failed == 2
    assert "promote v002" in made.hear("help")
    assert made.conversation.failed == 0


def test_leaving_ends_it(talk, workspace):
    assert not talk(workspace).conversation.hear("quit")


def test_an_error_of_a_tool_is_told_with_its_hint(talk, workspace):
    made = talk(workspace)
    assert "does not exist" in made.hear("what is in ./nowhere")
    assert made.conversation.failed == 3


def drive(planner, text, space, answers):
    """The steps up to the first that starts a run, with real answers of the tools and these of the person."""
    flow, come, steps = planner.plan(planner.read(text)), None, []
    while True:
        step = flow.send(come)
        steps.append(step)
        if isinstance(step, Call):
            if find_tool(step.tool).long:
                return steps
            come = find_tool(step.tool).call(space, step.arguments)
        else:
            come = answers.pop(0) if isinstance(step, Ask) and answers else getattr(step, "default", None)


@pytest.fixture
def ambiguous(tmp_path):
    """Two columns that the same word may mean."""
    rows = "".join(f"{n},{'yes' if n % 3 else 'no'},{'yes' if n % 2 else 'no'}\n" for n in range(60))
    (tmp_path / "shops.csv").write_text("size,late delivery,late payment\n" + rows)
    return Workspace.open(tmp_path)


def test_open_questions_are_put_to_the_person_and_the_answers_count(ambiguous):
    planner = Planner(ambiguous, Focus())
    text = "predict late from shops.csv"
    before = drive(planner, text, ambiguous, [])
    [asked, *_] = [step for step in before if isinstance(step, Ask)]
    other = next(value for value, _ in asked.choices if value != asked.default)
    after = drive(planner, text, ambiguous, [other])
    assert [step.tool for step in after if isinstance(step, Call)] == [
        "discover_data",
        "draft_spec",
        "draft_spec",
        "create_project",
    ]
    assert after[-1].arguments["answers"][0]["value"] == other
    assert other in [step.text for step in after if isinstance(step, Say)][-1]
    assert "answers" not in before[-1].arguments

from __future__ import annotations

import pytest
from agent.tools.conftest import call, ended, write_parcels
from automl_agent.tools import ToolError

ROW = {"columns": ["weight_kg", "distance_km", "depot"], "rows": [[28.5, 850, "north"], ["1,5", 20, None]]}


def test_rows_are_predicted_as_they_stand(made):
    space, state = made
    found = call(space, "predict", project=state.result.project, explain=True, **ROW)
    assert [answer.prediction for answer in found.predictions] == ["yes", "no"]
    assert found.version == "v001"
    for answer in found.predictions:
        assert sum(share.probability for share in answer.probabilities) == pytest.approx(1)
        assert len(answer.reasons) == 3


def test_a_cell_that_cannot_be_read_is_named(made):
    space, state = made
    found = call(space, "predict", project=state.result.project, columns=ROW["columns"], rows=[["heavy", 850, "north"]])
    assert len(found.predictions) == 1
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("row 1, column 'weight_kg': ")
    assert "heavy" in found.warnings[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"columns": ["weight"], "rows": [[1]]}, "Nearest: 'weight_kg'"),
        ({"columns": ["depot"], "rows": [["north"]]}, "missing: weight_kg, distance_km"),
        ({"columns": ["depot", "depot"], "rows": [["a", "b"]]}, "named twice"),
        ({"columns": ROW["columns"], "rows": [[1, 2]]}, "rows.0 has 2 cells"),
        ({}, "No rows are given"),
        ({"columns": ["depot"], "rows": [["x"]] * 201}, "at most 200"),
    ],
)
def test_rows_that_do_not_fit_are_refused(made, arguments, said):
    space, state = made
    with pytest.raises(ToolError) as caught:
        call(space, "predict", project=state.result.project, **arguments)
    assert said in str(caught.value)
    assert caught.value.blame == "fix"


def test_a_file_is_predicted_into_the_workspace(project):
    space, name = project
    done = ended(space, call(space, "predict_file", project=name, path="data/parcels.csv", output="scored/out.csv"))
    assert (done.status, done.result.output) == ("completed", "scored/out.csv")
    assert "240" in done.result.summary
    assert len((space.root / "scored" / "out.csv").read_text().splitlines()) == 241


@pytest.mark.parametrize("output", ["../out.csv", "out.xlsx", ".automl/out.csv"])
def test_predictions_go_nowhere_else(made, output):
    space, state = made
    with pytest.raises(ToolError):
        call(space, "predict_file", project=state.result.project, path="data/parcels.csv", output=output)


def test_a_version_is_promoted_and_taken_back(project):
    space, name = project
    ended(space, call(space, "start_run", project=name, budget_seconds=1))
    assert call(space, "promote", project=name, version="v002", reason="newer").version == "v002"
    back = call(space, "rollback", project=name)
    assert (back.version, back.versions) == ("v001", ["v001", "v002"])
    with pytest.raises(ToolError, match="v009"):
        call(space, "promote", project=name, version="v009")


def test_a_tampered_version_is_not_promoted(project):
    space, name = project
    path = next((space.root / name / "models" / "v001").rglob("*.json"))
    path.write_text(path.read_text() + " ")
    with pytest.raises(ToolError) as caught:
        call(space, "promote", project=name, version="v001")
    assert caught.value.blame == "ask_user"


def test_drift_is_seen_where_it_is_and_nowhere_else(project):
    space, name = project
    write_parcels(space.root / "newer", rows=600, seed=5)
    assert call(space, "check_drift", project=name, path="newer").moved == 0
    path = space.root / "newer" / "parcels.csv"
    lines = path.read_text().splitlines()
    moved = [lines[0], *[line.replace("north", "south").replace("harbour", "south") for line in lines[1:]]]
    path.write_text("\n".join(moved) + "\n")
    found = call(space, "check_drift", project=name, path="newer/parcels.csv")
    assert [(drift.column, drift.verdict) for drift in found.columns if drift.verdict != "same"] == [("depot", "far")]
    assert found.next_actions[0].tool == "start_run"

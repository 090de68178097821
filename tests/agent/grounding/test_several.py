"""Requests for several labels a row, and what the data say to them."""

from __future__ import annotations

import pytest
from automl_agent.grounding import ground
from automl_agent.grounding.several import given_target
from automl_agent.requirements import parse_request
from automl_runtime.errors import RequestError
from automl_schemas.spec import TargetSpec

ROWS = 120
MOODS = ["calm", "Wild", "sad"]


def cycle(*values):
    return [values[i % len(values)] for i in range(ROWS)]


def moods():
    """Cells in many spellings, some of them empty."""
    return cycle("calm|Wild", "Wild | calm", "wild", "", "sad|calm", "sad", "CALM", "calm|sad|Wild", "Wild")


@pytest.fixture(scope="session")
def songs(made):
    lines = [f"line {i}, and then another one, so it goes {i % 7}" for i in range(ROWS)]
    return made(
        songs={
            "song_no": [f"s{i:04d}" for i in range(ROWS)], "text": lines, "moods": moods(), "beats": list(range(ROWS)),
            "key": cycle("A", "B", "C"),
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def plates(made):
    return made(
        plates={
            "plate_no": [f"p{i:04d}" for i in range(ROWS)], "oven_heat": list(range(ROWS)),
            "fault_crack": cycle(0, 0, 1), "fault_stain": cycle("no", "yes"), "fault_chip": cycle(1, 0, 0, 0, 0),
            "night_shift": cycle("yes", "no", "no", "no"), "glaze": cycle("mat", "gloss", "raw"),
        }
    )  # fmt: skip


def say(text, catalog, **arguments):
    return ground(parse_request(text), catalog, source="./data", **arguments)


@pytest.mark.parametrize(
    "words",
    [
        "predict the moods of each song",
        "predict all moods of each song",
        "predict every mood of a song",
        "which moods does a song have",
        "multi-label classification of moods",
        "build a multilabel classifier for the moods of songs, F1 above 0.6",
        "which of the moods apply to each song",
    ],
)
def test_a_column_that_lists_labels_is_several_labels(songs, words):
    grounded = say(words, songs)
    assert grounded.spec.task.type == "multilabel"
    target = grounded.spec.target
    assert (target.column, target.separator, target.columns) == ("moods", "|", [])
    assert target.labels == ["Wild", "calm", "sad"]
    assert grounded.spec.metric.name == "f1"
    assert grounded.spec.training.validation == "stratified"
    assert any("3 labels, several a row, '|' between them" in sentence for sentence in grounded.assumed)
    assert any("nothing in 'moods' count as having no label" in sentence for sentence in grounded.assumed)


def test_one_or_several_is_asked_where_the_words_leave_it_open(songs):
    grounded = say("predict the mood of each song", songs)
    [question] = [question for question in grounded.questions if question.id == "task"]
    assert (question.default, [option.value for option in question.options]) == (
        "multilabel",
        ["multilabel", "multiclass"],
    )
    assert say("multi-label classification of moods", songs).questions == []
    whole = say("predict the mood of each song", songs, answers={"task": "multiclass"}).spec
    assert (whole.task.type, whole.target.separator) == ("multiclass", None)
    with pytest.raises(RequestError, match="does not fit the target"):
        say("predict the mood of each song", songs, answers={"task": "binary"})


def test_commas_of_prose_are_no_labels(songs):
    text = next(column for column in songs.table("songs").columns if column.name == "text")
    assert text.listed is None


def test_rare_labels_are_left_out_and_named(made):
    cells = [*moods()[:-3], "odd|calm", "odd", "odd|sad"]
    catalog = made(songs={"song_no": [f"s{i}" for i in range(ROWS)], "beats": list(range(ROWS)), "moods": cells})
    grounded = say("predict the moods of each song", catalog)
    assert "odd" not in grounded.spec.target.labels
    assert any("left out" in sentence and "'odd'" in sentence for sentence in grounded.assumed)


@pytest.mark.parametrize(
    "words",
    [
        "predict fault_crack, fault_stain and fault_chip of each plate",
        "predict fault crack, fault stain and fault chip",
        "predict the faults of each plate",
        "which of these faults occur",
        "predict which faults each plate has",
        "multi-label classification of the faults",
    ],
)
def test_columns_of_yes_and_no_are_labels_together(plates, words):
    spec = say(words, plates).spec
    assert spec.task.type == "multilabel"
    assert spec.target.columns == ["fault_crack", "fault_stain", "fault_chip"]
    assert (spec.target.column, spec.target.separator, spec.target.labels) == ("labels", None, [])
    assert {drop.column for drop in spec.data.drop} == set(spec.target.columns)


def test_what_names_share_leaves_open_whether_all_are_meant(plates):
    [question] = say("predict the faults of each plate", plates).questions
    assert question.default == "fault_crack,fault_stain,fault_chip"
    settled = {"target": question.options[2].value}
    spec = say("predict the faults of each plate", plates, answers=settled).spec
    assert (spec.task.type, spec.target.column) == ("binary", "fault_stain")
    assert say("predict fault_crack and fault_chip", plates).questions == []


def test_one_of_the_columns_alone_is_yes_or_no(plates):
    spec = say("predict which plates have a fault_crack", plates).spec
    assert (spec.task.type, spec.target.column, spec.target.columns) == ("binary", "fault_crack", [])


def test_a_list_with_a_name_that_is_no_column_is_no_list_of_labels(plates):
    with pytest.raises(RequestError, match="fits"):
        say("predict the weight, the length and the smell of a horse", plates)


def test_an_answer_names_the_columns(plates):
    spec = say("predict the faults", plates, answers={"target": "night_shift, plates.fault_chip"}).spec
    assert spec.target.columns == ["night_shift", "fault_chip"]
    with pytest.raises(RequestError, match="'glaze' is no column of yes and no"):
        say("predict the faults", plates, answers={"target": "fault_chip,glaze"})
    with pytest.raises(RequestError, match="they are a multilabel task"):
        say("predict the faults", plates, answers={"task": "binary"})


def test_several_labels_that_are_not_there_are_refused(songs):
    with pytest.raises(RequestError, match="holds one value a row") as refused:
        say("multi-label classification of the key", songs)
    assert "--answer target=" in refused.value.hint
    with pytest.raises(RequestError, match="roc_auc does not fit a multilabel task"):
        say("predict the moods of each song, AUC above 0.8", songs)


def test_the_target_of_a_spec_is_completed_or_refused(songs):
    table = songs.table("songs")

    def given(cells=(), **target):
        return given_target(TargetSpec(table="songs", column="moods", **target), table, {"moods": cells})

    import pyarrow as pa

    found = given(pa.chunked_array([pa.array(moods())]), separator="|")
    assert found.labels == ["Wild", "calm", "sad"]
    assert given(separator="|", labels=["calm"]).labels == ["calm"]
    with pytest.raises(RequestError, match=r"`target\.separator`"):
        given()
    with pytest.raises(RequestError, match="'key' is no column of yes and no"):
        given(columns=["key"])

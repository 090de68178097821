"""Requests about pictures, bound to the folders that they lie in or to the tables that name them."""

from __future__ import annotations

import numpy as np
import pytest
from automl_agent.grounding import ground
from automl_agent.requirements import load_request
from automl_runtime.data.catalog import discover
from automl_runtime.errors import RequestError
from pictures import shape, write_shapes


def say(request, folder, **answers):
    catalog = discover(folder).catalog
    return ground(load_request(request), catalog, source=str(folder), answers=answers)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three classes; the first picture is there twice."""
    folder = write_shapes(tmp_path_factory.mktemp("a") / "outlines", ["circle", "square", "triangle"], each=4)
    (folder / "circle" / "again.png").write_bytes((folder / "circle" / "000.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def leveled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("b") / "things"
    write_shapes(folder / "round", ["circle", "ring"], each=4)
    write_shapes(folder / "pointed", ["square", "triangle"], each=4, seed=1)
    return folder


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A table that names pictures, with what was found in them and something about them."""
    folder = tmp_path_factory.mktemp("c") / "clinic"
    (folder / "scans").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = ["scan,weight,finding,ward"]
    for number in range(24):
        kind = ["circle", "square"][number % 2]
        shape(kind, rng).save(folder / "scans" / f"{number:02}.png")
        lines.append(f"{number:02}.png,{rng.integers(50, 90)},{kind},{'north' if number % 3 else 'south'}")
    (folder / "findings.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("classify the outline shown in each picture", "predict-outline"),
        ("which shape is in the photo, accuracy above 0.8", "predict-shape"),
        ("classify images", "predict-class"),
        ("predict the class of each image", "predict-class"),
        ("recognise the outline", "predict-outline"),
        ("predict the label", "predict-label"),
    ],
)
def test_the_target_is_the_folder_of_a_picture(three, request_, name):
    spec = say(request_, three).spec
    assert (spec.target.table, spec.target.column, spec.task.type) == ("pictures", "label", "multiclass")
    assert (spec.name, spec.task.entity, spec.data.tables[0].key) == (name, "picture", ["picture"])


@pytest.mark.parametrize("request_", ["predict the price of oil", "which customers will churn", "predict the weather"])
def test_what_pictures_do_not_show_is_refused(three, request_):
    with pytest.raises(RequestError, match="Nothing in"):
        say(request_, three)


def test_pictures_that_show_the_same_stay_together(three):
    grounded = say("classify the pictures", three)
    assert (grounded.spec.task.group, grounded.spec.training.validation) == ("picture_content", "grouped")
    assert "1 picture shows the same as another: they stay on one side of every split" in grounded.assumed


def test_several_levels_of_folders_are_a_question(leveled):
    grounded = say("classify the pictures", leveled)
    assert grounded.spec.target.column == "label"
    (question,) = [question for question in grounded.questions if question.id == "target"]
    assert [option.value for option in question.options] == ["pictures.label", "pictures.folder"]
    assert [drop.column for drop in grounded.spec.data.drop] == ["folder"]


def test_the_other_level_can_be_chosen_and_the_inner_one_is_dropped(leveled):
    spec = say("classify the pictures", leveled, target="pictures.folder").spec
    assert (spec.target.column, spec.task.type) == ("folder", "binary")
    assert [drop.column for drop in spec.data.drop] == ["label"]


@pytest.mark.parametrize(
    ("request_", "column"),
    [("predict the finding from each image", "finding"), ("predict the ward", "ward"), ("sort the pictures", "ward")],
)
def test_a_table_that_names_pictures_holds_the_target_itself(named, request_, column):
    spec = say(request_, named).spec
    assert (spec.target.table, spec.target.column, spec.task.group) == ("findings", column, "scan_content")


def test_which_of_several_columns_of_classes_is_a_question(named):
    grounded = say("sort the pictures", named)
    (question,) = [question for question in grounded.questions if question.id == "target"]
    assert [option.value for option in question.options] == ["findings.ward", "findings.finding"]

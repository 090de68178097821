"""New data may bring labels that a project does not know, and lack some that it does."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest
from automl_agent.label_changes import LabelChanges, label_changes
from automl_schemas.spec import TargetSpec

LISTED = TargetSpec(table="films", column="genres", separator="|", labels=["Drama", "Comedy", "War"])


def project(target, catalogued=()):
    """As much of a project as is looked at: its target, and the labels that its catalog counts."""
    listed = SimpleNamespace(labels=[SimpleNamespace(value=name, count=count) for name, count in catalogued])
    column = SimpleNamespace(name="genres", listed=listed if catalogued else None)
    catalog = SimpleNamespace(tables=[SimpleNamespace(name="films", columns=[column])])
    return SimpleNamespace(spec=SimpleNamespace(target=target), catalog=catalog)


def films(*cells):
    return pa.table({"genres": [*cells]})


def test_labels_that_come_and_go_are_named_the_most_frequent_first():
    data = films(*["drama | noir"] * 12, *["Comedy|Western"] * 20, *["Rare"] * 9, None)
    found = label_changes(LISTED, project(LISTED), data)
    assert found.to_json() == {"new": ["Western", "noir"], "gone": ["War"]}
    lines = [(finding.topic, finding.text) for finding in found.findings()]
    assert [topic for topic, _ in lines] == ["new labels", "gone labels"]
    assert "'Western', 'noir'" in lines[0][1] and "target.labels" in lines[0][1]
    assert "'War'" in lines[1][1]


def test_a_label_that_was_left_out_before_is_not_new_but_one_that_was_too_rare_is():
    data = films(*["Drama|Comedy|War|Music|Noir"] * 15)
    found = label_changes(LISTED, project(LISTED, [("music", 30), ("Noir", 3)]), data)
    assert (found.new, found.gone) == (("Noir",), ())


def test_what_is_predicted_from_now_on_needs_no_remedy():
    data = films(*["Drama|Comedy|War|Noir"] * 15)
    more = LISTED.model_copy(update={"labels": [*LISTED.labels, "Noir"]})
    [line] = label_changes(more, project(LISTED), data).findings()
    assert line.text == "'Noir'"


def test_the_same_labels_are_no_news():
    found = label_changes(LISTED, project(LISTED), films("DRAMA|comedy", "war"))
    assert found == LabelChanges() and list(found.findings()) == []


@pytest.mark.parametrize(("yes", "no", "kind"), [(True, False, pa.bool_()), (1, 0, pa.int64())])
def test_of_columns_those_that_nobody_has_are_gone(yes, no, kind):
    target = TargetSpec(table="calls", column="faults", columns=["melted", "rusty", "bent"])
    columns = {"melted": [yes, no, None], "rusty": [no, no, no], "bent": [None, None, None]}
    data = pa.table({name: pa.array(cells, kind) for name, cells in columns.items()})
    assert label_changes(target, project(target), data).to_json() == {"new": [], "gone": ["rusty", "bent"]}


def test_many_labels_are_counted_rather_than_listed():
    data = films(*["|".join(f"genre {number}" for number in range(30))] * 10)
    first = next(label_changes(LISTED, project(LISTED), data).findings())
    assert "and 18 more" in first.text

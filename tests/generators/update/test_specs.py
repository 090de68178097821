from __future__ import annotations

import pytest
from automl_generators.project import spec_text
from automl_generators.update.specs import merge_spec_texts, merge_specs
from automl_runtime.project.specfile import parse_spec
from automl_schemas.spec import DroppedColumn, ProjectSpec


@pytest.fixture
def spec(plan) -> ProjectSpec:
    return plan.spec


def changed(spec: ProjectSpec, **parts) -> ProjectSpec:
    """`spec` with other values of `part__key`."""
    content = spec.model_dump(mode="json")
    for path, value in parts.items():
        *way, last = path.split("__")
        place = content
        for key in way:
            place = place[key]
        place[last] = value
    return ProjectSpec.model_validate(content)


def test_the_text_of_a_spec_is_that_of_a_rendered_project(rendered, spec):
    assert spec_text(spec) == (rendered / "project.yaml").read_text()


def test_what_new_words_change_is_added_to_what_the_user_settled(spec):
    mine, theirs = changed(spec, training__folds=3), changed(spec, metric__goal__value=0.9, request="better")
    merged, clashes = merge_specs(spec, mine, theirs)
    assert merged == changed(spec, training__folds=3, metric__goal__value=0.9, request="better")
    assert clashes == []


def test_a_key_that_both_changed_is_as_the_words_say_and_named(spec):
    mine, theirs = changed(spec, metric__goal__value=0.7), changed(spec, metric__goal__value=0.9)
    merged, clashes = merge_specs(spec, mine, theirs)
    assert merged == theirs
    assert clashes == ["metric.goal.value"]


def test_items_of_lists_are_added_and_removed_by_either_side(spec):
    first, second, third = (DroppedColumn(table="accounts", column=name, reason="asked") for name in "abc")
    base, mine, theirs = (
        spec.model_copy(update={"data": spec.data.model_copy(update={"drop": drops})})
        for drops in ([first], [first, second], [third])
    )
    merged, clashes = merge_specs(base, mine, theirs)
    assert merged.data.drop == [third, second]
    assert clashes == []


@pytest.mark.parametrize(
    "edit",
    [
        ("  folds: 5", "  folds: 3"),
        ("metric:\n  name: roc_auc\n  goal:\n    op: '>'\n    value: 0.8\n", "metric: {name: roc_auc, goal: null}\n"),
        ("seed: 0", "seed: 7   # a lucky number"),
        ("# How the result is judged", "# What the board looks at"),
    ],
)
def test_the_user_s_spelling_stays_where_the_spec_is_what_it_says(spec, edit):
    base = spec_text(spec)
    mine = base.replace(*edit)
    assert mine != base
    merged = merge_spec_texts(base.encode(), mine.encode(), parse_spec(mine), clash=False)
    assert (merged.content.decode(), merged.conflicts) == (mine, ())


def test_what_the_spec_says_otherwise_is_written_beside_the_user_s_comments(spec):
    base = spec_text(spec)
    mine = base.replace("seed: 0", "seed: 7   # a lucky number")
    wanted = changed(parse_spec(mine), training__budget_seconds=60.0)
    merged = merge_spec_texts(base.encode(), mine.encode(), wanted, clash=False)
    assert parse_spec(merged.content.decode()) == wanted
    assert merged.content.decode() == mine.replace("budget_seconds: 300.0", "budget_seconds: 60.0")


def test_a_line_that_the_user_commented_and_the_spec_changes_is_a_conflict(spec):
    base = spec_text(spec)
    mine = base.replace("  folds: 5", "  folds: 5   # as always")
    merged = merge_spec_texts(base.encode(), mine.encode(), changed(spec, training__folds=3), clash=False)
    [conflict] = merged.conflicts
    assert (conflict.yours, conflict.wanted) == ("  folds: 5   # as always\n", "  folds: 3\n")


def test_a_clash_is_a_conflict_although_the_words_would_win(spec):
    base = spec_text(spec)
    mine = base.replace("value: 0.8", "value: 0.7")
    wanted = changed(spec, metric__goal__value=0.9)
    assert merge_spec_texts(base.encode(), mine.encode(), wanted, clash=True).conflicts
    assert not merge_spec_texts(base.encode(), mine.encode(), wanted, clash=False).conflicts

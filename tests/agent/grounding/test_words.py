from __future__ import annotations

import pytest
from automl_agent.grounding.labels import (
    LabelMatch,
    are_codes,
    bound_of,
    clean_value,
    initials_match,
    label_named,
    match_labels,
    says_no,
    spelled_label,
    threshold_label,
    yes_label,
)
from automl_agent.grounding.words import codes, content_words, domains, is_event, is_negated, relate, stem, tokens
from automl_schemas.requirement import Threshold
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("word", "part", "least", "opposite"),
    [
        ("churn", "churn", 1.0, False),
        ("churn", "churned", 0.97, False),
        ("churn", "attrited", 0.78, False),
        ("churn", "cancelled", 0.78, False),
        ("churn", "exited", 0.78, False),
        ("leave", "left", 0.97, False),
        ("churn", "active", 0.78, True),
        ("quit", "retained", 0.78, True),
        ("default", "repaid", 0.78, True),
        ("late", "ontime", 0.78, True),
        ("arrive", "arr", 0.74, False),
        ("count", "cnt", 0.85, False),
        ("temperature", "temp", 0.92, False),
        ("price", "houseprice", 0.8, False),
        ("survive", "survival", 0.88, False),
        ("fraud", "fraudulent", 0.88, False),
        ("prise", "price", 0.78, False),
        ("salary", "income", 0.78, False),
        ("baked", "baking", 0.97, False),
        ("hired", "hire", 0.97, False),
    ],
)
def test_words_go_together(word, part, least, opposite):
    relation = relate(word, part)
    assert relation.strength >= least - 0.07
    assert relation.reversed is opposite


@pytest.mark.parametrize(
    ("word", "part"),
    [("age", "agent"), ("car", "cargo"), ("profit", "profile"), ("mark", "market"), ("price", "distance"), ("spam", "fraud"),
     ("stock", "block"), ("plan", "plants"), ("churn", "church")],
)  # fmt: skip
def test_words_do_not_go_together(word, part):
    assert relate(word, part).strength < 0.74


def test_request_only_words_do_not_work_the_other_way():
    assert relate("make", "income").strength > 0.7
    assert relate("income", "make").strength < 0.7


def test_names_are_split():
    assert tokens("arrDelay_min") == ("arr", "delay", "min")
    assert tokens("Paid on time?") == ("paid", "ontime")
    assert tokens("Gekündigt") == ("gekuendigt",)
    assert content_words("will not be paid back on time") == ("payback", "ontime")
    assert codes("PM2.5 and NO2") == {"pm25", "no2"}
    assert domains("glucose") and not domains("xyz")
    assert is_event("churn") and not is_event("table")


@pytest.mark.parametrize(
    ("phrase", "negated"),
    [("not pay", True), ("won't stay", True), ("fail to pay", True), ("no show", False), ("pay", False)],
)
def test_denials(phrase, negated):
    assert is_negated(phrase) is negated


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_words_can_be_compared(first, second):
    for word in content_words(first):
        assert stem(word)
        for part in tokens(second):
            assert 0 <= relate(word, part).strength <= 1


@pytest.mark.parametrize(
    ("labels", "threshold", "expected"),
    [
        (["<=50K", ">50K"], (">", 50_000), ">50K"),
        (["- 50000.", "50000+."], (">", 50_000), "50000+."),
        (["under 30k", "30k or more"], ("<", 30_000), "under 30k"),
        (["<=50K", ">50K"], (">", 40_000), None),
        (["low", "high"], (">", 50_000), None),
        (["1", "2"], (">", 1), None),
    ],
)
def test_labels_that_draw_a_threshold(labels, threshold, expected):
    assert threshold_label(Threshold(op=threshold[0], value=threshold[1]), labels) == expected


def test_labels():
    assert [yes_label(pair) for pair in (["no", "yes"], ["0", "1"], ["ja", "nein"], ["a", "b"], ["0", "2"], ["x"])] == [
        "yes", "1", "ja", None, "2", None,
    ]  # fmt: skip
    assert are_codes(["M", "B"]) and are_codes(["0", "1"]) and not are_codes(["fine", "junk"])
    assert (
        initials_match("malignant", ["M", "B"]),
        initials_match("malignant", ["y", "n"]),
        initials_match("x", ["M", "B"]),
    ) == ("M", None, None)
    assert (bound_of(">50K"), bound_of("apple"), bound_of("50")) == ((50_000.0, True), None, None)
    assert says_no("Not readmitted") and not says_no("nothing")
    assert spelled_label("which are non functional", ["functional", "non functional"]) == "non functional"
    assert (label_named("YES", ["Yes", "No"]), label_named("charged-off", ["Paid", "Charged Off"])) == (
        "Yes",
        "Charged Off",
    )
    assert label_named("maybe", ["Yes", "No"]) is None
    assert match_labels((("churn", 1.0),), ["Active", "Attrited Customer"]).label == "Attrited Customer"
    assert match_labels((("churn", 1.0),), ["Active", "Other"]) == LabelMatch("Active", 0.78, reversed=True)
    assert [clean_value(*pair) for pair in (("yes", "boolean"), ("2", "integer"), ("2.0", "number"), ("2.5", "number"), ("a", "category"))] == [
        True, 2, 2, 2.5, "a",
    ]  # fmt: skip

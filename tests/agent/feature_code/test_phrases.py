"""Everyday phrases become features of the columns that they mean."""

from __future__ import annotations

import ast

import pytest
from automl_agent.feature_code.forms import FORMS, Field, make
from automl_agent.feature_code.phrases import understand
from automl_runtime.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

FIELDS = [
    Field("Support Calls", "integer"),
    Field("membershipMonths", "integer"),
    Field("fee_paid", "number"),
    Field("fee_due", "number"),
    Field("opened_on", "date"),
    Field("closed_on", "date"),
    Field("Remarks", "text"),
    Field("plan", "category", ("Basic", "Pro", "Pro Max")),
    Field("has_parking", "boolean"),
    Field("has_locker", "boolean"),
]


@pytest.mark.parametrize(
    ("phrase", "name", "expression"),
    [
        ("ratio of support calls to membership months", "support_calls_per_membership_months", 'rows["Support Calls"] / '),
        ("the share of fee paid in fee due", "fee_paid_per_fee_due", 'rows["fee_paid"] / '),
        ("calls per membership month", "support_calls_per_membership_months", 'rows["membershipMonths"] != 0'),
        ("support calls / membershipMonths", "support_calls_per_membership_months", 'rows["Support Calls"] / '),
        ("'fee_paid' divided by 'fee_due'", "fee_paid_per_fee_due", 'rows["fee_paid"] / '),
        ("Fee due minus fee paid.", "fee_due_minus_fee_paid", 'rows["fee_due"] - rows["fee_paid"]'),
        ("difference between fee_due and fee_paid", "fee_due_minus_fee_paid", 'rows["fee_due"] - rows["fee_paid"]'),
        ("difference between closed and opened", "days_from_opened_on_to_closed_on", 'rows["closed_on"] - rows["opened_on"]'),
        ("sum of fee paid, fee due and support calls", "sum_of_fee_paid_and_2_more", ".sum(axis=1)"),
        ("fee paid plus fee due", "sum_of_fee_paid_and_fee_due", 'rows[["fee_paid", "fee_due"]].sum(axis=1)'),
        ("average of fee paid and fee due", "mean_of_fee_paid_and_fee_due", ".mean(axis=1)"),
        ("fee paid times support calls", "fee_paid_times_support_calls", " * "),
        ("days between opened on and closed on", "days_from_opened_on_to_closed_on", "/ 86400"),
        ("number of months from opened until closed", "months_from_opened_on_to_closed_on", "/ 2629800"),
        ("log of fee paid", "log_of_fee_paid", "np.log1p("),
        ("length of the remarks", "length_of_remarks", ".str.len()"),
        ("number of words in remarks", "words_in_remarks", '.str.count(" ") + 1'),
        ("whether remarks mentions refund", "remarks_mentions_refund", 'contains("refund", case=False, regex=False)'),
        ("is fee paid missing?", "fee_paid_is_missing", 'rows["fee_paid"].isna()'),
        ("how many of fee paid, remarks and plan are missing", "missing_among_fee_paid_and_2_more", ".isna().sum(axis=1)"),
        ("how many of parking and locker are true", "yes_among_has_parking_and_has_locker", 'astype("Float64").sum(axis=1)'),
        ("fee paid above 1,000.5", "fee_paid_above_1000_5", 'rows["fee_paid"] > 1000.5'),
        ("whether support calls are at least 3", "support_calls_at_least_3", 'rows["Support Calls"] >= 3'),
        ("plan is pro max", "plan_is_pro_max", 'rows["plan"] == "Pro Max"'),
        ("opened on a weekend", "opened_on_on_weekend", ".dt.day_of_week >= 5"),
        ("month of opened on", "month_of_opened_on", ".dt.month"),
        ("weekday of closing", "weekday_of_closed_on", ".dt.day_of_week"),
    ],
)  # fmt: skip
def test_a_phrase_is_understood(phrase, name, expression):
    found = understand(phrase, FIELDS)
    assert (found.name, found.by) == (name, "person")
    assert expression in found.code


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("make it better", "no feature that the rules know"),
        ("", "no feature that the rules know"),
        ("ratio of unicorns to fee paid", "'unicorns' is no column"),
        ("fee per membership month", "could be several columns: 'fee_paid', 'fee_due'"),
        ("ratio of plan to fee paid", "'plan' holds texts or categories; this is for numbers"),
        ("days between fee paid and fee due", "this is for dates"),
        ("fee paid minus fee_paid", "both understood as the column 'fee_paid'"),
        ("sum of fee paid", "names one column"),
        ("plan is gold", "no frequent value of 'plan'"),
        ("length of fee paid", "this is for texts"),
    ],
)
def test_what_is_not_understood_is_named(phrase, said):
    with pytest.raises(RequestError) as refused:
        understand(phrase, FIELDS)
    assert said in str(refused.value)


def test_a_name_that_is_taken_gets_a_number():
    first = understand("log of fee paid", FIELDS)
    assert understand("log of fee paid", FIELDS, taken={first.name}).name == "log_of_fee_paid_2"


@given(st.text(max_size=80))
def test_any_phrase_is_understood_or_refused(phrase):
    try:
        ast.parse(understand(phrase, FIELDS).code)
    except RequestError as error:
        assert error.exit_code == 2


@given(
    st.sampled_from(sorted(FORMS)),
    st.lists(st.text(min_size=1, max_size=300), min_size=3, max_size=3, unique=True),
    st.text(max_size=50),
)
def test_every_form_is_code_whatever_columns_are_called(form, names, value):
    type_ = {"number": "number", "yes_no": "boolean", "moment": "date", "text": "text", "any": "text"}[FORMS[form].kind]
    fields = [Field(name, type_) for name in names[: FORMS[form].fields or 3]]
    given_value = 3 if FORMS[form].kind == "number" else value
    made = make(form, fields, columns=names, value=given_value)
    assert set(made.columns) == {field.name for field in fields}

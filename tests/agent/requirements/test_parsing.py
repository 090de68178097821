from __future__ import annotations

import contextlib

import pytest
from automl_agent.requirements import parse_request
from automl_runtime.errors import RequestError
from automl_schemas.requirement import Requirement
from hypothesis import given, settings
from hypothesis import strategies as st

CLAUSES = "auc above 0.8|in 5 minutes|within 10 %|which|will|customers|of the|churn|from ./x|without price|,|.|'|\"|(|100k/day|p99"


def asked(text: str) -> dict[str, object]:
    return parse_request(text).model_dump(exclude_none=True, exclude_defaults=True, exclude={"request"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("predict which customers of the online shop will churn",
         {"task": "binary", "target": "churn", "entity": "customer", "entity_phrase": "customers of the online shop"}),
        ("predict who earns more than 50,000 dollars a year",
         {"task": "binary", "target": "earns", "threshold": {"op": ">", "value": 50000.0}}),
        ("which parcels will be late by over 15 minutes",
         {"task": "binary", "target": "late", "entity": "parcel", "entity_phrase": "parcels",
          "threshold": {"op": ">", "value": 15.0, "unit": "minute"}}),
        ("predict the median value of a house", {"target": "median value", "entity": "house", "entity_phrase": "house"}),
        ("estimate a customer's income",
         {"task": "regression", "target": "income", "entity": "customer", "entity_phrase": "customer"}),
        ("how many boats will be rented each hour",
         {"task": "regression", "target": "boats will be rented", "frequency": "hour"}),
        ("forecast how many boats will be rented each hour",
         {"task": "forecast", "target": "boats will be rented", "frequency": "hour"}),
        ("tell junk letters from normal ones",
         {"task": "binary", "target": "junk letters", "positive": "junk", "entity": "letter", "entity_phrase": "letters"}),
        ("recognise which digit a hand is signing", {"task": "multiclass", "target": "digit a hand is signing",
         "entity": "hand", "entity_phrase": "hand"}),
        ("distinguish apples, pears and plums", {"task": "multiclass", "target": "apples, pears, plums"}),
        ("whether a loan is repaid or not", {"task": "binary", "target": "repaid", "entity": "loan", "entity_phrase": "loan"}),
        ("how likely is a lead to buy", {"task": "binary", "target": "buy", "entity": "lead", "entity_phrase": "lead"}),
        ("the probability that a loan is not repaid",
         {"task": "binary", "target": "not repaid", "entity": "loan", "entity_phrase": "loan"}),
        ("rank leads by likelihood to convert",
         {"task": "binary", "target": "convert", "entity": "lead", "entity_phrase": "leads"}),
        ("score customers for churn risk",
         {"task": "binary", "target": "churn risk", "entity": "customer", "entity_phrase": "customers"}),
        ("score card applications by risk of fraud",
         {"task": "binary", "target": "fraud", "entity": "application", "entity_phrase": "card applications"}),
        ("send each letter to the right desk",
         {"task": "multiclass", "target": "right desk", "entity": "letter", "entity_phrase": "letter"}),
        ("identify customers who will not pay on time",
         {"task": "binary", "target": "not pay on time", "entity": "customer", "entity_phrase": "customers"}),
        ("classify mails as spam or not", {"task": "binary", "target": "spam", "entity": "mail", "entity_phrase": "mails"}),
        ("classify mails as fine or junk", {"task": "binary", "target": "junk", "entity": "mail", "entity_phrase": "mails"}),
        ("classify the tickets into billing, sales and support",
         {"task": "multiclass", "target": "billing, sales, support", "entity": "ticket", "entity_phrase": "tickets"}),
        ("classify the tickets by urgency",
         {"task": "multiclass", "target": "urgency", "entity": "ticket", "entity_phrase": "tickets"}),
        ("classify the tickets into 4 classes", {"task": "multiclass", "target": "tickets"}),
        ("detect fraud in card payments",
         {"task": "binary", "target": "fraud in card payments", "entity": "payment", "entity_phrase": "payments"}),
        ("detect the language of a text", {"task": "multiclass", "target": "language", "entity": "text", "entity_phrase": "text"}),
        ("segment our customers by behaviour into 5 groups",
         {"task": "clustering", "entity": "customer", "entity_phrase": "customers", "clusters": 5}),
        ("customer segmentation", {"task": "clustering", "entity": "customer", "entity_phrase": "customer"}),
        ("find groups of similar shops", {"task": "clustering", "entity": "shop", "entity_phrase": "shops"}),
        ("which shops are similar", {"task": "clustering", "entity": "shop", "entity_phrase": "shops"}),
        ("find unusual payments", {"task": "anomaly", "entity": "payment", "entity_phrase": "payments"}),
        ("outlier detection in the sensor readings",
         {"task": "anomaly", "entity": "reading", "entity_phrase": "sensor readings"}),
        ("find the strangest 1.5 % of the payments",
         {"task": "anomaly", "entity": "payment", "entity_phrase": "payments", "contamination": 0.015}),
        ("flag the 80 % most unusual payments", {"task": "anomaly", "entity": "payment", "entity_phrase": "payments"}),
        ("find unusual payments, checked against is_fraud",
         {"task": "anomaly", "target": "is_fraud", "entity": "payment", "entity_phrase": "payments"}),
        ("churn", {"target": "churn"}),
        ("churn pls", {"target": "churn"}),
        ("price ~ everything, rmse < 5k", {"target": "price", "metric": "rmse", "goal": {"op": "<", "value": 5000.0}}),
        ("y = Outcome", {"target": "Outcome"}),
        ('target: "Sale Price", metric: RMSE', {"target": "Sale Price", "metric": "rmse"}),
        ("use column Exited as the target", {"target": "Exited"}),
        ("predict column 'Total (EUR)' from ./data", {"target": "Total (EUR)", "data": "./data"}),
        ("Exited is the target", {"target": "Exited"}),
        ("predict the last column", {"target": "last column"}),
        ("loan default, positive class is 'bad'", {"target": "loan default", "positive": "bad"}),
        ("give me a churn model", {"target": "churn"}),
        ("logistic regression for survival", {"task": "binary", "target": "survival"}),
        ("time series forecast of the sales", {"task": "forecast", "target": "sales"}),
        ("make a regression on price", {"task": "regression", "target": "price"}),
        ("what's the salary of a nurse given age", {"target": "salary", "entity": "nurse", "entity_phrase": "nurse"}),
        ("which type of boat is it",
         {"task": "multiclass", "target": "type of boat", "entity": "boat", "entity_phrase": "boat"}),
        ("what products do they buy", {"task": "multiclass", "target": "products"}),
        ("which clients we will lose", {"task": "binary", "target": "lose", "entity": "client", "entity_phrase": "clients"}),
        ("who of our members will quit", {"task": "binary", "target": "quit", "entity": "member", "entity_phrase": "members"}),
        ("Is this email spam?", {"task": "binary", "target": "spam", "entity": "email", "entity_phrase": "email"}),
        ("Will a client subscribe to a deposit?",
         {"task": "binary", "target": "subscribe to a deposit", "entity": "client", "entity_phrase": "client"}),
        ("predcit which custumers will leave",
         {"task": "binary", "target": "leave", "entity": "customer", "entity_phrase": "customers"}),
        ("when will the machine fail", {"target": "fail", "entity": "machine", "entity_phrase": "machine"}),
    ],
)  # fmt: skip
def test_core_of_a_request(text, expected):
    assert asked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Hi! Could you please build me a model that predicts which members will quit?",
        "I would like to know which members will quit. Thanks!",
        "My boss wants me to find out which members will quit",
        "We run a club. Every month people go. Please predict which members will quit.",
        "help me to predict which members are likely to quit",
        "Is it possible to predict which members are about to quit",
        "predict members who will quit",
        "Goal: predict which members will quit",
    ],
)
def test_courtesy_and_framing_change_nothing(text):
    found = parse_request(text)
    assert (found.task, found.target, found.entity) == ("binary", "quit", "member")


@pytest.mark.parametrize(
    "text",
    ["", "   \n ", "hello", "hi there", "Good morning, how are you?", "what's the weather like today?", "tell me a joke",
     "make a model", "predict", "predict something", "predict something useful", "do some machine learning", "help",
     "Can you help me with my data?", "thanks", "x" * 30_000],
)  # fmt: skip
def test_a_request_that_asks_nothing_is_refused_with_a_way_to_say_it(text):
    with pytest.raises(RequestError) as raised:
        parse_request(text)
    assert raised.value.exit_code == 2
    assert raised.value.hint is not None
    assert "predict which" in raised.value.hint
    assert len(str(raised.value)) < 400


def test_all_clauses_of_a_long_request():
    found = parse_request(
        "Please predict which customers of the online shop will churn in the next 30 days from './my data', AUC above 0.85,"
        " without using the e-mail address and age, only with what is known before the renewal, 100k requests/day,"
        " p99 below 50 ms, in 5 minutes; we must be able to explain the decisions."
    )
    assert found == Requirement(
        request=found.request, task="binary", target="churn", entity="customer", entity_phrase="customers of the online shop",
        horizon_days=30, metric="roc_auc", goal={"op": ">", "value": 0.85}, requests_per_day=100_000, p99_ms=50,
        budget_seconds=300, interpretable=True, data="./my data", exclude=["e-mail address", "age"], known_before="renewal",
    )  # fmt: skip


def test_the_order_of_clauses_does_not_matter():
    first = asked("predict churn, AUC above 0.8, in 2 minutes, without using age")
    assert asked("without using age, in 2 minutes, AUC above 0.8, predict churn") == first


def test_nothing_is_invented():
    found = parse_request("predict the price of a house")
    assert found.model_dump(exclude_none=True, exclude_defaults=True) == {
        "request": "predict the price of a house", "target": "price", "entity": "house", "entity_phrase": "house",
    }  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(CLAUSES.split("|")), max_size=14).map(" ".join)))
def test_any_text_is_understood_or_refused(text):
    with contextlib.suppress(RequestError):
        assert isinstance(parse_request(text), Requirement)


@pytest.mark.parametrize(
    "piece", ["a ", "which ", "the of ", "in the next ", ", ", "not ", "(", "5 ", "predict ", "will be "]
)
def test_long_repetitive_text_comes_to_an_end(piece):
    with contextlib.suppress(RequestError):
        assert isinstance(parse_request((piece * 4000)[:8000]), Requirement)

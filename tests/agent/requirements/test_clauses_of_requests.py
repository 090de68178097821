from __future__ import annotations

import pytest
from automl_agent.requirements import parse_request
from automl_agent.requirements.comparisons import operator_after, operator_in
from automl_agent.requirements.mentions import take_data, take_exclusions, take_known_before
from automl_agent.requirements.metrics import further_metrics, metric_named, take_metric
from automl_agent.requirements.numbers import days_in, parse_count, parse_number, seconds_in
from automl_agent.requirements.service import take_interpretable, take_latency, take_rate
from automl_agent.requirements.text import Text
from automl_agent.requirements.times import take_budget, take_frequency, take_horizon
from automl_runtime.errors import RequestError


@pytest.mark.parametrize(
    ("text", "metric", "op", "value"),
    [
        ("AUC above 0.85", "roc_auc", ">", 0.85),
        ("auc>=.9", "roc_auc", ">=", 0.9),
        ("ROC-AUC of 95 %", "roc_auc", ">=", 0.95),
        ("AUC > 85", "roc_auc", ">", 0.85),
        ("an AUC better than 0,85", "roc_auc", ">", 0.85),
        ("at least 80% AUC", "roc_auc", ">=", 0.8),
        ("AUROC no less than .8", "roc_auc", ">=", 0.8),
        ("area under the ROC curve over 0.8", "roc_auc", ">", 0.8),
        ("accuracy of at least 90%", "accuracy", ">=", 0.9),
        ("accuracy of minimum 0,8", "accuracy", ">=", 0.8),
        ("right 9 out of 10 times", "accuracy", ">=", 0.9),
        ("correct in at least 90% of cases", "accuracy", ">=", 0.9),
        ("at least 85% accurate", "accuracy", ">=", 0.85),
        ("balanced accuracy > 0.7", "balanced_accuracy", ">", 0.7),
        ("F1 0.8", "f1", ">=", 0.8),
        ("f1-score should be over 70 %", "f1", ">", 0.7),
        ("average precision > 0.5", "average_precision", ">", 0.5),
        ("PR-AUC above 0.4", "average_precision", ">", 0.4),
        ("log loss under 0.5", "log_loss", "<", 0.5),
        ("RMSE under 5", "rmse", "<", 5),
        ("rmse < 5k", "rmse", "<", 5000),
        ("RMSE better than 3 euros", "rmse", "<", 3),
        ("MSE below 25", "rmse", "<", 5),
        ("MAE at most 30 seconds", "mae", "<=", 30),
        ("MAE < 1.500 EUR", "mae", "<", 1500),
        ("error below 3 dollars", "mae", "<", 3),
        ("we may be off by at most 12 minutes on average", "mae", "<=", 12),
        ("accurate to within $5,000", "mae", "<=", 5000),
        ("within 3 degrees", "mae", "<=", 3),
        ("within 10 %", "mape", "<=", 0.1),
        ("within 10 percent of the true price", "mape", "<=", 0.1),
        ("± 5%", "mape", "<=", 0.05),
        ("MAPE <= 15%", "mape", "<=", 0.15),
        ("error under 8 percent", "mape", "<", 0.08),
        ("R2 over 0.7", "r2", ">", 0.7),
        ("R² of at least 0.5", "r2", ">=", 0.5),
        ("explain at least 80% of the variance", "r2", ">=", 0.8),
        ("pinball loss below 4", "pinball", "<", 4),
        ("silhouette > 0.3", "silhouette", ">", 0.3),
    ],
)
def test_goals(text, metric, op, value):
    words = Text(f"predict churn, {text}")
    found = take_metric(words)
    assert found is not None
    assert found.goal is not None
    assert (found.name, found.goal.op, round(found.goal.value, 9)) == (metric, op, value)
    assert words.segments() == ["predict churn"]


@pytest.mark.parametrize(
    ("text", "metric"),
    [
        ("optimise for F1", "f1"),
        ("metric: accuracy", "accuracy"),
        ("accuracy", "accuracy"),
        ("with ROC AUC as the metric", "roc_auc"),
        ("measured by MAE", "mae"),
        ("as low an RMSE as possible", "rmse"),
        ("log loss as metric, 200 rps", "log_loss"),
    ],
)
def test_a_metric_without_a_goal(text, metric):
    found = take_metric(Text(f"predict churn, {text}"))
    assert found is not None
    assert (found.name, found.goal) == (metric, None)


@pytest.mark.parametrize("text", ["predict f1 race results", "predict the accuracy of a shot", "predict churn in 5 minutes",
                                  "predict the price of cars under 5000", "recall the members"])  # fmt: skip
def test_words_that_are_no_metric_here(text):
    assert take_metric(Text(text)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("AUC above 1.5", "never above 1"),
        ("RMSE above 5", "less rmse is better"),
        ("accuracy below 50 %", "more accuracy is better"),
        ("recall above 0.8", "no metric here"),
        ("optimise the gini", "no metric here"),
    ],
)
def test_impossible_goals_are_refused(text, message):
    with pytest.raises(RequestError, match=message):
        take_metric(Text(f"predict churn, {text}"))


def test_metric_names():
    assert [metric_named(name) for name in ("roc_auc", "Mean absolute error", "R²", "mse", "recall", "price")] == [
        "roc_auc", "mae", "r2", None, None, None,
    ]  # fmt: skip
    assert further_metrics("churn, AUC above 0.8 and F1 over 0.7", "roc_auc") == ["f1"]


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("100k requests/day", 100_000),
        ("it should handle 1M calls a day", 1_000_000),
        ("20 requests per second", 1_728_000),
        ("50 rps", 4_320_000),
        ("600 rpm", 864_000),
        ("100k/day", 100_000),
        ("2 million predictions per month", 2_000_000 / 30),
        ("a thousand requests hourly", 24_000),
    ],
)
def test_rates(text, rate):
    assert take_rate(Text(f"predict churn, {text}")) == pytest.approx(rate)


@pytest.mark.parametrize(
    "text", ["who makes more than 5 calls a day", "who earns 50,000 dollars a year", "predict calls per day"]
)
def test_conditions_on_rows_are_no_rates(text):
    assert take_rate(Text(text)) is None


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("p99 below 50 ms", 50),
        ("answers in under 20ms", 20),
        ("latency < 20 ms", 20),
        ("sub-10ms latency", 10),
        ("respond within 100 milliseconds", 100),
        ("response time under 1 second", 1000),
        ("each prediction must take less than 500 µs", 0.5),
        ("in 30 ms", 30),
    ],
)
def test_latencies(text, milliseconds):
    assert take_latency(Text(f"predict churn, {text}")) == pytest.approx(milliseconds)


def test_a_slow_request_is_a_condition_and_no_latency():
    assert take_latency(Text("which requests take more than 500 ms")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it must be explainable to the regulator", True),
        ("interpretable", True),
        ("we must be able to explain every decision", True),
        ("no black box", True),
        ("it does not need to be explainable", False),
        ("no need to be interpretable", False),
        ("AUC above 0.8", None),
    ],
)
def test_interpretable(text, expected):
    assert take_interpretable(Text(f"predict churn, {text}")) is expected


@pytest.mark.parametrize(
    ("text", "horizon", "budget"),
    [
        ("churn in the next 30 days", 30, None),
        ("churn within a quarter", 91, None),
        ("sales next week", 7, None),
        ("sales over the coming 6 hours", 0.25, None),
        ("sales tomorrow", 1, None),
        ("tomorrow's sales", 1, None),
        ("sales two weeks ahead", 14, None),
        ("a day-ahead forecast of the load", 1, None),
        ("90-day churn", 90, None),
        ("sales with a horizon of 12 months", 360, None),
        ("which pumps will break within 24 hours", 1, None),
        ("patients readmitted within 30 days of discharge", 30, None),
        ("churn in the next 5 minutes", 5 / 1440, None),
        ("churn in 5 minutes", None, 300),
        ("churn in 2 hours", None, 7200),
        ("churn, take at most 2h", None, 7200),
        ("churn, budget 60s", None, 60),
        ("churn, budget: 10 min", None, 600),
        ("churn, 5-minute budget", None, 300),
        ("churn, time limit 1 hour", None, 3600),
        ("churn, you have 10 minutes", None, 600),
        ("churn, train for half an hour", None, 1800),
        ("churn, don't take longer than 3 minutes", None, 180),
        ("churn, 2 minutes max", None, 120),
        ("churn, no more than 30 minutes", None, 1800),
        ("churn, I need results in 10 min", None, 600),
        ("who leaves within 3 months, in 5 minutes", 90, 300),
        ("which trips take more than 20 minutes", None, None),
        ("churn", None, None),
    ],
)
def test_horizon_and_budget(text, horizon, budget):
    words = Text(text)
    assert take_horizon(words) == (None if horizon is None else pytest.approx(horizon))
    assert take_budget(words) == budget


@pytest.mark.parametrize(
    ("text", "step"),
    [("each hour", "hour"), ("daily", "day"), ("per week", "week"), ("monthly", "month"), ("day by day", "day"),
     ("every quarter", "quarter"), ("annually", "year"), ("each customer", None)],
)  # fmt: skip
def test_frequency(text, step):
    assert take_frequency(Text(f"forecast sales {text}")) == step


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("churn from ./messy", "./messy"),
        ("churn in data/sales", "data/sales"),
        ("churn using '/x y/z'", "/x y/z"),
        ('churn from "my data/a.csv"', "my data/a.csv"),
        (r"churn from C:\data\x", r"C:\data\x"),
        ("price on houses.csv, rmse < 5", "houses.csv"),
        ("churn with the files in ~/x", "~/x"),
        ("churn, data: ./x", "./x"),
        ("churn from ../x/y.tar.gz", "../x/y.tar.gz"),
        ("churn from .", "."),
        ("yes/no churn", None),
        ("speed in km/h", None),
        ("100k requests/day", None),
        ('the "bad" class', None),
    ],
)
def test_data_path(text, path):
    assert take_data(Text(text)) == path


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("without using price", ["price"]),
        ("w/o price", ["price"]),
        ("ignore the id column", ["id"]),
        ("don't use X or Y", ["X", "Y"]),
        ("excluding X, Y and Z from the model", ["X", "Y", "Z"]),
        ("do not use the columns x, y and z", ["x", "y", "z"]),
        ("please do not use the promo column", ["promo"]),
        ("leave the postcode out", ["postcode"]),
        ("gender must not be used", ["gender"]),
        ("without 'unit price, net' and weight", ["unit price, net", "weight"]),
        ("we must not use age and sex because it is illegal", ["age", "sex"]),
        ("AUC above 0.8", []),
    ],
)
def test_exclusions(text, excluded):
    words = Text(f"predict churn, {text}")
    take_metric(words)
    assert take_exclusions(words) == excluded


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("using only what is known before departure", "departure"),
        ("from what is known before the start", "start"),
        ("with information available prior to take-off, please", "take-off"),
        ("known at the time of booking", "booking"),
        ("using only what we know before the boat leaves", "boat leaves"),
        ("before lunch", None),
    ],
)
def test_known_before(text, event):
    assert take_known_before(Text(f"predict the delay, {text}")) == event


def test_numbers():
    assert [parse_number(text) for text in ("50,000", "0,85", ".9", "1.234,5", "1,234.5", "1'000", "2 million", "3k")] == [
        50_000, 0.85, 0.9, 1234.5, 1234.5, 1000, 2e6, 3000,
    ]  # fmt: skip
    assert (parse_number("1.250"), parse_number("1.250", thousands_first=True)) == (1.25, 1250)
    assert (parse_count("half an"), parse_count("ten"), seconds_in("half an hour"), days_in("fortnight")) == (
        0.5,
        10,
        1800,
        14,
    )
    for read in (parse_number, seconds_in):
        with pytest.raises(ValueError, match="is not a"):
            read("apples")


def test_comparisons():
    assert [operator_in(text) for text in ("≥", "at most", "more than", "below", "apple")] == [
        ">=",
        "<=",
        ">",
        "<",
        None,
    ]
    assert (operator_after("or more"), operator_after("tops")) == (">=", "<=")


@pytest.mark.parametrize(
    "text", ["predict churn. Mail: x@y.de", "“predict churn”", "`predict churn`", "predict\nchurn", "PREDICT CHURN"]
)
def test_quotes_case_and_line_breaks(text):
    assert parse_request(text).target.casefold().startswith("churn")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("call it boat-sales", "boat-sales"),
        ("project name: boats", "boats"),
        ("the project is called 'Boat sales'", "Boat sales"),
        ("predict the name of a project", None),
    ],
)
def test_project_name(text, name):
    assert parse_request(f"predict churn, {text}").project_name == name


@pytest.mark.parametrize("text", ["which users will not use their voucher", "who does not take the offer"])
def test_a_denied_verb_of_the_target_is_no_exclusion(text):
    found = parse_request(text)
    assert found.exclude == []
    assert found.target.startswith("not ")

"""Requests as different people write them, with what they must come to. Written before the parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from automl_agent.grounding import ground
from automl_agent.requirements import parse_request
from automl_runtime.errors import AutomlError

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Expected:
    """What a request over a folder must come to; `error` is the exit code of a refusal."""

    folder: str
    request: str
    task: str = ""
    target: str | None = None
    """`table.column`, or `sql: ` and a DuckDB expression."""
    metric: str = ""
    positive: Any = None
    goal: tuple[str, float] | None = None
    error: int | None = None

    def __str__(self) -> str:
        return f"{self.folder}: {self.request[:60]}"


E = Expected
GYM, PARCELS, ORCHARD = "fitclub_roster.Still Enrolled?", "consignments.mins_overdue", "orchard_plots.crop_t_per_ha"
LOANS, DESK, PRESS = "borrowers.repaid_fully", "enquiries.desk", "press_shop.stoppage_24h"

REQUESTS: list[Expected] = [
    # Leaving, with a column that says staying
    E("gym", "predict which members will quit, AUC above 0.85", "binary", GYM, "roc_auc", False, (">", 0.85)),
    E("gym", "churn", "binary", GYM, "roc_auc", False),
    E("gym", "Hi! Could you please build me a model that tells us who is going to cancel? Thanks!", "binary", GYM, "roc_auc", False),
    E("gym", "I would like to make a prediction about the churn of our members, accuracy of minimum 0,8", "binary", GYM, "accuracy", False, (">=", 0.8)),
    E("gym", "who stays with us? f1 over 0.7", "binary", GYM, "f1", True, (">", 0.7)),
    E("gym", "segment our members into 4 groups", "clustering", None, "silhouette"),
    E("gym", "how old is a member, within 10 %", "regression", "fitclub_roster.Age", "mape", None, ("<=", 0.1)),
    # Delays: a number, and the same number as yes or no
    E("parcels", "predict how late a parcel arrives, RMSE under 5", "regression", PARCELS, "rmse", None, ("<", 5)),
    E("parcels", "estimate the delay in minutes; on average we may be off by at most 12 minutes", "regression", PARCELS, "mae", None, ("<=", 12)),
    E("parcels", "which consignments will be late by over 15 minutes? answers in under 20ms", "binary", 'sql: "mins_overdue" > 15', "roc_auc", True),
    E("parcels", "delay ~ everything, R2 > .4", "regression", PARCELS, "r2", None, (">", 0.4)),
    E("parcels", "what does it cost to post a parcel? Ignore the depot town. MAE below 0.50", "regression", "consignments.postage_eur", "mae", None, ("<", 0.5)),
    # A number among numbers
    E("orchard", "how much fruit will each plot yield?", "regression", ORCHARD, "rmse"),
    E("orchard", "Yield prediction for apple plots, error below 3 tonnes, 100k requests/day", "regression", ORCHARD, "mae", None, ("<", 3)),
    E("orchard", "predict the harvest per hectare without using the hail net", "regression", ORCHARD, "rmse"),
    E("orchard", "tell me the acidity of the soil of a plot", "regression", "orchard_plots.soil_ph", "rmse"),
    E("orchard", "which cultivar grows on a plot?", "multiclass", "orchard_plots.cultivar", "log_loss"),
    # Loans
    E("loans", "which borrowers will default on their loan", "binary", LOANS, "roc_auc", False),
    E("loans", "predict default risk; must be explainable to the regulator; auc>=.8", "binary", LOANS, "roc_auc", False, (">=", 0.8)),
    E("loans", "Whether a client pays back the credit or not, please", "binary", LOANS, "roc_auc", True),
    E("loans", "predict the salary of the borrower", "regression", "borrowers.yearly_pay", "rmse"),
    E("loans", "which borrowers make more than 60k a year?", "binary", 'sql: "yearly_pay" > 60000', "roc_auc", True),
    E("loans", "predict the loan amount with an R² of at least 0.5", "regression", "borrowers.sum_lent", "r2", None, (">=", 0.5)),
    # Text to classes
    E("helpdesk", "classify the enquiries by desk, accuracy above 80%", "multiclass", DESK, "accuracy", None, (">", 0.8)),
    E("helpdesk", "to which department should an enquiry be routed? column: desk", "multiclass", DESK, "log_loss"),
    E("helpdesk", "predict the urgency level of a message", "multiclass", "enquiries.urgency_level", "log_loss"),
    E("helpdesk", "sort billing enquiries from all the others", "binary", "sql: \"desk\" = 'billing'", "roc_auc", True),
    # Machines
    E("machines", "predict which presses will break down within 24 hours", "binary", PRESS, "roc_auc", 1),
    E("machines", "predictive maintenance: detect machine failures, F1 0.6, p99 below 50 ms", "binary", PRESS, "f1", 1, (">=", 0.6)),
    E("machines", "find anomalies in the sensor readings", "anomaly", None, "roc_auc"),
    E("machines", "what will the oil temperature be, RMSE < 3", "regression", "press_shop.oil_temp_c", "rmse", None, ("<", 3)),
    # School
    E("pupils", "predict the final mark of each pupil", "regression", "school_year.final_mark", "rmse"),
    E("pupils", "which pupils will fail the year?", "binary", "school_year.verdict", "roc_auc", "fail"),
    E("pupils", "predict who passes, log loss under 0.5", "binary", "school_year.verdict", "log_loss", "pass", ("<", 0.5)),
    E("pupils", "who scores more than 80 points?", "binary", 'sql: "final_mark" > 80', "roc_auc", True),
    E("pupils", "recognise how a child comes to school (bus, foot or bike)", "multiclass", "school_year.commute", "log_loss"),
    # Time
    E("bakery", "forecast how many rolls will be sold each day", "forecast", "till_summary.rolls_sold", "rmse"),
    E("bakery", "daily sales forecast per branch for the next 2 weeks, MAPE <= 15%", "forecast", "till_summary.rolls_sold", "mape", None, ("<=", 0.15)),
    E("bakery", "We are a small bakery. How many rolls should we bake tomorrow? Please do not use the promo column.", "forecast", "till_summary.rolls_sold", "rmse"),
    # Headerless
    E("incomes", "predict who earns more than 30,000 dollars a year", "binary", "census_extract.col_4", "roc_auc", ">30K"),
    E("incomes", "income over 30k yes/no, average precision over 0.6", "binary", "census_extract.col_4", "average_precision", ">30K", (">", 0.6)),
    E("mails", "tell junk mail from normal mail", "binary", "mailbox_corpus.col_0", "roc_auc", "junk"),
    E("mails", "spam filter, AUC of 95%", "binary", "mailbox_corpus.col_0", "roc_auc", "junk", (">=", 0.95)),
    E("mails", "predict the first column", "binary", "mailbox_corpus.col_0", "roc_auc", "junk"),
    # Hotel
    E("hotel", "which guests will not show up?", "binary", "stays.turned_up", "roc_auc", 0),
    E("hotel", "predict no-shows, we have 5 minutes", "binary", "stays.turned_up", "roc_auc", 0),
    E("hotel", "Price per night prediction, within 12 %", "regression", "stays.nightly_rate", "mape", None, ("<=", 0.12)),
    E("hotel", "how many days in advance is a room booked?", "regression", "stays.days_ahead", "rmse"),
    # Hospital
    E("ward", "predict whether a patient has diabetes", "binary", "patients_intake.outcome", "roc_auc", 1),
    E("ward", "length of stay of the patients (nights), MAE better than 2", "regression", "patients_intake.nights_in_ward", "mae", None, ("<", 2)),
    # Reviews
    E("reviews", "predict the star score of a comment", "regression", "diner_feedback.star_score", "rmse"),
    E("reviews", "classify the comments by number of stars", "multiclass", "diner_feedback.star_score", "log_loss"),
    # Several files
    E("broadband", "Which customers of the internet provider are about to leave?", "binary", "sql: \"state_now\" = 'closed'", "roc_auc", True),
    E("broadband", "predict the state of a line", "multiclass", "line_state.state_now", "log_loss"),
    # What cannot be done
    E("ward", "predict the stock price of Apple", error=2),
    E("orchard", "which flights will be delayed?", error=2),
    E("ward", "forecast the hourly electricity demand for next week", error=2),
    E("gym", "", error=2),
    E("gym", "hello", error=2),
    E("gym", "Good morning, how are you?", error=2),
    E("gym", "what's the weather like today?", error=2),
    E("gym", "make a model", error=2),
    E("loans", "predict something useful", error=2),
    E("bakery", "which employees will resign", error=2),
    E("gym", "predict which members will quit, RMSE under 5", error=2),
    E("gym", "predict which members will quit, AUC above 1.5", error=2),
    E("parcels", "predict the delay without using the colour of the van", error=2),
    E("helpdesk", "predict tomorrow's temperature", error=2),
    E("mails", "detect fraudulent credit card transactions", error=2),
]  # fmt: skip


@pytest.mark.parametrize("expected", REQUESTS, ids=str)
def test_request_comes_to_the_right_task_target_and_metric(expected, catalog_of):
    catalog = catalog_of(expected.folder)
    if expected.error is not None:
        with pytest.raises(AutomlError) as raised:
            ground(parse_request(expected.request), catalog, source=expected.folder)
        assert raised.value.exit_code == expected.error
        assert raised.value.hint or "known" in str(raised.value)
        return
    spec = ground(parse_request(expected.request), catalog, source=expected.folder).spec
    target = None
    if spec.target is not None:
        target = f"sql: {spec.target.sql}" if spec.target.sql else f"{spec.target.table}.{spec.target.column}"
    goal = (spec.metric.goal.op, spec.metric.goal.value) if spec.metric.goal else None
    assert (spec.task.type, target, spec.metric.name, goal) == (
        expected.task, expected.target, expected.metric, expected.goal,
    )  # fmt: skip
    assert (spec.target.positive if spec.target else None) == expected.positive


def test_there_are_forty_requests_and_impossible_ones_among_them():
    assert len(REQUESTS) >= 40
    assert sum(expected.error is not None for expected in REQUESTS) >= 10
    assert len({expected.folder for expected in REQUESTS}) >= 10


def test_no_name_of_these_tables_stands_in_first_party_code(catalog_of):
    names = set()
    for folder in sorted({expected.folder for expected in REQUESTS}):
        for table in catalog_of(folder).tables:
            names.add(table.name)
            names.update(column.name for column in table.columns)
    telling = {name for name in names if re.search(r"[_ ?]|[a-z][A-Z]", name) and not re.fullmatch(r"col_\d+", name)}
    packages = ("schemas", "runtime", "generators", "templates", "agent")
    code = "\n".join(
        path.read_text(encoding="utf-8") for package in packages for path in sorted((ROOT / package).rglob("*.py"))
    )
    assert len(telling) > 40
    assert sorted(name for name in telling if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code)) == []

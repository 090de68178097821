"""A function is a feature only if its values depend on nothing but their row."""

from __future__ import annotations

import pandas as pd
import pytest
from automl_agent.feature_code.checking import check
from automl_agent.feature_code.proposal import Proposal
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

TYPES = {"a": "number", "n": "integer", "s": "category", "d": "date", "q": "boolean"}
SCHEMA = InputSchema(
    columns=[
        InputColumn(name=name, type=type_, plan=ColumnPlan(column=name, type=type_)) for name, type_ in TYPES.items()
    ]
)
ROWS = pd.DataFrame(
    {
        "a": [float(number % 7) if number % 5 else None for number in range(60)],
        "n": range(60),
        "s": pd.Series([("red", "blue", None)[number % 3] for number in range(60)], dtype="str"),
        "d": pd.date_range("2024-01-01", periods=60).as_unit("us"),
        "q": pd.array([(True, False, None)[number % 3] for number in range(60)], dtype="boolean"),
        "target": [number % 2 for number in range(60)],
    }
)
GOOD = {
    "ratio": 'rows["n"] / rows["a"].where(rows["a"] != 0)',
    "length": 'rows["s"].str.len()',
    "days": '(rows["d"] - pd.Timestamp("2020-01-01")).dt.days',
    "flag": '(rows["s"] == "red").astype(float).where(rows["s"].notna())',
    "gaps": 'rows[["a", "s", "q"]].isna().sum(axis=1)',
    "yes": 'rows[["q"]].astype("Float64").sum(axis=1)',
}
BAD = {
    "mean": ('rows["n"] - rows["n"].mean()', "depends on other rows"),
    "largest": ('rows["n"] / rows["n"].max()', "depends on other rows"),
    "next_row": ('rows["n"].shift(-1).fillna(0)', "depends on the order"),
    "backward": ('rows["n"][::-1].cumsum()[::-1]', "depends on the order"),
    "place": ("pd.Series(rows.index, index=rows.index)", "depends on the order"),
    "count": ("pd.Series(len(rows), index=rows.index)", "another value for a row alone"),
    "target": ('rows["target"] * 2', "ends with KeyError"),
    "target_if_there": ('rows.get("target", rows["n"]) * 1.0', "depends on the target"),
    "random": ("pd.Series(np.random.default_rng().random(len(rows)), index=rows.index)", "other values each time"),
}  # fmt: skip


def proposals(expressions: dict[str, str]) -> list[Proposal]:
    return [
        Proposal(name, f"def {name}(rows):\n    return {expression}\n", ("a",), "", "model")
        for name, expression in expressions.items()
    ]


def test_functions_of_one_row_pass_with_missing_values_and_in_a_service():
    checked = check(proposals(GOOD), ROWS, SCHEMA, "target")
    assert checked.faults == {}
    assert not checked.level.none


@pytest.fixture(scope="module")
def faults():
    expressions = {name: expression for name, (expression, _) in BAD.items()}
    return check(proposals(expressions | GOOD), ROWS, SCHEMA, "target").faults


@pytest.mark.parametrize("name", BAD)
def test_what_depends_on_more_is_named(faults, name):
    assert BAD[name][1] in faults[name]


def test_the_others_of_a_round_are_not_harmed(faults):
    assert faults.keys() == BAD.keys()


def test_a_value_must_not_depend_on_how_many_rows_there_are():
    spelled = 'rows["n"] * (1.0 if len(rows) > 51 else 2.0)'
    assert "alone" in check(proposals({"by_size": spelled}), ROWS, SCHEMA, "target").faults["by_size"]


def test_values_of_a_service_are_compared_with_those_of_training():
    # A service reads whole numbers as such, also where training has had gaps.
    rows = ROWS.assign(n=ROWS["n"].astype("float64"))
    by_type = 'rows["n"] * (1 if rows["n"].dtype == "float64" else 2)'
    assert (
        check(proposals({"f": by_type}), rows, SCHEMA, None).faults["f"]
        == "has other values in a service than in training"
    )


def test_a_row_without_values_must_not_end_in_an_error():
    brittle = 'rows["n"] * (rows["s"].iloc[0] + "x").__len__()'
    assert "TypeError" in check(proposals({"f": brittle}), ROWS, SCHEMA, None).faults["f"]


def test_few_rows_and_no_target_are_enough():
    assert check(proposals(GOOD), ROWS.head(3), SCHEMA, None).faults == {}

"""The list of what the code of a feature may hold."""

from __future__ import annotations

import ast
import contextlib

import numpy as np
import pandas as pd
import pytest
from automl_agent.feature_code.allowed import check_code
from automl_runtime.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.feature_code.corpus import FORBIDDEN, HEADER, HEADERS

COLUMNS = ["a", "b", "c", "s", "d", 'say "hi"', "back\\slash", "it's"]


def feature(body: str) -> str:
    return f"{HEADER}    {body}\n"


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_not_listed_is_refused(name):
    with pytest.raises(RequestError) as refused:
        check_code(feature(f'{FORBIDDEN[name]}\n    return rows["a"]'), COLUMNS)
    assert refused.value.exit_code == 2
    assert "ine " in refused.value.message


@pytest.mark.parametrize("name", HEADERS)
def test_only_one_plain_function_is_taken(name):
    with pytest.raises(RequestError):
        check_code(HEADERS[name], COLUMNS)


@pytest.mark.parametrize(
    "expression",
    [
        'rows["a"] / rows["b"].where(rows["b"] != 0)',
        'np.log1p(rows["a"].clip(lower=0))',
        'rows[["a", "b", "c"]].isna().sum(axis=1)',
        'rows["s"].str.len()',
        'rows["s"].str.strip().str.count(" ") + 1',
        'rows["s"].str.contains("(a+)+", case=False, regex=False).astype(float)',
        '(rows["d"].dt.day_of_week >= 5).astype(float).where(rows["d"].notna())',
        '(rows["d"] - pd.Timestamp("2020-01-01")).dt.days',
        'pd.Series(np.where(rows["a"] > 1, rows["b"], -1), index=rows.index)',
        'rows["s"].isin(["x", "y"])',
        '(rows["a"] > 1) & ~(rows["s"] == "x")',
        'rows["a"] ** 2 + np.pi',
        'rows[\'say "hi"\'] - rows["back\\\\slash"] * rows["it\'s"]',
    ],
)
def test_row_by_row_computing_passes_and_still_computes(expression):
    rows = pd.DataFrame({name: [1.0, 4.0] for name in COLUMNS} | {"s": ["x y", "y"]})
    rows["d"] = pd.to_datetime(["2024-01-06", "2024-01-08"])
    found = check_code(feature(f"return {expression}"), COLUMNS, by="model")
    scope = {"np": np, "pd": pd, "rows": rows}
    exec(found.code, scope)
    expected = eval(expression, scope)
    pd.testing.assert_series_equal(scope["f"](rows), expected)
    assert set(found.columns) <= set(COLUMNS)
    assert found.why == "A feature."


def test_the_code_is_written_anew_without_comments():
    found = check_code(feature("x = rows['a']  # \u202e hidden\n    return x + 1"), COLUMNS)
    assert found.code == HEADER + '    x = rows["a"]\n    return x + 1\n'
    assert found.columns == ("a",)


def test_a_message_names_the_line_and_what_is_allowed():
    with pytest.raises(RequestError, match=r"Line 4 of the feature: `\.shift\(\)`") as refused:
        check_code(feature('x = rows["a"]\n    return x.shift(1)'), COLUMNS)
    assert "fillna" in refused.value.hint
    with pytest.raises(RequestError, match="the column 'bb'") as refused:
        check_code(feature('return rows["bb"]'), COLUMNS)
    assert "'b'" in refused.value.hint


def test_names_that_are_taken_are_refused():
    with pytest.raises(RequestError, match="already"):
        check_code(feature('return rows["a"]'), COLUMNS, taken={"f"})


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(RequestError):
        check_code(text, COLUMNS)
    with contextlib.suppress(RequestError):
        check_code(feature(f"return {text}"), COLUMNS)


@given(
    st.recursive(
        st.sampled_from(['rows["a"]', 'rows["b"]', "2", "x"]),
        lambda inner: st.tuples(inner, inner).map(" + ".join),
        max_leaves=8,
    )
)
def test_what_passes_reads_only_the_columns_that_it_names(expression):
    code = feature(f'x = rows["c"]\n    return {expression}')
    found = check_code(code, COLUMNS)
    read = {node.slice.value for node in ast.walk(ast.parse(found.code)) if isinstance(node, ast.Subscript)}
    assert set(found.columns) == read

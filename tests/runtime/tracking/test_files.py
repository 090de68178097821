from __future__ import annotations

import pytest
from automl_runtime.tracking.files import csv_text


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_escaped(start: str) -> None:
    assert csv_text([start + "h"], [[start + "x"]]).count("'" + start) == 2


def test_numbers_are_not_escaped() -> None:
    assert csv_text(["a"], [[-1], [None], ["a,b"]]) == 'a\r\n-1\r\n""\r\n"a,b"\r\n'

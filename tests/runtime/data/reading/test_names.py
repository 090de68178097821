from __future__ import annotations

import pyarrow as pa
import pytest
from automl_runtime.data.reading.names import apply_names, is_names_file, parse_names
from automl_runtime.data.tables import RawTable

C45 = """| made by hand
up, down.   | classes

height:   continuous.
colour: red, green, blue.
stem-root: ignore.
"""
NUMBERED = """
1. Title: Lamps
2. Sources:
   (a) a workshop
5. Number of Instances: 20
7. Attribute information:

   Input variables (measured):
   1 - bulb power
   2 - cable length (in cm)
   Output variable (a person's grade):
   3 - comfort (1 to 5)

8. Missing Attribute Values: None
"""
PARENTHESES = "Attributes:\n 1) id number\n 2) diagnosis (M, B)\n 3) area\n"
DOTTED = (
    "7. Attribute Information:\n    1. CRIM      per head\n    2. ZN        share of land\n    3. INDUS     shops\n"
)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (C45, ["height", "colour", "stem-root"]),
        (NUMBERED, ["bulb power", "cable length", "comfort"]),
        (PARENTHESES, ["id number", "diagnosis", "area"]),
        (DOTTED, ["CRIM", "ZN", "INDUS"]),
        ("nothing to see", []),
    ],
)
def test_names_are_found(text: str, names: list[str]) -> None:
    assert parse_names(text) == names


def test_what_a_description_is() -> None:
    assert is_names_file(C45, ".txt")
    assert is_names_file("anything", ".names")
    assert not is_names_file("a,b\n1,2\n", ".csv")


def table(width: int, names_from: str = "generated") -> RawTable:
    data = pa.table({f"col_{index}": ["1"] for index in range(width)})
    return RawTable("t", "t.csv", data, names_from=names_from)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "width", "expected"),
    [
        (["a", "b"], 2, ["a", "b"]),
        (["a", "b"], 3, ["a", "b", "class"]),
        (["a", "class"], 3, None),
        (["a", "b"], 4, None),
        (["a", "a"], 2, None),
        ([], 1, None),
    ],
)
def test_names_are_given_when_they_fit(names: list[str], width: int, expected: list[str] | None) -> None:
    named = apply_names(table(width), names)
    assert (named.data.column_names if named else None) == expected
    assert named is None or named.names_from == "names_file"


def test_a_header_is_never_replaced() -> None:
    assert apply_names(table(2, "header"), ["a", "b"]) is None

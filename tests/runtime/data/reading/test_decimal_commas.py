"""Decimal commas that stand in every row do not cut a table of semicolons."""

from __future__ import annotations

import pytest
from automl_runtime.data.reading.dialects import detect_dialect


@pytest.mark.parametrize("titles", ["", "Report of plant 7;;;;\nmade 03.02.2024;;;;\n\n"])
def test_codes_with_semicolons_are_several_cells(titles: str) -> None:
    shifts, ends = ("early", "late", "night"), ("yes", "no")
    rows = [
        f"M-{n % 40:03};{shifts[n % 3]};{60 + n % 17},{n % 10};1.{n % 900 + 100},50;{ends[n % 2]}" for n in range(200)
    ]
    found = detect_dialect(titles + "machine;shift;temperature;cost;broke\n" + "\n".join(rows) + "\n")
    assert (found.dialect.delimiter, found.width) == (";", 5)

"""How the raw cells of one column become clean values: a plan that can be read, rejected and replayed."""

from __future__ import annotations

from typing import Literal

from automl_schemas.base import Contract
from automl_schemas.vocabulary import ColumnType

__all__ = ["CleaningExample", "ColumnPlan", "Reject"]


class ColumnPlan(Contract):
    """Everything needed to parse one cell of a column; the same plan cleans a table and a request.

    Cells are stripped of surrounding white space first. A cell that is then empty or (ignoring case) in `missing`
    is null. What cannot be parsed by the rest of the plan is rejected, never guessed.
    """

    column: str
    type: ColumnType
    missing: list[str] = []
    """Markers found in this column that mean "nothing here", in the case in which they occur."""
    sentinels: list[float] = []
    """Numbers that stand for "nothing here", as -999; only with evidence."""
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    unit: str | None = None
    """Currency sign or code, or a unit, that is stripped from numbers: `$`, `EUR`, `km`."""
    percent: bool = False
    """Cells carry a percent sign; the clean value is the number before it (15 % becomes 15.0)."""
    scales: bool = False
    """Numbers may end in a word for a power of thousand: `k`, `M`, `bn` (1.5M becomes 1500000)."""
    date_formats: list[str] = []
    """`strptime` formats, tried in this order."""
    epoch: Literal["s", "ms"] | None = None
    hhmm: bool = False
    """Integers like 517 that mean 05:17; the clean value is minutes since midnight."""
    true_values: list[str] = []
    """Words for yes, case-folded; given when `type` is boolean."""
    false_values: list[str] = []
    labels: list[str] = []
    """Words for no and for yes as they are most often written (`["No", "Yes"]`); given when `type` is boolean and the
    cells are words. A target is predicted in these words."""
    categories: dict[str, str] = {}
    """Case-folded, space-collapsed spelling -> the spelling that is kept; given only where spellings were merged."""
    accepted: bool = True
    """False when the user rejected the plan: cells stay as they are, as text or category."""


class CleaningExample(Contract):
    """A cell before and after."""

    before: str | None
    after: str | None


class Reject(Contract):
    """A cell that could not be parsed; one line of `data/clean/_rejects.jsonl`."""

    table: str
    column: str
    file: str
    row: int
    """1-based row of the table's data (the header is not counted)."""
    value: str
    reason: str

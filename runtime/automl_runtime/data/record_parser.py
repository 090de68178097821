"""One row to predict at a time, without a frame: for services, where most requests hold a single row.

`RecordParser` gives what `records.parse_records` gives. Numbers that come as numbers or as plain digits are read here;
any other value is read by `records.parse_cell`, once: what it said of a value is remembered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final

from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.cleaning import ColumnPlan

from automl_runtime.data.records import ABSENT, CellProblem, cell_problem, is_missing, parse_cell, plan_of, unknown_keys

__all__ = ["RecordParser"]

_MOST_REMEMBERED: Final = 10_000
"""Values of a column and type, after which they are learned anew."""
_LONGEST_REMEMBERED: Final = 200
_LARGEST_WHOLE: Final = 2**53
_DIGITS: Final = re.compile(r"-?\d{1,15}", re.ASCII)
_NUMERAL: Final = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})", re.ASCII)
_WRONG: Final = object()
_FLOATS: Final = {float}

_Read = Callable[[Any], Any]


class RecordParser:
    """Parses records by the columns of a schema; may be used from several threads."""

    def __init__(self, schema: InputSchema) -> None:
        self._schema = schema
        self._names = frozenset(column.name for column in schema.columns)
        self._cells = [(column.name, _Cell(column), column) for column in schema.columns]
        self._blank: dict[str, Any] = dict.fromkeys(column.name for column in schema.columns)
        self._numbers = tuple(column.name for column in schema.columns if _is_bare_number(column))
        self._pick = itemgetter(*self._numbers) if len(self._numbers) > 1 else None
        bare = frozenset(self._numbers)
        self._others = [cell for cell in self._cells if cell[0] not in bare]

    def parse(self, record: Mapping[str, object], row: int = 0) -> tuple[dict[str, Any], list[CellProblem]]:
        """The clean value of each column (None, int, float, bool, datetime or str), and what is wrong in this `row`.

        The values of problems are None. Nothing in the record makes this raise.
        """
        problems = []
        if not record.keys() <= self._names:
            problems = [replace(problem, row=row) for problem in unknown_keys([record], self._schema)]
        numbers = self._read_together(record)
        values = self._blank.copy()
        if numbers is not None:
            values.update(zip(self._numbers, numbers, strict=True))
        for name, cell, column in self._cells if numbers is None else self._others:
            value = record.get(name, ABSENT)
            clean = cell.read(value)
            if clean is _WRONG:
                problems.append(cell_problem(row, value, column))
                clean = None
            values[name] = clean
        return values, problems

    def _read_together(self, record: Mapping[str, object]) -> Sequence[float] | None:
        """All bare numbers at once, where each is there as a finite float; None: each has to be looked at."""
        if self._pick is None:
            return None
        try:
            found: Any = self._pick(record)
        except KeyError:
            return None
        # One that is not finite makes the sum so.
        return found if set(map(type, found)) == _FLOATS and math.isfinite(sum(found)) else None


def _is_bare_number(column: InputColumn) -> bool:
    """Whether finite floats are values of the column as they are."""
    plan = plan_of(column)
    return plan.accepted and plan.type == "number" and plan.epoch is None and not plan.sentinels


class _Cell:
    """Reads the values of one column; `_WRONG` stands for those that are none of its."""

    def __init__(self, column: InputColumn) -> None:
        self._column = column
        self._of_nothing = None if column.nullable else _WRONG
        self._of_absent = _WRONG if column.required else self._of_nothing
        self._readers: dict[type, _Read] = {kind: _remembering(self._any) for kind in (str, int, float, bool)}
        plan = plan_of(column)
        if plan.accepted and plan.type in ("integer", "number") and plan.epoch is None:
            number = _whole(plan, self._of_nothing) if plan.type == "integer" else _number(plan, self._of_nothing)
            self._readers |= {int: number, float: number, str: _numeral(plan, number, self._readers[str])}

    def read(self, value: Any) -> Any:
        """The clean value, None when it is missing."""
        if value is None:
            return self._of_nothing
        if value is ABSENT:
            return self._of_absent
        read = self._readers.get(type(value))
        return self._any(value) if read is None else read(value)

    def _any(self, value: object) -> Any:
        if is_missing(value):
            return self._of_nothing
        clean, wrong = parse_cell(value, self._column)
        return _WRONG if wrong else clean


def _remembering(read: _Read) -> _Read:
    """`read`, asked once for each value."""
    known: dict[Any, Any] = {}

    def remembering(value: Any) -> Any:
        found = known.get(value, ABSENT)
        if found is ABSENT:
            found = read(value)
            if not isinstance(value, str) or len(value) <= _LONGEST_REMEMBERED:
                if len(known) >= _MOST_REMEMBERED:
                    known.clear()
                known[value] = found
        return found

    return remembering


def _number(plan: ColumnPlan, of_nothing: object) -> _Read:
    """Reads numbers of a column of numbers, as `typed.number_values` does."""
    sentinels = frozenset(plan.sentinels)

    def read(value: float) -> Any:
        try:
            number = float(value)
        except OverflowError:
            return _WRONG
        if number in sentinels or number != number:
            return of_nothing
        return number if math.isfinite(number) else _WRONG

    return read


def _whole(plan: ColumnPlan, of_nothing: object) -> _Read:
    """Reads numbers of a column of whole numbers."""
    number = _number(plan, of_nothing)

    def read(value: float) -> Any:
        found = number(value)
        if type(found) is not float:
            return found
        return int(found) if found.is_integer() and abs(found) <= _LARGEST_WHOLE else _WRONG

    return read


def _numeral(plan: ColumnPlan, number: _Read, otherwise: _Read) -> _Read:
    """Reads texts of a column of numbers; what is more than plain digits goes to `otherwise`."""
    if plan.scales or plan.hhmm:
        return otherwise
    # Digits alone mean the same whatever the separators and units are.
    styled = plan.decimal != "." or plan.thousands or plan.unit or plan.percent
    written = (_DIGITS if styled else _NUMERAL).fullmatch
    markers = frozenset(plan.missing)

    def read(value: str) -> Any:
        if written(value) is None or value in markers:
            return otherwise(value)
        return number(float(value))

    return read

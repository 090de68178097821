"""The body of a prediction request: from bytes to rows, what is said about a bad one, and labels as JSON has them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import numpy as np

from automl_runtime.data.records import NO_VALUE, CellProblem
from automl_runtime.errors import AutomlError

__all__ = [
    "BadRequest",
    "Problem",
    "cell_problem",
    "check_rows",
    "keys_are_unique",
    "parse_body",
    "parse_object",
    "plain",
    "text_of",
    "too_many_rows",
]

_LONGEST = 100
_MOST_PROBLEMS = 100
_MOST_SUGGESTIONS = 5
_NO_NUMBER = re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)")
_FORMS = 'one row as an object {"column": value, ...}, {"rows": [{...}, ...]}, or {"columns": {"column": [...], ...}}'
_SPACED_COLON = re.compile(rb"\s:")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request; `row` counts from 0 in the order of the request."""

    message: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    allowed: str | None = None


class BadRequest(AutomlError):
    """A request that cannot be answered, with the HTTP status that says so."""

    retry_after: int | None = None
    """Seconds after which it may be answered, where that can be said."""

    def __init__(self, problems: Sequence[Problem], *, status: int = 422) -> None:
        """Holds at most 100 problems; the rest is counted in a last one."""
        super().__init__(problems[0].message)
        self.status = status
        self.problems = list(problems[:_MOST_PROBLEMS])
        left_out = len(problems) - len(self.problems)
        if left_out:
            self.problems.append(Problem(message=f"{left_out} more problems are not listed."))

    def to_json(self) -> bytes:
        """`{"detail": [{"row", "column", "value", "allowed", "message"}]}` in ASCII, whatever came in."""
        return json.dumps({"detail": [asdict(problem) for problem in self.problems]}).encode()


def parse_body(
    body: bytes, *, most_rows: int
) -> tuple[list[Mapping[str, object]], bool, dict[str, list[object]] | None]:
    """The rows of a request, whether they are many, and what came as `{"columns": {...}}` in their place.

    Raises:
        BadRequest: 422 if the body is no JSON of one of these forms, 413 if it has more than `most_rows` rows.
    """
    content = parse_object(body, form=_FORMS)
    if content.keys() == {"columns"} and isinstance(content["columns"], dict):
        return [], True, _lists(content["columns"])
    if content.keys() != {"rows"} or not isinstance(content["rows"], list):
        return [content], False, None
    rows = content["rows"]
    if len(rows) > most_rows:
        raise too_many_rows(len(rows), most_rows)
    wrong = [number for number, row in enumerate(rows) if not isinstance(row, dict)]
    if wrong:
        raise BadRequest(
            [
                Problem(f"Row {row} is {_kind(rows[row])}.", row=row, value=_shown(rows[row]), allowed="an object")
                for row in wrong
            ]
        )
    return rows, True, None


def _lists(columns: dict[str, object]) -> dict[str, list[object]]:
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    if len(lists) < len(columns):
        raise BadRequest(
            [
                Problem(f"Column {_quote(name)} is {_kind(values)}.", column=_cut(name), allowed="a list of values")
                for name, values in columns.items()
                if name not in lists
            ]
        )
    return lists


def too_many_rows(rows: int, most: int) -> BadRequest:
    """The refusal of a request with so many rows."""
    message = f"The request has {rows:,} rows; at most {most:,} are allowed. Send it in parts."
    return BadRequest([Problem(message, allowed=f"at most {most} rows")], status=413)


def parse_object(body: bytes, *, form: str) -> dict[str, object]:
    """The JSON object in `body`.

    Raises:
        BadRequest: if it is no JSON object in UTF-8, or a key stands twice in an object; `form` says what is allowed.
    """
    try:
        content = msgspec.json.decode(body)
        if isinstance(content, dict) and not keys_are_unique(body, _keys(content)):
            json.loads(body, object_pairs_hook=_unique)
    except RecursionError as error:
        raise BadRequest([Problem("The body is nested too deeply.", allowed=form)]) from error
    except UnicodeDecodeError as error:
        raise BadRequest([Problem("The body is not in UTF-8.", allowed=form)]) from error
    except msgspec.DecodeError as error:
        hint = " Write null for what is not known." if _NO_NUMBER.search(body) else ""
        raise BadRequest([Problem(f"The body is not valid JSON: {error}.{hint}", allowed=form)]) from error
    if not isinstance(content, dict):
        raise BadRequest([Problem(f"The body is {_kind(content)}.", value=_shown(content), allowed=form)])
    return content


def keys_are_unique(body: bytes, keys: int) -> bool:
    """Whether no object in `body`, JSON that was decoded to so many keys, has a key twice; False may be an error."""
    if body.count(b":") == keys:
        return True
    # Colons in texts, as in times. Those after a key follow its quote, at once where nobody puts space between.
    return body.count(b'":') == keys and _SPACED_COLON.search(body) is None


def _keys(content: dict[str, object]) -> int:
    """How many keys there are, for those forms of a request that are usual."""
    rows = content.get("rows", content.get("columns"))
    if isinstance(rows, dict):
        return len(content) + len(rows)
    return len(content) + (sum(len(row) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else 0)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise BadRequest([Problem(f"The key {_quote(twice)} stands twice in one object.", column=_cut(twice))])
    return found


def check_rows(rows: Sequence[Mapping[str, object]], columns: Mapping[str, object], where: str = "this model") -> None:
    """Refuses keys that are no column of `where`.

    Raises:
        BadRequest: naming each, with the nearest column.
    """
    problems: list[Problem] = []
    nearest: dict[str, str] = {}
    for number, row in enumerate(rows):
        if not row.keys() <= columns.keys():
            problems += [_unknown(number, key, columns, nearest, where) for key in row if key not in columns]
        if len(problems) > _MOST_PROBLEMS:
            break
    if problems:
        raise BadRequest(problems)


def plain(value: Any) -> Any:
    """`value` as JSON has it: NumPy scalars become Python ones."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(label: Any) -> str:
    """The label as a key of a JSON object: true and false as JSON writes them, everything else as text.

    >>> text_of(True), text_of("yes"), text_of(3)
    ('true', 'yes', '3')
    """
    return str(label).lower() if isinstance(label, bool) else str(label)


def cell_problem(problem: CellProblem, where: str = "row") -> Problem:
    """What is said about a bad cell; `where` is the part of the request whose rows are counted."""
    what = f"{problem.value} is not {problem.allowed}"
    if problem.value == NO_VALUE:
        what = f"left out; give {problem.allowed}, or null when it is not known"
    return Problem(
        f"{where[0].upper()}{where[1:]} {problem.row}, '{problem.column}': {what}.",
        row=problem.row,
        column=problem.column,
        value=problem.value,
        allowed=problem.allowed,
    )


def _unknown(row: int, key: str, columns: Iterable[str], nearest: dict[str, str], where: str) -> Problem:
    if key not in nearest and len(nearest) < _MOST_SUGGESTIONS:
        # The comparison is slow; five different wrong keys show the mistake, and nobody can keep us busy with it.
        nearest[key] = _nearest(key, columns)
    hint = nearest.get(key, "")
    suggestion = f" Did you mean {_quote(hint)}?" if hint else " GET /model lists the columns."
    return Problem(
        f"{_quote(key)} is not a column of {where}.{suggestion}",
        row=row,
        column=_cut(key),
        allowed=hint or None,
    )


def _nearest(key: str, columns: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in columns}
    matches = difflib.get_close_matches(key[:_LONGEST].casefold(), folded, n=1, cutoff=0.5)
    return folded[matches[0]] if matches else ""


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value: object) -> str:
    return _cut(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _quote(text: str) -> str:
    return f"'{_cut(text)}'"

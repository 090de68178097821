"""The features that have a name in everyday words: ratios, differences, days between, months, what is missing."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from automl_generators.filters import comment, pyrepr
from automl_runtime.errors import RequestError, shorten
from automl_schemas.decision import Decider
from automl_schemas.vocabulary import ColumnType

from automl_agent.feature_code.allowed import HEADER, check_code
from automl_agent.feature_code.proposal import Proposal
from automl_agent.grounding.words import fold

__all__ = ["FORMS", "Field", "Form", "Kind", "make"]

Kind = Literal["number", "yes_no", "moment", "text", "any"]

_TYPES: Final[dict[Kind, tuple[ColumnType, ...]]] = {
    "number": ("integer", "number", "time"),
    "yes_no": ("boolean",),
    "moment": ("date", "datetime"),
    "text": ("text", "category"),
    "any": ("integer", "number", "time", "boolean", "date", "datetime", "text", "category"),
}
_SAID: Final[dict[Kind, str]] = {
    "number": "numbers",
    "yes_no": "columns of yes and no",
    "moment": "dates",
    "text": "texts or categories",
    "any": "columns",
}
_LONGEST_PART: Final = 28
_LONGEST_NAME: Final = 60
_MOST_SAID: Final = 3
_LONGEST_SAID: Final = 80


@dataclass(frozen=True, slots=True)
class Field:
    """A column that features may read."""

    name: str
    type: ColumnType
    labels: tuple[str, ...] = ()
    """Of a category: its values, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a feature is called, said and computed; `{a}`, `{b}`, `{all}` are columns, `{value}` is a value."""

    kind: Kind
    name: str
    words: str
    expression: str
    fields: int = 1
    """How many columns it takes; 0: two or more."""


_KNOWN: Final = ".astype(float).where({a}.notna())"
"""What is not known is not no."""

FORMS: Final[dict[str, Form]] = {
    "ratio": Form("number", "{a}_per_{b}", "{a} divided by {b}", "{a} / {b}.where({b} != 0)", 2),
    "difference": Form("number", "{a}_minus_{b}", "{a} minus {b}", "{a} - {b}", 2),
    "product": Form("number", "{a}_times_{b}", "{a} times {b}", "{a} * {b}", 2),
    "sum": Form("number", "sum_of_{all}", "the sum of {all}", "rows[[{all}]].sum(axis=1)", 0),
    "mean": Form("number", "mean_of_{all}", "the mean of {all}", "rows[[{all}]].mean(axis=1)", 0),
    "largest": Form("number", "largest_of_{all}", "the largest of {all}", "rows[[{all}]].max(axis=1)", 0),
    "smallest": Form("number", "smallest_of_{all}", "the smallest of {all}", "rows[[{all}]].min(axis=1)", 0),
    "log": Form("number", "log_of_{a}", "the logarithm of 1 + {a}", "np.log1p({a}.clip(lower=0))"),
    "root": Form("number", "root_of_{a}", "the square root of {a}", "np.sqrt({a}.clip(lower=0))"),
    "square": Form("number", "square_of_{a}", "the square of {a}", "{a} ** 2"),
    "absolute": Form("number", "absolute_{a}", "the absolute value of {a}", "{a}.abs()"),
    "above": Form("number", "{a}_above_{value}", "whether {a} is above {value}", f"({{a}} > {{value}}){_KNOWN}"),
    "least": Form("number", "{a}_at_least_{value}", "whether {a} is {value} or more", f"({{a}} >= {{value}}){_KNOWN}"),
    "below": Form("number", "{a}_below_{value}", "whether {a} is below {value}", f"({{a}} < {{value}}){_KNOWN}"),
    "most": Form("number", "{a}_at_most_{value}", "whether {a} is {value} or less", f"({{a}} <= {{value}}){_KNOWN}"),
    "yes": Form(
        "yes_no", "yes_among_{all}", "how many of {all} are true", 'rows[[{all}]].astype("Float64").sum(axis=1)', 0
    ),
    "weekend": Form("moment", "{a}_on_weekend", "whether {a} is on a weekend", f"({{a}}.dt.day_of_week >= 5){_KNOWN}"),
    "weekday": Form("moment", "weekday_of_{a}", "the day of the week of {a}, Monday 0", "{a}.dt.day_of_week"),
    "day_of_year": Form("moment", "day_of_year_of_{a}", "the day of the year of {a}", "{a}.dt.day_of_year"),
    "length": Form("text", "length_of_{a}", "the number of characters of {a}", "{a}.str.len()"),
    "words": Form("text", "words_in_{a}", "the number of words of {a}", '{a}.str.strip().str.count(" ") + 1'),
    "is": Form("text", "{a}_is_{value}", "whether {a} is {value}", f"({{a}} == {{value}}){_KNOWN}"),
    "mentions": Form(
        "text",
        "{a}_mentions_{value}",
        "whether {a} mentions {value}",
        f"{{a}}.str.contains({{value}}, case=False, regex=False){_KNOWN}",
    ),
    "missing": Form("any", "{a}_is_missing", "whether {a} is missing", "{a}.isna()"),
    "missing_among": Form(
        "any", "missing_among_{all}", "how many of {all} are missing", "rows[[{all}]].isna().sum(axis=1)", 0
    ),
    **{
        part: Form("moment", f"{part}_of_{{a}}", f"the {part} of {{a}}", f"{{a}}.dt.{part}")
        for part in ("year", "quarter", "month", "day", "hour", "minute")
    },
    **{
        unit: Form(
            "moment", f"{unit}_from_{{a}}_to_{{b}}", f"the {unit} from {{a}} to {{b}}",
            f"({{b}} - {{a}}).dt.total_seconds() / {seconds}", 2,
        )
        for unit, seconds in (
            ("seconds", 1), ("minutes", 60), ("hours", 3600), ("days", 86_400), ("weeks", 604_800),
            ("months", 2_629_800), ("years", 31_557_600),
        )
    },
}  # fmt: skip
"""Units of time are of mean length: a month has 30.44 days."""


def make(
    form: str,
    fields: Sequence[Field],
    *,
    columns: Collection[str],
    taken: Collection[str] = (),
    value: float | str | None = None,
    by: Decider = "rule",
) -> Proposal:
    """The proposal of a form for these fields.

    Args:
        form: a key of `FORMS`.
        fields: as many as the form takes.
        columns: of a row to predict.
        taken: names that features have already; where one is in the way, a number is added.
        value: for the forms that compare.
        by: who proposes it.

    Raises:
        RequestError: if a field is of a kind that the form is not for.
    """
    rule = FORMS[form]
    for field in fields:
        if field.type not in _TYPES[rule.kind]:
            said = rule.words.replace("{value}", "a value")
            raise RequestError(
                f"{shorten(field.name)} holds {_said(field)}; this is for {_SAID[rule.kind]}: "
                f"{said.format(a='A', b='B', all='A, B')}."
            )
    name = _free_name(rule, fields, value, {*columns, *taken})
    told = [comment(field.name)[:_LONGEST_SAID] for field in fields]
    more = [f"{len(told) - _MOST_SAID} more"] if len(told) > _MOST_SAID else []
    *listed, last = [*told[:_MOST_SAID], *more]
    several = f"{', '.join(listed)} and {last}"
    words = rule.words.format(a=told[0], b=told[-1], all=several, value=comment(_plain(value)))
    names = [pyrepr(field.name) for field in fields]
    expression = rule.expression.format(
        a=f"rows[{names[0]}]", b=f"rows[{names[-1]}]", all=", ".join(names), value=pyrepr(value)
    )
    code = f'{HEADER.replace("name", name)}\n    """{words[0].upper()}{words[1:]}."""\n    return {expression}\n'
    return check_code(code, columns, why=words, by=by, taken=taken)


def _said(field: Field) -> str:
    kind: Kind = next(kind for kind in ("number", "yes_no", "moment", "text") if field.type in _TYPES[kind])
    return _SAID[kind]


def _free_name(rule: Form, fields: Sequence[Field], value: float | str | None, taken: Collection[str]) -> str:
    parts = [_snake(field.name) or "column" for field in fields]
    together = "_and_".join(parts) if len(parts) < 3 else f"{parts[0]}_and_{len(parts) - 1}_more"
    filled = rule.name.format(a=parts[0], b=parts[-1], all=together, value=_snake(_plain(value)) or "it")
    name = re.sub(r"^(?=\d)", "of_", filled)[: _LONGEST_NAME - 3].rstrip("_")
    free, number = name, 2
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def _plain(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _snake(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("-", " minus " if re.match(r"-\d", text) else " "))
    return "_".join(re.findall(r"[a-z0-9]+", fold(spaced)))[:_LONGEST_PART].rstrip("_")

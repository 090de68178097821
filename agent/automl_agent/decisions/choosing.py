"""Lets a model choose among options, and believes it only when the order of the options does not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, Field, create_model

from automl_agent.untrusted import clean

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["NONE", "Choice", "choose", "first_choice", "name_twice"]

NONE: Final = "none of them"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a model chose, and how it understood what was asked; `value` is None where it made no choice."""

    value: str | None
    meaning: str
    why_not: str = ""
    """Why there is no value."""


def first_choice(
    model: LanguageModel, question: str, options: Mapping[str, str], data: Mapping[str, Any], *, backwards: bool = False
) -> Choice:
    """What the model chooses when it is asked once.

    Args:
        model: who is asked.
        question: in our own words.
        options: what can be chosen, each with a description.
        data: what else the model shall see.
        backwards: the options are shown the last one first.
    """
    names = {clean(key): key for key in options}
    shown = [(name, options[key]) for name, key in names.items()]
    shown = shown[::-1] if backwards else shown
    schema = _schema([name for name, _ in shown])
    answer = model.decide(question, schema, data={**data, "options": dict(shown)})
    if answer is None:
        return Choice(None, "", model.reason or "it gave no answer")
    picked: dict[str, Any] = answer.model_dump()
    return Choice(names[picked["choice"]], f"{picked['asked']} ({picked['outcome']})")


def choose(model: LanguageModel, question: str, options: Mapping[str, str], data: Mapping[str, Any]) -> Choice:
    """What the model chooses in both orders of `options`; no value when it does not choose the same."""
    first = first_choice(model, question, options, data)
    if first.value is None:
        return first
    second = first_choice(model, question, options, data, backwards=True)
    if second.value == first.value:
        return first
    said = f"asked in another order it chose {second.value!r}" if second.value is not None else second.why_not
    return Choice(None, first.meaning, f"it chose {first.value!r}; {said}")


def name_twice(
    model: LanguageModel, question: str, columns: Mapping[str, str], data: Mapping[str, Any]
) -> tuple[set[str], set[str]] | str:
    """The keys of `columns` that the model names in both orders of them, and in any; words when it gives no answer."""
    named: list[set[str]] = []
    for names in (list(columns), list(columns)[::-1]):
        by_name = {clean(name): name for name in names}
        listed = Field(description="keys of `columns`, none or several")
        schema: type[BaseModel] = create_model("Named", named=(_list_of(list(by_name)), listed))
        shown = {name: columns[key] for name, key in by_name.items()}
        answer = model.decide(question, schema, data={**data, "columns": shown})
        if answer is None:
            return model.reason or "it gave no answer"
        said: dict[str, Any] = answer.model_dump()
        named.append({by_name[name] for name in said["named"]})
    return named[0] & named[1], named[0] | named[1]


def _list_of(names: list[str]) -> Any:
    legal: Any = Literal.__getitem__(tuple(names))
    return list[legal]


def _schema(names: list[str]) -> type[BaseModel]:
    asked = Field(description="what the request wants to know, in at most eight words")
    outcome = Field(description="the event, state or amount to predict, in one or two words")
    choice = Field(description="one key of `options` that records this outcome")
    legal: Any = Literal.__getitem__(tuple(names))
    return create_model("Choice", asked=(str, asked), outcome=(str, outcome), choice=(legal, choice))

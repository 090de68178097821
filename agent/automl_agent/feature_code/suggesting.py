"""Features that a language model suggests: code, of which none runs before it was read against what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink, Warned, ignore
from automl_schemas.base import Contract
from pydantic import Field

from automl_agent.feature_code.allowed import HEADER, check_code
from automl_agent.feature_code.vocabulary import METHODS, NUMPY
from automl_agent.untrusted import clean

if TYPE_CHECKING:
    from automl_agent.feature_code.material import Material
    from automl_agent.feature_code.proposal import Proposal
    from automl_agent.llm import LanguageModel

__all__ = ["suggest"]

_MOST: Final = 5
_QUESTION: Final = f"""\
Which new features, computed from `columns` of the same row, could help to predict the target? Write up to {_MOST}, each
as one Python function `{HEADER}` with a docstring of one line, assignments, and one
return. It may read columns as rows["name"], with exactly these names, compute with + - * / and comparisons, call
methods of a series ({", ".join(sorted(METHODS))})
and functions of numpy as np.name ({", ".join(sorted(NUMPY))}).
No imports, no loops, nothing that looks at other rows: no mean over rows, no shift, no rank. Choose what trees find
hard: ratios, differences, products, times between dates."""


class _Suggestion(Contract):
    """One function, and what it is good for."""

    code: str = Field(max_length=4_000)
    why: str = Field(max_length=500, description="In one short sentence.")


class _Suggestions(Contract):
    """None, or some."""

    features: list[_Suggestion] = Field(max_length=_MOST)


def suggest(model: LanguageModel, material: Material, *, on_event: EventSink = ignore) -> list[Proposal]:
    """What `model` proposes for the project of `material`; functions that are not allowed are told and left out.

    It sees names and types of columns and the words of the request, and no cell.
    """
    spec = material.project.spec
    shown = {
        "request": spec.request,
        "task": spec.task.type,
        "target": material.target or "",
        "columns": {field.name: field.type for field in material.fields},
    }
    answer = model.decide(_QUESTION, _Suggestions, data=shown)
    if answer is None:
        on_event(Warned(f"The language model proposes nothing: {model.reason}"))
        return []
    found: dict[str, Proposal] = {}
    for suggestion in answer.features:
        try:
            why = clean(suggestion.why, 200)
            proposal = check_code(
                suggestion.code, material.columns, why=why, by="model", taken={*material.taken, *found}
            )
        except RequestError as error:
            on_event(Warned(f"A feature that the language model proposes is left out: {clean(error.message, 300)}"))
            continue
        found[proposal.name] = proposal
    return list(found.values())

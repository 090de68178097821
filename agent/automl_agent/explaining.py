"""What was learnt, in plain words: the sentences of the report, which a model may re-word and may not add to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from automl_runtime.errors import DataError
from pydantic import BaseModel, Field

from automl_agent.untrusted import clean

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["Sentence", "explanation_of", "in_a_line", "reworded", "without_cells"]

Sentence = tuple[str, str]
"""What it is about, and the words."""

_LINE: Final = re.compile(r"^- \*\*(?P<about>[^*]+)\*\* (?P<text>.+)$", re.MULTILINE)
_HOLD_CELLS: Final = ("In practice", "Weakest")
"""Sentences that name classes and values."""
_NUMBER: Final = re.compile(r"\d[\d,]*(?:\.\d+)?")
_COUNTED: Final = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million|half|thirds?|quarters?|twice"
    r"|double|triple|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b",
    re.IGNORECASE,
)
_LONGEST: Final = 900
_QUESTION: Final = (
    "Tell somebody who knows nothing of statistics, in at most five short sentences, what the `facts` say of a model: "
    "how good it is, what it relies on, what to watch. Use no number that does not stand in the facts, and copy those "
    "that you use. Claim no cause: the facts say what the model relies on."
)


class Told(BaseModel):
    """The facts in plain words."""

    text: str = Field(description="at most five short sentences")


def explanation_of(project: Path) -> list[Sentence]:
    """The sentences "In short" of a project's last evaluation, out of its model card; none where an older version
    evaluated, or wrote no card.

    Raises:
        DataError: if the card cannot be read.
    """
    path = project / "reports" / "model_card.md"
    try:
        card = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}.", hint="Run `make evaluate` in the project."
        ) from error
    section = card.partition("\n## In short\n")[2].partition("\n## ")[0]
    return [(match["about"], unescape(re.sub(r"\\(.)", r"\1", match["text"]))) for match in _LINE.finditer(section)]


def in_a_line(sentence: Sentence) -> str:
    """The sentence with what it is about before it."""
    about, text = sentence
    return f"{about} {text}" if about.endswith("?") else f"{about}: {text}"


def without_cells(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Those that hold only names of columns and numbers, which a model may see."""
    return [(about, text) for about, text in sentences if about not in _HOLD_CELLS]


def reworded(model: LanguageModel, score: str, sentences: Sequence[Sentence]) -> tuple[str | None, str]:
    """The facts in a model's words, and why there are none where it is not believed.

    Every number of its text must stand in the facts, in figures or in words. It sees no sentence that holds cells.

    Args:
        model: who is asked.
        score: the score in a line.
        sentences: what the report says.
    """
    facts = [score, *map(in_a_line, without_cells(sentences))]
    told = model.decide(_QUESTION, Told, data={"facts": facts})
    if told is None:
        return None, model.reason or "it gave no answer"
    text = clean(told.text, _LONGEST)
    added = sorted(_numbers(text) - _numbers(" ".join(facts)))
    if added:
        return None, f"it named {', '.join(added)}, which the facts do not hold"
    return (text, "") if text else (None, "it said nothing")


def _numbers(text: str) -> set[str]:
    figures = {_plain(match[0]) for match in _NUMBER.finditer(text)}
    return figures | {match[0].casefold() for match in _COUNTED.finditer(text)}


def _plain(figure: str) -> str:
    whole, _, fraction = figure.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return f"{int(whole)}.{fraction}" if fraction else str(int(whole))

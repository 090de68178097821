"""Open questions settled by a model: each by an example first, in both orders, and only where what it says works."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from automl_runtime.errors import DataError, RequestError
from automl_schemas.question import Question

from automl_agent.decisions.choosing import Choice, choose
from automl_agent.decisions.recording import Record
from automl_agent.decisions.subjects import Subject, View, subject_of

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["Settler"]


T = TypeVar("T")


@dataclass
class Settler:
    """Puts open questions to a model and keeps what is settled in a record."""

    model: LanguageModel
    record: Record
    say: Callable[[str], None]
    _failed: dict[str, str] = field(default_factory=dict)
    """By the words of a subject, why the model is not asked about it."""

    def settle(
        self,
        found: T,
        questions: Callable[[T], Sequence[Question]],
        again: Callable[[Mapping[str, str]], T],
        answers: MutableMapping[str, str],
        *,
        about: Mapping[str, str],
        view: View,
        sure: Sequence[str] = (),
    ) -> T:
        """`found` with its open questions settled; `answers` gets what the model decided.

        Args:
            found: what came of the answers so far.
            questions: those of `found`.
            again: makes it anew with more answers; what it refuses is not kept.
            answers: settled questions; they are not asked.
            about: what the model sees beside the question.
            view: what the answers are described by.
            sure: ids of questions that the words of the request settle.
        """
        asked = {*sure}
        while (question := _open(questions(found), {*answers, *asked})) is not None:
            asked.add(question.id)
            subject = subject_of(question.id)
            assert subject is not None
            value = self._chosen(question, subject, {**about, "question": question.text}, view)
            if value is None:
                continue
            try:
                found = again({**answers, question.id: value})
            except (RequestError, DataError) as error:
                why = f"it cannot be used: {error.message}"
                self.record.add(question.id, "rule", question.default, why, alternative=value)
                continue
            answers[question.id] = value
            self.say(f"{question.id} {value}; change with --answer {question.id}={question.default}")
        return found

    def _chosen(self, question: Question, subject: Subject, about: Mapping[str, str], view: View) -> str | None:
        """The answer that the model prefers to the rules'; None, with the reason recorded, where there is none."""
        ways = subject.ways(question, view)
        if any(way.name != way.value for way in ways):
            # Where answers go by other names than their own, the rules' text may name what must not be shown.
            about = {name: text for name, text in about.items() if name != "question"}
        chosen = self._choice(subject, {way.name: way.gloss for way in ways}, about)
        value = next((way.value for way in ways if way.name == chosen.value), None)
        if value in (None, question.default):
            said = chosen.why_not or "chose the same"
            self.record.add(question.id, "rule", question.default, question.impact, evidence=f"model: {said}")
            return None
        why = f"the model reads the request as: {chosen.meaning}"
        evidence = "chosen in either order, after an example that it answered rightly"
        self.record.add(question.id, "model", str(value), why, alternative=question.default, evidence=evidence)
        return value

    def _choice(self, subject: Subject, options: Mapping[str, str], about: Mapping[str, str]) -> Choice:
        if subject.words not in self._failed:
            example = subject.example
            tried = choose(self.model, subject.words, example.options, example.data)
            right = tried.value == example.right
            said = tried.why_not or f"it chose {tried.value!r}"
            self._failed[subject.words] = "" if right else f"an example with a known answer was not understood: {said}"
        failed = self._failed[subject.words]
        return Choice(None, "", failed) if failed else choose(self.model, subject.words, options, about)


def _open(questions: Sequence[Question], settled: set[str]) -> Question | None:
    return next(
        (
            question
            for question in questions
            if question.id not in settled and len(question.options) > 1 and subject_of(question.id) is not None
        ),
        None,
    )

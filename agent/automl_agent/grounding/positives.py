"""Which of two classes is the one of interest."""

from __future__ import annotations

from dataclasses import dataclass

from automl_runtime.errors import RequestError
from automl_schemas.question import Option, Question
from automl_schemas.vocabulary import ColumnType

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.labels import Label, clean_value, label_named, yes_label
from automl_agent.grounding.wishes import Wish

__all__ = ["Positive", "choose_positive"]


@dataclass(frozen=True, slots=True)
class Positive:
    """The class of interest as it stands in the clean table, its share, and a question when it was a near tie."""

    value: Label
    share: float | None
    shown: str
    question: Question | None = None


def choose_positive(candidate: Candidate, wish: Wish, answer: str | None = None) -> Positive:
    """The positive class of a target with two classes.

    It is the class that the words name, or yes (no, when the column says the opposite of the words); of classes that
    say nothing it is the rarer one, and that is a question.

    Raises:
        RequestError: if `answer` is none of the classes.
    """
    if candidate.sql is not None:
        value = candidate.reversed == wish.negated
        return Positive(
            _answered(answer, ["true", "false"], "boolean", value),
            None,
            "yes" if value else "no",
            _asked(answer, ["true", "false"], value),
        )
    counts = {entry.value: entry.count for entry in candidate.column.stats.top}
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    label, sure = _label(candidate, wish, labels)
    question = None if sure and answer is None else _question(candidate, labels, counts, label)
    if answer is not None:
        named = label_named(answer, labels)
        if named is None:
            raise RequestError(
                f"positive={answer!r} is no class of {candidate.column.name!r}.",
                hint=f"Its classes: {', '.join(map(repr, labels))}.",
            )
        label = named
    share = counts[label] / max(sum(counts.values()), 1)
    return Positive(clean_value(label, candidate.column.type), share, _shown(candidate, label), question)


def _answered(answer: str | None, allowed: list[str], type_: ColumnType, default: bool) -> Label:
    if answer is None:
        return default
    named = label_named(answer, allowed) or {"yes": "true", "no": "false"}.get(answer.casefold())
    if named is None:
        raise RequestError(f"positive={answer!r} is no class of the target.", hint="Its classes: 'true', 'false'.")
    return clean_value(named, type_)


def _asked(answer: str | None, labels: list[str], default: bool) -> Question | None:
    if answer is None:
        return None
    options = [Option(value=label, label=label) for label in labels]
    return Question(
        id="positive", text="Which class is of interest?", options=options, default=str(default).lower(), impact=_IMPACT
    )


_IMPACT = "Scores, threshold and predicted probabilities are those of this class."


def _label(candidate: Candidate, wish: Wish, labels: list[str]) -> tuple[str, bool]:
    flipped = candidate.reversed != wish.negated
    other = {labels[0]: labels[-1], labels[-1]: labels[0]}
    named = _named(candidate, wish, labels)
    if named is not None:
        return named, True
    if candidate.label is not None:
        return (other[candidate.label] if flipped else candidate.label), True
    yes = yes_label(labels)
    if yes is not None:
        return (other[yes] if flipped else yes), True
    if set(labels) == {"-1", "1"}:
        return ("-1" if flipped else "1"), True
    return labels[-1], False


def _named(candidate: Candidate, wish: Wish, labels: list[str]) -> str | None:
    """The class that the words name, also by what a text beside the data says that it means."""
    by_meaning = {says: code for code, says in candidate.column.codes.items()}
    named = label_named(wish.positive, labels) if wish.positive else None
    if named is not None or not by_meaning:
        return named
    meant = label_named(wish.positive or wish.phrase, list(by_meaning)) or yes_label(list(by_meaning))
    return None if meant is None else by_meaning[meant]


def _question(candidate: Candidate, labels: list[str], counts: dict[str, int], default: str) -> Question:
    rows = max(sum(counts.values()), 1)
    options = [
        Option(value=label, label=f"{_shown(candidate, label)}: {counts[label]:,} rows, {counts[label] / rows:.1%}")
        for label in labels
    ]
    text = f"Which class of {candidate.column.name!r} is of interest?"
    return Question(id="positive", text=text, options=options, default=default, impact=_IMPACT)


def _shown(candidate: Candidate, label: str) -> str:
    """The class as people know it: the word in the source where a boolean was written in words."""
    plan = candidate.column.plan
    if candidate.column.type == "boolean":
        words = plan.true_values if clean_value(label, "boolean") else plan.false_values
        return words[0].capitalize() if words and words[0].isalpha() else label
    says = candidate.column.codes.get(label)
    return f'{label} "{says}"' if says else label

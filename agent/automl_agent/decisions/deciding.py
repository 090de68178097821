"""Asks the rules first, a language model where they are in doubt, and keeps who decided what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from automl_runtime.data.assemble import Assembled, TrainingColumn
from automl_runtime.data.catalog import Discovery
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import EventSink, Finding
from automl_schemas.catalog import ColumnEntry
from automl_schemas.decision import Decision
from automl_schemas.question import Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_agent.decisions.ahead import settle_known_ahead
from automl_agent.decisions.cases import CERTAIN, Case, Ground
from automl_agent.decisions.choosing import choose
from automl_agent.decisions.columns import known_too_late
from automl_agent.decisions.digest import described, dictionary_of
from automl_agent.decisions.leaks import settle_leaks
from automl_agent.decisions.likeness import nearest_of_all, nearest_of_close
from automl_agent.decisions.reading import READ, fill_gaps, is_quoted, record_rules
from automl_agent.decisions.recording import Record
from automl_agent.decisions.roles import doubtful_names, name_roles
from automl_agent.decisions.settling import Settler
from automl_agent.decisions.subjects import View
from automl_agent.decisions.targets import choose_among_all, contest
from automl_agent.grounding import Grounded
from automl_agent.grounding.ahead import KNOWN_AHEAD
from automl_agent.grounding.case import Settled
from automl_agent.grounding.exclusions import UnknownExclusion, excluded_columns
from automl_agent.grounding.likeness import Embedder
from automl_agent.grounding.messages import NothingFits
from automl_agent.grounding.structure import moments_of
from automl_agent.requirements import NothingAsked, load_request, without_target

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["COLUMNS", "Deciding"]

COLUMNS: Final = ("columns.known", "columns.names")
"""The ids of what is judged about columns."""
_BOUND: Final = ("target", "task", "metric")
_STEPS: Final = ("hour", "day", "week")
"""Pay and rent are by the month or the year without being forecasts."""
_AHEAD: Final = "Does the request want values of the hours, days or weeks to come, or the value of one single case?"
_AHEAD_OPTIONS: Final = {
    "forecast": "values for moments that are still to come, one after the other",
    "case": "the value of one case, told from its other properties",
}
_EVENT: Final = "request.known_before"
_FEWEST_WORDS: Final = 4
Ask = Callable[[Question], str]
Discover = Callable[[Mapping[str, str]], Discovery]


@dataclass
class Deciding:
    """The decisions of one draft; without a model the rules decide all that no person does."""

    model: LanguageModel | None
    ask: Ask | None
    """Asks the person who is there; None when nobody is."""
    on_event: EventSink
    embedder: Embedder | None = None
    """Tells how near columns are in meaning, where no model is asked."""
    record: Record = field(default_factory=Record)
    _discovery: Discovery | None = None
    _unread: RequestError | None = None

    @property
    def decisions(self) -> list[Decision]:
        """Who decided what: what was read, what was bound, questions, columns."""
        found = {decision.id: decision for decision in self.record.decisions}
        order = [*READ, *_BOUND, *sorted(found.keys() - {*READ, *_BOUND, *COLUMNS}), *COLUMNS]
        return [found[id_] for id_ in order if id_ in found]

    @cached_property
    def _meanings(self) -> dict[str, str]:
        assert self._discovery is not None
        return dictionary_of(self._discovery.catalog)

    def read(self, request: str) -> Requirement | ProjectSpec:
        """What was asked; with a model, also a sentence of which no rule sees what it wants to know.

        Raises:
            RequestError: as `load_request`.
        """
        try:
            return load_request(request)
        except NothingAsked as error:
            said_it_all = error.text == request and len(request.split()) >= _FEWEST_WORDS
            if self.model is None or not said_it_all:
                raise
            self._unread = error
            return without_target(request)

    def ground(
        self, asked: Requirement, discovery: Discovery, ground: Ground, answers: dict[str, str]
    ) -> tuple[Requirement, Grounded]:
        """The requirement, with what a model read of it, bound to the data.

        `answers` gets what the model, the embeddings, or the person after them, settled.

        Raises:
            RequestError: if rules find nothing, and neither a model nor the embeddings do.
            DataError: as `grounding.ground`.
        """
        self._discovery = discovery
        if self.model is not None:
            asked = self._without_limits_among_exclusions(
                fill_gaps(asked, self._discovery.catalog, self.model, self.record)
            )
        record_rules(asked, self.record)
        try:
            found = None if self._unread is not None and "target" not in answers else ground(asked, answers)
        except NothingFits as error:
            self._unread, found = error, None
        if found is None:
            asked, found = self._found_beyond_rules(asked, ground, answers)
        elif self._is_in_doubt(found, asked, answers):
            asked, found = self._contested(asked, found, ground, answers)
        if self.model is not None and self.ask is None:
            asked, found = self._as_forecast(asked, found, ground, answers)
            target = self._target(found.spec)
            found = self._settler.settle(
                found,
                lambda made: made.questions,
                lambda given: ground(asked, given),
                answers,
                about=self._about(asked.request, target),
                view=View(asked.request, target),
            )
        return asked, found

    def parts(
        self, asked: Requirement | ProjectSpec, discovery: Discovery, again: Discover, given: Mapping[str, str]
    ) -> tuple[Discovery, dict[str, str]]:
        """What `again` finds with the answers of a model to what is open about files, and these answers.

        Open is which files are parts of one table; `given` are answers of others.
        """
        if self.model is None or self.ask is not None or not isinstance(asked, Requirement):
            return discovery, {}
        answers = dict(given)
        about, view = {"request": asked.request}, View(asked.request)
        discovery = self._settler.settle(
            discovery, lambda made: made.catalog.questions, again, answers, about=about, view=view
        )
        return discovery, {id_: value for id_, value in answers.items() if id_ not in given}

    def leaks(
        self, spec: ProjectSpec, assembled: Assembled, train: np.ndarray, questions: Sequence[Question]
    ) -> dict[str, str]:
        """The answers of a model to what is open about leaks."""
        if self.model is None or self.ask is not None or self._discovery is None:
            return {}
        settled = settle_leaks(self.model, spec, assembled, train, questions, self._meanings, self.record)
        for id_ in settled:
            self._say(f"{id_} drop: known only afterwards; change with --answer {id_}=keep")
        return settled

    def forecast(
        self,
        settled: Settled,
        again: Callable[[Mapping[str, str]], Settled],
        wide: ProjectSpec,
        assembled: Assembled,
        train: np.ndarray,
        answers: dict[str, str],
    ) -> Settled:
        """`settled` with what a model answers of the questions that only a forecast has; `answers` gets it, too.

        Args:
            settled: the forecast by the rules.
            again: settles it with more answers.
            wide: the spec of the table with all columns.
            assembled: that table.
            train: mask of its training rows.
            answers: settled questions.
        """
        if self.model is None or self.ask is not None or self._discovery is None:
            return settled
        request, target = settled.spec.request, self._target(settled.spec)
        about, view = self._about(request, target), View(request, target)
        settled = self._settler.settle(
            settled, lambda made: made.questions, again, answers, about=about, view=view, sure=settled.sure
        )
        open_ = [
            each
            for each in settled.questions
            if each.id == KNOWN_AHEAD and each.id not in answers and each.id not in settled.sure
        ]
        for question in open_:
            task = wide.task.model_copy(update={"series": settled.spec.task.series})
            looked_at = wide.model_copy(update={"task": task})
            names = settled.could_be_ahead
            value = settle_known_ahead(
                self.model, question, names, looked_at, assembled, train, self._meanings, self.record
            )
            if value is not None:
                answers[question.id] = value
                self._say(f"known ahead {value}; change with --answer {question.id}={question.default}")
                settled = again(answers)
        return settled

    def columns(
        self,
        spec: ProjectSpec,
        assembled: Assembled,
        train: np.ndarray,
        *,
        known_before: str | None,
    ) -> ProjectSpec:
        """`spec` without the columns that a model, and the evidence, call known too late or mere names of rows."""
        if self.model is None or spec.task.type not in ("binary", "multiclass", "regression") or spec.target is None:
            return spec
        if spec.target.sql is not None or spec.target.table != spec.data.tables[0].name:
            return spec
        if known_before is not None:
            spec = self._without_late(spec, assembled, train, known_before)
        return self._without_names(spec, assembled, train)

    def takes_back(self, spec: ProjectSpec, columns: Sequence[TrainingColumn]) -> bool:
        """Whether a limit in time that a model read leaves no column to learn from; it then counts as not read."""
        read = next((each for each in self.decisions if each.id == _EVENT and each.by == "model"), None)
        if read is None or _leaves_features(spec, columns, ()):
            return False
        self.record.add(_EVENT, "rule", "", "with it nothing would be left to learn from", alternative=read.choice)
        return True

    def finish(self, spec: ProjectSpec, questions: Sequence[Question], given: Mapping[str, str]) -> None:
        """Records what was decided by rules or by the person, where nothing else was recorded."""
        settled = {
            "target": "" if spec.target is None else f"{spec.target.table}.{spec.target.column}",
            "task": spec.task.type,
            "metric": spec.metric.name,
        }
        asked = {question.id: question for question in questions}
        choices = settled | {
            id_: spec.answers.get(id_, question.default) for id_, question in asked.items() if id_ not in settled
        }
        for id_, choice in choices.items():
            question = asked.get(id_)
            other = None if question is None else _other(question, choice)
            if id_ in self.record:
                continue
            if id_ in given:
                self.record.add(id_, "person", choice, "was answered", alternative=other)
            else:
                why = "follows from the words and the data" if question is None else question.impact
                self.record.add(id_, "rule", choice, why, alternative=other)
        for id_ in COLUMNS:
            if id_ not in self.record:
                self.record.add(id_, "rule", "", "the rules on leaks and identifiers decide alone")

    def _found_beyond_rules(
        self, asked: Requirement, ground: Ground, answers: dict[str, str]
    ) -> tuple[Requirement, Grounded]:
        assert self._unread is not None
        if "target" in answers or (self.model is None and self.embedder is None):
            raise self._unread
        settled = self._other_target(asked, None, ground, answers)
        if settled is None and self.model is not None:
            said = next((each.evidence or each.why for each in self.decisions if each.id == "target"), "it found none")
            self._say(f"no target found: {said}")
        if settled is None:
            raise self._unread
        requirement, found = settled
        assert found.spec.target is not None
        answers["target"] = f"{found.spec.target.table}.{found.spec.target.column}"
        question = next((each for each in found.questions if each.id == "target"), None)
        if self.ask is not None and question is not None:
            given = self.ask(question.model_copy(update={"default": answers["target"]}))
            if given != answers["target"]:
                answers["target"] = given
                self.record.add("target", "person", given, "was answered")
                return requirement, ground(requirement, answers)
        self._say(f"target {answers['target']}; change with --answer target=TABLE.COLUMN")
        return requirement, found

    def _is_in_doubt(self, found: Grounded, asked: Requirement, answers: Mapping[str, str]) -> bool:
        helped = self.model is not None or self.embedder is not None
        free = helped and self.ask is None and "target" not in answers
        return free and asked.target is not None and found.certainty < CERTAIN

    def _contested(
        self, asked: Requirement, found: Grounded, ground: Ground, answers: dict[str, str]
    ) -> tuple[Requirement, Grounded]:
        settled = self._other_target(asked, found, ground, answers)
        if settled is None:
            return asked, found
        target = settled[1].spec.target
        assert target is not None
        answers["target"] = f"{target.table}.{target.column}"
        self._say(f"target {answers['target']}; change with --answer target=TABLE.COLUMN")
        return settled

    def _other_target(
        self, asked: Requirement, found: Grounded | None, ground: Ground, answers: Mapping[str, str]
    ) -> tuple[Requirement, Grounded] | None:
        """What the model, or without one the embeddings, take for the target in place of what rules found."""
        case = self._case(asked, ground)
        if self.model is not None and found is None:
            return choose_among_all(case, self.model, answers)
        if self.model is not None and found is not None:
            return contest(case, self.model, found, answers)
        assert self.embedder is not None
        if found is None:
            return nearest_of_all(case, self.embedder, answers)
        return nearest_of_close(case, self.embedder, found, answers)

    def _as_forecast(
        self, asked: Requirement, found: Grounded, ground: Ground, answers: Mapping[str, str]
    ) -> tuple[Requirement, Grounded]:
        """Numbers for each hour or day, of a table of moments: a forecast, when the model reads it so twice."""
        assert self.model is not None and self._discovery is not None
        target = found.spec.target
        in_steps = asked.frequency in _STEPS and asked.known_before is None
        if not in_steps or target is None or found.spec.task.type != "regression" or "task" in answers:
            return asked, found
        if moments_of(self._discovery.catalog.table(target.table)) is None:
            return asked, found
        chosen = choose(self.model, _AHEAD, _AHEAD_OPTIONS, self._about(asked.request, self._target(found.spec)))
        if chosen.value == "forecast":
            try:
                requirement = asked.model_copy(update={"task": "forecast"})
                again = ground(requirement, answers)
            except (RequestError, DataError) as error:
                self.record.add("task", "rule", "regression", f"no forecast: {error}", alternative="forecast")
                return asked, found
            why = f"the model reads the request as: {chosen.meaning}"
            said = "chosen in either order; the request names a step, and the rows are moments"
            self.record.add("task", "model", "forecast", why, alternative="regression", evidence=said)
            return requirement, again
        said = chosen.why_not or "it chose single cases"
        self.record.add("task", "rule", "regression", "no word says forecast", alternative="forecast", evidence=said)
        return asked, found

    def _without_late(self, spec: ProjectSpec, assembled: Assembled, train: np.ndarray, event: str) -> ProjectSpec:
        assert self.model is not None
        rows = assembled.frame[train]
        verdict = known_too_late(self.model, spec, assembled.columns, rows, event=event, meanings=self._meanings)
        named = ", ".join(drop.column for drop in verdict.drops)
        kept = "; ".join(f"{name}: {why}" for name, why in verdict.kept.items()) or verdict.why_not
        if not verdict.drops or not _leaves_features(spec, assembled.columns, verdict.drops):
            why = kept or ("nothing would be left" if verdict.drops else "nothing more is known too late")
            self.record.add("columns.known", "rule", "", why, alternative=named or None)
            return spec
        self.record.add(
            "columns.known",
            "model",
            named,
            f"known only after {event}",
            alternative=kept or None,
            evidence="named in either order, with the target among them",
        )
        self._say(f"known only after {event}: {named}")
        return _with_drops(spec, verdict.drops)

    def _without_names(self, spec: ProjectSpec, assembled: Assembled, train: np.ndarray) -> ProjectSpec:
        assert self.model is not None
        distinct = {name: int(assembled.frame[name].nunique()) for name in assembled.frame.columns}
        doubtful = doubtful_names(spec, assembled.columns, distinct, len(assembled.frame))
        if not doubtful:
            return spec
        roles = name_roles(self.model, spec, assembled, train, doubtful, self._meanings)
        named = ", ".join(drop.column for drop in roles.drops)
        kept = "; ".join(f"{name}: {why}" for name, why in roles.kept.items()) or roles.why_not or None
        if not roles.drops or not _leaves_features(spec, assembled.columns, roles.drops):
            self.record.add("columns.names", "rule", "", kept or "none only names rows", alternative=named or None)
            return spec
        self.record.add(
            "columns.names",
            "model",
            named,
            "they only name rows",
            alternative=kept,
            evidence="the loss on inner folds is not worse without them",
        )
        return _with_drops(spec, roles.drops)

    def _without_limits_among_exclusions(self, asked: Requirement) -> Requirement:
        """`asked` without exclusions that no column is called after and that say before what all must be known."""
        assert self._discovery is not None
        event = asked.known_before
        kept = []
        for phrase in asked.exclude:
            try:
                excluded_columns([phrase], self._discovery.catalog)
            except UnknownExclusion:
                if event is not None and is_quoted(event, phrase):
                    continue
            kept.append(phrase)
        return asked.model_copy(update={"exclude": kept})

    def _case(self, asked: Requirement, ground: Ground) -> Case:
        assert self._discovery is not None
        catalog = self._discovery.catalog
        left_out = excluded_columns(asked.exclude, catalog)
        source = str(self._discovery.root)
        return Case(asked, catalog, self._meanings, left_out, source, ground, self.record)

    @cached_property
    def _settler(self) -> Settler:
        assert self.model is not None
        return Settler(self.model, self.record, self._say)

    def _target(self, spec: ProjectSpec) -> ColumnEntry | None:
        assert self._discovery is not None
        if spec.target is None or spec.target.is_made:
            return None
        columns = self._discovery.catalog.table(spec.target.table).columns
        return next(each for each in columns if each.name == spec.target.column)

    def _about(self, request: str, target: ColumnEntry | None) -> dict[str, str]:
        if target is None:
            return {"request": request}
        return {
            "request": request,
            "target": f"{target.name}: {described(target, self._meanings.get(target.name))}",
        }

    def _say(self, text: str) -> None:
        """Says what was settled beside the rules, and by whom."""
        if self.model is None:
            self.on_event(Finding("nearest", f"sentence embeddings: {text}"))
        else:
            self.on_event(Finding("model", f"{self.model.endpoint.model}: {text}"))


def _other(question: Question, choice: str) -> str | None:
    return ", ".join(option.value for option in question.options if option.value != choice) or None


def _with_drops(spec: ProjectSpec, drops: Sequence[DroppedColumn]) -> ProjectSpec:
    taken = {(drop.table, drop.column) for drop in spec.data.drop}
    more = [drop for drop in drops if (drop.table, drop.column) not in taken]
    return spec.model_copy(update={"data": spec.data.model_copy(update={"drop": [*spec.data.drop, *more]})})


def _leaves_features(spec: ProjectSpec, columns: Sequence[TrainingColumn], drops: Sequence[DroppedColumn]) -> bool:
    gone = {(drop.table, drop.column) for drop in (*spec.data.drop, *drops)}
    fixed = {spec.target.column if spec.target else None, *spec.data.tables[0].key}
    return any(
        (column.prefix or column.table, column.source_name) not in gone and column.name not in fixed
        for column in columns
        if column.aggregate != "identity"
    )

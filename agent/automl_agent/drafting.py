"""From a request and a folder to a settled spec and its training table, with nothing written yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from automl_runtime.data.assemble import Assembled, assemble, training_sql
from automl_runtime.data.catalog import Discovery, discover
from automl_runtime.data.duplicates import slug
from automl_runtime.data.history import find_histories, history_question
from automl_runtime.data.holdout import sealed_rows
from automl_runtime.data.leaks import find_leaks
from automl_runtime.data.relations import plan_joins
from automl_runtime.data.review import PlanItem, review_items
from automl_runtime.data.training_columns import words_of_target
from automl_runtime.engine.strategies.registry import check_strategy
from automl_runtime.errors import DataError, RequestError
from automl_runtime.events import EventSink, Finding, Progress, Warned, ignore
from automl_schemas.catalog import DataCatalog
from automl_schemas.decision import Decision
from automl_schemas.question import Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec

from automl_agent.decisions import Deciding
from automl_agent.dropping import settle_drops
from automl_agent.grounding import Grounded, ground
from automl_agent.grounding.case import Settled
from automl_agent.grounding.forecasts import settle_forecast
from automl_agent.grounding.in_time import as_rows, settle_anomalies
from automl_agent.grounding.likeness import Embedder
from automl_agent.grounding.several import given_target, label_drops
from automl_agent.grounding.wide import wide

if TYPE_CHECKING:
    from automl_agent.llm import LanguageModel

__all__ = ["Draft", "DraftOptions", "draft"]

Ask = Callable[[Question], str]
Review = Callable[[Sequence[PlanItem]], Collection[str]]


@dataclass(frozen=True, slots=True)
class DraftOptions:
    """What the caller settles beforehand; `ask` and `review` are None when nobody is there to answer."""

    data: Path | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    keep: Sequence[str] = ()
    reject: Collection[str] = ()
    budget_seconds: float | None = None
    trials: int | None = None
    strategy: str | None = None
    holdout_from: date | None = None
    seed: int = 0
    ask: Ask | None = None
    review: Review | None = None
    llm: LanguageModel | None = None
    """Helps where rules are in doubt."""
    embedder: Embedder | None = None
    """Evidence on which column is meant, where rules are in doubt and no model is asked."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A settled spec with the data that it was settled on."""

    spec: ProjectSpec
    discovery: Discovery
    assembled: Assembled
    """The training table: one row per entity that has a target, dropped columns left out."""
    holdout: np.ndarray
    """Which of its rows are sealed."""
    questions: list[Question]
    warnings: list[str]
    assumed: list[str]
    decisions: list[Decision] = field(default_factory=list)
    """Who decided what."""
    transcript: Sequence[str] = ()
    """What a model was asked and answered, a JSON object each, without secrets."""


def draft(request: str, options: DraftOptions, *, on_event: EventSink = ignore) -> Draft:
    """Understands `request`, finds and cleans the data, binds the words to columns and drops leaks.

    Raises:
        RequestError: if the request supports no prediction, or names what is not there.
        MissingExtraError: if the strategy of the search needs a package that is not installed.
        DataError: if the data cannot be used.
    """
    deciding = Deciding(options.llm, options.ask, on_event, options.embedder)
    asked = deciding.read(request)
    given = asked.training.strategy if isinstance(asked, ProjectSpec) else asked.strategy
    check_strategy(options.strategy or given or "auto")
    source = _source(asked, options.data)
    discovery, answers = _discovered(source, asked, options, deciding, on_event)
    if not discovery.catalog.tables:
        raise _no_picture(source, discovery)
    if max(table.rows for table in discovery.catalog.tables) < 2:
        files = ", ".join(file for table in discovery.catalog.tables for file in table.files)
        raise DataError(f"No table has more than one row, so there is nothing to learn from ({files}).")
    asked, grounded = _settle(asked, discovery, source, options, answers, deciding)
    grounded = _in_words(grounded, discovery.catalog)
    _say_what_was_understood(grounded, asked, options.llm, on_event)
    judges = {"forecast": _judge_series, "anomaly": _judge_anomalies}
    judge = judges.get(grounded.spec.task.type, _judge_columns)
    judged = judge(grounded.spec, asked, discovery, options, answers, deciding, on_event)
    spec, leak_questions, assembled, holdout = judged
    _refuse_unknown_answers(options.answers, [*grounded.questions, *leak_questions])
    questions = [*discovery.catalog.questions, *grounded.questions, *leak_questions]
    deciding.finish(spec, questions, answers)
    drafted = _drafted(spec, grounded, questions, assembled, holdout, discovery)
    transcript = options.llm.transcript.lines if options.llm is not None else ()
    return replace(drafted, decisions=deciding.decisions, transcript=transcript)


def _discovered(
    source: Path, asked: Requirement | ProjectSpec, options: DraftOptions, deciding: Deciding, on_event: EventSink
) -> tuple[Discovery, dict[str, str]]:
    """What is there, without what a review rejects, and the answers so far: those that were given and a model's."""
    reject = {*options.reject}

    def find(given: Mapping[str, str]) -> Discovery:
        return discover(source, reject=reject, answers={**options.answers, **given}, on_event=on_event)

    discovery, parts = deciding.parts(asked, find({}), find, options.answers)
    rejected = set() if options.review is None else {*options.review(review_items(discovery.catalog))}
    if rejected:
        reject |= rejected
        discovery = find(parts)
    return discovery, {**options.answers, **parts}


def _no_picture(source: Path, discovery: Discovery) -> DataError:
    catalog = discovery.catalog
    reasons = [*catalog.warnings, *(f"{item.path}: {item.reason}" for item in catalog.ignored[:5])]
    return DataError(f"None of the pictures in {source} can be used.", hint="\n  ".join(dict.fromkeys(reasons)))


def _source(asked: Requirement | ProjectSpec, given: Path | None) -> Path:
    named = asked.data.source if isinstance(asked, ProjectSpec) else asked.data
    if given is None and named is None:
        raise RequestError(
            "The request names no data.",
            hint='Add --data ./folder, or say where they are: "... from ./folder".',
        )
    place = (given if given is not None else Path(str(named))).expanduser()
    if not place.exists():
        raise DataError(f"The data folder {str(place)!r} does not exist.", hint="Check the path given with --data.")
    return place.resolve()


def _settle(
    asked: Requirement | ProjectSpec,
    discovery: Discovery,
    source: Path,
    options: DraftOptions,
    answers: dict[str, str],
    deciding: Deciding,
) -> tuple[Requirement | ProjectSpec, Grounded]:
    if isinstance(asked, ProjectSpec):
        return asked, _given(asked, discovery, source, options)

    def bind(requirement: Requirement, given: Mapping[str, str]) -> Grounded:
        return ground(
            requirement,
            discovery.catalog,
            source=str(source),
            answers={key: value for key, value in given.items() if "." not in key},
            budget_seconds=options.budget_seconds,
            seed=options.seed,
        )

    requirement, grounded = deciding.ground(asked, discovery, bind, answers)
    while True:
        open_questions = [question for question in grounded.questions if question.id not in answers]
        if options.ask is None or not open_questions:
            return requirement, _with_options(grounded, options)
        answers[open_questions[0].id] = options.ask(open_questions[0])
        grounded = bind(requirement, answers)


def _given(spec: ProjectSpec, discovery: Discovery, source: Path, options: DraftOptions) -> Grounded:
    catalog = discovery.catalog
    known = {table.name: {column.name for column in table.columns} for table in catalog.tables}
    if spec.target is None:
        return _with_options(_given_rows(spec, known, source), options)
    if spec.target.table not in known:
        raise RequestError(f"`target.table` is {spec.target.table!r}; the data have {', '.join(sorted(known))}.")
    if spec.target.sql is None and not spec.target.columns and spec.target.column not in known[spec.target.table]:
        raise RequestError(
            f"`target.column` is {spec.target.column!r}, which {spec.target.table} does not have; "
            f"its columns: {', '.join(sorted(known[spec.target.table]))}."
        )
    data = spec.data.model_copy(update={"source": str(source)})
    if not data.tables:
        tables, joins = plan_joins(catalog, spec.target.table)
        data = data.model_copy(update={"tables": tables, "joins": joins})
    settled = _with_labels(spec.model_copy(update={"data": data}), discovery)
    return _with_options(Grounded(spec=settled, questions=[], warnings=[], assumed=[]), options)


def _with_labels(spec: ProjectSpec, discovery: Discovery) -> ProjectSpec:
    """`spec` with the labels that its data hold, where a row has several; they are no features."""
    target = spec.target
    if target is None or (spec.task.type != "multilabel" and not target.separator and not target.columns):
        return spec
    if spec.task.type != "multilabel":
        raise RequestError(f"`target` says that a row has several labels; `task.type` is {spec.task.type}.")
    table = discovery.tables[target.table].data
    cells = {name: table[name] for name in table.column_names}
    target = given_target(target, discovery.catalog.table(target.table), cells)
    known = {(drop.table, drop.column) for drop in spec.data.drop}
    drops = [drop for drop in label_drops(target) if (drop.table, drop.column) not in known]
    data = spec.data.model_copy(update={"drop": [*spec.data.drop, *drops]})
    return spec.model_copy(update={"target": target, "data": data})


def _given_rows(spec: ProjectSpec, known: Mapping[str, Collection[str]], source: Path) -> Grounded:
    """A spec without a target, whose first table says which rows are looked at."""
    if spec.task.type not in ("clustering", "anomaly"):
        raise RequestError(f"`task.type: {spec.task.type}` needs a `target`.")
    if not spec.data.tables or spec.data.tables[0].name not in known:
        raise RequestError(f"`data.tables` must begin with the table to look at, one of {', '.join(sorted(known))}.")
    data = spec.data.model_copy(update={"source": str(source)})
    return Grounded(spec=spec.model_copy(update={"data": data}), questions=[], warnings=[], assumed=[])


def _with_options(grounded: Grounded, options: DraftOptions) -> Grounded:
    spec = grounded.spec
    if options.holdout_from is not None and spec.task.type == "forecast":
        raise RequestError("--holdout-from is not possible for a forecast: its holdout is the last horizon.")
    training = spec.training.model_copy(
        update={
            **({"budget_seconds": options.budget_seconds} if options.budget_seconds is not None else {}),
            **({"trials": options.trials} if options.trials is not None else {}),
            **({"strategy": options.strategy} if options.strategy is not None else {}),
            **({"holdout_from": options.holdout_from, "validation": "temporal"} if options.holdout_from else {}),
        }
    )
    data = spec.data.model_copy(update={"keep": sorted({*spec.data.keep, *options.keep})})
    spec = spec.model_copy(update={"training": training, "data": data})
    return Grounded(spec=spec, questions=grounded.questions, warnings=grounded.warnings, assumed=grounded.assumed)


def _in_words(grounded: Grounded, catalog: DataCatalog) -> Grounded:
    """The positive class as the target's own word ("Yes") where the clean column holds true and false."""
    target = grounded.spec.target
    if target is None or not isinstance(target.positive, bool):
        return grounded
    labels = words_of_target(grounded.spec, catalog.table(target.table))
    if labels is None:
        return grounded
    spec = grounded.spec.model_copy(update={"target": target.model_copy(update={"positive": labels[target.positive]})})
    return Grounded(spec=spec, questions=grounded.questions, warnings=grounded.warnings, assumed=grounded.assumed)


def _judge_columns(
    spec: ProjectSpec,
    asked: Requirement | ProjectSpec,
    discovery: Discovery,
    options: DraftOptions,
    answers: dict[str, str],
    deciding: Deciding,
    on_event: EventSink,
) -> tuple[ProjectSpec, list[Question], Assembled, np.ndarray]:
    grounded = spec
    on_event(Progress("joining", 0, None, "training table"))
    _refuse_unknown_keeps(spec, discovery)
    assembled = assemble(spec, discovery.catalog, discovery.tables)
    if assembled.frame.empty:
        raise DataError("The training table has no row with a target.")
    holdout = sealed_rows(assembled.frame, spec, assembled.columns)
    on_event(Progress("checking for leaks", 0, None))
    known_before = asked.known_before if isinstance(asked, Requirement) else None
    report = find_leaks(assembled, ~holdout, spec, known_before=known_before)
    questions = {question.id: question for question in report.questions}
    _refuse_wrong_answers(answers, report.questions)
    if options.ask is not None:
        answers.update({key: options.ask(question) for key, question in questions.items() if key not in answers})
    elif isinstance(asked, Requirement):
        open_ = [question for key, question in questions.items() if key not in answers]
        answers.update(deciding.leaks(spec, assembled, ~holdout, open_))
    settled = {key: value for key, value in answers.items() if key in questions or not key.startswith("leak.")}
    spec = spec.model_copy(update={"answers": {**spec.answers, **settled}})
    if settled.keys() & questions.keys():
        report = find_leaks(assembled, ~holdout, spec, known_before=known_before)
    spec = settle_drops(spec, assembled.columns, report.drops, discovery.catalog)
    if isinstance(asked, Requirement) and deciding.takes_back(spec, assembled.columns):
        asked = asked.model_copy(update={"known_before": None})
        return _judge_columns(grounded, asked, discovery, options, answers, deciding, on_event)
    spec = deciding.columns(spec, assembled, ~holdout, known_before=known_before)
    if isinstance(asked, Requirement) and known_before is not None:
        spec, question = _with_history(spec, assembled, ~holdout, answers, options)
        questions |= {question.id: question} if question is not None else {}
    if spec.data.history:
        assembled = assemble(spec, discovery.catalog, discovery.tables)
        holdout = sealed_rows(assembled.frame, spec, assembled.columns)
    return spec, list(questions.values()), assembled, holdout


def _with_history(
    spec: ProjectSpec, assembled: Assembled, train: np.ndarray, answers: dict[str, str], options: DraftOptions
) -> tuple[ProjectSpec, Question | None]:
    """`spec` with the past of its entities, unless an answer says that outcomes are known too late for it."""
    found = find_histories(assembled, train, spec)
    if not found:
        return spec, None
    question = history_question(spec, found)
    _refuse_wrong_answers(answers, [question])
    if options.ask is not None and question.id not in answers:
        answers[question.id] = options.ask(question)
    settled = {question.id: answers[question.id]} if question.id in answers else {}
    history = found if answers.get(question.id, question.default) == "use" else []
    data = spec.data.model_copy(update={"history": history})
    return spec.model_copy(update={"data": data, "answers": {**spec.answers, **settled}}), question


def _judge_series(
    spec: ProjectSpec,
    asked: Requirement | ProjectSpec,
    discovery: Discovery,
    options: DraftOptions,
    answers: dict[str, str],
    deciding: Deciding,
    on_event: EventSink,
) -> tuple[ProjectSpec, list[Question], Assembled, np.ndarray]:
    """As `_judge_columns`: leaks are looked for among all columns, then what a forecast can use is settled."""
    whole = wide(spec, discovery.catalog)
    judged, leaks, assembled, sealed = _judge_columns(whole, asked, discovery, options, answers, deciding, on_event)
    requirement = asked if isinstance(asked, Requirement) else None
    spec = judged.model_copy(update={"task": spec.task, "training": spec.training})

    def settle(given: Mapping[str, str]) -> Settled:
        drops = judged.data.drop
        return settle_forecast(spec, assembled, drops, discovery.catalog, requirement=requirement, answers=given)

    settled = settle(answers)
    if requirement is not None:
        settled = deciding.forecast(settled, settle, judged, assembled, ~sealed, answers)
    settled = _asked_and_settled(settled, settle, options, answers, on_event)
    spec = settled.spec
    used = {*spec.task.known_ahead, *spec.task.series}
    asked_of = {f"leak.{slug(name)}" for name in used}
    assembled = assemble(spec, discovery.catalog, discovery.tables)
    questions = [*settled.questions, *(question for question in leaks if question.id in asked_of)]
    return spec, questions, assembled, sealed_rows(assembled.frame, spec, assembled.columns)


def _judge_anomalies(
    spec: ProjectSpec,
    asked: Requirement | ProjectSpec,
    discovery: Discovery,
    options: DraftOptions,
    answers: dict[str, str],
    deciding: Deciding,
    on_event: EventSink,
) -> tuple[ProjectSpec, list[Question], Assembled, np.ndarray]:
    """As `_judge_columns`; then it is settled whether rows or stretches of time are strange."""
    plain = as_rows(spec)
    judged, leaks, assembled, _ = _judge_columns(plain, asked, discovery, options, answers, deciding, on_event)
    requirement = asked if isinstance(asked, Requirement) else None

    def settle(given: Mapping[str, str]) -> Settled:
        return settle_anomalies(spec, judged, assembled, discovery.catalog, requirement=requirement, answers=given)

    settled = _asked_and_settled(settle(answers), settle, options, answers, on_event)
    spec = settled.spec
    if spec.task.anomalies_in_time:
        assembled = assemble(spec, discovery.catalog, discovery.tables)
    questions = [*settled.questions, *leaks]
    return spec, questions, assembled, sealed_rows(assembled.frame, spec, assembled.columns)


def _asked_and_settled(
    settled: Settled,
    settle: Callable[[Mapping[str, str]], Settled],
    options: DraftOptions,
    answers: dict[str, str],
    on_event: EventSink,
) -> Settled:
    """`settled` once all that it asks is answered, or nobody is there to answer; records the answers."""
    while options.ask is not None:
        open_ = [question for question in settled.questions if question.id not in answers]
        if not open_:
            break
        answers[open_[0].id] = options.ask(open_[0])
        settled = settle(answers)
    for sentence in settled.assumed:
        on_event(Finding("grounded", sentence))
    ids = {question.id for question in settled.questions}
    given = {key: value for key, value in answers.items() if key in ids}
    settled.spec = settled.spec.model_copy(update={"answers": {**settled.spec.answers, **given}})
    return settled


def _refuse_unknown_keeps(spec: ProjectSpec, discovery: Discovery) -> None:
    known = {f"{table.name}.{column.name}" for table in discovery.catalog.tables for column in table.columns}
    for name in spec.data.keep:
        if name not in known:
            raise RequestError(f"--keep {name!r} names no column.", hint=_nearest(name, known))


def _refuse_unknown_answers(answers: Mapping[str, str], questions: Sequence[Question]) -> None:
    """Of the leaks; discovery and grounding refuse those that are theirs."""
    known = {question.id for question in questions}
    for key in answers:
        if key not in known and key.startswith("leak."):
            listed = ", ".join(sorted(known)) or "none: nothing is open"
            raise RequestError(f"--answer {key}: there is no such question.", hint=f"Questions: {listed}.")


def _refuse_wrong_answers(answers: Mapping[str, str], questions: Sequence[Question]) -> None:
    for question in questions:
        allowed = [option.value for option in question.options]
        if answers.get(question.id, question.default) not in allowed:
            raise RequestError(f"--answer {question.id}={answers[question.id]}: allowed are {', '.join(allowed)}.")


def _nearest(name: str, known: Collection[str]) -> str:
    from rapidfuzz import process

    found = process.extractOne(name, sorted(known))
    return f"Nearest: {found[0]}" if found else "Write it as table.column."


def _drafted(
    spec: ProjectSpec,
    grounded: Grounded,
    questions: list[Question],
    assembled: Assembled,
    holdout: np.ndarray,
    discovery: Discovery,
) -> Draft:
    sql, columns = training_sql(spec, discovery.catalog)
    names = [column.name for column in columns]
    kept = [column for column in assembled.columns if column.name in set(names)]
    return Draft(
        spec=spec,
        discovery=discovery,
        assembled=replace(assembled, frame=assembled.frame[names], sql=sql, columns=kept, joins=list(spec.data.joins)),
        holdout=holdout,
        questions=questions,
        warnings=[*discovery.catalog.warnings, *grounded.warnings],
        assumed=grounded.assumed,
    )


def _say_what_was_understood(
    grounded: Grounded, asked: Requirement | ProjectSpec, model: LanguageModel | None, on_event: EventSink
) -> None:
    spec = grounded.spec
    goal = f" {spec.metric.goal.op} {spec.metric.goal.value:g}" if spec.metric.goal else ""
    with_model = "rules; no LLM configured" if model is None else f"rules and {model.endpoint.model}"
    by = "as given in the spec" if isinstance(asked, ProjectSpec) else with_model
    on_event(Finding("understood", f"{spec.task.type} · metric {spec.metric.name}{goal} ({by})"))
    for sentence in grounded.assumed:
        on_event(Finding("grounded", sentence))
    for warning in grounded.warnings:
        on_event(Warned(warning))

"""Binds a requirement to the tables and columns of a catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.exclusions import excluded_columns
from automl_agent.grounding.messages import no_match, no_table, target_sentence
from automl_agent.grounding.positives import Positive, choose_positive
from automl_agent.grounding.structure import Structure, is_series, structure_of, time_column
from automl_agent.grounding.targets import choose_target
from automl_agent.grounding.tasks import FITTING, choose_metric, choose_task
from automl_agent.grounding.topics import is_about
from automl_agent.grounding.wishes import Wish, wish_of
from automl_agent.grounding.words import relate, tokens
from automl_agent.requirements.parsing import HOW_TO_SAY_IT
from automl_generators.names import project_name
from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog, TableEntry
from automl_schemas.question import Option, Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import (
    DataSpec,
    DeploymentSpec,
    DroppedColumn,
    JoinSpec,
    MetricSpec,
    ProjectSpec,
    TableSpec,
    TargetSpec,
    TaskSpec,
    TrainingSpec,
)
from automl_schemas.vocabulary import TaskType
from rapidfuzz import process

__all__ = ["Grounded", "ground"]

PlanJoins = Callable[[DataCatalog, str], tuple[list[TableSpec], list[JoinSpec]]]
_IDS: Final = ("target", "positive", "metric", "task", "entity")


@dataclass(frozen=True, slots=True)
class Grounded:
    """A spec, the questions that it left open or that were settled, and what was assumed, in sentences."""

    spec: ProjectSpec
    questions: list[Question] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Notes:
    questions: list[Question] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def ask(self, question: Question | None) -> None:
        if question is not None:
            self.questions.append(question)


def ground(
    requirement: Requirement,
    catalog: DataCatalog,
    *,
    source: str,
    answers: Mapping[str, str] | None = None,
    budget_seconds: float | None = None,
    seed: int = 0,
    plan_joins: PlanJoins | None = None,
) -> Grounded:
    """Binds each phrase of `requirement` to real tables and columns; a deterministic function of its arguments.

    Args:
        requirement: what was asked.
        catalog: what is there.
        source: the path of the data, recorded in the spec.
        answers: settled questions, id -> value; a legal answer is taken also where nothing was in doubt.
        budget_seconds: time for training, instead of the requirement's.
        seed: seed of the project.
        plan_joins: finds the tables that hang on the base table; `automl_runtime.data.relations.plan_joins` when None.

    Raises:
        RequestError: if nothing in the data supports the request, the metric does not fit the task, an exclusion names no
            column, or an answer is none of the options.
        DataError: if there is no usable table, or the target holds one value only.
    """
    answers = dict(answers or {})
    _refuse_unknown(answers, catalog)
    if not any(table.rows > 0 and len(table.columns) > 0 for table in catalog.tables):
        raise no_table(catalog, source)
    plan = plan_joins or _plan_joins()
    excluded = excluded_columns(requirement.exclude, catalog)
    notes = _Notes()
    if requirement.task in {"clustering", "anomaly"}:
        task, target, base, extra = _without_target(requirement, catalog, source)
        structure, metric = Structure("random"), choose_metric(requirement, task.type, None, answers.get("metric"))[0]
        tables, joins = plan(catalog, base.name)
    else:
        candidate, wish, kind, positive = _bind_target(requirement, catalog, source, excluded, answers, notes)
        base, extra = candidate.table, _made_from(candidate)
        metric, said = choose_metric(requirement, kind, wish, answers.get("metric"))
        notes.assumed.extend(said)
        tables, joins = plan(catalog, base.name)
        structure = structure_of(requirement, kind, base, candidate.name, catalog, joins, answers.get("entity"))
        task = _task_spec(requirement, kind, structure)
        target = TargetSpec(
            table=base.name,
            column=candidate.name,
            positive=None if positive is None else positive.value,
            sql=candidate.sql,
        )
        notes.ask(structure.question)
    _note_metric(answers, task.type, metric, notes)
    drops = [DroppedColumn(table=table, column=column, reason="asked") for table, column in excluded]
    cutoff = (
        structure.time
        if structure.validation == "temporal" and any(join.cardinality == "1:n" for join in joins)
        else None
    )
    spec = ProjectSpec(
        name=project_name(requirement),
        request=requirement.request,
        task=task,
        target=target,
        metric=metric,
        data=DataSpec(
            source=source,
            tables=tables,
            joins=joins,
            drop=[*drops, *extra],
            cutoff=cutoff if cutoff and "." not in cutoff else None,
        ),
        training=_training(requirement, structure, budget_seconds),
        deployment=DeploymentSpec(requests_per_day=requirement.requests_per_day, p99_ms=requirement.p99_ms),
        answers=answers,
        seed=seed,
    )
    return Grounded(spec=spec, questions=notes.questions, warnings=notes.warnings, assumed=notes.assumed)


def _plan_joins() -> PlanJoins:
    from automl_runtime.data.relations import plan_joins

    return plan_joins


def _refuse_unknown(answers: Mapping[str, str], catalog: DataCatalog) -> None:
    known = [*_IDS, *(question.id for question in catalog.questions)]
    for key in answers:
        if key not in known and "." not in key:
            nearest = process.extractOne(key, known)
            raise RequestError(
                f"--answer {key}: there is no such question; known: {', '.join(known)}.",
                hint=f"Did you mean {nearest[0]}?",
            )


def _bind_target(
    requirement: Requirement,
    catalog: DataCatalog,
    source: str,
    excluded: list[tuple[str, str]],
    answers: Mapping[str, str],
    notes: _Notes,
) -> tuple[Candidate, Wish, TaskType, Positive | None]:
    if requirement.target is None and "target" not in answers:
        raise RequestError("The request does not say what to predict.", hint=HOW_TO_SAY_IT)
    wish = wish_of(requirement)
    chosen = choose_target(wish, catalog, source, excluded, answers.get("target"))
    notes.ask(chosen.question)
    candidate = chosen.candidate
    if (candidate.table.name, candidate.column.name) in excluded:
        raise RequestError(f"{candidate.column.name!r} is to be predicted and not to be used at once.")
    choice = choose_task(requirement, candidate, wish, answers.get("task"))
    notes.ask(choice.question)
    kind = _in_time(requirement, choice.task, candidate, notes)
    positive = choose_positive(candidate, wish, answers.get("positive")) if kind == "binary" else None
    if positive is not None:
        notes.ask(positive.question)
    notes.assumed.append(target_sentence(requirement.target or candidate.name, candidate, positive))
    if candidate.column.missing:
        notes.assumed.append(
            f"{candidate.column.missing:,} rows without a value of {candidate.column.name!r} are left out"
        )
    return candidate, wish, kind, positive


def _in_time(requirement: Requirement, task: TaskType, candidate: Candidate, notes: _Notes) -> TaskType:
    """`forecast` where the words ask for one and the rows are moments of a series; else `task`."""
    if task != "regression":
        return task
    steps = requirement.frequency is not None or requirement.horizon_days is not None
    if requirement.task == "forecast":
        if time_column(candidate.table, events_only=False) is not None:
            return "forecast"
        if steps:
            raise RequestError(
                f"A forecast needs dates, and {candidate.table.name} has no column of dates or times.",
                hint="Leave out the horizon and the step to predict one row from its other columns.",
            )
        notes.assumed.append(f"{candidate.table.name} has no dates: each row is predicted from its other columns")
        return task
    return "forecast" if steps and is_series(candidate.table) else task


def _made_from(candidate: Candidate) -> list[DroppedColumn]:
    """The column that a derived target is made of must not be a feature."""
    if candidate.sql is None:
        return []
    return [
        DroppedColumn(
            table=candidate.table.name, column=candidate.column.name, reason="leak: the target is made from it"
        )
    ]


def _without_target(
    requirement: Requirement, catalog: DataCatalog, source: str
) -> tuple[TaskSpec, TargetSpec | None, TableEntry, list[DroppedColumn]]:
    """Clustering and anomalies: the table that the entity names, else the only one, else the largest that the words support."""
    assert requirement.task is not None
    wish = wish_of(requirement)
    named = [table for table in catalog.tables if _named_after(wish.entity, table)]
    supported = [table for table in catalog.tables if is_about(wish, table, source)]
    fitting = named or supported or (catalog.tables if len(catalog.tables) == 1 else [])
    if not fitting:
        raise no_match(requirement.entity_phrase or requirement.request, catalog, source)
    base = max(fitting, key=lambda table: (len(table.columns), table.rows))
    return TaskSpec(type=requirement.task, entity=requirement.entity), None, base, []


def _named_after(entity: tuple[str, ...], table: TableEntry) -> bool:
    return any(relate(word, part).strength >= 0.74 for word in entity for part in tokens(table.name))


def _task_spec(requirement: Requirement, kind: TaskType, structure: Structure) -> TaskSpec:
    return TaskSpec(
        type=kind,
        entity=requirement.entity,
        horizon_days=requirement.horizon_days,
        time=structure.time,
        group=structure.group,
        series=structure.series,
        frequency=requirement.frequency if kind == "forecast" else None,
        known_ahead=structure.known_ahead,
    )


def _note_metric(answers: Mapping[str, str], task: TaskType, metric: MetricSpec, notes: _Notes) -> None:
    if "metric" in answers:
        options = [Option(value=name, label=name) for name in FITTING[task]]
        notes.ask(
            Question(
                id="metric",
                text="Which metric judges the model?",
                options=options,
                default=metric.name,
                impact="It is what the search optimises.",
            )
        )


def _training(requirement: Requirement, structure: Structure, budget_seconds: float | None) -> TrainingSpec:
    budget = budget_seconds if budget_seconds is not None else requirement.budget_seconds
    return TrainingSpec(
        **({} if budget is None else {"budget_seconds": budget}),
        validation=structure.validation,
        interpretable=bool(requirement.interpretable),
    )

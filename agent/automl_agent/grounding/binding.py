"""Binds a requirement to the tables and columns of a catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from automl_generators.names import project_name
from automl_runtime.data.same_pictures import is_of_folders
from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog, TableEntry
from automl_schemas.question import Question
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

from automl_agent.grounding.candidates import Candidate
from automl_agent.grounding.doubts import doubts
from automl_agent.grounding.exclusions import excluded_columns
from automl_agent.grounding.forecasts import FORECAST_QUESTIONS
from automl_agent.grounding.futures import Future, find_futures, future_question, horizon_missing, refuse_short_history
from automl_agent.grounding.in_time import ANOMALY_QUESTIONS
from automl_agent.grounding.known_anomalies import LABEL, label_of, label_question
from automl_agent.grounding.messages import no_match, no_table, target_sentence
from automl_agent.grounding.pictures import as_pictures, other_places, picture_target, said_of_copies
from automl_agent.grounding.positives import Positive, choose_positive
from automl_agent.grounding.several import (
    LabelColumns,
    columns_question,
    is_listed,
    label_columns,
    label_drops,
    listed_target,
    one_value,
    said_of_columns,
)
from automl_agent.grounding.structure import Structure, is_series, moments_of, structure_of
from automl_agent.grounding.targets import SURE, Target, choose_target, spelled_target
from automl_agent.grounding.tasks import choose_metric, choose_task, metric_question
from automl_agent.grounding.topics import is_about, says_nothing
from automl_agent.grounding.wishes import Wish, wish_of
from automl_agent.grounding.words import relate, tokens
from automl_agent.requirements.metrics import weighs_errors
from automl_agent.requirements.parsing import HOW_TO_SAY_IT, other_readings
from automl_agent.requirements.text import word_set

__all__ = ["Grounded", "ground"]

_ANY_ROWS: Final = word_set("""
    row rows record records entry entries reading readings measurement measurements observation observations value
    values point points series minute minutes hour hours day days night nights week weeks month months
""")
"""Words for what any table holds."""

PlanJoins = Callable[[DataCatalog, str], tuple[list[TableSpec], list[JoinSpec]]]
_LATER: Final[dict[TaskType, tuple[str, ...]]] = {"forecast": FORECAST_QUESTIONS, "anomaly": ANOMALY_QUESTIONS}
"""Questions that are asked when the data can be looked at."""
_IDS: Final = ("target", "positive", "metric", "task", "entity", LABEL, *chain.from_iterable(_LATER.values()))


@dataclass(frozen=True, slots=True)
class Grounded:
    """A spec, the questions that it left open or that were settled, and what was assumed, in sentences."""

    spec: ProjectSpec
    questions: list[Question] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    certainty: float = 1.0
    """How well the words fit the target, from 0.45 (just believed) to 1."""


@dataclass(slots=True)
class _Draft:
    """What is settled so far."""

    task: TaskSpec
    base: TableEntry
    metric: MetricSpec
    structure: Structure
    target: TargetSpec | None = None
    future: Future | None = None
    drops: list[DroppedColumn] = field(default_factory=list)
    tables: list[TableSpec] = field(default_factory=list)
    joins: list[JoinSpec] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    certainty: float = 1.0


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
        RequestError: if nothing in the data supports the request, the metric does not fit the task, an exclusion names
            no column, or an answer is none of the options.
        DataError: if there is no usable table, or the target holds one value only.
    """
    settled = dict(answers or {})
    _refuse_unknown(settled, catalog)
    if not any(table.rows > 0 and len(table.columns) > 0 for table in catalog.tables):
        raise no_table(catalog, source)
    plan = plan_joins or _plan_joins()
    excluded = excluded_columns(requirement.exclude, catalog)
    if requirement.task in {"clustering", "anomaly"}:
        draft = _without_target(requirement, catalog, source, settled, plan)
    else:
        draft = _with_target(requirement, catalog, source, settled, plan, excluded)
    unnamed = requirement.metric is None and draft.target is not None and weighs_errors(requirement.request)
    if "metric" in settled or unnamed:
        draft.questions.append(metric_question(draft.task.type, draft.metric))
    _refuse_idle(settled, draft)
    spec = ProjectSpec(
        name=project_name(as_pictures(requirement) if is_of_folders(draft.base) else requirement),
        request=requirement.request,
        task=draft.task,
        target=draft.target,
        metric=draft.metric,
        data=_data_spec(draft, source, excluded),
        training=_training(requirement, draft.structure, budget_seconds),
        deployment=DeploymentSpec(requests_per_day=requirement.requests_per_day, p99_ms=requirement.p99_ms),
        answers=settled,
        seed=seed,
    )
    return Grounded(spec, draft.questions, _doubts(requirement, draft), draft.assumed, draft.certainty)


def _plan_joins() -> PlanJoins:
    from automl_runtime.data.relations import plan_joins

    return plan_joins


def _refuse_unknown(answers: Mapping[str, str], catalog: DataCatalog) -> None:
    known = [*dict.fromkeys(_IDS), *(question.id for question in catalog.questions)]
    for key in answers:
        if key not in known and "." not in key:
            nearest = process.extractOne(key, known)
            raise RequestError(
                f"--answer {key}: there is no such question; known: {', '.join(known)}.",
                hint=f"Did you mean {nearest[0]}?",
            )


def _refuse_idle(answers: Mapping[str, str], draft: _Draft) -> None:
    """An answer to a question that this task does not have would be lost without a word."""
    open_ids = {question.id for question in draft.questions}
    open_ids.update(_LATER.get(draft.task.type, ()))
    for key in answers:
        if key in _IDS and key not in open_ids:
            listed = ", ".join(sorted(open_ids)) or "none"
            raise RequestError(
                f"--answer {key}: a {draft.task.type} task here has no such question.", hint=f"Open: {listed}."
            )


def _with_target(
    requirement: Requirement,
    catalog: DataCatalog,
    source: str,
    answers: Mapping[str, str],
    plan: PlanJoins,
    excluded: list[tuple[str, str]],
) -> _Draft:
    if requirement.target is None and "target" not in answers:
        raise RequestError("The request does not say what to predict.", hint=HOW_TO_SAY_IT)
    wish = wish_of(requirement)
    answer = answers.get("target")
    several = label_columns(requirement, catalog, excluded, answer)
    if several is not None and (answer is not None or not is_listed(wish, catalog, source, excluded)):
        return _with_columns(requirement, several, catalog, answers, plan)
    futures = find_futures(requirement, wish, catalog, excluded)
    named = [future for future in futures if future.name == answer]
    chosen = None if named else choose_target(wish, catalog, source, excluded, answer)
    if answer is None and not named and (chosen is None or chosen.candidate.score < 1):
        chosen = picture_target(requirement, wish, catalog, source, excluded) or chosen
    if chosen is not None and is_of_folders(chosen.candidate.table):
        requirement = as_pictures(requirement)
    if futures and (chosen is None or (answer is None and chosen.candidate.table is futures[0].events)):
        return _ahead(requirement, wish, catalog, answers, plan, futures, (named or futures)[0])
    if requirement.task == "multilabel" and (chosen is None or chosen.candidate.column.listed is None):
        return _one_label(requirement, chosen, catalog, source, answers, plan, excluded)
    if chosen is None:
        chosen, wish, requirement = _otherwise(requirement, catalog, source, excluded)
    return _of_column(requirement, chosen, wish, catalog, answers, plan, excluded)


def _of_column(
    requirement: Requirement,
    chosen: Target,
    wish: Wish,
    catalog: DataCatalog,
    answers: Mapping[str, str],
    plan: PlanJoins,
    excluded: list[tuple[str, str]],
) -> _Draft:
    """A target that one column holds, or that is made of one."""
    candidate = chosen.candidate
    if (candidate.table.name, candidate.column.name) in excluded:
        raise RequestError(f"{candidate.column.name!r} is to be predicted and not to be used at once.")
    assumed: list[str] = []
    choice = choose_task(requirement, candidate, wish, answers.get("task"))
    kind = _in_time(requirement, choice.task, candidate, assumed)
    positive = choose_positive(candidate, wish, answers.get("positive")) if kind == "binary" else None
    phrase = requirement.target or candidate.name
    target, found = listed_target(phrase, candidate) if kind == "multilabel" else _target(phrase, candidate, positive)
    assumed = [*found, *assumed, *said_of_copies(candidate.table)]
    metric, said = choose_metric(requirement, kind, wish, answers.get("metric"))
    tables, joins = plan(catalog, candidate.table.name)
    structure = structure_of(requirement, kind, candidate, catalog, joins, answers.get("entity"))
    asked = (chosen.question, choice.question, positive.question if positive else None, structure.question)
    return _Draft(
        task=_task_spec(requirement, kind, structure),
        base=candidate.table,
        metric=metric,
        structure=structure,
        target=target,
        drops=[*_made_from(candidate), *other_places(candidate)],
        tables=tables,
        joins=joins,
        questions=[question for question in asked if question is not None],
        assumed=[*assumed, *said],
        certainty=min(candidate.score, 1.0),
    )


def _with_columns(
    requirement: Requirement, labels: LabelColumns, catalog: DataCatalog, answers: Mapping[str, str], plan: PlanJoins
) -> _Draft:
    """Several labels a row, each a column of yes and no."""
    if answers.get("task", "multilabel") != "multilabel":
        raise RequestError(
            f"task={answers['task']!r} does not fit {len(labels.columns)} columns: they are a multilabel task.",
            hint="Name one of them with --answer target=table.column.",
        )
    metric, said = choose_metric(requirement, "multilabel", None, answers.get("metric"))
    tables, joins = plan(catalog, labels.table.name)
    structure = structure_of(requirement, "multilabel", labels.candidate, catalog, joins, answers.get("entity"))
    phrase = requirement.target or labels.name
    asked = None if labels.certain and "target" not in answers else columns_question(phrase, labels)
    return _Draft(
        task=_task_spec(requirement, "multilabel", structure),
        base=labels.table,
        metric=metric,
        structure=structure,
        target=labels.target,
        drops=label_drops(labels.target),
        tables=tables,
        joins=joins,
        questions=[question for question in (asked, structure.question) if question is not None],
        assumed=[*said_of_columns(phrase, labels), *said],
    )


def _one_label(
    requirement: Requirement,
    chosen: Target | None,
    catalog: DataCatalog,
    source: str,
    answers: Mapping[str, str],
    plan: PlanJoins,
    excluded: list[tuple[str, str]],
) -> _Draft:
    """Words that may ask for several labels where the data hold none: what else they can mean.

    Raises:
        RequestError: if they say so without a doubt.
    """
    others = [reading for reading in other_readings(requirement) if reading.task != "multilabel"]
    if others:
        return _with_target(others[0], catalog, source, answers, plan, excluded)
    if chosen is None:
        raise no_match(requirement.target or requirement.request, catalog, source)
    raise one_value(chosen.candidate)


def _otherwise(
    requirement: Requirement, catalog: DataCatalog, source: str, excluded: list[tuple[str, str]]
) -> tuple[Target, Wish, Requirement]:
    """The target by another way to read the sentence, or by a name that it spells; believed only when it is sure.

    Raises:
        RequestError: if there is none.
    """
    readings = [requirement, *other_readings(requirement)]
    wishes = [(wish_of(reading), reading) for reading in readings if reading.target is not None]
    for wish, reading in wishes[1:]:
        chosen = choose_target(wish, catalog, source, excluded, least=SURE)
        if chosen is not None:
            return chosen, wish, reading
    for wish, reading in wishes:
        chosen = spelled_target(wish, catalog, excluded)
        if chosen is not None:
            return chosen, wish, reading
    hint = horizon_missing(requirement, wishes[0][0], catalog)
    raise no_match(wishes[0][0].phrase, catalog, source, hint=hint)


def _ahead(
    requirement: Requirement,
    wish: Wish,
    catalog: DataCatalog,
    answers: Mapping[str, str],
    plan: PlanJoins,
    futures: list[Future],
    future: Future,
) -> _Draft:
    """A target that no column holds: what follows within the horizon."""
    refuse_short_history(future, requirement.horizon_days or 0)
    metric, said = choose_metric(requirement, future.task, None, answers.get("metric"))
    tables, joins = plan(catalog, future.table.name)
    structure = Structure("stratified" if future.task == "binary" else "random")
    if future.snapshots > 1:
        structure = Structure("temporal", future.cutoff)
    return _Draft(
        task=_task_spec(requirement, future.task, structure),
        base=future.table,
        metric=metric,
        structure=structure,
        target=TargetSpec(
            table=future.table.name,
            column=future.name,
            positive=True if future.task == "binary" else None,
            sql=future.sql,
        ),
        future=future,
        tables=tables,
        joins=joins,
        questions=[future_question(wish.phrase, futures)] if len(futures) > 1 else [],
        assumed=[future.sentence, *said],
    )


def _target(phrase: str, candidate: Candidate, positive: Positive | None) -> tuple[TargetSpec, list[str]]:
    """What the spec says of a column with one value a row, and what was assumed of it, in sentences."""
    column, value = candidate.column, None if positive is None else positive.value
    said = [target_sentence(phrase, candidate, positive)]
    if column.missing and (candidate.sql is None or "NULL" not in candidate.sql):
        said.append(f"{column.missing:,} rows without a value of {column.name!r} are left out")
    target = TargetSpec(table=candidate.table.name, column=candidate.name, positive=value, sql=candidate.sql)
    return target, said


def _in_time(requirement: Requirement, task: TaskType, candidate: Candidate, assumed: list[str]) -> TaskType:
    """`forecast` where the words ask for one and the rows are moments of a series; else `task`."""
    if task != "regression":
        return task
    steps = requirement.frequency is not None or requirement.horizon_days is not None
    if requirement.task == "forecast":
        if moments_of(candidate.table) is not None:
            return "forecast"
        if steps:
            raise RequestError(
                f"A forecast needs dates, and {candidate.table.name} has no column of dates or times.",
                hint="Leave out the horizon and the step to predict one row from its other columns.",
            )
        assumed.append(f"{candidate.table.name} has no dates: each row is predicted from its other columns")
        return task
    return "forecast" if steps and is_series(candidate.table) else task


def _made_from(candidate: Candidate) -> list[DroppedColumn]:
    """The column that a derived target is made of must not be a feature."""
    if candidate.sql is None:
        return []
    reason = "leak: the target is made from it"
    return [DroppedColumn(table=candidate.table.name, column=candidate.column.name, reason=reason)]


def _without_target(
    requirement: Requirement, catalog: DataCatalog, source: str, answers: Mapping[str, str], plan: PlanJoins
) -> _Draft:
    """Clustering and anomalies: the table that the entity names, else one that the words support, else the only one."""
    assert requirement.task is not None
    wish = wish_of(requirement)
    named = [table for table in catalog.tables if _named_after(wish.entity, table)]
    supported = [table for table in catalog.tables if is_about(wish, table, source)]
    nameless = not set(wish.entity) - _ANY_ROWS or says_nothing(catalog.tables[0], source)
    only = len(catalog.tables) == 1 and nameless
    fitting = named or supported or (catalog.tables if only else [])
    if not fitting:
        raise no_match(requirement.entity_phrase or requirement.request, catalog, source)
    base = max(fitting, key=lambda table: (len(table.columns), table.rows))
    tables, joins = plan(catalog, base.name)
    label = label_of(base, answers.get(LABEL, requirement.target)) if requirement.task == "anomaly" else None
    metric = choose_metric(requirement, requirement.task, None, answers.get("metric"))[0]
    if requirement.task == "anomaly" and metric.goal is not None and label is None:
        raise RequestError(
            f"Whether {metric.name} {metric.goal.op} {metric.goal.value:g} is reached, only known anomalies can tell.",
            hint=f"Name the column that says which they are with --answer {LABEL}=COLUMN, or leave the goal out.",
        )
    said = f"; {label.column!r} only judges what is found" if label is not None else ""
    return _Draft(
        target=label,
        questions=[] if LABEL not in answers or label is None else [label_question(label)],
        task=TaskSpec(
            type=requirement.task,
            entity=requirement.entity,
            clusters=requirement.clusters if requirement.task == "clustering" else None,
            contamination=requirement.contamination if requirement.task == "anomaly" else None,
        ),
        base=base,
        metric=metric,
        structure=Structure("random"),
        tables=tables,
        joins=joins,
        assumed=[f"the rows of {base.name} are what is looked at{said}"],
    )


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


def _data_spec(draft: _Draft, source: str, excluded: list[tuple[str, str]]) -> DataSpec:
    asked = [DroppedColumn(table=table, column=column, reason="asked") for table, column in excluded]
    time = draft.structure.time
    if draft.task.type == "forecast":
        return DataSpec(source=source, tables=draft.tables, joins=draft.joins, drop=[*asked, *draft.drops])
    counts_before = draft.structure.validation == "temporal" and time is not None and "." not in time
    cutoff = time if counts_before and any(join.cardinality == "1:n" for join in draft.joins) else None
    return DataSpec(
        source=source,
        tables=draft.tables,
        joins=draft.joins,
        drop=[*asked, *draft.drops],
        cutoff=cutoff if draft.future is None else draft.future.cutoff,
        cutoff_sql=None if draft.future is None else draft.future.cutoff_sql,
        snapshots=1 if draft.future is None else draft.future.snapshots,
    )


def _training(requirement: Requirement, structure: Structure, budget_seconds: float | None) -> TrainingSpec:
    budget = budget_seconds if budget_seconds is not None else requirement.budget_seconds
    return TrainingSpec(
        **({} if budget is None else {"budget_seconds": budget}),
        **({} if requirement.strategy is None else {"strategy": requirement.strategy}),
        validation=structure.validation,
        interpretable=bool(requirement.interpretable),
    )


def _doubts(requirement: Requirement, draft: _Draft) -> list[str]:
    dated = draft.structure.time is not None or draft.future is not None
    return doubts(requirement, draft.task, draft.metric, draft.target, draft.base, dated=dated)

"""Columns that give the target away, found on training rows only, each with the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from automl_schemas.question import Option, Question
from automl_schemas.spec import DroppedColumn, ProjectSpec

from automl_runtime.data.assemble import Assembled
from automl_runtime.data.duplicates import slug
from automl_runtime.data.label_lists import label_flags
from automl_runtime.data.leak_names import is_planned, names_event, names_outcome, shares_stem
from automl_runtime.data.leak_scores import Outcome, as_numbers, bin_codes, one_column_score, score_of_codes
from automl_runtime.data.leak_tests import (
    copies,
    dated_after,
    filled_for_one_class,
    group_aggregate,
    missing_with_target,
    parts_of_target,
)
from automl_runtime.data.naming import unique_name
from automl_runtime.data.training_columns import IDENTITY, TrainingColumn, target_name

__all__ = ["LeakReport", "find_leaks", "outcome_of"]

_NO = frozenset(("no", "n", "0", "false", "f"))
_MOST_ROWS = 50_000
_FEWEST_ROWS = 2_000
_MOST_CELLS = 10_000_000
_FEWEST_FILLED = 200
_FEWEST_OUTCOMES = 10
_MOST_LABELS = 30
"""Of several labels, how many are looked at: the rarer ones have little to give away."""
_MOSTLY_EMPTY = 0.5
_SURE = {"binary": 0.99, "multiclass": 0.99, "regression": 0.98}
_LIKELY = {"binary": 0.95, "multiclass": 0.97, "regression": 0.9}
_STRONG = {"binary": 0.9, "multiclass": 0.8, "regression": 0.5}
_SOME = {"binary": 0.6, "multiclass": 0.0, "regression": 0.05}
_ANY = {"binary": 0.52, "multiclass": 0.0, "regression": 0.005}


@dataclass(slots=True)
class LeakReport:
    """What is dropped, and what a person may decide.

    `drops` holds the sure leaks and those whose question is answered (or defaulted) by `drop`.
    """

    drops: list[DroppedColumn] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


@dataclass(slots=True)
class _Case:
    """The rows that are looked at, and what was found."""

    spec: ProjectSpec
    frame: pd.DataFrame
    columns: list[TrainingColumn]
    outcome: Outcome
    known_before: str | None
    without: pd.DataFrame
    sure: dict[str, str] = field(default_factory=dict)
    likely: dict[str, str] = field(default_factory=dict)
    undated: dict[str, str] = field(default_factory=dict)
    """Tables, by prefix, whose rows nothing places before the event."""
    scores: dict[str, float] = field(default_factory=dict)


def find_leaks(
    assembled: Assembled,
    train: np.ndarray,
    spec: ProjectSpec,
    *,
    known_before: str | None = None,
    target_missing: pd.DataFrame | None = None,
) -> LeakReport:
    """Columns that tell what is to be predicted.

    Looked for are: columns filled for one class only, or empty where the target is; copies, spellings and parts of
    the target; sums of it over a coarser table; dates after the moment of the prediction; and columns that alone
    predict nearly perfectly (out of fold). Where the evidence leaves doubt it becomes a question `leak.<column>`
    with the answers `drop` and `keep`; the default is `keep`, unless the request says what must be known before.
    At most 50,000 training rows are looked at.

    Args:
        assembled: the training table.
        train: mask of the training rows of `assembled.frame`.
        spec: target, task, what is kept (`data.keep`) and answers already given.
        known_before: event before which everything used must be known.
        target_missing: rows without a target; those of `assembled` when not given.
    """
    name = target_name(spec)
    outcomes = [] if name is None else _outcomes(assembled.frame[name][train], spec)
    cases = [
        _case(assembled, train, spec, outcome, known_before, target_missing)
        for outcome in outcomes
        if len(outcome.values) >= _FEWEST_OUTCOMES
    ]
    for case in cases:
        for test in (_test_missing, _test_values, _test_parts, _test_coarse, _test_dates, _test_names):
            test(case)
    return _report(_of_any(cases)) if cases else LeakReport()


def _outcomes(target: pd.Series, spec: ProjectSpec) -> list[Outcome]:
    """What is to be predicted; of several labels each for itself, the most frequent first."""
    if spec.task.type != "multilabel" or spec.target is None:
        outcome = outcome_of(target, spec)
        return [] if outcome is None else [outcome]
    flags = label_flags(target, spec.target.label_names)
    counts = flags.sum().sort_values(ascending=False, kind="stable")
    names = [name for name, count in counts.items() if _FEWEST_OUTCOMES <= count <= len(flags) - _FEWEST_OUTCOMES]
    return [
        Outcome("binary", flags[name].to_numpy(dtype=np.int64), [f"not {name}", str(name)])
        for name in names[:_MOST_LABELS]
    ]


def _of_any(cases: Sequence[_Case]) -> _Case:
    """What gives any of the labels away, with the evidence of the first, and of how many more."""
    whole = cases[0]
    for part in ("sure", "likely", "undated"):
        told: dict[str, list[tuple[_Case, str]]] = {}
        for case in cases:
            for name, evidence in getattr(case, part).items():
                told.setdefault(name, []).append((case, evidence))
        getattr(whole, part).update({name: _told(found) for name, found in told.items()} if len(cases) > 1 else {})
    return whole


def _told(found: Sequence[tuple[_Case, str]]) -> str:
    (case, evidence), *others = found
    more = f"; and {len(others)} more labels" if others else ""
    return f"{case.outcome.labels[1]}: {evidence}{more}"


def outcome_of(target: pd.Series, spec: ProjectSpec) -> Outcome | None:
    """The target as numbers or class codes, by the task of `spec`; None for tasks without a target.

    The label of anomalies is none: what is strange in one column alone is what shall be found.
    """
    kind = spec.task.type
    if spec.target is None or kind in ("clustering", "anomaly", "multilabel"):
        return None
    if kind in ("regression", "forecast"):
        numbers = pd.to_numeric(target, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        return Outcome("regression", np.nan_to_num(numbers, nan=float(np.nanmean(numbers))), [])
    texts = target.astype("str")
    if kind == "multiclass":
        codes, labels = pd.factorize(texts, sort=True)
        return Outcome("multiclass", codes.astype(np.int64), [f"{spec.target.column} = {x}" for x in labels])
    values = sorted(texts.unique(), key=lambda value: (int((texts == value).sum()), value))
    positive = str(spec.target.positive) if str(spec.target.positive) in values else values[0]
    if pd.api.types.is_bool_dtype(target) and str(spec.target.positive) not in values:
        positive = "False" if str(spec.target.positive).strip().casefold() in _NO else "True"
    labels = [f"not {spec.target.column} = {positive}", f"{spec.target.column} = {positive}"]
    return Outcome("binary", (texts == positive).to_numpy().astype(np.int64), labels)


def _case(
    assembled: Assembled,
    train: np.ndarray,
    spec: ProjectSpec,
    outcome: Outcome,
    known_before: str | None,
    target_missing: pd.DataFrame | None,
) -> _Case:
    rows = np.flatnonzero(train)
    most = max(_FEWEST_ROWS, min(_MOST_ROWS, _MOST_CELLS // max(len(assembled.columns), 1)))
    if len(rows) > most:
        chosen = np.sort(np.random.default_rng(spec.seed).choice(len(rows), most, replace=False))
        outcome = Outcome(outcome.kind, outcome.values[chosen], outcome.labels)
        rows = rows[chosen]
    fixed = {target_name(spec), IDENTITY, spec.task.time, spec.task.group, spec.data.cutoff, *spec.task.series}
    columns = [
        column
        for column in assembled.columns
        if column.name in assembled.frame.columns and column.name not in fixed and column.type != "image"
    ]
    without = assembled.without_target if target_missing is None else target_missing
    frame = assembled.frame.iloc[rows].reset_index(drop=True)
    return _Case(spec, frame, columns, outcome, known_before, without)


def _test_missing(case: _Case) -> None:
    for column in case.columns:
        values = case.frame[column.name]
        filled = values.to_numpy() > 0 if column.aggregate == "count" else values.notna().to_numpy()
        if column.aggregate == "present":
            filled = values.to_numpy(dtype=bool)
        evidence = filled_for_one_class(filled, case.outcome)
        if evidence is not None:
            case.sure[column.name] = evidence
        if column.prefix or column.name not in case.without.columns:
            continue
        missing = case.without[column.name].isna()
        found = missing_with_target(float(values.isna().mean()), float(missing.mean()), len(missing))
        if found is not None:
            (case.sure if found[1] else case.likely)[column.name] = found[0]


def _test_values(case: _Case) -> None:
    kind, rows = case.outcome.kind, len(case.frame)
    for column in case.columns:
        values = case.frame[column.name]
        if values.nunique(dropna=False) < 2:
            continue
        score = one_column_score(values, column, case.outcome, case.spec.seed)
        case.scores[column.name] = max(score, _score_where_filled(case, column))
        evidence = copies(as_numbers(values, column), bin_codes(values, column), case.outcome)
        alone = f"alone {case.outcome.measure} {score:.3f} on {rows:,} training rows"
        if score >= _SURE[kind] and _tells_classes(case, score):
            what = "rows are in the order of the target, " if column.role in ("id", "key") else ""
            _add(case.sure, column.name, what + alone)
        elif evidence is not None:
            _add(case.sure, column.name, evidence)
        elif score >= _LIKELY[kind] and _tells_classes(case, score):
            _add(case.likely, column.name, alone)


def _score_where_filled(case: _Case, column: TrainingColumn) -> float:
    """What a column that is mostly empty says on the rows that have it: those of recent years, say."""
    filled = case.frame[column.name].notna().to_numpy()
    if not _FEWEST_FILLED <= filled.sum() <= _MOSTLY_EMPTY * len(filled):
        return 0.0
    return one_column_score(case.frame[column.name][filled], column, case.outcome.pick(filled), case.spec.seed)


def _tells_classes(case: _Case, score: float) -> bool:
    """Whether a score says more than that one class is nearly everything."""
    if case.outcome.kind == "multiclass":
        return score - float(case.outcome.shares.max()) >= 0.02
    return case.outcome.kind == "regression" or int(case.outcome.values.sum()) >= 10


def _add(found: dict[str, str], name: str, evidence: str) -> None:
    found[name] = f"{found[name]}; {evidence}" if name in found else evidence


def _test_parts(case: _Case) -> None:
    numbers, clocks = {}, []
    for column in case.columns:
        if column.aggregate is None and column.type in ("integer", "number", "time"):
            values = as_numbers(case.frame[column.name], column)
            if values is not None and column.role not in ("id", "key"):
                numbers[column.name] = values
                clocks += [column.name] if column.type == "time" else []
    planned = [name for name in numbers if is_planned(name)]
    for name, evidence in parts_of_target(numbers, case.outcome, clocks, planned).items():
        _add(case.sure, name, evidence)


def _test_coarse(case: _Case) -> None:
    """Sums of the target, or of another leak, over the rows that share a looked-up row."""
    assert case.spec.target is not None
    leaks = {name for name in case.sure if "." not in name} | {case.spec.target.column}
    for join in case.spec.data.joins:
        own = [name for name in join.parent_columns if name in case.frame.columns]
        if join.cardinality != "n:1" or len(own) != len(join.parent_columns):
            continue
        groups = case.frame.groupby(own, sort=False, dropna=True).ngroup().to_numpy()
        for column in case.columns:
            if column.table != join.child or column.aggregate is not None:
                continue
            values = as_numbers(case.frame[column.name], column)
            if values is None or column.type not in ("integer", "number"):
                continue
            evidence, correlation = group_aggregate(groups, values, case.outcome)
            if evidence is None and column.column in leaks and correlation >= 0.5:
                evidence = (
                    f"{column.column} of a coarser table, which follows the target of its rows "
                    f"(correlation {correlation:.2f})"
                )
            if evidence is not None:
                _add(case.sure, column.name, evidence)


def _test_dates(case: _Case) -> None:
    moment = case.spec.data.cutoff or case.spec.task.time
    if moment is None or moment not in case.frame.columns:
        return
    for column in case.columns:
        if column.type not in ("date", "datetime") or is_planned(column.name):
            continue
        evidence = dated_after(case.frame[column.name], case.frame[moment])
        if evidence is not None:
            (case.sure if case.spec.data.cutoff else case.likely).setdefault(column.name, evidence)


def _test_names(case: _Case) -> None:
    """What the request says must be known before, against names and strength of association."""
    event = case.known_before
    if event is None:
        return
    usual = float(case.outcome.shares.max()) if case.outcome.kind == "multiclass" else 0.0
    open_ = [column for column in case.columns if column.role != "id" and not is_planned(column.column or column.name)]
    for column in open_:
        for holds, measured, least, text in _hints(case, column, event):
            if column.name not in case.sure and holds and measured >= max(least[case.outcome.kind], usual):
                _add(case.likely, column.name, f"{text}, {_measure(case, measured)}; is it known before {event}?")
                break
    flagged = {column.name: column for column in case.columns if column.name in {**case.sure, **case.likely}}
    for column in open_:
        like = [other.column for other in flagged.values() if _is_like(column, other)]
        score = case.scores.get(column.name, 0.0)
        if column.name not in flagged and like and score >= max(_ANY[case.outcome.kind], usual):
            text = f"named like {like[0]}, {_measure(case, score)}; is it known before {event}?"
            case.likely[column.name] = text
    _test_undated(case, event)


def _measure(case: _Case, score: float) -> str:
    return f"{case.outcome.measure} {score:.2f}"


def _is_like(column: TrainingColumn, other: TrainingColumn) -> bool:
    """Whether two columns of one table are called after the same thing."""
    if column.prefix != other.prefix or column.column is None or other.column is None:
        return False
    return shares_stem(column.column, other.column)


def _hints(case: _Case, column: TrainingColumn, event: str) -> list[tuple[bool, float, Mapping[str, float], str]]:
    """Whether each hint holds, its score, the least score by kind of target, and what it says."""
    assert case.spec.target is not None
    name = column.column or column.name
    target = case.spec.target.column
    score = case.scores.get(column.name, 0.0)
    filled = case.frame[column.name].notna().to_numpy()
    gaps = score_of_codes(filled.astype(np.int64), case.outcome, case.spec.seed) if not column.prefix else 0.0
    return [
        (names_event(name, event), score, _ANY, f"named like {event}"),
        (shares_stem(name, target), score, _ANY, f"named like {target}"),
        (names_outcome(f"{column.prefix} {name}"), score, _SOME, "named like a result"),
        (not filled.all(), gaps, _SOME, "filled or empty depending on how it ended"),
        (True, score, _STRONG, "strong alone"),
    ]


def _test_undated(case: _Case, event: str) -> None:
    """Tables with several rows for each of ours that tell something of the target, and no date to place them."""
    if case.spec.data.cutoff is not None:
        return
    several = [column for column in case.columns if column.aggregate not in (None, "present", "identity")]
    dated = {column.prefix for column in case.columns if column.type in ("date", "datetime")}
    for join in case.spec.data.joins:
        dated |= {join.child} if join.parent in dated else set()
    for prefix in dict.fromkeys(column.prefix for column in several):
        own = [column for column in case.columns if column.prefix == prefix]
        best = max(own, key=lambda column: case.scores.get(column.name, 0.0))
        score = case.scores.get(best.name, 0.0)
        if prefix in dated or any(column.name in case.sure for column in own) or score < _ANY[case.outcome.kind]:
            continue
        case.undated[prefix] = (
            f"its rows carry no date and {best.name} tells something of the target, {_measure(case, score)}; "
            f"are they known before {event}?"
        )
        for column in own:
            case.likely.pop(column.name, None)


def _report(case: _Case) -> LeakReport:
    report = LeakReport()
    keep = set(case.spec.data.keep)
    questions: dict[str, Question] = {}
    for column in case.columns:
        prefix = column.prefix or column.table
        names = {column.source_name, column.column}
        if {f"{table}.{name}" for table in (prefix, column.table) for name in names} & keep:
            continue
        evidence = case.sure.get(column.name)
        if evidence is None:
            subject = prefix if column.prefix in case.undated else column.name
            evidence = case.undated.get(column.prefix) or case.likely.get(column.name)
            if evidence is None or not _decided(case, subject, evidence, questions):
                continue
        drop = DroppedColumn(table=prefix, column=column.source_name, reason=f"leak: {evidence}")
        report.drops.append(drop)
    report.questions = [question for question in questions.values() if question.id not in case.spec.answers]
    return report


def _decided(case: _Case, subject: str, evidence: str, questions: dict[str, Question]) -> bool:
    """Whether the question about a column, or about a table, is answered or defaulted by `drop`."""
    if subject not in questions:
        ids = [question.id for question in questions.values()]
        questions[subject] = _question(subject, evidence, case, unique_name(f"leak.{slug(subject)}", ids))
    question = questions[subject]
    return case.spec.answers.get(question.id, question.default) == "drop"


def _question(subject: str, evidence: str, case: _Case, id_: str) -> Question:
    assert case.spec.target is not None
    return Question(
        id=id_,
        text=f"Does `{subject}` give `{case.spec.target.column}` away? {evidence}",
        options=[
            Option(value="drop", label="drop it: it is known only afterwards"),
            Option(value="keep", label="keep it: it is known when the prediction is made"),
        ],
        default="drop" if case.known_before is not None else "keep",
        impact="A leak makes the measured score better than the model will be; a column less may cost a little.",
    )

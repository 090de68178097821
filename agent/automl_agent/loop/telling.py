"""Answers of tools as lines for people, where no model tells them."""

from __future__ import annotations

from functools import singledispatch
from typing import Final

from automl_agent.tools.about_data import Discovered
from automl_agent.tools.about_models import DriftReport, Moved, Predictions
from automl_agent.tools.about_projects import Projects, Report
from automl_agent.tools.about_runs import Compared, Runs
from automl_agent.tools.about_specs import Drafted
from automl_agent.tools.contract import Answer
from automl_agent.tools.long_tools import RunState
from automl_agent.tools.results import (
    FeaturesJudged,
    PredictedFile,
    ProjectCreated,
    ProjectUpdated,
    Result,
    Score,
    Trained,
)

__all__ = ["tell", "told_result", "told_score"]

_MOST: Final = 12


@singledispatch
def tell(answer: Answer) -> list[str]:
    """What `answer` says, a line each."""
    return [f"{name}: {value}" for name, value in answer.model_dump(mode="json", exclude_defaults=True).items()]


@tell.register
def _(answer: Discovered) -> list[str]:
    tables = [
        f"{table.name}: {table.rows:,} rows, {len(table.columns)} columns ({_some([c.name for c in table.columns])})"
        for table in answer.tables
    ]
    joins = [f"{edge.child} points at {edge.parent} by {', '.join(edge.child_columns)}" for edge in answer.joins]
    left = [f"not used: {text}" for text in answer.ignored]
    copies = [f"a copy: {text}" for text in answer.copies]
    return [*_cut(tables), *_cut(joins), *_cut(left), *_cut(copies), *_cut(answer.warnings)]


@tell.register
def _(answer: Drafted) -> list[str]:
    target = f" of {answer.target}" if answer.target else ""
    lines = [f"understood: {answer.task}{target}, judged by {answer.metric}; {answer.rows:,} rows"]
    lines += [f"assumed: {text}" for text in _cut(answer.assumed)]
    lines += [f"left out: {text}" for text in _cut(answer.dropped)]
    lines += [f"taken: {asked.text} {asked.taken}" for asked in answer.questions]
    return [*lines, *[f"warning: {text}" for text in _cut(answer.warnings)]]


@tell.register
def _(answer: Report) -> list[str]:
    tried = [f"{row.model} {row.cv:.4g}" for row in answer.leaderboard[:5]]
    return [
        f"{answer.project}: {told_score(answer.score)}",
        *answer.in_short,
        f"trained on {answer.rows_train:,} rows and {len(answer.inputs)} columns; best: {', '.join(tried)}",
        *[f"left out: {text}" for text in _cut(answer.dropped)],
        f"report: {answer.page}",
    ]


@tell.register
def _(answer: Predictions) -> list[str]:
    lines = []
    for number, row in enumerate(answer.predictions, start=1):
        shares = ", ".join(f"{each.label} {each.probability:.3g}" for each in row.probabilities)
        value = f"{row.prediction:.6g}" if isinstance(row.prediction, float) else row.prediction
        parts = [f"{number}: {value}" if row.prediction is not None else f"{number}:", *row.other]
        lines.append(" ".join([*parts, *([f"({shares})"] if shares else [])]))
        lines += [f"   {reason}" for reason in row.reasons]
    return [*lines, f"by {answer.project}, version {answer.version}", *_cut(answer.warnings)]


@tell.register
def _(answer: DriftReport) -> list[str]:
    moved = [each for each in answer.columns if each.verdict != "same"]
    said = [f"{each.column}: {each.verdict}, index {each.psi:.3g}" for each in moved]
    return [f"{answer.moved} of {len(answer.columns)} columns have moved in {answer.rows:,} rows", *_cut(said)]


@tell.register
def _(answer: Compared) -> list[str]:
    word = "better" if answer.better else "worse" if answer.gain < 0 else "as good"
    chance = {None: "nothing says whether that is chance", True: "more than chance", False: "may be chance"}
    scores = " -> ".join(f"{score:.4g}" for score in answer.scores)
    first = f"the second is {word}: {answer.part} {answer.metric} {scores}; {chance[answer.significant]}"
    other = [f"{each.name}: {each.before} -> {each.after}" for each in answer.differences]
    return [first, *(["the data were not the same"] if answer.same_data is False else []), *_cut(other)]


@tell.register
def _(answer: Moved) -> list[str]:
    return [f"{answer.project}: {answer.alias} is {answer.version} now, of {', '.join(answer.versions)}"]


@tell.register
def _(answer: Projects) -> list[str]:
    listed = [
        f"{each.project}: {each.task}{f' of {each.target}' if each.target else ''}"
        + (f", {told_score(each.score)}" if each.score else ", not evaluated yet")
        for each in answer.projects
    ]
    return [*(listed or ["no project yet"]), *[f"unreadable: {text}" for text in _cut(answer.unreadable)]]


@tell.register
def _(answer: Runs) -> list[str]:
    started = [f"{run.run_id} {run.tool}, {run.status}: {run.about}" for run in answer.runs]
    trained = [
        f"{each.project} {each.run}, {each.status}: {each.metric}"
        + ("" if each.cv is None else f" cv {each.cv:.4g}")
        + ("" if each.holdout is None else f", holdout {each.holdout:.4g}")
        for each in answer.trainings
    ]
    return [*(_cut(started) or ["no run was started here"]), *_cut(trained)]


@tell.register
def _(answer: RunState) -> list[str]:
    if answer.failure is not None:
        hint = [answer.failure.hint] if answer.failure.hint else []
        return [f"{answer.run_id} ({answer.tool}) {answer.status}: {answer.failure.message}", *hint]
    doing = f": {answer.stage}" if answer.stage else ""
    share = f" {100 * answer.share_done:.0f} %" if answer.share_done is not None else ""
    first = f"{answer.run_id} ({answer.tool}) {answer.status}{doing}{share}, {answer.seconds:.0f} s"
    return [first, *(told_result(answer.result) if answer.result is not None else [])]


@singledispatch
def told_result(result: Result) -> list[str]:
    """What a run left, a line each."""
    return [f"{name}: {value}" for name, value in result.model_dump(mode="json", exclude_defaults=True).items()]


@told_result.register
def _(result: ProjectCreated) -> list[str]:
    warned = [f"warning: {text}" for text in _cut(result.warnings)]
    return [f"made {result.project}: {told_score(result.score)}", f"its own tests: {result.tests}", *warned]


@told_result.register
def _(result: Trained) -> list[str]:
    scored = [
        f"{each.version}: {result.metric} " + ("not known" if each.holdout is None else f"{each.holdout:.4g}")
        for each in result.versions
    ]
    return [*scored, f"production of {result.project} is {result.production}"]


@told_result.register
def _(result: FeaturesJudged) -> list[str]:
    judged = [
        f"{each.name}: {each.fate}"
        + ("" if each.gain is None else f", gain {each.gain:+.4g}")
        + f" ({each.note or each.why})"
        for each in result.features
    ]
    kept = f"commit {result.commit}" if result.commit else "nothing was changed"
    better = [f"production of {result.project} is {result.production}"] if result.production else []
    return [*(judged or ["no feature was proposed"]), kept, *better]


@told_result.register
def _(result: ProjectUpdated) -> list[str]:
    where = f"on branch {result.branch}" if result.branch else "nothing had to be changed"
    again = ", trained again" if result.retrained else ""
    changed = [f"{len(result.changed)} files changed {where}{again}"] if result.changed else [f"{where}{again}"]
    return [*changed, *[f"conflict: {text}" for text in _cut(result.conflicts)], *result.diff]


@told_result.register
def _(result: PredictedFile) -> list[str]:
    return [f"{result.summary}: {result.output}"]


def told_score(score: Score) -> str:
    """A score in a line."""
    if score.holdout is None:
        return f"{score.best_model}, {score.metric} cannot be measured"
    low, high = score.interval
    between = f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else ""
    goal = ""
    if score.goal is not None:
        goal = f"; goal {score.goal.op} {score.goal.value:g} {'met' if score.goal.met else 'NOT met'}"
    return f"{score.metric} {score.holdout:.4g}{between} on {score.rows_holdout:,} rows no model had seen{goal}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _MOST else [*lines[: _MOST - 1], f"... and {len(lines) - _MOST + 1} more"]

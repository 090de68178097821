"""Commands that bring a project up to date and repeat it: update, check, replay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from automl_agent.cli.shared import (
    Answers,
    Budget,
    Data,
    Debug,
    Json,
    NoAsk,
    ProjectFolder,
    emit,
    emit_json,
    may_ask,
    parse_answers,
)

if TYPE_CHECKING:
    from automl_agent.console import Narrator
    from automl_agent.replaying import Replayed
    from automl_agent.updating import Behind, Updated

__all__ = ["register"]

_MERGE_FAILED = 4
_MOST_NAMED = 12


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog='Example: automl update ./churn --request "predict churn, AUC above 0.9"')(update)
    app.command(epilog="Example: automl check ./churn --json")(check)
    app.command(epilog="Example: automl replay ./churn --out ./churn-again")(replay)


def update(
    project: ProjectFolder,
    request: Annotated[
        str | None, typer.Option("--request", help="The request in other words; default: as it was.", metavar="REQUEST")
    ] = None,
    answer: Answers = None,
    data: Data = None,
    budget: Budget = None,
    no_ask: NoAsk = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the diff, and change nothing.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Regenerate a project and merge that with your edits, as one commit on a branch automl/update-N."""
    from automl_agent.cli.making import ask_question
    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.updating import update as update_project

    asking = may_ask(no_ask=no_ask, as_json=as_json)
    with narrate() as narrator:
        done = update_project(
            project,
            request=request,
            answers=parse_answers(answer),
            data=data,
            budget_seconds=None if budget is None else parse_duration(budget),
            dry_run=dry_run,
            ask=narrator.pausing(ask_question) if asking else None,
            on_event=narrator,
        )
        if not as_json:
            _say_update(done, narrator, dry_run=dry_run)
    if as_json:
        emit_json(done.to_json())
    if done.conflicts:
        raise typer.Exit(_MERGE_FAILED)


def check(project: ProjectFolder, as_json: Json = False, debug: Debug = False) -> None:
    """Say whether a project is behind its generator: exit code 0 up to date, 1 behind. Needs no data."""
    from automl_agent.updating import check as check_project

    found = check_project(project)
    if as_json:
        emit_json(found.to_json())
    else:
        _say_behind(found)
    if found.files:
        raise typer.Exit(1)


def replay(
    project: ProjectFolder,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the rebuilt project in this folder.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Rebuild a project from project.yaml, data and seed; exit code 0 when the outcome is identical, 1 when not."""
    from automl_agent.console import narrate
    from automl_agent.replaying import replay as replay_project

    with narrate() as narrator:
        done = replay_project(project, out=out, on_event=narrator)
    if as_json:
        emit_json(done.to_json())
    else:
        _say_replay(done)
    if not done.identical:
        raise typer.Exit(1)


def _say_update(done: Updated, narrator: Narrator, *, dry_run: bool) -> None:
    narrator.finish()
    for topic in ("changed", "merged", "removed", "kept"):
        names = getattr(done, topic)
        if names:
            narrator.line(topic, _named(names))
    if done.conflicts:
        _say_conflicts(done, narrator, dry_run=dry_run)
    for reason in done.reasons if dry_run else ():
        narrator.line("would train", reason)
    if dry_run:
        emit(done.diff.rstrip("\n") or "No file that you work with would be changed.")
    elif done.branch is None:
        narrator.line("up to date", "nothing to change")
    elif not done.conflicts:
        _say_result(done, narrator)


def _say_result(done: Updated, narrator: Narrator) -> None:
    before, after = done.before, done.after
    if done.retrained and after is not None:
        was = f"{before.metric} {before.holdout:.4g} -> " if before is not None else ""
        narrator.line("holdout", f"{was}{after.metric} {after.holdout:.4g} on {after.rows_holdout:,} rows")
    narrator.line("committed", f"{done.branch} (checked out, tests pass: {done.tests})")
    narrator.line("next", "git diff HEAD~1 shows it; git switch - goes back; git merge takes it over")


def _say_conflicts(done: Updated, narrator: Narrator, *, dry_run: bool) -> None:
    for conflict in done.conflicts:
        narrator.line("conflict", conflict.explain())
    if dry_run:
        narrator.line("next", "the branch would hold these with conflict markers; your checkout would stay as it is")
        return
    narrator.line("not updated", f"your checkout is as it was; the branch {done.branch} holds the rest of the update")
    steps = f"git switch {done.branch}, settle the lines between <<<<<<< and >>>>>>>, make test, git commit -a"
    narrator.line("next", f"{steps}; then automl update . trains again if that is needed")
    narrator.line("", f"or drop it: git branch -D {done.branch}")


def _say_behind(found: Behind) -> None:
    if not found.files:
        emit(f"{found.project} is up to date with {found.generator}.")
        return
    emit(f"{found.project} is behind: {found.generator} would change {_named(found.files)}.")
    for change in found.changes:
        for conflict in change.conflicts:
            emit(f"conflict: {conflict.explain()}")
    emit(f"See what: automl update {found.project} --dry-run")


def _say_replay(done: Replayed) -> None:
    for line in done.lines():
        emit(line)


def _named(names: Sequence[Any]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(map(str, names[:_MOST_NAMED]))}{more}"

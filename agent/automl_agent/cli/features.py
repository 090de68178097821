"""Commands about features of one's own: add-feature, propose-features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from automl_agent.cli.asking import Llm, LlmCalls, LlmCost, LlmSeconds, LlmTokens, Wanted, opened
from automl_agent.cli.shared import Budget, Debug, Json, ProjectFolder, emit, emit_json, print_table

if TYPE_CHECKING:
    from automl_agent.feature_code.proposal import Judged
    from automl_agent.feature_code.rounds import Added

__all__ = ["register"]

_WIDEST = 60

NoTrain = Annotated[bool, typer.Option("--no-train", help="Write it, and leave the training to you.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command("add-feature", epilog='Example: automl add-feature ./churn "ratio of support calls to tenure"')(add)
    app.command("propose-features", epilog="Example: automl propose-features ./churn --apply --budget 2m")(propose)


def add(
    project: ProjectFolder,
    phrase: Annotated[
        str,
        typer.Argument(
            help="'ratio of A to B', 'A minus B', 'sum of A and B', 'days between A and B', 'length of A', "
            "'is A missing', 'A above 10', 'A is VALUE', 'weekend of A' ...: columns in your words, or quoted.",
            metavar="PHRASE",
        ),
    ],
    keep: Annotated[bool, typer.Option("--keep", help="Add it even if it does not help.")] = False,
    no_train: NoTrain = False,
    budget: Budget = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Add a feature to a project, if it helps: try it on folds of the training rows, train, test, commit."""
    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.feature_code.rounds import add_feature

    seconds = None if budget is None else parse_duration(budget)
    with narrate() as narrator:
        added = add_feature(project, phrase, keep=keep, train=not no_train, budget_seconds=seconds, on_event=narrator)
    if as_json:
        emit_json(added.to_json())
    else:
        _say(added)
    return 0 if added.kept else 1


def propose(
    project: ProjectFolder,
    apply: Annotated[bool, typer.Option("--apply", help="Add those that help, train, test and commit.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, max=40, help="How many are judged, at most.")] = 8,
    no_train: NoTrain = False,
    budget: Budget = None,
    llm: Llm = "auto",
    llm_calls: LlmCalls = 100,
    llm_tokens: LlmTokens = 300_000,
    llm_seconds: LlmSeconds = 900.0,
    llm_cost: LlmCost = None,
    as_json: Json = False,
    debug: Debug = False,
) -> int:
    """Propose features by rules and, where one is configured, by a language model; try each on the training rows."""
    from automl_runtime.errors import RequestError

    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.feature_code import rounds
    from automl_agent.feature_code.material import Material
    from automl_agent.feature_code.suggesting import suggest

    if not apply and (no_train or budget is not None):
        raise RequestError("--no-train and --budget are about --apply: without it nothing is written or trained.")
    seconds = None if budget is None else parse_duration(budget)
    wanted = Wanted(llm, llm_calls, llm_tokens, llm_seconds, llm_cost)
    with narrate() as narrator, opened(wanted, narrator) as model:
        also = [] if model is None else suggest(model, Material.of(project), on_event=narrator)
        if apply:
            added = rounds.propose_and_apply(
                project, also=also, most=most, train=not no_train, budget_seconds=seconds, on_event=narrator
            )
        else:
            added = rounds.Added(rounds.propose(project, also=also, most=most, on_event=narrator))
    if as_json:
        emit_json(added.to_json())
        return 0
    _print(added.judged)
    if apply:
        _say(added)
    return 0


def _say(added: Added) -> None:
    for each in added.judged:
        kept = each.proposal.name in added.kept
        emit(f"{each.proposal.name}: {_told(each)}{'; added' if kept else ''}")
    if not added.kept:
        emit("nothing was changed")
    elif added.writing is not None and added.writing.outcome is None:
        emit("next: make train evaluate test")


def _told(judged: Judged) -> str:
    if judged.gain is None or judged.interval is None:
        return f"{judged.fate}: {judged.note}"
    low, high = judged.interval
    return f"{judged.fate}: {judged.metric} gains {judged.gain:+.4g} [{low:+.4g}, {high:+.4g}], p = {judged.p:.2g}"


def _print(judged: list[Judged]) -> None:
    rows = []
    for each in judged:
        known = each.gain is not None and each.interval is not None
        interval = f"[{each.interval[0]:+.4f}, {each.interval[1]:+.4f}]" if each.interval is not None else ""
        rows.append(
            (
                each.proposal.name,
                _clip(each.proposal.why),
                f"{each.gain:+.4f}" if known else "",
                interval,
                "" if each.p is None else f"{each.p:.2g}",
                f"{each.fate}: {each.note}" if each.note else each.fate,
            )
        )
    print_table(["feature", "why", "gain", "95 % interval", "p", "fate"], rows, right=(2, 4))


def _clip(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"

"""Puts a conversation together: who decides, through which calls, and where it is written down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from automl_runtime.events import EventSink, Finding, ignore

from automl_agent.llm import LanguageModel
from automl_agent.llm.transcript import Transcript, secrets_of
from automl_agent.loop.calling import Calls, Consent, Limits
from automl_agent.loop.conversation import Conversation, Mind, Person
from automl_agent.loop.planning import Focus, Planner
from automl_agent.tools.workspace import Workspace

__all__ = ["TRANSCRIPT", "Terms", "open_conversation"]

TRANSCRIPT: Final = ".automl/transcript.jsonl"
"""Where a workspace keeps what was said and called, without secrets and cells."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a conversation may do."""

    limits: Limits = field(default_factory=Limits)
    budget_seconds: float | None = None
    """For each search that the rules start."""
    allow_all: bool = False
    """Tools that may undo something need no consent."""


def open_conversation(
    workspace: Workspace,
    person: Person,
    terms: Terms,
    *,
    model: LanguageModel | None = None,
    project: str | None = None,
    consent: Consent | None = None,
    on_event: EventSink = ignore,
) -> Conversation:
    """A conversation about the projects of `workspace`.

    Args:
        workspace: where tools may read and write; the transcript is kept in it.
        person: who is spoken with.
        terms: what is allowed.
        model: decides, where it can be trusted to; None: the rules do.
        project: what "it" means at first.
        consent: asks the person before something may be undone; None where nobody is there.
        on_event: gets the progress of the calls.
    """
    transcript = Transcript(secrets_of(os.environ)) if model is None else model.transcript
    transcript.attach(workspace.root / TRANSCRIPT)

    def record(kind: str, entry: Mapping[str, Any]) -> None:
        transcript.add(kind=kind, at=datetime.now(UTC).isoformat(timespec="milliseconds"), **entry)

    calls = Calls(
        workspace,
        record=record,
        consent=consent,
        allow_all=terms.allow_all,
        limits=terms.limits,
        on_event=lambda event: None if isinstance(event, Finding) else on_event(event),  # answers tell what was found
    )
    planner = Planner(workspace, Focus(project), budget_seconds=terms.budget_seconds)
    mind = None if model is None else _mind(model, calls, project, on_event)
    record("opened", {"by": "rule" if mind is None else "model", "model": model.endpoint.model if model else None})
    return Conversation(calls, planner, person, record, mind=mind)


def _mind(model: LanguageModel, calls: Calls, project: str | None, on_event: EventSink) -> Mind | None:
    """The best way to let `model` decide; None where it can be trusted with nothing."""
    level = model.level
    if level == "none":
        return None
    if level == "tools":
        from automl_agent.loop.native import NativeMind

        way: Mind = NativeMind(
            model.chat_model(), calls, project=project, used=lambda: str(model.usage), redact=model.transcript.redact
        )
    else:
        from automl_agent.loop.actions import ActionMind

        way = ActionMind(model, calls, project=project)
    on_event(Finding("model", f"{model.endpoint.model} decides ({level})"))
    return way

"""The command chat: a conversation about projects, with a language model or by rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from automl_runtime.errors import Cancelled

from automl_agent.cli.asking import Llm, LlmCalls, LlmCost, LlmSeconds, LlmTokens, Wanted, opened
from automl_agent.cli.shared import Budget, Debug, NoAsk, choose, emit, may_ask

if TYPE_CHECKING:
    from automl_agent.console import Narrator
    from automl_agent.loop.conversation import Conversation
    from automl_agent.loop.steps import Ask
    from automl_agent.tools.workspace import Workspace

__all__ = ["register"]

_WELCOME = 'Say what to do: "predict ... from ./data", "how good is it", "help", "quit".'


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command(epilog="Example: automl chat ./predict-churn")(chat)


def chat(
    project: Annotated[
        str | None, typer.Argument(help="Project to speak of: its folder, or its name.", metavar="PROJECT")
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(
            "--workspace",
            help="Folder with the projects; nothing is written elsewhere. The current one, or that of PROJECT.",
            metavar="DIR",
        ),
    ] = None,
    llm: Llm = "auto",
    llm_calls: LlmCalls = 200,
    llm_tokens: LlmTokens = 500_000,
    llm_seconds: LlmSeconds = 3_600,
    llm_cost: LlmCost = None,
    tool_calls: Annotated[int, typer.Option("--tool-calls", help="Most calls of tools for one sentence.", min=1)] = 100,
    budget: Budget = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Allow promote, rollback, cancel and update without being asked.")
    ] = False,
    no_ask: NoAsk = False,
    debug: Debug = False,
) -> int:
    """Speak about projects: make, judge, improve and use them. Sentences come from the terminal or standard input."""
    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.loop.calling import Limits
    from automl_agent.loop.opening import Terms, open_conversation

    terms = Terms(
        limits=Limits(calls=tool_calls),
        budget_seconds=None if budget is None else parse_duration(budget),
        allow_all=yes,
    )
    there = may_ask(no_ask=no_ask, as_json=False)
    place, name = _opened(workspace, project)
    wanted = Wanted(llm, llm_calls, llm_tokens, llm_seconds, llm_cost)
    with narrate() as narrator, opened(wanted, narrator) as model:
        person = _Terminal(narrator, there=there)
        conversation = open_conversation(
            place, person, terms, model=model, project=name, consent=person.agrees if there else None, on_event=narrator
        )
        try:
            return _lead(conversation, narrator)
        finally:
            for line in conversation.going_on():
                narrator.line("run", f"{line}; `automl call get_run` tells of it")


def _lead(conversation: Conversation, narrator: Narrator) -> int:
    """Hears sentences to the end; the exit code is that of the last one that failed."""
    terminal = sys.stdin.isatty()
    if terminal:
        emit(_WELCOME)
    code = 0
    while True:
        try:
            sentence = _next(narrator, terminal=terminal)
        except KeyboardInterrupt:
            emit("")
            return Cancelled.exit_code
        if sentence is None:
            return code
        if sentence.strip() and not conversation.hear(sentence):
            return 0 if terminal else code
        code = 0 if terminal else conversation.failed or code
        if code == Cancelled.exit_code:
            return code


def _next(narrator: Narrator, *, terminal: bool) -> str | None:
    if not terminal:
        return sys.stdin.readline() or None
    with narrator.paused():
        try:
            return input("> ")
        except EOFError:
            emit("")
            return None


def _opened(workspace: Path | None, project: str | None) -> tuple[Workspace, str | None]:
    """The workspace, and the project in it that is spoken of."""
    from automl_runtime.errors import RequestError

    from automl_agent.tools.contract import ToolError
    from automl_agent.tools.workspace import Workspace

    folder = None if project is None else Path(project).expanduser()
    is_project = folder is not None and (folder / "project.yaml").is_file()
    try:
        if folder is None or not is_project:
            place = Workspace.open(workspace or Path())
            return place, None if project is None else place.name_of(place.project(project))
        place = Workspace.open(workspace or folder.resolve().parent)
        return place, place.name_of(place.project(str(folder.resolve())))
    except ToolError as error:
        raise RequestError(error.message, hint=error.hint) from error


class _Terminal:
    """A person at a terminal, or one who has written down what to do."""

    def __init__(self, narrator: Narrator, *, there: bool) -> None:
        self._narrator = narrator
        self._there = there

    def say(self, text: str) -> None:
        with self._narrator.paused():
            emit(text)

    def ask(self, question: Ask) -> str | None:
        if not self._there:
            return question.default
        with self._narrator.paused():
            emit(f"? {question.text}")
            for number, (value, label) in enumerate(question.choices, start=1):
                emit(f"  {number}. {label}{' (default)' if value == question.default else ''}")
            if not question.choices:
                typed = typer.prompt("  your answer", default="", show_default=False)
                return str(typed).strip() or question.default
            return choose([value for value, _ in question.choices], question.default, "  your answer")

    def agrees(self, text: str) -> bool:
        """Whether the person says yes."""
        with self._narrator.paused():
            return typer.confirm(f"? {text}", default=False)

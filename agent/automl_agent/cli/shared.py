"""Options and output that several commands share."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

__all__ = [
    "Answers",
    "Budget",
    "Data",
    "Debug",
    "Json",
    "NoAsk",
    "ProjectFolder",
    "choose",
    "emit",
    "emit_json",
    "may_ask",
    "parse_answers",
    "print_table",
]

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
NoAsk = Annotated[bool, typer.Option("--no-ask", help="Never ask; take the default of every question and report it.")]
Data = Annotated[Path | None, typer.Option("--data", help="File or folder with the data, however messy.")]
Budget = Annotated[str | None, typer.Option("--budget", help="Time for the search: 60s, 2m, 1h.", metavar="TIME")]
Answers = Annotated[
    list[str] | None,
    typer.Option("--answer", help="Settle a question: id=value. May be repeated.", metavar="ID=VALUE"),
]
ProjectFolder = Annotated[Path, typer.Argument(help="Folder of a generated project.", metavar="PROJECT")]


def may_ask(*, no_ask: bool, as_json: bool) -> bool:
    """Whether a person is there who can be asked, and does not mind."""
    from automl_runtime.project.logs import logs_json

    return not no_ask and not as_json and sys.stdin.isatty() and not logs_json()


def choose(values: Sequence[str], default: T, prompt: str, *, err: bool = False) -> str | T:
    """One of `values`, by itself or by its number from 1, as a person types it; `default` when nothing is typed.

    Asks again until it is one of them; on standard error if `err`.
    """
    while True:
        typed = str(typer.prompt(prompt, default="", show_default=False, err=err)).strip()
        if not typed:
            return default
        if typed.isdigit() and 1 <= int(typed) <= len(values):
            return values[int(typed) - 1]
        if typed in values:
            return typed
        typer.echo(f"  Type a number from 1 to {len(values)}, or nothing for the default.", err=err)


def emit(text: str) -> None:
    """Writes a line to standard output; of what steers a terminal, as names of columns may, escapes are shown."""
    from automl_runtime.errors import visible

    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def emit_json(content: Any) -> None:
    """Writes one JSON object to standard output."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
    # JSON has escapes of its own for what `emit` would escape: the values stay.
    unseen = (sign for sign in set(text) if not sign.isprintable() and sign != "\n")
    emit(text.translate({ord(sign): json.dumps(sign)[1:-1] for sign in unseen}))


def parse_answers(pairs: Sequence[str] | None) -> dict[str, str]:
    """`["target=Left?"]` as `{"target": "Left?"}`; RequestError when there is no `=`."""
    from automl_runtime.errors import RequestError

    answers = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise RequestError(f"--answer {pair!r} is not of the form id=value.")
        answers[key.strip()] = value.strip()
    return answers


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """A plain table on standard output; columns at the positions `right` are right-aligned."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    for number, row in enumerate(cells):
        parts = [
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        emit("  ".join(parts).rstrip())
        if number == 0:
            emit("  ".join("-" * width for width in widths))

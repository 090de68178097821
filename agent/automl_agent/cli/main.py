"""Entry point of the command line: one place where errors become messages and exit codes."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from automl_runtime.errors import AutomlError, Cancelled, RequestError

from automl_agent.cli import (
    access,
    chat,
    experimenting,
    extending,
    features,
    making,
    mcp,
    runs,
    tools,
    traffic,
    updating,
    using,
    versions,
)
from automl_agent.cli.shared import emit, emit_json

__all__ = ["app", "main"]

_INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="automl",
    help="Says in plain English what to predict, points at a messy folder, and gets a tested, serving project.",
    epilog='Example: automl new "predict which customers will churn, AUC above 0.85" --data ./messy',
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
    log_json: Annotated[
        bool,
        typer.Option("--log-json", help="Every line on standard error is a JSON object, as with AUTOML_LOG=json."),
    ] = False,
) -> None:
    """Says in plain English what to predict, points at a messy folder, and gets a tested, serving project."""
    if version:
        from importlib.metadata import version as version_of

        emit(f"automl {version_of('automl-cli')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        emit(context.get_help())


making.register(app)
using.register(app)
experimenting.register(app)
extending.register(app)
runs.register(app)
versions.register(app)
traffic.register(app)
access.register(app)
tools.register(app)
updating.register(app)
chat.register(app)
mcp.register(app)
features.register(app)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Runs the command and exits: 0 done, 1 our bug, 2 request, 3 data, 4 training, 5 cancelled."""
    given = sys.argv[1:] if arguments is None else arguments
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(_run(given))


def _run(arguments: list[str]) -> int:
    as_json, debug = "--json" in arguments, "--debug" in arguments or bool(os.environ.get("AUTOML_DEBUG"))
    try:
        # Before the arguments are read: what is wrong with them is a line as well.
        if "--log-json" in arguments or os.environ.get("AUTOML_LOG"):
            from automl_runtime.project.logs import start_logging

            start_logging(None, as_json="--log-json" in arguments)
        result: Any = app(args=arguments, prog_name="automl", standalone_mode=False)
        if result == _INTERRUPTED:
            raise KeyboardInterrupt
    except AutomlError as error:
        return _explain(error, as_json=as_json, debug=debug)
    except (KeyboardInterrupt, typer.Abort):
        return _explain(Cancelled("Cancelled; nothing was left half-written."), as_json=as_json, debug=False)
    except typer.TyperException as error:
        describe = getattr(error, "format_message", None)
        message = str(error) if describe is None else str(describe())
        wrong = RequestError(message, hint="Run `automl --help`, or a command with --help, to see what is allowed.")
        return _explain(wrong, as_json=as_json, debug=debug)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 -- the outermost layer: every bug ends here, with a message
        return _explain_bug(error, as_json=as_json, debug=debug)
    return result if isinstance(result, int) else 0


def _explain(error: AutomlError, *, as_json: bool, debug: bool) -> int:
    if as_json:
        emit_json({"error": {"message": error.message, "hint": error.hint, "exit_code": error.exit_code}})
    _complain(error, error, debug=debug)
    return error.exit_code


def _explain_bug(error: Exception, *, as_json: bool, debug: bool) -> int:
    message = f"This is a bug of automl: {type(error).__name__}: {error}"
    if as_json:
        emit_json({"error": {"message": message, "hint": None, "exit_code": 1}})
    _complain(AutomlError(message, hint="Run it again with --debug and report what it prints."), error, debug=debug)
    return 1


def _complain(said: AutomlError, raised: Exception, *, debug: bool) -> None:
    if os.environ.get("AUTOML_LOG") == "json":
        from automl_runtime.project.logs import log_error

        log_error(said, raised if debug else None)
        return
    if debug:
        traceback.print_exception(raised, file=sys.stderr)
    sys.stderr.write(f"automl: {said}\n")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt

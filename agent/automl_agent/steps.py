"""Runs the steps of a project in a process of its own, `python -m <package> <step>`, and listens to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from automl_generators.project import finish_project
from automl_runtime.errors import AutomlError, Cancelled, DataError, RequestError, TrainingError
from automl_runtime.events import EventSink, Warned, event_from_json, ignore
from automl_runtime.project.logs import logs_json

if TYPE_CHECKING:
    from automl_runtime.project import Project

__all__ = ["judge", "package_of", "read_data", "run_module", "run_step", "run_tests", "serve_project"]

_ERRORS: dict[int, type[AutomlError]] = {2: RequestError, 3: DataError, 4: TrainingError, 5: Cancelled}
_LONGEST_MESSAGE = 4000


def package_of(project: Path) -> str:
    """Name of the package below `src/` of a project.

    Raises:
        DataError: if there is not exactly one.
    """
    found = sorted(path.parent.name for path in project.glob("src/*/__main__.py"))
    if len(found) != 1:
        raise DataError(f"{project / 'src'} holds {len(found)} packages; a project has one.")
    return found[0]


def run_step(
    project: Path,
    step: str,
    arguments: Sequence[str] = (),
    *,
    environment: Mapping[str, str] | None = None,
    on_event: EventSink = ignore,
    on_line: Callable[[str], None] | None = None,
) -> list[str]:
    """Runs one step of the project and passes its events on.

    Args:
        project: root of the project.
        step: `data`, `train`, `evaluate` or `predict`.
        arguments: what follows the step on its command line.
        environment: variables to add.
        on_event: gets the events; where the log is JSON they are lines of the step's own log, which is passed on.
        on_line: gets each line of standard output that is no event, instead of the result.

    Returns:
        The lines of its standard output that are no events, then those that it says to people; where the log is JSON
        the latter are lines of the log instead.

    Raises:
        AutomlError: of the class that belongs to the exit code, with what the step wrote to standard error.
    """
    command = ["-m", package_of(project), step, *arguments]
    if logs_json():
        return _listen_to_log(project, command, step, environment or {}, on_line)
    lines, said = _listen(project, command, step, environment or {}, on_event, on_line)
    return [*lines, *said.splitlines()]


def read_data(folder: Path, project: Project, on_event: EventSink) -> None:
    """Makes the rows of the project in `folder` from the files that `project` was made of."""
    place = project.data_source
    run_step(folder, "data", [] if place == project.source else ["--source", str(place)], on_event=on_event)


def judge(folder: Path, on_event: EventSink) -> None:
    """Judges the model of the project in `folder` on the holdout, and makes it ready to be committed."""
    run_step(folder, "evaluate", on_event=on_event)
    for warning in finish_project(folder):
        on_event(Warned(warning))


def run_module(project: Path, module: str, arguments: Sequence[str]) -> list[str]:
    """Runs `python -m module` of the runtime with the project's package importable; its output lines."""
    return _listen(project, ["-m", module, *arguments], module, {}, ignore, None)[0]


def serve_project(project: Path, *, host: str, port: int) -> int:
    """Serves the project in a child process until it ends or Ctrl-C; its exit code."""
    command = [sys.executable, "-m", package_of(project), "serve", "--host", host, "--port", str(port)]
    process = subprocess.Popen(command, cwd=project, env=_variables(project, {}), stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except KeyboardInterrupt:
        _stop(process)
        return 0


def _variables(project: Path, extra: Mapping[str, str]) -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(project / "src"), *([inherited] if inherited else [])])
    return {**os.environ, "PYTHONPATH": path, **extra}


def _listen(
    project: Path,
    arguments: Sequence[str],
    step: str,
    environment: Mapping[str, str],
    on_event: EventSink,
    on_line: Callable[[str], None] | None,
) -> tuple[list[str], str]:
    """The lines of standard output that nobody else gets, and what the step wrote to standard error."""
    command = [sys.executable, *arguments]
    variables = _variables(project, {"AUTOML_EVENTS": "jsonl", **environment})
    lines: list[str] = []
    keep = lines.append if on_line is None else on_line
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            for line in process.stdout:
                _hear(line, keep, on_event)
            code = process.wait()
        except BaseException:
            _stop(process)
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()
        errors.seek(0)
        said = errors.read()
        if code != 0:
            raise _error(step, code, said)
    return lines, said


def _listen_to_log(
    project: Path,
    arguments: Sequence[str],
    step: str,
    environment: Mapping[str, str],
    on_line: Callable[[str], None] | None,
) -> list[str]:
    lines: list[str] = []
    keep = lines.append if on_line is None else on_line
    logged = [""]
    with subprocess.Popen(
        [sys.executable, *arguments],
        cwd=project,
        env=_variables(project, environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        passing = threading.Thread(target=_pass_on, args=(process.stderr, logged), daemon=True)
        passing.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                keep(line.rstrip("\n"))
            code = process.wait()
        except BaseException:
            _stop(process)
            raise
        finally:
            passing.join()
    if code != 0:
        raise _error(step, code, _message(logged[0]))
    return lines


def _pass_on(log: IO[str], last: list[str]) -> None:
    for line in log:
        last[0] = line
        sys.stderr.write(line)
        sys.stderr.flush()


def _message(line: str) -> str:
    """What a line of a log in JSON says."""
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line


def run_tests(project: Path) -> str:
    """Runs the project's own tests; the closing line of pytest.

    Raises:
        AutomlError: if a test fails; the message holds pytest's output.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        env=_variables(project, {"AUTOML_LOG": "text"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AutomlError(f"The tests of the new project fail:\n{done.stdout[-_LONGEST_MESSAGE:]}{done.stderr[-1000:]}")
    return done.stdout.strip().splitlines()[-1].strip("= ")


def _hear(line: str, keep: Callable[[str], None], on_event: EventSink) -> None:
    text = line.rstrip("\n")
    if not text.startswith('{"kind":'):
        keep(text)
        return
    try:
        event = event_from_json(json.loads(text))
    except (ValueError, TypeError):
        keep(text)
        return
    on_event(event)


def _stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _error(step: str, code: int, text: str) -> AutomlError:
    message = text.strip()[-_LONGEST_MESSAGE:].removeprefix("error: ") or f"it ended with exit code {code}"
    return _ERRORS.get(code, AutomlError)(f"`{step}`: {message}")

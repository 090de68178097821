"""Commands about experiments on one table: quickstart, tune."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from automl_agent.cli.shared import Budget, Debug, Json, NoAsk, emit, emit_json, may_ask

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog="Example: automl quickstart --data customers.csv --target churned --budget 20s")(quickstart)
    app.command(epilog="Example: automl tune --config experiment.yaml --n-trials 50 --timeout 10m")(tune)


def quickstart(
    data: Annotated[Path, typer.Option("--data", help="File that holds one table.")],
    target: Annotated[str | None, typer.Option("--target", help="Column to predict.", metavar="COLUMN")] = None,
    task: Annotated[
        str | None, typer.Option("--task", help="classification, regression, clustering or anomaly.", metavar="TASK")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the project; default: this one.")] = None,
    budget: Budget = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything that is random.")] = 0,
    no_ask: NoAsk = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Look at one file, train, and say how good the model is; asks for task and target unless they are given."""
    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.quickstart import quickstart as start

    asking = may_ask(no_ask=no_ask, as_json=as_json)
    with narrate() as narrator:

        def ask(question: str, answers: Sequence[str], default: str) -> str:
            with narrator.paused():
                return _ask(question, answers, default)

        run = start(
            data,
            target=target,
            task=task,
            folder=out,
            budget_seconds=20.0 if budget is None else parse_duration(budget),
            seed=seed,
            ask=ask if asking else None,
            on_event=narrator,
        )
    _say(run, {"path": str(run.path), "task": run.model.task, "metrics": run.scores}, as_json=as_json)


def tune(
    config: Annotated[Path, typer.Option("--config", help="Experiment, project.yaml, or config.yaml of a run.")],
    n_trials: Annotated[int, typer.Option("--n-trials", min=1, help="At most so many trials.")] = 50,
    timeout: Annotated[str, typer.Option("--timeout", help="At most so long: 3600, 10m, 1h.", metavar="TIME")] = "3600",
    strategy: Annotated[str | None, typer.Option("--strategy", help="See `automl list strategies`.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File for what was found.")] = Path("best_config.yaml"),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Search for the best settings until a limit is reached; writes a configuration that trains just them."""
    from automl_runtime import Experiment

    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration

    experiment = Experiment.from_config(config)
    with narrate() as narrator:
        run = experiment.tune(
            output,
            trials=n_trials,
            timeout_seconds=parse_duration(timeout),
            strategy=strategy,
            on_event=narrator,
        )
    facts = {"path": str(run.path), "config": str(output), "trials": len(run.model.trials), "metrics": run.scores}
    _say(run, facts, as_json=as_json)


def _say(run: Any, facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        emit_json(facts)
        return
    for name, score in facts.pop("metrics").items():
        emit(f"{name:<20}{score:.4f}" if isinstance(score, float) else f"{name:<20}{score}")
    for name, value in facts.items():
        emit(f"{name:<20}{value}")


def _ask(question: str, answers: Sequence[str], default: str) -> str:
    sys.stderr.write(f"\n? {question}\n")
    for number, answer in enumerate(answers, start=1):
        sys.stderr.write(f"  {number}. {answer}{' (detected)' if answer == default else ''}\n")
    while True:
        typed = typer.prompt("  your choice", default="", show_default=False, err=True).strip()
        if not typed or typed in answers:
            return typed or default
        if typed.isdigit() and 1 <= int(typed) <= len(answers):
            return answers[int(typed) - 1]
        sys.stderr.write(f"  Type a number from 1 to {len(answers)}, or nothing for {default}.\n")

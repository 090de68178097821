"""Commands about runs: runs, compare, export-runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from automl_agent.cli.shared import Debug, Json, emit, emit_json, print_table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog="Example: automl runs ./churn --filter 'cv > 0.8 and status = completed' --sort -cv")(runs)
    app.command(epilog="Example: automl compare 3 4 --project ./churn")(compare)
    app.command("export-runs", epilog="Example: automl export-runs ./churn --mlflow ./mlruns")(export_runs)


def runs(
    workspace: Annotated[Path, typer.Argument(help="A project, or a folder with projects below.")] = Path(),
    where: Annotated[
        str | None,
        typer.Option("--filter", help="Only runs for which this is true: 'cv > 0.8 and not status = failed'."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="A field, as cv; -cv puts the largest first.", metavar="FIELD")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the training runs of a project or of all projects below a folder."""
    from automl_agent.listing import runs_below

    found = runs_below(workspace, where=where, sort=sort)
    if as_json:
        emit_json([run.to_json() for run in found])
        return
    print_table(
        ["project", "run", "status", "metric", "cv", "holdout", "best model", "trials", "seconds"],
        [
            (
                str(listed.place),
                listed.run.run,
                listed.run.status,
                listed.run.metric,
                _score(listed.run.cv),
                _score(listed.run.holdout),
                listed.run.best_model or "",
                str(listed.run.trials),
                f"{listed.run.seconds:.1f}",
            )
            for listed in found
        ],
        right=(4, 5, 7, 8),
    )


def compare(
    before: Annotated[str, typer.Argument(help="A run: its number or name, or its folder.", metavar="RUN")],
    after: Annotated[str, typer.Argument(help="The run that should be better.", metavar="RUN")],
    project: Annotated[Path, typer.Option("--project", help="The project of the runs.")] = Path(),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Compare two runs; exit code 1 says that the second is no better."""
    from automl_runtime.tracking.compare import compare_runs, find_run

    found = compare_runs(find_run(before, project), find_run(after, project))
    if as_json:
        emit_json(found.to_json())
    else:
        print_table(
            ["", found.before, found.after],
            [(name, *map(_cell, values)) for name, values in {**found.facts, **found.parameters}.items()],
        )
        for line in _verdict(found):
            emit(line)
    raise typer.Exit(0 if found.better else 1)


def export_runs(
    workspace: Annotated[Path, typer.Argument(help="A project, or a folder with projects below.")] = Path(),
    mlflow: Annotated[
        str, typer.Option("--mlflow", help="URI of MLflow; a folder gets an SQLite database.", metavar="URI")
    ] = "mlruns",
    where: Annotated[str | None, typer.Option("--filter", help="Only such runs, as in `automl runs`.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Put runs into MLflow; those that are there already get what is new."""
    from automl_runtime.tracking.mlflow_sink import export_run

    from automl_agent.listing import runs_below

    listed = [each for each in runs_below(workspace, where=where) if each.run.status != "running"]
    new = [export_run(mlflow, each.place, each.place / "experiments" / each.run.run) for each in listed]
    if as_json:
        emit_json({"uri": mlflow, "exported": sum(new), "updated": len(new) - sum(new)})
    else:
        emit(f"{sum(new)} runs exported, {len(new) - sum(new)} brought up to date in {mlflow}")


def _verdict(found: Any) -> list[str]:
    lines = []
    for name, models in zip((found.before, found.after), found.trials.values(), strict=True):
        if models:
            lines.append(f"tried only in {name}: {', '.join(models)}")
    if found.same_data is False:
        lines.append("The source files were not the same: the scores are of different rows.")
    word = "better" if found.better else "worse" if found.gain < 0 else "as good"
    line = f"{found.after} is {word}: {found.part} {found.metric} {found.scores[0]:.4f} -> {found.scores[1]:.4f}"
    if found.interval is None:
        return [*lines, f"{line}; without holdout intervals nothing says whether that is chance."]
    low, high = found.interval
    told = "more than chance" if found.significant else "may be chance"
    return [*lines, f"{line}; gain {found.gain:+.4f} [{low:+.4f}, {high:+.4f}]: {told}."]


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"

"""Commands that use a project: train, predict, serve, report."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from automl_agent.cli.shared import Budget, Debug, Json, ProjectFolder, emit, emit_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl_schemas.metrics import Metrics

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog="Example: automl train ./churn --data ./messy_june")(train)
    app.command(epilog="Example: automl predict ./churn new.csv --output scored.csv --explain")(predict)
    app.command(epilog="Examples: automl serve ./churn --port 8080, automl serve ./workspace --memory-gb 4")(serve)
    app.command(epilog="Example: automl report ./churn --json")(report)


def train(
    project: ProjectFolder,
    data: Annotated[
        Path | None, typer.Option("--data", help="New raw data of the same layout; default: the old.")
    ] = None,
    budget: Budget = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the last training was interrupted; its trials are kept.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train again, compare the new model with the old one, and keep the better."""
    from automl_agent.console import narrate
    from automl_agent.durations import parse_duration
    from automl_agent.retraining import retrain

    seconds = None if budget is None else parse_duration(budget)
    with narrate() as narrator:
        outcome = retrain(project, data, budget_seconds=seconds, resume=resume, on_event=narrator)
    if as_json:
        emit_json(outcome.to_json())
        return
    print_table(
        ["model", "holdout", "95 % interval", "rows", "in production"],
        [
            (
                scored.version,
                f"{scored.score:.4f}",
                f"[{scored.interval[0]:.4f}, {scored.interval[1]:.4f}]",
                f"{scored.rows:,}",
                "yes" if scored.version == outcome.production else "",
            )
            for scored in outcome.models
        ],
        right=(1, 2, 3),
    )


def predict(
    project: ProjectFolder,
    source: Annotated[
        Path | None,
        typer.Argument(
            help="CSV (of any dialect and encoding), JSON lines or Parquet file; or a folder of new raw files. "
            "Of a forecast: what happened since (rows with a target) and what is known ahead (rows without one), if "
            "there is such.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write (.csv, .jsonl, .parquet); default: CSV to stdout."),
    ] = None,
    horizon: Annotated[
        int | None, typer.Option("--horizon", min=1, help="Steps to forecast; default: all that the model can.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add the reasons of each prediction, in words.")] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Predict the rows of a file or of a folder with new raw files, or forecast the next steps."""
    from automl_runtime.errors import DataError, RequestError
    from automl_runtime.project import Project
    from automl_runtime.project.logs import say

    from automl_agent.console import narrate
    from automl_agent.steps import run_step

    if as_json and output is None:
        raise RequestError("--json needs --output: the predictions themselves are not put into the summary.")
    if source is not None and not source.exists():
        raise DataError(f"{str(source)!r} does not exist.")
    loaded = Project.load(project)
    if loaded.spec.task.type != "forecast":
        if source is None:
            raise RequestError("Say which rows to predict: automl predict PROJECT SOURCE.")
        if horizon is not None:
            raise RequestError("--horizon is for projects that forecast; this one predicts rows.")
    elif explain:
        raise RequestError("--explain is for projects that predict rows; this one forecasts.")
    arguments = [] if source is None else [str(source.resolve())]
    if horizon is not None:
        arguments += ["--horizon", str(horizon)]
    if output is not None:
        arguments += ["--output", str(output.resolve())]
    if explain:
        arguments.append("--explain")
    with narrate() as narrator:
        lines = run_step(loaded.root, "predict", arguments, on_event=narrator, on_line=None if output else emit)
    if as_json:
        emit_json({"output": str(output), "summary": "\n".join(lines)})
    elif lines:
        say("\n".join(lines))


def serve(
    folders: Annotated[
        list[Path],
        typer.Argument(help="A generated project; or several, or folders with projects below.", metavar="PROJECT..."),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    memory_gb: Annotated[
        float | None,
        typer.Option("--memory-gb", help="What the models of several projects may hold; the least used are let go."),
    ] = None,
    keys: Annotated[
        Path | None, typer.Option("--keys", help="File of API keys for several projects; `automl keys` makes it.")
    ] = None,
    jobs: Annotated[
        Path | None, typer.Option("--jobs", help="Folder for prediction jobs of several projects; default: no jobs.")
    ] = None,
    job_folders: Annotated[
        list[Path] | None,
        typer.Option("--job-folder", help="Folder below which those jobs may read and write; may be repeated."),
    ] = None,
    predictions: Annotated[
        Path | None, typer.Option("--predictions", help="Folder for a log of the predictions of several projects.")
    ] = None,
    log_predictions: Annotated[
        float | None, typer.Option("--log-predictions", help="Share of them that is logged, 0 to 1; default: 0.01.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Serve the model of a project over HTTP until Ctrl-C; of several at /models/NAME/predict, loaded on demand."""
    from automl_runtime.errors import RequestError

    if len(folders) == 1 and (folders[0] / "project.yaml").is_file():
        if any(given is not None for given in (memory_gb, keys, jobs, job_folders, predictions, log_predictions)):
            raise RequestError(
                "--memory-gb, --keys, --jobs, --job-folder, --predictions and --log-predictions are for several "
                "projects; one has settings in config/base.yaml."
            )
        from automl_agent.steps import serve_project

        raise typer.Exit(serve_project(_folder(folders[0]), host=host, port=port))
    from automl_agent.hosting import LOGGED, serve_models

    if log_predictions is not None and predictions is None:
        raise RequestError("--log-predictions says how many are logged; say with --predictions where.")
    if job_folders is not None and jobs is None:
        raise RequestError("--job-folder says what jobs may read; say with --jobs where they lie.")
    serve_models(
        folders,
        host,
        port,
        memory_gb=memory_gb,
        keys=keys,
        jobs=jobs,
        job_folders=job_folders or (),
        predictions=predictions,
        log_predictions=LOGGED if log_predictions is None else log_predictions,
        on_ready=emit,
    )


def report(
    project: ProjectFolder,
    open_it: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
    llm: Annotated[
        str,
        typer.Option(
            "--llm",
            help="Language model that re-words the sentences, held to their numbers: auto, off, or a name.",
            metavar="auto|off|MODEL",
        ),
    ] = "off",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Print the project's score, what it relies on and what to watch, and where its report lies."""
    from automl_agent.explaining import explanation_of, in_a_line
    from automl_agent.listing import metrics_of

    folder = _folder(project)
    metrics, page = metrics_of(folder)
    sentences = explanation_of(folder)
    told = None if llm == "off" else _retold(llm, _scored(metrics), sentences)
    if as_json:
        short = dict(sentences)
        content = {"report": str(page), "metrics": metrics.model_dump(mode="json"), "in_short": short}
        emit_json(content if told is None else content | {"retold": told})
    else:
        emit(_scored(metrics))
        for line in [told] if told is not None else map(in_a_line, sentences):
            emit(line)
        if metrics.goal is not None:
            emit(f"goal {metrics.goal.op} {metrics.goal.value:g}: {'met' if metrics.goal.met else 'not met'}")
        rows = [
            (row.model, f"{row.cv:.4f}", f"{row.fit_seconds:.1f}", f"{row.predict_us_per_row:.1f}")
            for row in metrics.leaderboard
        ]
        if rows:
            print_table(["model", "cv", "fit s", "us/row"], rows, right=(1, 2, 3))
        emit(str(page))
    if open_it:
        typer.launch(str(page))


def _retold(llm: str, score: str, sentences: Sequence[tuple[str, str]]) -> str | None:
    """The sentences in a model's words; None where there is no model or it is not believed, which is said."""
    from automl_agent.cli.asking import Wanted, opened
    from automl_agent.console import narrate
    from automl_agent.explaining import reworded

    with narrate() as narrator, opened(Wanted(llm, 10, 20_000, 300, None), narrator) as model:
        if model is None:
            return None
        told, why = reworded(model, score, sentences)
        if told is None:
            narrator.line("model", f"{model.endpoint.model} is not quoted: {why}")
        return told


def _scored(metrics: Metrics) -> str:
    if math.isnan(metrics.holdout):
        from automl_runtime.project.report_text import score_sentence

        return score_sentence(metrics)
    low, high = metrics.holdout_ci
    return f"{metrics.metric} {metrics.holdout:.4f} [{low:.4f}, {high:.4f}] on {metrics.rows_holdout:,} holdout rows"


def _folder(project: Path) -> Path:
    from automl_runtime.project import Project

    return Project.load(project).root

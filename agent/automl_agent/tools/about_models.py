"""Tools that use a project's model and its versions: predict, promote, rollback, check_drift."""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink
from automl_schemas.base import Contract
from pydantic import Field

from automl_agent.tools.about_projects import OfProject
from automl_agent.tools.bounding import plain
from automl_agent.tools.contract import Answer, NextAction, StartRequest
from automl_agent.tools.long_tools import long_tool
from automl_agent.tools.registry import tool
from automl_agent.tools.results import PredictedFile
from automl_agent.tools.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd
    from automl_runtime.registry.bundle import Bundle

__all__ = ["check_drift", "predict", "predict_file", "promote", "rollback"]

_MOST_ROWS = 200
_WRITABLE = (".csv", ".jsonl", ".parquet")

Cell = str | int | float | bool | None


class Rows(OfProject):
    """Rows to predict, as a table."""

    columns: list[str] = Field(default=[], description="Names of the columns, as get_report lists them under inputs.")
    rows: list[list[Cell]] = Field(
        default=[], max_length=_MOST_ROWS, description="One list of cells for each row, in the order of `columns`."
    )
    explain: bool = Field(default=False, description="Add the reasons of each prediction.")


class Probability(Contract):
    """Of one class."""

    label: str
    probability: float


class Prediction(Contract):
    """Of one row."""

    prediction: str | float | bool | None
    probabilities: list[Probability] = []
    reasons: list[str] = []
    other: list[str] = []
    """Of a forecast and of strange rows: what else is told, as `name: value`."""


class Predictions(Answer):
    """One for each row, in order; of a forecast the next steps."""

    project: str
    version: str
    predictions: list[Prediction]
    warnings: list[str]
    """Cells that could not be read; they count as missing."""


@tool("Predict rows", reads_only=True)
def predict(workspace: Workspace, request: Rows, on_event: EventSink) -> Predictions:
    """Predicts up to 200 rows with the model in production; get_report lists its columns under inputs. Give raw values
    as they stand in the source, null where one is unknown. Of a forecast without rows: the next steps. Files go through
    predict_file."""
    from automl_runtime.project import Project
    from automl_runtime.registry.aliases import PRODUCTION, find_version

    place = workspace.project(request.project)
    project = Project.load(place)
    if not request.rows and project.spec.task.type != "forecast":
        raise RequestError("No rows are given.", hint="Give `columns` and `rows`.")
    records = _records(request)
    _check_columns(project.bundle(), request.columns)
    with tempfile.TemporaryDirectory(prefix="automl-rows-") as folder:
        answers, said = _answered(place, records, Path(folder), explain=request.explain, on_event=on_event)
    given = set(request.columns)
    return Predictions(
        project=workspace.name_of(place),
        version=find_version(place / "models", PRODUCTION),
        predictions=[_prediction(answer, given) for answer in answers],
        warnings=said,
    )


def _records(request: Rows) -> list[dict[str, Cell]]:
    if len(set(request.columns)) != len(request.columns):
        raise RequestError("A column is named twice in `columns`.")
    for number, row in enumerate(request.rows):
        if len(row) != len(request.columns):
            raise RequestError(
                f"rows.{number} has {len(row)} cells and `columns` {len(request.columns)} names.",
                hint="Each row has one cell for each column; null where it is unknown.",
            )
    return [dict(zip(request.columns, row, strict=True)) for row in request.rows]


def _check_columns(bundle: Bundle, columns: list[str]) -> None:
    from rapidfuzz import process

    if bundle.manifest.task == "forecast":
        return
    known = {column.name: column.required for column in bundle.schema.columns}
    for name in columns:
        if name not in known:
            nearest = process.extractOne(name, list(known))
            raise RequestError(
                f"The model knows no column {name!r}.", hint=f"Nearest: {nearest[0]!r}. Known: {', '.join(known)}."
            )
    missing = [name for name, required in known.items() if required and name not in columns]
    if missing:
        raise RequestError(
            f"These columns are missing: {', '.join(missing)}.", hint="A cell may be null; the columns must be named."
        )


def _answered(
    place: Path, records: list[dict[str, Cell]], folder: Path, *, explain: bool, on_event: EventSink
) -> tuple[list[dict[str, Any]], list[str]]:
    """What the project's own `predict` says: its code runs in a process of its own."""
    from automl_agent.steps import run_step

    source, output = folder / "rows.jsonl", folder / "answers.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    arguments = [*([str(source)] if records else []), "--output", str(output), *(["--explain"] if explain else [])]
    lines = run_step(place, "predict", arguments, on_event=on_event)
    answers = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    return answers, [plain(line, 300) for line in lines if line.startswith(("row ", "rows "))]


def _prediction(answer: dict[str, Any], given: set[str]) -> Prediction:
    found = {name: value for name, value in answer.items() if name not in given and value is not None}
    main = next((name for name in ("prediction", "labels", "cluster", "anomaly") if name in found), None)
    shares = {name: value for name, value in found.items() if name.startswith("probability_")}
    reasons = {name: value for name, value in found.items() if name.startswith("reason_")}
    rest = found.keys() - shares.keys() - reasons.keys() - {main}
    value = None if main is None else found[main]
    return Prediction(
        prediction=value if isinstance(value, str | bool) or value is None else float(value),
        probabilities=[
            Probability(label=plain(name.removeprefix("probability_")), probability=share)
            for name, share in shares.items()
        ],
        reasons=[plain(str(text), 200) for text in reasons.values()],
        other=[plain(f"{name}: {found[name]}", 200) for name in found if name in rest],
    )


class FileOfRows(OfProject, StartRequest):
    """A file to predict."""

    path: str = Field(description="File of rows (delimited text, JSON lines or Parquet), or a folder of raw files.")
    output: str = Field(description="Where predictions go: .csv, .jsonl or .parquet, below the workspace.")
    explain: bool = Field(default=False, description="Add the reasons of each prediction.")


def _check_file(workspace: Workspace, request: FileOfRows) -> None:
    workspace.project(request.project)
    workspace.source(request.path)
    place = workspace.output(request.output)
    if place.suffix.lower() not in _WRITABLE:
        raise RequestError(f"{place.name!r}: predictions are written as {', '.join(_WRITABLE)}.")


@long_tool("Predict a file", check=_check_file)
def predict_file(workspace: Workspace, request: FileOfRows, on_event: EventSink) -> PredictedFile:
    """Predicts a file of any size, or a folder of raw files, with the model in production, into a file of the
    workspace; a file that is there is replaced at the end. Starts a run: poll it with get_run."""
    from automl_agent.steps import run_step

    place, output = workspace.project(request.project), workspace.output(request.output)
    source = workspace.source(request.path)
    output.parent.mkdir(parents=True, exist_ok=True)
    extra = ["--explain"] if request.explain else []
    lines = run_step(place, "predict", [str(source), "--output", str(output), *extra], on_event=on_event)
    return PredictedFile(
        project=workspace.name_of(place),
        output=workspace.name_of(output),
        summary=plain(" ".join(lines).replace(str(output), workspace.name_of(output)), 500),
    )


class Promotion(OfProject):
    """Which version."""

    version: str = Field(description="A version as v002, or an alias.")
    reason: str = Field(default="", max_length=500, description="Kept in the history.")
    alias: str = Field(default="production", description="The name that is moved.")


class Moved(Answer):
    """Where the alias points now."""

    project: str
    alias: str
    version: str
    versions: list[str]


@tool("Promote a version", destructive=True, idempotent=True)
def promote(workspace: Workspace, request: Promotion, on_event: EventSink) -> Moved:
    """Puts a version of a project's model into production once every byte of it has been verified; running services
    answer with it within a second. rollback undoes it."""
    del on_event
    from automl_runtime.registry.promotion import promote as move

    place, models, keys = _registry(workspace, request.project)
    version = move(models, request.version, alias=request.alias, trusted_keys=keys, reason=request.reason)
    return _moved(workspace, place, request.alias, version)


class Return(OfProject):
    """Which alias."""

    reason: str = Field(default="", max_length=500, description="Kept in the history.")
    alias: str = Field(default="production", description="The name that is moved.")


@tool("Roll back", destructive=True)
def rollback(workspace: Workspace, request: Return, on_event: EventSink) -> Moved:
    """Puts the version back into production that was there before; a second time, the one before that."""
    del on_event
    from automl_runtime.registry.promotion import rollback as move

    place, models, keys = _registry(workspace, request.project)
    version = move(models, alias=request.alias, trusted_keys=keys, reason=request.reason)
    return _moved(workspace, place, request.alias, version)


def _registry(workspace: Workspace, name: str) -> tuple[Path, Path, Path]:
    place = workspace.project(name)
    return place, place / "models", place / ".automl" / "trusted_keys"


def _moved(workspace: Workspace, place: Path, alias: str, version: str) -> Moved:
    from automl_runtime.registry.aliases import list_versions

    name = workspace.name_of(place)
    back = NextAction(tool="rollback", arguments={"project": name}, why="take it back")
    return Moved(
        project=name, alias=alias, version=version, versions=list_versions(place / "models"), next_actions=[back]
    )


class Newer(OfProject):
    """Rows to compare with those that the model was trained on."""

    path: str = Field(description="File of rows (delimited text, JSON lines or Parquet), or a folder of raw files.")


class DriftOf(Contract):
    """Of one column."""

    column: str
    psi: float
    """Population stability index: above 0.1 shifted, above 0.25 far off, unless chance explains it."""
    chance: float
    """The index that chance alone hardly exceeds."""
    missing_before: float
    missing_now: float
    verdict: Literal["same", "shifted", "far"]


class DriftReport(Answer):
    """Whether new rows look like those of training."""

    project: str
    rows: int
    moved: int
    columns: list[DriftOf]
    """Largest index first."""


@tool("Check drift", reads_only=True)
def check_drift(workspace: Workspace, request: Newer, on_event: EventSink) -> DriftReport:
    """Says column by column whether new rows have moved away from those that the model in production was trained on,
    with the chance of a false alarm held small. When columns have moved, start_run with the new data."""
    from automl_runtime.monitoring.drift import drift_of
    from automl_runtime.monitoring.reference import Reference
    from automl_runtime.project import Project

    place, source = workspace.project(request.project), workspace.source(request.path)
    project = Project.load(place)
    bundle = project.bundle()
    if not bundle.reference:
        raise RequestError("The model keeps no sketch of the rows that it was trained on.")
    rows = _clean_rows(project, bundle, source, on_event)
    found = drift_of(Reference.model_validate(bundle.reference), rows)
    name = workspace.name_of(place)
    moved = sum(drift.verdict != "same" for drift in found)
    retrain = NextAction(tool="start_run", arguments={"project": name, "path": request.path}, why="learn the new rows")
    return DriftReport(
        project=name,
        rows=len(rows),
        moved=moved,
        columns=[
            DriftOf(
                column=plain(drift.column),
                psi=_finite(drift.psi),
                chance=_finite(drift.chance),
                missing_before=drift.missing[0],
                missing_now=drift.missing[1],
                verdict=drift.verdict,
            )
            for drift in found
        ],
        next_actions=[retrain] if moved else [],
    )


def _clean_rows(project: Any, bundle: Bundle, source: Path, on_event: EventSink) -> pd.DataFrame:
    import pandas as pd
    from automl_runtime.project.predicting import parsed_rows
    from automl_runtime.project.rows_read import read_chunks

    if source.is_dir():
        tables = project.read_tables(source, labelled=False, on_event=on_event)
        return project.query("sql/training_table.sql", tables, labelled=False)
    needed = [column.name for column in bundle.schema.columns]
    rows = read_chunks(source, needed=needed, on_event=on_event)
    chunks = [parsed_rows(bundle.schema, source, chunk)[0] for chunk in rows]
    if not chunks:
        raise RequestError(f"{source.name} holds no row.")
    return pd.concat(chunks, ignore_index=True)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0

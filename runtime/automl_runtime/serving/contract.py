"""What the service accepts and answers, as pydantic models made from the schema of a bundle.

They are what OpenAPI shows and what clients can be generated from. Requests are read by `requests` and `data.records`,
which hold to the same rules without a model object per row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from automl_schemas.bundle import BundleManifest, InputColumn, InputSchema
from automl_schemas.vocabulary import TaskType
from pydantic import BaseModel, ConfigDict, Field, create_model

from automl_runtime.data.pictures import FORMATS
from automl_runtime.serving.answers import JSON
from automl_runtime.serving.series import about_series

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.windows import Windows
    from automl_runtime.registry.bundle import Bundle

__all__ = [
    "Answers",
    "Health",
    "JobView",
    "Loaded",
    "ModelCard",
    "ModelVersions",
    "Problems",
    "ReasonModel",
    "ServiceHealth",
    "answer_model",
    "openapi_request",
    "other_answers",
    "row_model",
]

_MOST_CATEGORIES = 20

_TYPES = {
    "boolean": "yes or no",
    "integer": "whole number",
    "number": "number",
    "date": "date",
    "datetime": "date and time",
    "time": "time of day",
    "category": "category",
    "text": "text",
    "image": f"picture ({', '.join(FORMATS)}) as a text data:image/...;base64,...",
    "empty": "anything; it was empty in training",
}


_UNLABELLED: dict[TaskType, dict[str, tuple[type, str]]] = {
    "clustering": {"cluster": (int, "Number of the cluster, the largest is 0; -1: the row lies in none.")},
    "anomaly": {
        "score": (float, "Share of the training rows that are less strange, 0 to 1."),
        "anomaly": (bool, "Whether the score is above the threshold."),
        "threshold": (float, "Scores above it count as strange."),
    },
}


class ProblemModel(BaseModel):
    """One thing that is wrong with a request."""

    row: int | None = Field(description="Place of the row in the request, from 0.")
    column: str | None
    value: str | None
    allowed: str | None
    message: str


class Problems(BaseModel):
    """Why a request was refused."""

    detail: list[ProblemModel]


class Answers(BaseModel):
    """Answer to `{"rows": [...]}`: one prediction per row, in order."""

    predictions: list[dict[str, Any]]
    model_version: str


class ReasonModel(BaseModel):
    """One column that moves a prediction."""

    column: str
    value: str = Field(description="What the row holds, as text.")
    contribution: float = Field(
        description="What it adds to the probability of the positive (of more than two: predicted) class, or to the "
        "predicted number, compared with typical rows: a Shapley value."
    )
    words: str


class GroupReasonModel(ReasonModel):
    """One column that speaks for the cluster of a row."""

    contribution: float = Field(
        description="How much nearer the row is to its cluster than to the nearest other one, by this column (squared "
        "distance)."
    )


class StrangenessModel(ReasonModel):
    """One column that makes a row strange."""

    contribution: float = Field(description="Share of the strangeness of the row, 0 to 1.")


class LabelReasonModel(ReasonModel):
    """One column that speaks for the likeliest label of a row."""

    contribution: float = Field(description="What it adds to the probability of that label: a Shapley value.")


_REASONS_OF: dict[TaskType, tuple[Any, Any]] = {
    "multilabel": (
        list[LabelReasonModel],
        Field(default_factory=list, description="With `?explain=true`: what speaks for the likeliest label."),
    ),
    "clustering": (
        list[GroupReasonModel],
        Field(default_factory=list, description="With `?explain=true`: the columns that count most, three at most."),
    ),
    "anomaly": (
        list[StrangenessModel],
        Field(
            default_factory=list,
            description="Of strange rows, with `?explain=true` of all: the columns that count most, three at most.",
        ),
    ),
}


class JobView(BaseModel):
    """How a job stands; times are seconds since 1970, what is not known is null."""

    id: str
    model: str
    model_version: str | None = Field(description="Known once it runs; it stays the same, whatever is promoted.")
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    rows: int = Field(description="Rows done.")
    rows_total: int | None
    share: float = Field(description="Of the rows that have been read, 0 to 1.")
    errors: int = Field(description="Rows that could not be read, and have an `error` in the result.")
    rows_per_second: float | None
    seconds_left: float | None
    runs: int = Field(description="How often it was begun; more than once after an interruption.")
    created: float
    started: float | None
    finished: float | None
    error: str | None = Field(description="Why it failed, and where.")
    links: dict[str, str]


class Health(BaseModel):
    """Answer of `/health`."""

    status: Literal["ok"]
    model_version: str
    uptime_seconds: float


class ServiceHealth(BaseModel):
    """Answer of `/health` of a service of many models."""

    status: Literal["ok"]
    models: int
    loaded: int
    uptime_seconds: float


class Loaded(BaseModel):
    """A model of a service of many."""

    name: str
    loaded: bool
    model_version: str | None = Field(description="The version that answers; null when it is not loaded.")
    task: str | None
    bytes: int = Field(description="What it holds in memory, as far as it can be seen.")
    pinned: bool = Field(description="Whether it stays loaded when memory runs short.")
    paused: str | None = Field(description="Why it answers nothing, and since when; null when it answers.")
    error: str | None = Field(description="Why it could not be loaded or exchanged the last time.")


class ModelVersions(BaseModel):
    """The versions of a model."""

    versions: list[str] = Field(description="Oldest first.")
    aliases: dict[str, str]


class ModelCard(BaseModel):
    """Answer of `/model`."""

    manifest: BundleManifest
    metrics: dict[str, Any] | None = Field(description="What the final evaluation measured, if it is known.")
    columns: list[InputColumn]


def row_model(schema: InputSchema, name: str = "Row", about: str = "One row to predict.") -> type[BaseModel]:
    """A model called `name` with one field per column.

    Values come as numbers, booleans, null or text as it stood in the source. The fields are called
    `column_0`, ... with the names of the columns as aliases, for a column may be called anything.
    """
    fields: dict[str, Any] = {
        f"column_{position}": (
            str | None if column.type == "image" else str | int | float | bool | None,
            Field(
                ... if column.required else None,
                alias=column.name,
                title=column.name,
                description=describe(column),
                examples=[column.example],
                json_schema_extra=_limits(column),
            ),
        )
        for position, column in enumerate(schema.columns)
    }
    config = ConfigDict(extra="forbid", protected_namespaces=(), title=name)
    return create_model(name, __config__=config, __doc__=about, **fields)


def answer_model(bundle: Bundle) -> type[BaseModel]:
    """The model of one prediction: a label with probabilities for classes, a list of labels with theirs, a cluster, a
    strangeness, else a number.
    """
    manifest = bundle.manifest
    fields: dict[str, Any]
    version = (str, Field(description="Version of the model that answered."))
    reasons: tuple[Any, Any] = (
        list[ReasonModel],
        Field(default_factory=list, description="With `?explain=true`: the three columns that count most."),
    )
    if manifest.task in _UNLABELLED:
        told = _UNLABELLED[manifest.task].items()
        fields = {name: (type_, Field(description=about)) for name, (type_, about) in told}
        if bundle.windows is not None:
            about = f"Share of the {bundle.windows.reach:,} steps before the row of which something is known, 0 to 1."
            fields["past_known"] = (float, Field(description=about))
        fields |= {"model_version": version, "reasons": _REASONS_OF[manifest.task]}
        return create_model("Answer", __config__=ConfigDict(protected_namespaces=()), **fields)
    if manifest.task == "multilabel":
        fields = {
            "labels": (list[str], Field(description="Those whose probability reaches the threshold of the label.")),
            "probabilities": (dict[str, float], Field(description="Probability of each label, for itself.")),
            "model_version": version,
            "reasons": _REASONS_OF["multilabel"],
        }
        return create_model("Answer", __config__=ConfigDict(protected_namespaces=()), **fields)
    if not manifest.classes:
        number = (float, Field(description=f"Predicted `{manifest.target}`."))
        return create_model("Answer", prediction=number, model_version=version, reasons=reasons)
    fields = {
        "label": (str | int | float | bool, Field(description=f"Predicted class of `{manifest.target}`.")),
        "probabilities": (dict[str, float], Field(description="Probability of each class; they add up to 1.")),
        "threshold": (
            float | None,
            Field(description="The label is the positive class when its probability reaches this."),
        ),
        "model_version": version,
        "reasons": reasons,
    }
    return create_model("Answer", __config__=ConfigDict(protected_namespaces=()), **fields)


def example_row(schema: InputSchema) -> dict[str, Any]:
    """A row as it can be sent, made of the examples of the columns."""
    return {column.name: column.example for column in schema.columns}


def openapi_request(schema: InputSchema, windows: Windows | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request body of `/predict` for OpenAPI, and the component `Row` that it points at.

    Args:
        schema: of the model.
        windows: how rows look back at each other, of those that do.
    """
    row = row_model(schema).model_json_schema(by_alias=True)
    example = example_row(schema)
    reference = {"$ref": "#/components/schemas/Row"}
    rows = _object("Rows", rows={"type": "array", "items": reference})
    columns = _object("Columns", columns={"type": "object", "additionalProperties": {"type": "array"}})
    by_column = {name: [value, value] for name, value in example.items()}
    content = {
        JSON: {
            "schema": {"oneOf": [reference, rows, columns]},
            "examples": {
                "one row": {"summary": "One row", "value": example},
                "many rows": {"summary": "Many rows", "value": {"rows": [example, example]}},
                "columns": {"summary": "Many rows, column by column", "value": {"columns": by_column}},
            },
        },
        **{name: {"schema": _AS_TEXT | {"description": about}} for name, about in _OTHER_FORMS.items()},
    }
    body = {"required": True, "content": content}
    return (body if windows is None else body | {"description": about_series(windows)}), row


def other_answers() -> dict[str, Any]:
    """The content of answers in other forms than JSON, for OpenAPI."""
    return {name: {"schema": _AS_TEXT | {"description": about}} for name, about in _OTHER_ANSWERS.items()}


_AS_TEXT = {"type": "string", "format": "binary"}
_OTHER_FORMS = {
    "text/csv": "A header with the columns, and a line for each row, in UTF-8.",
    "application/vnd.apache.arrow.stream": "A stream of Arrow IPC with the columns, its buffers not compressed.",
    "application/x-npy": "A matrix of numbers, rows x columns in the order of `GET /model`, as numpy.save writes it.",
    "application/x-ndjson": "One row as a JSON object in each line, for as long as there are rows; lines are answered "
    "while they come. Read the answers while you send.",
}
_OTHER_ANSWERS = {
    "text/csv": "`label` (of several `labels`, with `|` between them) and `probability_<class>`, or `prediction`, with "
    "a header.",
    "application/vnd.apache.arrow.stream": "The columns of CSV.",
    "application/x-npy": "Probabilities (rows x classes, in the order of the classes), or a number for each row.",
    "application/x-ndjson": "A line for each line, in order; in place of an answer that there is not "
    '`{"error": ..., "line": ..., "detail": [...]}`.',
}


def _object(title: str, **properties: Any) -> dict[str, Any]:
    required = [*properties]
    told = {"type": "object", "title": title, "properties": properties, "required": required}
    return told | {"additionalProperties": False}


def describe(column: InputColumn) -> str:
    """What the column takes, in words."""
    plan = column.plan
    parts = [_TYPES[column.type]]
    if plan.date_formats:
        parts.append(f"written {' or '.join(plan.date_formats)}")
    if plan.hhmm:
        parts.append("written hhmm")
    if plan.unit:
        parts.append(f"in {plan.unit}")
    if plan.percent:
        parts.append("in percent")
    if plan.true_values:
        parts.append(f"true: {', '.join(plan.true_values)}; false: {', '.join(plan.false_values)}")
    if column.min is not None and column.max is not None:
        parts.append(f"{column.min:g} to {column.max:g} in training")
    if not column.nullable:
        parts.append("never null in training")
    return "; ".join(parts)


def _limits(column: InputColumn) -> dict[str, Any]:
    if not column.categories:
        return {}
    # Not `enum`: a spelling that was not seen in training is allowed.
    return {"x-seen-in-training": column.categories[:_MOST_CATEGORIES]}

"""What the service of a forecast accepts and answers, for OpenAPI and for clients that are generated from it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.contract import describe, row_model
from automl_runtime.serving.forecasts import ForecastScorer, parts_of_schema
from automl_runtime.serving.scorer import Limits

__all__ = ["forecast_answer", "openapi_forecast"]

_ROWS = {
    "series": ("SeriesKey", "The cells that name a series."),
    "future": ("FutureRow", "A step ahead: its time, its series, and what is known of it."),
    "history": ("HistoryRow", "What happened since the model was made."),
}


def openapi_forecast(bundle: Bundle) -> tuple[dict[str, Any], dict[str, Any]]:
    """The request body of `/forecast` for OpenAPI, and the components that it points at."""
    model = bundle.model
    properties: dict[str, Any] = {
        "horizon": {
            "type": "integer",
            "minimum": 1,
            "maximum": model.horizon,
            "description": f"How many steps of one {model.layout.frequency.name}; default: as far as `future` reaches, "
            f"else {model.horizon}.",
        }
    }
    components = {}
    for part, schema in parts_of_schema(bundle).items():
        if schema.columns:
            name, about = _ROWS[part]
            components[name] = row_model(schema, name, about).model_json_schema(by_alias=True)
            items = {"$ref": f"#/components/schemas/{name}"}
            properties[part] = {"type": "array", "minItems": 1, "items": items, "description": about}
    body = {"type": "object", "title": "ForecastRequest", "properties": properties, "additionalProperties": False}
    example = ForecastScorer(bundle, None, Limits()).example(steps=min(2, model.horizon))
    content = {"schema": body, "examples": {"next steps": {"summary": "The next steps", "value": example}}}
    return {"required": False, "content": {"application/json": content}}, components


def forecast_answer(bundle: Bundle) -> type[BaseModel]:
    """The model of an answer: the steps with their interval."""
    layout = bundle.model.layout
    texts = {column.name: describe(column) for column in bundle.schema.columns}
    low, high = layout.bounds
    numbers = {layout.target: f"Forecast `{layout.target}`.", low: "Lower end.", high: "Upper end."}
    columns: list[tuple[str, type, str]] = [(name, str, texts[name]) for name in (*layout.series, layout.time)]
    columns += [(name, float, about) for name, about in numbers.items()]
    fields: dict[str, Any] = {
        f"column_{number}": (type_, Field(alias=name, title=name, description=about))
        for number, (name, type_, about) in enumerate(columns)
    }
    config = ConfigDict(protected_namespaces=())
    step = create_model("Step", __config__=config, **fields)
    return create_model(
        "ForecastAnswer",
        __config__=config,
        forecast=(list[step], Field(description="A row for each series and step.")),
        interval=(float, Field(description="Share of the values that fell between the ends in validation.")),
        model_version=(str, Field(description="Version of the model that answered.")),
    )

"""The contracts as JSON Schema, for other programs and languages."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

from automl_schemas.bundle import BundleManifest, InputSchema
from automl_schemas.catalog import DataCatalog
from automl_schemas.experiment import ExperimentConfig
from automl_schemas.lineage import DataManifest, Lineage
from automl_schemas.metrics import Metrics, RunRecord
from automl_schemas.pipeline import PipelineSpec
from automl_schemas.question import Question
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec
from automl_schemas.trials import Trial

__all__ = ["json_schemas"]

_EXPORTED: Final[tuple[type[BaseModel], ...]] = (
    BundleManifest,
    DataCatalog,
    DataManifest,
    ExperimentConfig,
    InputSchema,
    Lineage,
    Metrics,
    PipelineSpec,
    ProjectSpec,
    Question,
    Requirement,
    RunRecord,
    Trial,
)


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (draft 2020-12) of each document that passes between programs, by the name of its model.

    >>> sorted(json_schemas())[:3]
    ['BundleManifest', 'DataCatalog', 'DataManifest']
    """
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {model.__name__: {"$schema": dialect, **model.model_json_schema()} for model in _EXPORTED}

"""The contracts of automl: what passes between its parts, as pydantic models.

Import from the submodules (`automl_schemas.spec`, `automl_schemas.catalog`, ...); `json_schemas` exports all of them.
"""

from __future__ import annotations

from automl_schemas.catalog import DataCatalog
from automl_schemas.requirement import Requirement
from automl_schemas.spec import ProjectSpec

__all__ = ["DataCatalog", "ProjectSpec", "Requirement", "__version__"]

__version__ = "0.1.0"

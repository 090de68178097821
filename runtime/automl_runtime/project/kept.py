"""What a project keeps of its data and models, opened without importing what trains and judges: that takes longer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_schemas.lineage import DataManifest

from automl_runtime.data.lineage import fingerprint
from automl_runtime.errors import DataError
from automl_runtime.registry.aliases import find_version
from automl_runtime.registry.bundle import Bundle, open_bundle

if TYPE_CHECKING:
    from automl_runtime.project.layout import Project

__all__ = ["data_manifest", "data_sha256", "open_project_bundle"]


def open_project_bundle(project: Project, version: str | None) -> Bundle:
    """See `Project.bundle`."""
    models = project.root / "models"
    return open_bundle(models / find_version(models, version), project.root / ".automl" / "trusted_keys")


def data_sha256(project: Project) -> str:
    """One hash over the paths and hashes of the source files in `data/manifest.json`."""
    return fingerprint(data_manifest(project))


def data_manifest(project: Project) -> DataManifest:
    """The files that the data were made from."""
    path = project.root / "data" / "manifest.json"
    try:
        return DataManifest.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error

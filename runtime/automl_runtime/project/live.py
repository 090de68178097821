"""What a service of a project answers with: the version that an alias names, wherever that points next."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl_runtime.errors import BundleError, RequestError
from automl_runtime.files import stamp_of
from automl_runtime.project.code import code_of, code_sha256, is_as_generated
from automl_runtime.project.kept import open_project_bundle
from automl_runtime.registry.aliases import list_versions, read_aliases
from automl_runtime.serving.record_scorer import RecordFeatures, standard_features

if TYPE_CHECKING:
    from automl_runtime.project.layout import Features, Project
    from automl_runtime.registry.bundle import Bundle
    from automl_runtime.serving.traffic import TrafficSource

__all__ = ["ProjectModel", "record_features"]


@dataclass(frozen=True, slots=True)
class ProjectModel:
    """A `serving.live.ModelSource`: the version that `name` (an alias or a version; None: production) stands for."""

    project: Project
    name: str | None = None

    def stamp(self) -> Hashable:
        """Which file of aliases there is."""
        return stamp_of(self.folder() / "aliases.json")

    def versions(self) -> dict[str, Any]:
        """The versions of the project, oldest first, and its aliases."""
        return {"versions": list_versions(self.folder()), "aliases": read_aliases(self.folder())}

    def folder(self) -> Path:
        """Folder of the versions."""
        return self.project.root / "models"

    def job_command(self) -> list[str] | None:
        """The process that runs a job with this model, less the folder of the job; None where it predicts no rows."""
        if self.project.spec.task.type == "forecast":
            return None
        module = "automl_runtime.project.job_worker"
        return [sys.executable, "-m", module, str(self.project.root), self.name or ""]

    def traffic_source(self) -> TrafficSource:
        """Where the rules of the project come from, and the versions that they name."""
        from automl_runtime.serving.traffic import TrafficSource

        root, project = self.project.root, self.project
        return TrafficSource(
            root / "models", lambda name: ProjectModel(project, name).open(), root / ".automl" / "trusted_keys"
        )

    def open(self) -> tuple[Bundle, Features, RecordFeatures | None]:
        """The verified bundle, and the project's code as it is now; the last is None where somebody changed the code.

        Raises:
            BundleError: if the bundle cannot be trusted, or was trained with other code than there is now.
        """
        try:
            bundle = open_project_bundle(self.project, self.name)
        except RequestError as error:
            raise BundleError(str(error)) from error
        trained_with = bundle.manifest.features_sha256
        if trained_with is not None and trained_with != code_sha256(self.project.root):
            raise BundleError(
                f"{bundle.folder} was trained with other features than features.py and custom_features.py make now.",
                hint="Train again, or take those files back; a restart serves it with them as they are.",
            )
        return bundle, code_of(self.project).build, record_features(self.project, bundle)


def record_features(project: Project, bundle: Bundle) -> RecordFeatures | None:
    """What the code of the project makes of one row, without a frame; None where somebody changed the code."""
    if not is_as_generated(project.root):
        return None
    return standard_features(bundle.manifest.features, [column.name for column in bundle.schema.columns])

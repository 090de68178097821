"""What the service of a project sees of itself, by its settings; and the way back from a prediction to its data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from automl_schemas.lineage import DataManifest
from automl_schemas.metrics import RunRecord

from automl_runtime.errors import RequestError, shorten
from automl_runtime.monitoring.watching import DriftPolicy
from automl_runtime.project.settings import Settings
from automl_runtime.serving.observing import Observer
from automl_runtime.serving.prediction_log import PredictionLog, find_prediction
from automl_runtime.serving.workers import COUNTERS
from automl_runtime.tracking.runs import read_run

__all__ = ["PREDICTIONS", "Origin", "observer_of", "origin_of"]

PREDICTIONS: Final = "predictions"
"""Folder of a project where predictions are logged."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a prediction comes from."""

    prediction: dict[str, Any]
    """The line of the log: what was asked and answered, when, and by which version."""
    run: RunRecord | None
    """The training of that version; None: its folder is gone."""
    data: DataManifest | None
    """The files that it was trained on; None: the data have been read anew since, and are others."""


def observer_of(settings: Settings, root: Path) -> Observer:
    """What the service of the project at `root` sees, together with the other workers if there are some."""
    shared = os.environ.get(COUNTERS)
    share = settings.log_predictions
    return Observer(
        DriftPolicy(rows=settings.drift_rows),
        folder=None if shared is None else Path(shared),
        predictions=PredictionLog(root / PREDICTIONS, share) if share else None,
        slow_seconds=settings.slow_ms / 1000,
    )


def origin_of(root: Path, prediction_id: str) -> Origin:
    """The way of a logged prediction back to the run and the data of the project at `root`.

    Raises:
        RequestError: if no prediction of this name is in the log.
    """
    found = find_prediction(root / PREDICTIONS, prediction_id)
    if found is None:
        raise RequestError(
            f"No prediction {shorten(prediction_id)} is in {root / PREDICTIONS}.",
            hint="Only the share `log_predictions` of the requests is kept, and old files make room for new ones.",
        )
    run = None if found["run_id"] is None else read_run(root / "experiments" / Path(found["run_id"]).name)
    data = _manifest(root / "data" / "manifest.json", found["data_sha256"])
    return Origin(found, run, data)


def _manifest(path: Path, sha256: str | None) -> DataManifest | None:
    from automl_runtime.data.lineage import fingerprint

    if sha256 is None or not path.is_file():
        return None
    manifest = DataManifest.model_validate_json(path.read_bytes())
    return manifest if fingerprint(manifest) == sha256 else None

"""What a project does with models that look back: their past goes on when what happened since is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl_runtime.engine.forecasting.forecaster import Forecaster
from automl_runtime.errors import DataError
from automl_runtime.registry.aliases import PRODUCTION, next_version, set_alias
from automl_runtime.registry.bundle import write_bundle

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.model import AnomalyModel
    from automl_runtime.project.layout import Features, Project

__all__ = ["known_rows", "roll_forward", "with_past"]


def roll_forward(project: Project, build_features: Features | None = None) -> str:
    """Lets the past of the model in production go on to the end of the data, as the next version.

    The model is the one that was scored; only the moment from which it looks changes.

    Args:
        project: with a model of series.
        build_features: of the project, where the model looks back at features; a forecast looks at its target.

    Returns:
        The version in production: the next one, or the same when its past is complete already.
    """
    bundle = project.bundle()
    rows = pd.concat([project.load_rows("train"), project.load_rows("holdout")], ignore_index=True)
    if build_features is not None:
        rows = known_rows(bundle.model, build_features(rows))
    later = bundle.model.continued(rows)
    if _ends_alike(later, bundle.model):
        return bundle.manifest.model_version
    version = next_version(project.root / "models")
    write_bundle(
        later,
        bundle.schema,
        project.root / "models" / version,
        version=version,
        target=bundle.manifest.target,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reference=bundle.reference,
        training=bundle.manifest.training,
        trials=bundle.trials,
        features_sha256=bundle.manifest.features_sha256,
    )
    set_alias(
        project.root / "models", PRODUCTION, version, reason=f"{bundle.manifest.model_version} with what happened since"
    )
    return version


def with_past(model: AnomalyModel, project: Project, build_features: Features) -> AnomalyModel:
    """`model` as it looks at the holdout: back from the end of the training rows; the same where rows are no series."""
    if model.windows is None:
        return model
    return model.continued(known_rows(model, build_features(project.load_rows("train"))))


def known_rows(model: AnomalyModel, rows: pd.DataFrame) -> pd.DataFrame:
    """Those of series that `model` has seen; all where rows are no series.

    Raises:
        DataError: if there is none.
    """
    if model.windows is None:
        return rows
    known = rows[model.windows.knows(rows)]
    if known.empty and len(rows):
        raise DataError("None of the rows belongs to a series that the model has seen.", hint="Train on later data.")
    return known


def _ends_alike(later: Forecaster | AnomalyModel, model: Forecaster | AnomalyModel) -> bool:
    pasts = [
        {"": each.history.values} if isinstance(each, Forecaster) else each.windows.past if each.windows else {}
        for each in (later, model)
    ]
    return all(np.array_equal(pasts[0][name], pasts[1][name], equal_nan=True) for name in pasts[0])

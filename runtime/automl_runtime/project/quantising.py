"""A new version of a project's model with smaller weights, and what that costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from automl_runtime.engine.multilabel.model import MultilabelModel
from automl_runtime.errors import DataError, RequestError
from automl_runtime.inference.choosing import with_backends
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.quantising import Precision, Quantised, quantise
from automl_runtime.inference.speeds import record_speed
from automl_runtime.project.code import code_of
from automl_runtime.project.evaluating import score_rows
from automl_runtime.registry.aliases import next_version
from automl_runtime.registry.bundle import Bundle, write_bundle
from automl_runtime.registry.signing import trust

if TYPE_CHECKING:
    import pandas as pd

    from automl_runtime.project.layout import Project

__all__ = ["Quality", "quantise_version"]


@dataclass(frozen=True, slots=True)
class Quality:
    """What a version is worth, and what it takes."""

    version: str
    score: float
    """On the holdout, in the metric of the project."""
    model_bytes: int
    """Of the files of the model."""
    record_us: float
    """Microseconds of one record, as measured here and now."""

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def quantise_version(project: Project, precision: Precision, version: str | None = None) -> tuple[Quality, Quality]:
    """Writes `version` (None: production) with its weights in `precision` as the next version; promotes nothing.

    Returns:
        What the version is, and what the new one is.

    Raises:
        RequestError: if no linear model and no network is in it, or they are quantised.
        DataError: if the holdout is not there to be judged by.
    """
    bundle = project.bundle(version)
    model = bundle.model
    if _is_quantised(model):
        raise RequestError(f"{bundle.manifest.model_version} is quantised already.", hint="Name the version before it.")
    small = _quantised(model, precision)
    if small is None or not _is_quantised(small):
        raise RequestError(
            f"{bundle.manifest.model_version} has no linear model and no network; trees keep their thresholds as ranks "
            "in one byte anyhow.",
            hint="Nothing has to be done.",
        )
    rows = project.load_rows("holdout")
    if rows.empty:
        raise DataError("The holdout is empty: there is nothing to judge the smaller model by.")
    features, target = code_of(project).build(rows), rows[project.target]
    new = _written(project, bundle, small)
    return _quality(project, bundle, features, target), _quality(project, project.bundle(new), features, target)


def _is_quantised(model: Any) -> bool:
    """Whether a linear model or a network in it is; of several labels, in the model of one of them."""
    heads = model.heads.values() if isinstance(model, MultilabelModel) else [model]
    members = [member for head in heads if isinstance(head, FittedModel) for member in head.members]
    return any(isinstance(part.predictor, Quantised) for member in members for part in member.parts)


def _quantised(model: Any, precision: Precision) -> FittedModel | MultilabelModel | None:
    """None where the model is of a kind that has no weights."""
    if isinstance(model, MultilabelModel):
        return model.with_heads(lambda head: quantise(head, precision))
    return quantise(model, precision) if isinstance(model, FittedModel) else None


def _written(project: Project, bundle: Bundle, model: FittedModel | MultilabelModel) -> str:
    if isinstance(model, FittedModel):
        model = with_backends(model, inexact=project.spec.deployment.inexact_backends)
    models, manifest = project.root / "models", bundle.manifest
    version = next_version(models)
    signed = write_bundle(
        model,
        bundle.schema,
        models / version,
        version=version,
        target=manifest.target,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        reference=bundle.reference,
        training=manifest.training,
        trials=bundle.trials,
        features_sha256=manifest.features_sha256,
    )
    if signed.signature is not None:
        trust(project.root / ".automl" / "trusted_keys", signed.signature.public_key)
    return version


def _quality(project: Project, bundle: Bundle, features: pd.DataFrame, target: pd.Series) -> Quality:
    metrics, _ = score_rows(project, bundle, features, target)
    return Quality(
        bundle.manifest.model_version,
        metrics.holdout,
        sum(file.bytes for file in bundle.manifest.files if file.path.startswith("model/")),
        record_speed(bundle.model, features).median_us,
    )

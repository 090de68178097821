"""The manifest and the input schema of a model bundle (`models/<version>/`)."""

from __future__ import annotations

from typing import Literal

from automl_schemas.base import Contract
from automl_schemas.cleaning import ColumnPlan
from automl_schemas.metrics import LeaderboardRow, Scored
from automl_schemas.vocabulary import ColumnType, MetricName, PersonalData, TaskType

__all__ = ["BundleManifest", "HashedFile", "InputColumn", "InputSchema", "Signature", "TrainingSummary"]


class InputColumn(Contract):
    """One column of a prediction request: how raw values are parsed and what was seen in training."""

    name: str
    type: ColumnType
    plan: ColumnPlan
    required: bool = False
    """The key must be present; its value may be null when `nullable`."""
    nullable: bool = True
    categories: list[str] = []
    """Spellings seen in training, for documentation; others are accepted as unseen."""
    min: float | None = None
    max: float | None = None
    example: str | float | int | bool | None = None
    personal: PersonalData | None = None
    """Its values are masked wherever they are kept or shown."""


class InputSchema(Contract):
    """`schema.json` of a bundle: the columns of the assembled table that the features are built from."""

    version: Literal[1] = 1
    columns: list[InputColumn]


class HashedFile(Contract):
    """A file of a bundle."""

    path: str
    sha256: str
    bytes: int


class Signature(Contract):
    """Ed25519 signature of the manifest without this field."""

    algorithm: Literal["ed25519"] = "ed25519"
    public_key: str
    """32 bytes, hexadecimal."""
    value: str
    """64 bytes, hexadecimal."""


class TrainingSummary(Contract):
    """How the model came about: what the search found, on how many rows, in how long."""

    run_id: str
    data_sha256: str | None = None
    """One hash over the source files."""
    rows: int
    seconds: float
    cv: Scored
    best_model: str
    trials: int
    leaderboard: list[LeaderboardRow]


class BundleManifest(Contract):
    """`manifest.json` of a bundle, verified before anything else of it is read."""

    version: Literal[1] = 1
    model_version: str
    created: str
    task: TaskType
    metric: MetricName
    target: str
    classes: list[str | bool | int | float] = []
    positive: str | bool | int | float | None = None
    threshold: float | None = None
    threshold_by: str | None = None
    features: list[str]
    features_sha256: str | None = None
    """Of the code of the project that made the features, when there was some."""
    runtime_version: str
    training: TrainingSummary | None = None
    encryption: Literal["fernet"] | None = None
    """How the files are encrypted; the manifest itself never is."""
    files: list[HashedFile]
    signature: Signature | None = None

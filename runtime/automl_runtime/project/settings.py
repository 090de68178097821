"""Settings of the service of a project: of an argument, a variable, a file of `config/`, or a default."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from automl_runtime.errors import RequestError, shorten
from automl_runtime.serving.scaling import Scaling

__all__ = ["ENVIRONMENTS", "Settings", "load_settings"]

ENVIRONMENTS: Final = ("development", "production")


class Settings(BaseModel):
    """What differs between the places where the service runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=0, lt=65536)
    log_level: Literal["critical", "error", "warning", "info", "debug", "trace"] = "info"
    workers: int = Field(default=1, ge=1, le=256)
    """Processes that answer; they share the port."""
    workers_max: int | None = Field(default=None, ge=1, le=256)
    """Up to how many there may be while the load needs more than `workers`; null: never more."""
    cache_mb: float = Field(default=0.0, ge=0)
    """What answers may take in each worker that are kept for rows that come again; 0: none are kept."""
    cache_redis: str | None = Field(default=None, repr=False)
    """URL of a Redis server on which services keep such answers together, of models that are slower than asking there.
    It may hold a password: $AUTOML_CACHE_REDIS."""
    batch_rows: int = Field(default=4096, ge=1)
    """Rows that are scored together at most; a larger request is scored by itself."""
    keys: str = "config/api_keys.json"
    """File of API keys, from the root of the project; `automl keys` writes it."""
    token_key: str | None = Field(default=None, repr=False)
    """What JSON web tokens are signed with: a secret, or a public key (PEM). Never write it into a file of the project:
    $AUTOML_TOKEN_KEY."""
    per_minute: int | None = Field(default=None, ge=1)
    """Requests a minute of each who asks; null: as many as they like."""
    anonymous: bool = False
    """Whether a service that other machines reach may answer everybody, without keys or tokens."""
    slow_ms: float = Field(default=1000.0, gt=0)
    """Requests that take so many milliseconds are lines of the log."""
    log_predictions: float = Field(default=0.0, ge=0, le=1)
    """Share of the requests whose inputs and answers are kept in `predictions/`, personal data masked."""
    drift_rows: int = Field(default=500, ge=50)
    """Rows after which it is judged, once a minute at most, whether requests have moved away from training."""
    drain_seconds: float = Field(default=0.0, ge=0, le=600)
    """How long, after SIGTERM, requests are still taken while `/health/ready` says 503."""
    jobs: str = "jobs"
    """Folder of prediction jobs, from the root of the project."""
    job_folders: tuple[str, ...] = ()
    """Folders of this machine below which jobs may read and write files; in a variable divided as in $PATH."""
    job_days: float = Field(default=7.0, gt=0)
    """How long jobs that have ended are kept."""
    job_workers: int = Field(default=1, ge=1, le=64)
    """Jobs that run at a time."""
    model: str = "production"
    """An alias in `models/aliases.json`, or a version."""

    @property
    def scaling(self) -> Scaling:
        """Between how many workers the service has.

        Raises:
            RequestError: if `workers_max` is less than `workers`.
        """
        most = self.workers if self.workers_max is None else self.workers_max
        if most < self.workers:
            raise RequestError(
                f"workers_max is {most}, less than workers ({self.workers}).", hint="Leave one of them out."
            )
        return Scaling(self.workers, most)

    @field_validator("job_folders", mode="before")
    @classmethod
    def _divided(cls, value: object) -> object:
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else value


def load_settings(
    root: Path,
    *,
    environment: str | None = None,
    variables: Mapping[str, str] = os.environ,
    **arguments: str | int | None,
) -> Settings:
    """The settings of the project at `root`.

    Args:
        root: folder of the project; a file missing below its `config/` counts as empty.
        environment: `development` or `production`; None: $AUTOML_ENVIRONMENT, else development.
        variables: environment variables; an empty one counts as not set.
        **arguments: values that go before all others, unless None.

    Raises:
        RequestError: if a value or a key is wrong; the message names where it stands.
    """
    chosen = environment or variables.get("AUTOML_ENVIRONMENT") or ENVIRONMENTS[0]
    if chosen not in ENVIRONMENTS:
        raise RequestError(f"There is no environment {shorten(chosen)}; environments: {', '.join(ENVIRONMENTS)}.")
    named = {name: variables.get(f"AUTOML_{name.upper()}") for name in Settings.model_fields}
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (f"config/{layer}.yaml", _read(root / "config" / f"{layer}.yaml")) for layer in ("base", chosen)
    ]
    layers += [
        ("environment", {name: value for name, value in named.items() if value}),
        ("argument", {name: value for name, value in arguments.items() if value is not None}),
    ]
    merged: dict[str, Any] = {}
    for origin, values in layers:
        _check(origin, values)
        merged |= values
    return Settings.model_validate(merged)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RequestError(f"{path} cannot be read: {shorten(str(error), 200)}.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise RequestError(f"{path} holds no settings; it has lines as `port: 8000`.")
    return {str(key): value for key, value in content.items()}


def _check(origin: str, values: Mapping[str, Any]) -> None:
    """Each layer is checked alone, so that the message can say where a wrong value stands."""
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, Settings.model_fields, n=1)
            hint = f"Did you mean `{near[0]}`?" if near else f"Settings: {', '.join(Settings.model_fields)}."
            raise RequestError(f"{origin}: there is no setting {shorten(key)}.", hint=hint) from error
        name = f"AUTOML_{key.upper()}" if origin == "environment" else f"{origin}: {key}"
        raise RequestError(f"{name} is {shorten(values[key])}: {first['msg']}.") from error

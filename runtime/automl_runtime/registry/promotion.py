"""Putting versions of a model into production, and taking them back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl_schemas.metrics import score_or_none
from automl_schemas.vocabulary import higher_is_better

from automl_runtime.errors import RequestError, shorten
from automl_runtime.registry.aliases import (
    PRODUCTION,
    alias_history,
    find_version,
    list_versions,
    read_aliases,
    set_alias,
)
from automl_runtime.registry.bundle import verify_bundle

__all__ = ["VersionRow", "compare_versions", "list_rows", "promote", "rollback"]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version, as its manifest tells of it."""

    version: str
    aliases: tuple[str, ...]
    created: str
    task: str
    metric: str
    cv: float | None
    best_model: str | None
    rows: int | None
    run_id: str | None
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return asdict(self)


def promote(
    models: Path, version: str, *, alias: str = PRODUCTION, trusted_keys: Path | None = None, reason: str = ""
) -> str:
    """Points `alias` at `version` (a version or another alias), once every byte of it has been verified.

    Services that follow the alias answer with it within a second.

    Returns:
        The version.

    Raises:
        RequestError: if there is no such version.
        BundleError: if it was tampered with or signed by a key that is not trusted; the alias stays.
    """
    found = find_version(models, version)
    verify_bundle(models / found, trusted_keys)
    set_alias(models, alias, found, reason=reason)
    return found


def rollback(models: Path, *, alias: str = PRODUCTION, trusted_keys: Path | None = None, reason: str = "") -> str:
    """Points `alias` at the version that it pointed at before; a second time, at the one before that.

    Returns:
        The version.

    Raises:
        RequestError: if the alias does not exist, or nothing was before.
        BundleError: as `promote`.
    """
    current = read_aliases(models).get(alias)
    if current is None:
        raise RequestError(f"{models} has no alias {shorten(alias)}.")
    there = set(list_versions(models))
    way: list[str] = []
    for change in alias_history(models):
        if change.alias == alias and change.after in there:
            # Going back takes a step off the way that led here.
            way = way[: way.index(change.after) + 1] if change.after in way else [*way, change.after]
    before = way[way.index(current) - 1] if current in way and way.index(current) > 0 else None
    if before is None:
        raise RequestError(
            f"{alias!r} of {models} has pointed at {current} from the beginning.",
            hint=f"Versions: {', '.join(sorted(there))}. Promote one of them by name.",
        )
    return promote(models, before, alias=alias, trusted_keys=trusted_keys, reason=reason or f"back from {current}")


def list_rows(models: Path, trusted_keys: Path | None = None) -> list[VersionRow]:
    """All versions, oldest first, each verified.

    Raises:
        BundleError: naming the file of a version that was tampered with.
    """
    aliases = read_aliases(models)
    return [_row(models, version, aliases, trusted_keys) for version in list_versions(models)]


def compare_versions(
    models: Path, before: str, after: str, trusted_keys: Path | None = None
) -> dict[str, tuple[Any, Any]]:
    """What differs between two versions (or aliases), as their manifests tell it, and whether `after` is `better`.

    Raises:
        RequestError: if there is no such version, or they were chosen by different metrics.
        BundleError: as `list_rows`.
    """
    aliases = read_aliases(models)
    rows = [_row(models, find_version(models, name), aliases, trusted_keys) for name in (before, after)]
    old, new = (row.to_json() for row in rows)
    if old["metric"] != new["metric"]:
        raise RequestError(f"{rows[0].version} was chosen by {old['metric']}, {rows[1].version} by {new['metric']}.")
    found = {name: (old[name], new[name]) for name in old if old[name] != new[name]}
    if None not in (old["cv"], new["cv"]):
        gain = (new["cv"] - old["cv"]) * (1 if higher_is_better(rows[0].metric) else -1)  # type: ignore[arg-type]
        found["better"] = (gain < 0, gain > 0)
    return found


def _row(models: Path, version: str, aliases: dict[str, str], trusted_keys: Path | None) -> VersionRow:
    manifest = verify_bundle(models / version, trusted_keys)
    training = manifest.training
    return VersionRow(
        version=version,
        aliases=tuple(sorted(alias for alias, target in aliases.items() if target == version)),
        created=manifest.created,
        task=manifest.task,
        metric=manifest.metric,
        cv=None if training is None else score_or_none(training.cv),
        best_model=None if training is None else training.best_model,
        rows=None if training is None else training.rows,
        run_id=None if training is None else training.run_id,
        bytes=sum(file.bytes for file in manifest.files),
    )

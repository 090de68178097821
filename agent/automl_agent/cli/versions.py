"""Commands for the versions of a model: models, promote, rollback, pause, unpause, quantise, encrypt."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from automl_agent.cli.shared import Debug, Json, ProjectFolder, emit, emit_json, print_table

__all__ = ["register"]

Alias = Annotated[str, typer.Option("--alias", help="The name that is moved.", metavar="NAME")]
Reason = Annotated[str, typer.Option("--reason", help="Kept in models/history.jsonl.")]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command(epilog="Example: automl models ./churn --compare v001 v002")(models)
    app.command(epilog="Example: automl promote ./churn v002 --reason 'a month without complaints'")(promote)
    app.command(epilog="Example: automl rollback ./churn")(rollback)
    app.command(epilog="Example: automl pause ./churn --reason 'prices of May are wrong'")(pause)
    app.command(epilog="Example: automl unpause ./churn")(unpause)
    app.command(epilog="Example: automl quantise ./churn --weights int8")(quantise)
    app.command(epilog="Example: AUTOML_PASSPHRASE='...' automl encrypt ./churn")(encrypt)


def models(
    project: ProjectFolder,
    compare: Annotated[
        tuple[str, str] | None, typer.Option("--compare", help="Two versions; exit code 1: the second is no better.")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the versions of a project's model, verified, and the aliases that point at them."""
    from automl_runtime.registry.promotion import compare_versions, list_rows

    place, keys = _place(project)
    if compare is not None:
        found = compare_versions(place, *compare, keys)
        better = found.pop("better", (None, None))[1]
        if as_json:
            emit_json({"differences": found, "better": better})
        else:
            print_table(["", *compare], [(name, *map(_cell, values)) for name, values in found.items()])
        raise typer.Exit(0 if better else 1)
    rows = list_rows(place, keys)
    if as_json:
        emit_json([row.to_json() for row in rows])
        return
    print_table(
        ["version", "aliases", "metric", "cv", "best model", "rows", "MB", "created"],
        [
            (
                row.version,
                ", ".join(row.aliases),
                row.metric,
                "" if row.cv is None else f"{row.cv:.4f}",
                row.best_model or "",
                "" if row.rows is None else f"{row.rows:,}",
                f"{row.bytes / 1e6:.1f}",
                row.created,
            )
            for row in rows
        ],
        right=(3, 5, 6),
    )


def promote(
    project: ProjectFolder,
    version: Annotated[str, typer.Argument(help="A version, or an alias that points at one.")],
    alias: Alias = "production",
    reason: Reason = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Put a version into production; services that are running answer with it within a second."""
    from automl_runtime.registry.promotion import promote as move

    place, keys = _place(project)
    _tell(move(place, version, alias=alias, trusted_keys=keys, reason=reason), alias, as_json)


def rollback(
    project: ProjectFolder,
    alias: Alias = "production",
    reason: Reason = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Put the version back into production that was there before."""
    from automl_runtime.registry.promotion import rollback as move

    place, keys = _place(project)
    _tell(move(place, alias=alias, trusted_keys=keys, reason=reason), alias, as_json)


def pause(
    project: ProjectFolder,
    reason: Annotated[str, typer.Option("--reason", help="Told to clients, and kept in models/history.jsonl.")] = "",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Let all services of a project refuse requests (503) within a second, until `automl unpause`."""
    from automl_runtime.registry.pausing import pause as begin

    found = begin(_place(project)[0], reason=reason)
    emit_json({"paused": True, **asdict(found)}) if as_json else emit(str(found))


def unpause(project: ProjectFolder, reason: Reason = "", as_json: Json = False, debug: Debug = False) -> None:
    """Let the services of a project answer again."""
    from automl_runtime.registry.pausing import resume

    ended = resume(_place(project)[0], reason=reason)
    told = "it was not paused" if ended is None else f"it answers again; it was paused since {ended.since}"
    emit_json({"paused": False, "ended": None if ended is None else asdict(ended)}) if as_json else emit(told)


def quantise(
    project: ProjectFolder,
    weights: Annotated[
        str, typer.Option("--weights", help="Of the new version: int8, uint8, int16 or float16.")
    ] = "int8",
    version: Annotated[str | None, typer.Option("--version", help="A version or alias; default: production.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write a version with smaller weights of linear models and networks, judged on the holdout; promotes nothing."""
    from automl_runtime.inference.quantising import PRECISIONS
    from automl_runtime.project import Project
    from automl_runtime.project.quantising import quantise_version

    precision = next((known for known in PRECISIONS if known == weights), None)
    if precision is None:
        raise typer.BadParameter(f"{weights!r} is none of {', '.join(PRECISIONS)}.", param_hint="--weights")
    loaded = Project.load(project)
    before, after = quantise_version(loaded, precision, version)
    if as_json:
        emit_json({"before": before.to_json(), "after": after.to_json(), "weights": precision})
        return
    print_table(
        ["version", loaded.spec.metric.name, "kB", "us a record"],
        [
            (each.version, f"{each.score:.5f}", f"{each.model_bytes / 1e3:.1f}", f"{each.record_us:.0f}")
            for each in (before, after)
        ],
        right=(1, 2, 3),
    )
    emit(f"automl promote {project} {after.version} puts it into production")


def encrypt(
    project: ProjectFolder,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Let $AUTOML_NEW_PASSPHRASE or $AUTOML_NEW_BUNDLE_KEY open the versions.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Encrypt the versions that are trained from now on, with $AUTOML_PASSPHRASE or $AUTOML_BUNDLE_KEY."""
    from automl_runtime.registry.encryption import rotate_key, start_encryption

    place, _ = _place(project)
    (rotate_key if rotate else start_encryption)(place)
    said = "the new key opens all versions, the old one no longer does" if rotate else "new versions are encrypted"
    emit_json({"encrypted": True, "rotated": rotate}) if as_json else emit(said)


def _place(project: Path) -> tuple[Path, Path]:
    from automl_runtime.project import Project

    root = Project.load(project).root
    return root / "models", root / ".automl" / "trusted_keys"


def _tell(version: str, alias: str, as_json: bool) -> None:
    emit_json({"alias": alias, "version": version}) if as_json else emit(f"{alias} is {version} now")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else "" if value is None else str(value)

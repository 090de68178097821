"""The command for those who may ask a service: keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_agent.cli.shared import Debug, Json, emit, emit_json, print_table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command to `app`."""
    app.command(epilog="Example: automl keys ./churn --add web-shop --per-minute 600")(keys)


def keys(
    place: Annotated[Path, typer.Argument(help="A project, or a file of keys for a service of several.")] = Path(),
    add: Annotated[str | None, typer.Option("--add", help="Make a key for somebody; it is shown once.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What it allows: predict (default), manage; repeatable.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", help="Requests a minute; default: no limit.")
    ] = None,
    revoke: Annotated[str | None, typer.Option("--revoke", help="Shut somebody out, within a second.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the API keys of a service; make or revoke one."""
    from automl_runtime.errors import RequestError
    from automl_runtime.serving.keys import add_key, read_keys, revoke_key

    path = _file(place)
    if add is not None and revoke is not None:
        raise RequestError("--add and --revoke exclude each other.")
    if add is None and (scope or per_minute is not None):
        raise RequestError("--scope and --per-minute are of a key that is made: --add NAME.")
    if add is not None:
        made, secret = add_key(path, add, scopes=scope or ("predict",), per_minute=per_minute)
        if as_json:
            emit_json({"name": made.name, "scopes": list(made.scopes), "per_minute": made.per_minute, "key": secret})
        else:
            emit(secret)
        return
    if revoke is not None:
        gone = revoke_key(path, revoke)
        emit_json({"revoked": gone.name}) if as_json else emit(f"revoked the key of {gone.name}")
        return
    found = read_keys(path)
    if as_json:
        emit_json(
            [
                {"name": k.name, "scopes": list(k.scopes), "per_minute": k.per_minute, "created": k.created}
                for k in found
            ]
        )
        return
    rows = [(key.name, ", ".join(key.scopes), str(key.per_minute or ""), key.created) for key in found]
    print_table(["name", "scopes", "a minute", "created"], rows, right=(2,))


def _file(place: Path) -> Path:
    """The file that the service of the project reads, or the file itself."""
    from automl_runtime.project import Project
    from automl_runtime.project.settings import load_settings

    if place.suffix == ".json":
        return place
    root = Project.load(place).root
    return root / load_settings(root).keys

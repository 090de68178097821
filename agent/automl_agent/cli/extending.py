"""Commands for parts that others add: register, list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from automl_agent.cli.shared import Debug, Json, emit, emit_json, print_table

__all__ = ["register"]

KindName = Annotated[
    str, typer.Argument(help="preprocessors, architectures, evaluators, metrics or strategies.", metavar="KIND")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to `app`."""
    app.command("register", epilog="Example: automl register architectures --name mine --module my_models:Mine")(add)
    app.command("list", epilog="Example: automl list architectures")(show)


def add(
    kind: KindName,
    name: Annotated[str | None, typer.Option("--name", help="What the part is called from now on.")] = None,
    module: Annotated[
        str | None, typer.Option("--module", help="Where it is: module.path:Class.", metavar="MODULE:CLASS")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Folder of the module; default: this one, if it lies here.")
    ] = None,
    remove: Annotated[str | None, typer.Option("--remove", help="Forget this part.", metavar="NAME")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Add a part of your own (an estimator, a transformer, a metric ...), or remove one."""
    from automl_runtime.engine.registries import registry
    from automl_runtime.errors import RequestError
    from automl_runtime.plugins import kind_named

    parts = registry(kind_named(kind))
    if remove is not None:
        if name is not None or module is not None:
            raise RequestError("--remove stands alone: it takes the name of a part that was registered.")
        parts.remove(remove)
        emit_json({"removed": remove}) if as_json else emit(f"removed {remove} from the {parts.kind}")
        return
    if name is None or module is None:
        raise RequestError("--name and --module are needed, as --name mine --module my_models:Mine; or --remove NAME.")
    here = Path(*module.partition(":")[0].split(".")[:1])
    lies_here = here.is_dir() or here.with_suffix(".py").is_file()
    plugin = parts.register(name, module, folder=folder or (Path() if lies_here else None))
    if as_json:
        emit_json({"kind": parts.kind, "name": plugin.name, "target": plugin.target, "folder": plugin.folder})
    else:
        emit(f"registered {plugin.name} ({plugin.target}) among the {parts.kind}")


def show(kind: KindName, as_json: Json = False, debug: Debug = False) -> None:
    """List what there is to choose from: built in, brought by packages, or registered by you."""
    from automl_runtime.engine.registries import registry
    from automl_runtime.events import Warned
    from automl_runtime.plugins import kind_named

    from automl_agent.console import narrate

    warnings: list[str] = []
    found = registry(kind_named(kind)).plugins(warnings.append)
    if as_json:
        parts = [{"name": each.name, "target": each.target, "origin": each.origin} for each in found.values()]
        emit_json({"parts": parts, "warnings": warnings})
        return
    print_table(["name", "origin", "where"], [(each.name, each.origin, each.target) for each in found.values()])
    with narrate(quiet=True) as narrator:
        for warning in warnings:
            narrator(Warned(warning))

"""Parts that others add: found by name, imported when they are used, and left out with a warning when broken.

A part comes from an installed package, by an entry point of the group `automl.KIND`, or from the user, by `automl
register`, which keeps a file. Names that are built in are given by the engine.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, get_args

from automl_runtime.errors import RequestError, shorten
from automl_runtime.files import write_text

__all__ = ["KINDS", "Kind", "Plugin", "Registry", "home", "kind_named"]

Kind = Literal["preprocessors", "architectures", "evaluators", "metrics", "strategies"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_BROKEN = (ImportError, AttributeError, SyntaxError, TypeError, ValueError, RuntimeError, OSError, LookupError)
"""What the import of a part may raise without ending anything else."""
_VERSION = 1


def home() -> Path:
    """The user's folder: $AUTOML_HOME, else `automl` below $XDG_CONFIG_HOME or `~/.config`."""
    given = os.environ.get("AUTOML_HOME")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "automl"


def kind_named(word: str) -> Kind:
    """The kind that `word` says, in the singular or plural.

    Raises:
        RequestError: naming those there are.
    """
    for kind in KINDS:
        if word in (kind, _singular(kind)):
            return kind
    raise _unknown("kind of parts", word, KINDS)


@dataclass(frozen=True, slots=True)
class Plugin:
    """Where a part lives; `target` is `module.path:Attribute`, imported with `folder` in front where there is one."""

    name: str
    target: str
    origin: str
    folder: str | None = None

    @property
    def built_in(self) -> bool:
        """Whether it comes with this package."""
        return self.origin == "built in"

    def load(self) -> Any:
        """The class or function.

        Raises:
            RequestError: if it cannot be imported, with the reason.
        """
        module, _, attribute = self.target.partition(":")
        # A folder counts for this import only: it must not shadow what is imported later.
        before = list(sys.path)
        try:
            if self.folder is not None:
                sys.path.insert(0, self.folder)
            return getattr(import_module(module), attribute)
        except _BROKEN as error:
            raise RequestError(
                f"{self.name} ({self.target}, {self.origin}) cannot be loaded: "
                f"{type(error).__name__}: {shorten(str(error))}."
            ) from error
        finally:
            sys.path[:] = before


class Registry:
    """The parts of one kind; nothing is imported before it is used.

    Args:
        kind: what they are.
        built_in: the targets of those that come with this package, by name.
        file: where the user's are kept; None: `plugins.json` in the user's folder.
    """

    def __init__(self, kind: Kind, built_in: Mapping[str, str], *, file: Path | None = None) -> None:
        self.kind, self._built_in = kind, built_in
        self._file = file or home() / "plugins.json"

    def plugins(self, warn: Callable[[str], None] | None = None) -> dict[str, Plugin]:
        """All parts by name, the built-in ones first; `warn` hears of those whose name is taken, which are left out."""
        found = {name: Plugin(name, target, "built in") for name, target in self._built_in.items()}
        packaged = sorted(entry_points(group=f"automl.{self.kind}"), key=lambda entry: (entry.name, entry.value))
        more = [Plugin(entry.name, entry.value, f"package {_package(entry)}") for entry in packaged]
        for plugin in more + [_plugin(record) for record in self._read() if record["kind"] == self.kind]:
            if plugin.name in found:
                taken = found[plugin.name]
                if warn is not None:
                    warn(f"Left out: {plugin.name} ({plugin.target}, {plugin.origin}): {taken.target} has that name.")
            else:
                found[plugin.name] = plugin
        return found

    def named(self, name: str) -> Plugin:
        """The part called `name`.

        Raises:
            RequestError: naming the nearest, and those there are.
        """
        found = self.plugins()
        if name not in found:
            raise _unknown(_singular(self.kind), name, list(found))
        return found[name]

    def load_added(self, warn: Callable[[str], None]) -> dict[str, tuple[Plugin, Any]]:
        """What packages and the user added, imported; `warn` names what is broken, which is left out."""
        loaded = {}
        for name, plugin in self.plugins(warn).items():
            if not plugin.built_in:
                try:
                    loaded[name] = plugin, plugin.load()
                except RequestError as error:
                    warn(f"Left out: {error.message}")
        return loaded

    def register(self, name: str, target: str, *, folder: Path | None = None) -> Plugin:
        """Adds a part of the user's, for every later process.

        Args:
            name: not taken yet.
            target: `module.path:Attribute`; it is imported to see whether it works.
            folder: where the module lies when it is not installed.

        Raises:
            RequestError: if the name is taken, or the target cannot be imported.
        """
        if not name.isidentifier():
            raise RequestError(f"{shorten(name)} is no name: letters, digits and _ only, not beginning with a digit.")
        taken = self.plugins().get(name)
        if taken is not None:
            remove = f", or remove it: automl register {self.kind} --remove {name}"
            raise RequestError(
                f"There is already a part {shorten(name)} among the {self.kind}: {taken.target} ({taken.origin}).",
                hint=f"Choose another name{remove if taken.origin == 'registered' else '.'}",
            )
        module, colon, attribute = target.partition(":")
        if not colon or not all(part.isidentifier() for part in [*module.split("."), attribute]):
            raise RequestError(f"{shorten(target)} is not of the form module.path:Class.")
        plugin = Plugin(name, target, "registered", None if folder is None else str(folder.resolve()))
        plugin.load()
        self._write([*self._read(), {"kind": self.kind} | asdict(plugin)])
        return plugin

    def remove(self, name: str) -> None:
        """Forgets a part that was registered.

        Raises:
            RequestError: if it was not.
        """
        records = self._read()
        kept = [record for record in records if (record["kind"], record["name"]) != (self.kind, name)]
        if len(kept) == len(records):
            own = [str(record["name"]) for record in records if record["kind"] == self.kind]
            raise _unknown(f"registered {_singular(self.kind)}", name, own)
        self._write(kept)

    def _read(self) -> list[dict[str, Any]]:
        if not self._file.is_file():
            return []
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            records: list[dict[str, Any]] = content["plugins"]
            for record in records:
                _plugin(record), record["kind"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RequestError(
                f"{self._file} is not what `automl register` writes: {error!r}.", hint="Correct it, or delete it."
            ) from error
        return records

    def _write(self, records: list[dict[str, Any]]) -> None:
        write_text(self._file, json.dumps({"version": _VERSION, "plugins": records}, indent=2) + "\n")


def _plugin(record: Mapping[str, Any]) -> Plugin:
    return Plugin(str(record["name"]), str(record["target"]), "registered", record["folder"])


def _singular(kind: Kind) -> str:
    return "strategy" if kind == "strategies" else kind.removesuffix("s")


def _package(entry: Any) -> str:
    return str(entry.dist.name) if entry.dist is not None else "unknown"


def _unknown(what: str, name: str, known: Sequence[str]) -> RequestError:
    near = get_close_matches(str(name), list(known), n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return RequestError(f"There is no {what} {shorten(name)}.{guess} Possible: {', '.join(known) or 'none'}.")

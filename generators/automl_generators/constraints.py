"""The versions that a project was made with: with others the same model can answer differently."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["constraints_text", "installed_versions"]

_ROOTS: Final = ("automl-runtime[boost,serve,search,vision]", "mypy", "pytest", "ruff")
_HEADER: Final = "# Versions that the model was made with; `make` installs these.\n"


def constraints_text(roots: Iterable[str] = _ROOTS) -> str:
    """Text of a pip constraints file: names and versions of `roots` and all that they need, as far as installed here.

    Our own distributions are left out (they come as wheels or stand in pyproject.toml), and so are builds with a local
    version, which no index has.
    """
    versions = installed_versions(roots)
    lines = [
        f"{name}=={version}\n"
        for name, version in sorted(versions.items())
        if not name.startswith("automl-") and "+" not in version
    ]
    return _HEADER + "".join(lines)


def installed_versions(roots: Iterable[str]) -> dict[str, str]:
    """Normalised name -> version of `roots` (requirements) and what they need on this machine, where installed."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = distribution.version
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            needs = (Requirement(text) for text in distribution.requires or ())
            waiting += [need for need in needs if _applies(need, extra)]
    return found


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})

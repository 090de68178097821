"""Where, when and with which packages a run was made: what its `config.yaml` says besides what was asked for."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

__all__ = ["circumstances"]

_PACKAGES: Final = (
    *("automl-runtime", "automl-schemas", "numpy", "pandas", "scikit-learn", "lightgbm", "catboost", "xgboost-cpu"),
    *("numba", "optuna"),
)
"""Those that a score can depend on."""


def circumstances(source: Path) -> dict[str, Any]:
    """`created`, `source` (absolute) and `versions`; packages that are not installed are left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": str(source.resolve()),
        "versions": found,
    }

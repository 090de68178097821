"""Where what can be made again is kept between commands."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """The folder `automl` in the user's cache ($XDG_CACHE_HOME, else ~/.cache); it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "automl"

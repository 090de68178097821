"""Environments of peers below `.bench/`, one for each, made at the first use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ROOT", "python_of"]

ROOT = Path(__file__).resolve().parents[1]


def python_of(peer: str, packages: Sequence[str]) -> str:
    """The interpreter of an environment in which `packages` are installed."""
    folder = ROOT / ".bench" / peer
    python = folder / "bin" / "python"
    if not (folder / ".made").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        (folder / ".made").touch()
    return str(python)

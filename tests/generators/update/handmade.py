"""Generated trees made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from automl_generators.ownership import write_ownership

PACKAGE = "predict_lapse"


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    """`files` as a project that was just generated."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    write_ownership(folder, PACKAGE)
    return folder

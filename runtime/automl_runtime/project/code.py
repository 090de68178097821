"""The code of a project that makes the inputs of its model: called from outside, and told apart by its hash."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from automl_runtime.errors import DataError
from automl_runtime.inference.encoding import FeatureKind

if TYPE_CHECKING:
    from automl_runtime.project.layout import Features, Project

__all__ = ["FeatureCode", "as_they_stand", "code_of", "code_sha256", "is_as_generated", "prepare_rows"]

_CODE = ("features.py", "custom_features.py")


@dataclass(frozen=True, slots=True)
class FeatureCode:
    """What `features.py` of a project offers."""

    build: Features
    kinds: Mapping[str, FeatureKind]
    inputs: list[str]
    """The columns of a row that features are made of."""


def as_they_stand(kinds: Mapping[str, FeatureKind]) -> FeatureCode:
    """The columns of `kinds` without a change."""
    names = list(kinds)

    def build(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[names]

    return FeatureCode(build, dict(kinds), names)


def code_of(project: Project) -> FeatureCode:
    """The `features.py` of a generated project.

    Raises:
        DataError: if there is none below `src/`.
    """
    with _importable(project.root) as package:
        module = importlib.import_module(f"{package}.features")
    # A forecast reads columns as they are: its features.py lists no kinds.
    return FeatureCode(module.build_features, getattr(module, "KINDS", {}), list(module.INPUTS))


def is_as_generated(root: Path) -> bool:
    """Whether the code that makes features is still that which was written when the project was made."""
    try:
        known = json.loads((root / ".automl" / "manifest.json").read_bytes())["files"]
        [package] = {path.parent for path in root.glob("src/*/features.py")}
        return all(
            hashlib.sha256((package / name).read_bytes()).hexdigest()
            == known[(package / name).relative_to(root).as_posix()]["sha256"]
            for name in _CODE
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def code_sha256(root: Path) -> str | None:
    """The hash of the code that makes features in the project at `root`; None when there is none."""
    files = [path for name in _CODE for path in sorted(root.glob(f"src/*/{name}"))]
    if not files:
        return None
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def prepare_rows(project: Project) -> None:
    """Makes `data/processed` of a generated project, unless it is there."""
    if all((project.root / "data" / "processed" / f"{part}.parquet").is_file() for part in ("train", "holdout")):
        return
    with _importable(project.root) as package:
        select = importlib.import_module(f"{package}.data").select
    tables = project.read_tables()
    train, holdout = project.split(project.query("sql/training_table.sql", select(tables)))
    project.save_rows(train=train, holdout=holdout)


@contextmanager
def _importable(root: Path) -> Iterator[str]:
    """The package of the project, importable inside the block; modules of that name of another project stay apart."""
    found = sorted(path.parent.name for path in root.glob("src/*/features.py"))
    if len(found) != 1:
        raise DataError(f"{root / 'src'} holds {len(found)} packages with features; a project has one.")
    [package] = found
    before = list(sys.path)
    others = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == package}
    sys.path.insert(0, str(root / "src"))
    importlib.invalidate_caches()
    try:
        yield package
    finally:
        sys.path[:] = before
        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            del sys.modules[name]
        sys.modules.update(others)

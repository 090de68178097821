"""A rendered project with its pristine text, and what makes trees by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from automl_generators.project import render_project
from generators.conftest import several_tables
from generators.update.handmade import write_tree


@pytest.fixture
def trees(tmp_path: Path) -> Callable[[Mapping[str, bytes], Mapping[str, bytes]], tuple[Path, Path]]:
    """Two generated trees, the old and the new one, from the contents of their files."""

    def make(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[Path, Path]:
        return write_tree(tmp_path / "mine", old), write_tree(tmp_path / "new", new)

    return make


@pytest.fixture
def rendered(plan, tmp_path: Path) -> Path:
    """A project as it was generated, without a model."""
    folder = tmp_path / "project"
    render_project(folder, plan, vendor=False)
    return folder


@pytest.fixture(scope="session")
def generated_files(tmp_path_factory) -> dict[str, bytes]:
    """Every file that a project has and a person may edit."""
    folder = tmp_path_factory.mktemp("generated") / "project"
    render_project(folder, several_tables().plan(), vendor=False)
    base = folder / ".automl" / "base"
    files = {path.relative_to(base).as_posix(): path.read_bytes() for path in base.rglob("*") if path.is_file()}
    shutil.rmtree(folder)
    return files

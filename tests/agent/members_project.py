"""A small trained project of our own, made as `automl new` makes one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from automl_agent.creating import create
from automl_agent.drafting import DraftOptions, draft
from generators.conftest import write_raw

REQUEST = "predict which members have left, AUC above 0.6"


def make_project(place: Path, **options: Any) -> Path:
    """The project `place/project`, made of `place/raw`."""
    write_raw(place / "raw")
    drafted = draft(REQUEST, DraftOptions(data=place / "raw", **options))
    create(drafted, place / "project", vendor=False)
    return place / "project"


def copy_project(made: Path, place: Path) -> Path:
    """A copy of the project and its data, to be changed."""
    for name in ("raw", "project"):
        shutil.copytree(made.parent / name, place / name)
    return place / "project"


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    command = ["git", "-c", "user.name=U", "-c", "user.email=u@example.com", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def edit(path: Path, old: str, new: str) -> None:
    """Replaces text that must be there."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def commit(project: Path) -> None:
    """Commits every change."""
    git(project, "add", "--all")
    git(project, "commit", "-q", "-m", "My edits")


def state(project: Path) -> tuple[str, ...]:
    """Branch, commit and changes of the checkout, the branches, and what lies beside it."""
    beside = ",".join(sorted(path.name for path in project.parent.iterdir()))
    asked = (["branch", "--show-current"], ["rev-parse", "HEAD"], ["status", "--porcelain"], ["branch"])
    return (*(git(project, *arguments) for arguments in asked), git(project, "worktree", "list"), beside)

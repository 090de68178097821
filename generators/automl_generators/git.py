"""The first commit of a project, made the same way whatever git is configured to do, and how git is called at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from automl_runtime.errors import RequestError

__all__ = ["commit_project", "identity", "run_git", "try_git"]

_NEUTRAL_NAME: Final = "automl"
_NEUTRAL_EMAIL: Final = "automl@localhost"
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.excludesFile=/dev/null",
    "core.autocrlf=false",
    "core.fsmonitor=false",
    "commit.gpgSign=false",
    "gc.auto=0",
)
"""For these calls only: no hook runs, no ignore list of the user's hides a file, and nothing is signed or rewritten."""
_QUIET: Final = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "commit.gpgSign=false", "gc.auto=0")
"""In a repository that the user works in: what is ignored there, and how lines end, is the user's to say."""


def commit_project(folder: Path, message: str) -> str:
    """Makes `folder` a git repository with one commit of everything that it does not ignore.

    The commit is by the user that git knows, else by a neutral one; no configuration outside `folder` is changed, and
    the user's hooks and signing do not run. It works inside another repository, in a git hook and without a home.

    Returns:
        The id of the commit.

    Raises:
        RequestError: if git is not installed, or refuses.
    """
    folder = folder.resolve()
    module = _git_python()
    try:
        git = module.Git(folder)
        git.update_environment(**_own_repository(folder))
        _run(git, "init", "--quiet", "--initial-branch=main", "--template=")
        git.update_environment(**_identity(git))
        _run(git, "add", "--all")
        _run(git, "commit", "--quiet", "--no-verify", "--message", message)
        return _run(git, "rev-parse", "HEAD")
    except module.exc.CommandError as error:
        raise RequestError(
            f"git refused to commit the project: {str(error.stderr or error).strip()[:500]}",
            hint="Check `git --version` (2.28 or newer is needed) and the permissions of the folder.",
        ) from error


def run_git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """What git prints when it is run in `folder`; bytes that are no UTF-8 come as surrogates. See `try_git`.

    Raises:
        RequestError: if git is not installed, or refuses.
    """
    done = try_git(folder, *arguments, environment=environment)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise RequestError(f"`git {arguments[0]}` failed in {folder}: {said[-500:]}")
    return done.stdout.decode("utf-8", "surrogateescape")


def try_git(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Runs git in the repository that `folder` lies in, whatever a hook or an outer repository has set.

    No hook runs and nothing is signed; what is ignored, and how lines end, is as the user has set it.

    Args:
        folder: where it runs.
        arguments: of git.
        environment: variables to add.

    Raises:
        RequestError: if git is not installed.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    settings = [part for setting in _QUIET for part in ("-c", setting)]
    try:
        return subprocess.run(
            ["git", *settings, *arguments],
            cwd=folder,
            env={**inherited, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise RequestError("git is not installed.", hint="Install git: a project is a git repository.") from error


def identity(folder: Path) -> dict[str, str]:
    """Variables that say who commits in `folder`: the user that git knows, else a neutral one."""
    return _identity(_git_python().Git(folder))


def _git_python() -> Any:
    # GitPython looks for the git program when it is imported.
    try:
        import git
    except ImportError as error:
        raise RequestError("git is not installed.", hint="Install git: a project is a git repository.") from error
    return git


def _run(git: Any, *arguments: str) -> str:
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    return str(git.execute(["git", *settings, *arguments]))


def _own_repository(folder: Path) -> dict[str, str]:
    """Variables that point git at `folder`, whatever a hook or an outer repository has set."""
    place = folder / ".git"
    return {
        "GIT_DIR": str(place),
        "GIT_WORK_TREE": str(folder),
        "GIT_INDEX_FILE": str(place / "index"),
        "GIT_OBJECT_DIRECTORY": str(place / "objects"),
    }


def _identity(git: Any) -> dict[str, str]:
    """Author and committer: what the environment says, else what git is configured to, else a neutral name."""
    email = os.environ.get("GIT_AUTHOR_EMAIL") or _configured(git, "user.email") or os.environ.get("EMAIL")
    name = os.environ.get("GIT_AUTHOR_NAME") or _configured(git, "user.name")
    known = email or _NEUTRAL_EMAIL
    called = name or (known.split("@")[0] if email else _NEUTRAL_NAME)
    return {
        "GIT_AUTHOR_NAME": called,
        "GIT_AUTHOR_EMAIL": known,
        "GIT_COMMITTER_NAME": os.environ.get("GIT_COMMITTER_NAME") or called,
        "GIT_COMMITTER_EMAIL": os.environ.get("GIT_COMMITTER_EMAIL") or known,
    }


def _configured(git: Any, key: str) -> str:
    return str(git.execute(["git", "config", "--get", key], with_exceptions=False)).strip()

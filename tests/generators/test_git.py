from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from automl_generators.git import commit_project
from automl_runtime.errors import RequestError

CLEAN = {"PATH": os.environ["PATH"]}


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch, tmp_path_factory):
    """A user without a name, and none of the variables that git or a hook may have set."""
    for name in [name for name in os.environ if name.startswith("GIT_") or name == "EMAIL"]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, env=CLEAN, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make(folder: Path) -> Path:
    (folder / "sub").mkdir(parents=True)
    (folder / "file.txt").write_text("a\n", encoding="utf-8", newline="\r\n")
    (folder / "sub" / "notes.csv").write_text("x\n", encoding="utf-8")
    (folder / "secret.env").write_text("x\n", encoding="utf-8")
    (folder / ".gitignore").write_text("*.env\n", encoding="utf-8")
    return folder


def test_everything_not_ignored_is_committed_by_a_neutral_author(tmp_path, no_configuration):
    project = make(tmp_path / "project")
    commit = commit_project(project, "Add everything")
    assert git(project, "log", "--format=%H|%an|%ae|%cn|%s|%D") == (
        f"{commit}|automl|automl@localhost|automl|Add everything|HEAD -> main"
    )
    assert git(project, "ls-files").splitlines() == [".gitignore", "file.txt", "sub/notes.csv"]
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "show", "HEAD:file.txt") == "a"
    assert "worktree" not in git(project, "config", "--list", "--local")
    assert list(no_configuration.iterdir()) == []


def test_the_commit_stays_good_when_the_folder_moves(tmp_path):
    project = make(tmp_path / ".project.tmp")
    commit_project(project, "Add")
    moved = project.rename(tmp_path / "project")
    assert git(moved, "status", "--porcelain") == ""


def test_identity_of_the_user_is_taken(tmp_path, no_configuration):
    (no_configuration / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n", encoding="utf-8")
    project = make(tmp_path / "project")
    commit_project(project, "Add")
    assert git(project, "log", "--format=%an %ae %cn %ce") == "Ada ada@example.org Ada ada@example.org"


def test_identity_of_the_environment_goes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "bot@example.org")
    project = make(tmp_path / "project")
    commit_project(project, "Add")
    assert git(project, "log", "--format=%an %ae") == "bot bot@example.org"


def test_hooks_signing_and_ignore_lists_of_the_user_do_not_count(tmp_path, no_configuration):
    hooks = no_configuration / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit"):
        (hooks / name).write_text("#!/bin/sh\ntouch ran\nexit 1\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    (no_configuration / "ignore").write_text("*.csv\n", encoding="utf-8")
    (no_configuration / ".gitconfig").write_text(
        f"[core]\nhooksPath = {hooks}\nexcludesFile = {no_configuration / 'ignore'}\nautocrlf = true\n"
        "[commit]\ngpgSign = true\n[init]\ndefaultBranch = trunk\n",
        encoding="utf-8",
    )
    project = make(tmp_path / "project")
    commit_project(project, "Add")
    assert "sub/notes.csv" in git(project, "ls-files")
    assert not (project / "ran").exists()
    assert git(project, "branch", "--show-current") == "main"


def test_works_inside_another_repository_and_in_its_hook(tmp_path, monkeypatch):
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(outer / ".git" / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(outer))
    project = make(outer / "project")
    commit_project(project, "Add")
    assert len(git(project, "ls-files").splitlines()) == 3
    assert git(outer, "ls-files") == ""
    assert git(outer, "rev-parse", "--git-dir") == ".git"


def test_works_without_a_home(tmp_path, monkeypatch):
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    project = make(tmp_path / "project")
    assert len(commit_project(project, "Add")) == 40


def test_refusal_of_git_is_said(tmp_path):
    empty = tmp_path / "project"
    empty.mkdir()
    with pytest.raises(RequestError, match="git refused") as caught:
        commit_project(empty, "Add")
    assert "git --version" in str(caught.value)


def test_missing_git_is_said(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "git", None)
    with pytest.raises(RequestError, match="git is not installed"):
        commit_project(tmp_path, "Add")

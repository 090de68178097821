from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from automl_generators.git import commit_project
from automl_generators.update.checkout import Checkout
from automl_runtime.errors import RequestError


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n")
    (folder / ".gitignore").write_text("/ignored\n")
    commit_project(folder, "Add")
    return folder


def test_a_folder_that_is_no_repository_is_refused(tmp_path):
    with pytest.raises(RequestError, match="no git repository"):
        Checkout.open(tmp_path)


def test_a_folder_inside_another_repository_is_refused(project):
    (project / "inner").mkdir()
    with pytest.raises(RequestError, match="repository of its own"):
        Checkout.open(project / "inner")


def test_a_repository_without_a_commit_is_refused(tmp_path):
    git(tmp_path, "init", "-q")
    with pytest.raises(RequestError, match="no commit"):
        Checkout.open(tmp_path)


def test_a_detached_head_is_refused(project):
    git(project, "checkout", "-q", "--detach")
    with pytest.raises(RequestError, match="detached"):
        Checkout.open(project)


def test_variables_that_point_elsewhere_do_not_matter(project, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert Checkout.open(project).branch == "main"


def edit(project):
    (project / "a.txt").write_text("b\n")


def add(project):
    (project / "new ü.txt").write_text("b\n")


def stage(project):
    edit(project)
    git(project, "add", "a.txt")


def move(project):
    git(project, "mv", "a.txt", "b.txt")


@pytest.mark.parametrize(("change", "name"), [(edit, "a.txt"), (add, "new ü.txt"), (stage, "a.txt"), (move, "b.txt")])
def test_what_is_not_committed_is_refused_and_named(project, change, name):
    change(project)
    with pytest.raises(RequestError, match="not committed") as refused:
        Checkout.open(project).refuse_changes()
    assert name in refused.value.message


def test_ignored_files_are_no_change(project):
    (project / "ignored").write_text("x\n")
    Checkout.open(project).refuse_changes()


def commit(checkout: Checkout, *, switch: bool) -> str:
    branch = checkout.next_branch()
    with checkout.worktree() as work:
        assert not checkout.changed(work)
        (work / "a.txt").write_text(f"updated {branch[-1]}\n")
        assert checkout.changed(work)
        assert "+updated" in checkout.diff(work)
        checkout.publish(branch, checkout.commit(work, "Update"), switch=switch)
    return branch


def test_a_commit_becomes_the_branch_that_is_checked_out(project):
    assert commit(Checkout.open(project), switch=True) == "automl/update-1"
    assert git(project, "branch", "--show-current") == "automl/update-1"
    assert git(project, "log", "--format=%s|%an") == "Update|automl\nAdd|automl"
    assert (project / "a.txt").read_text() == "updated 1\n"
    assert git(project, "status", "--porcelain") == ""
    assert commit(Checkout.open(project), switch=False) == "automl/update-2"


def test_a_branch_alone_leaves_the_checkout_as_it_was(project):
    branch = commit(Checkout.open(project), switch=False)
    assert git(project, "branch", "--show-current") == "main"
    assert git(project, "show", f"{branch}:a.txt") == "updated 1"
    assert (project / "a.txt").read_text() == "a\n"
    assert git(project, "status", "--porcelain") == ""


def test_the_worktree_is_gone_whatever_happens(project):
    with pytest.raises(KeyboardInterrupt), Checkout.open(project).worktree() as work:
        assert work.parent == project.parent
        (work / "a.txt").write_text("half\n")
        raise KeyboardInterrupt
    assert [path.name for path in project.parent.iterdir()] == ["project"]
    assert git(project, "worktree", "list").count("\n") == 0


def test_hooks_do_not_run(project, tmp_path):
    hooks = project / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-commit", "commit-msg", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\nexit 1\n")
        (hooks / name).chmod(0o755)
    commit(Checkout.open(project), switch=True)
    assert not (tmp_path / "hooked").exists()


def test_what_changes_meanwhile_is_not_overwritten(project):
    checkout = Checkout.open(project)
    with checkout.worktree() as work:
        (work / "a.txt").write_text("updated\n")
        done = checkout.commit(work, "Update")
        (project / "a.txt").write_text("mine\n")
        with pytest.raises(RequestError, match="not committed"):
            checkout.publish("automl/update-1", done, switch=True)
    assert (project / "a.txt").read_text() == "mine\n"
    assert git(project, "branch", "--format=%(refname:short)") == "main"


def test_files_that_git_does_not_know_are_told(project):
    (project / "ignored").write_text("x\n")
    assert Checkout.open(project).ignored(["a.txt", "ignored", "absent"]) == ["ignored"]


def test_a_worktree_can_be_taken_back(project):
    checkout = Checkout.open(project)
    with checkout.worktree() as work:
        (work / "a.txt").write_text("updated\n")
        (work / "ignored").write_text("x\n")
        checkout.reset(work)
        assert not checkout.changed(work)
        assert not (work / "ignored").exists()

"""The git repository of a project: what may be updated, where the result is built, how it becomes a branch."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from automl_runtime.errors import RequestError

from automl_generators.git import identity, run_git, try_git
from automl_generators.staging import signals_held

__all__ = ["PREFIX", "Checkout"]

PREFIX: Final = "automl/update-"
"""Of the branches of updates; a number follows."""
_MOST_NAMED: Final = 10
_WITHOUT_RECORDS: Final = ("--", ".", ":(exclude).automl")


@dataclass(frozen=True, slots=True)
class Checkout:
    """A project that is the root of a git repository, with a branch checked out."""

    root: Path
    branch: str

    @classmethod
    def open(cls, root: Path) -> Checkout:
        """The repository of the project at `root`.

        Raises:
            RequestError: if there is none, it has no commit, another folder is its root, or no branch is checked out.
        """
        found = try_git(root, "rev-parse", "--show-toplevel")
        if found.returncode != 0:
            raise RequestError(
                f"{root} is no git repository, so an update could not be taken back.",
                hint="Make it one: git init && git add --all && git commit -m 'As it is'",
            )
        top = Path(found.stdout.decode("utf-8", "surrogateescape").rstrip("\n"))
        if top.resolve() != root.resolve():
            raise RequestError(
                f"{root} lies in the git repository {top}; an update needs the project to be a repository of its own.",
                hint="Clone or move the project to a folder outside of it, and run git init there.",
            )
        if try_git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").returncode != 0:
            raise RequestError(f"{root} has no commit yet.", hint="git add --all && git commit -m 'As it is'")
        head = try_git(root, "symbolic-ref", "--quiet", "--short", "HEAD")
        if head.returncode != 0:
            raise RequestError(
                f"{root} has no branch checked out (its HEAD is detached).", hint="git switch NAME, then run it again."
            )
        return cls(root, head.stdout.decode("utf-8", "surrogateescape").strip())

    def refuse_changes(self) -> None:
        """Raises RequestError when a file is changed and not committed, or new and not ignored; names the files."""
        text = run_git(self.root, "--no-optional-locks", "status", "--porcelain=v1", "-z", "--untracked-files=all")
        parts = iter(part for part in text.split("\0") if part)
        names = []
        for part in parts:
            names.append(part[3:])
            if part[0] in "RC":
                next(parts)
        if names:
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            raise RequestError(
                f"{self.root} has changes that are not committed: {', '.join(names[:_MOST_NAMED])}{more}.",
                hint="Commit them (git add --all && git commit), or put them aside (git stash -u).",
            )

    @contextmanager
    def worktree(self) -> Iterator[Path]:
        """The last commit checked out in a folder beside the project, which is gone after the block."""
        run_git(self.root, "worktree", "prune")
        folder = Path(tempfile.mkdtemp(dir=self.root.parent, prefix=f".{self.root.name[:40]}.update-"))
        try:
            # git refuses a folder that has something in it, and takes an empty one.
            run_git(self.root, "-c", "core.autocrlf=false", "worktree", "add", "--quiet", "--detach", str(folder))
            yield folder
        finally:
            with signals_held():
                shutil.rmtree(folder, ignore_errors=True)
                run_git(self.root, "worktree", "prune")

    def reset(self, worktree: Path) -> None:
        """Takes `worktree` back to the last commit."""
        run_git(worktree, "reset", "--quiet", "--hard")
        run_git(worktree, "clean", "--quiet", "-fdx")

    def diff(self, worktree: Path) -> str:
        """What `commit` would record, as git shows it, without the copies and hashes in `.automl`, which repeat it."""
        self._stage(worktree)
        return run_git(worktree, "diff", "--cached", "--no-color", "--no-ext-diff", "HEAD", *_WITHOUT_RECORDS)

    def changed(self, worktree: Path) -> bool:
        """Whether `commit` would record anything."""
        self._stage(worktree)
        return try_git(worktree, "diff", "--cached", "--quiet", "HEAD").returncode != 0

    def commit(self, worktree: Path, message: str) -> str:
        """Commits everything in `worktree`; no branch points there yet. The id of the commit."""
        self._stage(worktree)
        who = identity(self.root)
        run_git(worktree, "commit", "--quiet", "--no-verify", "--message", message, environment=who)
        return run_git(worktree, "rev-parse", "HEAD").strip()

    def next_branch(self) -> str:
        """`automl/update-N` with the first number after all that are there."""
        listed = run_git(self.root, "for-each-ref", "--format=%(refname:short)", f"refs/heads/{PREFIX}*")
        numbers = [name.removeprefix(PREFIX) for name in listed.splitlines()]
        return f"{PREFIX}{max((int(number) for number in numbers if number.isdigit()), default=0) + 1}"

    def publish(self, branch: str, commit: str, *, switch: bool) -> None:
        """Makes `branch` at `commit`, and checks it out when `switch`.

        Raises:
            RequestError: if the checkout was changed meanwhile; the branch is then not there.
        """
        if switch:
            self.refuse_changes()
            run_git(self.root, "switch", "--quiet", "--no-track", "--create", branch, commit)
        else:
            run_git(self.root, "branch", "--no-track", branch, commit)

    def ignored(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that lie in the checkout although git does not know them."""
        present = [name for name in names if (self.root / name).exists() or (self.root / name).is_symlink()]
        if not present:
            return []
        tracked = set(run_git(self.root, "ls-files", "-z", "--", *present).split("\0"))
        return [name for name in present if name not in tracked]

    def _stage(self, worktree: Path) -> None:
        run_git(worktree, "-c", "core.autocrlf=false", "-c", "core.excludesFile=/dev/null", "add", "--all")

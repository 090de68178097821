"""Makes features part of a project: written, trained with, tested, and committed as one change, or not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from automl_generators.git import run_git
from automl_generators.project import finish_project
from automl_generators.update.checkout import Checkout
from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink, Finding, Progress, Warned, ignore
from automl_runtime.files import replace_file

from automl_agent.feature_code.isolation import run_apart
from automl_agent.feature_code.material import Material
from automl_agent.feature_code.proposal import Proposal
from automl_agent.feature_code.writing import TEST_FILE, sample_rows, with_feature, with_test
from automl_agent.retraining import Outcome, retrain
from automl_agent.steps import run_tests

__all__ = ["Writing", "clean_checkout", "write_features"]

_MADE = ("models", "reports", "tests/golden.jsonl")
"""What a training changes of what is committed; nobody edits these by hand."""


@dataclass(frozen=True, slots=True)
class Writing:
    """What became of the project."""

    outcome: Outcome | None = None
    """The old and the new model; None: it was not trained."""
    tests: str = ""
    """Closing line of the project's own tests."""
    commit: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        trained = None if self.outcome is None else self.outcome.to_json()
        return {"trained": trained, "tests": self.tests, "commit": self.commit}


def clean_checkout(material: Material) -> Checkout:
    """The repository of the project, before anything is written.

    Raises:
        RequestError: if it is none, has changes that are not committed, or `custom_features.py` takes no features.
    """
    checkout = Checkout.open(material.project.root)
    checkout.refuse_changes()
    return checkout


def write_features(
    material: Material,
    checkout: Checkout,
    proposals: Sequence[Proposal],
    *,
    train: bool = True,
    budget_seconds: float | None = None,
    on_event: EventSink = ignore,
) -> Writing:
    """Writes functions and tests, trains and keeps the better model, runs the tests, and makes one commit.

    When anything fails, or the user stops it, the project is as it was before.

    Args:
        material: of the project.
        checkout: its repository, without changes.
        proposals: at least one.
        train: else the training is left to the user.
        budget_seconds: of the training; None: what the project says.
        on_event: gets the progress.

    Raises:
        RequestError: if `custom_features.py` takes no features.
        TrainingError: if no model could be trained.
        AutomlError: if a test of the project fails.
    """
    root = material.project.root
    contents = _contents(material, proposals)
    before: dict[Path, bytes | None] = {path: path.read_bytes() if path.is_file() else None for path in contents}
    try:
        for path, made in contents.items():
            _write(path, made)
        on_event(Finding("written", ", ".join(path.relative_to(root).as_posix() for path in contents)))
        outcome = retrain(root, budget_seconds=budget_seconds, on_event=on_event) if train else None
        for warning in finish_project(root):
            on_event(Warned(warning))
        on_event(Progress("testing", 0, None, "the project's own tests"))
        tests = run_tests(root)
        names = ", ".join(each.name for each in proposals)
        commit = checkout.commit(root, f"Add the feature{'s' if len(proposals) > 1 else ''} {names}")
    except BaseException:
        for path, content in before.items():
            _write(path, content)
        _take_back(root)
        raise
    if outcome is not None:
        on_event(Finding("trained", _told(outcome)))
    on_event(Finding("committed", f"{commit[:12]}; {tests}"))
    return Writing(outcome, tests, commit)


def _contents(material: Material, proposals: Sequence[Proposal]) -> dict[Path, bytes]:
    """The new content of the two files."""
    project, package = material.project, material.file.parent.name
    tests = project.root / TEST_FILE
    functions = material.file.read_bytes()
    tested: bytes | None = tests.read_bytes() if tests.is_file() else None
    personal = {column.name: column.personal for column in project.columns if column.personal is not None}
    for proposal in proposals:
        functions = with_feature(functions, proposal, origin=str(material.file.relative_to(project.root)))
        rows = sample_rows(material.rows[list(proposal.columns)], personal)
        results = run_apart({proposal.name: proposal.code}, [rows])
        if proposal.name in results.faults:
            raise RequestError(f"{proposal.name} {results.faults[proposal.name]}.")
        tested = with_test(tested, package, proposal, rows, pd.Series(results.values[0][proposal.name]))
    return {material.file: functions, tests: tested or b""}


def _write(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        replace_file(path, lambda temporary: temporary.write_bytes(content))


def _take_back(root: Path) -> None:
    """Models, aliases and reports as they were committed."""
    present = [name for name in _MADE if run_git(root, "ls-files", "--", name)]
    if present:
        run_git(root, "checkout", "--quiet", "HEAD", "--", *present)
    run_git(root, "clean", "--quiet", "-fd", "--", *_MADE)


def _told(outcome: Outcome) -> str:
    known = [f"{each.version} {each.score:.4f}" for each in outcome.models if not math.isnan(each.score)]
    scores = f"{outcome.metric} on the holdout: {', '.join(known)}" if known else "no score is claimed"
    return f"{scores}; in production: {outcome.production}"

"""One round of features: proposed, run apart, checked, judged on inner folds, and written where they help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_runtime.errors import RequestError
from automl_runtime.events import EventSink, Finding, Progress, ignore
from automl_schemas.features import Fate

from automl_agent.feature_code.adding import Writing, clean_checkout, write_features
from automl_agent.feature_code.bench import Bench
from automl_agent.feature_code.checking import check
from automl_agent.feature_code.isolation import run_apart
from automl_agent.feature_code.judging import SIGNIFICANT, Gain, gains_of, metric_of
from automl_agent.feature_code.material import Material
from automl_agent.feature_code.phrases import understand
from automl_agent.feature_code.proposal import Judged, Proposal
from automl_agent.feature_code.record import remember
from automl_agent.feature_code.rules import ranked, rule_proposals
from automl_agent.feature_code.writing import with_feature

__all__ = ["MOST_JUDGED", "Added", "add_feature", "propose", "propose_and_apply"]

MOST_JUDGED: Final = 8
"""Proposals of rules that are judged in one round."""


@dataclass(frozen=True, slots=True)
class Added:
    """A round, and what of it became part of the project."""

    judged: list[Judged]
    kept: tuple[str, ...] = ()
    """Names of the features that were written."""
    writing: Writing | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        features = [
            each.tried(kept=each.proposal.name in self.kept).model_dump(mode="json") | {"code": each.proposal.code}
            for each in self.judged
        ]
        return {"features": features, **(self.writing or Writing()).to_json()}


def propose(
    project: Path,
    *,
    also: Sequence[Proposal] = (),
    most: int = MOST_JUDGED,
    on_event: EventSink = ignore,
) -> list[Judged]:
    """Proposals of rules, and those of others, each judged on the training rows; the project is not changed.

    Args:
        project: folder of a generated project.
        also: proposals of a language model or a person, from `check_code`; all are judged.
        most: of the proposals of rules so many are judged: those that seem most useful in a look at the target. The
            correction for their number counts all of them.
        on_event: gets the progress.

    Raises:
        RequestError: if this system cannot keep code apart, or the project has no score to improve.
        DataError: if there is no project, or no training rows.
        TrainingError: if there are too few rows.
    """
    material = Material.of(project)
    return _propose(material, also, most, on_event)


def propose_and_apply(
    project: Path,
    *,
    also: Sequence[Proposal] = (),
    most: int = MOST_JUDGED,
    train: bool = True,
    budget_seconds: float | None = None,
    on_event: EventSink = ignore,
) -> Added:
    """As `propose`; those that help become part of the project, as one commit.

    Raises:
        RequestError, DataError, TrainingError: as `propose` and `add_feature`; the project is then as it was.
    """
    material = Material.of(project)
    clean_checkout(material)
    judged = _propose(material, also, most, on_event)
    wanted = [each.proposal for each in judged if each.fate == "helps"]
    return _apply(material, judged, wanted, train, budget_seconds, on_event)


def add_feature(
    project: Path,
    phrase_or_proposal: str | Proposal,
    *,
    keep: bool = False,
    train: bool = True,
    budget_seconds: float | None = None,
    on_event: EventSink = ignore,
) -> Added:
    """One round for one feature; where it helps it becomes part of the project, as one commit.

    Args:
        project: folder of a generated project, in git and without changes.
        phrase_or_proposal: "ratio of support calls to tenure", or what `check_code` made.
        keep: write it whatever it gains; one whose values are not those of a feature is never written.
        train: train again and keep the better model; else that is left to the user.
        budget_seconds: of the training; None: what the project says.
        on_event: gets what was understood, and the progress.

    Raises:
        RequestError: if the phrase is not understood, the project has changes that are not committed, or this system
            cannot keep code apart.
        DataError: if there is no project, or no training rows.
        TrainingError: if there are too few rows, or no model could be trained; the project is then as it was.
    """
    material = Material.of(project)
    clean_checkout(material)
    proposal = phrase_or_proposal
    if isinstance(proposal, str):
        proposal = understand(proposal, material.fields, taken=material.taken)
        on_event(Finding("understood", f"{proposal.why} (as {proposal.name})"))
    elif proposal.name in material.taken:
        raise RequestError(f"{proposal.name} is in {material.file.name} already.", hint="Give it another name.")
    with_feature(material.file.read_bytes(), proposal, origin=material.file.name)
    bench = Bench.of(material)
    if bench is None and not keep:
        raise _no_score(material)
    judged = judge(material, bench, [proposal], on_event=on_event)
    wanted = [each.proposal for each in judged if each.fate == "helps" or (keep and each.fate != "refused")]
    return _apply(material, judged, wanted, train, budget_seconds, on_event)


def judge(
    material: Material,
    bench: Bench | None,
    proposals: Sequence[Proposal],
    *,
    tried: int = 1,
    on_event: EventSink = ignore,
) -> list[Judged]:
    """Each proposal run apart, checked, and judged on folds of the training rows; in the order of `proposals`.

    Args:
        material: of the project.
        bench: of the same; None: nothing is judged.
        proposals: their names differ.
        tried: from how many they were chosen by a look at the target.
        on_event: gets the progress.
    """
    if not proposals:
        return []
    on_event(Progress("checking", 0, None, f"{len(proposals)} functions"))
    checked = check(proposals, material.rows, material.schema, material.target)
    on_event(Finding("isolated", str(checked.level)))
    faults = dict(checked.faults)
    gains: dict[str, Gain] = {}
    sound = [each for each in proposals if each.name not in faults]
    if bench is not None and sound:
        values, further = _values(material, bench, sound)
        faults |= further
        added = {name: bench.add(name, values[name]) for name in values.columns if name not in faults}
        spec = material.project.spec
        gains = gains_of(
            bench.problem,
            bench.base,
            added,
            validation="temporal" if bench.problem.windows is not None else spec.training.validation,
            folds=spec.training.folds,
            seed=spec.seed,
            tried=tried,
            on_event=on_event,
        )
    metric = "" if bench is None else metric_of(bench.problem)
    judged = [_fate(each, faults.get(each.name), gains.get(each.name), metric) for each in proposals]
    return [replace(each, isolation=str(checked.level)) for each in judged]


def _propose(material: Material, also: Sequence[Proposal], most: int, on_event: EventSink) -> list[Judged]:
    bench = Bench.of(material)
    if bench is None:
        raise _no_score(material)
    seed = material.project.spec.seed
    taken = {*material.taken, *(each.name for each in also)}
    candidates = rule_proposals(material.rows, material.fields, bench.importance(seed), taken=taken)
    on_event(Progress("screening", 0, None, f"{len(candidates)} proposals of rules"))
    values, faults = _values(material, bench, candidates) if candidates else (pd.DataFrame(), {})
    sound = [each for each in candidates if each.name not in faults]
    added = {each.name: bench.add(each.name, values[each.name]) for each in sound}
    classes = len(bench.problem.classes)
    chosen = ranked(sound, bench.base, added, bench.problem.y, classes, seed)[:most]
    on_event(
        Finding("proposed", f"{len(candidates)} by rules, of which {len(chosen)} are judged; {len(also)} by others")
    )
    judged = judge(material, bench, [*chosen, *also], tried=len(candidates) + len(also), on_event=on_event)
    remember(material.project.root, judged, ())
    return judged


def _apply(
    material: Material,
    judged: Sequence[Judged],
    wanted: Sequence[Proposal],
    train: bool,
    budget_seconds: float | None,
    on_event: EventSink,
) -> Added:
    names = tuple(each.name for each in wanted)
    # Before the training: its report shows the round.
    remember(material.project.root, judged, names)
    if not wanted:
        return Added(list(judged))
    checkout = clean_checkout(material)
    try:
        writing = write_features(
            material, checkout, wanted, train=train, budget_seconds=budget_seconds, on_event=on_event
        )
    except BaseException:
        remember(material.project.root, judged, ())
        raise
    return Added(list(judged), names, writing)


def _values(material: Material, bench: Bench, proposals: Sequence[Proposal]) -> tuple[pd.DataFrame, dict[str, str]]:
    """The values of proposals on the rows of the bench, and the faults of those that are no use for every row."""
    functions = {each.name: each.code for each in proposals}
    results = run_apart(functions, [bench.rows[material.columns]])
    values, faults = results.values[0], dict(results.faults)
    for name in values.columns:
        known = values[name][np.isfinite(values[name])]
        if known.empty:
            faults[name] = "has no value in any row"
        elif known.nunique() == 1 and len(known) == len(values):
            faults[name] = "has the same value in every row"
    return values, faults


def _fate(proposal: Proposal, fault: str | None, gain: Gain | None, metric: str) -> Judged:
    if fault is not None:
        return Judged(proposal, "refused", fault)
    if gain is None:
        return Judged(proposal, "not judged", "there is no score that a feature could improve")
    helps = gain.mean > 0 and gain.p < SIGNIFICANT
    fate: Fate = "helps" if helps else "does not help"
    return Judged(proposal, fate, metric=metric, gain=gain.mean, interval=gain.interval, p=gain.p)


def _no_score(material: Material) -> RequestError:
    return RequestError(
        f"Nothing says how good a feature is: {material.project.spec.task.type} has no score that it could improve.",
        hint="`automl add-feature PROJECT PHRASE --keep` adds one unjudged.",
    )

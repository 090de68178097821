"""What was tried in a project, for its report: a line for each proposal in `experiments/features.jsonl`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from automl_runtime.project.features_tried import TRIED_FILE

from automl_agent.feature_code.proposal import Judged

__all__ = ["remember"]


def remember(root: Path, judged: Sequence[Judged], kept: Collection[str]) -> None:
    """Adds a round to the file, which git ignores."""
    path = root / TRIED_FILE
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        for each in judged:
            tried = each.tried(kept=each.proposal.name in kept)
            file.write(tried.model_dump_json() + "\n")

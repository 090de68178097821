"""The list of decisions of one draft, and where it stands in a project."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from automl_runtime.files import write_text
from automl_schemas.decision import Decider, Decision

from automl_agent.untrusted import clean

__all__ = ["Record", "write_decisions"]

_LONGEST = 300


class Record:
    """Keeps one decision for each id, in the order in which the ids came up; of two, the later one."""

    def __init__(self) -> None:
        self._decisions: dict[str, Decision] = {}

    def add(
        self,
        id_: str,
        by: Decider,
        choice: str,
        why: str,
        *,
        alternative: str | None = None,
        evidence: str | None = None,
    ) -> None:
        """Keeps a decision; texts are cleaned and cut, for a model may have written them."""
        self._decisions[id_] = Decision(
            id=id_,
            by=by,
            choice=clean(choice, _LONGEST),
            why=clean(why, _LONGEST),
            alternative=None if alternative is None else clean(alternative, _LONGEST),
            evidence=None if evidence is None else clean(evidence, _LONGEST),
        )

    def __contains__(self, id_: str) -> bool:
        return id_ in self._decisions

    @property
    def decisions(self) -> list[Decision]:
        """The decisions so far."""
        return list(self._decisions.values())


def write_decisions(project: Path, decisions: Sequence[Decision], transcript: Sequence[str]) -> None:
    """Writes `.automl/decisions.json`, and `.automl/transcript.jsonl` when a model was asked.

    Raises:
        DataError: if they cannot be written.
    """
    content = [decision.model_dump(mode="json") for decision in decisions]
    write_text(project / ".automl" / "decisions.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    if transcript:
        write_text(project / ".automl" / "transcript.jsonl", "".join(f"{line}\n" for line in transcript))

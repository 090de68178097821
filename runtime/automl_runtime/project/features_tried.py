"""The features that were proposed for a project, with their fates, as a part of its report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from automl_schemas.features import TriedFeature
from pydantic import ValidationError

from automl_runtime.errors import DataError
from automl_runtime.project.report_html import Cell, card, numeric, section, table, tag
from automl_runtime.project.report_text import escape, number

__all__ = ["TRIED_FILE", "features_section", "tried_features"]

TRIED_FILE: Final = "experiments/features.jsonl"
"""Where the proposals stand, from the root of the project; git ignores it."""

_WHO: Final = {"rule": "a rule", "model": "a language model", "person": "a person"}
_MOST: Final = 40


def tried_features(root: Path) -> list[TriedFeature]:
    """The last fate of each proposal in the project at `root`, the oldest first; none where none were made.

    Raises:
        DataError: if the file was changed into something else.
    """
    path = root / TRIED_FILE
    if not path.is_file():
        return []
    last: dict[str, TriedFeature] = {}
    for place, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            tried = TriedFeature.model_validate_json(line)
        except ValidationError as error:
            raise DataError(f"Line {place} of {path} is no proposed feature.", hint="Remove the line.") from error
        last.pop(tried.name, None)
        last[tried.name] = tried
    return list(last.values())


def features_section(tried: Sequence[TriedFeature]) -> str:
    """Each proposal with its gain and its fate; empty where there was none."""
    if not tried:
        return ""
    shown = sorted(tried, key=lambda each: (not each.kept, -(each.gain if each.gain is not None else -1e300)))[:_MOST]
    kept = sum(each.kept for each in tried)
    lead = f"{len(tried)} proposed, {kept} kept: what gained more than chance on repeated folds of the training rows."
    rows: list[list[Cell | str]] = [
        [
            Cell(escape(each.name), "name"),
            each.why,
            _WHO[each.by],
            numeric(each.gain),
            Cell(escape(_interval(each)), "n"),
            Cell(f"{tag('kept' if each.kept else each.fate)} {escape(each.note)}"),
        ]
        for each in shown
    ]
    metrics = ", ".join(sorted({each.metric for each in tried if each.metric}))
    about = f"Gains in {metrics}; above zero is better." if metrics else ""
    header = ["feature", "what it is", "proposed by", "gain", "95 % interval", "fate"]
    return section("features", "Features that were tried", lead, card("Proposals", about, table(header, rows)))


def _interval(tried: TriedFeature) -> str:
    return "" if tried.interval is None else f"{number(tried.interval[0])} to {number(tried.interval[1])}"

"""Categories: which spellings are the same, and when words are text rather than categories."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import pyarrow.compute as pc

from automl_runtime.data.distinct import Cells, fold

__all__ = ["is_free_text", "kept_spelling", "merged_spellings"]

_SMALL_TABLE: Final = 200
_MOSTLY_DISTINCT: Final = 0.9
_HALF: Final = 0.5
_LONG: Final = 60
_MANY: Final = 50


def is_free_text(cells: Cells) -> bool:
    """Whether the cells are text or names of their own rather than one of some categories.

    Sentences that are mostly different, or anything that is nearly always different in a table of more than 200 rows.
    """
    rows = cells.rows
    spellings = pc.count_distinct(pc.utf8_lower(cells.text)).as_py() if len(cells) else 0
    share = spellings / rows if rows else 0.0
    length, words = _mean(cells, pc.utf8_length(cells.text)), _mean(cells, pc.count_substring(cells.text, " ")) + 1
    if share >= _MOSTLY_DISTINCT and rows > _SMALL_TABLE:
        return True
    if length > _LONG and (share >= 0.2 or spellings > _MANY) and words > 3:
        return True
    return words >= 4 and share >= _HALF and rows >= 5


def _mean(cells: Cells, sizes: object) -> float:
    return float(np.average(np.asarray(sizes), weights=cells.counts)) if len(cells) else 0.0


def merged_spellings(cells: Cells) -> dict[str, str]:
    """Folded spelling -> the one that is kept, for cells that differ only by case, white space or a final dot.

    The most frequent clean spelling is kept; of equally frequent ones that with a capital and small letters.
    """
    rows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for text, count in zip(cells.text.to_pylist(), cells.counts.tolist(), strict=True):
        spelling = " ".join(text.split())
        rows[fold(text)][spelling] += count
    undotted = {key: key[:-1].rstrip() for key in rows if key.endswith(".") and key[:-1].rstrip() in rows}
    groups: dict[str, dict[str, int]] = {key: dict(spellings) for key, spellings in rows.items() if key not in undotted}
    for key, target in undotted.items():
        while target in undotted:
            target = undotted[target]
        for spelling, count in rows[key].items():
            plain = " ".join(spelling.rstrip(" .").split())
            groups[target][plain] = groups[target].get(plain, 0) + count
    kept = {key: kept_spelling(spellings) for key, spellings in groups.items()}
    merged = {
        key: kept[key]
        for key, spellings in rows.items()
        if key in kept and (len(spellings) > 1 or len(groups[key]) > 1)
    }
    for key, target in undotted.items():
        while target in undotted:
            target = undotted[target]
        merged[key] = merged[target] = kept[target]
    return dict(sorted(merged.items()))


def kept_spelling(rows: dict[str, int]) -> str:
    """The spelling that stands for all of `rows` (spelling -> how often)."""
    return min(rows, key=lambda spelling: (-rows[spelling], spelling.isupper(), spelling.islower(), spelling))

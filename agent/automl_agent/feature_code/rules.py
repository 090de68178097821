"""What the rules propose: features of the forms that people make by hand, for the columns that seem worth it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from automl_runtime.engine.pairs import gains
from automl_runtime.kernels.arrays import Floats
from numpy.typing import NDArray

from automl_agent.feature_code.forms import Field, make
from automl_agent.feature_code.proposal import Proposal

__all__ = ["ranked", "rule_proposals"]

_MOST: Final = 40
_MOST_NUMBERS: Final = 5
_MOST_MOMENTS: Final = 4
_MOST_TEXTS: Final = 3
_FEWEST_VALUES: Final = 5
_FEWEST_TOGETHER: Final = 3
_MOST_TOGETHER: Final = 30
_SAME_UNIT: Final = 10.0
_LEAST_MISSING: Final = 0.01


def rule_proposals(
    rows: pd.DataFrame, fields: Sequence[Field], importance: dict[str, float], *, taken: Collection[str] = ()
) -> list[Proposal]:
    """At most 40 proposals, in the order of the columns; the same rows give the same.

    Numbers of many values are divided, multiplied and, where their sizes are alike, subtracted; columns of yes and no
    and gaps are counted; dates are subtracted; texts are measured. What trees see without help, as a logarithm or
    a month, is left to the person.

    Args:
        rows: training rows.
        fields: the columns that may be read.
        importance: of columns; of many numbers, dates or texts the most important are taken.
        taken: names of features that there are; none is proposed again.
    """
    columns = [field.name for field in fields]
    found: list[Proposal] = []
    for form, members in _wanted(rows, fields, importance):
        made = make(form, members, columns=columns, taken={each.name for each in found})
        if made.name not in taken:
            found.append(made)
        if len(found) == _MOST:
            break
    return found


def ranked(
    proposals: Sequence[Proposal],
    base: Floats,
    added: Mapping[str, Floats],
    y: NDArray[np.float64],
    classes: int,
    seed: int,
) -> list[Proposal]:
    """The proposals that one short boosting of all features gains something from, the most useful first.

    Args:
        proposals: those to rank.
        base: the present features (examples x columns).
        added: what each proposal adds to them.
        y: places of classes, or values.
        classes: how many there are; 0 for values.
        seed: of the boosting.
    """
    if not proposals:
        return []
    parts = [added[each.name] for each in proposals]
    found = gains(np.hstack([base, *parts]), y, classes, seed)
    ends = base.shape[1] + np.cumsum([part.shape[1] for part in parts])
    worth = [float(found[end - part.shape[1] : end].sum()) for end, part in zip(ends, parts, strict=True)]
    order = sorted(range(len(proposals)), key=lambda place: -worth[place])
    return [proposals[place] for place in order if worth[place] > 0]


def _wanted(
    rows: pd.DataFrame, fields: Sequence[Field], importance: dict[str, float]
) -> Iterator[tuple[str, list[Field]]]:
    """Forms with their columns; counts first, so that many numbers do not crowd them out."""
    gaps = [field for field in fields if rows[field.name].isna().mean() >= _LEAST_MISSING]
    if len(gaps) >= _FEWEST_TOGETHER:
        yield "missing_among", gaps[:_MOST_TOGETHER]
    for flags in _by_table([field for field in fields if field.type == "boolean"]):
        if len(flags) >= _FEWEST_TOGETHER:
            yield "yes", flags[:_MOST_TOGETHER]
    moments = _best([field for field in fields if field.type in ("date", "datetime")], importance, _MOST_MOMENTS)
    for pair in combinations(moments, 2):
        yield "days", sorted(pair, key=lambda field: rows[field.name].median())
    for text in _best([field for field in fields if field.type == "text"], importance, _MOST_TEXTS):
        yield "length", [text]
        yield "words", [text]
    yield from _of_numbers(rows, fields, importance)


def _of_numbers(
    rows: pd.DataFrame, fields: Sequence[Field], importance: dict[str, float]
) -> Iterator[tuple[str, list[Field]]]:
    many = [
        field
        for field in fields
        if field.type in ("integer", "number") and rows[field.name].nunique() >= _FEWEST_VALUES
    ]
    chosen = _best(many, importance, _MOST_NUMBERS)
    for first, second in combinations(chosen, 2):
        sizes = [float(rows[field.name].abs().median()) for field in (first, second)]
        large, small = (first, second) if sizes[0] >= sizes[1] else (second, first)
        yield "ratio", [large, small]
        yield "product", [first, second]
        if 0 < max(sizes) <= _SAME_UNIT * min(sizes):
            yield "difference", [large, small]


def _best(fields: list[Field], importance: dict[str, float], most: int) -> list[Field]:
    """The `most` important fields, in the order of the columns."""
    chosen = sorted(fields, key=lambda field: -importance.get(field.name, 0.0))[:most]
    return [field for field in fields if field in chosen]


def _by_table(fields: Sequence[Field]) -> list[list[Field]]:
    found: dict[str, list[Field]] = {}
    for field in fields:
        found.setdefault(field.name.rpartition(".")[0], []).append(field)
    return list(found.values())

"""When the values and names of two columns prove that one points at the other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from math import log10

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from automl_schemas.catalog import ColumnEntry, TableEntry
from automl_schemas.vocabulary import KeySpelling

from automl_runtime.data.keystore import KeyStore
from automl_runtime.data.keytext import KeyKind, key_kind
from automl_runtime.data.naming import column_score, looks_like_id

__all__ = ["Field", "Match", "compare", "proves"]

_LIKELY_CHANCE = -3.0
_DENSE = 0.5
_SAME_NAME = 0.95
_SAME_WORDS = 0.855
_FEW = 20
_MIXED = 0.95


@dataclass(eq=False)
class Field:
    """A column that may be one end of a join."""

    store: KeyStore
    table: TableEntry
    column: ColumnEntry
    unique: bool
    """No nulls and no value twice."""
    counter: bool
    """The rows are numbered by it."""
    spelling: KeySpelling = "text"

    @property
    def kind(self) -> KeyKind:
        """What kind of key it is."""
        kind = key_kind(self.column.type)
        assert kind is not None
        return kind

    @cached_property
    def values(self) -> pa.Array:
        """Distinct keys as text."""
        return self.store.values(self.table.name, [self.column.name], spelling=self.spelling)

    @cached_property
    def respelled(self) -> dict[KeySpelling, Field]:
        """Itself by other spellings, those left out in which two of its keys would be the same.

        Text of letters and digits is squeezed, and read by its digits alone when the rest is the same in all keys.
        """
        wanted: tuple[KeySpelling, ...] = ("squeezed", "digits")
        if self.kind == "text" and self.numbers is None:
            if not _mixed(self.values):
                return {}
            if self.store.shapes(self.table.name, self.column.name) > 1:
                wanted = ("squeezed",)
        elif self.kind not in ("int", "text") or self.column.type == "number":
            return {}
        fields = {spelling: replace(self, spelling=spelling) for spelling in wanted}
        return {spelling: field for spelling, field in fields.items() if len(field.values) == len(self.values)}

    @cached_property
    def days(self) -> pa.Array:
        """Distinct days of a time."""
        return self.store.values(self.table.name, [self.column.name], by_day=True)

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The keys as sorted whole numbers, the few that are none left out; None when half or more are none."""
        whole = pc.filter(self.values, pc.match_substring_regex(self.values, "^[0-9]{1,18}$"))
        if len(whole) <= 0.5 * len(self.values):
            return None
        numbers: np.ndarray = np.sort(pc.cast(whole, pa.int64()).to_numpy())
        return numbers

    @cached_property
    def named(self) -> bool:
        """Whether it is called or placed like the key of its table."""
        first = bool(self.table.keys) and self.table.keys[0].columns == [self.column.name]
        return looks_like_id(self.column.name) or self.column.position == 0 or first


def _mixed(values: pa.Array) -> bool:
    """Whether nearly all keys hold digits beside letters or signs."""
    digits = pc.sum(pc.match_substring_regex(values, "[0-9]")).as_py() or 0
    return len(values) > 0 and digits >= _MIXED * len(values)


@dataclass(frozen=True, slots=True)
class Match:
    """How two columns agree."""

    score: float
    """What the names say."""
    containment: float
    """Share of the child's distinct keys found in the parent."""
    coverage: float
    """Share of the parent's distinct keys found in the child."""


def compare(child: Field, parent: Field) -> Match | None:
    """The match of two columns of kinds that can be joined; None when they cannot, or when it is far off."""
    times = {"date", "datetime"}
    if (child.kind in times) != (parent.kind in times):
        return None
    by_day = {child.kind, parent.kind} == times
    if by_day and parent.kind != "date":
        return None
    score = column_score(child.column.name, child.table.name, parent.column.name, parent.table.name)
    if child.table.parent == parent.table.name and child.column.name == parent.column.name:
        score = 1.0
    if child.unique and child.counter and score < _SAME_WORDS and child.table.rows != parent.table.rows:
        return None  # a row number of another length is no pointer, whatever it is called
    own, other = (child.days, parent.days) if by_day else (child.values, parent.values)
    containment = KeyStore.containment(own, other, 0.5)
    if containment >= 0.5:
        return Match(score, containment, containment * len(own) / len(other))
    if score < _SAME_NAME or len(other) < _FEW or len(own) < len(other):
        return None
    # A table of few chosen rows: nearly all of its keys occur in the child, which has many more.
    coverage = KeyStore.containment(other, own, 0.9)
    return Match(score, coverage * len(other) / len(own), coverage) if coverage >= 0.9 else None


def proves(child: Field, parent: Field, match: Match) -> bool:
    """Whether `child` points at the key `parent`.

    Names alone prove nothing and neither do values: a small or dense range of whole numbers lies in many others by
    chance, so it needs a name; text codes and sparse numbers prove themselves by how unlikely chance is.
    """
    if child.kind in ("date", "datetime"):
        return match.score >= 0.8 and match.containment >= 0.8 and parent.column.position <= 2
    if parent.numbers is not None:
        return child.numbers is not None and parent.named and _proves_whole(child, parent, match)
    if match.score >= 0.8:
        return True
    return match.containment >= 0.9 and _proves_text(child, parent, match)


def _proves_whole(child: Field, parent: Field, match: Match) -> bool:
    # The number of a row is no pointer, although its name may hold that of another table's key.
    least = _SAME_WORDS if child.unique else 0.8
    if match.score >= least and child.unique and child.counter:
        return min(match.coverage, match.containment) >= 0.5
    if match.score >= least:
        return match.score >= _SAME_NAME or match.containment >= 0.8
    return _proves_numbers(child, parent, match)


def _proves_text(child: Field, parent: Field, match: Match) -> bool:
    """Whether chance would hardly put the child's words among the parent's."""
    if len(child.values) < 3:
        return False
    parent_lengths = Counter(pc.utf8_length(parent.values).to_pylist())
    chance = 0.0
    for length, count in Counter(pc.utf8_length(child.values).to_pylist()).items():
        possible = min(26.0 ** min(length, 12), 1e15)
        chance += count * min(0.0, log10(max(parent_lengths[length], 1) / possible))
    return chance * match.containment <= _LIKELY_CHANCE


def _proves_numbers(child: Field, parent: Field, match: Match) -> bool:
    """Whether chance would hardly put the child's numbers among the parent's."""
    own, other = child.numbers, parent.numbers
    assert own is not None
    assert other is not None
    if match.containment == 1.0 and match.coverage > 0.999 and len(own) >= 100:
        return True
    if match.containment < 0.95 or len(own) < 20:
        return False
    if max(_density(own, other, *ends) for ends in ((0.0, 0.5), (0.0, 0.9), (0.1, 1.0))) <= _DENSE:
        return True
    # A dense range that does not start near zero is hardly met by chance when both ranges are the same.
    far = int(own[0]) > max(1000, len(own) // 2)
    return far and len(own) >= 500 and match.containment >= 0.99 and match.coverage >= 0.8


def _density(own: np.ndarray, other: np.ndarray, low: float, high: float) -> float:
    """Share of the whole numbers between two quantiles of `own` that occur in `other`."""
    start, end = (int(own[round(share * (len(own) - 1))]) for share in (low, high))
    return int(np.count_nonzero((other >= start) & (other <= end))) / (end - start + 1)

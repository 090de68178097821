"""Fills one row of a design's matrix, and blends what the parts of an ensemble say of one row.

Each column of the matrix is an instruction: `columns[i]` is its place, `kinds[i]` one of the kinds below, `places[i]`
and `values[i]` say of what. `numbers` and `codes` are the encoded row. Their twins, for many rows, are the blocks of
`inference.blocks` and `inference.groups`, `inference.parts.blend`, and `engine.multilabel.mixing`. Arrays are float64,
but for `codes` (int32), `columns`, `kinds` and `places` (int64).
"""

from __future__ import annotations

import math

import numpy as np

from automl_runtime.kernels.arrays import Bools, Floats, Ints
from automl_runtime.kernels.compiling import compiled

__all__ = [
    *("FLAG", "NUMBER", "RATIO", "SINE", "SUM", "DIFFERENCE", "ENTRY", "HOT", "RANK", "SHARE"),
    *("fill_crossed", "fill_entries", "fill_numbers", "mix_chances", "pool_classes", "pool_heads", "read_classes"),
]

NUMBER, FLAG, SINE, SUM, RATIO = range(5)
ENTRY, HOT, DIFFERENCE, SHARE, RANK = range(5)
_NONE, _LOGISTIC, _SOFTMAX, _ONE_VS_REST = range(4)
_UNSEEN = -2
_LEAST_CHANCE = 1e-15
_LEAST_POOLED = 1e-6
_LEAST_ODDS, _FARTHEST_ODDS = 1e-12, 12.0


@compiled
def fill_numbers(numbers: Floats, columns: Ints, kinds: Ints, places: Ints, values: Floats, out: Floats) -> None:
    """Writes to `out` what is made of one number, `places[i, 0]`, or two, of which the other is `places[i, 1]`.

    - `NUMBER`: `values[i]` = fill, log, center, scale, low, high: filled where missing, after a signed log(1 + x)
      where log is not 0, centered, divided by scale, cut off.
    - `FLAG`: 1 where it is missing.
    - `SINE`: of the number x `values[i, 0]` (the cosine where `values[i, 1]` is not 0); 0 where missing.
    - `SUM`: the numbers x `values[i, 0]` and x `values[i, 1]`; `RATIO`: the first over the second; NaN for what is
      not finite.
    """
    for place in range(columns.shape[0]):
        kind, number, other = kinds[place], numbers[places[place, 0]], numbers[places[place, 1]]
        first, second, center = values[place, 0], values[place, 1], values[place, 2]
        result = math.nan
        if kind == NUMBER:
            result = first if math.isnan(number) else number
            if second != 0.0:
                result = math.copysign(math.log1p(abs(result)), result)
            result = (result - center) / values[place, 3]
            if result < values[place, 4]:
                result = values[place, 4]
            elif result > values[place, 5]:
                result = values[place, 5]
        elif kind == FLAG:
            result = 1.0 if math.isnan(number) else 0.0
        elif kind == SINE:
            angle = first * number
            result = 0.0 if math.isnan(angle) else math.sin(angle) if second == 0.0 else math.cos(angle)
        else:
            if kind == SUM:
                result = number * first + other * second
            elif other != 0.0:
                result = number / other
            if not math.isfinite(result):
                result = math.nan
        out[columns[place]] = result


@compiled
def fill_entries(
    numbers: Floats,
    codes: Ints,
    columns: Ints,
    kinds: Ints,
    places: Ints,
    values: Floats,
    table: Floats,
    out: Floats,
) -> None:
    """Writes to `out` what a table says of code `places[i, 0]`, or of it and number `places[i, 1]`.

    The entry of code -2 is at `places[i, 2]`, those of the others follow `places[i, 3]` behind each other.

    - `ENTRY`: itself; `HOT`: 1 so many columns further on, which must be less than `values[i, 0]`; nothing if below 0.
    - `DIFFERENCE`, `SHARE`: the number less, or over the entry; `RANK`: that of the number among `places[i, 3]`
      entries, ascending quantiles, from 0 to 1; NaN for what is not finite.

    Raises:
        IndexError: if the table is left.
    """
    for place in range(columns.shape[0]):
        kind, span = kinds[place], places[place, 3]
        number = numbers[places[place, 1]] if kind >= DIFFERENCE else math.nan
        start = places[place, 2] + (codes[places[place, 0]] - _UNSEEN) * span
        outside = start < 0 or start + (span if kind == RANK else 1) > table.shape[0]
        if outside or (kind == HOT and table[start] >= values[place, 0]):
            raise IndexError("an entry lies outside of its table")
        entry, result = table[start], math.nan
        if kind == HOT:
            if entry >= 0.0:
                out[columns[place] + int(entry)] = 1.0
            continue
        if kind == ENTRY:
            result = entry
        else:
            if kind == DIFFERENCE:
                result = number - entry
            elif kind == SHARE:
                if entry != 0.0:
                    result = number / entry
            elif not math.isnan(number):
                below = 0.0
                for edge in range(start, start + span):
                    below += (1.0 if table[edge] < number else 0.0) + (1.0 if table[edge] <= number else 0.0)
                result = below / (2.0 * span)
            if not math.isfinite(result):
                result = math.nan
        out[columns[place]] = result


@compiled
def fill_crossed(codes: Ints, columns: Ints, places: Ints, table: Floats, out: Floats) -> None:
    """Writes to `out` what a table says of the codes `places[i, 0]` (counted `places[i, 4]`-fold) and `places[i, 1]`.

    At `places[i, 2]` are `places[i, 3]` ascending keys, behind them an entry for each, and one for all other codes.

    Raises:
        IndexError: if the table is left.
    """
    for place in range(columns.shape[0]):
        start, count = places[place, 2], places[place, 3]
        if start < 0 or count < 0 or start + 2 * count >= table.shape[0]:
            raise IndexError("an entry lies outside of its table")
        key = (codes[places[place, 0]] - _UNSEEN) * places[place, 4] + (codes[places[place, 1]] - _UNSEEN)
        found = start + np.searchsorted(table[start : start + count], key)
        known = found < start + count and table[found] == key
        out[columns[place]] = table[found + count] if known else table[start + 2 * count]


@compiled
def read_classes(raw: Floats, widths: Ints, links: Ints, members: Ints, shares: Floats, found: Floats) -> None:
    """Adds to `found` (members x classes) the chances that the parts give.

    Part `p` says the next `widths[p]` entries of `raw`, read by link `links[p]` (a place in `inference.parts.LINKS`),
    and counts with `shares[p]` in member `members[p]`.
    """
    chances, start = np.empty(found.shape[1]), 0
    for part in range(links.shape[0]):
        link, width, largest, total = links[part], widths[part], raw[start], 0.0
        for place in range(1, width):
            largest = max(largest, raw[start + place])
        for place in range(width):
            chance = raw[start + place]
            if link == _SOFTMAX:
                chance = math.exp(chance - largest)
            elif link != _NONE:
                chance = 0.5 * (1.0 + math.tanh(0.5 * chance))
            if link == _ONE_VS_REST:
                chance = max(chance, _LEAST_CHANCE)
            chances[place] = chance
            total += chance
        start += width
        if width == 1:
            chances[1], chances[0] = chances[0], 1.0 - chances[0]
        for place in range(found.shape[1]):
            share = shares[part] / total if link in (_SOFTMAX, _ONE_VS_REST) else shares[part]
            found[members[part], place] += chances[place] * share


@compiled
def pool_classes(found: Floats, weights: Floats, shifts: Floats, out: Floats) -> None:
    """Writes to `out` the weighted mean of `found` (members x classes); with `shifts`, log chances are pooled."""
    members, classes = found.shape
    pooled, largest, total = shifts.shape[0] > 0, -math.inf, 0.0
    for place in range(classes):
        out[place] = shifts[place] if pooled else 0.0
    for member in range(members):
        mean = 0.0
        if pooled:
            for place in range(classes):
                found[member, place] = math.log(max(found[member, place], _LEAST_POOLED))
                mean += found[member, place] / classes
        for place in range(classes):
            out[place] += (found[member, place] - mean) * weights[member]
    if pooled:
        for place in range(classes):
            largest = max(largest, out[place])
        for place in range(classes):
            out[place] = math.exp(out[place] - largest)
            total += out[place]
        for place in range(classes):
            out[place] /= total


@compiled
def pool_heads(found: Floats, weights: Floats, ends: Ints, pooled: Bools, shifts: Floats, out: Floats) -> None:
    """Writes to `out` the chance of the second of two classes for each model, as `pool_classes` has it.

    Model `m` has the members before `ends[m]` and from the end of the one before it on; its log chances are pooled
    with `shifts[m]` where `pooled[m]` says so.
    """
    both, start = np.empty(2), 0
    for model in range(ends.shape[0]):
        stop = ends[model]
        pool_classes(found[start:stop], weights[start:stop], shifts[model, : 2 if pooled[model] else 0], both)
        out[model], start = both[1], stop


@compiled
def mix_chances(chances: Floats, weights: Floats, mixed: Ints, out: Floats) -> None:
    """Writes to `out` the chances of labels after a second level: weights are labels x (labels + intercept).

    Only the labels whose places are `mixed` (as many as rows of `weights`) change.
    """
    odds = np.empty(chances.shape[0])
    for label in range(chances.shape[0]):
        out[label] = chances[label]
        chance = min(max(chances[label], _LEAST_ODDS), 1.0 - _LEAST_ODDS)
        odds[label] = min(max(math.log(chance) - math.log1p(-chance), -_FARTHEST_ODDS), _FARTHEST_ODDS)
    for place in range(mixed.shape[0]):
        raw = weights[place, odds.shape[0]]
        for label in range(odds.shape[0]):
            raw += odds[label] * weights[place, label]
        out[mixed[place]] = 0.5 * (1.0 + math.tanh(0.5 * raw))

"""Dense layers for one row, in one call. Arrays are checked by `inference.network`."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from automl_runtime.kernels.arrays import Floats, Ints, Singles
from automl_runtime.kernels.compiling import compiled

__all__ = ["dense_row", "dense_row_numpy"]


@compiled
def dense_row(row: Floats, weights: Singles, widths: Ints, out: Floats) -> None:
    """Writes to `out` (float64, 1 x outputs) what the layers make of `row` (float64, 1 x inputs).

    `weights`: float32, of each layer the weights (inputs x outputs) row by row, then its biases; `widths`: int64,
    inputs, hidden layers, outputs. Between layers stands value x sigmoid(value). Sums are in double precision, those of
    four inputs at a time; inputs that are 0, as most of one-hot columns are, cost nothing.
    """
    widest = widths.max()
    given, made, places = np.zeros(widest), np.zeros(widest), np.zeros(widest + 3, np.int64)
    given[: widths[0]] = row[0]
    start = 0
    for layer in range(widths.shape[0] - 1):
        inputs, outputs = widths[layer], widths[layer + 1]
        stop = start + inputs * outputs
        made[:outputs] = weights[stop : stop + outputs]
        count = 0
        for place in range(inputs):
            if given[place] != 0.0:
                places[count] = place
                count += 1
        whole = count - count % 4
        for first in range(0, whole, 4):
            a, b, c, d = places[first], places[first + 1], places[first + 2], places[first + 3]
            u, v, w, x = given[a], given[b], given[c], given[d]
            one = weights[start + a * outputs : start + (a + 1) * outputs]
            two = weights[start + b * outputs : start + (b + 1) * outputs]
            three = weights[start + c * outputs : start + (c + 1) * outputs]
            four = weights[start + d * outputs : start + (d + 1) * outputs]
            for output in range(outputs):
                made[output] += (u * one[output] + v * two[output]) + (w * three[output] + x * four[output])
        for first in range(whole, count):
            value, begin = given[places[first]], start + places[first] * outputs
            for output in range(outputs):
                made[output] += value * weights[begin + output]
        if layer < widths.shape[0] - 2:
            for output in range(outputs):
                given[output] = made[output] / (1.0 + math.exp(-made[output]))
        start = stop + outputs
    out[0] = made[: out.shape[1]]


def dense_row_numpy(row: Floats, weights: Singles, widths: Ints, out: Floats) -> None:
    """The twin of `dense_row`."""
    given, start = row[0], 0
    for layer, (inputs, outputs) in enumerate(pairwise(widths)):
        stop = start + inputs * outputs
        made = given @ weights[start:stop].reshape(inputs, outputs).astype(np.float64) + weights[stop : stop + outputs]
        with np.errstate(over="ignore"):
            given = made if layer == len(widths) - 2 else made / (1.0 + np.exp(-made))
        start = stop + outputs
    out[0] = given

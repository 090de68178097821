"""Networks over pictures and over words in their order, in NumPy: what `engine.neural` trained predicts without torch.

In double precision, so that a row gives the same alone and among others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from automl_runtime.errors import BundleError
from automl_runtime.inference.linear import sigmoid, softmax
from automl_runtime.inference.network import silu
from automl_runtime.inference.raw import RAW_PICTURE, RAW_TEXT, SIDE
from automl_runtime.kernels.arrays import Bools, Floats, Ints, Matrix

__all__ = ["LEAST_VARIANCE", "Convolutional", "Mixing", "Sequential", "places_of"]

Mixing: TypeAlias = Literal["transformer", "lstm"]
Shapes: TypeAlias = list[tuple[int, ...]]

LEAST_VARIANCE: Final = 1e-5
"""Added to a variance before its root is taken."""
_PICTURES_AT_ONCE = 64
_TEXTS_AT_ONCE = 256
_KERNEL = 3
_FAR = -1e30


@dataclass(frozen=True, slots=True)
class Convolutional:
    """Convolutions of 3 x 3, each followed by max(0, x) and the largest of 2 x 2; then dense layers.

    A row is the pixels of each picture (`RAW_PICTURE` columns), then other columns, which join before the dense layers.
    """

    weights: Floats
    """float32: kernels (to x from x 3 x 3) and biases of each convolution, then those of the dense layers."""
    channels: Ints
    """That come out of each convolution."""
    pictures: int
    widths: Ints
    """Inputs of the first dense layer, its outputs, outputs of the second."""

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        weights = list(_split(self.weights, self._shapes()))
        return _in_chunks(np.asarray(rows), _PICTURES_AT_ONCE, lambda part: self._outputs(part, weights))

    def _outputs(self, rows: Floats, weights: list[Floats]) -> Floats:
        pixels = rows[:, : self.pictures * RAW_PICTURE].reshape(-1, 3, SIDE, SIDE)
        for kernel, biases in zip(weights[:-4:2], weights[1:-4:2], strict=True):
            pixels = _halved(np.maximum(_convolved(pixels, kernel) + biases[:, None, None], 0.0))
        seen = pixels.reshape(len(rows), -1)
        return _dense(np.hstack([seen, rows[:, self.pictures * RAW_PICTURE :]]), *weights[-4:])

    @property
    def multiplications(self) -> int:
        """Of one row."""
        sides = [(SIDE >> place) ** 2 for place in range(len(self.channels))]
        kernels = [prod(shape) for shape in self._shapes() if len(shape) > 2]
        seen = sum(side * kernel for side, kernel in zip(sides, kernels, strict=True))
        return self.pictures * seen + int((self.widths[:-1] * self.widths[1:]).sum())

    def _shapes(self) -> Shapes:
        shapes: Shapes = []
        for before, after in zip([3, *self.channels.tolist()], self.channels.tolist(), strict=False):
            shapes += [(after, before, _KERNEL, _KERNEL), (after,)]
        return shapes + _dense_shapes(self.widths)

    def check(self, width: int) -> None:
        """Raises BundleError unless the network reads matrices of `width` columns."""
        raw = self.pictures * RAW_PICTURE
        side = SIDE >> len(self.channels)
        sound = self.channels.ndim == 1 and bool((self.channels > 0).all()) and self.pictures > 0 and side > 0
        seen = int(self.channels[-1]) * side * side * self.pictures if sound and len(self.channels) else 0
        sound = sound and seen > 0 and _sound_widths(self.widths) and width - raw == int(self.widths[0]) - seen >= 0
        _check_size(self.weights, self._shapes() if sound else None, width)


@dataclass(frozen=True, slots=True)
class Sequential:
    """Words in their order: vectors of words, mixed by self-attention or by an LSTM in both directions, then the mean
    and the largest of each component, then dense layers.

    A row is the numbers of the words of each text (`RAW_TEXT` columns, 0 after the last), then other columns, which
    join before the dense layers. Attention as in Vaswani et al., Attention is all you need (2017), normalised first.
    """

    weights: Floats
    """float32; see `_shapes`."""
    vocabulary: Ints
    """Numbers of the words that have vectors, ascending; all others share one."""
    mixing: str
    texts: int
    layers: int
    heads: int
    size: int
    """Components of a vector."""
    widths: Ints
    """Inputs of the first dense layer, its outputs, outputs of the second."""

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs: log odds, logits or values."""
        weights = list(_split(self.weights, self._shapes()))
        return _in_chunks(np.asarray(rows), _TEXTS_AT_ONCE, lambda part: self._outputs(part, weights))

    def _outputs(self, rows: Floats, weights: list[Floats]) -> Floats:
        vectors, *mixers = weights[:-4]
        places = places_of(rows[:, : self.texts * RAW_TEXT].reshape(-1, RAW_TEXT), self.vocabulary)
        longest = max(1, int((places > 0).sum(axis=1).max(initial=0)))
        places = places[:, :longest]
        read = _attended if self.mixing == "transformer" else _remembered
        found = read(vectors[places], places > 0, mixers, self.layers, self.heads)
        seen = found.reshape(len(rows), -1)
        return _dense(np.hstack([seen, rows[:, self.texts * RAW_TEXT :]]), *weights[-4:])

    @property
    def multiplications(self) -> int:
        """Of one row whose texts are as long as they can be."""
        inner = [prod(shape) for shape in self._shapes()[1:-4] if len(shape) > 1]
        attention = 2 * self.layers * RAW_TEXT * self.size if self.mixing == "transformer" else 0
        return self.texts * RAW_TEXT * (sum(inner) + attention) + int((self.widths[:-1] * self.widths[1:]).sum())

    def _shapes(self) -> Shapes:
        size = self.size
        shapes: Shapes = [(len(self.vocabulary) + 2, size)]
        if self.mixing == "transformer":
            shapes.append((RAW_TEXT, size))
            for _ in range(self.layers):
                shapes += [(size,), (size,), (size, 3 * size), (3 * size,), (size, size), (size,)]
                shapes += [(size,), (size,), (size, 2 * size), (2 * size,), (2 * size, size), (size,)]
            shapes += [(size,), (size,)]
        else:
            for _ in range(2):
                shapes += [(size, 4 * size), (size, 4 * size), (4 * size,)]
        return shapes + _dense_shapes(self.widths)

    def check(self, width: int) -> None:
        """Raises BundleError unless the network reads matrices of `width` columns."""
        sound = (
            self.mixing in get_args(Mixing)
            and min(self.texts, self.layers, self.heads, self.size) > 0
            and self.size % self.heads == 0
            and self.vocabulary.ndim == 1
            and bool((np.diff(self.vocabulary) > 0).all())
            and _sound_widths(self.widths)
        )
        pooled = self.texts * self.size * (2 if self.mixing == "transformer" else 4)
        sound = sound and width - self.texts * RAW_TEXT == int(self.widths[0]) - pooled >= 0
        _check_size(self.weights, self._shapes() if sound else None, width)


def places_of(words: Floats | Ints, vocabulary: Ints) -> Ints:
    """The row of the table of vectors for each word: 0 after the end, 1 for one that is not in `vocabulary`."""
    numbers = np.asarray(words, dtype=np.int64)
    if not len(vocabulary):
        return np.asarray(numbers > 0, dtype=np.int64)
    found = np.minimum(np.searchsorted(vocabulary, numbers), len(vocabulary) - 1)
    return np.where(numbers == 0, 0, np.where(vocabulary[found] == numbers, found + 2, 1))


def _in_chunks(rows: Floats, most: int, outputs: Callable[[Floats], Floats]) -> Floats:
    parts = np.array_split(rows, max(1, -(-len(rows) // most)))
    return np.vstack([outputs(np.asarray(part, dtype=np.float64)) for part in parts])


def _convolved(pixels: Floats, kernel: Floats) -> Floats:
    """Pictures x channels x rows x columns; beyond the edges all is 0."""
    padded = np.pad(pixels, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (_KERNEL, _KERNEL), axis=(2, 3))
    count, _, height, width = pixels.shape
    flat = windows.transpose(0, 2, 3, 1, 4, 5).reshape(count * height * width, -1)
    return (flat @ kernel.reshape(len(kernel), -1).T).reshape(count, height, width, -1).transpose(0, 3, 1, 2)


def _halved(pixels: Floats) -> Floats:
    count, channels, height, width = pixels.shape
    return np.asarray(pixels.reshape(count, channels, height // 2, 2, width // 2, 2).max(axis=(3, 5)))


def _dense(rows: Floats, first: Floats, shift: Floats, last: Floats, base: Floats) -> Floats:
    return np.asarray(silu(rows @ first + shift) @ last + base)


def _attended(vectors: Floats, known: Bools, weights: list[Floats], layers: int, heads: int) -> Floats:
    texts, length, size = vectors.shape
    positions, *rest = weights
    state = vectors + positions[:length]
    away = np.where(known, 0.0, _FAR)[:, None, None, :]
    for layer in range(layers):
        gain, shift, mix, mix_shift, out, out_shift, gain2, shift2, up, up_shift, down, down_shift = rest[
            12 * layer : 12 * (layer + 1)
        ]
        asked, offered, told = np.split(_normalised(state, gain, shift) @ mix + mix_shift, 3, axis=2)
        asked, offered, told = (
            part.reshape(texts, length, heads, -1).transpose(0, 2, 1, 3) for part in (asked, offered, told)
        )
        scores = asked @ offered.transpose(0, 1, 3, 2) / np.sqrt(size / heads) + away
        heard = softmax(scores.reshape(-1, length)).reshape(scores.shape) @ told
        state = state + heard.transpose(0, 2, 1, 3).reshape(texts, length, size) @ out + out_shift
        state = state + silu(_normalised(state, gain2, shift2) @ up + up_shift) @ down + down_shift
    return _pooled(_normalised(state, *rest[-2:]), known)


def _remembered(vectors: Floats, known: Bools, weights: list[Floats], layers: int, heads: int) -> Floats:
    del layers, heads
    length = known.sum(axis=1)
    # Read backwards, a text begins with its last word too.
    back = np.maximum(length[:, None] - 1 - np.arange(vectors.shape[1]), 0)
    reversed_vectors = np.take_along_axis(vectors, back[:, :, None], axis=1)
    found = [_lstm(part, *three) for part, three in ((vectors, weights[:3]), (reversed_vectors, weights[3:]))]
    return np.hstack([_pooled(part, known) for part in found])


def _lstm(vectors: Floats, inner: Floats, recurrent: Floats, shift: Floats) -> Floats:
    """Hochreiter and Schmidhuber, Long short-term memory (1997), with forget gates; gates in the order of torch."""
    texts, length, size = vectors.shape
    given = vectors @ inner + shift
    said: Floats = np.zeros((texts, size))
    cell: Floats = np.zeros((texts, size))
    found = np.empty_like(vectors)
    for step in range(length):
        write, forget, change, show = np.split(given[:, step] + said @ recurrent, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(write) * np.tanh(change)
        said = sigmoid(show) * np.tanh(cell)
        found[:, step] = said
    return found


def _normalised(state: Floats, gain: Floats, shift: Floats) -> Floats:
    centered = state - state.mean(axis=-1, keepdims=True)
    return np.asarray(centered / np.sqrt((centered**2).mean(axis=-1, keepdims=True) + LEAST_VARIANCE) * gain + shift)


def _pooled(state: Floats, known: Bools) -> Floats:
    """The mean and the largest of each component over the words there are; 0 where there are none."""
    mask = known[:, :, None]
    count = np.maximum(known.sum(axis=1), 1)[:, None]
    largest = np.where(mask, state, _FAR).max(axis=1)
    return np.hstack([np.where(mask, state, 0.0).sum(axis=1) / count, np.where(largest > _FAR, largest, 0.0)])


def _dense_shapes(widths: Ints) -> Shapes:
    inputs, hidden, outputs = map(int, widths)
    return [(inputs, hidden), (hidden,), (hidden, outputs), (outputs,)]


def _split(flat: Floats, shapes: Shapes) -> Iterator[Floats]:
    start = 0
    for shape in shapes:
        yield flat[start : start + prod(shape)].reshape(shape).astype(np.float64)
        start += prod(shape)


def _sound_widths(widths: Any) -> bool:
    return widths.shape == (3,) and bool((widths > 0).all())


def _check_size(weights: Floats, shapes: Shapes | None, width: int) -> None:
    if shapes is None or weights.dtype != np.float32 or weights.shape != (sum(map(prod, shapes)),):
        raise BundleError(f"The weights of a network of the model do not read {width} columns.")

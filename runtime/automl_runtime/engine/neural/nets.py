"""The networks as torch modules, and as the predictors that do without it."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from automl_runtime.inference.neural import LEAST_VARIANCE, Convolutional, Mixing, Sequential, places_of
from automl_runtime.inference.parts import Predictor
from automl_runtime.inference.raw import RAW_PICTURE, RAW_TEXT, SIDE
from automl_runtime.kernels.arrays import Floats, Ints, Singles

__all__ = ["ConvolutionalNet", "Net", "SequentialNet", "dropped", "seeded"]

_FAR = -1e30


class Net(Protocol):
    """A module that trains on arrays and leaves a predictor."""

    def inputs(self, matrix: Singles) -> tuple[Singles, Singles | Ints]:
        """The other columns, and what is read as it stands."""

    def predictor(self) -> Predictor:
        """The network as it is now, without torch."""


class ConvolutionalNet(nn.Module):
    """See `inference.neural.Convolutional`; activations are normalised over a batch, which the predictor folds away."""

    def __init__(self, pictures: int, others: int, outputs: int, *, channels: list[int], hidden: int) -> None:
        super().__init__()
        self.pictures, self.channels = pictures, channels
        around = zip([3, *channels], channels, strict=False)
        self.kernels = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1, bias=False) for before, after in around)
        self.norms = nn.ModuleList(nn.BatchNorm2d(after, eps=LEAST_VARIANCE) for after in channels)
        side = SIDE >> len(channels)
        self.first = nn.Linear(pictures * channels[-1] * side * side + others, hidden)
        self.last = nn.Linear(hidden, outputs)

    def inputs(self, matrix: Singles) -> tuple[Singles, Singles]:
        """The other columns, and pixels: rows x pictures x 3 x side x side."""
        raw = self.pictures * RAW_PICTURE
        return matrix[:, raw:], matrix[:, :raw].reshape(len(matrix), self.pictures, 3, SIDE, SIDE)

    def forward(self, others: Tensor, pixels: Tensor, dropout: float, generator: torch.Generator) -> Tensor:
        """Rows x outputs."""
        state = pixels.flatten(0, 1)
        for kernel, norm in zip(self.kernels, self.norms, strict=True):
            state = functional.max_pool2d(functional.relu(norm(kernel(state))), 2)
        seen = torch.hstack([state.reshape(len(others), -1), others])
        hidden = functional.silu(self.first(dropped(seen, dropout, generator)))
        return self.last(dropped(hidden, dropout, generator))

    def predictor(self) -> Convolutional:
        """The network as it is now, without torch."""
        parts: list[Tensor] = []
        for kernel, norm in zip(self.kernels, self.norms, strict=True):
            gain: Any = norm.weight / torch.sqrt(norm.running_var + LEAST_VARIANCE)
            parts += [kernel.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain]
        widths = [self.first.in_features, self.first.out_features, self.last.out_features]
        return Convolutional(
            _flat([*parts, *_dense(self.first, self.last)]), np.array(self.channels), self.pictures, np.array(widths)
        )


class SequentialNet(nn.Module):
    """See `inference.neural.Sequential`."""

    def __init__(
        self,
        vocabulary: Ints,
        texts: int,
        others: int,
        outputs: int,
        *,
        mixing: Mixing,
        size: int,
        layers: int,
        heads: int,
        hidden: int,
    ) -> None:
        super().__init__()
        self.vocabulary, self.texts, self.mixing = vocabulary, texts, mixing
        self.size, self.heads = size, heads
        self.vectors = nn.Embedding(len(vocabulary) + 2, size)
        attends = mixing == "transformer"
        self.positions = nn.Parameter(torch.zeros(RAW_TEXT, size)) if attends else None
        self.blocks = nn.ModuleList(_Attention(size, heads) for _ in range(layers if attends else 0))
        self.norm = nn.LayerNorm(size, eps=LEAST_VARIANCE) if attends else None
        self.memories = nn.ModuleList(nn.LSTM(size, size, batch_first=True) for _ in range(0 if attends else 2))
        self.first = nn.Linear(texts * size * (2 if attends else 4) + others, hidden)
        self.last = nn.Linear(hidden, outputs)

    def inputs(self, matrix: Singles) -> tuple[Singles, Ints]:
        """The other columns, and rows of the table of vectors: rows x texts x words."""
        raw = self.texts * RAW_TEXT
        return matrix[:, raw:], places_of(matrix[:, :raw], self.vocabulary).reshape(len(matrix), self.texts, RAW_TEXT)

    def forward(self, others: Tensor, places: Tensor, dropout: float, generator: torch.Generator) -> Tensor:
        """Rows x outputs."""
        words = places.flatten(0, 1)
        words = words[:, : max(1, int((words > 0).sum(dim=1).max()))]
        known = words > 0
        state = dropped(self.vectors(words), dropout, generator)
        found = self._attended(state, known) if self.positions is not None else self._remembered(state, known)
        seen = torch.hstack([found.reshape(len(others), -1), others])
        hidden = functional.silu(self.first(dropped(seen, dropout, generator)))
        return self.last(dropped(hidden, dropout, generator))

    def _attended(self, state: Tensor, known: Tensor) -> Tensor:
        assert self.positions is not None and self.norm is not None
        state = state + self.positions[: state.shape[1]]
        away = torch.where(known, 0.0, _FAR)[:, None, None, :]
        for block in self.blocks:
            state = block(state, away)
        return _pooled(self.norm(state), known)

    def _remembered(self, state: Tensor, known: Tensor) -> Tensor:
        length = known.sum(dim=1, keepdim=True)
        back = (length - 1 - torch.arange(state.shape[1], device=state.device)).clamp_min(0)
        reversed_state = torch.gather(state, 1, back[:, :, None].expand_as(state))
        found = [memory(part)[0] for memory, part in zip(self.memories, (state, reversed_state), strict=True)]
        return torch.hstack([_pooled(part, known) for part in found])

    def predictor(self) -> Sequential:
        """The network as it is now, without torch."""
        parts = [self.vectors.weight]
        if self.positions is not None and self.norm is not None:
            parts.append(self.positions)
            for block in self.blocks:
                parts += block.parts()
            parts += [self.norm.weight, self.norm.bias]
        for memory in self.memories:
            inner, recurrent, shift, more = memory.parameters()
            parts += [inner.T, recurrent.T, shift + more]
        widths = [self.first.in_features, self.first.out_features, self.last.out_features]
        return Sequential(
            _flat([*parts, *_dense(self.first, self.last)]),
            self.vocabulary,
            self.mixing,
            self.texts,
            max(1, len(self.blocks)),
            self.heads,
            self.size,
            np.array(widths),
        )


class _Attention(nn.Module):
    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = (nn.LayerNorm(size, eps=LEAST_VARIANCE) for _ in range(2))
        self.mix, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, 2 * size), nn.Linear(2 * size, size)

    def forward(self, state: Tensor, away: Tensor) -> Tensor:
        texts, length, size = state.shape
        asked, offered, told = (
            part.reshape(texts, length, self.heads, -1).transpose(1, 2)
            for part in self.mix(self.before(state)).chunk(3, dim=2)
        )
        heard = functional.scaled_dot_product_attention(asked, offered, told, attn_mask=away.to(asked.dtype))
        state = state + self.out(heard.transpose(1, 2).reshape(texts, length, size))
        return state + self.down(functional.silu(self.up(self.between(state))))

    def parts(self) -> list[Tensor]:
        return [
            *(self.before.weight, self.before.bias, self.mix.weight.T, self.mix.bias, self.out.weight.T),
            *(self.out.bias, self.between.weight, self.between.bias, self.up.weight.T, self.up.bias),
            *(self.down.weight.T, self.down.bias),
        ]


def seeded(module: nn.Module, generator: torch.Generator) -> None:
    """Draws all weights anew, so that they depend on nothing but the seed; the last layer begins nearly at 0."""
    with torch.no_grad():
        for name, values in module.named_parameters():
            if "vectors" in name or "positions" in name:
                values.normal_(0.0, 0.1, generator=generator)
            elif values.dim() > 1:
                gain = 0.1 if name.startswith("last") else 1.0 if "memories" in name else sqrt(2.0)
                values.normal_(0.0, gain / sqrt(values[0].numel()), generator=generator)
            else:
                values.fill_(1.0 if name.endswith("weight") else 0.0)
        for name, values in module.named_parameters():
            if "vectors" in name:
                values[0] = 0.0
            if "bias_ih" in name:
                # A memory that forgets nothing at first (Jozefowicz et al., 2015).
                values[len(values) // 4 : len(values) // 2] = 1.0


def dropped(values: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Dropout (Srivastava et al., 2014) that draws from `generator`; none where `share` is 0."""
    if share == 0:
        return values
    kept = torch.rand(values.shape, generator=generator, device=values.device) >= share
    return values * kept / (1 - share)


def _pooled(state: Tensor, known: Tensor) -> Tensor:
    mask = known[:, :, None]
    count = known.sum(dim=1, keepdim=True).clamp_min(1)
    largest = torch.where(mask, state, _FAR).amax(dim=1)
    mean = torch.where(mask, state, 0.0).sum(dim=1) / count
    return torch.hstack([mean, torch.where(largest > _FAR, largest, 0.0)])


def _dense(*layers: nn.Linear) -> Iterable[Tensor]:
    return [part for layer in layers for part in (layer.weight.T, layer.bias)]


def _flat(parts: Iterable[Tensor]) -> Floats:
    return np.concatenate([part.detach().float().cpu().numpy().ravel() for part in parts])

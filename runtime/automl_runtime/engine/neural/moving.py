"""Pictures that are turned, moved, brought nearer and mirrored at random, anew in every epoch."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from automl_runtime.engine.neural.training import Changed

__all__ = ["mover"]


def mover(moves: float, *, mirrored: bool) -> Changed | None:
    """Moves pictures by `moves` of their side at most, sizes them by as much and turns them by as much of a half turn.

    With `mirrored` each is mirrored in half of the cases. None where nothing is to be done. Beyond an edge the edge
    goes on.
    """
    if moves == 0 and not mirrored:
        return None

    def move(pixels: Tensor, generator: torch.Generator) -> Tensor:
        flat = pixels.flatten(0, 1)
        drawn = torch.rand((5, len(flat)), generator=generator, device=flat.device) * 2 - 1
        turn, size = drawn[0] * moves * pi / 2, 1 + drawn[1] * moves
        side = torch.where(drawn[4] < 0, -1.0, 1.0) if mirrored else torch.ones_like(size)
        rows = (
            torch.stack([size * turn.cos() * side, -size * turn.sin(), 2 * moves * drawn[2]], dim=1),
            torch.stack([size * turn.sin() * side, size * turn.cos(), 2 * moves * drawn[3]], dim=1),
        )
        grid = functional.affine_grid(torch.stack(rows, dim=1), list(flat.shape), align_corners=False)
        moved = functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
        return moved.reshape(pixels.shape)

    return move

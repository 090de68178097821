"""What every contract has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Contract"]


class Contract(BaseModel):
    """An immutable record that refuses unknown keys.

    Change a copy with `model_copy(update={...})`; write it with `model_dump(mode="json")`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

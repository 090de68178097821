"""With how many bits networks are trained.

Mixed precision (Micikevicius et al., 2018): products in 16 bits, weights and sums in 32. Processors have no units for
`float16`; some have them for `bfloat16`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from automl_runtime.errors import MissingExtraError, RequestError, shorten
from automl_runtime.events import EventSink, Warned

if TYPE_CHECKING:
    from automl_runtime.engine.trials import Config

__all__ = ["DTYPES", "NEURAL", "PRECISIONS", "device_name", "import_torch", "settled"]

NEURAL: Final = ("cnn", "transformer", "lstm")
"""The families that are trained by torch."""

PRECISIONS: Final = ("auto", "float32", "bfloat16", "float16")
"""`auto`: `bfloat16` on an accelerator that has it, else `float32`."""

DTYPES: Final[Mapping[str, str | None]] = {"float32": None, "bfloat16": "bfloat16", "float16": "float16"}

_SIDE = 512
_REPEATS = 5


def import_torch() -> Any:
    """torch.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(package="torch", extra="torch") from error
    return torch


def device_name() -> str:
    """`cuda` where there is one, else `cpu`."""
    return "cuda" if import_torch().cuda.is_available() else "cpu"


def settled(configs: Sequence[Config], on_event: EventSink) -> list[Config]:
    """The same with the `precision` that this machine trains networks with; a `Warned` says what is declined.

    Raises:
        RequestError: if one is unknown.
    """
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            on_event(Warned(text))

    return [
        replace(config, params={**config.params, "precision": _chosen(str(config.params["precision"]), tell)})
        if config.learner in NEURAL and "precision" in config.params
        else config
        for config in configs
    ]


def _chosen(asked: str, tell: Callable[[str], None]) -> str:
    if asked not in PRECISIONS:
        raise RequestError(f"The precision {shorten(asked)} is unknown; possible: {', '.join(PRECISIONS)}.")
    try:
        device = device_name()
    except MissingExtraError:
        # Nothing will be trained; what is missing is said where the family is left out.
        return "float32"
    if device == "cuda":
        supported = bool(import_torch().cuda.is_bf16_supported())
        return asked if asked != "auto" else "bfloat16" if supported else "float32"
    if asked == "float16":
        tell("Networks are trained in float32: processors compute float16 by way of it, slower and less exactly.")
        return "float32"
    if asked == "bfloat16" and not _faster("bfloat16"):
        tell("Networks are trained in float32: this processor computes bfloat16 more slowly.")
        return "float32"
    return "float32" if asked == "auto" else asked


@cache
def _faster(name: str) -> bool:
    """Whether products of matrices in this type take less time here than in float32."""
    torch = import_torch()
    seconds = {}
    for dtype in (torch.float32, getattr(torch, name)):
        factor = torch.ones((_SIDE, _SIDE), dtype=dtype)
        best = float("inf")
        for _ in range(_REPEATS):
            start = time.perf_counter()
            factor @ factor
            best = min(best, time.perf_counter() - start)
        seconds[dtype] = best
    return bool(seconds[getattr(torch, name)] < seconds[torch.float32])

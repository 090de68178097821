"""How much memory an object holds on to."""

from __future__ import annotations

import gc
import sys
import types
from typing import Any, Final

import numpy as np

__all__ = ["held_bytes"]

_NOT_OURS: Final = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.CodeType)


def held_bytes(*roots: Any) -> int:
    """Bytes of all that can be reached from `roots`, arrays and texts above all; classes, functions and modules aside.

    What libraries hold outside of Python is not seen; for LightGBM and CatBoost it is about as much as their text.
    """
    seen: set[int] = set()
    waiting = list(roots)
    total = 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _NOT_OURS):
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray):
            # A view holds on to what it is a view of.
            total += item.nbytes if item.base is None else 0
            waiting.append(item.base)
        else:
            total += sys.getsizeof(item)
            waiting += gc.get_referents(item)
    return total

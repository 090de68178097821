"""Compiles kernels with numba when they are first called, so that importing them costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """`function` as a kernel that releases the GIL; machine code is cached on disk.

    The Python function stays reachable as `__wrapped__`. It must not call other kernels. Thread-safe.
    """
    kernel: Any = None
    lock = Lock()

    @wraps(function)
    def call(*args: Any) -> Any:
        nonlocal kernel
        if kernel is None:
            with lock:
                kernel = kernel or _compile(function)
        return kernel(*args)

    return cast("F", call)


def _compile(function: Callable[..., Any]) -> Any:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # No folder can hold the cache (read-only installation without a home): compile in memory.
        return numba.njit(nogil=True)(function)

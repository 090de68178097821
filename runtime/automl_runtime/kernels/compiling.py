"""Compiles kernels with numba when they are first called, so that importing them costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from types import FunctionType
from typing import Any, TypeVar, cast

__all__ = ["compiled"]

_MADE = "__kernel__"
"""The attribute of what `compiled` returns that gives the kernel itself."""

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """`function` as a kernel that releases the GIL; machine code is cached on disk.

    The Python function stays reachable as `__wrapped__`. It may call other kernels of its module. Thread-safe.
    """
    kernel: Any = None
    lock = Lock()

    def made() -> Any:
        nonlocal kernel
        with lock:
            kernel = kernel or _compile(function)
        return kernel

    @wraps(function)
    def call(*args: Any) -> Any:
        return (kernel or made())(*args)

    vars(call)[_MADE] = made
    return cast("F", call)


def _compile(function: Callable[..., Any]) -> Any:
    import numba

    names = {name: function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__}
    inner = {name: vars(value)[_MADE]() for name, value in names.items() if _MADE in getattr(value, "__dict__", {})}
    if inner:
        # The compiler knows kernels, and not what wraps them.
        function = FunctionType(function.__code__, function.__globals__ | inner, function.__name__)
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # No folder can hold the cache (read-only installation without a home): compile in memory.
        return numba.njit(nogil=True)(function)

"""Names for the array types that kernels and models exchange."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Floats", "Ints", "Matrix", "Records", "Singles", "Sparse"]

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.integer[Any]]
Singles: TypeAlias = NDArray[np.float32]
Bools: TypeAlias = NDArray[np.bool_]
Records: TypeAlias = NDArray[np.void]
Sparse: TypeAlias = Any
"""A `scipy.sparse` CSR matrix."""
Matrix: TypeAlias = Any
"""A dense array of shape (rows, columns), or a CSR matrix."""

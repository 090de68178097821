"""Engine and serving stack of the projects that automl generates.

Importing this package is cheap; its parts are imported when they are used.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"

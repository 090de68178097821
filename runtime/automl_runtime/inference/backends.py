"""Backends behind one `Predictor`: a part of a model, run by something else than its own code."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from automl_runtime.errors import BundleError, MissingExtraError, shorten
from automl_runtime.inference.catboost import CatBoost
from automl_runtime.inference.lightgbm import LightGbm
from automl_runtime.inference.parts import Backend, Predictor
from automl_runtime.kernels.arrays import Floats, Matrix

__all__ = ["OnnxPredictor", "Session", "backend_of", "onnx_session", "run_by"]


class Session(Protocol):
    """What is used of an `onnxruntime.InferenceSession`."""

    def run(self, outputs: list[str], inputs: dict[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        """The outputs by these names."""


class OnnxPredictor:
    """A predictor that was exported (`exporting.predictors.predictor_graph`), run by ONNX Runtime; thread-safe."""

    def __init__(self, content: bytes) -> None:
        """Loads `content`, the bytes of an ONNX model of one matrix.

        Raises:
            BundleError: if ONNX Runtime does not take it.
            MissingExtraError: if it is not installed.
        """
        self.content = content
        self._session = onnx_session(content)

    def __reduce__(self) -> tuple[Any, ...]:
        return OnnxPredictor, (self.content,)

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs; as the predictor that was exported, but for rounding.

        Raises:
            BundleError: if ONNX Runtime fails on the rows.
        """
        try:
            [found] = self._session.run(["outputs"], {"rows": np.ascontiguousarray(rows, dtype=np.float64)})
        except Exception as error:
            # Errors of ONNX Runtime have no base of their own.
            raise BundleError(f"ONNX Runtime fails on the rows: {shorten(str(error), 200)}") from error
        return found

    def check(self, width: int) -> None:
        """Raises BundleError unless it reads matrices of `width` columns."""
        self.predict(np.zeros((1, width)))


def onnx_session(content: bytes) -> Session:
    """ONNX Runtime with `content` loaded; one thread, as another may be needed by another request.

    Raises:
        BundleError: if it is no model that ONNX Runtime takes.
        MissingExtraError: if that is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError(package="onnxruntime", extra="onnx") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    try:
        session: Session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(f"ONNX Runtime does not take the model: {shorten(str(error), 200)}") from error
    return session


def backend_of(predictor: Predictor) -> Backend:
    """What runs `predictor`."""
    if isinstance(predictor, LightGbm | CatBoost):
        return predictor.backend
    return "onnx" if isinstance(predictor, OnnxPredictor) else "kernels"


def run_by(predictor: Predictor, backend: Backend, exported: bytes | None = None) -> Predictor | None:
    """The same model, run by `backend`; None where that cannot run models of its kind.

    Args:
        predictor: as it was trained or loaded.
        backend: to run it by.
        exported: what `exporting.predictors.predictor_graph` made of it; for `onnx` only.

    Raises:
        BundleError: if the backend does not take the model.
        MissingExtraError: if a package is missing.
    """
    if backend == "onnx":
        return None if exported is None else OnnxPredictor(exported)
    if backend == backend_of(predictor):
        return predictor
    made: LightGbm | CatBoost
    if isinstance(predictor, LightGbm) and backend in ("kernels", "single_row", "library"):
        made = LightGbm(predictor.text, backend)
    elif isinstance(predictor, CatBoost) and backend in ("kernels", "library"):
        made = CatBoost(predictor.blob, predictor.numbers, predictor.outputs, backend)
    else:
        return None
    # The kernels do not run all models; the library does in their place.
    return made if made.backend == backend else None

"""Estimators and transformers of others inside a model.

What they are made of is unknown, so it cannot be kept as plain arrays: skops writes it down type by type, and reads it
only where the class is registered, and only the types of the module that holds the class, those that the class names
in `trusted_types`, and what skops trusts (NumPy, SciPy, scikit-learn).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import AutomlError, BundleError, MissingExtraError, RequestError, TrainingError, shorten
from automl_runtime.inference.encoding import Encoded
from automl_runtime.kernels.arrays import Floats, Ints, Matrix
from automl_runtime.plugins import Kind, Registry

__all__ = ["Foreign", "ForeignStep", "code_of_others", "dense", "dump", "import_skops", "revive"]

_SMALLEST = 1e-6


def dump(fitted: Any, name: str) -> NDArray[np.uint8]:
    """`fitted` as bytes.

    Raises:
        RequestError: if it holds types that could not be read again, naming them.
        MissingExtraError: if skops is not installed.
    """
    blob = bytes(import_skops().dumps(fitted))
    refused = _refused(blob, type(fitted))
    if refused:
        raise RequestError(
            f"{name} cannot be stored: {type(fitted).__name__} holds {', '.join(refused[:5])}, not trusted.",
            hint=f"If they are harmless: {type(fitted).__name__}.trusted_types = {tuple(refused[:5])}",
        )
    return np.frombuffer(blob, dtype=np.uint8)


def revive(kind: Kind, name: str, blob: NDArray[np.uint8]) -> Any:
    """What `dump` wrote; the class is the one that is registered under `name` here.

    Raises:
        BundleError: if none is, or the bytes hold another class, or types that it does not trust.
        MissingExtraError: if skops is not installed.
    """
    try:
        plugin = Registry(kind, {}).named(name)
        owner = plugin.load()
    except RequestError as error:
        raise BundleError(
            f"The model needs {name}, one of the {kind} that others add: {error.message}",
            hint=f"Install the package that brings it, or: automl register {kind} --name {name} --module MODULE:CLASS",
        ) from error
    content = blob.tobytes()
    refused = _refused(content, owner)
    if refused:
        raise BundleError(f"The model's {name} holds {', '.join(refused[:5])}, which {plugin.target} does not trust.")
    found = import_skops().loads(content, trusted=import_skops().get_untrusted_types(data=content))
    if type(found) is not owner:
        raise BundleError(f"The model's {name} is a {type(found).__name__}; registered is {plugin.target}.")
    return found


@contextmanager
def code_of_others(name: str) -> Iterator[None]:
    """Whatever the code of a part raises becomes one kind of error that names the part.

    Raises:
        TrainingError: instead of any error that is not one of ours.
    """
    try:
        yield
    except AutomlError:
        raise
    except Exception as error:
        raise TrainingError(f"{name} failed: {type(error).__name__}: {shorten(str(error))}.") from error


def dense(matrix: Matrix) -> Floats:
    """A matrix as others expect it."""
    return matrix if isinstance(matrix, np.ndarray) else np.asarray(matrix.toarray())


def import_skops() -> Any:
    """The part of skops that reads and writes.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import skops.io
    except ImportError as error:
        raise MissingExtraError(package="skops", extra="plugins") from error
    return skops.io


def _refused(blob: bytes, owner: Any) -> list[str]:
    trusted: Sequence[str] = tuple(getattr(owner, "trusted_types", ()))
    module = f"{owner.__module__}."
    return [
        found
        for found in import_skops().get_untrusted_types(data=blob)
        if found not in trusted and not (found.startswith(module) and "." not in found[len(module) :])
    ]


@dataclass(frozen=True)
class Foreign:
    """An estimator with `predict`, and `predict_proba` where `chances`; `columns` are its classes among all `width`."""

    name: str
    blob: NDArray[np.uint8]
    columns: Ints
    width: int
    chances: bool

    @cached_property
    def estimator(self) -> Any:
        """The estimator itself, read when it is first needed."""
        return revive("architectures", self.name, self.blob)

    def predict(self, rows: Matrix) -> Floats:
        """Probabilities (rows x classes), or values (rows x 1); a class that was not seen has almost none."""
        matrix = dense(rows)
        result = np.zeros((len(matrix), self.width))
        with code_of_others(self.name):
            if not len(self.columns):
                return np.asarray(self.estimator.predict(matrix), dtype=np.float64).reshape(len(matrix), 1)
            if self.chances:
                result[:, self.columns] = self.estimator.predict_proba(matrix)
            else:
                labels = np.asarray(self.estimator.predict(matrix)).astype(np.int64)
                result[np.arange(len(matrix)), labels] = 1.0
        result = np.clip(result, _SMALLEST, None)
        return np.asarray(result / result.sum(axis=1, keepdims=True))

    def check(self, width: int) -> None:
        """Raises BundleError unless the estimator answers for `width` columns."""
        try:
            self.predict(np.zeros((1, width)))
        except TrainingError as error:
            raise BundleError(f"The model's {self.name} does not read {width} columns: {error}") from error


@dataclass(frozen=True)
class ForeignStep:
    """A transformer of all numbers (rows x columns, NaN where missing) into others."""

    name: str
    blob: NDArray[np.uint8]
    width: int
    """How many numbers come out."""

    @cached_property
    def transformer(self) -> Any:
        """The transformer itself, read when it is first needed."""
        return revive("preprocessors", self.name, self.blob)

    def apply(self, data: Encoded) -> Encoded:
        """Its numbers instead of those that came."""
        with code_of_others(self.name):
            made = np.asarray(self.transformer.transform(data.numbers), dtype=np.float64)
            return replace(data, numbers=made.reshape(len(data), self.width))

    def reverse(self, data: Encoded) -> Encoded:
        """By its own `inverse_transform`.

        Raises:
            RequestError: if it has none.
        """
        if not hasattr(self.transformer, "inverse_transform"):
            raise RequestError(f"{self.name} has no inverse_transform: its numbers do not come back.")
        return replace(data, numbers=np.asarray(self.transformer.inverse_transform(data.numbers), dtype=np.float64))

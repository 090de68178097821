"""CatBoost models, run by our kernels, or by the library."""

from __future__ import annotations

import json
import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from automl_runtime.errors import BundleError, MissingExtraError
from automl_runtime.inference.catboost_json import JsonModel, read_json
from automl_runtime.inference.encoding import UNSEEN
from automl_runtime.kernels.arrays import Floats, Ints, Matrix

__all__ = ["CatBoost", "features_data", "import_catboost"]

_ROWS_FOR_THREADS = 1_000
_LARGEST = 1 << 24
"""Bytes of a model with categories whose tables are read: that takes a second, and ten times as much memory."""


def import_catboost() -> Any:
    """The module `catboost`.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        import catboost
    except ImportError as error:
        raise MissingExtraError(package="catboost", extra="boost") from error
    return catboost


def features_data(rows: Matrix, numbers: int) -> Any:
    """What CatBoost reads: the first `numbers` columns of `rows` as numbers, the others as codes of categories."""
    codes = rows[:, numbers:].astype(np.int64)
    width = codes.shape[1]
    spellings = np.array([str(code).encode() for code in range(UNSEEN, codes.max(initial=0) + 1)], dtype=object)
    return import_catboost().FeaturesData(
        num_feature_data=np.ascontiguousarray(rows[:, :numbers], dtype=np.float32) if numbers else None,
        cat_feature_data=spellings[codes - UNSEEN] if width else None,
    )


class CatBoost:
    """A model in CatBoost's binary format (cbm), over `numbers` columns of numbers and then codes of categories."""

    def __init__(self, blob: bytes, numbers: int, outputs: int, backend: str = "kernels") -> None:
        """Loads `blob`.

        Args:
            blob: the model.
            numbers: how many of its columns are numbers.
            outputs: how many it predicts.
            backend: `kernels`, or `library`, which runs in any case what `read_json` does not read.

        Raises:
            BundleError: if it is not a CatBoost model.
            MissingExtraError: if CatBoost is not installed.
        """
        self.blob, self.numbers, self.outputs = blob, numbers, outputs
        self.wanted = backend
        """The backend that was asked for."""
        self.width = len(self._model.feature_names_)
        """Columns that it reads."""

    @cached_property
    def _model(self) -> Any:
        """The library's, loaded when it is needed; kernels that have read it do without."""
        module = import_catboost()
        model = module.CatBoost()
        try:
            model.load_model(blob=self.blob)
        except module.CatBoostError as error:
            raise BundleError(f"The CatBoost model cannot be read: {str(error)[:300]}") from error
        return model

    @cached_property
    def _trees(self) -> JsonModel | None:
        """Read when it is first needed: that takes as long as the library takes to predict ten thousands of rows."""
        if self.wanted == "library" or (self.width > self.numbers and len(self.blob) > _LARGEST):
            return None
        trees = read_json(self.to_json(), self.numbers, self.width, self.outputs)
        if trees is not None:
            vars(self).pop("_model", None)
        return trees

    @property
    def backend(self) -> Literal["kernels", "library"]:
        """`kernels` or `library`."""
        return "library" if self._trees is None else "kernels"

    def by_library(self) -> CatBoost:
        """The same model, run by CatBoost."""
        return CatBoost(self.blob, self.numbers, self.outputs, "library")

    def edges(self) -> list[Floats | Ints]:
        """For each column the borders that trees ask for, or codes; none where the library runs them."""
        return [np.empty(0)] * self.width if self._trees is None else self._trees.edges()

    def __reduce__(self) -> tuple[Any, ...]:
        return CatBoost, (self.blob, self.numbers, self.outputs, self.wanted)

    def predict(self, rows: Matrix) -> Floats:
        """float64, rows x outputs; log odds, logits or values.

        Raises:
            BundleError: if the rows do not have `width` columns.
        """
        self.check(rows.shape[1])
        # Many rows are not worth reading the trees for; once they are read, kernels do those, too.
        few = len(rows) < _ROWS_FOR_THREADS or "_trees" in vars(self)
        if few and self._trees is not None:
            return self._trees.predict(rows)
        pool = import_catboost().Pool(features_data(rows, self.numbers))
        threads = 1 if len(rows) < _ROWS_FOR_THREADS else -1
        raw = self._model.predict(pool, prediction_type="RawFormulaVal", thread_count=threads)
        return np.asarray(raw, dtype=np.float64).reshape(len(rows), -1)

    def write(self, path: Path, format: str, *, pool: Any = None) -> None:
        """Writes the model in one of CatBoost's own formats; `pool` holds the categories that code must know."""
        self._model.save_model(str(path), format=format, pool=pool)

    def to_json(self) -> dict[str, Any]:
        """What CatBoost tells of the model."""
        with tempfile.TemporaryDirectory(prefix="automl-") as folder:
            self.write(Path(folder) / "model.json", "json")
            told: dict[str, Any] = json.loads((Path(folder) / "model.json").read_bytes())
        return told

    def check(self, width: int) -> None:
        """Refuses a model that does not read matrices of `width` columns.

        Raises:
            BundleError: if it does not.
        """
        if self.width != width:
            raise BundleError(f"The CatBoost model does not read the {width} columns that its preprocessing makes.")

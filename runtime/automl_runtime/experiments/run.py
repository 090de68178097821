"""What a training leaves: its folder, its model, and how the model does on rows it has not seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from automl_schemas.metrics import RunRecord

from automl_runtime.engine.evaluation import known_rows
from automl_runtime.engine.registries import registry
from automl_runtime.errors import DataError, RequestError, shorten
from automl_runtime.files import write_text
from automl_runtime.tracking.runs import read_run

__all__ = ["EVALUATION", "Run"]

EVALUATION = "evaluation.json"


class Run:
    """A finished training; `evaluate` and `export` write into its folder."""

    def __init__(
        self,
        path: Path,
        model: Any,
        features: pd.DataFrame,
        target: pd.Series | None,
        evaluator: str,
        record: Callable[[], None],
    ) -> None:
        """Use `Experiment.run` or `Project.train`."""
        self.path = path
        """The folder of the run."""
        self.model = model
        """What `fit` returned."""
        self._features, self._target = features, target
        self._evaluator, self._record = evaluator, record
        self._said: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def id(self) -> str:
        """`run_{NNN}_{YYYYMMDD}_{HHMM}`."""
        return self.path.name

    @property
    def record(self) -> RunRecord:
        """The run as `automl runs` lists it.

        Raises:
            DataError: if the folder has gone.
        """
        found = read_run(self.path)
        if found is None:
            raise DataError(f"{self.path} holds no record of a run.")
        return found

    def evaluate(self) -> dict[str, Any]:
        """What the evaluator says of the model on the holdout: as a rule every metric of the task, by its name.

        Written to `evaluation.json`; of a task with a target also to the record of the run and `reports/metrics.json`.
        Rows of a class that the model was never shown are left out.
        """
        features, target = self._features, self._target
        if target is not None and self.model.task != "anomaly":
            known = known_rows(self.model.fitted, target)
            features, target = features[known], target[known]
        said = dict(registry("evaluators").named(self._evaluator).load()(self.model, features, target))
        record = {"evaluator": self._evaluator, "rows": len(features), "scores": said}
        write_text(self.path / EVALUATION, json.dumps(record, indent=2, default=str) + "\n")
        self._record()
        self._said = said
        return said

    @property
    def scores(self) -> dict[str, Any]:
        """What `evaluate` said last; it is asked when it has not been yet."""
        return self.evaluate() if self._said is None else dict(self._said)

    def export(self, format: Literal["onnx"] = "onnx", path: Path | str | None = None) -> Path:
        """Writes the model for other runtimes and compares both on the holdout; see `Model.export`.

        Args:
            format: `onnx`.
            path: the file; None: `exports/model.onnx` in the folder of the run.

        Raises:
            RequestError: if the model holds what the format cannot say; names it.
        """
        if not hasattr(self.model, "export"):
            raise RequestError(f"A model of the task {self.model.task} cannot be exported as {shorten(format)}.")
        where = Path(path) if path is not None else self.path / "exports" / f"model.{format}"
        exported: Path = self.model.export(where, format=format, rows=self._features)
        return exported

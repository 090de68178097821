"""Finished trials on disk, so that a search can go on after its process was killed.

A checkpoint is a folder: `checkpoint.json` says of which search it is, `trial_NNNN.npz` holds a trial and its
out-of-fold outputs, `models_NNNN.npz` its fitted models as arrays, `best/` the best model of a cancelled search.
The trial is written after its models, each file at once: what was torn by the end of the process is done again.
Preprocessing is not stored; it is fitted again on the same rows, with the same outcome.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from automl_runtime.engine.cost import predictor_microseconds
from automl_runtime.engine.learners.base import Fit
from automl_runtime.engine.options import Options
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.trials import Config, FoldResult, TrialResult
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import BundleError, DataError, RequestError, shorten
from automl_runtime.events import EventSink, Warned
from automl_runtime.files import lock, replace_file, write_text
from automl_runtime.inference.encoding import Encoded, Encoder
from automl_runtime.inference.model import FittedModel
from automl_runtime.inference.parts import Reading
from automl_runtime.inference.storage import pack_predictor, stored_bytes, unpack_predictor

__all__ = ["BEST", "CHECKPOINT_FILE", "Checkpoint", "describe_search"]

BEST = "best"
"""The folder of the best model when the search was cancelled."""

CHECKPOINT_FILE = "checkpoint.json"
"""Of which search the folder is; there as soon as the search has begun."""

_LOCK = "lock"
_TRIAL = re.compile(r"trial_(\d{4,})\.npz")
_HOW_LONG = frozenset({"budget_seconds", "trials", "max_trials", "on_event", "cancel", "resume", "memory", "executor"})
"""Options that say how long a search goes on, in which order, where, and who hears of it, not what its trials are."""
_DIGESTS = ("data", "values of the target, weights, groups or times")
_LIBRARIES = ("automl-runtime", "numpy", "scikit-learn", "lightgbm", "catboost")
_TORN = (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, zipfile.BadZipFile, BundleError)

Arrays = dict[str, np.ndarray[Any, Any]]


def describe_search(problem: Problem, encoder: Encoder, data: Encoded, options: Options) -> dict[str, Any]:
    """What two searches must have in common for their trials to be the same: data, target, options, versions."""
    named = {item.name: _plain(getattr(options, item.name)) for item in fields(options) if item.name not in _HOW_LONG}
    return {
        "columns": [column.name for column in encoder.columns],
        _DIGESTS[0]: _digest([*_matrices(data)], encoder.to_json()),
        "target": problem.target,
        "task": problem.task,
        "metric": problem.metric,
        _DIGESTS[1]: _digest(
            [part for part in (problem.y, problem.weights, problem.groups, problem.time) if part is not None],
            [str(label) for label in problem.classes] + [problem.positive],
        ),
        **named,
        **{f"version of {name}": _version(name) for name in _LIBRARIES},
    }


class Checkpoint:
    """The finished trials of one search; use it in a `with` statement. One process at a time."""

    def __init__(self, folder: Path, about: Mapping[str, Any], held: IO[str], on_event: EventSink) -> None:
        """Use `open`."""
        self.folder = folder
        self._about = dict(about)
        self._held = held
        self._on_event = on_event

    @classmethod
    def open(cls, folder: Path, search: Mapping[str, Any], on_event: EventSink) -> Self:
        """The checkpoint in `folder`, which is made when it is absent or empty.

        Args:
            folder: of one search.
            search: what `describe_search` says.
            on_event: hears of trials that cannot be used.

        Raises:
            RequestError: if the folder is in use, holds something else, or belongs to a search that differs; the
                message names what differs.
            DataError: if it cannot be written.
        """
        about = {"search": dict(search)}
        path = folder / CHECKPOINT_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not path.exists() and any(entry.name != _LOCK for entry in folder.iterdir()):
                raise RequestError(
                    f"{folder} is no checkpoint, and not empty.", hint="Give the folder of a checkpoint."
                )
            held = (folder / _LOCK).open("a", encoding="utf-8")
        except OSError as error:
            raise DataError(f"No checkpoint can be kept in {folder}: {error.strerror}.") from error
        try:
            if not lock(held):
                raise RequestError(f"Another process is working on the checkpoint {folder}.")
            if path.exists():
                about = _read_about(path)
                _refuse_other(folder, about["search"], search)
            for left in folder.glob(".*.npz"):
                left.unlink()
        except BaseException:
            held.close()
            raise
        return cls(folder, about, held, on_event)

    @property
    def plan(self) -> dict[str, Any] | None:
        """The plan that the trials follow; None before `begin`."""
        plan: dict[str, Any] | None = self._about.get("plan")
        return plan

    def begin(self, plan: Mapping[str, Any]) -> None:
        """Records the plan of a search that starts."""
        self._about["plan"] = dict(plan)
        write_text(self.folder / CHECKPOINT_FILE, json.dumps(self._about, indent=2) + "\n")

    def save(self, result: TrialResult, *, used: float) -> None:
        """Writes a finished trial; `used` are the seconds that the search has taken so far.

        Raises:
            DataError: if there is no space.
        """
        folds = result.folds if result.complete else []
        models: Arrays = {}
        entries = [
            {
                "predictor": pack_predictor(fold.fit.predictor, f"fold{place}", models),
                "reading": asdict(fold.fit.reading),
                "rounds": fold.fit.rounds,
                "best": fold.fit.best,
                "rows": len(fold.outputs),
                "seconds": fold.seconds,
                "predict_seconds": fold.predict_seconds,
            }
            for place, fold in enumerate(folds)
        ]
        record = {
            "number": result.number,
            "config": asdict(result.config) | {"params": dict(result.config.params)},
            "status": result.status,
            "seconds": result.seconds,
            "score": result.score,
            "error": result.error,
            "rounds": result.rounds,
            "folds": entries,
            "used": used,
        }
        trial: Arrays = {"record": np.frombuffer(json.dumps(record, allow_nan=False).encode(), dtype=np.uint8)}
        if result.outputs is not None:
            trial["outputs"] = result.outputs
        if folds:
            replace_file(self._models(result.number), lambda path: np.savez(path, **models))  # type: ignore[arg-type]
        replace_file(self.folder / f"trial_{result.number:04d}.npz", lambda path: np.savez(path, **trial))  # type: ignore[arg-type]

    def forget(self, result: TrialResult) -> None:
        """Removes the models of a trial that no ensemble will hold."""
        self._models(result.number).unlink(missing_ok=True)

    def read(self, workspace: Workspace) -> tuple[list[TrialResult], float]:
        """The trials that were written completely, in order, and the seconds that they took together.

        Those that cannot be read are removed, with a warning: they are done again.
        """
        found, seconds = [], 0.0
        paths = [path for path in self.folder.iterdir() if _TRIAL.fullmatch(path.name)]
        for path in sorted(paths, key=lambda path: int(path.stem.split("_")[1])):
            try:
                result, used = _read_trial(path, self._models(int(path.stem.split("_")[1])), workspace)
            except _TORN:
                path.unlink(missing_ok=True)
                self._on_event(Warned(f"{path} was not written completely: this trial is done again."))
                continue
            found.append(result)
            seconds = max(seconds, used)
        return found, seconds

    def keep_best(self, model: FittedModel) -> Path:
        """Writes `model` into the folder `best`; returns it."""
        new, place = self.folder / f".{BEST}", self.folder / BEST
        shutil.rmtree(new, ignore_errors=True)
        model.save(new)
        shutil.rmtree(place, ignore_errors=True)
        return new.rename(place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def _models(self, number: int) -> Path:
        return self.folder / f"models_{number:04d}.npz"


def _read_trial(path: Path, models: Path, workspace: Workspace) -> tuple[TrialResult, float]:
    trial = _load(path)
    record = json.loads(trial["record"].tobytes())
    values = record["config"]
    config = Config(**{**values, "rounds": tuple(values["rounds"])})
    outputs = trial.get("outputs")
    folds = []
    # Without the file: forgotten, as it would have been in the search itself.
    if models.exists() and record["folds"]:
        arrays = _load(models)
        ends = np.cumsum([entry["rows"] for entry in record["folds"]])
        parts = np.split(outputs, ends[:-1]) if outputs is not None else []
        recipe = config.family().recipe(config.params)
        for place, (entry, part) in enumerate(zip(record["folds"], parts, strict=True)):
            predictor = unpack_predictor(entry["predictor"], f"fold{place}", arrays)
            fit = Fit(predictor, Reading(**entry["reading"]), entry["rounds"], entry["best"])
            design = workspace.fold_data(recipe, place).design
            seconds = entry["seconds"], entry["predict_seconds"]
            burden = stored_bytes(predictor), predictor_microseconds(predictor)
            folds.append(FoldResult(fit, design, part, *seconds, *burden))
    result = TrialResult(
        record["number"],
        config,
        record["status"],
        folds,
        record["seconds"],
        score=record["score"],
        outputs=outputs,
        error=record["error"],
        rounds=list(record["rounds"]),
    )
    return result, float(record["used"])


def _load(path: Path) -> Arrays:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def _read_about(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(about["search"], dict) and isinstance(about["plan"], dict):
            return {"search": about["search"], "plan": about["plan"]}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DataError(f"{path} does not say of which search the checkpoint is.", hint="Remove the folder and start anew.")


def _refuse_other(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    now = json.loads(json.dumps(now))
    different = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    if not different:
        return
    told = [
        name if name in _DIGESTS else f"{name} (was {_short(before, name)}, is {_short(now, name)})"
        for name in different
    ]
    raise RequestError(
        f"The checkpoint {folder} belongs to another search; different: {'; '.join(told)}.",
        hint="Use the same data and options, or another folder.",
    )


def _short(values: Mapping[str, Any], name: str) -> str:
    return shorten(values.get(name), 60)


def _matrices(data: Encoded) -> Iterable[Any]:
    yield from (data.numbers, data.codes)
    for text in data.texts:
        yield from (text.indptr, text.indices, text.data)
    yield from data.images


def _digest(arrays: Sequence[Any], rest: Any) -> str:
    digest = hashlib.blake2b(json.dumps(rest, sort_keys=True, default=str).encode(), digest_size=20)
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """`value` as JSON; of objects that JSON does not know, their class."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in sorted(value.items(), key=lambda item: str(item[0]))}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    return value if value is None or isinstance(value, str | int | float | bool) else type(value).__name__


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

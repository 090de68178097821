"""Looks at what a service is asked, off the hot path: rows are put aside as they are answered, a thread counts them."""

from __future__ import annotations

import hashlib
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import msgspec
import pandas as pd
from automl_schemas.bundle import BundleManifest
from prometheus_client.core import GaugeMetricFamily

from automl_runtime.monitoring.reference import Reference
from automl_runtime.monitoring.watching import Alert, DriftPolicy, DriftWatch
from automl_runtime.registry.bundle import Bundle
from automl_runtime.serving.live import Served
from automl_runtime.serving.prediction_log import PredictionLog
from automl_runtime.serving.requests import BadRequest, Problem, text_of

__all__ = ["ObservedRows", "Observer"]

_LOG = logging.getLogger("automl_runtime.serving")
_MOST_ROWS: Final = 256
"""Rows that wait to be counted; those beyond are only numbered. That is 500 a second: evidence enough, and what it
costs does not grow with the load."""
_MOST_FRAMES: Final = 32
_LONGEST_FRAME: Final = 1_000
_CHUNK: Final = 128
_PAUSE: Final = 0.001
"""Seconds that the event loop is left alone after each chunk and frame."""


class ObservedRows:
    """Clean rows of one version of a model and what was answered, until they are counted; bounded, from any thread."""

    def __init__(self, name: str, bundle: Bundle, watch: DriftWatch) -> None:
        self.name, self.watch = name, watch
        self.manifest = bundle.manifest
        self._rows: deque[tuple[Mapping[str, Any], bytes]] = deque()
        self._frames: deque[tuple[pd.DataFrame, Sequence[Mapping[str, Any]]]] = deque()
        self._skipped = 0

    def row(self, values: Mapping[str, Any], answer: bytes) -> None:
        """Keeps a row, its columns in the order of the schema, and the JSON answer to it."""
        if len(self._rows) < _MOST_ROWS:
            self._rows.append((values, answer))
        else:
            self._skipped += 1

    def frame(self, frame: pd.DataFrame, answers: Sequence[Mapping[str, Any]] = ()) -> None:
        """Keeps rows that were answered together; of many every n-th."""
        if len(self._frames) >= _MOST_FRAMES:
            self._skipped += len(frame)
            return
        # Pictures have no sketch, and are too large to wait.
        frame = frame[[name for name in frame.columns if name in self.watch.counts.columns]]
        step = -(-len(frame) // _LONGEST_FRAME)
        kept = frame.iloc[::step].copy() if step > 1 else frame
        self._skipped += len(frame) - len(kept)
        self._frames.append((kept, answers[::step] if step > 1 else answers))

    def fold(self) -> Alert | None:
        """Counts what was kept; the alert, if that raised or ended it. For one thread."""
        vector = self.watch.counts.empty()
        # Not those that come meanwhile: under load there would be no end.
        waiting = len(self._rows)
        for start in range(0, waiting, _CHUNK):
            some = [self._rows.popleft() for _ in range(min(_CHUNK, waiting - start))]
            columns = zip(*(values.values() for values, _ in some), strict=True)
            predicted = [_predicted(msgspec.json.decode(answer), self.manifest) for _, answer in some]
            vector += self.watch.vector(dict(zip(some[0][0], columns, strict=True)), len(some), predicted)
            time.sleep(_PAUSE)
        for frame, answers in self._together():
            predicted = [_predicted(answer, self.manifest) for answer in answers]
            vector += self.watch.vector({str(name): frame[name] for name in frame}, len(frame), predicted or None)
            time.sleep(_PAUSE)
        if not vector[-1]:
            return None
        skipped, self._skipped = self._skipped, 0
        return self.watch.add(vector, skipped=skipped)

    def _together(self) -> Iterator[tuple[pd.DataFrame, list[Mapping[str, Any]]]]:
        """The frames that wait, those with the same columns as one: what a frame costs hardly depends on its rows."""
        groups: dict[tuple[str, ...], list[tuple[pd.DataFrame, Sequence[Mapping[str, Any]]]]] = {}
        for _ in range(len(self._frames)):
            kept = self._frames.popleft()
            groups.setdefault(tuple(kept[0].columns), []).append(kept)
        for group in groups.values():
            answers = [answer for _, some in group for answer in some]
            yield pd.concat([frame for frame, _ in group], ignore_index=True), answers


class Observer:
    """What one service sees of itself: drift, slow requests, and predictions in a log."""

    def __init__(
        self,
        drift: DriftPolicy | None = None,
        *,
        folder: Path | None = None,
        predictions: PredictionLog | None = None,
        slow_seconds: float = float("inf"),
        every: float = 0.5,
    ) -> None:
        """Sees nothing until it is started.

        Args:
            drift: when rows are judged; None: with the usual policy.
            folder: where several processes count together; None: this one alone.
            predictions: where they are logged; None: nowhere.
            slow_seconds: requests that take so long are logged.
            every: seconds between two counts.
        """
        self._policy = drift or DriftPolicy()
        self._folder = folder
        self.predictions = predictions
        self.slow_seconds = slow_seconds
        self._rows: dict[str, ObservedRows] = {}
        self._every = every
        self._stopped = Event()
        self._thread: Thread | None = None

    def observe(self, name: str, served: Served) -> None:
        """Looks at what `served` is asked from now on, in place of what was called `name` before; "" stands alone."""
        bundle = served.bundle
        self._rows.pop(name, None)
        if not bundle.reference:
            return
        moments = frozenset(column.name for column in bundle.schema.columns if column.type in ("date", "datetime"))
        folder = None
        if self._folder is not None:
            digest = hashlib.sha256(f"{name}\0{bundle.manifest.model_version}".encode()).hexdigest()[:16]
            folder = self._folder / "drift" / digest
            folder.mkdir(parents=True, exist_ok=True)
        watch = DriftWatch(Reference.model_validate(bundle.reference), self._policy, moments, folder)
        rows = self._rows[name] = ObservedRows(name, bundle, watch)
        served.scorer.observe(rows)

    def start(self) -> None:
        """Begins to count."""
        self._stopped.clear()
        self._thread = Thread(target=self._run, name="observe", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Counts and writes what is left."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self.predictions is not None:
            self.predictions.close()

    def report(self, name: str = "") -> dict[str, Any]:
        """What has become of the rows of a model, as JSON has it.

        Raises:
            BadRequest: 404 if nothing is known of how its rows were in training, or it answers no rows here yet.
        """
        rows = self._rows.get(name)
        if rows is None:
            raise BadRequest([Problem("The model has no sketch of its training rows, or is not loaded.")], status=404)
        return {"model_version": rows.manifest.model_version, **asdict(rows.watch.report())}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges for Prometheus, of the last window that was judged."""
        largest = GaugeMetricFamily(
            "automl_drift_psi_max", "Largest population stability index of a column.", labels=["model"]
        )
        alerts = GaugeMetricFamily("automl_drift_alert", "1 while columns have moved.", labels=["model"])
        for name, rows in list(self._rows.items()):
            index, active = rows.watch.glance()
            largest.add_metric([name], index)
            alerts.add_metric([name], float(active))
        yield largest
        yield alerts

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            self._look()
        self._look()

    def _look(self) -> None:
        for rows in list(self._rows.values()):
            try:
                alert = rows.fold()
            except Exception:  # noqa: BLE001 -- whatever goes wrong here must not end the watch, and harms no request
                _LOG.exception("rows of %s cannot be counted", rows.name or "the model")
                continue
            if alert is not None:
                _tell(rows.name, alert)
        if self.predictions is not None:
            self.predictions.write()


def _tell(name: str, alert: Alert) -> None:
    which = f"of {name} " if name else ""
    if alert.active:
        columns = ", ".join(alert.columns[:10])
        _LOG.warning(
            "What the model %sis asked has moved away from training: %s; GET /drift tells more", which, columns
        )
    else:
        _LOG.info("What the model %sis asked is as in training again", which)


def _predicted(answer: Mapping[str, Any], manifest: BundleManifest) -> Any:
    """What the sketch of predictions is made of (see `reference.sketch`): of several labels all chances by name."""
    if manifest.task == "multilabel":
        return answer["probabilities"]
    if not manifest.classes:
        return answer.get("prediction")
    if len(manifest.classes) == 2:
        return answer["probabilities"][text_of(manifest.positive)]
    return str(answer["label"])

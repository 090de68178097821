"""Runs trials one after the other, their folds side by side, until the budget is used.

At any moment the results so far are valid: a trial that runs out of time, or fails, leaves the others as they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent import futures
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from automl_runtime.engine.checkpoint import Checkpoint
from automl_runtime.engine.clock import Clock
from automl_runtime.engine.ensemble import greedy_weights
from automl_runtime.engine.executors.base import Executor, Threads
from automl_runtime.engine.latency import microseconds
from automl_runtime.engine.learners.base import EpochReports, Stopper
from automl_runtime.engine.memory import MemoryCap, estimated_bytes, return_memory
from automl_runtime.engine.metrics import loss_of
from automl_runtime.engine.probes import adapt
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.proposals import Proposals, make_proposals
from automl_runtime.engine.scoring import selection_loss, trial_score
from automl_runtime.engine.spill import spill
from automl_runtime.engine.trials import Config, FoldResult, TrialResult, fit_fold
from automl_runtime.engine.watch import raise_interrupt
from automl_runtime.engine.workspace import Workspace
from automl_runtime.errors import Cancelled, MissingExtraError, TrainingError
from automl_runtime.events import EventSink, Progress, TrialFinished, Warned

__all__ = ["FAILURES", "Search"]

T = TypeVar("T")

FAILURES = (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What a fit may raise without ending the search."""

_POLL_SECONDS = 0.1
_GRACE_SECONDS = 1.0
_PROGRESS_SECONDS = 1.0
_FIRST_SHARE = 0.4
_ONLY_FOLD_SHARE = 0.65
_SHARE = 0.5
_LEAST_OF_TRIAL = 0.3
"""A trial that gets less than this share of its time is not worth starting."""
_LEAST_SHARE = 0.04
_LEAST_SECONDS = 1.0
_WITH_REFIT = 1.3
_DRAWS = 12
_MOST_VARIATIONS = 200
_ROWS_PER_VARIATION = 40
"""The more models are compared on the same rows, the more the best is so by luck."""
_MOST_KEPT = 4
_MOST_REFUSED = 60
"""Configurations that do not fit into the memory, after which a search ends."""
_REFIT_ROWS = 2_000
_HOPELESS = 1.25
_JUDGED_FOLDS = 2
_TINY = 1e-3
_UP_TO_ONE = ("roc_auc", "average_precision", "r2")
_FAMILY_COST = {
    "lightgbm": 1.0,
    "catboost": 2.0,
    "xgboost": 1.5,
    "extra_trees": 1.0,
    "random_forest": 1.5,
    "network": 2.0,
    "linear": 0.5,
    "lasso": 0.5,
    "elastic_net": 1.0,
    "additive": 1.0,
    "naive_bayes": 0.1,
    "neighbors": 1.0,
    "linear_svm": 0.5,
    "rbf_svm": 5.0,
    "gaussian_process": 10.0,
    "tree": 0.1,
    "cnn": 40.0,
    "transformer": 30.0,
    "lstm": 40.0,
    "pretrained": 1.0,
}
"""Seconds relative to LightGBM, until a learner has been seen at work."""


@dataclass
class Search:
    """One search; `results` grows while `run` works."""

    workspace: Workspace
    clock: Clock
    threads: int
    seed: int
    emit: EventSink
    cancel: Callable[[], bool] | None = None
    strategy: str = "auto"
    results: list[TrialResult] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    epochs: EpochReports = field(init=False)
    checkpoint: Checkpoint | None = None
    """Gets every finished trial."""
    known: list[TrialResult] = field(default_factory=list)
    """Trials that an interrupted search finished; they are not done again."""
    memory: MemoryCap = field(default_factory=MemoryCap)
    executor: Executor = field(default_factory=Threads)
    most_microseconds: float | None = None
    """That the models of a row may take when they predict; see `latency`."""
    ensemble: str = "auto"
    _refused: dict[str, int] = field(default_factory=dict)
    _proposals: Proposals = field(init=False)
    _last_progress: float = 0.0
    _reserved: tuple[int, float] = (0, 0.0)

    def __post_init__(self) -> None:
        self.epochs = EpochReports(self.emit)

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.workspace.problem

    @property
    def workers(self) -> int:
        """Folds that are fitted at the same time, with the threads divided among them."""
        return max(1, min(self.threads, len(self.workspace.folds)))

    def run(self, configs: Sequence[Config], trials: int | None, *, grow: bool) -> None:
        """Executes `configs`, and what the strategy proposes when `grow`; `trials` fixes their number.

        Raises:
            Cancelled: when `cancel` said so.
            TrainingError: if no trial left a model.
        """
        installed = self._installed(configs)
        how: dict[str, Any] = {"folds": len(self.workspace.folds), "most_microseconds": self.most_microseconds}
        self._proposals = make_proposals(self.strategy, installed, self.results, self.problem, seed=self.seed, **how)
        queue = self._taken_over(self._proposals.first(installed))
        more = self._proposals.more() if grow else iter(())
        most = len(installed) + min(_MOST_VARIATIONS, len(self.problem) // _ROWS_PER_VARIATION)
        most = most if trials is None else trials
        while len(self.results) < most:
            config = self._next(queue, more)
            if config is None or sum(self._refused.values()) > _MOST_REFUSED:
                break
            if not self.admits(config):
                continue
            self._trial(config)
            queue = adapt(queue, self.results, self.problem, self.workspace.folds)
        if not any(result.complete for result in self.results):
            reasons = [result.error for result in self.results if result.error]
            reasons += [f"{', '.join(self._refused)} would not fit into the memory"] if self._refused else []
            raise TrainingError(f"No model could be trained: {reasons[0] if reasons else 'there was no time'}.")

    def _taken_over(self, queue: list[Config]) -> list[Config]:
        """What is left of `queue` after all known trials, if time matters; else they are recalled in their turn.

        A search of a fixed number of trials then takes the same way as one that was never interrupted.
        """
        if self.clock.budget is None:
            return queue
        while self.known:
            result = self.known.pop(0)
            self._keep(result)
            rest = adapt(queue, self.results, self.problem, self.workspace.folds)
            queue = [config for config in rest if config.key() != result.config.key()]
        return queue

    def _next(self, queue: list[Config], more: Iterator[Config]) -> Config | None:
        """The first of `queue` that fits into the time left, else such a variation, else one that ends early."""
        left = self.spare()
        for place, config in enumerate(queue):
            if not self.results or self._needs(config) <= left:
                return queue.pop(place)
        drawn = []
        for config in islice(more, _DRAWS):
            if self._needs(config) <= left:
                return config
            drawn.append(config)
        if self.clock.budget is None or left < max(_LEAST_SECONDS, _LEAST_SHARE * self.clock.budget):
            return None
        short = next((c for c in queue + drawn if self.expected_seconds(c) * _LEAST_OF_TRIAL <= left), None)
        queue[:] = [config for config in queue if config is not short]
        return short

    def admits(self, config: Config) -> bool:
        """Whether the memory bears a trial of `config`; if not, that is said once for each family of models."""
        if self.bears(config):
            return True
        if config.learner not in self._refused:
            needed = self.memory.needs(config.learner, estimated_bytes(config, self.workspace, self.workers)) / 1e9
            self.emit(Warned(f"{config.learner} is left out: it takes about {needed:.2g} GB, over the memory cap."))
        self._refused[config.learner] = self._refused.get(config.learner, 0) + 1
        return False

    def bears(self, config: Config) -> bool:
        """Whether there is memory for a fit of `config`."""
        return self.memory.fits(config.learner, estimated_bytes(config, self.workspace, self.workers))

    def release(self) -> None:
        """Drops what can be made again; called from the thread that watches the memory too."""
        self.workspace.drop()
        return_memory()

    def stopper(self, deadline: float | None) -> Stopper:
        """Ends a fit at `deadline`, with the search, or when the memory is used up."""
        return Stopper(deadline, self.stopped, self.memory.full)

    def _needs(self, config: Config) -> float:
        """Seconds that a trial of `config` takes, a fit on all rows included where it is due.

        A learner that has not been seen at work is given a chance: its time is only a guess, and it can end early.
        """
        expected = self.expected_seconds(config) * (_WITH_REFIT if self.refits(config) else 1.0)
        seen = any(result.config.learner == config.learner for result in self.results)
        return expected if seen else expected * _LEAST_OF_TRIAL

    def spare(self) -> float:
        """Seconds left for trials: without those that the final fits will take."""
        return self.clock.search_left() - self.reserve()

    def _installed(self, configs: Iterable[Config]) -> list[Config]:
        kept: list[Config] = []
        missing: dict[str, MissingExtraError] = {}
        for config in configs:
            if config.learner in missing:
                continue
            try:
                config.family().prepare()
                kept.append(config)
            except MissingExtraError as error:
                missing[config.learner] = error
        if missing and not kept:
            raise next(iter(missing.values()))
        for learner, lack in missing.items():
            self.emit(Warned(f"Models of {learner} are left out: {lack.message} {lack.hint}"))
        return kept

    def expected_seconds(self, config: Config) -> float:
        """What `config` will take, from the trials so far; 0 when there are none or time does not matter."""
        if self.clock.budget is None or not self.results:
            return 0.0
        folds = len(self.workspace.folds)
        rates = [
            (result.config.learner, result.seconds / len(result.rounds) * folds / result.config.cost)
            for result in self.results
            if result.rounds
        ]
        own = [rate for learner, rate in rates if learner == config.learner]
        if own:
            return float(np.median(own[-5:])) * config.cost
        boosted = [(learner, rate) for learner, rate in rates if learner == "lightgbm"]
        others = [rate / _FAMILY_COST.get(learner, 1.0) for learner, rate in boosted or rates]
        return float(np.median(others)) * _FAMILY_COST.get(config.learner, 1.0) * config.cost if others else 0.0

    def reserve(self) -> float:
        """Seconds that the final fits on all rows will take, of those models that a quick ensemble would hold now."""
        if self.clock.budget is None:
            return 0.0
        complete = [result for result in self.results if result.usable]
        if not any(self.refits(result.config) for result in complete):
            return 0.0
        if self._reserved[0] != len(self.results):
            outputs = [result.outputs for result in complete if result.outputs is not None]
            rows = self.workspace.valid_rows
            weights = greedy_weights(self.problem, rows, outputs, self.seed, most_rows=_REFIT_ROWS)
            each = [
                self.final_seconds(result)
                for result, weight in zip(complete, weights, strict=True)
                if weight > 0 and self.refits(result.config)
            ]
            self._reserved = (len(self.results), max(max(each, default=0.0), sum(each) / self.workers))
        return self._reserved[1]

    def refits(self, config: Config) -> bool:
        """Whether the final model of `config` is fitted once on all rows, and not the mean of those of the folds.

        One model predicts as many times faster, and is as many times smaller, as there are folds. Where there is
        time for one fold only, there is none to do its work again.
        """
        return self.ensemble != "bagging" and (len(self.workspace.folds) > 1 or config.family().refits)

    def final_seconds(self, result: TrialResult) -> float:
        """What fitting `result` on all rows will take: as its usual fold, for as many rows as there are.

        The first folds of a search load libraries and bin columns, which is not done again.
        """
        usual = float(np.median([fold.seconds for fold in result.folds]))
        rows = min(len(fold.train) for fold in self.workspace.folds)
        return usual * len(self.problem) / rows

    def _trial(self, config: Config) -> None:
        recalled = next((known for known in self.known if known.config.key() == config.key()), None)
        if recalled is not None:
            self.known.remove(recalled)
            self._keep(recalled)
            return
        result = self._fitted(config)
        if self.checkpoint is not None:
            self.checkpoint.save(result, used=self.clock.elapsed())
        self._keep(result)

    def _keep(self, result: TrialResult) -> None:
        if self.refits(result.config):
            # Needed only if there is no time for a fit on all rows.
            result.folds = spill(result.folds)
        self.results.append(result)
        self._tell(result)
        self._forget(result)
        return_memory()
        self._report(result)

    def _fitted(self, config: Config) -> TrialResult:
        number = 1 + max([len(self.results), *(result.number for result in self.results + self.known)])
        if any(config.name == result.config.name for result in self.results):
            # Variations are numbered anew after an interruption.
            config = replace(config, name=f"{config.name}_{number}")
        left = max(self.spare(), 0.5)
        share = _SHARE if self.results else _FIRST_SHARE if len(self.workspace.folds) > 1 else _ONLY_FOLD_SHARE
        allowed = min(left, max(left * share, 2.0 * self.expected_seconds(config)))
        start = time.monotonic()
        result = TrialResult(number, config, "complete", [], 0.0)
        try:
            with self.memory.trial(config.learner):
                self._fit_folds(result, allowed)
            if result.status == "complete":
                result.outputs = np.vstack([fold.outputs for fold in result.folds])
                result.score = trial_score(self.problem, self.workspace.valid_rows, result.outputs)
        except FAILURES as error:
            raise_interrupt(error)
            result.status, result.error = "failed", f"{type(error).__name__}: {str(error)[:300]}"
            result.folds.clear()
        result.seconds = time.monotonic() - start
        result.ended = self.clock.elapsed()
        result.rounds = [fold.fit.rounds for fold in result.folds]
        return result

    def _forget(self, latest: TrialResult) -> None:
        """Lets go of what no ensemble will hold: unfinished trials, and all but the best forests, which are large."""
        if not latest.complete:
            latest.folds.clear()
        refitting = [result for result in self.results if result.usable and result.config.family().refits]
        for learner in {result.config.learner for result in refitting}:
            ranked = sorted((r for r in refitting if r.config.learner == learner), key=self._loss)
            for result in ranked[_MOST_KEPT:]:
                result.folds.clear()
                if self.checkpoint is not None:
                    self.checkpoint.forget(result)

    def _fit_folds(self, result: TrialResult, allowed: float) -> None:
        """Fits the folds in batches of `workers`; after two, a hopeless trial is given up."""
        config, folds = result.config, len(self.workspace.folds)
        wanted = len(config.rounds) if config.rounds else folds
        end = self.clock.deadline(allowed)
        batches = range(0, wanted, self.workers)
        with self.pool() as pool:
            for done, first in enumerate(batches):
                deadline = None
                if end is not None:
                    now = time.monotonic()
                    deadline = now + max(end - now, 0.2) / (len(batches) - done)
                numbers = range(first, min(first + self.workers, wanted))
                threads = max(1, self.threads // len(numbers))
                jobs = [self._submit(pool, config, number, threads, deadline) for number in numbers]
                result.folds += self.wait(jobs)
                judged = len(result.folds) - len(numbers) < _JUDGED_FOLDS <= len(result.folds) and folds > _JUDGED_FOLDS
                judged = judged and not config.rounds and self._seen(config)
                if not self._goes_on(result, first):
                    result.status = "abandoned"
                    return
                if judged and self._hopeless(result):
                    # What was fitted at the same time does not count: the outcome is that of fewer cores.
                    del result.folds[_JUDGED_FOLDS:]
                    result.status = "abandoned"
                    return
        if wanted < folds:
            result.status = "abandoned"

    def _goes_on(self, result: TrialResult, first: int) -> bool:
        """Whether the strategy wants to see more folds; it is asked after each, however many were fitted at once."""
        if not self._proposals.judges or result.config.rounds:
            return True
        for step in range(first + 1, len(result.folds) + 1):
            if not self._proposals.goes_on(result.config, step, self._loss_of_folds(result.folds[:step])):
                del result.folds[step:]
                return len(result.folds) == len(self.workspace.folds)
        return True

    def _tell(self, result: TrialResult) -> None:
        """Tells the strategy; without a clock a trial costs what is usual, so that the outcome is always the same."""
        loss = self._loss(result) if result.score is not None else None
        if loss is None and result.folds:
            loss = self._loss_of_folds(result.folds)
        nominal = result.config.cost * _FAMILY_COST.get(result.config.learner, 1.0)
        spent = nominal if self.clock.budget is None else result.seconds
        self._proposals.tell(result, loss, spent, microseconds(self, result) if result.folds else None)

    def _loss_of_folds(self, folds: list[FoldResult]) -> float:
        rows = np.concatenate([fold.valid for fold in self.workspace.folds[: len(folds)]])
        score = trial_score(self.problem, rows, np.vstack([fold.outputs for fold in folds]))
        return loss_of(self.problem.metric, score)

    def _submit(
        self, pool: futures.Executor, config: Config, number: int, threads: int, deadline: float | None
    ) -> Future[FoldResult]:
        return pool.submit(
            fit_fold,
            self.workspace,
            config,
            number,
            seed=self.seed,
            threads=threads,
            stop=self.stopper(deadline),
            rounds=config.rounds[number] if config.rounds else None,
            epochs=self.epochs,
        )

    @contextmanager
    def pool(self, executor: Executor | None = None) -> Iterator[futures.Executor]:
        """Takes fits, of `executor` or of the search; after a cancellation those that cannot be interrupted go on."""
        pool = (executor or self.executor).pool(self.workspace, self.workers)
        try:
            yield pool
        finally:
            pool.shutdown(wait=not self.stopped.is_set(), cancel_futures=True)

    def wait(self, fits: list[Future[T]]) -> list[T]:
        """The results in order; polls `cancel` while it waits, and then stops the fits (within a second)."""
        pending = set(fits)
        try:
            while pending:
                _, pending = wait(pending, timeout=_POLL_SECONDS)
                if self.cancel is not None and self.cancel():
                    raise Cancelled("The training was cancelled.")
                self.progress()
        except BaseException:
            self.stopped.set()
            for future in fits:
                future.cancel()
            wait(fits, timeout=_GRACE_SECONDS)
            raise
        return [future.result() for future in fits]

    def _seen(self, config: Config) -> bool:
        """Whether a trial of the same learner is complete; the first of each is worth having for its difference."""
        return any(result.complete and result.config.learner == config.learner for result in self.results)

    def _hopeless(self, result: TrialResult) -> bool:
        """Whether the error on the first two folds is a quarter larger than that of the best trial.

        On two folds, however many were fitted at once: the outcome must not depend on the number of cores.
        """
        complete = [other for other in self.results if other.usable]
        if not complete:
            return False
        best = min(complete, key=self._loss)
        rows = np.concatenate([fold.valid for fold in self.workspace.folds[:_JUDGED_FOLDS]])
        loss = selection_loss(self.problem, rows)
        # Metrics of which more is better end at 1: what is missing to it is the error.
        ideal = -1.0 if self.problem.metric in _UP_TO_ONE else 0.0
        mine = loss(np.vstack([fold.outputs for fold in result.folds[:_JUDGED_FOLDS]])) - ideal
        other = loss(np.vstack([fold.outputs for fold in best.folds[:_JUDGED_FOLDS]])) - ideal
        return mine > other * _HOPELESS + _TINY

    def _loss(self, result: TrialResult) -> float:
        return loss_of(self.problem.metric, result.score) if result.score is not None else float("inf")

    def best_score(self) -> float | None:
        """The score of the best trial so far."""
        complete = [result for result in self.results if result.complete]
        return min(complete, key=self._loss).score if complete else None

    def _report(self, result: TrialResult) -> None:
        best = self.best_score()
        self.emit(TrialFinished(result.number, result.config.name, result.score, best, result.seconds, result.error))
        self._last_progress = 0.0
        self.progress()

    def progress(self, *, text: str = "") -> None:
        """Says how much of the budget is used, at most once a second."""
        now = time.monotonic()
        if now - self._last_progress < _PROGRESS_SECONDS:
            return
        self._last_progress = now
        best = self.best_score()
        words = text or f"{len(self.results)} models" + ("" if best is None else f", best {best:.4g}")
        elapsed = self.clock.elapsed()
        total = None if self.clock.budget is None else self.clock.budget
        self.emit(Progress("training", elapsed if total is None else min(elapsed, total), total, words))

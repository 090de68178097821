"""What all trials share: encoded rows, folds, and the matrices that are made of them once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
from automl_schemas.preprocessing import PreprocessingSpec
from numpy.typing import NDArray

from automl_runtime.engine.folds import Fold
from automl_runtime.engine.preprocessing import AS_THE_RECIPE, FittedDesign, Recipe, depends_on_fold, fit_design
from automl_runtime.engine.problem import Problem
from automl_runtime.engine.steps import prepare
from automl_runtime.engine.target_means import Target
from automl_runtime.engine.views import PLAIN, View, fit_views, with_copies
from automl_runtime.inference.encoding import Encoded
from automl_runtime.inference.parts import Design
from automl_runtime.kernels.arrays import Matrix

__all__ = ["ALL_ROWS", "FoldData", "Workspace"]

ALL_ROWS = -1
"""The number of the fold that trains on every row and validates on none."""

_CACHED_BYTES = 24_000_000
_COPIES = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FoldData:
    """The rows of one fold as a recipe prepares them."""

    recipe: Recipe
    number: int
    fold: Fold
    """Its rows that train: one for each row of the matrix, so without those left out, with those repeated."""
    fitted: FittedDesign
    shared: bool
    """`fitted.matrix` holds all rows; otherwise those that train."""
    data: Encoded

    @property
    def design(self) -> Design:
        """The fitted preprocessing."""
        return self.fitted.design

    def train_matrix(self) -> Matrix:
        """The rows that train."""
        return self.fitted.matrix[self.fold.train] if self.shared else self.fitted.matrix

    def valid_matrix(self) -> Matrix:
        """The rows that validate."""
        if self.shared:
            return self.fitted.matrix[self.fold.valid]
        return self.fitted.design.matrix(self.data.take(self.fold.valid))


class Workspace:
    """Thread-safe; two threads that ask for the same thing wait for one computation."""

    def __init__(
        self,
        problem: Problem,
        data: Encoded,
        folds: list[Fold],
        seed: int,
        asked: PreprocessingSpec = AS_THE_RECIPE,
    ) -> None:
        self.asked = asked
        """How rows are prepared, where that was said."""
        self.problem, self.data, self.folds, self.seed = problem, data, folds, seed
        self.valid_rows: NDArray[np.int64] = np.concatenate([fold.valid for fold in folds])
        self._cache: dict[Any, Any] = {}
        self._designs: dict[Any, Design] = {}
        self._sizes: dict[Any, int] = {}
        self._worth: dict[Any, float] = {}
        """Seconds that making again what has a size takes, for each byte."""
        self._most = max(_CACHED_BYTES, _COPIES * (data.numbers.nbytes + data.codes.nbytes))
        self._locks: dict[Any, threading.Lock] = {}
        self._lock = threading.Lock()

    def fold(self, number: int) -> Fold:
        """The rows of fold `number`, or of `ALL_ROWS`."""
        if number == ALL_ROWS:
            return Fold(np.arange(len(self.problem)), np.empty(0, dtype=np.int64))
        return self.folds[number]

    def fold_data(self, recipe: Recipe, number: int, view: View = PLAIN) -> FoldData:
        """The rows of a fold for a recipe; what does not depend on the fold is fitted once, on all rows.

        `view` says how pictures are looked at.
        """
        shared = not depends_on_fold(recipe, self.data, self.asked)
        key = ("design", recipe, ALL_ROWS if shared else number, view)
        fold = self.fold(number)
        rows = None if shared or number == ALL_ROWS else fold.train
        fitted = self.cached(key, lambda: self._fit(recipe, number, rows, view), lambda made: made.nbytes)
        # Made again it is the same; models that share one transform rows once.
        fitted = replace(fitted, design=self._designs.setdefault(key, fitted.design))
        if fitted.rows is not None:
            fold = replace(fold, train=fold.train[fitted.rows])
        return FoldData(recipe, number, fold, fitted, shared, self.data)

    def _fit(self, recipe: Recipe, number: int, rows: NDArray[np.int64] | None, view: View) -> FittedDesign:
        problem = self.problem
        data = self.data if rows is None else self.data.take(rows)
        y = problem.y if rows is None else problem.y[rows]
        groups = problem.groups if rows is None or problem.groups is None else problem.groups[rows]
        data, target, copied = with_copies(data, Target(y, len(problem.classes), groups), view)
        blocks = self.cached(("pictures", number, view), lambda: fit_views(data, view))
        if not self.asked.chosen:
            return replace(fit_design(recipe, data, target, self.seed, pictures=blocks), rows=copied)
        prepared = self.cached(("prepared", number, view), lambda: prepare(data, target, self.asked, self.seed))
        fitted = fit_design(recipe, prepared.data, prepared.target, self.seed, self.asked, blocks)
        drawn = prepared.rows if copied is None else copied if prepared.rows is None else copied[prepared.rows]
        return replace(fitted, design=replace(fitted.design, steps=prepared.steps), rows=drawn)

    def cached(self, key: Any, make: Callable[[], T], nbytes: Callable[[T], int] | None = None) -> T:
        """What `make` gives, made once for each key; what has `nbytes` is let go of when all that has takes too much.

        It is then made again: `make` has to give the same every time. What takes least time for its size goes first.
        """
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            # Looked up once: another thread may drop it at any time.
            if (known := self._cache.get(key)) is not None:
                return cast("T", known)
            start = time.monotonic()
            made = make()
            self._cache[key] = made
            if nbytes is not None:
                self._make_room(key, nbytes(made), time.monotonic() - start)
            return made

    def _make_room(self, key: Any, nbytes: int, seconds: float) -> None:
        with self._lock:
            self._sizes[key], self._worth[key] = nbytes, seconds / max(nbytes, 1)
            while len(self._sizes) > 1 and sum(self._sizes.values()) > self._most:
                least = min(self._sizes, key=self._worth.__getitem__)
                del self._sizes[least]
                self._cache.pop(least, None)

    def drop(self) -> None:
        """Lets go of everything that can be made again; fits that work with it keep it until they end."""
        with self._lock:
            self._sizes.clear()
            self._cache.clear()

"""The families that read pictures and texts as networks do; torch is imported when one that needs it is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, ClassVar, Final

import numpy as np

from automl_runtime.engine.learners.base import Fit, Job, Params
from automl_runtime.engine.learners.linear import LinearLearner
from automl_runtime.engine.neural.precision import import_torch
from automl_runtime.engine.preprocessing import Recipe
from automl_runtime.errors import RequestError
from automl_runtime.inference import sentences
from automl_runtime.inference.blocks import Raw
from automl_runtime.inference.encoding import Column, FeatureKind
from automl_runtime.inference.neural import Mixing
from automl_runtime.inference.raw import PIXELS, RAW_PICTURE, RAW_TEXT, SENTENCES, WORDS
from automl_runtime.kernels.arrays import Ints, Singles

__all__ = ["READS", "CnnLearner", "LstmLearner", "PretrainedLearner", "TransformerLearner", "joining", "with_readings"]

_LONG_BUDGET = 120.0
_FEWEST_TEXTS = 2
"""In which a word occurs before it gets a vector of its own."""


class CnnLearner:
    """Convolutions over pictures; the other columns join before the dense layers."""

    name: ClassVar[str] = "cnn"
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`pixels`."""
        del params
        return "pixels"

    def prepare(self) -> None:
        """Raises MissingExtraError if torch is not installed."""
        import_torch()

    def fit(self, job: Job) -> Fit:
        """Keeps the epoch with the least loss on the rows that validate; ends after `patience` more."""
        from automl_runtime.engine.neural.moving import mover
        from automl_runtime.engine.neural.nets import ConvolutionalNet
        from automl_runtime.engine.neural.training import fit_net, target_of

        params, pictures = job.params, _raw_columns(job)
        matrix = job.rows.train_matrix()
        width = int(params["width"])
        net = ConvolutionalNet(
            pictures,
            matrix.shape[1] - pictures * RAW_PICTURE,
            target_of(job)[2],
            channels=[width, 2 * width, 4 * width],
            hidden=int(params["hidden"]),
        )
        return fit_net(job, net, matrix, mover(float(params["moves"]), mirrored=bool(params["mirror"])))


class _WordLearner:
    """Words in their order; the other columns join before the dense layers."""

    name: ClassVar[str]
    mixing: ClassVar[Mixing]
    refits: ClassVar[bool] = False

    def recipe(self, params: Params) -> Recipe:
        """`words`."""
        del params
        return "words"

    def prepare(self) -> None:
        """Raises MissingExtraError if torch is not installed."""
        import_torch()

    def fit(self, job: Job) -> Fit:
        """Keeps the epoch with the least loss on the rows that validate; ends after `patience` more."""
        from automl_runtime.engine.neural.nets import SequentialNet
        from automl_runtime.engine.neural.training import fit_net, target_of

        params, texts = job.params, _raw_columns(job)
        matrix = job.rows.train_matrix()
        net = SequentialNet(
            _vocabulary(matrix[:, : texts * RAW_TEXT]),
            texts,
            matrix.shape[1] - texts * RAW_TEXT,
            target_of(job)[2],
            mixing=self.mixing,
            size=int(params["size"]),
            layers=int(params.get("layers", 1)),
            heads=int(params.get("heads", 1)),
            hidden=int(params["hidden"]),
        )
        return fit_net(job, net, matrix)


class TransformerLearner(_WordLearner):
    """Words that attend to each other."""

    name: ClassVar[str] = "transformer"
    mixing: ClassVar[Mixing] = "transformer"


class LstmLearner(_WordLearner):
    """Words, or steps written as words, that are read one after the other in both directions."""

    name: ClassVar[str] = "lstm"
    mixing: ClassVar[Mixing] = "lstm"


class PretrainedLearner(LinearLearner):
    """A linear model over texts as a sentence encoder of others reads them (`inference.sentences`)."""

    name: ClassVar[str] = "pretrained"

    def recipe(self, params: Params) -> Recipe:
        """`sentences`."""
        del params
        return "sentences"


READS: Final[Mapping[str, tuple[FeatureKind, str]]] = {
    "cnn": ("image", PIXELS),
    "transformer": ("text", WORDS),
    "lstm": ("text", WORDS),
    "pretrained": ("text", SENTENCES),
}
"""The families that are for one kind of column, and how they read it."""


def joining(columns: Sequence[Column], budget: float) -> tuple[str, ...]:
    """The families that join a search of `budget` seconds though nobody named them: `cnn` where there are pictures.

    On 400 pictures it took a third off the log loss of all others together, and ten times as long as they.
    """
    pictures = any(column.kind == "image" for column in columns)
    return ("cnn",) if pictures and budget >= _LONG_BUDGET and find_spec("torch") is not None else ()


def with_readings(columns: Sequence[Column], learners: Sequence[str]) -> tuple[Column, ...]:
    """The columns, those of them marked that these families read as networks do.

    Raises:
        RequestError: naming a family that has nothing to read, or what is missing for it to be read.
    """
    kinds = {column.kind for column in columns}
    wanted: dict[FeatureKind, dict[str, None]] = {"image": {}, "text": {}}
    for name in learners:
        if name not in READS:
            continue
        kind, reading = READS[name]
        if kind not in kinds:
            raise RequestError(
                f"{name} reads columns of the kind {kind!r}, and there is none.",
                hint=f'Leave {name} out of `models`, or say which column is one: kinds={{"COLUMN": "{kind}"}}.',
            )
        wanted[kind][sentences.local_reading() if reading == SENTENCES else reading] = None
    return tuple(replace(column, raw=tuple(wanted.get(column.kind, ()))) for column in columns)


def _raw_columns(job: Job) -> int:
    return sum(isinstance(block, Raw) for block in job.rows.design.blocks)


def _vocabulary(words: Singles) -> Ints:
    """The numbers that occur in two rows at least, ascending."""
    rows, places = np.nonzero(words)
    pairs: Any = np.unique(np.column_stack([rows, words[rows, places].astype(np.int64)]), axis=0)
    numbers, counts = np.unique(pairs[:, 1], return_counts=True)
    return np.asarray(numbers[counts >= _FEWEST_TEXTS])

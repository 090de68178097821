"""`DataPreprocessor`: the preparation of rows by itself, for other models than those of `fit`."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from automl_schemas.preprocessing import PreprocessingSpec

from automl_runtime.contracts import parse_model
from automl_runtime.engine.encodings import MOST_CATEGORIES, fit_encoding
from automl_runtime.engine.frames import as_frame
from automl_runtime.engine.kinds import make_columns, refuse_pictures
from automl_runtime.engine.problem import make_problem
from automl_runtime.engine.running import Running, check_in_chunks, steps_of
from automl_runtime.engine.steps import keeps_infinite, prepare
from automl_runtime.engine.target_means import Target
from automl_runtime.errors import BundleError, RequestError, shorten
from automl_runtime.features.dates import DATE_PARTS
from automl_runtime.features.text import TEXT_STATISTICS
from automl_runtime.inference.blocks import Block, OneHot, TargetMeans, read_block, write_block
from automl_runtime.inference.encoding import MISSING, UNSEEN, Column, Encoded, Encoder, FeatureKind, spell
from automl_runtime.inference.foreign import ForeignStep
from automl_runtime.inference.steps import Imputed, Selected, Step

__all__ = ["DataPreprocessor"]

_RECORD, _ARRAYS = "preprocessor.json", "arrays.npz"


class DataPreprocessor:
    """Learns on some rows how to make numbers of any rows, as `PreprocessingSpec` says.

    Args:
        preprocessing: the options; what is left out is not done. `imbalance` is not among them: it is about the rows
            of a training, not about preparing them.
        kinds: of columns for which it is known.
        seed: of what is random.

    Dates become parts, texts their statistics; categories without an encoding, and texts, pass as they are.
    """

    def __init__(
        self,
        preprocessing: PreprocessingSpec | Mapping[str, Any] | None = None,
        *,
        kinds: Mapping[str, FeatureKind] | None = None,
        seed: int = 0,
    ) -> None:
        given = preprocessing.chosen if isinstance(preprocessing, PreprocessingSpec) else preprocessing or {}
        self.asked = parse_model(PreprocessingSpec, given, origin="preprocessing")
        if self.asked.imbalance is not None:
            raise RequestError("preprocessing: `imbalance` is about the rows of a training; pass it to `fit`.")
        self.kinds, self.seed = kinds, seed
        self._encoder: Encoder | None = None
        self._steps: tuple[Step, ...] = ()
        self._block: Block | None = None
        self._running: Running | None = None
        self._words: dict[str, Counter[str]] = {}

    def fit(self, frame: Any, target: str | pd.Series | None = None) -> Self:
        """Learns from these rows alone; what an earlier fit learned is forgotten.

        Args:
            frame: a pandas, Polars or Arrow table.
            target: a column of `frame`, or a series, that `selection` and `encoding: target` are judged by.

        Raises:
            RequestError: if an option needs a target and there is none.
        """
        rows, aim = as_frame(frame), Target(np.zeros(len(as_frame(frame))), 0)
        if target is not None:
            rows, problem = make_problem(rows, target)
            aim = Target(problem.y, len(problem.classes))
        elif self.asked.selection is not None or self.asked.encoding == "target":
            raise RequestError("`selection` and `encoding: target` need a target: fit(frame, target).")
        self._running, self._words = None, {}
        self._encoder = Encoder(self._columns(make_columns(rows, self.kinds)))
        prepared = prepare(self._encoder.encode(rows), aim, self.asked, self.seed)
        self._steps = prepared.steps
        places = np.arange(prepared.data.codes.shape[1])
        self._block = None
        if self.asked.encoding is not None and len(places):
            most = self.asked.max_categories or MOST_CATEGORIES
            self._block, _ = fit_encoding(
                self.asked.encoding, prepared.data, places, prepared.target, most=most, seed=self.seed
            )
        return self

    def partial_fit(self, frame: Any) -> Self:
        """Learns from these rows too; after the last chunk as `fit` on all of them would.

        The first chunk settles which columns there are and of what kind.

        Raises:
            RequestError: if an option needs all rows at once.
        """
        check_in_chunks(self.asked)
        rows = as_frame(frame)
        if self._running is None or self._encoder is None:
            self._encoder = Encoder(make_columns(rows, self.kinds))
            self._words = {column.name: Counter() for column in self._encoder.columns if column.kind == "category"}
        for name, words in self._words.items():
            words.update(map(spell, rows[name].dropna()))
        columns = tuple(self._with_vocabulary(column) for column in self._encoder.columns)
        every = Encoder(tuple(replace(column, infinite=True) for column in columns))
        seen = Running.of(every.encode(rows).numbers, values=self.asked.imputation == "most_frequent")
        self._running = seen if self._running is None else self._running.merge(seen)
        self._encoder = Encoder(self._columns(columns))
        codes = np.array([0 if words else MISSING for words in self._words.values()], dtype=np.int64)
        self._steps = tuple(steps_of(self._running, codes, self.asked))
        return self

    def transform(self, frame: Any) -> pd.DataFrame:
        """A frame with the index of `frame`: numbers, then what became of the categories, then texts.

        Raises:
            RequestError: before a fit.
            SchemaMismatchError: if a column is missing.
        """
        encoder, rows = self._fitted(), as_frame(frame)
        data = encoder.encode(rows)
        for step in self._steps:
            data = step.apply(data)
        numbers, categories = self._names()
        made = pd.DataFrame(data.numbers, index=rows.index, columns=pd.Index(numbers, dtype=object))
        if self._block is not None:
            names = _block_names(self._block, categories, self._vocabularies(categories))
            cells = np.asarray(self._block.transform(data))
            made = pd.concat([made, pd.DataFrame(cells, index=rows.index, columns=names)], axis=1)
        else:
            for place, name in enumerate(categories):
                made[name] = self._cells(rows[name], data, place)
        for name in encoder.text_owners:
            made[name] = rows[name]
        return made

    def fit_transform(self, frame: Any, target: str | pd.Series | None = None) -> pd.DataFrame:
        """`fit`, then `transform` of the same rows, without the target."""
        return self.fit(frame, target).transform(frame)

    def reverse_transform(self, made: pd.DataFrame) -> pd.DataFrame:
        """Numbers (and flags, as 0 and 1) as they were, of rows that `transform` made.

        What was lost stays lost: outliers, infinities, gaps that were filled without an indicator. Columns that
        `selection` left out are missing. Categories come back where they were not encoded; dates do not.
        """
        encoder = self._fitted()
        numbers, categories = self._names()
        values = made[numbers].to_numpy(dtype=np.float64)
        data = Encoded(values, np.empty((len(made), 0), dtype=np.int32), ())
        for step in reversed(self._steps):
            data = step.reverse(data)
        single = {column.name for column in encoder.columns if column.kind in ("number", "boolean")}
        found = {name: data.numbers[:, place] for place, name in enumerate(encoder.number_owners) if name in single}
        result = pd.DataFrame(found, index=made.index)
        for name in () if self._block is not None else (*categories, *encoder.text_owners):
            result[name] = made[name]
        return result

    def save(self, path: Path | str) -> None:
        """Writes what was learned into the folder `path`, as JSON and arrays; `load` reads it.

        A later `partial_fit` begins anew: running sums are not written.
        """
        folder, encoder, arrays = Path(path), self._fitted(), dict[str, np.ndarray[Any, Any]]()
        parts = (*self._steps, *(() if self._block is None else (self._block,)))
        record = {
            "preprocessing": self.asked.chosen,
            "seed": self.seed,
            "columns": encoder.to_json(),
            "steps": len(self._steps),
            "parts": [write_block(part, f"part{place}", arrays) for place, part in enumerate(parts)],
        }
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / _ARRAYS, **arrays)  # type: ignore[arg-type]
        (folder / _RECORD).write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path | str) -> DataPreprocessor:
        """What `save` wrote; no code is executed.

        Raises:
            BundleError: if a file is missing or not valid.
        """
        folder = Path(path)
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            with np.load(folder / _ARRAYS, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            found = cls(record["preprocessing"], seed=record["seed"])
            found._encoder = Encoder.from_json(record["columns"])
            parts = [read_block(part, f"part{place}", arrays) for place, part in enumerate(record["parts"])]
        except (OSError, EOFError, zipfile.BadZipFile, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"The preprocessor in {shorten(str(folder))} cannot be read: {error!r}") from error
        found._steps = tuple(parts[: record["steps"]])
        found._block = next(iter(parts[record["steps"] :]), None)
        return found

    def _with_vocabulary(self, column: Column) -> Column:
        if column.name not in self._words:
            return column
        counts = self._words[column.name]
        return replace(column, vocabulary=tuple(sorted(counts, key=lambda word: (-counts[word], word))))

    def _columns(self, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        refuse_pictures(columns, "A DataPreprocessor makes numbers")
        return tuple(replace(column, infinite=keeps_infinite(self.asked)) for column in columns)

    def _fitted(self) -> Encoder:
        if self._encoder is None:
            raise RequestError("This DataPreprocessor has not been fitted; call fit or partial_fit first.")
        return self._encoder

    def _names(self) -> tuple[list[str], list[str]]:
        """The names of the numbers and of the categories after all steps."""
        encoder = self._fitted()
        parts = {"date": DATE_PARTS, "text": TEXT_STATISTICS}
        numbers = [
            f"{column.name}.{part}" if part else column.name
            for column in encoder.columns
            if column.kind != "category"
            for part in parts.get(column.kind, ("",))
        ]
        categories = list(encoder.code_owners)
        for step in self._steps:
            if isinstance(step, Imputed):
                numbers += [f"{numbers[place]}.missing" for place in step.flagged]
            if isinstance(step, ForeignStep):
                numbers = [f"{step.name}.{place}" for place in range(step.width)]
            if isinstance(step, Selected):
                numbers = [numbers[place] for place in step.numbers]
                categories = [categories[place] for place in step.codes]
        return numbers, categories

    def _vocabularies(self, categories: list[str]) -> list[tuple[str, ...]]:
        known = {column.name: column.vocabulary for column in self._fitted().columns}
        return [known[name] for name in categories]

    def _cells(self, cells: pd.Series, data: Encoded, place: int) -> pd.Series:
        """The cells as they are, the missing ones filled where a step did so."""
        words = self._vocabularies([str(cells.name)])[0]
        filled = [
            words[code] if null and code >= 0 else cell
            for cell, null, code in zip(cells, cells.isna(), data.codes[:, place], strict=True)
        ]
        return pd.Series(filled, index=cells.index, dtype=object)


def _block_names(block: Block, categories: list[str], vocabularies: list[tuple[str, ...]]) -> list[str]:
    if isinstance(block, TargetMeans):
        outputs = [f"mean{place}" for place in range(block.table.shape[1] - 1)]
        return [f"{name}.{part}" for name in categories for part in (*outputs, "count")]
    if not isinstance(block, OneHot):
        return categories
    names = [""] * block.width
    for name, words, start in zip(categories, vocabularies, block.offsets, strict=False):
        for code in range(UNSEEN, len(words)):
            spelled = "(other)" if code == UNSEEN else "(missing)" if code == MISSING else words[code]
            place = int(block.table[start + code - UNSEEN])
            if place >= 0 and not names[place]:
                names[place] = f"{name}={spelled}"
    return names

"""What a route and a scorer agree on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd
    from automl_schemas.bundle import BundleManifest, InputSchema

__all__ = ["JSON", "Answer", "BatchScorer", "Columns", "Contents", "Form", "Observed", "RowScorer", "Writer"]

JSON: Final = "application/json"


class Answer(NamedTuple):
    """The body of an answer and the number of rows in it."""

    body: bytes
    rows: int
    media_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows that came column by column: lists of JSON values or Arrow arrays, each of `count` values."""

    values: Mapping[str, Any]
    count: int


Writer = Callable[[Sequence[dict[str, Any]], "BundleManifest", bool], Answer]
"""From the answers to some rows, and whether they were asked for as many, to the body."""


class Contents(NamedTuple):
    """What was found in a body."""

    rows: Sequence[Mapping[str, object]]
    many: bool = True
    """Whether it came as many rows, even if there is one of them."""
    columns: Columns | None = None
    """In place of `rows`."""
    write: Writer | None = None
    """Where this request says itself how it is answered."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a request is written, and how its answer is to be."""

    media_type: str
    answer_type: str
    read: Callable[[bytes, InputSchema, int], Contents]
    """Takes the body, the columns, and how many rows it may have; BadRequest if it is not in this form."""
    write: Writer


class Observed(Protocol):
    """What looks at clean rows and their answers; bounded, from any thread."""

    def row(self, values: Mapping[str, Any], answer: bytes) -> None:
        """A row, its columns in the order of the schema, and its answer."""
        ...

    def frame(self, frame: pd.DataFrame, answers: Sequence[Mapping[str, Any]] = ()) -> None:
        """Rows that were answered together."""
        ...


class RowScorer(Protocol):
    """Answers single rows in tens of microseconds; from any thread."""

    def clean(self, record: Mapping[str, object]) -> Mapping[str, Any] | None:
        """The clean values of a row; None where a cell is no value of its column, or a key no column."""
        ...

    def answer_clean(self, values: Mapping[str, Any]) -> bytes:
        """The JSON answer to a row of clean values."""
        ...


class BatchScorer(Protocol):
    """Reads bodies and scores what they ask for; `answers` is called from one thread at a time."""

    takes_lines: bool
    """Whether `answers` takes a `lines.LinesAsk` too."""

    @property
    def record(self) -> RowScorer | None:
        """What answers rows that come alone; None where they wait as all others do."""
        ...

    def ask(self, body: bytes, explain: bool = False, form: Form | None = None) -> Any:
        """What a body in this form (None: JSON) asks for; BadRequest if it cannot be answered."""
        ...

    def instant(self, ask: Any) -> Answer | None:
        """The answer, where it costs less than handing the request on; else None."""
        ...

    def weight(self, ask: Any) -> int:
        """How many rows the work is worth, 1 at least."""
        ...

    def observe(self, rows: Observed) -> None:
        """Lets `rows` see what is asked and answered from now on."""
        ...

    def answers(self, asks: Sequence[Any]) -> Sequence[Answer | Exception]:
        """The answers in order; of a request that is wrong its `BadRequest`."""
        ...

"""What a route and a scorer agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Answer", "BatchScorer", "Observed"]


class Answer(NamedTuple):
    """The body of an answer and the number of rows in it."""

    body: bytes
    rows: int


class Observed(Protocol):
    """What looks at clean rows and their answers; bounded, from any thread."""

    def row(self, values: Mapping[str, Any], answer: bytes) -> None:
        """A row, its columns in the order of the schema, and its answer."""
        ...

    def frame(self, frame: pd.DataFrame, answers: Sequence[Mapping[str, Any]] = ()) -> None:
        """Rows that were answered together."""
        ...


class BatchScorer(Protocol):
    """Reads bodies and scores what they ask for; `answers` is called from one thread at a time."""

    def ask(self, body: bytes, explain: bool = False) -> Any:
        """What a body asks for; BadRequest if it cannot be answered."""
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

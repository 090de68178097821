"""What a route and a scorer agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

__all__ = ["Answer", "BatchScorer"]


class Answer(NamedTuple):
    """The body of an answer and the number of rows in it."""

    body: bytes
    rows: int


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

    def answers(self, asks: Sequence[Any]) -> Sequence[Answer | Exception]:
        """The answers in order; of a request that is wrong its `BadRequest`."""
        ...

"""What asking a language model may cost, and what it has cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from automl_runtime.errors import RequestError

__all__ = ["Limits", "Spending", "Usage"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that may be used; None: no limit."""

    calls: int | None = 100
    tokens: int | None = 300_000
    """In and out together."""
    seconds: float | None = 900
    """From the first call; what is waited for counts."""
    cost: float | None = None
    """Dollars; needs the price of a token."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used: attempts that failed count as calls, answers from the cache do not."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    cost: float | None = None
    """Dollars; None when the price is not known."""
    cached: int = 0

    def __str__(self) -> str:
        said = [f"{self.calls} calls", f"{self.tokens_in + self.tokens_out:,} tokens", f"{self.seconds:.0f} s"]
        said += [f"${self.cost:.4f}"] if self.cost is not None else []
        said += [f"{self.cached} from the cache"] if self.cached else []
        return ", ".join(said)


@dataclass(slots=True)
class Spending:
    """Adds up what is used and says when a limit is reached."""

    limits: Limits
    price: tuple[float, float] | None
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cached: int = 0
    waited: float = 0.0
    _began: float | None = field(default=None)

    def __post_init__(self) -> None:
        if self.limits.cost is not None and self.price is None:
            raise RequestError(
                "A limit of the cost needs the price of a token.",
                hint="Set AUTOML_LLM_PRICE to dollars for a million tokens in and out, for example 0.15/0.60.",
            )

    def begin(self) -> None:
        """Counts one attempt; the clock starts with the first."""
        self._began = time.monotonic() if self._began is None else self._began
        self.calls += 1

    def add(self, tokens_in: int, tokens_out: int, seconds: float) -> None:
        """Counts the tokens of an answer and the seconds it took."""
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out
        self.waited += seconds

    @property
    def seconds_left(self) -> float | None:
        """Until the limit of time, at least 0; None without a limit."""
        if self.limits.seconds is None:
            return None
        gone = 0.0 if self._began is None else time.monotonic() - self._began
        return max(self.limits.seconds - gone, 0.0)

    @property
    def cost(self) -> float | None:
        """Dollars so far."""
        if self.price is None:
            return None
        return (self.tokens_in * self.price[0] + self.tokens_out * self.price[1]) / 1e6

    @property
    def used_up(self) -> str | None:
        """Which limit is reached, in words; None while there is something left."""
        limits, tokens, cost = self.limits, self.tokens_in + self.tokens_out, self.cost
        if limits.calls is not None and self.calls >= limits.calls:
            return f"the limit of {limits.calls} calls is reached"
        if limits.tokens is not None and tokens >= limits.tokens:
            return f"the limit of {limits.tokens:,} tokens is reached ({tokens:,})"
        if limits.cost is not None and cost is not None and cost >= limits.cost:
            return f"the limit of ${limits.cost:g} is reached (${cost:.4f})"
        if self.seconds_left == 0:
            return f"the limit of {limits.seconds:g} s is reached"
        return None

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        return Usage(self.calls, self.tokens_in, self.tokens_out, self.waited, self.cost, self.cached)

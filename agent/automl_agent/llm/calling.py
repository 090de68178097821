"""One request to an endpoint: retried with back-off while that may help, counted, and cut off by the clock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import openai
from tenacity import RetryCallState, Retrying, retry_if_exception

from automl_agent.llm.answers import TOOL
from automl_agent.llm.budget import Spending
from automl_agent.llm.endpoint import Endpoint
from automl_agent.llm.requests import PARAMETERS

__all__ = ["Caller", "Refused", "Reply", "Unreachable"]

_ATTEMPTS: Final = 4
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 20.0
_REQUEST_SECONDS: Final = 300.0
_TRANSIENT: Final = (
    openai.RateLimitError,
    openai.InternalServerError,
    openai.ConflictError,
    openai.APIConnectionError,
)
_OTHER_NAMES: Final = {"max_tokens": "max_completion_tokens"}


class Unreachable(Exception):
    """No answer can be had from the endpoint: wrong key, unknown model, no connection, no budget left."""


class Refused(Exception):
    """The endpoint does not take this kind of request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    content: str
    calls: list[str]
    """Arguments of the calls of the tool `answer`, as JSON."""
    cut_off: bool
    """It was longer than was allowed."""


@dataclass(slots=True)
class Caller:
    """Sends chat completions; blocks, and can be interrupted at any time."""

    endpoint: Endpoint
    spending: Spending
    say: Callable[[str], None]
    """Gets a line while something is waited for."""
    redact: Callable[[str], str]
    parameters: dict[str, Any] = field(default_factory=lambda: dict(PARAMETERS))
    """Those that the endpoint takes."""
    _client: openai.OpenAI | None = None

    def send(self, messages: Sequence[Any], shape: dict[str, Any], *, most_tokens: int | None = None) -> Reply:
        """One answer to `messages`, of at most `most_tokens` (as usual when None).

        Raises:
            Unreachable: if there is none to be had, with the reason.
            Refused: if the endpoint does not take `shape`.
        """
        while True:
            longer = {name: most_tokens for name in self.parameters if name.startswith("max_")} if most_tokens else {}
            try:
                return self._retried(messages, self.parameters | shape | longer)
            except openai.BadRequestError as error:
                if not self._left_out(str(error)):
                    raise Refused(self._words(error)) from None
            except (openai.NotFoundError, openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise Unreachable(self._words(error)) from None
            except openai.APITimeoutError:
                raise Unreachable("it did not answer in time") from None
            except openai.APIConnectionError as error:
                why = type(error.__cause__).__name__
                raise Unreachable(self.redact(f"no connection to {self.endpoint.shown} ({why})")) from None
            except openai.APIStatusError as error:
                refused = Refused if error.status_code in (422, 500, 501) else Unreachable
                raise refused(self._words(error)) from None
            except openai.OpenAIError as error:
                raise Refused(self._words(error)) from None

    def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _retried(self, messages: Sequence[Any], request: dict[str, Any]) -> Reply:
        attempts = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=self._has_tried_enough,
            wait=self._wait,
            before_sleep=self._announce,
            reraise=True,
        )
        return attempts(self._once, messages, request)

    def _once(self, messages: Sequence[Any], request: dict[str, Any]) -> Reply:
        spending = self.spending
        if (reason := spending.used_up) is not None:
            raise Unreachable(reason)
        spending.begin()
        left = spending.seconds_left
        seconds = _REQUEST_SECONDS if left is None else min(_REQUEST_SECONDS, max(left, 1.0))
        if self._client is None:
            self._client = openai.OpenAI(
                base_url=self.endpoint.base_url,
                api_key=self.endpoint.api_key,
                max_retries=0,
                organization="",
                project="",
            )
        started = time.monotonic()
        try:
            done: Any = self._client.chat.completions.create(
                model=self.endpoint.model, messages=messages, timeout=seconds, **request
            )
        finally:
            spending.waited += time.monotonic() - started
        return self._reply(done, messages)

    def _reply(self, done: Any, messages: Sequence[Any]) -> Reply:
        choices = getattr(done, "choices", None)
        if not choices:
            raise Refused("the answer is no chat completion")
        message = choices[0].message
        content = message.content or ""
        calls = [call.function.arguments for call in message.tool_calls or () if _is_answer(call)]
        usage = getattr(done, "usage", None)
        # Four characters are about a token, where the endpoint does not say.
        tokens_in = usage.prompt_tokens if usage else sum(len(item["content"]) for item in messages) // 4
        tokens_out = usage.completion_tokens if usage else (len(content) + sum(map(len, calls))) // 4
        self.spending.add(tokens_in, tokens_out, 0.0)
        return Reply(content, calls, choices[0].finish_reason == "length")

    def _left_out(self, message: str) -> bool:
        """Whether a parameter that the message complains of was changed or left out."""
        for name in list(self.parameters):
            if name in message:
                value = self.parameters.pop(name)
                other = _OTHER_NAMES.get(name)
                if other is not None:
                    self.parameters[other] = value
                return True
        return False

    def _has_tried_enough(self, state: RetryCallState) -> bool:
        return state.attempt_number >= _ATTEMPTS or self.spending.seconds_left == 0

    def _wait(self, state: RetryCallState) -> float:
        """What the endpoint asks for, else 0.5, 1, 2 ... seconds and a bit, and not beyond the budget."""
        error = state.outcome.exception() if state.outcome is not None else None
        told = error.response.headers.get("retry-after", "") if isinstance(error, openai.APIStatusError) else ""
        usual = _FIRST_WAIT * 2 ** (state.attempt_number - 1) * (1 + 0.25 * random.random())
        wanted = float(told) if told.replace(".", "", 1).isdigit() else usual
        left = self.spending.seconds_left
        return min(wanted, _LONGEST_WAIT, _LONGEST_WAIT if left is None else left)

    def _announce(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        why = f"status {error.status_code}" if isinstance(error, openai.APIStatusError) else "no connection"
        wait = state.next_action.sleep if state.next_action is not None else 0.0
        self.say(f"{why}; again in {wait:.1f} s")

    def _words(self, error: Exception) -> str:
        status = f"status {error.status_code}: " if isinstance(error, openai.APIStatusError) else ""
        return self.redact(" ".join(f"{status}{error}".split()))[:300]


def _is_answer(call: Any) -> bool:
    return getattr(call, "type", "function") == "function" and call.function.name == TOOL


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may be answered later."""
    return isinstance(error, _TRANSIENT) and getattr(error, "status_code", None) != 501

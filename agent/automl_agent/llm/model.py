"""A language model that is asked through schemas: `LanguageModel`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from automl_runtime.errors import MissingExtraError, RequestError
from automl_runtime.events import EventSink, Progress, Warned, ignore
from pydantic import BaseModel, Field

from automl_agent.caches import cache_folder
from automl_agent.llm.budget import Limits, Spending, Usage
from automl_agent.llm.endpoint import Endpoint, find_endpoint
from automl_agent.llm.levels import LADDER, Level
from automl_agent.llm.store import Store, key_of
from automl_agent.llm.transcript import Transcript, secrets_of
from automl_agent.untrusted import clean, data_block

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

    from automl_agent.llm.calling import Caller, Reply

__all__ = ["LanguageModel"]

T = TypeVar("T", bound=BaseModel)

_REPAIRS: Final = 2
_LEVEL_DAYS, _ANSWER_DAYS = 7.0, 90.0
_LONGEST_TEXT: Final = 160
_MORE_TOKENS: Final = 2_400
_CUT_OFF: Final = "it was cut off"
_PACKAGES: Final = {"openai": "openai", "langchain_openai": "langchain-openai"}


class Signal(BaseModel):
    """Reports the colour and the number of the signal."""

    colour: Literal["amber", "cobalt", "crimson"] = Field(description="colour of the signal")
    number: int = Field(description="number of the signal")


class LanguageModel:
    """Asks one model at one endpoint; what the model can be trusted with is found out once and remembered.

    Blocks while it waits, and can be interrupted at any time. Not safe for several threads.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        limits: Limits = Limits(),
        cache: Path | None = None,
        environment: Mapping[str, str] | None = None,
        on_event: EventSink = ignore,
    ) -> None:
        """Prepares; nothing is sent yet.

        Args:
            endpoint: where the model is.
            limits: what may be used.
            cache: folder of what is remembered between runs; None: nothing is.
            environment: whose secrets are kept out of everything that is written; `os.environ` when None.
            on_event: gets progress and warnings.

        Raises:
            RequestError: if the cost is limited and no price is known.
        """
        self.endpoint = endpoint
        known = secrets_of(os.environ if environment is None else environment)
        self.transcript = Transcript([endpoint.api_key, *known] if endpoint.api_key != "none" else known)
        self.reason: str | None = None
        """Why the last `decide` gave None."""
        self.on_event = on_event
        self._spending = Spending(limits, endpoint.price)
        self._levels = None if cache is None else Store(cache / "levels", days=_LEVEL_DAYS)
        self._answers = None if cache is None else Store(cache / "answers", days=_ANSWER_DAYS)
        self._level: Level | None = None
        self._lost: str | None = None
        self._caller: Caller | None = None

    @classmethod
    def from_environment(
        cls,
        choice: str = "auto",
        *,
        limits: Limits = Limits(),
        environment: Mapping[str, str] | None = None,
        on_event: EventSink = ignore,
    ) -> LanguageModel | None:
        """The model that the environment configures: OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL, AUTOML_LLM_PRICE.

        Args:
            choice: `auto`, `off`, or the name of a model.
            limits: what may be used.
            environment: `os.environ` when None.
            on_event: gets progress and warnings.

        Returns:
            None for `off`; for `auto` also where no model is configured, and, with a warning, where the extra `llm` is
            not installed.

        Raises:
            RequestError: if a model is named and no endpoint is configured, or a setting is wrong.
            MissingExtraError: if a model is named and the extra `llm` is not installed.
        """
        variables = os.environ if environment is None else environment
        endpoint = find_endpoint(choice, variables)
        if endpoint is None:
            return None
        missing = [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]
        if missing:
            error = MissingExtraError(package=missing[0], extra="llm", distribution="automl-cli")
            if choice != "auto":
                raise error
            on_event(Warned(f"{endpoint.model} is not asked: {error.message} {error.hint}"))
            return None
        return cls(endpoint, limits=limits, cache=cache_folder() / "llm", environment=variables, on_event=on_event)

    def decide(self, question: str, schema: type[T], *, data: Mapping[str, Any]) -> T | None:
        """The model's answer to `question` about `data`, or None with `reason` set.

        Args:
            question: what to decide, in our own words; nothing from the user's files belongs in it.
            schema: what the answer must be; what it says about its fields is shown to the model.
            data: names and statistics; texts are cleaned and cut, and stand in a block marked as data.
        """
        self.reason = None
        block = data_block(data, limit=_LONGEST_TEXT)
        if self.level == "none":
            self.reason = self._lost or "the model writes no JSON that fits a schema"
        else:
            found = self._asked(question, schema, block)
            if found is not None:
                return found
        self.transcript.add(asked=schema.__name__, decided=None, reason=self.reason)
        return None

    @property
    def level(self) -> Level:
        """What the model can be trusted with; found out at the first look, unless it is remembered."""
        if self._level is None:
            self._level = self._remembered() or self._probe()
        return self._level

    @property
    def usage(self) -> Usage:
        """What was used so far."""
        return self._spending.usage

    def check(self) -> None:
        """Makes sure that the model answers.

        Raises:
            RequestError: with the reason, if it does not.
        """
        if self.level == "none":
            place = self.transcript.redact(self.endpoint.shown)
            reason = self._lost or "it writes no JSON that fits a schema"
            raise RequestError(
                f"{self.endpoint.model} at {place} cannot be used: {reason}.",
                hint="Check OPENAI_BASE_URL, OPENAI_API_KEY and the name of the model, or take --llm off.",
            )

    def chat_model(self, **options: Any) -> ChatOpenAI:
        """The same model for LangChain; what it uses counts into the same budget and stands in the same transcript.

        Args:
            options: further fields of `ChatOpenAI`.
        """
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        from automl_agent.llm.chatting import Accountant

        settings: dict[str, Any] = {
            "model": self.endpoint.model,
            "base_url": self.endpoint.base_url,
            "api_key": SecretStr(self.endpoint.api_key),
            "temperature": 0,
            "seed": 7,
            "max_retries": 3,
            "timeout": self._spending.limits.seconds,
            "callbacks": [Accountant(self._spending, self.transcript, self._say)],
        }
        return ChatOpenAI(**(settings | options))

    def close(self) -> None:
        """Closes the connections."""
        if self._caller is not None:
            self._caller.close()

    def _asked(self, question: str, schema: type[T], block: str) -> T | None:
        from automl_agent.llm.answers import read_answer
        from automl_agent.llm.calling import Refused, Unreachable
        from automl_agent.llm.requests import messages_of, repair_of, shape_of

        messages = messages_of(question, schema, block, self.level)
        key = key_of([self.endpoint.id, self.level, messages, shape_of(schema, self.level)])
        known = None if self._answers is None else self._answers.get(key)
        if known is not None:
            found, _ = read_answer(schema, [str(known["answer"])], "")
            if found is not None:
                self._spending.cached += 1
                self._note(schema, messages, found, cached=True)
                return found
        wrong = ""
        for _ in range(_REPAIRS + 1):
            try:
                reply = self._send(schema, messages, wrong)
            except Unreachable as error:
                self._lose(str(error))
                self.reason = str(error)
                return None
            except Refused as error:
                self.reason = str(error)
                return None
            wrong_before = wrong
            found, wrong = read_answer(schema, reply.calls, reply.content)
            if found is not None:
                self._note(schema, messages, found, cached=False)
                if self._answers is not None:
                    self._answers.put(key, {"answer": found.model_dump_json()})
                return found
            if reply.cut_off and wrong_before == _CUT_OFF:
                break  # It does not come to an end, however much room it has.
            wrong = _CUT_OFF if reply.cut_off else wrong
            messages = [*messages[:2], *repair_of(reply.content or "".join(reply.calls), clean(wrong, 300))]
        self.reason = f"no answer fits the schema: {clean(wrong, 200)}"
        return None

    def _send(self, schema: type[BaseModel], messages: list[dict[str, str]], wrong: str) -> Reply:
        from automl_agent.llm.requests import shape_of

        most = _MORE_TOKENS if wrong == _CUT_OFF else None
        reply = self._calling().send(messages, shape_of(schema, self.level), most_tokens=most)
        self._say("")
        return reply

    def _calling(self) -> Caller:
        from automl_agent.llm.calling import Caller

        if self._caller is None:
            self._caller = Caller(self.endpoint, self._spending, self._say, self.transcript.redact)
        return self._caller

    def _remembered(self) -> Level | None:

        known = None if self._levels is None else self._levels.get(self.endpoint.id)
        if known is None or known.get("level") not in (*LADDER, "none"):
            return None
        parameters = known.get("parameters")
        if isinstance(parameters, dict):
            self._calling().parameters = parameters
        level: Level = known["level"]
        if level == "none":
            self._warn("the model writes no JSON that fits a schema (found out earlier)")
        return level

    def _probe(self) -> Level:
        """Tries the rungs from the top; an endpoint that cannot be reached is not remembered."""
        from automl_agent.llm.calling import Unreachable

        found: Level = "none"
        spare: Level | None = None
        for level in LADDER:
            try:
                native, understood = self._try(level)
            except Unreachable as error:
                self._lose(str(error))
                return "none"
            if native:
                found = level
                break
            spare = spare or (level if understood else None)
        found = spare if found == "none" and spare is not None else found
        self.transcript.add(probed=self.endpoint.model, level=found)
        if self._levels is not None:
            self._levels.put(self.endpoint.id, {"level": found, "parameters": self._calling().parameters})
        if found == "none":
            self._warn("it writes no JSON that fits a schema")
        return found

    def _try(self, level: Level) -> tuple[bool, bool]:
        """Whether the model answers on `level` as that rung promises, and whether it can be understood at all."""
        from automl_agent.llm.answers import is_plain, read_answer
        from automl_agent.llm.calling import Refused
        from automl_agent.llm.requests import messages_of, shape_of

        # On the rung of strict schemas only the server's grammar says what the answer looks like.
        shown: Level = "tools" if level == "schema" else level
        messages = messages_of("Report the signal.", Signal, data_block({"signal": "cobalt 7"}), shown)
        try:
            reply = self._calling().send(messages, shape_of(Signal, level))
        except Refused:
            return False, False
        understood = read_answer(Signal, reply.calls, reply.content)[0] is not None
        called = bool(reply.calls) and understood
        native = {"tools": called, "schema": is_plain(Signal, reply.content)}.get(level, understood)
        return native, understood

    def _lose(self, reason: str) -> None:
        """Nothing more is asked in this run."""
        self._level, self._lost = "none", reason
        self._warn(reason)

    def _warn(self, reason: str) -> None:
        self.on_event(Warned(f"{self.endpoint.model} is not asked any more, the rules decide: {reason}"))

    def _say(self, text: str) -> None:
        usage = self._spending.usage
        message = f"{self.endpoint.model}: {text or usage}"
        self.on_event(Progress("asking", usage.calls, self._spending.limits.calls, message))

    def _note(self, schema: type[BaseModel], messages: list[dict[str, str]], found: BaseModel, *, cached: bool) -> None:
        self.transcript.add(
            asked=schema.__name__,
            level=self.level,
            messages=messages,
            decided=found.model_dump(mode="json"),
            cached=cached,
        )

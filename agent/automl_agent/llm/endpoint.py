"""Where the language model is: address, key and name, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from automl_runtime.errors import RequestError, shorten

__all__ = ["Endpoint", "find_endpoint"]

_PUBLIC: Final = "https://api.openai.com/v1"
_PRICE: Final = "AUTOML_LLM_PRICE"
_HOW: Final = "Set OPENAI_BASE_URL (any OpenAI-compatible endpoint) or OPENAI_API_KEY, and OPENAI_MODEL."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address; the key is in no representation of it."""

    base_url: str
    model: str
    api_key: str = field(repr=False)
    price: tuple[float, float] | None = None
    """Dollars for a million tokens that go in and that come out; None when nobody said."""

    @property
    def shown(self) -> str:
        """The address as messages name it: without a user, a query, and what they may hold."""
        parts = urlsplit(self.base_url)
        port = "" if parts.port is None else f":{parts.port}"
        return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"

    @property
    def id(self) -> str:
        """What tells this model at this address from others, in file names; it does not depend on the key."""
        return sha256(f"{self.base_url.rstrip('/')} {self.model}".encode()).hexdigest()[:16]


def find_endpoint(choice: str, environment: Mapping[str, str]) -> Endpoint | None:
    """The endpoint that `environment` configures; None for `off`, and for `auto` where none is.

    `auto` takes the model of OPENAI_MODEL; a key alone does not count as a wish to send something away.

    Raises:
        RequestError: if a model is named and no endpoint is configured, or a setting is no address or price.
    """
    if choice == "off":
        return None
    address, key = environment.get("OPENAI_BASE_URL", "").strip(), environment.get("OPENAI_API_KEY", "").strip()
    name = environment.get("OPENAI_MODEL", "").strip() if choice == "auto" else choice
    if not name or not (address or key):
        if choice == "auto":
            return None
        raise RequestError(f"--llm {shorten(choice)}: no endpoint is configured.", hint=_HOW)
    if address and not address.startswith(("http://", "https://")):
        # Not quoted: it may be a key in the wrong variable.
        raise RequestError("OPENAI_BASE_URL does not begin with http:// or https://.", hint=_HOW)
    # Local servers want no key, and the client wants one.
    return Endpoint(address or _PUBLIC, name, key or "none", _price(environment.get(_PRICE, "")))


def _price(text: str) -> tuple[float, float] | None:
    """`"0.15/0.60"`: dollars for a million tokens in and out."""
    if not text.strip():
        return None
    try:
        into, out = (float(part) for part in text.split("/"))
    except ValueError as error:
        raise RequestError(f"{_PRICE} is {shorten(text)}; it is written as IN/OUT, for example 0.15/0.60.") from error
    if not (0 <= into < 1e6 and 0 <= out < 1e6):
        raise RequestError(f"{_PRICE} is {shorten(text)}; dollars for a million tokens are between 0 and 1,000,000.")
    return into, out

"""Who may ask: API keys and tokens, scopes, and how often; checked in front of everything else.

A guard without keys and without a key for tokens lets everybody in: `check_exposure` sees to it that such a
service is reached from this machine only, unless somebody says that it may be open.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl_runtime.errors import DataError, MissingExtraError, RequestError, shorten
from automl_runtime.files import stamp_of
from automl_runtime.serving.asgi import Message
from automl_runtime.serving.keys import SCOPES, ApiKey, read_keys, verify_key
from automl_runtime.serving.rates import RATES, SharedBuckets
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["Denied", "Guard", "Principal", "check_exposure", "is_loopback"]

_LOG = logging.getLogger("automl_runtime.serving")
_LOOK_EVERY = 0.5
_MOST_TOKENS = 10_000
_OPEN = ("/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
_MANAGED = ("/load", "/unload", "/pause", "/resume")
_ALGORITHMS = ("HS256", "RS256", "ES256", "EdDSA")


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks."""

    name: str
    scopes: frozenset[str]
    per_minute: int | None = None
    expires: float = float("inf")
    """Seconds since 1970."""


class Denied(BadRequest):
    """401 who are you, 403 not you, or 429 not so often."""

    def __init__(self, message: str, status: int, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__([Problem(message)], status=status)
        self.headers = headers


class Guard:
    """Lets requests through or raises `Denied`; used from one event loop."""

    def __init__(
        self, keys: Path | None = None, *, token_key: str | None = None, per_minute: int | None = None
    ) -> None:
        """Reads the keys, and looks twice a second whether they changed.

        Args:
            keys: file of API keys; None or absent for none.
            token_key: what JSON web tokens are signed with: a secret of 32 letters or more, or a public key (PEM).
            per_minute: requests a minute of each who has no limit of their own; None: as many as they like.

        Raises:
            DataError: if the keys cannot be read.
            RequestError: if the secret is too short.
        """
        if token_key is not None and not token_key.startswith("-----BEGIN") and len(token_key) < 32:
            raise RequestError("The secret for tokens has fewer than 32 letters.", hint="Take a longer one.")
        self._path, self._token_key, self._per_minute = keys, token_key, per_minute
        self._buckets = SharedBuckets(os.environ.get(RATES))
        self._stamp = self._look()
        self._looked = time.monotonic()
        self._keys = self._read()
        self._known: dict[bytes, Principal] = {}
        self.is_open = not self._keys and token_key is None
        """Whether everybody is let in; never again once there was a key, though the last one be revoked."""

    def admit(self, scope: Message) -> Principal | None:
        """Who asks; None where nobody has to say.

        Raises:
            Denied: if somebody is not known, not allowed, or asks too often.
        """
        path: str = scope["path"]
        if path in _OPEN:
            return None
        self._refresh()
        if self.is_open:
            if self._per_minute is not None:
                client = scope.get("client") or ("unknown",)
                self._count(Principal(f"host {client[0]}", frozenset(SCOPES)))
            return None
        principal = self._principal(scope["headers"])
        needed = "manage" if scope["method"] == "POST" and path.endswith(_MANAGED) else "predict"
        if needed not in principal.scopes:
            raise Denied(f"This needs the scope {needed!r}, which {principal.name!r} has not.", 403)
        self._count(principal)
        return principal

    def _count(self, principal: Principal) -> None:
        limit = principal.per_minute or self._per_minute
        if limit is not None and (wait := self._buckets.take(principal.name, limit)) > 0:
            retry = b"%d" % max(1, int(wait + 0.999))
            message = f"More than {limit} requests a minute; the next is answered in {wait:.1f} s."
            raise Denied(message, 429, ((b"retry-after", retry),))

    def _principal(self, headers: list[tuple[bytes, bytes]]) -> Principal:
        given = next((value for name, value in headers if name in (b"x-api-key", b"authorization")), None)
        if given is None:
            raise Denied("Say who you are: X-API-Key: aml_..., or Authorization: Bearer ...", 401, _CHALLENGE)
        known = self._known.get(given)
        if known is None:
            known = self._verified(given)
            if len(self._known) >= _MOST_TOKENS:
                self._known.clear()
            self._known[given] = known
        if known.expires < time.time():
            raise Denied("The token has expired.", 401, _CHALLENGE)
        return known

    def _verified(self, given: bytes) -> Principal:
        text = given.decode("latin-1").strip()
        text = text[7:].strip() if text[:7].lower() == "bearer " else text
        key = verify_key(text, self._keys)
        if key is not None:
            return Principal(key.name, frozenset(key.scopes), key.per_minute)
        if self._token_key is not None and text.count(".") == 2:
            return _principal_of(text, self._token_key)
        raise Denied("The key is not known.", 401, _CHALLENGE)

    def _refresh(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = self._read()
        except DataError as error:
            _LOG.error("The keys stay as they were: %s", error)
            return
        self._known.clear()
        self.is_open &= not self._keys

    def _look(self) -> tuple[int, int, int] | None:
        return None if self._path is None else stamp_of(self._path)

    def _read(self) -> dict[str, ApiKey]:
        return {} if self._path is None else {key.id: key for key in read_keys(self._path)}


def check_exposure(guard: Guard, host: str, *, anonymous: bool) -> None:
    """Refuses to be open to other machines by mistake.

    Raises:
        RequestError: if `host` is no address of this machine alone, `guard` lets everybody in, and that was not said.
    """
    if guard.is_open and not is_loopback(host) and not anonymous:
        raise RequestError(
            f"On {shorten(host)} other machines would reach the service, and nobody has to say who they are.",
            hint="Make a key (automl keys PROJECT --add NAME), set AUTOML_TOKEN_KEY, listen on 127.0.0.1, or say that "
            "it may be open: AUTOML_ANONYMOUS=true.",
        )


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_CHALLENGE = ((b"www-authenticate", b"Bearer"),)


def _principal_of(token: str, key: str) -> Principal:
    try:
        import jwt
    except ImportError as error:
        raise MissingExtraError(package="pyjwt", extra="serve") from error
    public = key.startswith("-----BEGIN")
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS[1:] if public else _ALGORITHMS[:1],
            options={"require": ["exp", "sub"]},
        )
    except jwt.InvalidTokenError as error:
        raise Denied(f"The token is not valid: {error}.", 401, _CHALLENGE) from error
    given = claims.get("scope", "")
    scopes = frozenset(given.split() if isinstance(given, str) else ())
    return Principal(f"token {claims['sub']}", scopes & frozenset(SCOPES), None, float(claims["exp"]))

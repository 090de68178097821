"""gzip and zstd of bodies: what comes is unpacked within a bound, what goes is packed where that pays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import zstandard

from automl_runtime.serving.asgi import quality_values
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["CODINGS", "Unpacker", "pack", "packing", "unpack"]

CODINGS: Final = ("gzip", "zstd")
_PIECE: Final = 256 * 1024
_ZSTD_INPUT: Final = 256
"""Bytes that are unpacked at once: four bytes can stand for a block of 128 kB, and the library takes no bound."""
_ZSTD_WINDOW: Final = 8 * 1024 * 1024
"""What RFC 8878 asks every decoder to support; more would be memory that the sender decides on."""
_WORTH_IT: Final = 1024
_LEVELS: Final = {"gzip": 5, "zstd": 3}


class Unpacker:
    """Unpacks a body that comes in parts, in pieces of a bounded size, so that a small one cannot become a huge one."""

    def __init__(self, coding: bytes) -> None:
        """`coding`: the value of Content-Encoding.

        Raises:
            BadRequest: 415 if it is none of `CODINGS`.
        """
        self.coding = coding.decode("latin-1").strip().lower().removeprefix("x-")
        if self.coding not in CODINGS:
            message = f"Content-Encoding {self.coding[:100]!r} is not read; {' and '.join(CODINGS)} are."
            raise BadRequest([Problem(message, value=self.coding[:100], allowed=", ".join(CODINGS))], status=415)
        self._member: Any = None

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` holds, piece by piece.

        Raises:
            BadRequest: if it is not packed in this way.
        """
        step = _ZSTD_INPUT if self.coding == "zstd" else len(data)
        try:
            for start in range(0, len(data), max(step, 1)):
                yield from self._fed(data[start : start + step])
        except (zlib.error, zstandard.ZstdError) as error:
            raise BadRequest([Problem(f"The body is not {self.coding}: {error}.", allowed=self.coding)]) from error

    def finish(self) -> None:
        """Raises `BadRequest` if something is missing at the end."""
        if self._member is not None:
            raise BadRequest([Problem(f"The body ends before its {self.coding} does.", allowed="a whole body")])

    def _fed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member is None:
                self._member = _opened(self.coding)
            member = self._member
            yield member.decompress(data, _PIECE) if self.coding == "gzip" else member.decompress(data)
            data = member.unconsumed_tail if self.coding == "gzip" else b""
            if member.eof:
                # Another one may follow: both formats allow bodies that were put together.
                data, self._member = member.unused_data, None


def _opened(coding: str) -> Any:
    if coding == "gzip":
        return zlib.decompressobj(wbits=31)
    return zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()


def unpack(body: bytes, coding: bytes, limit: int) -> bytes:
    """The whole of a packed body.

    Raises:
        BadRequest: 413 as soon as it is larger than `limit` bytes, 415 for another coding, 422 if it is broken.
    """
    unpacker = Unpacker(coding)
    pieces, size = [], 0
    for piece in unpacker.feed(body):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            message = f"The body is larger than {limit:,} bytes when it is unpacked. Send the rows in parts."
            raise BadRequest([Problem(message, allowed=f"at most {limit} bytes")], status=413)
    unpacker.finish()
    return b"".join(pieces)


def packing(accepted: bytes | None, size: int) -> str | None:
    """How an answer of `size` bytes is packed for a client with this Accept-Encoding; None: as it is."""
    return None if accepted is None or size < _WORTH_IT else _chosen(accepted[:1000])


@lru_cache(maxsize=256)
def _chosen(accepted: bytes) -> str | None:
    shares = quality_values(accepted)
    wanted = {coding: shares.get(coding, shares.get("*", 0.0)) for coding in reversed(CODINGS)}
    best = max(wanted, key=lambda coding: wanted[coding])
    return best if wanted[best] > 0 else None


def pack(body: bytes, coding: str) -> bytes:
    """`body` in gzip or zstd."""
    if coding == "zstd":
        return zstandard.ZstdCompressor(level=_LEVELS[coding]).compress(body)
    packer = zlib.compressobj(_LEVELS[coding], wbits=31)
    return packer.compress(body) + packer.flush()

"""How networks read pictures and texts: pixels in their places, words in their order, sentences as vectors."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from automl_runtime.data.pictures import SIDE as READ_SIDE
from automl_runtime.data.pictures import Picture
from automl_runtime.errors import BundleError, shorten
from automl_runtime.inference import sentences
from automl_runtime.inference.texts import lower
from automl_runtime.kernels.arrays import Singles

if TYPE_CHECKING:
    from automl_runtime.inference.encoding import Column

__all__ = [
    "PIXELS",
    "RAW_PICTURE",
    "RAW_TEXT",
    "SENTENCES",
    "SIDE",
    "VOCABULARY",
    "WORDS",
    "checked_readings",
    "kind_of",
    "raw_pictures",
    "raw_texts",
    "raw_widths",
    "read_raw",
]

PIXELS: Final = "pixels"
WORDS: Final = "words"
SENTENCES: Final = "sentences"
"""A reading that begins so names the encoder too; see `inference.sentences`."""

SIDE: Final = 32
"""Pixels across and along: half of what is read, which a small network can learn from on a processor."""
RAW_PICTURE: Final = 3 * SIDE * SIDE
"""Red, then green, then blue; of each the rows from above."""
RAW_TEXT: Final = 128
"""The first words of a text; those that follow are not read."""
VOCABULARY: Final = 1 << 13
"""Words have numbers below that; 0 stands after the end."""

_WORD = re.compile(r"\w+|[^\w\s]")
_ROOM = 40 * RAW_TEXT
"""Characters in which the first words are looked for."""
_KINDS = {PIXELS: "image", WORDS: "text", SENTENCES: "text"}


def read_raw(reading: str, cells: Sequence[Any]) -> Singles:
    """`cells` (pictures, or texts; None where missing) as `reading` says: cells x width, float32.

    Raises:
        BundleError: if an encoder is needed that is not there.
    """
    if reading == PIXELS:
        return raw_pictures(cells)
    return raw_texts(cells) if reading == WORDS else sentences.read(reading, cells)


def kind_of(reading: str) -> str:
    """`PIXELS`, `WORDS` or `SENTENCES`."""
    return reading.partition(":")[0]


def raw_widths(columns: Sequence[Column]) -> list[int]:
    """The width of each reading, in the order of the columns."""
    known = {PIXELS: RAW_PICTURE, WORDS: RAW_TEXT}
    readings = [reading for column in columns for reading in column.raw]
    return [known[reading] if reading in known else sentences.width_of(reading) for reading in readings]


def checked_readings(kind: str, readings: Sequence[str]) -> tuple[str, ...]:
    """`readings` of a column of this `kind`.

    Raises:
        BundleError: if one is unknown, or does not suit the kind.
    """
    for reading in readings:
        sound = _KINDS.get(kind_of(reading)) == kind
        if not sound or (kind_of(reading) == SENTENCES and not sentences.is_sound(reading)):
            raise BundleError(f"The model reads a column of the kind {kind} as {shorten(reading)}, which is unknown.")
    return tuple(readings)


def raw_pictures(pictures: Sequence[Picture | None]) -> Singles:
    """pictures x `RAW_PICTURE`: -1 (dark) to 1 (light); 0 everywhere where there is no picture."""
    found = np.zeros((len(pictures), RAW_PICTURE), dtype=np.float32)
    size = READ_SIDE // SIDE
    for place, picture in enumerate(pictures):
        if picture is not None:
            tiles = picture.reshape(SIDE, size, SIDE, size, 3).mean(axis=(1, 3), dtype=np.float32)
            found[place] = tiles.transpose(2, 0, 1).ravel() / np.float32(127.5) - np.float32(1)
    return found


def raw_texts(texts: Sequence[str | None]) -> Singles:
    """texts x `RAW_TEXT`: the numbers of the words, told from their spelling (in lower case); 0 after the last."""
    found = np.zeros((len(texts), RAW_TEXT), dtype=np.float32)
    for place, text in enumerate(texts):
        words = _WORD.findall(lower((text or "")[:_ROOM]))[:RAW_TEXT]
        found[place, : len(words)] = [
            1 + zlib.crc32(word.encode("utf-8", "surrogatepass")) % (VOCABULARY - 1) for word in words
        ]
    return found

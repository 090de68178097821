"""Pictures as numbers: read safely, brought to one size, described by their edges and their colours.

Nothing here learns from other pictures.
"""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import DataError, MissingExtraError, shorten
from automl_runtime.features.gradients import oriented_gradients
from automl_runtime.kernels.arrays import Singles

__all__ = [
    "COPIES",
    "DATA_URL",
    "ENDINGS",
    "FORMATS",
    "PICTURE_WIDTH",
    "SHAPE_WIDTH",
    "describe",
    "describe_copies",
    "is_picture",
    "read_picture",
    "read_pictures",
]

FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
"""What is read; of an animation the first picture."""

ENDINGS: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
DATA_URL: Final = "data:image/"

_SIDE = 64
_CELLS = (4, 8)
_ORIENTATIONS = 9
_COLOR_CELLS = 8
SHAPE_WIDTH = sum(cells * cells for cells in _CELLS) * _ORIENTATIONS
"""Columns that speak of edges; those of colours follow."""
PICTURE_WIDTH = SHAPE_WIDTH + 3 * _COLOR_CELLS * _COLOR_CELLS

_TURN = np.deg2rad(10.0)
_COPIES = ((_TURN, 0.0, 0.0), (-_TURN, 0.0, 0.0), (0.0, 0.05, 0.03), (0.0, -0.05, -0.03))
_ZOOM = 0.95
COPIES = len(_COPIES) + 1
"""Turned to the left and to the right, moved to either side, and last mirrored: in this order."""

_MOST_BYTES = 64_000_000
_MOST_PIXELS = 60_000_000
_CHUNK = 32
_MOST_NAMED = 5
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")

Picture = NDArray[np.uint8]


def is_picture(content: bytes) -> bool:
    """Whether bytes begin as a picture does."""
    return content.startswith(_MAGIC) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def read_picture(cell: Any) -> Picture:
    """The picture in a file (its path), in bytes, or in a `data:image/...;base64,` address: side x side x 3, sRGB.

    It is turned as its EXIF says and stretched to a square; what is transparent is white.

    Raises:
        DataError: if it is no picture of `FORMATS`, is cut off or broken, or has more than 60 million pixels.
        MissingExtraError: if Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise MissingExtraError(package="pillow", extra="vision") from error
    content = _content(cell)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image.size)
            image.draft("RGB", (2 * _SIDE, 2 * _SIDE))
            image.load()
            upright = ImageOps.exif_transpose(image)
            return np.asarray(_opaque(upright).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR))
    except UnidentifiedImageError:
        raise DataError(f"it is no picture; possible: {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(f"it has more than {_MOST_PIXELS:,} pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, ArithmeticError, MemoryError, IndexError, KeyError) as error:
        # Decoders meet broken files with whatever they stumble over.
        if isinstance(error, DataError):
            raise
        raise DataError(f"it is cut off or broken ({' '.join(str(error).split())[:80]})") from None


def read_pictures(cells: Sequence[Any], *, column: str) -> list[Picture | None]:
    """The pictures of a column; None where a cell is None.

    Raises:
        DataError: if one or more cannot be read, naming the first five.
        MissingExtraError: if Pillow is not installed.
    """
    found: list[Picture | None] = []
    bad: list[str] = []
    for row, cell in enumerate(cells):
        try:
            found.append(None if cell is None else read_picture(cell))
        except DataError as error:
            named = "" if isinstance(cell, bytes) or str(cell).startswith(DATA_URL) else f", {shorten(str(cell))}"
            bad.append(f"row {row + 1}{named}: {error.message}")
    if bad:
        more = f"; and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        raise DataError(
            f"{len(bad)} of {len(cells)} pictures of column {shorten(column)} cannot be read: "
            f"{'; '.join(bad[:_MOST_NAMED])}{more}.",
            hint="Leave these rows out, or give other files.",
        )
    return found


def describe(pictures: Sequence[Picture | None]) -> Singles:
    """pictures x `PICTURE_WIDTH`: histograms of oriented gradients, then mean colours; NaN where there is no picture.

    Args:
        pictures: as `read_picture` gives them.
    """
    return _described(pictures, _look)


def describe_copies(pictures: Sequence[Picture | None], copies: int) -> Singles:
    """pictures x `copies` x `PICTURE_WIDTH`: as `describe`, of the first `copies` of `COPIES` changed pictures."""
    return np.stack([_described(pictures, partial(_look_at_copy, copy)) for copy in range(copies)], axis=1)


def _content(cell: Any) -> bytes:
    if isinstance(cell, bytes):
        content = cell
    elif isinstance(cell, str) and cell.startswith(DATA_URL):
        try:
            content = base64.b64decode(cell.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise DataError(f"it is not base64 ({error})") from None
    elif isinstance(cell, str | Path):
        path = Path(cell)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise DataError(f"it has more than {_MOST_BYTES:,} bytes")
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"it cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    else:
        raise DataError(f"it is of the type {type(cell).__name__}; a path or the bytes of a file are needed")
    if len(content) > _MOST_BYTES:
        raise DataError(f"it has more than {_MOST_BYTES:,} bytes")
    return content


def _check_size(size: tuple[int, int]) -> None:
    if size[0] * size[1] > _MOST_PIXELS:
        raise DataError(f"it has {size[0]:,} x {size[1]:,} pixels; at most {_MOST_PIXELS:,} are read")


def _opaque(image: Any) -> Any:
    """RGB; 16 bits a pixel are brought to 8, and what is transparent becomes white."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        largest = max(float(values.max(initial=0.0)), 1.0)
        scale = 255.0 / (65535.0 if largest > 255.0 else 255.0)
        return Image.fromarray(np.clip(values * scale, 0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, "white"), layered).convert("RGB")
    return image.convert("RGB")


def _described(pictures: Sequence[Picture | None], look: Callable[[Singles], Singles]) -> Singles:
    found = np.full((len(pictures), PICTURE_WIDTH), np.nan, dtype=np.float32)
    there = [(place, picture) for place, picture in enumerate(pictures) if picture is not None]
    for start in range(0, len(there), _CHUNK):
        chunk = there[start : start + _CHUNK]
        light = np.stack([picture for _, picture in chunk]).astype(np.float32) / np.float32(255)
        found[[place for place, _ in chunk]] = look(light)
    return found


def _look(light: Singles) -> Singles:
    gray = light @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    size = _SIDE // _COLOR_CELLS
    tiles = light.reshape(len(light), _COLOR_CELLS, size, _COLOR_CELLS, size, 3).mean(axis=(2, 4))
    return np.hstack([oriented_gradients(gray, _CELLS, _ORIENTATIONS), tiles.reshape(len(light), -1)])


def _look_at_copy(copy: int, light: Singles) -> Singles:
    return _look(_changed(light, copy))


def _changed(light: Singles, copy: int) -> Singles:
    if copy == len(_COPIES):
        return light[:, :, ::-1]
    turn, right, down = _COPIES[copy]
    across = (np.arange(_SIDE) + 0.5) / _SIDE - 0.5
    x, y = np.meshgrid(across * _ZOOM, across * _ZOOM)
    return _sampled(light, x * np.cos(turn) - y * np.sin(turn) + right, x * np.sin(turn) + y * np.cos(turn) + down)


def _sampled(light: Singles, x: NDArray[np.float64], y: NDArray[np.float64]) -> Singles:
    """The pictures at these places, bilinear; beyond an edge the edge goes on."""
    columns, rows = (np.clip((part + 0.5) * _SIDE - 0.5, 0, _SIDE - 1) for part in (x, y))
    left, top = (np.minimum(part.astype(np.int64), _SIDE - 2) for part in (columns, rows))
    across, along = ((part - whole).astype(np.float32)[..., None] for part, whole in ((columns, left), (rows, top)))
    upper = light[:, top, left] * (1 - across) + light[:, top, left + 1] * across
    lower = light[:, top + 1, left] * (1 - across) + light[:, top + 1, left + 1] * across
    return np.asarray(upper * (1 - along) + lower * along)

"""Pictures read safely, and brought to one size."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from automl_runtime.errors import DataError, MissingExtraError, shorten

__all__ = [
    "DATA_URL",
    "ENDINGS",
    "EXAMPLE_PICTURE",
    "FORMATS",
    "SIDE",
    "Picture",
    "is_picture",
    "read_picture",
    "read_pictures",
    "small_png",
]

FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
"""What is read; of an animation the first picture."""

ENDINGS: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
DATA_URL: Final = "data:image/"
SIDE: Final = 64
"""Pixels of a picture, across and along, once it is read."""

EXAMPLE_PICTURE: Final = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg=="
)
"""One white pixel."""

_MOST_BYTES = 64_000_000
_MOST_PIXELS = 60_000_000
_MOST_NAMED = 5
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")

Picture = NDArray[np.uint8]
"""`SIDE` x `SIDE` x 3, sRGB."""


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
            image.draft("RGB", (2 * SIDE, 2 * SIDE))
            image.load()
            upright = ImageOps.exif_transpose(image)
            return np.asarray(_opaque(upright).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
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


def small_png(picture: Picture) -> str:
    """A picture as `read_picture` gives it, as a `data:image/png;base64,` address; read again, it is the same."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return f"{DATA_URL}png;base64,{base64.b64encode(stream.getvalue()).decode()}"

"""Pictures of our own: stripes that run in one of several directions, and shapes, at random places."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw


def stripes(angle, rng, *, tint=(1.0, 1.0, 1.0), side=40):
    """An array side x side x 3 of bytes: bars at `angle` degrees, noisy, shifted at random."""
    y, x = np.mgrid[:side, :side]
    turn = np.deg2rad(angle + rng.normal(scale=4.0))
    wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 0.8 + rng.uniform(0, 2 * np.pi))
    light = 127 + 90 * wave + rng.normal(scale=15, size=(side, side))
    return np.clip(light[..., None] * np.array(tint), 0, 255).astype(np.uint8)


def shape(kind, rng):
    """A picture of 24 to 40 pixels: a light "circle", "square" or "triangle" somewhere on a dark, noisy ground."""
    side = int(rng.integers(24, 41))
    size = side * rng.uniform(0.45, 0.6)
    left, top = rng.uniform(1, side - size - 1, size=2)
    image = Image.new("RGB", (side, side), tuple(rng.integers(0, 60, size=3).tolist()))
    draw, box = ImageDraw.Draw(image), (left, top, left + size, top + size)
    color = tuple(rng.integers(150, 256, size=3).tolist())
    if kind == "triangle":
        draw.polygon([(left, top + size), (left + size / 2, top), (left + size, top + size)], fill=color)
    else:
        (draw.ellipse if kind == "circle" else draw.rectangle)(box, fill=color)
    noisy = np.asarray(image, dtype=float) + rng.normal(scale=6, size=(side, side, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def write_shapes(path, kinds, *, each=20, seed=0):
    """`path`/<kind>/<number>: pictures of several formats and modes, of different sizes."""
    rng = np.random.default_rng(seed)
    for kind in kinds:
        (path / kind).mkdir(parents=True, exist_ok=True)
        for number in range(each):
            mode, name = (("RGB", "png"), ("L", "jpg"), ("RGBA", "png"), ("P", "gif"), ("RGB", "bmp"))[number % 5]
            shape(kind, rng).convert(mode).save(path / kind / f"{number:03}.{name}")
    return path


def to_bytes(pixels, *, name="PNG", **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format=name, **options)
    return stream.getvalue()


def write_folder(path, angles, *, each=20, seed=0):
    """`path`/<class>/<number>.png for each class of `angles`."""
    rng = np.random.default_rng(seed)
    for label, angle in angles.items():
        (path / label).mkdir(parents=True)
        for number in range(each):
            (path / label / f"{number:03}.png").write_bytes(to_bytes(stripes(angle, rng)))
    return path


def huge_png(side):
    """A valid picture of side x side pixels whose pixels are missing."""

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"0"))

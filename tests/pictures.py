"""Pictures of our own: stripes that run in one of several directions, of a colour, at a random place."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def stripes(angle, rng, *, tint=(1.0, 1.0, 1.0), side=40):
    """An array side x side x 3 of bytes: bars at `angle` degrees, noisy, shifted at random."""
    y, x = np.mgrid[:side, :side]
    turn = np.deg2rad(angle + rng.normal(scale=4.0))
    wave = np.sin((x * np.cos(turn) + y * np.sin(turn)) * 0.8 + rng.uniform(0, 2 * np.pi))
    light = 127 + 90 * wave + rng.normal(scale=15, size=(side, side))
    return np.clip(light[..., None] * np.array(tint), 0, 255).astype(np.uint8)


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

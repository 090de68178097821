"""The pictures of the report as PNG, drawn without a browser from the same SVG."""

from __future__ import annotations

import re
from functools import cache
from types import ModuleType

from automl_runtime.errors import DataError, MissingExtraError
from automl_runtime.project.report_svg import style_sheet

__all__ = ["light_style", "to_png"]

_ZOOM = 2.0
"""Pixels for each unit of the picture: sharp on today's screens and in print."""
_PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'


def to_png(svg: str) -> bytes:
    """`svg`, an element as `Svg.render` gives it, as PNG on the ground of a card, twice its size, in light colours.

    The same picture gives the same bytes on machines with the same fonts.

    Raises:
        MissingExtraError: if resvg-py is not installed.
        DataError: if the machine has no font, so that the picture would have no words.
    """
    resvg = _resvg()
    if not _has_font(resvg):
        raise DataError("This machine has no font to draw words with.", hint="apt-get install fonts-dejavu-core")
    head, tail = svg.split(">", 1)
    style, ground = light_style()
    styled = f"{head}><style>{style}</style>{tail}"
    return bytes(resvg.svg_to_bytes(svg_string=styled, zoom=_ZOOM, background=ground))


@cache
def light_style() -> tuple[str, str]:
    """The rules of the style sheet that concern pictures, with the colours of the light theme in them; the ground.

    What draws the pictures knows no variables and no themes.
    """
    sheet = style_sheet()
    root = sheet[: sheet.index("}")]
    colours = dict(re.findall(r"--([\w-]+):\s*([^;]+);", root))
    rules = re.findall(r"(?:^|(?<=\} ))svg[^{}]*\{[^{}]*\}", sheet, flags=re.MULTILINE)
    style = re.sub(r"var\(--([\w-]+)\)", lambda match: colours[match[1]], "\n".join(rules))
    return style, colours["card"]


def _resvg() -> ModuleType:
    try:
        import resvg_py
    except ImportError as error:
        raise MissingExtraError(package="resvg-py", extra="plots") from error
    return resvg_py


@cache
def _has_font(resvg: ModuleType) -> bool:
    empty, written = (
        resvg.svg_to_bytes(svg_string=_PROBE.format(inner), font_family="sans-serif")
        for inner in ("", '<text x="1" y="15">W</text>')
    )
    return bool(empty != written)

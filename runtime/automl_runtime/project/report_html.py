"""HTML for the report: tables, cards, tags. Arguments called `html` are markup; all others are text and get escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl_runtime.project.report_text import escape, number

__all__ = ["Cell", "card", "code", "fold", "section", "table", "tag", "tile"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of markup with its class: `n` for numbers, `name`, `wide`, `spark`."""

    html: str
    style: str = ""


def table(header: Sequence[str], rows: Iterable[Sequence[Cell | str]], *, chosen: Sequence[bool] = ()) -> str:
    """A table; a column is aligned like its first cell, and the rows that are `chosen` are marked."""
    listed = [[cell if isinstance(cell, Cell) else Cell(escape(cell)) for cell in row] for row in rows]
    styles = [cell.style for cell in listed[0]] if listed else [""] * len(header)
    head = "".join(
        f'<th scope="col"{_style("n" if style == "n" else "")}>{escape(name)}</th>'
        for name, style in zip(header, styles, strict=True)
    )
    body = "".join(
        f"<tr{_style('chosen' if index < len(chosen) and chosen[index] else '')}>"
        + "".join(f"<td{_style(cell.style)}>{cell.html}</td>" for cell in row)
        + "</tr>"
        for index, row in enumerate(listed)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def section(anchor: str, title: str, lead: str, html: str) -> str:
    """A part of the page that the navigation can point at."""
    about = f'<p class="lead">{escape(lead, 600)}</p>' if lead else ""
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{about}{html}</section>'


def card(title: str, about: str, html: str) -> str:
    """A box with a heading, a line that says how to read it, and its content."""
    line = f"<p>{escape(about, 600)}</p>" if about else ""
    return f'<div class="card"><h3>{escape(title)}</h3>{line}{html}</div>'


def fold(title: str, about: str, html: str, *, opened: bool) -> str:
    """A box that opens and closes."""
    state = " open" if opened else ""
    return (
        f'<details class="card"{state}><summary>{escape(title)} <span class="soft">{escape(about)}</span></summary>'
        f"<div>{html}</div></details>"
    )


def tile(value: str, label: str) -> str:
    """A number with its meaning."""
    return f'<div class="tile"><div class="n">{escape(value)}</div><div class="l">{escape(label)}</div></div>'


def tag(text: str, style: str = "") -> str:
    """A word on a coloured ground."""
    return f'<span class="tag {style}">{escape(text, 60)}</span>'


def code(text: object, limit: int = 160) -> str:
    """Text that is typed or that names something."""
    return f"<code>{escape(text, limit)}</code>"


def numeric(value: float | None, digits: int = 4) -> Cell:
    """A cell with a number."""
    return Cell(escape(number(value, digits)), "n")


def _style(style: str) -> str:
    return f' class="{style}"' if style else ""

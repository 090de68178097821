"""Tables drawn with bars and rules, as Markdown, database shells and text reports have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["BOX", "RULE", "is_ruled", "ruled_rows"]

RULE: Final = re.compile(r"[-=+:| \t]*[-=]{2,}[-=+:| \t]*")
"""A line that is drawn under names or around a table."""
_BAR: Final = re.compile(r"(?<!\\)\|")
_FRAME: Final = re.compile(r"\+[-=+]+\+")
BOX: Final = str.maketrans(
    dict.fromkeys("\u2502\u2503\u2551", "|")
    | dict.fromkeys("\u2500\u2501\u2550", "-")
    | {chr(corner): "+" for corner in (*range(0x250C, 0x254C), *range(0x2552, 0x2574))}
)
"""What the signs of drawn boxes are in plain text."""
_SAMPLE: Final = 2_000
_SHARE: Final = 0.8
_FEWEST: Final = 2


def is_ruled(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are rows of tables with bars between the cells, and rules of as many parts.

    Other lines may be between tables that are framed, as in the session of a database shell.

    >>> is_ruled(["| a | b |", "|---|---|", "| 1 | 2 |"]), is_ruled(["a|b", "1|2", "3|4"])
    (True, False)
    """
    drawn = [line.translate(BOX) for line in lines[:_SAMPLE]]
    tables = [part for part in _parts(drawn) if _is_table(part)]
    framed = bool(tables) and all(_FRAME.fullmatch(part[0].strip()) for part in tables)
    return bool(tables) and (framed or sum(map(len, tables)) >= _SHARE * sum(1 for line in drawn if line.strip()))


def ruled_rows(lines: Sequence[str]) -> list[list[str]]:
    r"""The cells of every line, without the blanks that align them; none of rules and of lines outside of a table.

    >>> ruled_rows([r"| a | b\|c |  |"]), ruled_rows([" 1 | 2", "---+---"]), ruled_rows(["+---+---+", "a | b"])
    ([['a', 'b|c', '']], [['1', '2'], []], [[], []])
    """
    drawn = [line.translate(BOX) for line in lines]
    framed = any(_FRAME.fullmatch(line.strip()) for line in drawn)
    return [_cells(line) if not framed or line.lstrip().startswith("|") else [] for line in drawn]


def _parts(lines: Sequence[str]) -> list[list[str]]:
    """Runs of lines with bars or rules."""
    parts: list[list[str]] = [[]]
    for line in lines:
        if RULE.fullmatch(line) or _BAR.search(line):
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return parts if parts[-1] else parts[:-1]


def _is_table(lines: Sequence[str]) -> bool:
    rules = [line for line in lines if RULE.fullmatch(line)]
    rows = [_cells(line) for line in lines if not RULE.fullmatch(line)]
    if not rules or len(rows) < _FEWEST:
        return False
    width = len(rows[0])
    parts = {len(re.findall(r"[=-]+", rule)) for rule in rules}
    return width >= 2 and parts == {width} and sum(len(row) == width for row in rows) >= _SHARE * len(rows)


def _cells(line: str) -> list[str]:
    if RULE.fullmatch(line) or not _BAR.search(line):
        return []
    bare = line.strip()
    if bare.startswith("|"):
        bare = bare[1:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare[1:]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(bare)]

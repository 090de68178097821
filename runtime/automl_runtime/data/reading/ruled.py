"""Tables drawn with bars and rules, as Markdown, database shells and text reports have them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["RULE", "cells_of_bars", "is_ruled"]

RULE: Final = re.compile(r"[-=+:| \t]*[-=]{2,}[-=+:| \t]*")
"""A line that is drawn under names or around a table."""
_BAR: Final = re.compile(r"(?<!\\)\|")
_SAMPLE: Final = 2_000
_SHARE: Final = 0.8
_FEWEST: Final = 2


def is_ruled(lines: Sequence[str]) -> bool:
    """Whether nearly all lines are rows of a table with bars between the cells, and rules of as many parts.

    >>> is_ruled(["| a | b |", "|---|---|", "| 1 | 2 |"]), is_ruled(["a|b", "1|2", "3|4"])
    (True, False)
    """
    filled = [line for line in lines[:_SAMPLE] if line.strip()]
    rules = [line for line in filled if RULE.fullmatch(line)]
    rows = [line for line in filled if not RULE.fullmatch(line) and _BAR.search(line)]
    if not rules or len(rows) < _FEWEST or len(rows) + len(rules) < _SHARE * len(filled):
        return False
    width = len(cells_of_bars(rows[0]))
    parts = {len(re.findall(r"[=-]+", rule)) for rule in rules}
    even = sum(len(cells_of_bars(row)) == width for row in rows)
    return width >= 2 and parts == {width} and even >= _SHARE * len(rows)


def cells_of_bars(line: str) -> list[str]:
    r"""The cells of one row, without the blanks that align them; none of a rule.

    >>> cells_of_bars(r"| a | b\|c |  |"), cells_of_bars(" 1 | 2"), cells_of_bars("+---+---+")
    (['a', 'b|c', ''], ['1', '2'], [])
    """
    if RULE.fullmatch(line):
        return []
    bare = line.strip()
    if bare.startswith("|"):
        bare = bare[1:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare[1:]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(bare)]

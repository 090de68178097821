"""The handful of sentences that are understood without a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

__all__ = ["EXAMPLES", "Intent", "Kind", "read_sentence"]

Kind = Literal[
    "help",
    "leave",
    "look",
    "make",
    "report",
    "retrain",
    "feature",
    "predict_rows",
    "predict_file",
    "promote",
    "rollback",
    "drift",
    "compare",
    "projects",
    "runs",
    "status",
    "cancel",
    "update",
    "unknown",
]

EXAMPLES: Final = (
    ("what is in ./data", "look at data"),
    ("predict which customers will leave from ./data", "make a project"),
    ("how good is it, why ...", "score, what it relies on, leaderboard"),
    ("predict age=40, city=Rome", "predict one row"),
    ("predict new.csv", "predict a file"),
    ("has new.csv drifted", "compare new rows with those of training"),
    ("retrain on ./newer", "train again, and keep the better model"),
    ("add a feature: debt divided by income", "try a feature"),
    ("compare runs 1 and 2", "which training is better"),
    ("promote v002, roll back", "which version answers"),
    ("status, cancel", "of the run that was started last"),
    ("list projects, list runs, help, quit", ""),
)
"""Sentences with what they do."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a sentence asks for."""

    kind: Kind
    text: str
    """The sentence."""
    path: str | None = None
    """File or folder that it names."""
    project: str | None = None
    """Project that it names."""
    names: tuple[str, ...] = ()
    """Trainings, versions, runs, or words of a feature."""
    cells: dict[str, str | int | float | bool | None] = field(default_factory=dict)


_POLITE: Final = re.compile(
    r"^(?:(?:please|now|then|ok|okay|and|can you|could you|would you|will you|i want to|i want you to|i would like to|"
    r"i'd like to|let us|let's|help me(?: to)?)\b[\s,]*)+",
    re.IGNORECASE,
)
_OF_DATA: Final = r"(?:predict|forecast|classify|estimate|detect|find|cluster|group|segment|score)"
_RULES: Final[tuple[tuple[Kind, str], ...]] = (
    ("help", r"(?:help|commands|what can you do|what can i (?:say|ask|do))\b|\?$"),
    ("leave", r"(?:quit|exit|bye|leave|q)\b[.!]?$"),
    ("cancel", r"(?:cancel|stop|abort|kill)\b"),
    ("rollback", r"(?:roll\s?-?back|revert|go back|undo)\b"),
    ("promote", r"promote\b|put\b.+\binto production\b"),
    ("feature", r"(?:add|try|propose|suggest|find|invent|are there)\b[^.]*?\bfeatures?\b"),
    ("retrain", r"(?:re-?train|re-?fit|train\b.*\b(?:again|longer|more))\b"),
    ("update", r"(?:update|regenerate|upgrade)\b"),
    ("compare", r"compare\b|(?:which|what) (?:run|training|one) is better\b"),
    ("drift", r"(?:check|is there|has|have|did|does|look for|any)\b.*\b(?:drift(?:ed)?|changed|moved)\b|drift\b"),
    ("projects", r"(?:(?:list|show|which|what)\b.*\b)?projects\b"),
    ("runs", r"(?:(?:list|show|which|what)\b.*\b)?(?:runs|trainings|experiments)\b"),
    ("status", r"(?:status|progress|how (?:far|is it going|does it go)|is it (?:done|ready|finished)|wait)\b"),
    ("report", r"how (?:good|well|accurate|reliable|sure)\b|(?:(?:show|get|give|what)\b.*\b)?(?:report|score|scores|"
     r"leaderboard|results?|metrics|model card|accuracy)\b"),
    ("report", r"(?:why|explain)\b|what (?:drives|matters|influences|causes|determines|decides)\b"),
    ("make", r"(?:make|create|build|start|set up|generate|new)\b.*\b(?:project|model|service|from|for)\b"),
    ("make", rf"{_OF_DATA}\b"),
    ("look", r"(?:what(?: is|'s| are|s)?|look|describe|discover|explore|inspect|list|show|open|read)\b"),
)  # fmt: skip
_ROWS: Final = re.compile(
    r"^(?:predict|score)\s+(?:for\s+)?(?:the\s+|this\s+|these\s+)?(?:rows?|records?|file|folder)?\s*(?:of|in|from|for|:)?\s*"
    r"(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_CELL: Final = re.compile(r"\s*(?P<name>\"[^\"]+\"|[^=,\"]+?)\s*=\s*(?P<value>\"[^\"]*\"|[^,]*?)\s*(?:,|$)")
_QUOTED: Final = re.compile(r"[\"'`]([^\"'`]+)[\"'`]")
_BARE: Final = re.compile(r"(?:^|(?<=\s))([~.\w-]*[/\\.][^\s,;]*|[\w-]+)(?=[\s,;?!]|$)")
_RUN: Final = re.compile(r"\brun-[0-9a-f]{16}\b")
_TRAINING: Final = re.compile(r"\b(?:run_\d+\w*|\d+)\b")
_VERSION: Final = re.compile(
    r"\bv\d{3,9}\b|(?<!into )(?<!to )\b(?:production|staging|candidate|latest|previous)\b", re.IGNORECASE
)
_WITH: Final = re.compile(r"\s+(?:with|using|by|of|in|for)\s+(?:project\s+|the project\s+)?$", re.IGNORECASE)


def read_sentence(text: str, exists: Callable[[str], Path | None], projects: Sequence[str]) -> Intent:
    """What `text` asks for; `unknown` when no rule matches.

    Args:
        text: what a person typed.
        exists: the place of a file or folder that a word may name, or None.
        projects: names of the projects there are.
    """
    said = _POLITE.sub("", " ".join(text.split())).strip()
    project = _project(said, projects)
    path = _path(said, exists, projects)
    rows = _rows(said, path, project)
    if rows is not None:
        return rows
    found: Kind = next((kind for kind, rule in _RULES if re.match(rule, said, re.IGNORECASE)), "unknown")
    return Intent(found, text.strip(), path, project, _names(found, said))


def _rows(said: str, path: str | None, project: str | None) -> Intent | None:
    """`predict FILE` and `predict name=value, ...`; whoever says what is to be predicted wants a project."""
    match = _ROWS.match(said)
    if match is None:
        return None
    what = _without_project(match["what"].rstrip(".?! "), project)
    if what.startswith("{"):
        return _record(said, what, project)
    if path is not None and what.strip("\"'`") == path:
        return Intent("predict_file", said, path, project)
    cells = {_bare(cell["name"]): _value(cell["value"]) for cell in _CELL.finditer(what)}
    whole = "".join(cell.group() for cell in _CELL.finditer(what))
    is_row = bool(cells) and whole == what and (path is None or path in cells.values())
    return Intent("predict_rows", said, None, project, cells=cells) if is_row else None


def _record(said: str, what: str, project: str | None) -> Intent | None:
    try:
        cells = json.loads(what)
    except ValueError:
        return None
    plain = isinstance(cells, dict) and not any(isinstance(value, dict | list) for value in cells.values())
    return Intent("predict_rows", said, None, project, cells=cells) if plain else None


def _without_project(what: str, project: str | None) -> str:
    if project is None:
        return what
    for name in (project, project.rpartition("/")[2]):
        if what.lower().endswith(name.lower()):
            return _WITH.sub("", what[: -len(name)])
    return what


def _value(text: str) -> Any:
    if text.startswith('"'):
        return _bare(text)
    lowered = text.lower()
    if lowered in ("", "null", "none", "?"):
        return None
    # Numbers as they are written: 007 and 1e5 may well be codes, so the project's own plan reads the cell.
    return text


def _bare(text: str) -> str:
    return text.strip().strip('"')


def _project(said: str, projects: Sequence[str]) -> str | None:
    """The project that is named with its whole name, or with its last part where only one has it."""
    lowered = said.lower()

    def named(name: str) -> bool:
        return re.search(rf"(?<![\w/-]){re.escape(name.lower())}(?![\w/-])", lowered) is not None

    whole = [name for name in projects if named(name)]
    last = [name for name in projects if named(name.rpartition("/")[2])]
    return max(whole, key=len) if whole else last[0] if len(last) == 1 else None


def _path(said: str, exists: Callable[[str], Path | None], projects: Sequence[str]) -> str | None:
    """The last file or folder that is named, in quotes or without; else what can only be meant as one."""
    quoted: list[str] = _QUOTED.findall(said)
    bare = [word.rstrip(".?!:") or word for word in _BARE.findall(said)]
    words: list[str] = [word for word in (*quoted, *bare) if word not in projects]
    there = [word for word in words if exists(word) is not None and _is_meant(word, said)]
    if there:
        return there[-1]
    likely = [word for word in words if re.match(r"(?:\.{0,2}|~)[/\\]", word) or re.fullmatch(r"[\w-]+\.\w{2,7}", word)]
    return likely[-1] if likely else None


def _is_meant(word: str, said: str) -> bool:
    """A plain word is a folder only where the sentence treats it as a place."""
    if re.search(r"[/\\.]", word) or f'"{word}"' in said or f"'{word}'" in said:
        return True
    before = r"(?:in|from|with|using|at|on|of|folder|directory|file|data|predict|score|look at|into|has|have)"
    return re.search(rf"\b{before}\s+(?:the\s+)?{re.escape(word)}\b", said, re.IGNORECASE) is not None


def _names(kind: Kind, said: str) -> tuple[str, ...]:
    if kind == "compare":
        return tuple(_TRAINING.findall(said))
    if kind in ("cancel", "status"):
        return tuple(_RUN.findall(said))
    if kind in ("promote", "rollback"):
        return tuple(_VERSION.findall(said))
    if kind == "feature":
        _, _, words = said.partition("feature")
        return (words.lstrip("s").strip(" :,."),)
    return ()

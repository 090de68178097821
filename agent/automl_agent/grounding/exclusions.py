"""Binds the phrases of columns that are not to be used."""

from __future__ import annotations

import re
from typing import Final

from automl_runtime.errors import RequestError
from automl_schemas.catalog import ColumnEntry, DataCatalog, TableEntry
from rapidfuzz import fuzz, process

from automl_agent.grounding.thesaurus import WEAK
from automl_agent.grounding.words import content_words, fold, relate, spoken_parts, tokens
from automl_agent.requirements.text import word_set

__all__ = ["UnknownExclusion", "excluded_columns"]

_SAME, _SIMILAR = 0.85, 0.74
_IDS: Final = word_set("id ids identifier identifiers key keys")
_NAMES: Final = word_set("code codes name names no nr")
"""What one says of a column without its being called so: "the zip code" and `zip`."""
_PERSONAL: Final = word_set("personal private sensitive pii")
_TABLE_WORDS: Final = word_set("table file sheet tables files data")


class UnknownExclusion(RequestError):
    """No column is called like what is to be left out."""


def excluded_columns(phrases: list[str], catalog: DataCatalog) -> list[tuple[str, str]]:
    """The columns that `phrases` mean, as (table, column), in the order of the catalog.

    A phrase means the columns with exactly this name; else those whose name holds all its words; else all columns of
    the table of this name; "the id" means every identifier.

    Raises:
        UnknownExclusion: if a phrase means nothing, with the nearest names.
    """
    found: list[tuple[str, str]] = []
    for phrase in phrases:
        bound = _bound(phrase, catalog)
        if not bound:
            raise UnknownExclusion(
                f'No column is called "{phrase}", so it cannot be left out.',
                hint=f"Nearest: {_nearest(phrase, catalog)}.",
            )
        found.extend(pair for pair in bound if pair not in found)
    return found


def _bound(phrase: str, catalog: DataCatalog) -> list[tuple[str, str]]:
    everything = [(table, column) for table in catalog.tables for column in table.columns]
    inner = re.fullmatch(r"\s*(.*?)\s*\(([^()]+)\)\s*", phrase)
    if inner is not None:
        return _bound(inner[2], catalog) or (_bound(inner[1], catalog) if inner[1] else [])
    plain = _plain(phrase)
    exact = [(t.name, c.name) for t, c in everything if plain in {_plain(c.name), _plain(f"{t.name}.{c.name}")}]
    if exact:
        return exact
    words = content_words(phrase)
    words = tuple(word for word in words if word not in WEAK | _NAMES or word in _IDS) or words
    if not words:
        return []
    for near in (_SAME, _SIMILAR):
        named = [(t.name, c.name) for t, c in everything if _holds_all(words, t, c, near)]
        if named:
            return named
    whole = [table for table in catalog.tables if _is_table(words, table)]
    if whole:
        return [(table.name, column.name) for table in whole for column in table.columns]
    if set(words) & _IDS:
        return [(t.name, c.name) for t, c in everything if c.role in {"id", "key"}]
    if set(words) & _PERSONAL:
        return [(t.name, c.name) for t, c in everything if c.personal is not None]
    return []


def _plain(name: str) -> str:
    return "".join(char for char in fold(name) if char.isalnum() or char == ".")


def _holds_all(words: tuple[str, ...], table: TableEntry, column: ColumnEntry, near: float) -> bool:
    """Whether each word is in the column's name; a word that names the table is not needed there."""
    parts, around = spoken_parts(column.name, column.meaning), tokens(table.name)
    own = (
        [max((relate(word, part) for part in parts), key=lambda relation: relation.strength) for word in words]
        if parts
        else []
    )
    hits = [relation.strength >= near and not relation.reversed for relation in own]
    missing = [word for word, hit in zip(words, hits, strict=False) if not hit]
    return any(hits) and all(any(relate(word, part).strength >= 0.9 for part in around) for word in missing)


def _is_table(words: tuple[str, ...], table: TableEntry) -> bool:
    telling = [word for word in words if word not in _TABLE_WORDS]
    return bool(telling) and all(
        any(relate(word, part).strength >= 0.9 for part in tokens(table.name)) for word in telling
    )


def _nearest(phrase: str, catalog: DataCatalog) -> str:
    names = list(dict.fromkeys(column.name for table in catalog.tables for column in table.columns))
    ranked = process.extract(phrase, names, scorer=fuzz.WRatio, processor=fold, limit=3)
    return ", ".join(f'"{name}"' for name, _, _ in ranked)

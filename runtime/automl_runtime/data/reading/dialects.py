"""The dialect of a delimited text: delimiter, quote and escape character.

The four usual delimiters are tried first; where exactly one of them cuts the lines evenly there is nothing to guess.
Everything else is for CleverCSV (van den Burg et al., 2019), whose answer is checked against the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from automl_schemas.catalog import Dialect
from clevercsv.detect import Detector

from automl_runtime.data.reading.cells import TYPED, kind_of
from automl_runtime.data.reading.records import parse_records

__all__ = ["Detected", "detect_dialect"]

_SAMPLE = 20_000
_USUAL: Final = (",", ";", "\t", "|")
_UNUSUAL: Final = (
    *(":", " ", "^", "~", "#", "\x01", "\x02", "\x03", "\x1c", "\x1d", "\x1e", "\x1f"),
    *("\xa7", "\xa6", "\xac", "\xb6", "\u2016", "&", "!", "*", "$", "\\", "=", "%", "@"),
)
_DOUBTFUL: Final = frozenset(" :&!*$\\=%@#")
_EXTENDING: Final = frozenset(" \t|~^:;#<>@*&")
_EVEN = 0.9
_LONGEST_FIRST = 5
"""Characters before the first thousands separator: a sign, a currency and three digits."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A dialect and how well it cuts the text: `share` of the records have `width` cells."""

    dialect: Dialect
    width: int
    share: float
    typed: float = 0.0
    """Share of cells that are numbers, dates, times, codes or empty."""
    even: float = 0.0
    """Share of the records with two or more cells that stand beside one with as many: of tables in a text."""
    cut: float = 0.0
    """Share of the records that have two or more cells."""


def detect_dialect(text: str) -> Detected:
    """The dialect of `text`; a delimiter of "" when every line is one cell."""
    sample = _sample(text)
    found = _obvious(sample) or _by_clevercsv(sample)
    if found is None or _is_one_column(sample, found):
        found = _measure(sample, "")
    delimiter = _extended(sample, found.dialect.delimiter)
    quote = found.dialect.quotechar or ('"' if '"' in text else "")
    dialect = Dialect(delimiter=delimiter, quotechar=quote)
    escape = _escape(text, dialect)
    return _measured(sample, dialect.model_copy(update={"escapechar": escape}))


def _sample(text: str) -> str:
    """The first lines, some 20,000 characters of them, the last one whole."""
    if len(text) <= _SAMPLE:
        return text
    head = text[:_SAMPLE]
    cut = max(head.rfind("\n"), head.rfind("\r"))
    return head[: cut + 1] if cut > 0 else head


def _obvious(sample: str) -> Detected | None:
    """The one usual delimiter that cuts the sample evenly, when no other one does."""
    tried = [_measure_both(sample, delimiter) for delimiter in _USUAL if delimiter in sample]
    even = [found for found in tried if found.width >= 2 and max(found.share, found.even) >= _EVEN]
    if len(even) == 1:
        rare = [_measure(sample, sign) for sign in _UNUSUAL if sign in sample and sign != " "]
        wider = [other for other in rare if other.share == 1.0 and other.width > even[0].width]
        return None if even[0].share < 1.0 and wider else even[0]
    if len(even) > 1:
        even.sort(key=lambda found: -found.typed * (found.width - 1) / found.width)
        if _gain(even[0]) > 1.2 * _gain(even[1]):
            return even[0]
    return None


def _is_one_column(sample: str, found: Detected) -> bool:
    """Whether the delimiter only belongs to how dates, times or numbers are written."""
    delimiter = found.dialect.delimiter
    lines = [line for line in sample.splitlines() if line.strip()]
    if delimiter not in _DOUBTFUL and (len(lines) < 2 or delimiter in lines[0]):
        return False
    typed = sum(_is_one_value(line, delimiter) for line in lines)
    return typed >= max(1, 0.8 * (len(lines) - 1))


def _is_one_value(line: str, delimiter: str) -> bool:
    """Whether a line is one number, date or time; a number has the sign once, or between groups of three digits."""
    first, *groups = line.strip().split(delimiter)
    grouped = all(re.match(r"\d{3}(?!\d)", group) for group in groups)
    once = len(groups) <= 1 or (grouped and len(first) <= _LONGEST_FIRST)
    return kind_of(line) in TYPED and (delimiter in _DOUBTFUL or once)


def _gain(found: Detected) -> float:
    return found.typed * (found.width - 1) / found.width


def _measure(sample: str, delimiter: str) -> Detected:
    plain = _measured(sample, Dialect(delimiter=delimiter, quotechar=_quote(sample, delimiter)))
    if plain.share >= _EVEN or "\\" + plain.dialect.quotechar not in sample:
        return plain
    escaped = _measured(sample, plain.dialect.model_copy(update={"escapechar": "\\"}))
    return escaped if escaped.share > plain.share else plain


def _measure_both(sample: str, delimiter: str) -> Detected:
    """A usual delimiter alone or with a space behind it, whichever cuts the sample more evenly."""
    plain = _measure(sample, delimiter)
    if f"{delimiter} " not in sample:
        return plain
    spaced = _measure(sample, f"{delimiter} ")
    return spaced if spaced.share >= _EVEN and spaced.width >= 2 and spaced.share > plain.share else plain


def _measured(sample: str, dialect: Dialect) -> Detected:
    records = parse_records(sample, dialect, mend=False)
    rows = [row for row in records.rows if any(cell.strip() for cell in row)]
    counts = Counter(map(len, rows))
    if not counts:
        return Detected(dialect, 1, 0.0)
    width = max(counts, key=lambda number: (counts[number], number))
    share = counts[width] / (len(rows) + records.broken)
    cells = [cell for row in rows[:200] for cell in row]
    typed = sum(map(_is_typed, cells)) / len(cells) if cells else 0.0
    cut = sum(len(row) > 1 for row in rows) / (len(rows) + records.broken)
    return Detected(dialect, width, share, typed, _even_share(list(map(len, rows))), cut)


def _is_typed(cell: str) -> bool:
    """Whether a cell is no text; what looks like a code and holds a delimiter may be several cells: `M-1;left;70`."""
    kind = kind_of(cell)
    return kind != "text" and not (kind == "code" and any(sign in cell for sign in _USUAL))


def _even_share(widths: Sequence[int]) -> float:
    beside = zip([0, *widths], widths, [*widths[1:], 0], strict=False)
    return sum(width >= 2 and width in (before, after) for before, width, after in beside) / len(widths)


def _quote(sample: str, delimiter: str) -> str:
    """The quote character by the cells that it opens and closes properly."""
    counts = {quote: _quoted_cells(sample, delimiter, quote) for quote in ('"', "'")}
    single, needed = counts["'"]
    if single > 2 * counts['"'][0] and (single >= 2 or needed):
        return "'"
    return '"' if '"' in sample else ""


def _quoted_cells(sample: str, delimiter: str, quote: str) -> tuple[int, int]:
    """How many cells are in quotes, and how many of them could not do without."""
    edge = re.escape(delimiter) if delimiter else "\n"
    cell = rf"(?:^|{edge}) ?{quote}((?:[^{quote}]|{quote}{quote}|(?<=\\){quote})*){quote} ?(?={edge}|\r|\n|\Z)"
    inner = [found[1] for found in re.finditer(cell, sample, re.MULTILINE)]
    signs = [sign for sign in (delimiter, quote * 2, f"\\{quote}", "\n") if sign]
    return len(inner), sum(any(sign in text for sign in signs) for text in inner)


def _by_clevercsv(sample: str) -> Detected | None:
    """What CleverCSV says, if the sample bears it out."""
    signs = [sign for sign in (*_USUAL, *_UNUSUAL) if sign in sample]
    if not signs:
        return None
    answer = Detector().detect(sample, delimiters=signs)
    if answer is None or answer.delimiter is None:
        return _best_even(sample)
    found = _measure(sample, answer.delimiter)
    if answer.quotechar == "'" and _quoted_cells(sample, answer.delimiter, "'")[0]:
        found = _measured(sample, Dialect(delimiter=answer.delimiter, quotechar="'"))
    return found if _is_borne_out(found, sample) else _best_even(sample)


def _is_borne_out(found: Detected, sample: str) -> bool:
    """Whether the delimiter that CleverCSV chose cuts the sample well enough; an odd one must do so evenly."""
    delimiter = found.dialect.delimiter
    lines = sum(1 for line in sample.splitlines() if line.strip())
    if not delimiter or found.width < 2:
        return False
    if delimiter not in _DOUBTFUL:
        return found.share >= 0.5 or lines < 3
    if found.share < _EVEN:
        return False
    quoted = found.dialect.quotechar and _quoted_cells(sample, delimiter, found.dialect.quotechar)[0] >= 2
    if delimiter in " :":
        alone = delimiter == ":" and f"{delimiter} " not in sample and found.share == 1.0
        return found.typed >= 0.3 or bool(quoted) or alone or (found.width >= 3 and found.share == 1.0 and lines >= 4)
    return found.typed >= 0.3 or found.width >= 4 or (found.share == 1.0 and lines >= 3)


def _best_even(sample: str) -> Detected | None:
    """The usual delimiter that cuts the sample best, or a rare one that cuts it evenly."""
    sure = [sign for sign in _UNUSUAL if sign in sample and sign not in _DOUBTFUL]
    tried = [(_measure(sample, delimiter), 0.6) for delimiter in _USUAL if delimiter in sample]
    tried += [(_measure(sample, delimiter), _EVEN) for delimiter in sure]
    good = [found for found, needed in tried if found.width >= 2 and max(found.share, found.even) >= needed]
    if not good:
        tables = [found for found, _ in tried if found.even >= (0.3 if found.typed >= 0.3 else 0.5)]
        ragged = [found for found, _ in tried if found.cut >= 0.8 and found.typed >= 0.6]
        return max(tables or ragged, key=lambda found: found.cut * found.typed, default=None)
    return max(good, key=lambda found: (found.share * _gain(found), found.share), default=None)


def _extended(sample: str, delimiter: str) -> str:
    """A delimiter of several characters, when the same signs stand beside every single one: `||`, `, ` or `~|~`."""
    if not delimiter:
        return delimiter
    bare = re.sub(r'"(?:[^"]|"")*"', "Q", sample)
    if bare.count(delimiter * 2) * 2 >= 0.5 * bare.count(delimiter):
        single, double = _measure(sample, delimiter), _measure(sample, delimiter * 2)
        if double.width >= 2 and double.share >= single.share and _is_always_double(bare, delimiter, double.share):
            return delimiter * 2
    for _ in range(2):
        longer = _longer(bare, delimiter)
        if longer == delimiter:
            break
        delimiter = longer
    return delimiter


def _is_always_double(bare: str, delimiter: str, share: float) -> bool:
    """Whether the delimiter comes in pairs, but for a few single ones that stand in cells."""
    runs = [len(found.group()) // len(delimiter) for found in re.finditer(f"(?:{re.escape(delimiter)})+", bare)]
    odd = sum(run % 2 for run in runs)
    return odd == 0 or (share == 1.0 and odd <= 0.3 * len(runs))


def _longer(bare: str, delimiter: str) -> str:
    places = [found.span() for found in re.finditer(f"(?:{re.escape(delimiter)})+", bare)]
    runs = {end - start for start, end in places}
    after = {bare[end : end + 1] for _, end in places} - {"\n", "\r", ""}
    before = {bare[start - 1 : start] for start, _ in places if start} - {"\n"}
    if delimiter == "\\" and after == {"t"}:
        return "\\t"
    single = len(places) >= 2 and runs == {len(delimiter)}
    if single and len(after) == 1 and (sign := next(iter(after))) in _EXTENDING and sign != delimiter:
        return delimiter + sign
    if single and len(before) == 1 and (sign := next(iter(before))) in _EXTENDING and sign != delimiter:
        return sign + delimiter
    return delimiter


def _escape(text: str, dialect: Dialect) -> str:
    r"""A backslash if it escapes quotes or delimiters: if reading it so leaves fewer records of unusual width."""
    signs = [sign for sign in (dialect.quotechar, dialect.delimiter) if sign and sign != "\\"]
    if not any(f"\\{sign}" in text for sign in signs):
        return ""
    lines = [line for line in re.split(r"\r\n|\n|\r", text) if any(f"\\{sign}" in line for sign in signs)][:200]
    sample = "\n".join([*re.split(r"\r\n|\n|\r", _sample(text))[:50], *lines])
    plain = _odd_records(sample, dialect)
    escaped = _odd_records(sample, dialect.model_copy(update={"escapechar": "\\"}))
    return "\\" if escaped < plain else ""


def _odd_records(sample: str, dialect: Dialect) -> int:
    records = parse_records(sample, dialect, mend=False)
    counts = Counter(len(row) for row in records.rows if row)
    return records.broken + sum(counts.values()) - max(counts.values(), default=0)

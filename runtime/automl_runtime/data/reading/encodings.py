"""Text out of bytes: the byte order mark, strict UTF-8, UTF-16 without a mark, then the most plausible code page.

Detectors are asked last: on plain Western and Russian files they are wrong more often than a look at the letters
(research/agents.md, item 8). No byte is ever replaced without a warning.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import Final

from charset_normalizer import from_bytes

__all__ = ["Decoded", "decode", "detect_encoding", "is_text"]

_SAMPLE = 1 << 16
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODE_PAGES: Final = ("cp1252", "cp1251", "cp1250", "mac_roman", "cp850", "koi8_r", "cp866", "cp1253", "cp1254")
_MULTI_BYTE: Final = ("shift_jis", "euc_kr", "gb18030", "big5")
_EAST_ASIAN: Final = ((0x3000, 0x30FF), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0xFF01, 0xFF5E))
_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1b\x7f]")
_DELIMITERS: Final = frozenset({b"\x01", b"\x02", b"\x03"})
"""Control characters that part the cells of tables without an extension, as Hive writes them."""
_HIGH = re.compile(rb"[^\n\r]{0,80}[\x80-\xff][^\n\r]{0,80}")
_SIGNS: Final = frozenset("€£¥§°±²³µ«»’‘“”„–—…•™®©ºª½¼¿¡№ ·×")
_LETTERS: Final = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüßœąćęłńśźżčďěňřšťůýžőűğış")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text and the codec that gave it."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


def is_text(head: bytes) -> bool:
    """Whether the first bytes of a file are text in some encoding, rather than a binary format.

    >>> is_text(b"a,b\\n1,2\\n"), is_text(bytes(range(32)) * 8)
    (True, False)
    """
    if _with_mark(head) or _is_utf16(head):
        return True
    nuls = head.count(b"\0")
    controls = Counter(_CONTROLS.findall(head))
    if len(controls) == 1 and next(iter(controls)) in _DELIMITERS:
        return True
    return controls.total() - nuls <= 0.005 * len(head) and nuls <= 0.02 * len(head)


def detect_encoding(data: bytes) -> str:
    """The codec of a text: `utf-8`, `utf-8-sig`, `utf-16`, `utf-16-le`, `latin-1`, `cp1252`, `cp1251`, ..."""
    if mark := _with_mark(data):
        return mark
    if b"\0" in data[:_SAMPLE] and (wide := _is_utf16(data)):
        return wide
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return "utf-8" if _is_broken_utf8(data, problem) else _code_page(data)
    return "utf-8"


def decode(data: bytes, encoding: str | None = None) -> Decoded:
    """The text of `data`; NUL characters are left out, with a warning.

    Single bytes that are not UTF-8 in a file that otherwise is are read as Windows-1252, with a warning that names
    the lines.
    """
    encoding = encoding or detect_encoding(data)
    warnings: list[str] = []
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text, lines = _decode_broken(data, encoding)
        shown = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
        warnings.append(f"bytes that are not {encoding} were read as cp1252 (line {shown})")
    if text.startswith("\ufeff"):
        text = text[1:]
    if nuls := text.count("\0"):
        text = text.replace("\0", "")
        warnings.append(f"{nuls} NUL characters were left out")
    return Decoded(text, encoding, tuple(warnings))


def _with_mark(data: bytes) -> str | None:
    return next((codec for mark, codec in _MARKS if data.startswith(mark)), None)


def _is_utf16(data: bytes) -> str | None:
    """`utf-16-le` or `utf-16-be` when every other byte is the high half of a common character."""
    head = data[:_SAMPLE]
    head = head[: len(head) // 2 * 2]
    if len(head) < 4:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    for codec, high, low in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if high >= 0.05 * half and low <= 0.02 * half and high > 4 * low and _reads_well(head, codec, high / half):
            return codec
    return None


def _reads_well(head: bytes, codec: str, ascii_share: float) -> bool:
    text = head.decode(codec, "ignore")
    if sum(character < " " and character not in "\t\n\r\f" for character in text) > 0.01 * len(text):
        return False
    letters = [character for character in text if ord(character) > 127]
    good = sum(character.isalnum() or character in _SIGNS for character in letters)
    return ascii_share > 0.7 or (bool(letters) and good > 0.9 * len(letters))


def _is_broken_utf8(data: bytes, problem: UnicodeDecodeError) -> bool:
    """Whether most multi-byte sequences are sound, so that the file is UTF-8 with a few broken bytes."""
    sound = len(re.findall(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", data))
    if sound == 0:
        return False
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    at_end = broken == 1 and problem.start >= len(data) - 3
    return sound >= 10 * broken or at_end


def _decode_broken(data: bytes, encoding: str) -> tuple[str, list[int]]:
    """The text with every undecodable byte as Windows-1252 has it, and the lines of those bytes."""
    decoder, parts, lines, position = codecs.lookup(encoding).decode, [], [], 0
    while position < len(data):
        try:
            parts.append(decoder(data[position:], "strict")[0])
            break
        except UnicodeDecodeError as problem:
            bad = position + problem.start
            parts.append(data[position:bad].decode(encoding))
            parts.append(data[bad : bad + 1].decode("cp1252", "ignore") or data[bad : bad + 1].decode("latin-1"))
            lines.append(data.count(b"\n", 0, bad) + 1)
            position = bad + 1
    return "".join(parts), sorted(set(lines))


def _code_page(data: bytes) -> str:
    """The code page under which the words look like words."""
    sample = b"\n".join(found.group() for found in islice(_HIGH.finditer(data), 2000))[:_SAMPLE]
    scores = {codec: _plausibility(sample, codec) for codec in _CODE_PAGES}
    best = max(scores, key=lambda codec: (round(scores[codec], 2), -_CODE_PAGES.index(codec)))
    if scores[best] < 0.9:
        best = _east_asian(data) or best
    if scores.get(best, 1.0) < 0.4:
        best = _last_help(sample, data) or best
    if best == "cp1252" and not re.search(rb"[\x80-\x9f]", data):
        return "latin-1"
    return best if _decodes(data, best) else "latin-1"


def _plausibility(sample: bytes, codec: str) -> float:
    """How much the characters above ASCII look as they do in a text, between 0 and 1."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        if codec != "cp1252":
            return 0.0
        text = sample.decode("latin-1")
    around = zip(" " + text, text, text[1:] + " ", strict=False)
    values = [_looks_right(*three) for three in around if three[1] > "\x7f"]
    return sum(values) / len(values) if values else 0.0


def _looks_right(before: str, character: str, after: str) -> float:
    """1 for a common letter among letters of its script, 0 for a sign or a capital inside a word."""
    inside = before.isalpha() and after.isalpha()
    if character in "\u00bf\u00a1" and after.isalpha() and not before.isalpha():
        return 1.0
    if character in _SIGNS:
        return 0.0 if inside and character not in "\u2019\u00ad" else 0.95
    if not character.isalpha():
        return 0.0
    script = _script(character)
    neighbours = [other for other in (before, after) if other.isalpha()]
    if any(_script(other) != script for other in neighbours) or (character.isupper() and before.islower()):
        return 0.0
    if script == "LATIN" and inside and before > "\x7f" and after > "\x7f":
        return 0.0
    if not neighbours or (script == "LATIN" and character.lower() not in _LETTERS):
        return 0.5
    return 1.0


def _script(character: str) -> str:
    return unicodedata.name(character, "?").split(" ", 1)[0]


def _east_asian(data: bytes) -> str | None:
    """A multi-byte encoding that decodes everything, nearly all of it to common characters."""
    for codec in _MULTI_BYTE:
        if not _decodes(data, codec):
            continue
        wide = [ord(character) for character in data.decode(codec) if character > "\x7f"]
        common = sum(any(low <= point <= high for low, high in _EAST_ASIAN) for point in wide)
        if len(wide) >= 4 and common >= 0.95 * len(wide):
            return codec
    return None


def _last_help(sample: bytes, data: bytes) -> str | None:
    """What charset-normalizer says, where nothing reads well."""
    found = from_bytes(sample, cp_isolation=[*_CODE_PAGES, "iso8859_2", "iso8859_5"]).best()
    return found.encoding if found is not None and _decodes(data, found.encoding) else None


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except (UnicodeDecodeError, LookupError):
        return False
    return True

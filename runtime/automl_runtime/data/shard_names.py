"""What the names of tables with the same columns have in common, and what varies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from automl_runtime.data.naming import legal_name, unique_name, word_set

__all__ = [
    "SharedName",
    "folder_name",
    "label_of",
    "natural_order",
    "pieces",
    "shape",
    "shared_name",
    "stem_of",
    "tag_of",
]

_SPLIT_WORDS = word_set(
    """
    train training trn test tst testing val valid validation dev development holdout eval evaluation
    """
)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH_WORDS = frozenset((*_MONTHS, *(month[:3] for month in _MONTHS), "sept"))
_GENERIC = word_set(
    """
    data part parts file files table rows export dump output records all full final clean raw
    """
)
_PIECE = re.compile(r"[^\W\d_]+|\d+")
_EXTENSION = re.compile(r"\.(?!\d+$)[A-Za-z0-9]{1,8}$")
_YEAR = re.compile(r"(?:19|20)\d\d")
_DATED = re.compile(r"(?:19|20)\d\d(?:[01]\d(?:[0-3]\d)?)?")


@dataclass(frozen=True, slots=True)
class SharedName:
    """The stem that names share, and the rest of each, its pieces joined by `-`."""

    stem: str
    varying: tuple[str, ...]


def stem_of(file: str) -> str:
    """A file's name without folders and extensions.

    >>> stem_of("a/b/sales.2023.csv.gz"), stem_of("x.zip!/y.tsv")
    ('sales.2023', 'y')
    """
    name = file.rsplit("/", 1)[-1]
    while (shorter := _EXTENSION.sub("", name)) != name and shorter:
        name = shorter
    return name


def label_of(file: str, inner: str | None) -> str:
    """The path without extension, with the inner name where a file holds several tables."""
    folder = file.rpartition("/")[0]
    path = f"{folder}/{stem_of(file)}" if folder else stem_of(file)
    return path if inner is None or inner.isdigit() else f"{path}/{inner}"


def folder_name(file: str) -> str:
    """The folder that a file lies in, as the name of a table; `rows` at the top."""
    folder = file.rpartition("/")[0].rpartition("/")[2]
    return legal_name(folder) if folder else "rows"


def pieces(label: str) -> list[str]:
    """Words and numbers of a name in lower case."""
    return [piece.lower() for piece in _PIECE.findall(label)]


def shape(label: str) -> tuple[str, ...]:
    """The words of a name with numbers, months and train/test left open.

    >>> shape("sales_2023_01"), shape("sales_jan_2023"), shape("rows-train")
    (('sales', '#'), ('sales', '#'), ('rows', '%'))
    """
    found: list[str] = []
    for piece in pieces(label):
        mark = "#" if piece.isdigit() or piece in _MONTH_WORDS else "%" if piece in _SPLIT_WORDS else piece
        if mark != "#" or found[-1:] != ["#"]:
            found.append(mark)
    return tuple(found)


def shared_name(names: Sequence[tuple[str, str | None]]) -> SharedName | None:
    """What `names` (file, inner) share when they differ in one place only; None when that is nothing telling.

    >>> shared_name([("cars-diesel.csv", None), ("cars-petrol.csv", None)])
    SharedName(stem='cars', varying=('diesel', 'petrol'))
    >>> shared_name([("cars.csv", None), ("boats.csv", None)]) is None
    True
    """
    inside = len({file for file, _ in names}) == 1
    labels = [inner or "" for _, inner in names] if inside else [label_of(*name) for name in names]
    split = [pieces(label) for label in labels]
    head = len(_beginning(split))
    shortest = min(map(len, split))
    tail = len(_beginning([piece[::-1][: shortest - head] for piece in split]))
    if head < shortest and all(_is_time_piece(piece[head]) for piece in split if len(piece) > head):
        # `x_2021_01` and `x_2021_02` differ in their periods, not only in the months.
        while head and _is_time_piece(split[0][head - 1]):
            head -= 1
    varying = tuple("-".join(piece[head : len(piece) - tail]) for piece in split)
    if len(set(varying)) < len(varying):
        return None
    shared = [piece for piece in split[0][:head] + split[0][len(split[0]) - tail :] if not piece.isdigit()]
    told = [piece for piece in shared if len(piece) > 1 and piece not in _GENERIC]
    if told or all(_is_period(text) or _is_split(text) for text in varying if text):
        return SharedName(_stem_name("" if inside else names[0][0], labels[0], head, tail), varying)
    return _shared_beginning(names)


def _beginning(texts: Sequence[Sequence[str]]) -> Sequence[str]:
    """The longest beginning that all of `texts` share."""
    first, last = min(texts, key=list), max(texts, key=list)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]


def _shared_beginning(names: Sequence[tuple[str, str | None]]) -> SharedName | None:
    """Names without separators: a beginning of at least four letters and half of the shorter name."""
    stems = [stem_of(file).lower() for file, _ in names]
    shared = _common_letters(stems)
    if len({inner for _, inner in names}) > 1 or len(shared) < max(4, min(map(len, stems)) / 2):
        return None
    rest = tuple(stem[len(shared) :].strip("_- .") for stem in stems)
    return SharedName(legal_name(shared), rest) if len(set(rest)) == len(rest) else None


def _common_letters(stems: Sequence[str]) -> str:
    return "".join(_beginning(stems)).rstrip("0123456789_- .")


def _stem_name(file: str, label: str, head: int, tail: int) -> str:
    """The common part of the file names as it is written, else of the folders."""
    spans = [match.span() for match in _PIECE.finditer(label)]
    start = file.rfind("/") + 1
    first = [span for span in spans[:head] if span[0] >= start]
    last = [span for span in spans[len(spans) - tail :] if span[0] >= start]
    text = "_".join(label[part[0][0] : part[-1][1]] for part in (first, last) if part).strip("0123456789_- .")
    if any(piece not in _GENERIC and len(piece) > 1 for piece in pieces(text)):
        return legal_name(text)
    folders = [label[a:b] for a, b in spans[:head] if b < start and label[b] != "=" and not label[a:b].isdigit()]
    return legal_name(folders[-1] if folders else text or folder_name(file))


def _is_time_piece(piece: str) -> bool:
    return piece.isdigit() or piece in _MONTH_WORDS


def _is_period(text: str) -> bool:
    return all(_is_time_piece(piece) for piece in text.split("-"))


def _is_split(text: str) -> bool:
    return any(piece in _SPLIT_WORDS for piece in text.split("-"))


def _is_dated(text: str) -> bool:
    parts = text.split("-")
    return _is_period(text) and any(_DATED.fullmatch(piece) or piece in _MONTH_WORDS for piece in parts)


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts train before test, months in the order of the year, and 2 before 10."""
    key = []
    for piece in _PIECE.findall(text):
        if piece.isdigit():
            key.append((0, int(piece), piece))
        elif piece in _MONTH_WORDS:
            key.append((1, [month[:3] for month in _MONTHS].index(piece[:3]), piece))
        else:
            key.append((2, 0 if piece.startswith("tr") else 1, piece))
    return tuple(key)


def tag_of(varying: Sequence[str], taken: set[str]) -> tuple[str | None, list[str]]:
    """Name and values of the column that tells parts apart; None and nothing when that says nothing of the rows.

    >>> tag_of(["2021", "2022"], set()), tag_of(["train", "test"], set()), tag_of(["1", "2"], set())
    (('year', ['2021', '2022']), (None, []), (None, []))
    >>> tag_of(["diesel", "petrol"], {"part"})
    ('file_part', ['diesel', 'petrol'])
    """
    if any(_is_split(text) for text in varying):
        return None, []
    if all(_YEAR.fullmatch(text) for text in varying):
        return _free("year", taken), list(varying)
    if all(_is_dated(text) for text in varying):
        return _free("period", taken), list(varying)
    if all(all(piece.isdigit() for piece in text.split("-")) for text in varying if text):
        return None, []
    return _free("part", taken), [text or "main" for text in varying]


def _free(name: str, taken: set[str]) -> str:
    return name if name not in taken else unique_name(f"file_{name}", taken)

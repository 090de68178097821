"""Lines of JSON: what a group of them asks for, and a line of answer for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from automl_runtime.serving.answers import Answer
from automl_runtime.serving.requests import BadRequest, Problem, keys_are_unique, parse_object

if TYPE_CHECKING:
    from automl_schemas.bundle import BundleManifest

__all__ = ["CUT", "NDJSON", "NDJSON_NAMES", "LinesAsk", "error_answer", "error_lines", "read_lines", "write_lines"]

NDJSON: Final = "application/x-ndjson"
NDJSON_NAMES: Final = (NDJSON, "application/ndjson", "application/jsonl", "application/x-jsonlines")
"""What clients call it."""
CUT: Final = b"\x00"
"""What is left of a line that is too long to be kept; no JSON begins like this."""
_ROW: Final = 'one row in each line, as an object {"column": value, ...}'
_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class LinesAsk:
    """Some lines of a request, the first of which has the number `first`; lines are counted from 1."""

    first: int
    block: bytes
    """Whole lines, each with its end."""
    count: int
    """How many there are."""
    explain: bool = False


def read_lines(block: bytes) -> tuple[list[int], list[Mapping[str, object]], dict[int, BadRequest]]:
    """The rows in some lines, with the place of each (from 0), and what is wrong with others. Blank lines are none."""
    block = block.replace(b"\r\n", b"\n")
    count = block.count(b"\n")
    rows = _at_once(block, count)
    if rows is not None:
        return list(range(count)), rows, {}
    places: list[int] = []
    found: list[Mapping[str, object]] = []
    wrong: dict[int, BadRequest] = {}
    for place, line in enumerate(block.split(b"\n")):
        if not line.strip():
            continue
        try:
            if line == CUT:
                raise BadRequest([Problem("The line is too long.", allowed="lines of at most 1 MB")])
            found.append(parse_object(line, form=_ROW))
            places.append(place)
        except BadRequest as refusal:
            wrong[place] = refusal
    return places, found, wrong


def _at_once(block: bytes, count: int) -> list[Mapping[str, object]] | None:
    """The rows of lines that are one object each; None where that is not plain to see."""
    # The decoder takes any white space between values, so that a value may reach into the next line. One that does
    # cannot go on with a brace: where every line has its own, and there are as many values, each line is a value.
    if not (block.startswith(b"{") and block.endswith(b"}\n") and block.count(b"}\n{") == count - 1):
        return None
    try:
        rows: list[Any] = _decoder.decode_lines(block)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return rows if len(rows) == count and keys_are_unique(block, sum(map(len, rows))) else None


def write_lines(answers: Sequence[dict[str, Any]], manifest: BundleManifest, many: bool) -> Answer:
    """A line for each answer."""
    del manifest, many
    return Answer(_encoder.encode_lines(answers), len(answers), NDJSON)


def error_lines(first: int, block: bytes, problem: Problem) -> bytes:
    """The same refusal for each of some lines that are not blank."""
    told = [error_answer([problem], first + place) for place, line in enumerate(block.split(b"\n")) if line.strip()]
    return _encoder.encode_lines(told)


def error_answer(problems: Sequence[Problem], line: int) -> dict[str, Any]:
    """What is said in place of the answer to one line."""
    return {"error": problems[0].message, "line": line, "detail": [asdict(problem) for problem in problems]}

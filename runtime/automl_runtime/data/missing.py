"""Words and signs that mean "nothing here", and the evidence for reading them so."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from automl_runtime.data.distinct import Cells, word_set
from automl_runtime.data.naming import tokens

__all__ = ["category_markers", "listed", "maybe_missing", "text_markers"]

_SIGNS: Final = frozenset(
    ["-", "--", "---", "–", "—", "?", "??", "???", ".", "..", "...", "/", "*", "_", "n/a-", '""', "''"]
)
_SURE: Final = word_set(
    "n/a #n/a n.a. n.a n/d n.d. #na <na> <null> (null) [null] null \\n nan -nan nat #null! #value! #ref! #div/0! "
    "#name? #num! k.a. n/v n.v. s/d s/o"
) | {
    "#n/a n/a",
    "not available",
    "not applicable",
    "no data",
    "keine angabe",
    "(blank)",
    "(empty)",
    "(missing)",
    "n / a",
}
_WORDS: Final = word_set(
    "na none nil missing unknown undefined empty blank unk tbd tba inf -inf +inf infinity -infinity"
) | {
    "not known",
    "not recorded",
    "not specified",
    "not provided",
    "unbekannt",
    "inconnu",
    "desconocido",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "00/00/0000",
    "00.00.0000",
}
_ANSWERS: Final = _WORDS - {"na", "none", "nil", "missing"}
"""Words that are an answer of their own among categories."""

_REGIONS: Final = word_set(
    "NA EU SA LA AF AS OC AN AU ME EMEA MEA APAC APJ LATAM AMER AMERICAS NAM EUR ASIA ANZ UK US ROW"
)
_COUNTRIES: Final = word_set(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY "
    "BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK "
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR "
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK "
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF "
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
_PLACE_WORDS: Final = frozenset(
    ["country", "countries", "nation", "nationality", "iso", "iso2", "land", "pays", "pais", "continent"]
)
_FREQUENT: Final = 0.05
_FEW: Final = 40


def maybe_missing(cells: Cells) -> np.ndarray:
    """Which cells could be markers, whatever the column holds."""
    return _among(cells, _SIGNS | _SURE | _WORDS)


def listed(cells: Cells, mask: np.ndarray) -> list[str]:
    """The cells under `mask` as they are written, sorted, each once."""
    return sorted(set(cells.keep(mask).text.to_pylist()))


def text_markers(cells: Cells) -> np.ndarray:
    """Which cells are markers in a column of free text: a lone sign or "unknown" may be the text itself."""
    return _among(cells, _SURE | {"none", "na", "-", "--"})


def category_markers(name: str, cells: Cells) -> np.ndarray:
    """Which cells are markers among categories.

    "unknown" is an answer. `NA` stays where the others are codes of countries or regions, "None" where it is
    frequent, written like the others and no other marker occurs, `-` beside `+`.
    """
    mask = _among(cells, _SIGNS | _SURE | (_WORDS - _ANSWERS))
    others = cells.keep(~mask)
    for word, keeps in (
        ("na", _na_is_code),
        ("none", _none_is_answer),
        ("nil", _none_is_answer),
        ("-", _minus_is_sign),
    ):
        mine = _among(cells, {word})
        if mine.any() and keeps(name, cells.keep(mine), others, cells.keep(mask & ~mine)):
            mask &= ~mine
    # "Nan" is a given name.
    named = np.asarray(pc.is_in(cells.text, value_set=pa.array(["Nan", "Nat"], pa.large_string())))
    kept: np.ndarray = mask & ~named
    return kept


def _among(cells: Cells, markers: Set[str]) -> np.ndarray:
    folded = pc.utf8_lower(cells.text)
    return np.asarray(pc.is_in(folded, value_set=pa.array(sorted(markers), folded.type)), dtype=bool)


def _na_is_code(name: str, mine: Cells, others: Cells, _: Cells) -> bool:
    codes = set(others.text.to_pylist())
    if not all(text == "NA" for text in mine.text.to_pylist()) or len(codes) < 2:
        return False
    places = _REGIONS if len(codes) < 20 and codes <= _REGIONS else _COUNTRIES
    known = len(codes & places) / len(codes)
    if set(tokens(name)) & _PLACE_WORDS:
        return known >= 0.8
    return known >= 0.95 and len(codes) >= (3 if places is _REGIONS else 8)


def _none_is_answer(_: str, mine: Cells, others: Cells, markers: Cells) -> bool:
    if not 1 <= len(others) <= _FEW or len(mine) == 0:
        return False
    share = mine.rows / (mine.rows + others.rows)
    if share < _FREQUENT or (len(markers) and markers.rows * 10 > mine.rows):
        return False
    return (
        others.share(np.array([_case(text) for text in others.text.to_pylist()]) == _case(mine.text[0].as_py())) >= 0.5
    )


def _minus_is_sign(_: str, mine: Cells, others: Cells, markers: Cells) -> bool:
    return len(mine) > 0 and len(markers) >= 0 and "+" in others.text.to_pylist()


def _case(text: str) -> str:
    if text[:1].isupper():
        return "upper" if text.isupper() and len(text) > 1 else "title"
    return "lower"

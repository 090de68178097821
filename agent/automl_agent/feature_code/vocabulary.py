"""What the code of a feature may use: the closed lists that `allowed` reads code against."""

from __future__ import annotations

import builtins
import keyword
from typing import Final

from automl_agent.requirements.text import word_set

__all__ = [
    "ACCESSORS",
    "AXIS",
    "CONSTANTS",
    "DTYPES",
    "KEYWORDS",
    "METHODS",
    "NUMPY",
    "PANDAS",
    "PATTERNS",
    "RESERVED",
    "TEXT_ARGUMENTS",
]

METHODS: Final = word_set("""
    abs add astype between clip div eq fillna floordiv ge gt isin isna le lt mask mod mul ne notna round sub where
""")
"""Of a series or a frame, row by row."""
AXIS: Final = word_set("all any count max mean median min std sum")
"""Across the columns of a row: they need `axis=1`."""
ACCESSORS: Final[dict[str, frozenset[str]]] = {
    "dt": word_set("""
        day day_of_week day_of_year days hour is_month_end is_month_start is_quarter_end
        is_quarter_start is_year_end is_year_start minute month normalize quarter second seconds total_seconds
        year
    """),
    "str": word_set("""
        contains count endswith isalpha isdigit islower isnumeric isspace istitle isupper len lower lstrip rstrip
        startswith strip upper
    """),
}
NUMPY: Final = word_set("""
    abs absolute arctan2 ceil clip cos exp expm1 floor fmax fmin hypot isfinite isinf isnan log log10 log1p log2
    maximum minimum mod round sign sin sqrt square tanh where
""")
CONSTANTS: Final = word_set("inf nan pi")
"""Of numpy."""
PANDAS: Final = word_set("Series Timedelta Timestamp isna notna to_datetime to_numeric")
KEYWORDS: Final = word_set("axis case days errors fill_value hours inclusive index lower na regex skipna upper")
TEXT_ARGUMENTS: Final = word_set("""
    Timedelta Timestamp astype between contains count endswith eq fillna isin ne startswith
""")
"""Functions that take texts as arguments."""
DTYPES: Final = word_set("Float64 Int64 bool boolean float float32 float64 int int64 str")
PATTERNS: Final = word_set("contains count")
"""Methods that may read their argument as a regular expression; one can keep a service busy for ever."""
RESERVED: Final = (
    frozenset(dir(builtins))
    | frozenset(keyword.kwlist)
    | word_set("""
    FEATURES add_features annotations case features match np pd rows type
""")
)
"""Names that mean something else."""

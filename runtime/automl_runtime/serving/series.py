"""What a request of rows of series must hold, besides values of its columns; and what OpenAPI says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from automl_runtime.errors import shorten
from automl_runtime.serving.requests import BadRequest, Problem

if TYPE_CHECKING:
    from automl_runtime.engine.anomaly.windows import Windows

__all__ = ["about_series", "check_series"]


def check_series(frame: pd.DataFrame, windows: Windows) -> None:
    """Refuses rows that have no place in time: without a moment, or of an unknown series.

    Raises:
        BadRequest: naming each of them.
    """
    problems = [
        Problem(f"Row {row}, {shorten(name)}: missing; a row of a series cannot do without.", int(row), name)
        for name in (windows.time, *windows.series)
        for row in np.flatnonzero(frame[name].isna())
    ]
    if not problems:
        for row in np.flatnonzero(~windows.knows(frame)):
            series = ", ".join(shorten(str(frame[name].iloc[row])) for name in windows.series)
            message = f"Row {row}: the series {series} was not among the rows that the model learned from."
            problems.append(Problem(message, int(row), windows.series[0]))
    if problems:
        raise BadRequest(problems)


def about_series(windows: Windows) -> str:
    """How a row of a series is answered, for OpenAPI."""
    series = f" of its {' + '.join(map(shorten, windows.series))}" if windows.series else ""
    end = windows.frequency.moments(np.array([windows.last]))[0]
    return (
        f"A row is looked at beside the {windows.reach:,} steps of one {windows.frequency.name} before it{series}. "
        "These are rows of the same request, in any order, and rows that the model keeps, up to "
        f"{end.isoformat(sep=' ')}. So a row that does not follow the latter is sent together with those before it; "
        "`past_known` in its answer says of which share of these steps something is known, and at 0 the row is "
        "compared by its own values alone. Rows of other requests do not count, and lines of application/x-ndjson are "
        f"requests of one row each. Two rows of one step, a missing {shorten(windows.time)} and an unknown series are "
        "refused."
    )

"""Pictures in requests: they come in the request itself; a path would name a file of the server."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from automl_runtime.data.pictures import DATA_URL, read_picture
from automl_runtime.errors import DataError
from automl_runtime.serving.requests import BadRequest, Problem

__all__ = ["check_pictures"]

_ALLOWED = "data:image/...;base64,..."


def check_pictures(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Refuses what is no picture in the `columns` of pictures; a missing one is allowed.

    Raises:
        BadRequest: naming each cell.
    """
    problems = []
    for column in columns:
        for row, cell in enumerate(frame[column].tolist()):
            why = None if cell is None or cell != cell else _why_not(cell)
            if why is not None:
                message = f"Row {row}, '{column}': {why}."
                problems.append(Problem(message, row=row, column=column, allowed=_ALLOWED))
    if problems:
        raise BadRequest(problems)


def _why_not(cell: object) -> str | None:
    if not isinstance(cell, str) or not cell.startswith(DATA_URL):
        return f"a picture comes as {_ALLOWED}, never as a path"
    try:
        read_picture(cell)
    except DataError as error:
        return error.message
    return None

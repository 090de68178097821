"""Tables of other libraries as pandas frames."""

from __future__ import annotations

from typing import Any

import pandas as pd

from automl_runtime.errors import RequestError

__all__ = ["as_frame"]


def as_frame(table: Any) -> pd.DataFrame:
    """A pandas frame as it is; Arrow, Polars and whatever else speaks Arrow's C stream interface, converted.

    Raises:
        RequestError: if it is none of these.
    """
    if isinstance(table, pd.DataFrame):
        return table
    if hasattr(table, "__arrow_c_stream__"):
        import pyarrow as pa

        return pa.table(table).to_pandas()
    raise RequestError(
        f"A table is needed, not {type(table).__name__}.",
        hint="Pass a pandas, Polars or Arrow table with named columns.",
    )

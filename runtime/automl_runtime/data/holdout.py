"""Which rows are sealed away: decided by a hash of what a row is, or by time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pandas as pd
from automl_schemas.spec import ProjectSpec

from automl_runtime.data.frequency import last_steps
from automl_runtime.data.training_columns import IDENTITY, TrainingColumn, target_name
from automl_runtime.errors import DataError, RequestError

__all__ = ["fold_groups", "holdout_mask", "row_identity", "sealed_rows"]

_SEPARATOR = "\x1f"


def sealed_rows(frame: pd.DataFrame, spec: ProjectSpec, columns: Sequence[TrainingColumn]) -> np.ndarray:
    """Which rows of the training table are the holdout of the project.

    Of a forecast the last `task.horizon` steps of all series; else those from `training.holdout_from` on; else
    `holdout_mask`, by time where that validates.

    Raises:
        DataError: when either side would be empty.
        RequestError: when `holdout_from` is given and the rows have no time.
    """
    task = spec.task
    if task.type == "forecast" and task.time and task.frequency and task.horizon:
        mask = np.asarray(last_steps(frame[task.time], task.frequency, task.horizon))
        if mask.all():
            raise DataError(
                f"All {len(mask):,} rows lie within the last {task.horizon} steps: none is left to learn from.",
                hint="Ask for a shorter horizon, or add older rows.",
            )
        return mask
    if spec.training.holdout_from is not None:
        return _from_day(frame, spec)
    time = frame[task.time] if spec.training.validation == "temporal" and task.time else None
    return holdout_mask(row_identity(frame, spec, columns), spec.seed, time=time)


def _from_day(frame: pd.DataFrame, spec: ProjectSpec) -> np.ndarray:
    day, name = spec.training.holdout_from, spec.task.time
    if name is None or name not in frame.columns:
        raise RequestError(
            f"The holdout cannot begin on {day}: no column dates the rows.",
            hint="Name one in `task.time` of a spec, or leave `holdout_from` out.",
        )
    mask: np.ndarray = (frame[name] >= pd.Timestamp(day)).to_numpy(dtype=bool)
    if mask.all() or not mask.any():
        first, last = frame[name].min(), frame[name].max()
        raise DataError(
            f"The rows are from {first:%Y-%m-%d} to {last:%Y-%m-%d}: "
            f"{'all' if mask.all() else 'none'} of them would be in a holdout from {day} on."
        )
    return mask


def row_identity(frame: pd.DataFrame, spec: ProjectSpec, columns: Sequence[TrainingColumn]) -> pd.Series:
    """What each row of the training table is, as text: its group, else its key, else its content.

    The content of a row without a key is that of its base table without the target (`row.identity`, made by the SQL
    of the training table), so that rows that are equal share one identity.
    """
    names = _identity_columns(frame, spec)
    if not names:
        own = [column.name for column in columns if not column.prefix and column.name in frame.columns]
        target = target_name(spec)
        names = [name for name in own if name != target]
    texts = [_texts(frame[name]) for name in names]
    joined = texts[0].str.cat(texts[1:], sep=_SEPARATOR) if len(texts) > 1 else texts[0]
    return joined.rename("identity")


def _identity_columns(frame: pd.DataFrame, spec: ProjectSpec) -> list[str]:
    if spec.task.group is not None and spec.task.group in frame.columns:
        return [spec.task.group]
    key = spec.data.tables[0].key if spec.data.tables else []
    if key and all(name in frame.columns for name in key):
        return [*key, *spec.data.moments]
    return [IDENTITY, *spec.data.moments] if IDENTITY in frame.columns else []


def _texts(values: pd.Series) -> pd.Series:
    """Values as text that does not depend on the dtype pandas happens to hold them in."""
    if pd.api.types.is_datetime64_any_dtype(values):
        text = values.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").astype("str")
    elif pd.api.types.is_float_dtype(values):
        whole = values.notna() & (values == values.round()) & (values.abs() < 2**53)
        text = values.map(repr).astype("str")
        text = text.mask(whole, values.where(whole, 0).astype("int64").astype("str"))
    else:
        text = values.astype("str")
    return text.where(values.notna(), "").astype("str")


def holdout_mask(identity: pd.Series, seed: int, fraction: float = 0.2, time: pd.Series | None = None) -> np.ndarray:
    """True for the rows that no model may see before the final evaluation.

    By a keyed hash of the identity (BLAKE2b, the same everywhere), so that a row stays on its side when others come
    or go; about `fraction` of the identities. With `time`, the last `fraction` of the rows by time instead: equal
    times are never divided, rows without a time are for training.

    Raises:
        DataError: when either side would be empty.
    """
    mask = _by_hash(identity, seed, fraction) if time is None else _by_time(time, fraction)
    if mask.all() or not mask.any():
        why = "identities" if time is None else "points in time"
        many = identity.nunique() if time is None else int(time.nunique())
        raise DataError(
            f"{len(mask):,} rows with {many:,} different {why} cannot be divided into training and holdout.",
            hint="More rows are needed, or another way to validate.",
        )
    return mask


def _by_hash(identity: pd.Series, seed: int, fraction: float) -> np.ndarray:
    codes, values = pd.factorize(identity)
    key = f"holdout:{seed}".encode()
    digests = b"".join(blake2b(str(value).encode(), digest_size=8, key=key).digest() for value in values)
    chosen = np.frombuffer(digests, dtype=">u8") < np.uint64(fraction * 2**64)
    mask: np.ndarray = chosen[codes] & (codes >= 0)
    if len(values) > 1 and (mask.all() or not mask.any()):
        ranked = np.argsort(np.frombuffer(digests, dtype=">u8"), kind="stable")
        chosen = np.zeros(len(values), dtype=bool)
        chosen[ranked[: max(1, round(fraction * len(values)))]] = True
        mask = chosen[codes] & (codes >= 0)
    return mask


def _by_time(time: pd.Series, fraction: float) -> np.ndarray:
    codes, values = pd.factorize(time, sort=True)
    if len(values) < 2:
        return np.zeros(len(time), dtype=bool)
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    later = counts[::-1].cumsum()[::-1]
    wanted = fraction * counts.sum()
    first = 1 + int(np.abs(later[1:] - wanted).argmin())
    mask: np.ndarray = codes >= first
    return mask


def fold_groups(frame: pd.DataFrame, spec: ProjectSpec, columns: Sequence[TrainingColumn]) -> pd.Series | None:
    """The group of each row that folds must not divide; None when every row is its own.

    That is `spec.task.group`, and for tables without a key the content of the row, so that equal rows are on one
    side.
    """
    identity = row_identity(frame, spec, columns)
    if not identity.duplicated().any():
        return None
    return identity.rename("group")

"""Whether a model answers at all: `models/paused.json` says that it does not, and why.

Services look at it twice a second: all workers and all services of a project refuse (503) until it is resumed, also
after a restart. Requests that were taken are still answered, and versions may be exchanged meanwhile.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from automl_runtime.files import locked, write_text
from automl_runtime.registry.aliases import LOCK
from automl_runtime.registry.history import add_change, now, user_name

__all__ = ["Pause", "PauseChange", "pause", "read_pause", "resume"]

_PAUSED = "paused.json"


@dataclass(frozen=True, slots=True)
class Pause:
    """A model that answers nothing."""

    since: str
    """In UTC."""
    by: str
    reason: str = ""

    def __str__(self) -> str:
        """What a client is told.

        >>> print(Pause("2026-01-31T12:00:00+00:00", "ann", "the sensors are recalibrated"))
        The model has been paused since 2026-01-31T12:00:00+00:00: the sensors are recalibrated
        """
        return f"The model has been paused since {self.since}{f': {self.reason}' if self.reason else '.'}"


@dataclass(frozen=True, slots=True)
class PauseChange:
    """A line of `history.jsonl`, between those of the aliases."""

    at: str
    """In UTC."""
    paused: bool
    """Whether it was paused or resumed then."""
    by: str
    reason: str


def pause(models: Path, *, reason: str = "", by: str | None = None) -> Pause:
    """Lets services refuse all requests for the model; one that is paused stays so, with the reason it has.

    Args:
        models: folder of the versions.
        reason: for clients and for the history.
        by: who does it; None: the user of this process.

    Raises:
        DataError: if the folder cannot be written.
    """
    with locked(models / LOCK):
        before = read_pause(models)
        if before is not None:
            return before
        made = Pause(now(), user_name() if by is None else by, reason)
        add_change(models, PauseChange(made.since, True, made.by, reason))
        write_text(models / _PAUSED, json.dumps(asdict(made), ensure_ascii=False, indent=2) + "\n")
    return made


def resume(models: Path, *, reason: str = "", by: str | None = None) -> Pause | None:
    """Lets services answer again.

    Returns:
        The pause that has ended; None when there was none.

    Raises:
        DataError: as `pause`.
    """
    with locked(models / LOCK):
        before = read_pause(models)
        if before is not None:
            add_change(models, PauseChange(now(), False, user_name() if by is None else by, reason))
            (models / _PAUSED).unlink(missing_ok=True)
    return before


def read_pause(models: Path) -> Pause | None:
    """The pause of the model, if it is paused; a broken file pauses it as well."""
    try:
        return Pause(**json.loads((models / _PAUSED).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, TypeError):
        return Pause("an unknown time", "", f"{_PAUSED} is broken; resume the model to remove it")

"""What can go wrong, with the exit code of the command line on each class.

Messages say what happened, where, what is allowed and what to do; `str(error)` is what a person reads.
"""

from __future__ import annotations

from reprlib import Repr
from typing import ClassVar

__all__ = [
    "AutomlError",
    "BundleError",
    "Cancelled",
    "DataError",
    "MissingExtraError",
    "RequestError",
    "SchemaMismatchError",
    "TrainingError",
    "shorten",
    "visible",
]

_LONGEST_VALUE = 80
_SEEN = "\n\t\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
"""Line breaks, tabs, and the spaces that people write."""


class AutomlError(Exception):
    """Root of all errors that are shown to people without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Holds `message` (what happened, where, what is allowed) and `hint` (what to do)."""
        super().__init__(message)
        # Names of files and columns stand in messages, and messages go to terminals and models.
        self.message = visible(message)
        self.hint = None if hint is None else visible(hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n  {self.hint}"


class RequestError(AutomlError, ValueError):
    """The request cannot be used: nothing to predict, an unknown option, a name that does not exist."""

    exit_code = 2


class DataError(AutomlError, ValueError):
    """The data cannot be used: missing, unreadable, empty, broken."""

    exit_code = 3


class SchemaMismatchError(DataError):
    """Rows to predict do not have the columns or values that the model was trained on."""


class TrainingError(AutomlError, RuntimeError):
    """No model could be trained."""

    exit_code = 4


class BundleError(DataError):
    """A model bundle was changed, is incomplete, or is not signed by a trusted key."""


class Cancelled(AutomlError):
    """The user stopped the work; nothing half-written is left."""

    exit_code = 5


class MissingExtraError(AutomlError, ImportError):
    """An optional part is not installed."""

    def __init__(
        self, *, package: str, extra: str = "all", distribution: str = "automl-runtime", command: str | None = None
    ) -> None:
        """Names the package that is missing and the extra that brings it, or the `command` where no extra does."""
        super().__init__(f"`{package}` is not installed.", hint=command or f'pip install "{distribution}[{extra}]"')


def shorten(value: object, limit: int = _LONGEST_VALUE) -> str:
    """`value` as it is quoted in a message: escaped, one line, at most `limit` characters.

    >>> shorten("a" * 200, 10)
    "'aaaaaaa…'"
    """
    text = repr(value[: limit + 1]) if isinstance(value, str) else _bounded(limit).repr(value)
    return text if len(text) <= limit else f"{text[: limit - 2]}…{text[-1]}"


def _bounded(limit: int) -> Repr:
    """What looks at no more of a value than can be shown: YAML may say a list of billions in a few lines."""
    bounded = Repr()
    bounded.maxlevel = 3
    bounded.maxdict = bounded.maxlist = bounded.maxtuple = bounded.maxset = bounded.maxfrozenset = 20
    bounded.maxstring = bounded.maxother = bounded.maxlong = 2 * limit
    return bounded


def visible(text: str) -> str:
    r"""`text` with the signs that nobody sees, or that steer a terminal, as escapes; line breaks and tabs stay.

    Such signs are control, zero-width, bidirectional, tags, surrogates.

    >>> print(visible("price\u202e \x1b[2J"))
    price\u202e \x1b[2J
    """
    unseen = (sign for sign in set(text) if not (sign.isprintable() or sign in _SEEN))
    return text.translate({ord(sign): repr(sign)[1:-1] for sign in unseen})

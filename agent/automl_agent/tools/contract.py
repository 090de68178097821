"""What every tool takes and gives: requests, answers, and errors that say who can mend them."""

from __future__ import annotations

from typing import Any, Final, Literal
from urllib.parse import quote

from automl_runtime.errors import AutomlError, DataError, MissingExtraError, RequestError
from automl_schemas.base import Contract
from pydantic import Field, model_validator

__all__ = [
    "LONGEST_WAIT",
    "Answer",
    "Blame",
    "NextAction",
    "Request",
    "StartRequest",
    "ToolError",
    "link_to",
    "tool_error",
]

LONGEST_WAIT: Final = 20
"""Seconds that a call may wait for news of a run; clients give up after a minute."""

Blame = Literal["fix", "ask_user", "failed"]
"""`fix`: other arguments will do; `ask_user`: a person must decide or change something; `failed`: it went wrong."""


class Request(Contract):
    """The arguments of a tool. No field is a free-form mapping, so that each schema can be a strict one.

    Null for an optional argument means its default: strict schemas make callers name every argument.
    """

    @model_validator(mode="before")
    @classmethod
    def _null_means_default(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        return {
            key: value
            for key, value in given.items()
            if value is not None or key not in fields or fields[key].is_required()
        }


class StartRequest(Request):
    """The arguments of a tool whose work goes on after the call."""

    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Any word of yours. The same key again gives the same run, and takes up one that was killed.",
    )
    wait_seconds: int = Field(default=0, ge=0, le=LONGEST_WAIT, description="Wait so long for the end of the work.")


def link_to(project: str, part: str) -> str:
    """The address of a part of a project, as doors with resources read it."""
    return f"project://{quote(project, safe='/')}/{part}"


class NextAction(Contract):
    """A call that makes sense now."""

    tool: str
    arguments: dict[str, Any] = {}
    why: str


class Answer(Contract):
    """What a tool gives back."""

    next_actions: list[NextAction] = []
    links: list[str] = Field(default=[], description="Resources to read: project://..., run://....")
    left_out: list[str] = Field(default=[], description="Lists that were cut to keep the answer short, with counts.")


class ToolError(Exception):
    """A call that could not be done; `blame` says who can mend it."""

    def __init__(self, blame: Blame, message: str, *, hint: str | None = None, exit_code: int = 1) -> None:
        """Holds what happened and what to do; `exit_code` is that of the command line."""
        super().__init__(message)
        self.blame: Blame = blame
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object."""
        return {"error": self.blame, "message": self.message, "hint": self.hint, "exit_code": self.exit_code}


def tool_error(error: AutomlError) -> ToolError:
    """`error` as the caller of a tool sees it: a request can be mended by who made it, data only by a person."""
    blame: Blame = "failed"
    if isinstance(error, RequestError):
        blame = "fix"
    elif isinstance(error, MissingExtraError | DataError):
        blame = "ask_user"
    return ToolError(blame, error.message, hint=error.hint, exit_code=error.exit_code)

"""What somebody who decides can do next: call a tool, ask the person, say something."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Ask", "Call", "Flow", "Say", "Step"]


@dataclass(frozen=True, slots=True)
class Call:
    """Calls a tool; gives its answer, or raises ToolError."""

    tool: str
    arguments: Mapping[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Asks the person; gives the answer as text, the default where nobody is there, or None without one."""

    text: str
    choices: tuple[tuple[str, str], ...] = ()
    """Each a value and its words; none: any text will do."""
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Say:
    """Tells the person something."""

    text: str


Step = Call | Ask | Say
Flow = Generator[Step, Any, Any]
"""Steps in turn, each sent what came of the one before."""

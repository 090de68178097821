"""The size rules of CONTRIBUTING.md, and that importing stays cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "schemas/automl_schemas",
    "runtime/automl_runtime",
    "generators/automl_generators",
    "agent/automl_agent",
    "templates/automl_templates",
)
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "{{" not in str(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_at_most_500_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_at_most_five_functions_are_longer_than_60_lines():
    long = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 60:
                long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert len(long) <= 5, long


def test_no_pragma_hides_code_from_coverage():
    hidden = [str(path) for path in MODULES if "pragma: no cover" in path.read_text(encoding="utf-8")]
    assert hidden == []


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("automl_runtime", ("pandas", "numpy", "pydantic")),
        ("automl_agent.cli", ("pandas", "numpy", "duckdb", "sklearn", "lightgbm", "git")),
        ("automl_runtime.inference.model", ("sklearn",)),
    ],
)
def test_import_stays_light(module, forbidden):
    code = f"import sys, {module}; print(*[name for name in {forbidden!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

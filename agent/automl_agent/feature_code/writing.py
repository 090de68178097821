"""Puts a feature into the files of a project: its function and a test, and nothing else is touched."""

from __future__ import annotations

import ast
import datetime
import importlib.util
import math
import re
import subprocess
import sys
from typing import Any, Final

import numpy as np
import pandas as pd
from automl_generators.filters import pyrepr
from automl_runtime.data.personal import mask
from automl_runtime.errors import RequestError
from automl_schemas.vocabulary import PersonalData

from automl_agent.feature_code.proposal import Proposal

__all__ = ["TEST_FILE", "sample_rows", "with_feature", "with_test"]

TEST_FILE: Final = "tests/test_custom_features.py"

_HOW: Final = (
    "Add `FEATURES = ()` to it, and to `add_features`: "
    "`for feature in FEATURES: features = features.assign(**{feature.__name__: feature(rows)})`."
)
_TEST_HEADER: Final = '''"""Each feature of custom_features.py on a few rows: change the values with the feature."""

from __future__ import annotations

import pandas as pd

from {package} import custom_features
'''
_PLAIN: Final = re.compile(r"str|bool|boolean|u?int\d+|[Ff]loat\d+|Int\d+|datetime64\[\w+\]")


def with_feature(source: bytes, proposal: Proposal, *, origin: str = "custom_features.py") -> bytes:
    """The content of `custom_features.py` with the function before `FEATURES`, and its name in it.

    All else stays byte for byte, but for an import of numpy or pandas that the function needs and the file lacks.

    Raises:
        RequestError: if the file has no tuple `FEATURES`, or is no Python; the message says what to add.
    """
    try:
        text = source.decode("utf-8")
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise RequestError(f"{origin} is no Python: {error}.", hint="Correct it first.") from error
    line_break = "\r\n" if "\r\n" in text else "\n"
    statement = next((node for node in tree.body if _assigns(node, "FEATURES")), None)
    value = getattr(statement, "value", None)
    if statement is None or not isinstance(value, ast.Tuple):
        raise RequestError(f"{origin} has no tuple FEATURES of functions, so no feature can be added.", hint=_HOW)
    lines = source.split(b"\n")
    end = _place(lines, value.end_lineno or 0, value.end_col_offset or 0) - 1
    listed = _listed(source, value, end, proposal.name, line_break)
    first = statement.lineno
    while first > 1 and lines[first - 2].startswith(b"#"):
        first -= 1
    start = _place(lines, first, 0)
    function = formatted(proposal.code).replace("\n", line_break)
    added = f"{function}{line_break * 2}".encode()
    if not source[:start].endswith((line_break * 3).encode()):
        # Two empty lines before a function.
        added = line_break.encode() + added
    content = source[:start] + added + source[start:end] + listed + source[end:]
    return _with_imports(content, tree, proposal.code, line_break)


def with_test(source: bytes | None, package: str, proposal: Proposal, rows: pd.DataFrame, values: pd.Series) -> bytes:
    """The content of the file of tests with one that holds what the feature gives on `rows`; None: there is no file."""
    text = _TEST_HEADER.format(package=package) if source is None else source.decode("utf-8")
    line_break = "\r\n" if "\r\n" in text else "\n"
    columns = "".join(f"        {pyrepr(name)}: {_series(rows[name])},\n" for name in proposal.columns)
    test = (
        f"def test_{proposal.name}() -> None:\n"
        f"    rows = pd.DataFrame({{\n{columns}    }})\n"
        f'    found = custom_features.{proposal.name}(rows).astype("Float64")\n'
        f'    expected = {_series(values.astype("float64"))}.astype("Float64")\n'
        f"    pd.testing.assert_series_equal(found, expected, check_names=False)\n"
    )
    gap = "" if text.endswith(line_break * 3) else line_break * 2
    return (text + gap + formatted(test).replace("\n", line_break)).encode()


def sample_rows(rows: pd.DataFrame, personal: dict[str, PersonalData]) -> pd.DataFrame:
    """Three different rows for a test, that of the first gap among them; personal values are masked."""
    different = rows.drop_duplicates()
    gaps = different[different.isna().any(axis=1)].head(1)
    chosen = pd.concat([different.drop(index=gaps.index).head(3 - len(gaps)), gaps]).reset_index(drop=True)
    masked = {name: _masked(chosen[name], kind) for name, kind in personal.items() if name in chosen.columns}
    return chosen.assign(**masked)


def _masked(values: pd.Series, kind: PersonalData) -> pd.Series:
    if values.dtype.kind in "iuf":
        return pd.Series(range(1, len(values) + 1)).astype(values.dtype)
    if values.dtype.kind in "bM" or str(values.dtype) == "boolean":
        return values
    return values.map(lambda cell: mask(str(cell), kind), na_action="ignore").astype(values.dtype)


def formatted(code: str) -> str:
    """`code` as ruff writes it, where ruff is installed; else as it is."""
    if importlib.util.find_spec("ruff") is None:
        return code
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=120", "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, encoding="utf-8", check=False)
    return done.stdout if done.returncode == 0 else code


def _assigns(node: ast.stmt, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _place(lines: list[bytes], line: int, column: int) -> int:
    """Where a position of the syntax tree, which counts lines from 1 and bytes, lies in the whole."""
    return sum(len(each) + 1 for each in lines[: line - 1]) + column


def _listed(source: bytes, value: ast.Tuple, end: int, name: str, line_break: str) -> bytes:
    """What goes before the closing bracket of the tuple."""
    if not value.elts:
        return f"{name},".encode()
    last = value.elts[-1]
    lines = source.split(b"\n")
    between = source[_place(lines, last.end_lineno or 0, last.end_col_offset or 0) : end]
    if b"\n" in between:
        indent = " " * last.col_offset
        comma = b"" if b"," in between.split(b"#")[0] else b","
        return comma + f"{indent}{name},{line_break}".encode()
    if between.rstrip().endswith(b","):
        # (a,) becomes (a, b): ruff wants no comma after the last of several in one line.
        return f" {name}".encode()
    return f", {name}".encode()


def _with_imports(content: bytes, tree: ast.Module, code: str, line_break: str) -> bytes:
    known = {alias.asname for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    for short, module in (("pd", "pandas"), ("np", "numpy")):
        if re.search(rf"\b{short}\.", code) and short not in known:
            content = _import(content, f"import {module} as {short}", line_break)
    return content


def _import(content: bytes, statement: str, line_break: str) -> bytes:
    """Puts an import before that of pandas, else after the last import, else after the docstring."""
    tree, lines = ast.parse(content), content.split(b"\n")
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    pandas = [node for node in imports if isinstance(node, ast.Import) and node.names[0].name == "pandas"]
    if pandas:
        place = pandas[0].lineno - 1
    elif imports:
        place = imports[-1].end_lineno or 0
    else:
        place = (tree.body[0].end_lineno or 0) if ast.get_docstring(tree) is not None else 0
    ending = b"\r" if line_break == "\r\n" else b""
    return b"\n".join([*lines[:place], statement.encode() + ending, *lines[place:]])


def _series(values: pd.Series) -> str:
    """A series as Python code; cells that are missing are None."""
    cells = ", ".join(_cell(value) for value in values.tolist())
    dtype = str(values.dtype)
    if not _PLAIN.fullmatch(dtype):
        return f"pd.Series([{cells}])"
    return f'pd.Series([{cells}], dtype="{dtype}")'


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return "None"
    if isinstance(value, float) and math.isinf(value):
        return f'float("{value}")'
    if isinstance(value, datetime.datetime):
        return pyrepr(value.isoformat())
    return pyrepr(value.item() if isinstance(value, np.generic) else value)

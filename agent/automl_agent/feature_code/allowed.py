"""The code of a feature is read against a list of what is allowed; what is not on it is refused, whatever it does.

This is the first of two walls: what passes still runs in a process of its own (`isolation`).
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import textwrap
import tokenize
from collections.abc import Collection
from typing import Any, Final, NoReturn

from automl_generators.filters import pyrepr
from automl_runtime.errors import RequestError, shorten
from automl_schemas.decision import Decider

from automl_agent.feature_code.proposal import Proposal
from automl_agent.feature_code.vocabulary import (
    ACCESSORS,
    AXIS,
    CONSTANTS,
    DTYPES,
    KEYWORDS,
    METHODS,
    NUMPY,
    PANDAS,
    PATTERNS,
    RESERVED,
    TEXT_ARGUMENTS,
)

__all__ = ["HEADER", "check_code", "check_name"]

HEADER: Final = "def name(rows: pd.DataFrame) -> pd.Series:"
"""What the only statement of the code begins with."""

_LONGEST_CODE: Final = 4_000
_MOST_NODES: Final = 300
_DEEPEST: Final = 25
_LONGEST_TEXT: Final = 200
_LONGEST_DOCSTRING: Final = 500
_LARGEST: Final = 10**15
_LARGEST_POWER: Final = 8
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_NAME: Final = 60
_PLAIN_PATTERN: Final = re.compile(r"[^.^$*+?{}\[\]\\|()]*")
_CLOCK: Final = ("now", "today")
"""What pandas reads as the time of day."""
_DAY: Final = re.compile(r"\d{4}-\d\d")
_ARITHMETIC: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr)
_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_SIGNS: Final = (ast.USub, ast.UAdd, ast.Invert)


def check_code(
    code: str, columns: Collection[str], *, why: str = "", by: Decider = "model", taken: Collection[str] = ()
) -> Proposal:
    """The proposal that `code` makes, written anew from what was read: comments are gone, quotes are double.

    Args:
        code: one function with a docstring, as `HEADER`; then assignments, and one `return`.
        columns: of a row to predict; `rows["..."]` may name these alone.
        why: what it is good for; empty: the first line of the docstring.
        by: who proposes it.
        taken: further names that the function may not have.

    Raises:
        RequestError: naming the line, what is not allowed there, and what is.
    """
    function = _parse(code)
    reader = _Reader(columns)
    reader.read(function)
    check_name(function.name, columns, taken, line=function.lineno)
    docstring = ast.get_docstring(function) or ""
    return Proposal(function.name, _canonical(function), tuple(reader.used), why or docstring.split("\n")[0], by)


def check_name(name: str, columns: Collection[str], taken: Collection[str] = (), *, line: int = 1) -> None:
    """Refuses a name for a feature that is not in snake case, means something else, or is a column or feature already.

    Raises:
        RequestError: naming it.
    """
    plain = _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME
    if not plain or name in RESERVED or name in columns or name in taken:
        reason = "is a column or a feature already" if name in columns or name in taken else "cannot be its name"
        raise RequestError(
            f"The feature in line {line} is called {shorten(name)}, which {reason}.",
            hint=f"Allowed: lower-case words joined by _, at most {_LONGEST_NAME} letters, that name nothing else.",
        )


def _parse(code: str) -> ast.FunctionDef:
    if len(code) > _LONGEST_CODE:
        raise RequestError(
            f"The code of a feature has {len(code):,} characters; at most {_LONGEST_CODE:,} are allowed."
        )
    try:
        tree = ast.parse(textwrap.dedent(code).strip() + "\n")
    except SyntaxError as error:
        raise RequestError(f"Line {error.lineno or 1} of the feature is no Python: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise RequestError("The code of the feature is no Python that can be read.") from error
    nodes = sum(1 for _ in ast.walk(tree))
    if nodes > _MOST_NODES:
        raise RequestError(f"The feature has {nodes} parts; at most {_MOST_NODES} are allowed.")
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        wrong = next((node for node in tree.body if not isinstance(node, ast.FunctionDef)), None)
        line = wrong.lineno if wrong is not None else tree.body[1].lineno if tree.body else 1
        _refuse(line, "a statement beside the function", f"one function `{HEADER}`; numpy is np, pandas is pd")
    return tree.body[0]


def _refuse(place: ast.AST | int, what: str, allowed: str) -> NoReturn:
    line = place if isinstance(place, int) else getattr(place, "lineno", 1)
    raise RequestError(f"Line {line} of the feature: {what} is not allowed.", hint=f"Allowed: {allowed}.")


class _Reader(ast.NodeVisitor):
    """Visits every node of an expression; a kind of node without a method of its own is refused."""

    def __init__(self, columns: Collection[str]) -> None:
        self.used: dict[str, None] = {}
        self._columns = columns
        self._locals: set[str] = set()
        self._depth = 0

    def read(self, function: ast.FunctionDef) -> None:
        """Checks the whole function."""
        self._check_header(function)
        _, *statements = function.body
        for place, statement in enumerate(statements):
            last = place == len(statements) - 1
            if isinstance(statement, ast.Return) and last and statement.value is not None:
                self.visit(statement.value)
            elif isinstance(statement, ast.Assign) and not last:
                self._assign(statement)
            else:
                kind = type(statement).__name__.lower()
                _refuse(statement, f"`{kind}`", "a docstring, then `name = ...` lines, then one `return ...`")
        if not statements:
            _refuse(function, "a function without `return`", "a docstring, then `name = ...` lines, then `return ...`")
        if not self.used:
            _refuse(function, "a feature that reads no column", 'rows["a column"]')

    def _check_header(self, function: ast.FunctionDef) -> None:
        arguments = function.args
        plain = (
            ast.unparse(arguments) == "rows: pd.DataFrame" and len(arguments.args) == 1 and not arguments.posonlyargs
        )
        returns = function.returns is not None and ast.unparse(function.returns) == "pd.Series"
        if function.decorator_list or not plain or not returns or getattr(function, "type_params", None):
            _refuse(function, "this beginning of a function", f"`{HEADER}` without decorators, defaults or more")
        docstring = ast.get_docstring(function, clean=False)
        if docstring is None:
            _refuse(function, "a function without a docstring", "a docstring that says what the feature is")
        shown = docstring.replace("\n", " ")
        if not shown.strip() or not shown.isprintable() or len(docstring) > _LONGEST_DOCSTRING:
            _refuse(function, "this docstring", f"up to {_LONGEST_DOCSTRING} printable characters")

    def _assign(self, statement: ast.Assign) -> None:
        [target, *others] = statement.targets
        if others or not isinstance(target, ast.Name):
            _refuse(statement, "an assignment to something else than one name", "`name = ...`")
        self.visit(statement.value)
        check_name(target.id, (), line=statement.lineno)
        self._locals.add(target.id)

    def visit(self, node: ast.AST) -> Any:
        """Checks one node, not too deep below the others."""
        self._depth += 1
        if self._depth > _DEEPEST:
            _refuse(node, "an expression this deep", f"{_DEEPEST} levels; give parts a name of their own")
        super().visit(node)
        self._depth -= 1

    def generic_visit(self, node: ast.AST) -> NoReturn:
        """Refuses what has no method here."""
        _refuse(
            node,
            f"`{type(node).__name__.lower()}`",
            'columns (rows["a"]), numbers, + - * / // % ** & | ~, comparisons, and methods that work row by row',
        )

    def visit_Name(self, node: ast.Name) -> None:
        if node.id not in self._locals:
            known = ", ".join(sorted(self._locals)) or "none so far"
            _refuse(node, f"the name {shorten(node.id)}", f'rows["a column"], np and pd functions, own names ({known})')

    def visit_Constant(self, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool) or value is None:
            return
        if not isinstance(value, int | float) or abs(value) > _LARGEST:
            _refuse(node, f"{shorten(value)} here", "numbers up to 1e15; texts only in comparisons and in isin, fillna")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if not isinstance(node.op, _ARITHMETIC):
            _refuse(node, f"the operator `{type(node.op).__name__.lower()}`", "+ - * / // % ** & |")
        if isinstance(node.op, ast.Pow):
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            value = power.value if isinstance(power, ast.Constant) else None
            if not isinstance(value, int | float) or abs(value) > _LARGEST_POWER:
                _refuse(node, "this power", f"** with a number up to {_LARGEST_POWER}")
        self.visit(node.left)
        self.visit(node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not isinstance(node.op, _SIGNS):
            _refuse(node, "`not`", "~ for each row")
        self.visit(node.operand)

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) != 1 or not isinstance(node.ops[0], _COMPARISONS):
            _refuse(node, "this comparison", "one of == != < <= > >=, joined by & and |")
        self.visit(node.left)
        self._argument(node.comparators[0], texts=True)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        names = self._named_columns(node)
        if names is None:
            _refuse(node, "this use of [...]", 'rows["a column"] or rows[["a column", "another"]]')
        for name in names:
            if name not in self._columns:
                near = difflib.get_close_matches(name, self._columns, 3) or sorted(self._columns)[:8]
                _refuse(node, f"the column {shorten(name)}", f"columns of a row, as {', '.join(map(shorten, near))}")
            self.used[name] = None

    def _named_columns(self, node: ast.Subscript) -> list[str] | None:
        if not isinstance(node.value, ast.Name) or node.value.id != "rows":
            return None
        parts = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
        names = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        return names if len(names) == len(parts) > 0 else None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == "np" and node.attr in CONSTANTS:
            return
        if not self._is_accessor(node):
            _refuse(node, f"`.{node.attr}`", f"np.{', np.'.join(sorted(CONSTANTS))}, or .dt. and .str. of a column")

    def _is_accessor(self, node: ast.Attribute) -> bool:
        """Whether this is `<a column>.dt.<part>` with a part that is allowed; the column is visited."""
        if not isinstance(node.value, ast.Attribute) or node.value.attr not in ACCESSORS:
            return False
        parts = ACCESSORS[node.value.attr]
        if node.attr not in parts:
            _refuse(node, f"`.{node.value.attr}.{node.attr}`", f".{node.value.attr}. with {', '.join(sorted(parts))}")
        self.visit(node.value.value)
        return True

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if not isinstance(function, ast.Attribute):
            _refuse(node, f"a call of `{ast.unparse(function)[:40]}`", "functions of np and pd, methods of columns")
        name = function.attr
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        if owner in ("np", "pd"):
            functions = NUMPY if owner == "np" else PANDAS
            if name not in functions:
                _refuse(node, f"`{owner}.{name}`", f"{owner}. with {', '.join(sorted(functions))}")
        elif not self._is_accessor(function):
            if name not in METHODS | AXIS:
                _refuse(node, f"`.{name}()`", f"methods {', '.join(sorted(METHODS | AXIS))}")
            self.visit(function.value)
        self._check_arguments(node, name, of_numpy=owner == "np")

    def _check_arguments(self, node: ast.Call, name: str, *, of_numpy: bool) -> None:
        named = {argument.arg: argument.value for argument in node.keywords}
        for key, value in named.items():
            if key not in KEYWORDS:
                _refuse(node, f"the argument `{key}=`" if key else "`**`", f"{', '.join(sorted(KEYWORDS))}")
            if key == "index":
                if ast.unparse(value) != "rows.index":
                    _refuse(value, "this index", "index=rows.index")
            else:
                self._argument(value, texts=True)
        for value in node.args:
            self._argument(value, texts=name in TEXT_ARGUMENTS and not of_numpy, of=name)
        if name in AXIS and not _is_text(node) and not _is_one(named.get("axis")):
            _refuse(node, f"`.{name}()` down the rows", f".{name}(axis=1), across the columns of a row")
        if name in PATTERNS and _is_text(node):
            _check_pattern(node, name, named.get("regex"))

    def _argument(self, node: ast.expr, *, texts: bool, of: str = "") -> None:
        """An argument: an expression, and where `texts` allows it a text or a list of constants."""
        if of == "astype":
            dtype = node.value if isinstance(node, ast.Constant) else node.id if isinstance(node, ast.Name) else None
            if dtype not in DTYPES:
                _refuse(node, "this type", f"astype with {', '.join(sorted(DTYPES))}")
        elif texts and isinstance(node, ast.List | ast.Tuple):
            for part in node.elts:
                self._argument(part, texts=True) if isinstance(part, ast.Constant) else self.generic_visit(part)
        elif texts and isinstance(node, ast.Constant) and isinstance(node.value, str):
            if (
                len(node.value) > _LONGEST_TEXT
                or node.value.strip().lower() in _CLOCK
                or (of == "Timestamp" and not _DAY.match(node.value))
            ):
                _refuse(
                    node,
                    f"the text {shorten(node.value, 40)}",
                    f"up to {_LONGEST_TEXT} characters; no moment that changes, as now",
                )
        else:
            self.visit(node)


def _is_text(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Attribute)
        and function.value.attr == "str"
    )


def _is_one(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == 1


def _check_pattern(call: ast.Call, name: str, regex: ast.expr | None) -> None:
    first = call.args[0] if len(call.args) == 1 else None
    pattern = first.value if isinstance(first, ast.Constant) else None
    literal = name == "contains" and isinstance(regex, ast.Constant) and regex.value is False
    if not isinstance(pattern, str) or not (literal or _PLAIN_PATTERN.fullmatch(pattern)):
        _refuse(call, f"this pattern of .str.{name}", "one text without signs of regular expressions, or regex=False")


def _canonical(function: ast.FunctionDef) -> str:
    """The function as text with double quotes, as ruff writes them."""
    source = ast.unparse(function) + "\n"
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        (row, start), (end_row, end) = token.start, token.end
        if token.type == tokenize.STRING and row == end_row and not token.string.startswith('"""'):
            line = lines[row - 1]
            lines[row - 1] = line[:start] + pyrepr(ast.literal_eval(token.string)) + line[end:]
    return "".join(lines)

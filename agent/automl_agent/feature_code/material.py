"""What features of a project are made from and judged on: its training rows, columns and present features."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import pandas as pd
from automl_runtime.data.inputs import input_schema
from automl_runtime.errors import RequestError
from automl_runtime.project import Project
from automl_runtime.project.code import FeatureCode, code_of
from automl_schemas.bundle import InputSchema

from automl_agent.feature_code.forms import Field

__all__ = ["Material"]

_MOST_LABELS: Final = 50
_UNREADABLE: Final = ("image", "empty")


@dataclass(frozen=True)
class Material:
    """A project with the rows that train. The sealed holdout is not read."""

    project: Project
    rows: pd.DataFrame
    code: FeatureCode
    fields: tuple[Field, ...]
    """The columns that a feature may read: those of a row to predict."""

    @classmethod
    def of(cls, folder: Path) -> Material:
        """The material of the project in `folder`.

        Raises:
            DataError: if there is no project, or its training rows have not been made.
        """
        project = Project.load(folder)
        rows = project.load_rows("train")
        code = code_of(project)
        fields = tuple(
            Field(column.name, column.type, _labels(rows[column.name]) if column.type == "category" else ())
            for column in project.columns
            if column.name in code.inputs and column.type not in _UNREADABLE
        )
        if not fields:
            raise RequestError("The rows of this project have no column that the code of a feature could read.")
        return cls(project, rows, code, fields)

    @property
    def columns(self) -> list[str]:
        """The names of `fields`."""
        return [field.name for field in self.fields]

    @property
    def target(self) -> str | None:
        """The column to predict; None where there is none."""
        return None if self.project.spec.target is None else self.project.target

    @cached_property
    def file(self) -> Path:
        """`custom_features.py`."""
        return next(iter(sorted(self.project.root.glob("src/*/custom_features.py"))))

    @cached_property
    def taken(self) -> set[str]:
        """Names that `custom_features.py` gives to something, and those of present features."""
        tree = ast.parse(self.file.read_bytes())
        named = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        return named | stored | set(self.code.build(self.rows.head(1)).columns)

    @cached_property
    def schema(self) -> InputSchema:
        """How a service asks for the columns of `fields`."""
        names = set(self.columns)
        columns = [column for column in self.project.columns if column.name in names]
        return input_schema(columns, self.rows, self.target or "")


def _labels(values: pd.Series) -> tuple[str, ...]:
    return tuple(str(label) for label in values.astype("str").value_counts().index[:_MOST_LABELS])

"""What a project on disk was rendered from, read from its own records: neither data nor a model is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from automl_runtime.data.assemble import training_sql
from automl_runtime.data.lineage import lineage_of
from automl_runtime.data.training_columns import TrainingColumn
from automl_runtime.errors import DataError
from automl_runtime.project import Project
from automl_runtime.registry.aliases import PRODUCTION, read_aliases
from automl_schemas.base import Contract
from automl_schemas.bundle import InputColumn, InputSchema
from automl_schemas.lineage import DataManifest, Lineage

from automl_generators.ownership import generator_name
from automl_generators.plan import ProjectPlan
from automl_generators.project import Environment
from automl_generators.update.pristine import Pristine

__all__ = ["recorded_environment", "recorded_plan", "renders_vendor"]

_Record = TypeVar("_Record", bound=Contract)


def recorded_plan(project: Project) -> ProjectPlan:
    """The plan of `project`, by its project.yaml as it is now and the records below `data/`.

    Raises:
        DataError: if a record is missing or broken, or project.yaml names a table or column that the catalog has not.
    """
    spec, catalog = project.spec, project.catalog
    try:
        sql, columns = training_sql(spec, catalog)
    except KeyError as error:
        raise DataError(
            f"{project.root / 'project.yaml'} names {error}, which data/catalog.json does not have.",
            hint="Correct the name; the tables and columns stand in data/catalog.json.",
        ) from error
    lineage = _record(project.root, "lineage", Lineage)
    if [item.column for item in lineage.training_table] != [column.name for column in columns]:
        lineage = lineage_of(catalog, columns, spec.data.joins)
    pristine = Pristine.load(project.root)
    return ProjectPlan(
        spec=spec,
        catalog=catalog,
        columns=columns,
        sql=sql,
        lineage=lineage,
        manifest=_record(project.root, "manifest", DataManifest),
        schema=_schema(columns, _examples(project, pristine)),
        questions=catalog.questions,
        next_moment=pristine.rendered.get("next_moment"),
    )


def recorded_environment(project: Project) -> Environment | None:
    """What the model of `project` was made with, as long as the generator is the one that rendered it; else None."""
    pristine = Pristine.load(project.root)
    constraints, python = pristine.text("constraints.txt"), pristine.rendered.get("python")
    if constraints is None or python is None or pristine.generator != generator_name():
        return None
    return Environment(python, constraints.decode())


def renders_vendor(project: Project) -> bool:
    """Whether wheels of the runtime were put into `project`."""
    pristine = Pristine.load(project.root)
    listed = any(name.startswith("vendor/") for name in pristine.names)
    return bool(pristine.rendered.get("vendored", listed))


def _record(root: Path, name: str, kind: type[_Record]) -> _Record:
    path = root / "data" / f"{name}.json"
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", hint="Restore it from git.") from error


def _examples(project: Project, pristine: Pristine) -> dict[str, Any]:
    """Column -> a value as the README shows it; a project that records none has them beside its model."""
    if "examples" in pristine.rendered:
        return dict(pristine.rendered["examples"])
    models = project.root / "models"
    version = read_aliases(models).get(PRODUCTION)
    path = models / str(version) / "schema.json"
    if not path.is_file():
        return {}
    schema = InputSchema.model_validate_json(path.read_bytes())
    return {column.name: column.example for column in schema.columns}


def _schema(columns: list[TrainingColumn], examples: dict[str, Any]) -> InputSchema:
    known = [column for column in columns if column.name in examples]
    return InputSchema(
        columns=[
            InputColumn(name=column.name, type=column.type, plan=column.plan, example=examples[column.name])
            for column in known
        ]
    )

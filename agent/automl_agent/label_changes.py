"""Labels that new data bring, and those that no row of them has any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from automl_runtime.data.cleaning import read_clean
from automl_runtime.data.label_lists import label_rows
from automl_runtime.errors import shorten
from automl_runtime.events import Finding
from automl_runtime.project import Project
from automl_schemas.catalog import DataCatalog
from automl_schemas.spec import LABEL_JOINT, TargetSpec

from automl_agent.grounding.several import FEWEST_ROWS

__all__ = ["LabelChanges", "label_changes", "label_changes_of"]

_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class LabelChanges:
    """What new data have in place of the labels that a project knows."""

    new: tuple[str, ...] = ()
    """Listed in ten rows or more, the most frequent first, and in fewer before; columns that are labels are fixed."""
    gone: tuple[str, ...] = ()
    """Predicted, and in no row any more."""
    unpredicted: bool = False
    """Whether the project does not predict all of the new ones."""

    def to_json(self) -> dict[str, Any]:
        """The labels as a JSON object."""
        return {name: list(asdict(self)[name]) for name in ("new", "gone")}

    def findings(self) -> Iterator[Finding]:
        """A line for the new ones and one for those that are gone, where there are such."""
        if self.new:
            remedy = "; they are predicted once they stand under target.labels in project.yaml (then automl update)"
            yield Finding("new labels", f"{_shown(self.new)}{remedy if self.unpredicted else ''}")
        if self.gone:
            yield Finding("gone labels", f"{_shown(self.gone)}: no row of the data has them, so they cannot be learned")


def label_changes(target: TargetSpec, known: Project, data: pa.Table) -> LabelChanges:
    """How the labels of `data` differ from those of the data that a project was made from.

    Args:
        target: the labels that are predicted from now on.
        known: the project, as it was before the new data.
        data: the clean table of the target.
    """
    if target.columns:
        seen = [name for name in target.columns if pc.any(pc.equal(data[name].cast(pa.int64()), 1)).as_py()]
        return LabelChanges(gone=tuple(name for name in target.columns if name not in seen))
    assert target.separator is not None
    rows = label_rows(data[target.column], target.separator)
    folded = {label.lower() for label in rows}
    old = _frequent_before(known.catalog, target)
    if known.spec.target is not None:
        old |= {label.lower() for label in known.spec.target.labels}
    new = [
        label
        for label, count in rows.items()
        if count >= FEWEST_ROWS and label.lower() not in old and LABEL_JOINT not in label
    ]
    gone = [label for label in target.labels if label.lower() not in folded]
    return LabelChanges(tuple(new), tuple(gone), unpredicted=not set(new) <= set(target.labels))


def label_changes_of(project: Project) -> LabelChanges | None:
    """The same of the data that were read last, `data/clean` of a project whose catalog is of those before.

    Returns:
        None where rows have no labels.

    Raises:
        DataError: if the clean table cannot be read.
    """
    target = project.spec.target
    if project.spec.task.type != "multilabel" or target is None:
        return None
    plans = {
        column.name: column.plan
        for table in project.catalog.tables
        if table.name == target.table
        for column in table.columns
    }
    return label_changes(target, project, read_clean(project.root / "data" / "clean", target.table, plans))


def _frequent_before(catalog: DataCatalog, target: TargetSpec) -> set[str]:
    listed = [
        column.listed
        for table in catalog.tables
        if table.name == target.table
        for column in table.columns
        if column.name == target.column and column.listed is not None
    ]
    return {entry.value.lower() for found in listed for entry in found.labels if entry.count >= FEWEST_ROWS}


def _shown(names: tuple[str, ...]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(shorten(name, 40) for name in names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")

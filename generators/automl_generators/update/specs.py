"""The three-way merge of specs: what new words change, on top of what the user has settled otherwise."""

from __future__ import annotations

from typing import Any

from automl_runtime.errors import RequestError
from automl_runtime.project.specfile import parse_spec
from automl_schemas.spec import ProjectSpec

from automl_generators.project import spec_text
from automl_generators.update.merging import Merged, merge_texts

__all__ = ["merge_spec_texts", "merge_specs"]

_FILE = "project.yaml"


def merge_specs(base: ProjectSpec, mine: ProjectSpec, theirs: ProjectSpec) -> tuple[ProjectSpec, list[str]]:
    """`mine` with what changed from `base` to `theirs`, and the keys that both changed, where `theirs` counts.

    Of lists, items that either side added are there, and those that either removed are not.
    """
    clashes: list[str] = []
    old, own, new = (spec.model_dump(mode="json") for spec in (base, mine, theirs))
    return ProjectSpec.model_validate(_merged("", old, own, new, clashes)), clashes


def merge_spec_texts(base: bytes | None, mine: bytes, spec: ProjectSpec, *, clash: bool) -> Merged:
    """The text of project.yaml that says `spec`, with the user's comments and spelling as far as they can stay.

    What is merged is the text as generated, `mine` and the new one. Where the user has written the same settings in
    another way, it is the new text against that of the user's own settings, so that only what differs is touched.

    Args:
        base: the text as it was generated.
        mine: the user's.
        spec: what the result shall say.
        clash: whether both sides changed the same key, which is then shown as a conflict.

    Raises:
        RequestError: if `mine` is no spec.
    """
    new = spec_text(spec).encode()
    first = merge_texts(_FILE, base, mine, new)
    own = parse_spec(mine.decode("utf-8"))
    if clash or _says(first, spec):
        return first
    second = merge_texts(_FILE, spec_text(own).encode(), mine, new)
    return second if second.conflicts or _says(second, spec) else merge_texts(_FILE, None, mine, new)


def _says(merged: Merged, spec: ProjectSpec) -> bool:
    if merged.conflicts:
        return False
    try:
        return parse_spec(merged.content.decode("utf-8")) == spec
    except (RequestError, UnicodeDecodeError):
        return False


def _merged(path: str, base: Any, mine: Any, theirs: Any, clashes: list[str]) -> Any:
    if mine == theirs or theirs == base:
        return mine
    if mine == base:
        return theirs
    if all(isinstance(value, dict) for value in (base, mine, theirs)):
        keys = dict.fromkeys([*theirs, *mine])
        parts = {key: _merged(f"{path}{key}.", base.get(key), mine.get(key), theirs.get(key), clashes) for key in keys}
        return {key: value for key, value in parts.items() if value is not None or key in theirs}
    if all(isinstance(value, list) for value in (base, mine, theirs)):
        gone = [item for item in base if item not in mine]
        added = [item for item in mine if item not in base and item not in theirs]
        return [*(item for item in theirs if item not in gone), *added]
    clashes.append(path.removesuffix("."))
    return theirs

"""Whether what a model has learned would be learned differently now, and why."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from automl_runtime.data.lineage import fingerprint
from automl_runtime.errors import RequestError, shorten
from automl_runtime.project.code import code_sha256
from automl_runtime.project.specfile import parse_spec
from automl_runtime.registry.aliases import PRODUCTION, read_aliases
from automl_schemas.lineage import DataManifest
from automl_schemas.spec import ProjectSpec

from automl_generators.update.pristine import Pristine

__all__ = ["ROWS", "differences", "reasons_to_evaluate", "reasons_to_train"]

ROWS: Final = ("task", "target", "data", "training.validation", "training.holdout_from", "seed")
"""Parts of a spec that decide which rows and columns there are."""

_SPEC: Final = ("task", "target", "metric.name", "data", "training", "deployment.p99_ms", "seed")
_NO_MATTER: Final = ("data.source", "data.drop.reason")
"""Parts of those that reach no model."""
_JUDGED: Final = ("metric.goal", "evaluation")
_MEANING: Final = ("data.py", "train.py")
"""Code whose comments do not matter; of features.py and custom_features.py the model knows every byte."""


def reasons_to_train(root: Path, result: Path) -> list[str]:
    """Why the model of the project at `root` has to be trained again for the project in `result`; empty: it need not.

    Compared are the spec and the data that the model was trained with, as far as they are recorded, and the code.

    Args:
        root: the project as the user has it.
        result: the merged project, without conflicts in what is compared.

    Raises:
        RequestError: if a project.yaml is wrong.
        DataError: if `.automl` of `root` is broken.
    """
    before, after = _trained_spec(root), parse_spec((result / "project.yaml").read_text(encoding="utf-8"))
    reasons = differences(before, after, _SPEC)
    bundle = _bundle(root)
    if bundle is None:
        reasons.append("no model is here")
    else:
        if bundle.get("features_sha256") not in (None, code_sha256(result)):
            reasons.append("the code of the features is not what the model was trained with")
        trained_on = (bundle.get("training") or {}).get("data_sha256")
        if trained_on not in (None, _data_sha256(result)):
            reasons.append("the data are not those that the model was trained on")
    return [*reasons, *_changed_code(root, result)]


def reasons_to_evaluate(root: Path, result: Path) -> list[str]:
    """Why the reports of the project at `root` have to be made again for the project in `result`."""
    before, after = _trained_spec(root), parse_spec((result / "project.yaml").read_text(encoding="utf-8"))
    return differences(before, after, _JUDGED)


def _trained_spec(root: Path) -> ProjectSpec:
    """What the model in production was trained by: as its run says, else as the project was generated."""
    run = str(((_bundle(root) or {}).get("training") or {}).get("run_id"))
    path = root / "experiments" / run / "config.yaml"
    if path.is_file():
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and isinstance(content.get("spec"), dict):
            return ProjectSpec.model_validate(content["spec"])
    text = Pristine.load(root).text("project.yaml")
    if text is None:
        raise RequestError(f"{root / '.automl' / 'base' / 'project.yaml'} is missing.", hint="Restore it from git.")
    return parse_spec(text.decode(), origin=".automl/base/project.yaml")


def _bundle(root: Path) -> dict[str, Any] | None:
    """The manifest of the model in production."""
    version = read_aliases(root / "models").get(PRODUCTION)
    path = root / "models" / str(version) / "manifest.json"
    if not path.is_file():
        return None
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content


def _data_sha256(root: Path) -> str:
    return fingerprint(DataManifest.model_validate_json((root / "data" / "manifest.json").read_bytes()))


def differences(before: ProjectSpec, after: ProjectSpec, paths: tuple[str, ...]) -> list[str]:
    """`training.folds: 5 -> 3`, for every key below `paths` in which two specs differ in what a model could notice."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [found for path in paths for found in _compared(path, _at(old, path), _at(new, path))]


def _at(content: Any, path: str) -> Any:
    for key in path.split("."):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _compared(path: str, old: Any, new: Any) -> Iterator[str]:
    if path in _NO_MATTER or old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            yield from _compared(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        if _plain(path, old) != _plain(path, new):
            yield f"{path} has changed"
    else:
        yield f"{path}: {shorten(old)} -> {shorten(new)}"


def _plain(path: str, items: list[Any]) -> list[Any]:
    """A list without what does not matter of its items."""
    unwanted = [name.removeprefix(f"{path}.") for name in _NO_MATTER if name.startswith(f"{path}.")]
    return [{k: v for k, v in item.items() if k not in unwanted} if isinstance(item, dict) else item for item in items]


def _changed_code(root: Path, result: Path) -> Iterator[str]:
    for path in sorted(result.glob("src/*/*.py")):
        name = path.relative_to(result)
        if path.name in _MEANING and _meaning(root / name) != _meaning(path):
            yield f"{name.as_posix()} does something else"
    sql = Path("sql", "training_table.sql")
    if (root / sql).is_file() and (result / sql).is_file() and (root / sql).read_bytes() != (result / sql).read_bytes():
        yield f"{sql.as_posix()} has changed"


def _meaning(path: Path) -> str | None:
    """The code without its comments and docstrings; None where there is none or it is no Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.dump(tree)

"""Renders the repository of a project, and finishes it after training."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import automl_runtime
from automl_schemas.spec import ProjectSpec

from automl_generators.constraints import constraints_text
from automl_generators.filters import Literals
from automl_generators.ownership import write_ownership
from automl_generators.plan import ProjectPlan, describe
from automl_generators.vendor import vendor_runtime

__all__ = ["LARGEST_BUNDLE", "Environment", "finish_project", "render_project", "spec_text"]

LARGEST_BUNDLE: Final = 20_000_000
"""Bytes of the largest model bundle that is committed."""

_ENGINE: Final = {"trim_blocks": True, "lstrip_blocks": True}
_OVERLAYS: Final = {"forecast": "forecast", "clustering": "unlabelled", "anomaly": "unlabelled"}
"""Task -> the tree whose files take the place of those of other projects."""
_SUFFIX: Final = ".jinja"
"""Of every template, so that no tool takes one for what it becomes."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a model is made with, as a project records it."""

    python: str
    """As `3.11`."""
    constraints: str
    """Text of `constraints.txt`."""

    @classmethod
    def here(cls) -> Environment:
        """The one that runs now."""
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", constraints_text())


def render_project(
    folder: Path, plan: ProjectPlan, *, vendor: bool = True, environment: Environment | None = None
) -> None:
    """Writes every file of a project that does not depend on a trained model (DESIGN section 4) into `folder`.

    The same plan gives the same bytes, with the same versions installed. It changes the working directory while it runs
    (cookiecutter does), so call it from one thread.

    Args:
        folder: made if it does not exist; files in it are overwritten.
        plan: what is known about the project.
        vendor: put wheels of the running runtime into `vendor/`.
        environment: what the model is made with; None: what runs now.

    Raises:
        RequestError: if no project can be made of the plan.
    """
    folder = folder.resolve()
    environment = environment or Environment.here()
    versions = {"version": automl_runtime.__version__, "python": environment.python}
    variables = describe(plan) | versions | {"vendored": vendor}
    overlay = _OVERLAYS.get(plan.spec.task.type)
    _render_tree(folder, variables, ["project", *([overlay] if overlay is not None else [])])
    records = {"catalog": plan.catalog, "lineage": plan.lineage, "manifest": plan.manifest}
    (folder / "data").mkdir(exist_ok=True)
    for name, record in records.items():
        _write(folder / "data" / f"{name}.json", record.model_dump_json(indent=1) + "\n")
    _write(folder / "constraints.txt", environment.constraints)
    if vendor:
        vendor_runtime(folder / "vendor")
    rendered = {
        "vendored": vendor,
        "python": environment.python,
        "next_moment": plan.next_moment,
        "examples": {column.name: column.example for column in plan.schema.columns if column.example is not None},
    }
    write_ownership(folder, variables["package"], plan.spec.task.type, rendered)


def spec_text(spec: ProjectSpec) -> str:
    """The `project.yaml` of `spec`, with its comments, as `render_project` writes it."""
    from jinja2 import Environment as Templates

    place = files("automl_templates").joinpath("project", "{{cookiecutter.folder}}", f"project.yaml{_SUFFIX}")
    options: dict[str, Any] = {**_ENGINE, "extensions": [Literals], "keep_trailing_newline": True}
    templates = Templates(**options)
    return templates.from_string(place.read_text(encoding="utf-8")).render(spec=spec, target=spec.target)


def finish_project(folder: Path) -> list[str]:
    """Makes a project with a trained model ready to be committed; what the user should know, if anything.

    The key that signed the model in production becomes trusted in every clone, and a bundle above 20 MB is ignored by
    git.

    Raises:
        RequestError: if no model is in production.
        BundleError: if its bundle is broken.
    """
    # Rendering needs none of these.
    from automl_runtime.registry.aliases import find_version
    from automl_runtime.registry.bundle import verify_bundle
    from automl_runtime.registry.signing import trust

    find_version(folder / "models")
    warnings = []
    for bundle in sorted((folder / "models").glob("v*/")):
        version = bundle.name
        manifest = verify_bundle(bundle)
        assert manifest.signature is not None  # verified
        trust(folder / ".automl" / "trusted_keys", manifest.signature.public_key)
        size = sum(file.bytes for file in manifest.files)
        if size <= LARGEST_BUNDLE:
            continue
        warnings.append(
            f"models/{version} has {size / 1e6:.0f} MB and is not committed (the limit is {LARGEST_BUNDLE / 1e6:.0f} "
            "MB); a clone makes its own with `make data train evaluate`."
        )
        _ignore(folder / ".gitignore", version, size)
    return warnings


def _render_tree(folder: Path, variables: dict[str, Any], trees: Sequence[str]) -> None:
    """Renders the first of `trees` with the files that the others put in the place of its own."""
    from cookiecutter.generate import generate_files

    extension = f"{Literals.__module__}.{Literals.__name__}"
    settings = {"_extensions": [extension], "_jinja2_env_vars": _ENGINE, "_new_lines": "\n"}
    context = {**variables, "cookiecutter": {"folder": folder.name, **settings}}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as template:
        for tree in trees:
            with as_file(files("automl_templates") / tree) as source:
                shutil.copytree(source, template, dirs_exist_ok=True)
        generate_files(template, context, folder.parent, overwrite_if_exists=True, accept_hooks=False)
    for path in sorted(folder.rglob(f"*{_SUFFIX}")):
        path.replace(path.with_suffix(""))


def _ignore(path: Path, version: str, size: int) -> None:
    line = f"/models/{version}/"
    text = path.read_text(encoding="utf-8")
    if line not in text.splitlines():
        why = f"# {size / 1e6:.0f} MB: too large for git; `make data train evaluate` makes a model."
        _write(path, f"{text}{why}\n{line}\n")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")

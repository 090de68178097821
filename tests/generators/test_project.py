from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import automl_runtime
import automl_templates
import pytest
import yaml
from automl_generators.ownership import RUN_DEPENDENT
from automl_generators.plan import ProjectPlan, _example_row
from automl_generators.project import render_project
from automl_runtime.errors import RequestError
from automl_schemas.catalog import DataCatalog
from automl_schemas.lineage import DataManifest, Lineage
from automl_schemas.spec import ProjectSpec

LISTED = """
.automl/manifest.json .dockerignore .env.example .gitattributes .github/workflows/ci.yml .gitignore
.pre-commit-config.yaml AGENTS.md Makefile README.md config/base.yaml config/development.yaml
config/production.yaml constraints.txt data/catalog.json data/lineage.json data/manifest.json deployment/Dockerfile
deployment/compose.yaml deployment/grafana/dashboard.json
deployment/grafana/provisioning/dashboards/dashboards.yaml
deployment/grafana/provisioning/datasources/prometheus.yaml deployment/kubernetes/autoscaler.yaml
deployment/kubernetes/deployment.yaml
deployment/kubernetes/service.yaml deployment/prometheus/prometheus.yml project.yaml pyproject.toml
sql/training_table.sql src/P/__init__.py src/P/__main__.py src/P/custom_features.py src/P/data.py src/P/evaluate.py
src/P/features.py src/P/predict.py src/P/serve.py src/P/train.py tests/conftest.py tests/test_data_contract.py
tests/test_features.py tests/test_golden.py tests/test_leakage.py tests/test_service.py
"""


@pytest.fixture
def project(any_plan: ProjectPlan, tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    render_project(folder, any_plan, vendor=False)
    return folder


def texts(folder: Path) -> dict[str, str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".whl"]
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def package_of(folder: Path) -> str:
    return next((folder / "src").iterdir()).name


def test_the_tree_is_as_designed(project):
    package = package_of(project)
    found = [name for name in texts(project) if not name.startswith(".automl/base/")]
    assert found == sorted(name.replace("/P/", f"/{package}/") for name in LISTED.split())


def test_every_language_parses(project):
    for name, text in texts(project).items():
        suffix = Path(name).suffix
        if suffix == ".py":
            ast.parse(text)
        elif suffix in (".yaml", ".yml"):
            yaml.safe_load(text)
        elif suffix == ".toml":
            tomllib.loads(text)
        elif suffix == ".json":
            json.loads(text)
        assert text.endswith("\n") and not text.endswith("\n\n"), name
        assert "\r" not in text


def test_generated_code_passes_ruff(project):
    for arguments in (["check"], ["format", "--check", "--diff"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "src", "tests"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_generated_modules_are_short(project):
    for path in [*project.glob("src/*/*.py"), *project.glob("tests/*.py")]:
        # Lists of columns do not count: they have one column a line.
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not re.match(r"\s+['\"].*,$", line)]
        assert len([line for line in lines if line.strip()]) <= 65, path


@pytest.mark.parametrize("kind", ["project", "forecast", "unlabelled"])
@pytest.mark.parametrize("name", ["trials", "memory_gb", "models", "preprocessing", "strategy"])
def test_every_wish_about_the_training_reaches_the_fit(kind, name):
    # Where the task has no such option, the fit says so.
    [template] = (Path(automl_templates.__file__).parent / kind).rglob("train.py.jinja")
    assert f"{name}=settings.{name}," in template.read_text(encoding="utf-8")


def test_a_limit_of_the_time_of_an_answer_reaches_the_fit():
    [template] = (Path(automl_templates.__file__).parent / "project").rglob("train.py.jinja")
    assert "max_predict_us=project.spec.predict_us," in template.read_text(encoding="utf-8")
    for kind in ("forecast", "unlabelled"):
        # These take no limit; the fit says so.
        [template] = (Path(automl_templates.__file__).parent / kind).rglob("train.py.jinja")
        assert "max_predict_us=settings.max_predict_us," in template.read_text(encoding="utf-8")


def test_project_yaml_reads_back_exactly(any_plan, project):
    assert ProjectSpec.model_validate(yaml.safe_load((project / "project.yaml").read_text("utf-8"))) == any_plan.spec


def test_records_read_back_exactly(any_plan, project):
    data = project / "data"
    assert DataCatalog.model_validate_json((data / "catalog.json").read_bytes()) == any_plan.catalog
    assert Lineage.model_validate_json((data / "lineage.json").read_bytes()) == any_plan.lineage
    assert DataManifest.model_validate_json((data / "manifest.json").read_bytes()) == any_plan.manifest
    assert (project / "sql" / "training_table.sql").read_text(encoding="utf-8") == any_plan.sql + "\n"


def test_same_plan_gives_the_same_bytes(any_plan, project, tmp_path):
    render_project(tmp_path / "again", any_plan, vendor=False)
    assert texts(tmp_path / "again") == texts(project)


def constants(path: Path) -> dict[str, object]:
    """What the module assigns to names in capitals, as far as it is literal."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return found


def test_features_list_the_columns_by_kind(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    assert constants(tmp_path / "src" / "predict_lapse" / "features.py") == {
        "NUMBERS": ["fee", "visits.acct", "visits.minutes"],
        "CATEGORIES": ["plan"],
        "BOOLEANS": ["vip"],
        "TEXTS": ["notes"],
        "DATES": ["opened"],
    }


def test_data_lists_tables_columns_and_joins(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    path = tmp_path / "src" / "predict_lapse" / "data.py"
    found = constants(path)
    assert (found["TARGET"], found["POSITIVE"]) == ("lapsed?", "Yes")
    # The leak is not even read.
    assert found["COLUMNS"] == {
        "accounts": ["No.", "lapsed?", "fee", "vip", "plan", "opened", "notes"],
        "visits": ["acct", "minutes"],
    }
    assert "visits: acct = accounts.No., several rows each, aggregated" in path.read_text(encoding="utf-8")


def test_weird_names_arrive_unchanged(weird_plan, tmp_path):
    render_project(tmp_path, weird_plan, vendor=False)
    package = tmp_path / "src" / "class_project"
    target = weird_plan.spec.target
    assert constants(package / "data.py")["TARGET"] == target.column
    lists = constants(package / "features.py")
    listed = [name for columns in lists.values() for name in columns]
    dropped = {drop.column for drop in weird_plan.spec.data.drop}
    unfit = {target.column, *dropped, *weird_plan.spec.data.tables[0].key}
    assert sorted(listed) == sorted({column.name for column in weird_plan.columns} - unfit)


def test_readme_and_tests_name_what_was_found(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "leak: filled only when the target is Yes" in readme
    assert "reports/model_card.md" in readme
    raw = constants(tmp_path / "tests" / "test_service.py")["RAW_VALUES"]
    assert raw == {"fee": ("$1,234.50", "1234.5"), "vip": ("yes", "true")}
    linked = set(re.findall(r"\]\(([^)]+)\)", readme))
    assert {path for path in linked if not path.startswith("reports/") and not (tmp_path / path).exists()} == set()


def test_the_row_of_the_readme_has_all_columns_that_a_request_needs(plan, tmp_path):
    many = [plan.schema.columns[0].model_copy(update={"name": f"needed {n}", "required": True}) for n in range(20)]
    columns = [*plan.schema.columns, *many]
    shown = json.loads(_example_row(columns))
    assert {column.name for column in columns if column.required or not column.nullable} <= shown.keys()
    assert len(json.loads(_example_row(many[:3]))) == 3
    loose = [column.model_copy(update={"required": False, "nullable": True}) for column in many]
    assert len(json.loads(_example_row(loose))) == 8


def test_nothing_is_left_unrendered(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    for name, text in texts(tmp_path).items():
        assert not re.search(r"\{%|\{\{(?!status|kind)|cookiecutter|jinja", text), name


def test_ownership_is_recorded_with_pristine_texts(plan, tmp_path):
    render_project(tmp_path, plan, vendor=True)
    manifest = json.loads((tmp_path / ".automl" / "manifest.json").read_text(encoding="utf-8"))
    files = manifest["files"]
    owners = {owner: {name for name in files if files[name]["owner"] == owner} for owner in ("user", "seeded")}
    assert owners["user"] == {"src/predict_lapse/custom_features.py"}
    assert "project.yaml" in owners["seeded"]
    assert manifest["run_dependent"] == RUN_DEPENDENT
    for name, entry in files.items():
        content = (tmp_path / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        base = tmp_path / ".automl" / "base" / name
        assert base.exists() is not name.startswith(("data/", "vendor/"))
        assert not base.exists() or base.read_bytes() == content
    assert len(list((tmp_path / "vendor").iterdir())) == 2
    assert "COPY vendor/" in (tmp_path / "deployment" / "Dockerfile").read_text(encoding="utf-8")


def test_without_wheels_nothing_mentions_vendor_in_the_image(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    assert not (tmp_path / "vendor").exists()
    assert "vendor" not in (tmp_path / "deployment" / "Dockerfile").read_text(encoding="utf-8")


def test_no_path_leads_out_of_the_project(plan, tmp_path):
    render_project(tmp_path, plan, vendor=True)
    for name, text in texts(tmp_path).items():
        assert "/work/" not in text and str(tmp_path) not in text, name


def test_a_task_without_target_or_features_is_refused(plan, tmp_path):
    without = replace(plan, spec=plan.spec.model_copy(update={"target": None}))
    with pytest.raises(RequestError, match="without a target"):
        render_project(tmp_path / "a", without)
    with pytest.raises(RequestError, match="no column is left"):
        render_project(tmp_path / "b", replace(plan, columns=[]))


def test_version_of_the_runtime_is_required(plan, tmp_path):
    render_project(tmp_path, plan, vendor=False)
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dependencies"] == [f"automl-runtime[boost,serve,search]=={automl_runtime.__version__}"]
    assert project["requires-python"] == ">=3.11"


def test_generated_code_passes_strict_types(drafts, tmp_path):
    # One run for all: each package and each folder of tests under a name of its own.
    for name, draft in drafts.items():
        render_project(tmp_path / name, draft().plan(), vendor=False)
        package = package_of(tmp_path / name)
        shutil.copytree(tmp_path / name / "src" / package, tmp_path / "all" / package)
        shutil.copytree(tmp_path / name / "tests", tmp_path / "all" / f"{package}_tests")
        (tmp_path / "all" / f"{package}_tests" / "__init__.py").touch()
    config = tmp_path / "one_table" / "pyproject.toml"
    names = [path.name for path in sorted((tmp_path / "all").iterdir())]
    command = [sys.executable, "-m", "mypy", f"--config-file={config}"]
    done = subprocess.run(
        [*command, *(part for name in names for part in ("-p", name))],
        cwd=tmp_path / "all",
        env={**os.environ, "MYPYPATH": str(tmp_path / "all")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr

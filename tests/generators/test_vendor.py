from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import io
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from automl_generators.constraints import constraints_text, installed_versions
from automl_generators.vendor import DISTRIBUTIONS, build_wheel, vendor_runtime
from automl_runtime.errors import RequestError


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> list[Path]:
    return vendor_runtime(tmp_path_factory.mktemp("vendor"))


def test_a_wheel_of_each_distribution_is_made(wheels):
    version = importlib.metadata.version("automl-runtime")
    assert [wheel.name for wheel in wheels] == [f"{name}-{version}-py3-none-any.whl" for name in DISTRIBUTIONS.values()]


def test_the_same_files_give_the_same_bytes(wheels, tmp_path):
    assert [path.read_bytes() for path in vendor_runtime(tmp_path / "again")] == [path.read_bytes() for path in wheels]


def test_the_record_lists_every_file_with_its_hash(wheels):
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            record = next(name for name in names if name.endswith("RECORD"))
            rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
            assert [row[0] for row in rows] == names
            for name, digest, size in rows[:-1]:
                data = archive.read(name)
                expected = urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                assert (digest, size) == (f"sha256={expected}", str(len(data)))
            assert rows[-1] == [record, "", ""]
            assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_pip_installs_the_wheels_and_they_import(wheels, tmp_path):
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*command, "--target", str(target), *map(str, wheels)], check=True, capture_output=True)
    code = "import automl_runtime, automl_schemas; print(automl_runtime.__file__, automl_schemas.__file__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(target)!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.count(str(target)) == 2
    found = next(iter(importlib.metadata.distributions(name="automl-runtime", path=[str(target)])))
    assert found.requires == importlib.metadata.requires("automl-runtime")


def test_what_is_not_installed_is_refused(tmp_path):
    with pytest.raises(RequestError, match="not installed") as caught:
        build_wheel("no-such-distribution", "automl_runtime", tmp_path)
    assert "--no-vendor-runtime" in str(caught.value)
    with pytest.raises(RequestError, match="cannot be found"):
        build_wheel("automl-runtime", "no_such_package", tmp_path)


def test_compiled_code_is_refused(tmp_path, monkeypatch):
    package = tmp_path / "compiled_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "fast.so").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RequestError, match=r"compiled file fast\.so"):
        build_wheel("automl-runtime", "compiled_package", tmp_path)


def test_constraints_name_everything_that_is_installed_with_the_runtime():
    text = constraints_text()
    versions = dict(line.split("==") for line in text.splitlines()[1:])
    assert list(versions) == sorted(versions)
    assert versions["numpy"] == importlib.metadata.version("numpy")
    assert {"catboost", "starlette", "optuna", "pytest", "python-calamine"} <= versions.keys()
    assert not [name for name in versions if name.startswith("automl")]
    assert "://" not in text


def test_extras_count_only_where_they_are_asked_for():
    assert "catboost" not in installed_versions(["automl-runtime"])
    assert "catboost" in installed_versions(["automl-runtime[boost]"])
    assert installed_versions(["no-such-distribution"]) == {}

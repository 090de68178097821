"""Parts that others add: registered in a file, brought by packages, broken, with a name that is taken."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from automl_runtime.engine.registries import registry
from automl_runtime.errors import RequestError
from automl_runtime.plugins import KINDS, Registry, home, kind_named


def _install(folder, group, *lines):
    """A package with entry points, as pip leaves it."""
    about = folder / "others-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[automl.{group}]\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_parts_that_are_built_in_and_exist(kind):
    found = registry(kind).plugins()
    assert found
    for plugin in found.values():
        assert plugin.built_in
        assert callable(plugin.load())


@pytest.mark.parametrize(
    ("word", "kind"),
    [("architecture", "architectures"), ("metrics", "metrics"), ("strategy", "strategies"), ("metric", "metrics")],
)
def test_a_kind_is_known_in_the_singular_too(word, kind):
    assert kind_named(word) == kind


def test_an_unknown_kind_or_name_gets_the_nearest():
    with pytest.raises(RequestError, match="Did you mean architectures"):
        kind_named("architectture")
    with pytest.raises(RequestError, match=r"no metric 'roc_au'\. Did you mean roc_auc"):
        registry("metrics").named("roc_au")
    with pytest.raises(RequestError, match=r"no strategy 'ashd'\. Did you mean asht"):
        registry("strategies").named("ashd")


def test_what_is_registered_is_there_in_a_new_process(plugs):
    plugs("architectures", "centroids", "Centroids")
    code = (
        "import sys; from automl_runtime.engine.registries import registry;"
        "found = registry('architectures').plugins()['centroids'];"
        "assert 'user_parts' not in sys.modules; print(found.load().__name__, found.origin)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.split() == ["Centroids", "registered"]


@pytest.mark.parametrize(
    ("name", "target", "words"),
    [
        ("roc_auc", "math:sqrt", "already a part 'roc_auc'"),
        ("no name", "math:sqrt", "no name"),
        ("mine", "math.sqrt", "module.path:Class"),
        ("mine", "math:nothing", "cannot be loaded: AttributeError"),
        ("mine", "no_such_module:thing", "cannot be loaded: ModuleNotFoundError"),
        ("mine", "os;system:x", "module.path:Class"),
    ],
)
def test_what_cannot_be_registered_leaves_nothing_behind(plugs, name, target, words):
    with pytest.raises(RequestError, match=words):
        registry("metrics").register(name, target)
    assert not (home() / "plugins.json").exists()


def test_a_name_is_taken_once_and_free_after_it_was_removed(plugs):
    plugs("metrics", "misses", "misses")
    with pytest.raises(RequestError, match="--remove misses"):
        plugs("metrics", "misses", "shape")
    registry("metrics").remove("misses")
    plugs("metrics", "misses", "shape")
    plugs("evaluators", "misses", "shape")
    with pytest.raises(RequestError, match=r"no registered metric 'miss'\. Did you mean misses"):
        registry("metrics").remove("miss")


def test_a_folder_that_was_registered_does_not_stay_on_the_path(plugs):
    before = list(sys.path)
    plugs("metrics", "misses", "misses").load()
    assert sys.path == before


def test_entry_points_of_packages_are_found_and_a_taken_name_is_left_out(plugs, tmp_path, monkeypatch):
    _install(tmp_path / "site", "metrics", "root = math:sqrt", "roc_auc = math:cos")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    heard = []
    found = registry("metrics").plugins(heard.append)
    assert (found["root"].load()(9), found["root"].origin) == (3, "package others")
    assert found["roc_auc"].built_in
    assert ["roc_auc (math:cos, package others)" in text for text in heard] == [True]


def test_a_broken_part_is_named_and_left_out(plugs, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "breaks.py").write_text("raise RuntimeError('not today')")
    _install(tmp_path / "site", "architectures", "broken = breaks:Model")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    plugs("architectures", "centroids", "Centroids")
    heard = []
    assert list(Registry("architectures", {}).load_added(heard.append)) == ["centroids"]
    assert ["broken" in text and "not today" in text for text in heard] == [True]


@pytest.mark.parametrize("text", ["{", "[]", '{"plugins": [{"name": "x"}]}'])
def test_a_file_that_someone_spoiled_is_named(plugs, text):
    home().mkdir(parents=True)
    (home() / "plugins.json").write_text(text)
    with pytest.raises(RequestError, match=r"plugins\.json is not what"):
        registry("metrics").plugins()

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from automl_generators.update.merging import Merged
from automl_generators.update.pristine import Pristine, adopt_pristine
from automl_generators.update.trees import apply_changes, merge_trees
from automl_generators.vendor import build_wheel
from automl_runtime.errors import DataError
from generators.update.handmade import PACKAGE, write_tree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = b"one\ntwo\nthree\nfour\nfive\nsix\nseven\n"
NEWER = TEXT.replace(b"two", b"2")


def merged(mine: Path, new: Path, **options) -> dict[str, tuple[str, bool]]:
    """What becomes of each file, applied."""
    changes = merge_trees(mine, new, PACKAGE, **options)
    apply_changes(changes, mine)
    adopt_pristine(new, mine)
    return {change.path: (change.action, bool(change.conflicts)) for change in changes}


def test_a_file_that_nobody_edited_is_replaced(trees):
    mine, new = trees({"Makefile": TEXT}, {"Makefile": NEWER})
    assert merged(mine, new) == {"Makefile": ("replaced", False)}
    assert (mine / "Makefile").read_bytes() == NEWER


def test_edits_and_update_are_merged_and_the_mode_stays(trees):
    mine, new = trees({"Makefile": TEXT}, {"Makefile": NEWER})
    (mine / "Makefile").write_bytes(TEXT.replace(b"six", b"6"))
    (mine / "Makefile").chmod(0o755)
    assert merged(mine, new) == {"Makefile": ("merged", False)}
    assert (mine / "Makefile").read_bytes() == NEWER.replace(b"six", b"6")
    assert os.access(mine / "Makefile", os.X_OK)


def test_edits_of_a_file_that_is_generated_as_before_are_kept(trees):
    mine, new = trees({"Makefile": TEXT}, {"Makefile": TEXT})
    (mine / "Makefile").write_bytes(b"mine\n")
    assert merged(mine, new) == {"Makefile": ("kept", False)}


def test_nothing_is_said_of_a_file_that_stays_as_generated(trees):
    mine, new = trees({"Makefile": TEXT}, {"Makefile": TEXT})
    assert merged(mine, new) == {}


def test_what_the_user_already_wrote_as_the_update_has_it_is_no_change(trees):
    mine, new = trees({"Makefile": TEXT}, {"Makefile": NEWER})
    (mine / "Makefile").write_bytes(NEWER)
    assert merged(mine, new) == {}


def test_deleted_files_stay_deleted(trees):
    mine, new = trees({"Makefile": TEXT, "b": b"b\n"}, {"Makefile": NEWER, "b": b"b\n"})
    (mine / "Makefile").unlink()
    (mine / "b").unlink()
    assert merged(mine, new) == {"Makefile": ("kept", False), "b": ("kept", False)}
    assert not (mine / "Makefile").exists()
    assert not (mine / "b").exists()


def test_a_file_that_is_no_longer_generated_goes_unless_edited(trees):
    mine, new = trees({"deep/er/a": TEXT, "deep/b": TEXT, "c": TEXT}, {"c": TEXT})
    (mine / "deep" / "b").write_bytes(b"mine\n")
    assert merged(mine, new) == {"deep/b": ("kept", False), "deep/er/a": ("removed", False)}
    assert sorted(path.name for path in (mine / "deep").iterdir()) == ["b"]


def test_a_new_file_is_added_unless_the_user_has_one_of_that_name(trees):
    mine, new = trees({"c": TEXT}, {"c": TEXT, "a": TEXT, "b": TEXT})
    (mine / "b").write_bytes(NEWER)
    assert merged(mine, new) == {"a": ("added", False), "b": ("merged", True)}
    assert (mine / "a").read_bytes() == TEXT


def test_custom_features_are_never_touched(trees):
    name = f"src/{PACKAGE}/custom_features.py"
    mine, new = trees({name: b"old\n"}, {name: b"new\n"})
    (mine / name).write_bytes(b"mine\n")
    assert merged(mine, new) == {name: ("kept", False)}
    assert (mine / name).read_bytes() == b"mine\n"
    assert merged(mine, write_tree(new.parent / "newer", {name: b"newer\n"})) == {name: ("kept", False)}
    assert (mine / name).read_bytes() == b"mine\n"


def test_a_renamed_file_is_merged_where_it_is_now(trees):
    mine, new = trees({"deployment/Dockerfile": TEXT}, {"deployment/Dockerfile": NEWER})
    (mine / "docker").mkdir()
    (mine / "deployment" / "Dockerfile").rename(mine / "docker" / "Dockerfile")
    (mine / "docker" / "Dockerfile").write_bytes(TEXT.replace(b"six", b"6"))
    assert merged(mine, new) == {"docker/Dockerfile": ("merged", False)}
    assert (mine / "docker" / "Dockerfile").read_bytes() == NEWER.replace(b"six", b"6")
    assert not (mine / "deployment" / "Dockerfile").exists()


def test_a_link_in_the_place_of_a_file_is_not_written_through(trees, tmp_path):
    mine, new = trees({"a": TEXT, "folder/b": TEXT}, {"a": NEWER, "folder/b": NEWER})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(TEXT)
    (mine / "a").unlink()
    (mine / "a").symlink_to(outside / "b")
    shutil.rmtree(mine / "folder")
    (mine / "folder").symlink_to(outside)
    assert merged(mine, new) == {"a": ("kept", True), "folder/b": ("kept", True)}
    assert (outside / "b").read_bytes() == TEXT


def test_a_folder_in_the_place_of_a_new_file_is_a_conflict(trees):
    mine, new = trees({"c": TEXT}, {"c": TEXT, "notes": TEXT})
    (mine / "notes").mkdir()
    assert merged(mine, new) == {"notes": ("kept", True)}


def test_records_and_wheels_are_replaced_and_old_ones_go(trees):
    old = {"data/catalog.json": b"{}\n", "vendor/x-1.whl": b"1"}
    mine, new = trees(old, {"data/catalog.json": b"[]\n", "vendor/x-2.whl": b"2"})
    (mine / "data" / "catalog.json").write_bytes(b"edited\n")
    found = merged(mine, new)
    assert found == {
        "data/catalog.json": ("replaced", False),
        "vendor/x-1.whl": ("removed", False),
        "vendor/x-2.whl": ("added", False),
    }


def test_a_wheel_that_is_only_packed_otherwise_stays(trees):
    mine, new = trees({}, {})
    for folder in (mine, new):
        (folder / "vendor").mkdir()
    wheel = build_wheel("automl-schemas", "automl_schemas", mine / "vendor")
    with zipfile.ZipFile(wheel) as packed, zipfile.ZipFile(new / "vendor" / wheel.name, "w") as other:
        for name in packed.namelist():
            other.writestr(name, packed.read(name))
    for folder in (mine, new):
        write_tree(folder, {})
    assert merged(mine, new) == {}


def test_what_was_settled_is_taken(trees):
    mine, new = trees({"project.yaml": TEXT}, {"project.yaml": NEWER})
    assert merged(mine, new, settled={"project.yaml": Merged(b"so\n")}) == {"project.yaml": ("merged", False)}
    assert (mine / "project.yaml").read_bytes() == b"so\n"


def test_the_new_text_is_pristine_afterwards(trees):
    mine, new = trees({"a": TEXT, "gone": TEXT}, {"a": NEWER})
    (mine / "a").write_bytes(TEXT + b"mine\n")
    merged(mine, new)
    assert Pristine.load(mine).text("a") == NEWER
    assert Pristine.load(mine).names == ["a"]
    assert merged(mine, new) == {"a": ("kept", False)}


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", ".git/config", "a/../../b"])
def test_a_manifest_that_names_files_outside_is_refused(trees, name):
    mine, new = trees({"a": TEXT}, {"a": TEXT})
    path = mine / ".automl" / "manifest.json"
    path.write_text(path.read_text().replace('"a"', f'"{name}"'))
    with pytest.raises(DataError, match="not of the project"):
        merge_trees(mine, new, PACKAGE)


@pytest.mark.parametrize("text", [None, "", "[]", "{}"])
def test_a_manifest_that_cannot_be_read_is_refused(trees, text):
    mine, new = trees({"a": TEXT}, {"a": TEXT})
    path = mine / ".automl" / "manifest.json"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(DataError, match=r"manifest\.json"):
        merge_trees(mine, new, PACKAGE)


EDITS = st.sampled_from(["replace", "insert", "delete", "append"])


def with_edit(lines: list[str], edit: str, place: int, text: str) -> list[str]:
    """`lines` with one edit at `place`; `append` puts the text at the end."""
    before, after = lines[:place], lines[place + 1 :]
    return {
        "replace": [*before, text, *after],
        "insert": [*before, text, *lines[place:]],
        "delete": [*before, *after],
        "append": [*lines, text],
    }[edit]


@pytest.fixture(scope="module")
def editable(generated_files):
    """The generated files that have enough lines to be edited in two places."""
    texts = {name: content.decode().splitlines(keepends=True) for name, content in generated_files.items()}
    found = {name: lines for name, lines in texts.items() if len(lines) >= 2 and "custom_features" not in name}
    assert len(found) > 30
    return found


def trees_of(name: str, old: list[str], mine: list[str], new: list[str], folder: Path) -> tuple[Path, Path]:
    own = write_tree(folder / "mine", {name: "".join(old).encode()})
    (own / name).write_bytes("".join(mine).encode())
    return own, write_tree(folder / "new", {name: "".join(new).encode()})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_of_any_generated_file_survives_an_update_of_other_lines(editable, data):
    name = data.draw(st.sampled_from(sorted(editable)))
    lines = editable[name]
    edit, place = data.draw(EDITS), data.draw(st.integers(0, len(lines) - 1))
    touched = len(lines) - 1 if edit == "append" else place
    others = [index for index in range(len(lines)) if abs(index - touched) > 2]
    if not others:
        return
    other = data.draw(st.sampled_from(others))
    mine = with_edit(lines, edit, place, "# the user's own line\n")
    new = with_edit(lines, "replace", other, "# a line of the update\n")
    with tempfile.TemporaryDirectory() as folder:
        own, fresh = trees_of(name, lines, mine, new, Path(folder))
        changes = merge_trees(own, fresh, PACKAGE)
        apply_changes(changes, own)
        expected = with_edit(new, edit, place, "# the user's own line\n")
        assert (own / name).read_text() == "".join(expected)
        assert [(change.action, change.conflicts) for change in changes] == [("merged", ())]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_edit_of_a_line_that_the_update_changes_too_is_shown_as_a_conflict(editable, data):
    name = data.draw(st.sampled_from(sorted(editable)))
    lines = editable[name]
    place = data.draw(st.integers(0, len(lines) - 1))
    mine = with_edit(lines, "replace", place, "# the user's own line\n")
    new = with_edit(lines, "replace", place, "# a line of the update\n")
    with tempfile.TemporaryDirectory() as folder:
        own, fresh = trees_of(name, lines, mine, new, Path(folder))
        [change] = merge_trees(own, fresh, PACKAGE)
        [conflict] = change.conflicts
        assert conflict.path == name
        assert conflict.lines == (place + 1, place + 1)
        assert (conflict.yours, conflict.wanted) == ("# the user's own line\n", "# a line of the update\n")
        assert (own / name).read_text() == "".join(mine)

from __future__ import annotations

import pytest
from automl_runtime.errors import DataError
from automl_runtime.files import is_locked, lock, replace_file, write_text


def test_text_is_written_as_utf8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "deep" / "note.txt", "é\nb\n")
    assert (tmp_path / "deep" / "note.txt").read_bytes() == b"\xc3\xa9\nb\n"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"kept\.txt cannot be written: No space left"):
        replace_file(path, fail)
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["kept.txt"]


def test_an_error_of_the_writer_passes_through_and_cleans_up(tmp_path):
    def fail(temporary):
        raise ValueError("not a file matter")

    with pytest.raises(ValueError, match="not a file matter"):
        replace_file(tmp_path / "new.txt", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        write_text(tmp_path / "file" / "below.txt", "x")


def test_a_lock_lasts_as_long_as_its_file(tmp_path):
    with (tmp_path / "file").open("w") as file:
        assert lock(file)
        assert is_locked(tmp_path / "file")
        with (tmp_path / "file").open("a") as second:
            assert not lock(second)
    assert not is_locked(tmp_path / "file")
    assert not is_locked(tmp_path / "absent")

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

import pytest
from automl_generators.staging import staged
from automl_runtime.errors import Cancelled, DataError, RequestError


def fill(folder: Path, text: str = "new") -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "file.txt").write_text(text, encoding="utf-8")


def listing(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_folder_appears_at_the_end(tmp_path):
    out = tmp_path / "a" / "b" / "project"
    with staged(out) as folder:
        fill(folder)
        assert not out.exists()
        assert folder.parent == out.parent
    assert listing(tmp_path) == ["a", "a/b", "a/b/project", "a/b/project/deep", "a/b/project/deep/file.txt"]
    assert out.stat().st_mode & 0o777 == 0o755


def test_empty_folder_is_taken(tmp_path):
    out = tmp_path / "project"
    out.mkdir()
    with staged(out) as folder:
        fill(folder)
    assert listing(tmp_path) == ["project", "project/deep", "project/deep/file.txt"]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), RequestError("no")])
def test_error_leaves_nothing(tmp_path, error):
    with pytest.raises((ValueError, Cancelled)), staged(tmp_path / "new" / "project") as folder:
        fill(folder)
        raise error
    assert listing(tmp_path) == []


def test_full_folder_is_refused(tmp_path):
    fill(tmp_path, "old")
    with pytest.raises(RequestError, match="not empty") as caught, staged(tmp_path):
        pytest.fail("entered")
    assert caught.value.exit_code == 2
    assert "--force" in str(caught.value)


def test_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(RequestError, match="is a file"), staged(tmp_path / "file", force=True):
        pytest.fail("entered")


def test_force_moves_aside_to_the_first_free_name(tmp_path):
    out = tmp_path / "project"
    for text in ("first", "second", "third"):
        with staged(out, force=True) as folder:
            fill(folder, text)
    found = {path.parts[-3]: path.read_text(encoding="utf-8") for path in tmp_path.rglob("file.txt")}
    assert found == {"project": "third", "project.bak-1": "first", "project.bak-2": "second"}


def test_force_with_an_error_leaves_the_old_folder_in_place(tmp_path):
    out = tmp_path / "project"
    with staged(out) as folder:
        fill(folder, "old")
    with pytest.raises(ValueError, match="no"), staged(out, force=True):
        raise ValueError("no")
    assert listing(tmp_path) == ["project", "project/deep", "project/deep/file.txt"]


def test_force_puts_the_old_folder_back_when_the_new_one_cannot_be_renamed(tmp_path):
    out = tmp_path / "project"
    with staged(out) as folder:
        fill(folder, "old")
    with pytest.raises(OSError, match="No such file"), staged(out, force=True) as folder:
        folder.rmdir()
    assert (out / "deep" / "file.txt").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_force_does_not_move_the_current_folder(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.chdir(tmp_path / "deep")
    with pytest.raises(RequestError, match="current folder"), staged(tmp_path, force=True):
        pytest.fail("entered")


def test_folder_that_somebody_else_fills_meanwhile_is_kept(tmp_path):
    out = tmp_path / "project"
    with pytest.raises(RequestError, match="meanwhile"), staged(out) as folder:
        fill(folder)
        out.mkdir()
        fill(out, "theirs")
    assert (out / "deep" / "file.txt").read_text(encoding="utf-8") == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_full_disk_is_said_plainly(tmp_path):
    with pytest.raises(DataError, match="cannot be written: No space left") as caught, staged(tmp_path / "p"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "space" in str(caught.value.hint)
    assert listing(tmp_path) == []


def test_missing_permission_beside_is_said_plainly(tmp_path):
    with pytest.raises(RequestError, match="Permission denied"), staged(tmp_path / "p") as folder:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder / "x"))
    with pytest.raises(PermissionError), staged(tmp_path / "p"):
        raise PermissionError(errno.EACCES, "Permission denied", "/somewhere/else")


def test_works_outside_the_main_thread(tmp_path):
    def work() -> None:
        with staged(tmp_path / "project") as folder:
            fill(folder)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (tmp_path / "project" / "deep" / "file.txt").is_file()


def test_signal_handlers_are_put_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with staged(tmp_path / "project"):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


CHILD = textwrap.dedent(
    """
    import os, resource, sys, time
    from pathlib import Path
    from automl_generators.staging import staged
    from automl_runtime.errors import AutomlError
    mode, out = sys.argv[1:]
    if mode == "user":
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    if mode == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        with staged(Path(out)) as folder:
            (folder / "small").write_bytes(b"x")
            print("ready", flush=True)
            if mode == "wait":
                time.sleep(60)
            (folder / "large").write_bytes(b"x" * 100_000)
    except AutomlError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    """
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_and_exits_5(tmp_path, number):
    command = [sys.executable, "-c", CHILD, "wait", str(tmp_path / "new" / "project")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    assert child.returncode == 5, errors
    assert "cancelled" in errors
    assert listing(tmp_path) == []


def test_a_file_size_limit_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", CHILD, "limit", str(tmp_path / "project")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, listing(tmp_path)) == (3, [])
    assert "File too large" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="dropping the user needs root")
def test_a_folder_of_somebody_else_is_refused():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        command = [sys.executable, "-c", CHILD, "user", str(folder / "project")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert (done.returncode, listing(folder)) == (2, []), done.stderr
    assert "Permission denied" in done.stderr

"""Bad inputs at the door: a clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import gzip
import io
import json
import resource
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from warm import automl

REQUEST = "predict which members will leave"
ROWS = 60


def table(rows: int = ROWS, *, left=lambda n: "yes" if n % 3 == 0 else "no") -> str:
    lines = ["member,visits,plan,left"]
    lines += [f"m{n:04d},{(n * 7) % 31},{'gold' if n % 2 else 'basic'},{left(n)}" for n in range(rows)]
    return "\n".join(lines) + "\n"


NEW = ["new", REQUEST, "--out", "project", "--trials", "1", "--no-ask", "--data"]


def nothing(data: Path):
    data.rmdir()


def empty(data: Path):
    assert data.is_dir()


def only_images_and_logs(data: Path):
    (data / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (data / "run.log").write_text("".join(f"2024-01-01 00:00:{n:02d} INFO step {n} done\n" for n in range(40)))


def cut_in_a_quote_at_once(data: Path):
    (data / "members.csv").write_text('member,note,left\n"m1,started and never closed')


def empty_workbook(data: Path):
    (data / "members.xlsx").write_bytes(b"")


def encrypted_zip(data: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("members.csv", table())
    content = bytearray(buffer.getvalue())
    content[6] |= 1
    central = content.find(b"PK\x01\x02")
    content[central + 8] |= 1
    (data / "members.zip").write_bytes(bytes(content))


def zip_bomb(data: Path):
    with zipfile.ZipFile(data / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("members.csv", b"0" * 300_000_000)


def symlink_loop(data: Path):
    (data / "again").symlink_to(data)
    (data / "nowhere").symlink_to(data / "nowhere")


def one_class(data: Path):
    (data / "members.csv").write_text(table(left=lambda n: "no"))


def twelve_rows(data: Path):
    (data / "members.csv").write_text(table(12))


def all_null_target(data: Path):
    (data / "members.csv").write_text(table(left=lambda n: ""))


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (nothing, 3, "does not exist"),
        (empty, 3, "empty"),
        (only_images_and_logs, 3, "log"),
        (cut_in_a_quote_at_once, 3, "members.csv"),
        (empty_workbook, 3, "members.xlsx"),
        (encrypted_zip, 3, "encrypted"),
        (zip_bomb, 3, "bomb.zip"),
        (symlink_loop, 3, "link"),
        (one_class, 3, "two classes"),
        (all_null_target, 2, "could be predicted"),
    ],
)
def test_unusable_data_is_refused(tmp_path, make, code, words):
    data = tmp_path / "data"
    data.mkdir()
    make(data)
    done = automl(*NEW, data, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({"data"} if data.exists() else set())


def test_twelve_rows_are_refused_with_the_number(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    twelve_rows(data)
    done = automl(*NEW, data, cwd=tmp_path)
    assert done.returncode in {3, 4}
    assert "rows" in done.stderr
    assert not (tmp_path / "project").exists()


AS_NOBODY = """
import os, sys
from automl_agent.cli.main import _run
assert _run(["discover", "fine"]) == 0  # imports everything while the interpreter can still be read
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(_run(["discover", "locked"]))
"""


def test_unreadable_file_is_named(tmp_path):
    for name in ("fine", "locked"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "members.csv").write_text(table())
    (tmp_path / "locked" / "members.csv").chmod(0)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.owner() == tmp_path.owner() and folder != Path("/"):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "members.csv" in done.stderr
    assert "ermission" in done.stderr


def _small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_disk_full_leaves_nothing(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "members.csv").write_text(table(2000))
    command = [sys.executable, "-m", "automl_agent", *NEW, str(data)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, preexec_fn=_small_files, timeout=300, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "all_null.csv",
            "member,visits,void,left\n" + "".join(f"m{n},{n % 9},,{'yes' if n % 3 else 'no'}\n" for n in range(90)),
        ),
        (
            "twice.csv",
            "member,visits,visits,left\n"
            + "".join(f"m{n},{n % 9},{n % 5},{'yes' if n % 3 else 'no'}\n" for n in range(90)),
        ),
        (
            "names.csv",
            'member,"the ""visits""","two\nlines",🦊 fox,left\n'
            + "".join(f"m{n},{n % 9},{n % 5},{n % 7},{'yes' if n % 3 else 'no'}\n" for n in range(90)),
        ),
        (
            "cell.csv",
            "member,note,visits,left\n"
            + "".join(
                f"m{n},{'x' * (10_000_000 if n == 7 else 3)},{n % 9},{'yes' if n % 3 else 'no'}\n" for n in range(90)
            ),
        ),
    ],
    ids=["all-null column", "repeated name", "hostile names", "cell of 10 MB"],
)
def test_odd_tables_are_understood(tmp_path, name, content):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).write_text(content)
    done = automl("spec", REQUEST, "--data", "data", "--no-ask", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spec"]["target"]["column"] == "left"


def test_five_thousand_columns_are_understood(tmp_path):
    names = [f"c{n}" for n in range(4999)]
    lines = [",".join([*names, "left"])]
    lines += [",".join([*(str((row * n) % 17) for n in range(4999)), "yes" if row % 3 else "no"]) for row in range(60)]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    done = automl("spec", REQUEST, "--data", "wide.csv", "--no-ask", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["spec"]["target"]["column"] == "left"


def test_out_that_is_taken_is_refused_and_untouched(tmp_path):
    (tmp_path / "members.csv").write_text(table(200))
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "mine.txt").write_text("keep me")
    done = automl(*NEW, "members.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new", ""], "what to predict"),
        (["new", "hello there", "--data", "members.csv.gz"], "predict"),
        (["new", REQUEST], "--data"),
        (["new", REQUEST, "--data", "members.csv.gz", "--budget", "soon"], "60s"),
        (["new", REQUEST, "--data", "members.csv.gz", "--strategy", "magic"], "Possible: auto, asht"),
        (["new", f'{{"request": "{REQUEST}", "strategy": "tbe"}}', "--data", "members.csv.gz"], "Did you mean tpe"),
        (["new", REQUEST, "--data", "members.csv.gz", "--holdout-from", "May"], "2024-07-01"),
        (["new", REQUEST, "--data", "members.csv.gz", "--answer", "nonsense"], "id=value"),
        (["new", REQUEST, "--data", "members.csv.gz", "--answer", "colour=red", "--no-ask"], "colour"),
        (["new", REQUEST, "--data", "members.csv.gz", "--keep", "members.visit"], "visits"),
        (["spec", "predict the stock price of Apple", "--data", "members.csv.gz", "--no-ask"], "members"),
        (["new", '{"objective":' * 5000, "--data", "members.csv.gz"], "nested too deeply"),
        (["frobnicate"], "frobnicate"),
        (["report", "."], "project.yaml"),
    ],
)
def test_wrong_words_exit_2_or_3_and_say_what_is_right(tmp_path, arguments, words):
    with gzip.open(tmp_path / "members.csv.gz", "wt") as stream:
        stream.write(table(200))
    done = automl(*arguments, cwd=tmp_path)
    assert done.returncode == (3 if arguments[0] == "report" else 2), done.stderr
    assert words in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["members.csv.gz"]


def test_control_characters_of_a_request_go_nowhere(tmp_path):
    (tmp_path / "members.csv").write_text(table(200))
    request = "predict \x01\x1b[31mwho left"
    done = automl("spec", request, "--data", "members.csv", "--no-ask", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["spec"]["target"]["column"] == "left"
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("arguments", "words"), [([], "automl new"), (["--version"], "automl 0.")])
def test_without_a_command_it_says_what_it_is(tmp_path, arguments, words):
    done = automl(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert words in done.stdout


def test_json_errors_are_one_object_on_stdout(tmp_path):
    done = automl("discover", "nowhere", "--json", cwd=tmp_path)
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["exit_code"] == 3

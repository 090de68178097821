"""`automl mcp` as a person types it; what a client sees is in tests/agent/mcp."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from automl_agent.mcp import install


@pytest.mark.parametrize("client", list(install.CLIENTS))
def test_the_configuration_of_each_client_starts_the_server(automl, tmp_path, client):
    code, out, err = automl("mcp", "install", "--client", client, "--workspace", str(tmp_path / "work"))
    (servers,) = json.loads(out).values()
    assert code == 0
    assert install.CLIENTS[client].file in err
    server = servers["automl"]
    assert Path(server["command"]).is_absolute()
    done = subprocess.run([server["command"], *server["args"]], input="", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert f"workspace {tmp_path / 'work'} (made)" in done.stderr


def test_a_configuration_names_absolute_folders_and_no_secret(automl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOML_MCP_TOKEN", "a-secret-of-somebody")
    _, out, _ = automl("mcp", "install", "--allow-read", "data")
    arguments = json.loads(out)["mcpServers"]["automl"]["args"]
    assert arguments[-4:] == ["--workspace", str(tmp_path / "automl-workspace"), "--allow-read", str(tmp_path / "data")]
    assert "secret" not in out
    assert not (tmp_path / "automl-workspace").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--http", "8000"], "not of the form HOST:PORT"),
        (["--http", "::1:80"], "not of the form HOST:PORT"),
        (["--http", "127.0.0.1:70000"], "not of the form HOST:PORT"),
        (["--http", "127.0.0.1:١"], "not of the form HOST:PORT"),
        (["--http", "0.0.0.0:0"], "other machines would reach the tools"),
        (["--http", "[::]:0"], "other machines would reach the tools"),
        (["--http", "127.0.0.1:0", "--token-env", "NOT_SET"], "$NOT_SET is empty or not set"),
        (["--http", "127.0.0.1:0", "--token-env", "SHORT"], "at least 16 characters"),
        (["--token-env", "SHORT"], "for a server over HTTP"),
        (["--allow-host", "x"], "for a server over HTTP"),
        (["--allow-read", "nothing-here"], "is not a folder"),
        (["--workspace", "a-file"], "cannot be made"),
        (["--http", "127.0.0.1:0", "install"], "stand after its name"),
        (["install", "--client", "emacs"], "emacs"),
        (["dance"], "No such command"),
    ],
)
def test_what_cannot_be_served_is_refused_and_leaves_nothing(automl, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORT", "too-short")
    monkeypatch.delenv("AUTOML_MCP_TOKEN", raising=False)
    Path("a-file").write_text("x", encoding="utf-8")
    code, out, err = automl("mcp", *arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


def test_the_skill_is_printed_or_written(automl, tmp_path):
    _, printed, _ = automl("mcp", "skill")
    _, path, _ = automl("mcp", "skill", "--out", str(tmp_path / "skills"))
    written = Path(path.strip())
    assert written == tmp_path / "skills" / "automl" / "SKILL.md"
    assert written.read_text(encoding="utf-8").strip() == printed.strip()
    assert printed.startswith("---\nname: automl\ndescription: ")


def test_a_skill_is_not_written_into_a_file(automl, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    code, _, err = automl("mcp", "skill", "--out", str(tmp_path / "file"))
    assert code == 2
    assert "cannot be made" in err


def test_commands_that_the_skill_shows_are_there(automl):
    shown = [line.split() for line in install.skill().split("```")[1].strip().splitlines()]
    assert len(shown) > 8
    for words in shown:
        code, out, _ = automl(words[1], "--help")
        assert code == 0
        for option in (word for word in words if word.startswith("--")):
            assert option in out


def test_without_the_extra_one_line_says_how_to_get_it(tmp_path):
    code = "import sys; sys.modules['mcp'] = sys.modules['mcp_types'] = None; from automl_agent.cli import main; main(sys.argv[1:])"
    for more in ([], ["--http", "127.0.0.1:0"]):
        command = [sys.executable, "-c", code, "mcp", *more]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, input="", timeout=120)
        assert done.returncode == 1
        assert done.stderr.splitlines() == [
            "automl: `mcp` is not installed.",
            '  pip install "automl-cli[mcp]"',
        ]
    assert list(tmp_path.iterdir()) == []

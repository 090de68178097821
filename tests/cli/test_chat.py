from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

OFF = ("--llm", "off")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "fruit.csv").write_text(
        "weight,ripe\n" + "".join(f"{n},{'yes' if n > 9 else 'no'}\n" for n in range(20))
    )
    return tmp_path


@pytest.fixture
def chat(automl, folder, monkeypatch):
    """Says lines to `automl chat` in a folder."""

    def call(text, *options):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        return automl("chat", "--workspace", str(folder), *options)

    return call


def test_lines_of_standard_input_are_heard_to_their_end(chat, folder):
    code, out, _ = chat("what is in fruit.csv\n\nlist projects\n", *OFF)
    assert (code, out.splitlines()) == (0, ["fruit: 20 rows, 2 columns (weight, ripe)", "no project yet"])
    lines = [json.loads(line) for line in (folder / ".automl" / "transcript.jsonl").read_text().splitlines()]
    assert [line["tool"] for line in lines if line["kind"] == "call"] == ["discover_data", "list_projects"]


def test_after_quit_nothing_is_heard(chat):
    assert chat("quit\nwhat is in fruit.csv\n", *OFF)[:2] == (0, "")


@pytest.mark.parametrize(("text", "code"), [("sing\n", 2), ("look at ./nowhere\n", 3), ("sing\nhelp\n", 2)])
def test_what_fails_gives_the_exit_code(chat, text, code):
    assert chat(text, *OFF)[0] == code


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budget", "long"), "duration"),
        (("--tool-calls", "0"), "tool-calls"),
        (("--llm", "some-model"), "endpoint"),
        (("--workspace", "/dev/null"), "cannot be made"),
        (("no-such-project",), "no project"),
    ],
)
def test_wrong_options_are_refused(chat, monkeypatch, options, said):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)
    code, _, told = chat("help\n", *options)
    assert code in (1, 2)
    assert said in told


def test_a_limit_of_calls_ends_a_sentence(chat):
    code, out, _ = chat("predict ripe from fruit.csv\n", *OFF, "--tool-calls", "1")
    assert code == 1
    assert "Stopped: 1 calls of tools" in out


class Terminal:
    """`automl chat` on a terminal of its own."""

    def __init__(self, folder):
        self._inside, outside = pty.openpty()
        command = [sys.executable, "-m", "automl_agent", "chat", *OFF, "--workspace", str(folder), "--budget", "60s"]
        environment = {**os.environ, "TERM": "dumb", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            command, stdin=outside, stdout=outside, stderr=outside, env=environment, start_new_session=True
        )
        os.close(outside)
        self.seen = ""

    def until(self, text, seconds=120):
        last = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < last, self.seen
            if select.select([self._inside], [], [], 1)[0]:
                self.seen += os.read(self._inside, 10_000).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, text):
        os.write(self._inside, f"{text}\n".encode())

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def ended_by_interrupts(self, most=10):
        """The exit code; the first Ctrl-C may still belong to the answer before, as it may for a person."""
        for _ in range(most):
            self.interrupt()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(6)
        return None

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._inside)


@pytest.fixture
def terminal(folder):
    opened = Terminal(folder)
    yield opened
    opened.close()


def test_on_a_terminal_it_asks_and_ends_with_ctrl_c(terminal):
    terminal.until("> ")
    terminal.type("fruit.csv")
    terminal.until("your answer")
    terminal.type("9")
    terminal.until("from 1 to 3")
    terminal.type("1")
    terminal.until("fruit: 20 rows")
    terminal.until("> ")
    assert terminal.ended_by_interrupts() == 5


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_alone_and_names_it(terminal, automl, folder):
    terminal.until("> ")
    terminal.type("predict ripe from fruit.csv")
    terminal.until("it goes on.")
    terminal.until("discovered: ")
    terminal.interrupt()
    terminal.until("Stopped.")
    terminal.until("(create_project) goes on")
    terminal.until("> ")
    terminal.type("cancel")
    terminal.until("[y/N]")
    terminal.type("y")
    terminal.until("cancelled")
    terminal.type("quit")
    assert terminal.process.wait(60) == 0

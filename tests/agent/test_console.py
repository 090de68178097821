from __future__ import annotations

import io
import re
import time

from automl_agent.console import Narrator, narrate
from automl_runtime.events import Finding, Progress, TrialFinished, Warned


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_findings_are_lines_with_their_topic_in_a_column():
    stream = io.StringIO()
    Narrator(stream)(Finding("grounded", "the target"))
    assert stream.getvalue() == "  grounded    the target\n"


def test_quiet_shows_warnings_only():
    stream = io.StringIO()
    narrator = Narrator(stream, quiet=True)
    narrator(Finding("grounded", "the target"))
    narrator(Progress("training", 1, 2))
    narrator(Warned("look here"))
    assert stream.getvalue() == "  warning     look here\n"


def test_progress_off_a_terminal_speaks_only_after_a_while(monkeypatch):
    stream = io.StringIO()
    narrator = Narrator(stream)
    clock = iter([0.0, 1.0, 9.0, 9.0, 10.0])
    monkeypatch.setattr("automl_agent.console.time.monotonic", lambda: next(clock))
    for done in (1, 2):
        narrator(Progress("reading", done, 4, "file"))
    assert stream.getvalue() == "  reading     50 % file\n"


def test_a_terminal_gets_a_bar_that_goes_away():
    stream = Terminal()
    with narrate(stream=stream) as narrator:
        narrator(Progress("training", 1, 10))
        narrator(TrialFinished(3, "linear", 0.8, 0.9, 0.1))
        narrator(Progress("training", 5, 10))
        narrator(Finding("trained", "done"))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "trained     done" in text
    assert "training" not in text.splitlines()[-1]


def test_nothing_is_drawn_while_a_question_is_asked():
    stream = Terminal()
    with narrate(stream=stream) as narrator:
        narrator(Progress("reading", 1, 4, "a.csv"))
        with narrator.paused():
            drawn = stream.getvalue()
            time.sleep(0.3)
            assert stream.getvalue() == drawn
        narrator(Progress("joining", 1, 4, "tables"))
    assert "joining" in stream.getvalue()

from __future__ import annotations

import pytest
from automl_agent.durations import parse_duration
from automl_runtime.errors import RequestError


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("2m", 120), ("1.5h", 5400), ("45", 45), (" 3 M ", 180)])
def test_durations_are_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0s", "-5s", "5 days", "1m30"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(RequestError, match="60s"):
        parse_duration(text)

"""The command line in this process."""

from __future__ import annotations

import pytest
from automl_agent.cli import main


@pytest.fixture
def automl(capsys):
    """Runs a command; its exit code, what it printed, and what it told people."""

    def call(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return call

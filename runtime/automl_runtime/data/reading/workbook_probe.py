"""Whether the reader of workbooks survives a file, tried in a process of its own.

The reader is written in Rust and takes the sizes that a file claims for true: a damaged .xls, .xlsb or .ods file can
ask for terabytes, which ends the process that reads it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

__all__ = ["survives"]

_SECONDS: Final = 300
_MOST_BYTES: Final = 8 << 30
_PROBE: Final = """
import io, sys
from python_calamine import CalamineError, CalamineWorkbook
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_AS)[1]))
except (ImportError, ValueError):
    pass  # no such limits here, or a lower one is set
try:
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
    for index in range(len(workbook.sheet_names)):
        workbook.get_sheet_by_index(index)
except (CalamineError, ValueError):
    pass  # refused in good order; the caller will see the same
"""


def survives(raw: bytes) -> bool:
    """Whether reading every sheet of the workbook `raw` ends well, within five minutes and 8 GiB."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROBE, str(_MOST_BYTES)],
            input=raw,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0

"""The scripted endpoint of examples/openai_loop, for tests."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_FILE = Path(__file__).parents[1] / "examples" / "openai_loop" / "scripted.py"
_spec = importlib.util.spec_from_file_location("scripted_example", _FILE)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

call, say, serve = _module.call, _module.say, _module.serve

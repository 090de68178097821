"""Renders the repository of a project, and finishes it after training."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from collections.abc import Iterable, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import automl_runtime
from automl_generators.plan import ProjectPlan, describe
from automl_generators.vendor import vendor_runtime
from automl_runtime.registry.aliases import find_version
from automl_runtime.registry.bundle import verify_bundle
from automl_runtime.registry.signing import trust
from automl_schemas.base import Contract

__all__ = ["LARGEST_BUNDLE", "finish_project", "render_project"]

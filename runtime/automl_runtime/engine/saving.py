"""Files of models that are a JSON record and arrays, and nothing else."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

from automl_runtime.errors import BundleError, shorten

__all__ = ["Arrays", "read_parts", "write_parts"]

Arrays: TypeAlias = dict[str, np.ndarray[Any, Any]]
Built = TypeVar("Built")

_VERSION = 1
_ARRAYS = "arrays.npz"


def write_parts(
    folder: Path, name: str, record: Mapping[str, Any], arrays: Arrays, beside: str = _ARRAYS
) -> list[Path]:
    """Writes `record` to the file `name` in `folder` and the arrays into `beside`; returns the files, sorted."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / beside, **arrays)  # type: ignore[arg-type]
    text = json.dumps({"version": _VERSION, **record}, ensure_ascii=False, allow_nan=False)
    (folder / name).write_text(text + "\n", encoding="utf-8")
    return sorted([folder / name, folder / beside])


def read_parts(
    path: Path | str, name: str, build: Callable[[dict[str, Any], Arrays], Built], beside: str = _ARRAYS
) -> Built:
    """What `build` makes of what `write_parts` wrote.

    Raises:
        BundleError: if a file is missing, has another version, or does not hold what `build` looks for.
    """
    folder = Path(path)
    try:
        record = json.loads((folder / name).read_text(encoding="utf-8"))
        if record["version"] != _VERSION:
            raise BundleError(f"The model has format {record['version']!r}; this version reads {_VERSION}.")
        with (folder / beside).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return build(record, arrays)
    except BundleError:
        raise
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(f"The model in {shorten(str(folder))} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(f"The model in {shorten(str(folder))} is not valid: {error!r}") from error

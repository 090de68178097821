"""Wheels of the running runtime, which are on no index, for the `vendor/` folder of a project.

A pure Python wheel is a zip archive of the package, its metadata and a list of hashes (PEP 427), so it is written here
directly: the same way from an editable and from an installed distribution, without a build tool and without a network.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import importlib.util
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from automl_runtime.errors import RequestError

__all__ = ["DISTRIBUTIONS", "build_wheel", "vendor_runtime"]

DISTRIBUTIONS: Final = {"automl-schemas": "automl_schemas", "automl-runtime": "automl_runtime"}
"""Distribution -> its import package."""

_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: automl\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_WITHOUT: Final = "Leave the wheels out with --no-vendor-runtime."
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNWANTED: Final = frozenset({".pyc", ".pyo", ".nbi", ".nbc", ".swp"})


def vendor_runtime(folder: Path) -> list[Path]:
    """Writes the wheels of `DISTRIBUTIONS` to `folder`, which is made; the paths written.

    Raises:
        RequestError: if one of them is not installed, or holds compiled code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [build_wheel(distribution, package, folder) for distribution, package in DISTRIBUTIONS.items()]


def build_wheel(distribution: str, package: str, folder: Path) -> Path:
    """Writes the wheel of an installed pure Python distribution; the same files give the same bytes.

    Raises:
        RequestError: if it is not installed, or holds compiled code.
    """
    metadata = _metadata(distribution)
    version = importlib.metadata.version(distribution)
    information = f"{package}-{version}.dist-info"
    contents = {f"{package}/{name}": data for name, data in _package_files(package)}
    contents |= {
        f"{information}/METADATA": metadata.encode(),
        f"{information}/WHEEL": _WHEEL.encode(),
        f"{information}/top_level.txt": f"{package}\n".encode(),
    }
    record = f"{information}/RECORD"
    contents[record] = _record(contents, record).encode()
    path = folder / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return path


def _metadata(distribution: str) -> str:
    try:
        text = importlib.metadata.distribution(distribution).read_text("METADATA")
    except importlib.metadata.PackageNotFoundError:
        text = None
    if text is None:
        raise RequestError(
            f"`{distribution}` runs here but is not installed, so no wheel of it can be made.",
            hint=f"pip install {distribution}, or leave the wheels out with --no-vendor-runtime.",
        )
    return text


def _package_files(package: str) -> Iterable[tuple[str, bytes]]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RequestError(f"the package `{package}` cannot be found.", hint=_WITHOUT)
    root = Path(spec.submodule_search_locations[0])
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root)
        hidden = any(part.startswith((".", "__pycache__")) for part in name.parts)
        if hidden or path.suffix in _UNWANTED or not path.is_file():
            continue
        if path.suffix in {".so", ".pyd", ".dylib"}:
            raise RequestError(
                f"`{package}` holds the compiled file {name.as_posix()}, so its wheel is not portable.",
                hint=_WITHOUT,
            )
        yield name.as_posix(), path.read_bytes()


def _record(contents: dict[str, bytes], record: str) -> str:
    lines = []
    for name, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{record},,", ""])

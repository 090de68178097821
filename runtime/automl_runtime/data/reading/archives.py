"""Files out of archives, below a temporary folder, with caps against archives that are made to do harm.

Members get numbered names on disk, so that no path in an archive can lead anywhere; links and devices are left out.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import zstandard
from automl_schemas.catalog import IgnoredFile

from automl_runtime.errors import DataError

__all__ = ["Limits", "Member", "Unpacked", "decompress", "unpack"]

_BLOCK = 1 << 20
_ZSTD_BLOCK = 512
_OPENERS: Final[dict[str, Callable[..., Any]]] = {"gzip": gzip.GzipFile, "bzip2": bz2.BZ2File, "xz": lzma.LZMAFile}
_BROKEN: Final = (
    *(zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, zstandard.ZstdError),
    *(EOFError, OSError, NotImplementedError, RuntimeError, ValueError),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an archive may hold."""

    total: int = 8 << 30
    """Bytes of all members together."""
    ratio: int = 250
    """Bytes out for a byte in, looked at once more than `spared` bytes are out."""
    spared: int = 32 << 20
    members: int = 20_000


@dataclass(frozen=True, slots=True)
class Member:
    """A file taken out of an archive."""

    path: Path
    name: str
    """Its path inside the archive."""


@dataclass(slots=True)
class Unpacked:
    """The files of an archive and what was left out of it."""

    members: list[Member] = field(default_factory=list)
    ignored: list[IgnoredFile] = field(default_factory=list)


@dataclass(slots=True)
class _Meter:
    """Counts bytes on their way out and stops an archive that swells too much."""

    file: str
    size: int
    limits: Limits
    out: int = 0

    def count(self, number: int) -> None:
        self.out += number
        if self.out > self.limits.total:
            raise DataError(
                f"{self.file} unpacks to more than {self.limits.total:,} bytes.",
                hint="Unpack it yourself and point at the folder.",
            )
        if self.out > self.limits.spared and self.out > self.limits.ratio * max(self.size, 1):
            raise DataError(
                f"{self.file} swells to more than {self.limits.ratio} times its size: it looks like a zip bomb.",
                hint="If it is yours, unpack it yourself and point at the folder.",
            )


def decompress(path: Path, codec: str, target: Path, *, file: str, limits: Limits | None = None) -> None:
    """Writes the content of a `gzip`, `bzip2`, `xz` or `zstd` file to `target`.

    Raises:
        DataError: if the file is broken or swells too much; `target` is removed.
    """
    meter = _Meter(file, path.stat().st_size, limits or Limits())
    try:
        blocks = _zstd_blocks(path) if codec == "zstd" else _blocks(path, codec)
        with target.open("wb") as sink:
            for block in blocks:
                meter.count(len(block))
                sink.write(block)
    except DataError:
        target.unlink(missing_ok=True)
        raise
    except _BROKEN as problem:
        target.unlink(missing_ok=True)
        raise DataError(f"{file}: the {codec} data are broken or cut off ({problem}).") from problem


def _blocks(path: Path, codec: str) -> Iterator[bytes]:
    with _OPENERS[codec](path) as source:
        while block := source.read(_BLOCK):
            yield block


def _zstd_blocks(path: Path) -> Iterator[bytes]:
    """The content of all frames; fed in small pieces, as few bytes may become 128 KiB each.

    Raises:
        EOFError: if the last frame is cut off, which the library's own reader does not tell.
    """
    decompressor = zstandard.ZstdDecompressor()
    frame, begun = decompressor.decompressobj(), False
    with path.open("rb") as source:
        while piece := source.read(_ZSTD_BLOCK):
            while piece:
                yield frame.decompress(piece)
                begun, piece = not frame.eof, frame.unused_data
                if frame.eof:
                    frame = decompressor.decompressobj()
    if begun:
        raise EOFError("the last frame is incomplete")


def _copy(source: IO[bytes], target: Path, meter: _Meter) -> None:
    with target.open("wb") as sink:
        while block := source.read(_BLOCK):
            meter.count(len(block))
            sink.write(block)


def unpack(path: Path, folder: Path, *, file: str, limits: Limits | None = None) -> Unpacked:
    """The members of a zip or tar archive, written below `folder`, in the order of their names.

    Raises:
        DataError: if the archive is broken, encrypted as a whole, or more than `limits` allow; `folder` is removed.
    """
    allowed = limits or Limits()
    meter = _Meter(file, path.stat().st_size, allowed)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if _starts_like_zip(path):
            return _unzip(path, folder, file, meter)
        return _untar(path, folder, file, meter)
    except DataError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except _BROKEN as problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"{file}: the archive is broken or cut off ({problem}).") from problem


def _starts_like_zip(path: Path) -> bool:
    """By its first bytes: a tar whose last member is a zip file ends like one."""
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def _unzip(path: Path, folder: Path, file: str, meter: _Meter) -> Unpacked:
    unpacked = Unpacked()
    with zipfile.ZipFile(path) as archive:
        infos = sorted((info for info in archive.infolist() if not info.is_dir()), key=lambda info: info.filename)
        _check_count(len(infos), meter)
        locked = [info for info in infos if info.flag_bits & 1]
        if locked and len(locked) == len(infos):
            raise DataError(
                f"{file} is encrypted: it cannot be read without its password.",
                hint="Unpack it with its password and point at the folder.",
            )
        for number, info in enumerate(infos):
            linked = stat.S_ISLNK(info.external_attr >> 16)
            reason = _refusal(info.filename, linked=linked, locked=bool(info.flag_bits & 1))
            if reason is not None:
                unpacked.ignored.append(IgnoredFile(path=f"{file}!/{info.filename}", reason=reason))
                continue
            target = _target(folder, number, info.filename)
            with archive.open(info) as source:
                _copy(source, target, meter)
            unpacked.members.append(Member(target, _tidy(info.filename)))
    return unpacked


def _untar(path: Path, folder: Path, file: str, meter: _Meter) -> Unpacked:
    unpacked = Unpacked()
    with tarfile.open(path, "r:*") as archive:
        for number, info in enumerate(_tar_members(archive, meter)):
            reason = _refusal(info.name, linked=info.issym() or info.islnk(), special=not info.isreg())
            source = archive.extractfile(info) if reason is None else None
            if source is None:
                unpacked.ignored.append(IgnoredFile(path=f"{file}!/{info.name}", reason=reason or "not a file"))
                continue
            target = _target(folder, number, info.name)
            with source:
                _copy(source, target, meter)
            unpacked.members.append(Member(target, _tidy(info.name)))
    unpacked.members.sort(key=lambda member: member.name)
    unpacked.ignored.sort(key=lambda ignored: ignored.path)
    return unpacked


def _tar_members(archive: tarfile.TarFile, meter: _Meter) -> Iterator[tarfile.TarInfo]:
    """Members one by one: a tar has no table of contents that could be checked before."""
    count = 0
    for info in archive:
        if not info.isdir():
            count += 1
            _check_count(count, meter)
            yield info


def _check_count(count: int, meter: _Meter) -> None:
    if count > meter.limits.members:
        raise DataError(
            f"{meter.file} holds more than {meter.limits.members:,} files.",
            hint="Unpack it yourself and point at the folder.",
        )


def _refusal(name: str, *, linked: bool = False, locked: bool = False, special: bool = False) -> str | None:
    """Why a member is left out, None when it is not."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or (parts and parts[0].endswith(":")):
        return "its path leads out of the archive"
    if linked:
        return "a link inside an archive"
    if special:
        return "not a regular file"
    return "encrypted" if locked else None


def _target(folder: Path, number: int, name: str) -> Path:
    """Where a member is written: its number and a harmless suffix."""
    suffix = "".join(sign for sign in PurePosixPath(name).suffix[:12] if sign.isalnum() or sign == ".")
    return folder / f"{number:06d}{suffix}"


def _tidy(name: str) -> str:
    return "/".join(part for part in PurePosixPath(name.replace("\\", "/")).parts if part != ".")

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard
from automl_runtime.data.reading.archives import Limits, decompress, unpack
from automl_runtime.errors import DataError

TEXT = b"a,b\n1,2\n3,4\n"


def zip_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def lock(path: Path, *, every: int = 1) -> None:
    """Sets the flag bit of encryption on every `every`-th entry, in both kinds of headers."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place, count = data.find(signature), 0
        while place >= 0:
            data[place + offset] |= 1 if count % every == 0 else 0
            place, count = data.find(signature, place + 4), count + 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("codec", "compress"),
    [
        ("gzip", gzip.compress),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
    ],
)
def test_compressed_files_are_read_and_broken_ones_refused(tmp_path: Path, codec: str, compress) -> None:  # type: ignore[no-untyped-def]
    packed, target = tmp_path / "p", tmp_path / "t"
    packed.write_bytes(compress(TEXT))
    decompress(packed, codec, target, file="p")
    assert target.read_bytes() == TEXT
    packed.write_bytes(compress(bytes(range(256)) * 400)[:-30])
    with pytest.raises(DataError, match=f"p: the {codec} data are broken or cut off"):
        decompress(packed, codec, tmp_path / "u", file="p")
    assert not (tmp_path / "u").exists()


def test_a_compressed_bomb_is_stopped(tmp_path: Path) -> None:
    packed = tmp_path / "p"
    packed.write_bytes(gzip.compress(b"\0" * 3_000_000))
    with pytest.raises(DataError, match="zip bomb"):
        decompress(packed, "gzip", tmp_path / "t", file="p", limits=Limits(spared=1_000_000))
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(spared=100_000), "zip bomb"),
        (Limits(total=500_000), "unpacks to more than 500,000 bytes"),
        (Limits(members=1), "more than 1 files"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archives_beyond_the_limits_are_refused(tmp_path: Path, limits: Limits, message: str, kind: str) -> None:
    path, content = tmp_path / "a", b"\0" * 2_000_000
    if kind == "zip":
        zip_of(path, one=content, two=b"x")
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name in ("one", "two"):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    with pytest.raises(DataError, match=message):
        unpack(path, tmp_path / "out", file="a", limits=limits)
    assert not (tmp_path / "out").exists()


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", **{"a.csv": TEXT})
    lock(path)
    with pytest.raises(DataError, match="encrypted: it cannot be read without its password"):
        unpack(path, tmp_path / "out", file="a.zip")


def test_an_encrypted_member_is_left_out(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", **{"a.csv": TEXT, "b.csv": TEXT})
    lock(path, every=2)
    unpacked = unpack(path, tmp_path / "out", file="a.zip")
    assert [member.name for member in unpacked.members] == ["b.csv"]
    assert [(entry.path, entry.reason) for entry in unpacked.ignored] == [("a.zip!/a.csv", "encrypted")]


@pytest.mark.parametrize("name", ["../up.csv", "/abs.csv", "a/../../b.csv", "..\\win.csv"])
def test_no_path_leaves_its_root(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", **{name: TEXT, "good.csv": TEXT})
    unpacked = unpack(path, tmp_path / "deep" / "out", file="a.zip")
    assert [member.name for member in unpacked.members] == ["good.csv"]
    assert "leads out" in unpacked.ignored[0].reason
    assert sorted(found.name for found in tmp_path.rglob("*.csv")) == ["000001.csv"] or len(unpacked.ignored) == 1
    assert not any(found.is_file() for found in tmp_path.glob("*.csv"))


def test_links_and_devices_in_archives_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.add(zip_of(tmp_path / "b.zip", a=TEXT), "b.zip")
    unpacked = unpack(path, tmp_path / "out", file="a.tar")
    assert [member.name for member in unpacked.members] == ["b.zip"]
    assert [entry.reason for entry in unpacked.ignored] == ["a link inside an archive"] * 2 + ["not a regular file"]


def test_links_in_zip_files_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link.csv")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    unpacked = unpack(path, tmp_path / "out", file="a.zip")
    assert unpacked.members == []
    assert unpacked.ignored[0].reason == "a link inside an archive"


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"name".ljust(257, b"\0") + b"ustar\0"])
def test_broken_archives_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(DataError, match="broken or cut off"):
        unpack(path, tmp_path / "out", file="a")

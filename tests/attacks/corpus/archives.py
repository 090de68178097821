"""Archives that lead out, swell, or hold each other."""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import tarfile
import zipfile

from attacks.corpus.attack import HEADER, Place, attack, rows, text_of

_TABLE = text_of(HEADER, rows())
_LEADING_OUT = (
    "../outside/owned.csv",
    "../../../../../../../../tmp/zqx-owned.csv",
    "/tmp/zqx-owned.csv",
    "..\\..\\outside\\owned.csv",
    "C:\\zqx-owned.csv",
    "c:zqx-owned.csv",
    "\\\\127.0.0.1\\share\\owned.csv",
    "a/../../outside/owned.csv",
    "CON.csv",
    "aux/nul.csv",
    "a:stream.csv",
    "~/owned.csv",
    "$HOME/owned.csv",
    "\u202evsc.denwo",
)


def _zip(files: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _tar(members: list[tuple[tarfile.TarInfo, bytes]], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    return info


@attack()
def zip_slip(place: Place) -> None:
    place.write("parcels.zip", _zip({"parcels.csv": _TABLE, **dict.fromkeys(_LEADING_OUT, "a,b\n1,2\n")}))


@attack()
def tar_slip(place: Place) -> None:
    members = [(_info(name), b"a,b\n1,2\n") for name in _LEADING_OUT]
    place.write("parcels.tar.gz", _tar([*members, (_info("parcels.csv"), _TABLE.encode())]))


@attack()
def a_link_and_a_file_through_it(place: Place) -> None:
    members = [
        (_info("way", tarfile.SYMTYPE, str(place.outside)), b""),
        (_info("way/owned.csv"), b"a,b\n1,2\n"),
        (_info("hard.csv", tarfile.LNKTYPE, f"{place.outside}/canary.csv"), b""),
        (_info("soft.csv", tarfile.SYMTYPE, "../../outside/canary.csv"), b""),
        (_info("device", tarfile.CHRTYPE), b""),
        (_info("pipe", tarfile.FIFOTYPE), b""),
        (_info("parcels.csv", mode=0o4777), _TABLE.encode()),
    ]
    place.write("parcels.tar", _tar(members, "w"))


@attack()
def links_in_a_zip(place: Place) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, target in (("canary.csv", f"{place.outside}/canary.csv"), ("way", str(place.outside))):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
        archive.writestr("way/owned.csv", "a,b\n1,2\n")
        archive.writestr("parcels.csv", _TABLE)
    place.write("parcels.zip", out.getvalue())


@attack(learnable=False)
def a_bomb(place: Place) -> None:
    place.write("parcels.zip", _zip({"parcels.csv": b"0," * 50_000_000}))


@attack()
def a_compressed_bomb_beside_data(place: Place) -> None:
    place.table()
    place.write("more.csv.gz", gzip.compress(b"\0" * 100_000_000, 9))
    place.write("more.csv.bz2", bz2.compress(b"\0" * 40_000_000))


@attack(learnable=False)
def bombs_inside_each_other(place: Place) -> None:
    inner = _zip({f"{n}.csv": b"1," * 4_000_000 for n in range(3)})
    for _ in range(4):
        inner = _zip({f"{n}.zip": inner for n in range(6)}, zipfile.ZIP_STORED)
    place.write("parcels.zip", _zip({"parcels.zip": inner}))


@attack()
def archives_without_end(place: Place) -> None:
    place.table()
    inner = _zip({"a.csv": "a,b\n1,2\n"})
    for depth in range(60):
        inner = _zip({f"{depth}.zip": inner})
    place.write("deep.zip", inner)


@attack(learnable=False)
def too_many_members(place: Place) -> None:
    place.write("parcels.zip", _zip(dict.fromkeys((f"{n}.csv" for n in range(20_050)), b""), zipfile.ZIP_STORED))


@attack()
def sizes_that_lie(place: Place) -> None:
    content = bytearray(_zip({"parcels.csv": b"0," * 2_000_000}))
    for at in (content.find(b"PK\x03\x04") + 22, content.find(b"PK\x01\x02") + 24):
        content[at : at + 4] = (10).to_bytes(4, "little")
    place.write("lies.zip", bytes(content))
    place.table()


@attack()
def members_that_overlap(place: Place) -> None:
    """Two entries of the table of contents that point at the same bytes."""
    content = _zip({"a.csv": b"1," * 5_000_000})
    at, end = content.find(b"PK\x01\x02"), content.find(b"PK\x05\x06")
    entry = content[at:end]
    tail = bytearray(content[end:])
    tail[8:10] = tail[10:12] = (500).to_bytes(2, "little")
    tail[12:16] = (500 * len(entry)).to_bytes(4, "little")
    place.write("overlap.zip", content[:at] + entry * 500 + bytes(tail))
    place.table()

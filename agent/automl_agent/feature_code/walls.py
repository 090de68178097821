"""What keeps a process away from network, files, other processes and too much of the machine: Linux, through ctypes.

The process calls these on itself, once and for good, before it runs code of others. Needs no rights: an ordinary user
gets them from a user namespace. Each wall that the system does not have is left out, and the level says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sysconfig
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from automl_agent.feature_code.syscalls import filter_calls

__all__ = ["WALLS", "Level", "Wall", "close_doors", "leave_world", "limit_use"]

Wall = Literal["namespace", "landlock", "seccomp"]
FilesBy = Literal["landlock", "namespace", "none"]
WALLS: Final[frozenset[Wall]] = frozenset({"namespace", "landlock", "seccomp"})

_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x20000, 0x08000000, 0x10000000, 0x40000000
_PRIVATE, _BIND, _RECURSIVE = 1 << 18, 4096, 16384
_MOUNT_SETATTR, _READ_ONLY, _AT_RECURSIVE = 442, 1, 0x8000
_CREATE_RULES, _ADD_RULE, _RESTRICT = 444, 445, 446
_READ_FILE_AND_FOLDER: Final = 0b1100
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
"""Landlock's version -> how many rights on files it knows; 16 from version 5 on."""
_NO_NEW_RIGHTS: Final = 38
_SET_CAPABILITIES: Final = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION: Final = 0x20080522
_ZONES: Final = Path("/usr/share/zoneinfo")


@dataclass(frozen=True, slots=True)
class Level:
    """How far a process is kept apart, and by what."""

    network: Literal["namespace", "seccomp", "none"]
    files: FilesBy
    """Only Python's own libraries can be read, and nothing written."""
    processes: Literal["seccomp", "limits", "none"]
    """No program and no process is started, none is signalled."""
    limits: bool
    """Of memory, processor time, file sizes and descriptors."""

    @property
    def none(self) -> bool:
        """Whether neither the network nor files are out of reach."""
        return self.network == "none" and self.files == "none"

    def __str__(self) -> str:
        parts = [f"{name} {'yes' if value is True else value or 'no'}" for name, value in asdict(self).items()]
        return ", ".join(parts)


def leave_world(walls: Collection[Wall]) -> bool:
    """Enters namespaces without a network; whether it did. Call it before a second thread begins."""
    libc = _libc()
    if "namespace" not in walls or not hasattr(libc, "unshare"):
        return False
    user, group = os.getuid(), os.getgid()
    parts = _NEW_NETWORK | _NEW_MOUNTS | _NEW_IPC
    if libc.unshare(parts | _NEW_USER) == 0:
        _map_user(user, group)
        return True
    return bool(libc.unshare(parts) == 0)


def limit_use(memory: int, seconds: int) -> bool:
    """Limits what this process may use from now on: `memory` further bytes, `seconds` of the processor, no files."""
    try:
        import resource
    except ImportError:
        return False
    held = _held_bytes()
    limits = {
        resource.RLIMIT_AS: held + memory if held else resource.RLIM_INFINITY,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (most, most))
    return held > 0


def close_doors(walls: Collection[Wall], *, left: bool) -> tuple[FilesBy, bool]:
    """Takes all rights away: files, system calls, the capabilities of root. Import what is needed before.

    Args:
        walls: those that may be used.
        left: whether `leave_world` did; where Landlock is missing, an own tree of files stands in for it.

    Returns:
        What keeps files away, and whether system calls are filtered.
    """
    libc = _libc()
    if not hasattr(libc, "prctl") or libc.prctl(_NO_NEW_RIGHTS, 1, 0, 0, 0) != 0:
        return "none", False
    files: FilesBy = "none"
    if "landlock" in walls and _landlock(libc):
        files = "landlock"
    elif left and _enter_own_tree(libc):
        files = "namespace"
    _drop_capabilities(libc)
    return files, "seccomp" in walls and filter_calls(libc)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _libraries() -> list[str]:
    """The folders of Python's own libraries, of installed packages, and of time zones."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = [Path(sysconfig.get_path(name)) for name in names]
    return [str(path) for path in dict.fromkeys([*found, _ZONES]) if path.is_dir()]


def _map_user(user: int, group: int) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")


def _enter_own_tree(libc: ctypes.CDLL) -> bool:
    """Makes an empty file system with the libraries alone, read-only, the root of this process."""
    # Only this process sees what is mounted there.
    root = Path("/tmp")
    libraries = _libraries()
    if any(Path(folder).is_relative_to(root) for folder in libraries):
        root = Path("/mnt")
    if libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None) != 0:
        return False
    held = {folder: os.open(folder, os.O_PATH | os.O_DIRECTORY) for folder in libraries}
    if libc.mount(b"tmpfs", os.fsencode(root), b"tmpfs", 0, b"size=1m") != 0:
        return False
    for folder, descriptor in held.items():
        place = root / folder.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        source = os.fsencode(f"/proc/self/fd/{descriptor}")
        if libc.mount(source, os.fsencode(place), None, _BIND | _RECURSIVE, None) != 0:
            return False
        os.close(descriptor)
    attributes = struct.pack("QQQQ", _READ_ONLY, 0, 0, 0)
    if libc.syscall(_MOUNT_SETATTR, -100, os.fsencode(root), _AT_RECURSIVE, attributes, len(attributes)) != 0:
        return False
    if libc.chroot(os.fsencode(root)) != 0:
        return False
    os.chdir("/")
    return True


def _landlock_version(libc: ctypes.CDLL) -> int:
    return max(0, int(libc.syscall(_CREATE_RULES, None, 0, 1)))


def _landlock(libc: ctypes.CDLL) -> bool:
    """Lets this thread read the libraries, and nothing else be done with files, ports or signals."""
    version = _landlock_version(libc)
    if version == 0:
        return False
    files = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    ports, scopes = (0b11 if version >= 4 else 0), (0b11 if version >= 6 else 0)
    attributes = struct.pack("QQQ", files, ports, scopes)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = libc.syscall(_CREATE_RULES, attributes, len(attributes), 0)
    if rules < 0:
        return False
    try:
        for folder in _libraries():
            descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
            beneath = struct.pack("=Qi", _READ_FILE_AND_FOLDER, descriptor)
            added = libc.syscall(_ADD_RULE, rules, 1, beneath, 0)
            os.close(descriptor)
            if added != 0:
                return False
        return bool(libc.syscall(_RESTRICT, rules, 0) == 0)
    finally:
        os.close(rules)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    number = _SET_CAPABILITIES.get(os.uname().machine)
    if number is not None:
        libc.syscall(number, struct.pack("Ii", _CAPABILITY_VERSION, 0), bytes(24))


def _held_bytes() -> int:
    """Address space of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0

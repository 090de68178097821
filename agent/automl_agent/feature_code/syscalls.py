"""A filter of system calls (seccomp) for a process that computes and does nothing else.

It forbids what starts programs and processes, opens connections, signals others, changes files or the system. Threads
stay possible. Only the numbers of x86-64 and ARM64 are known; elsewhere there is no filter.
"""

from __future__ import annotations

import ctypes
import platform
import struct
from typing import Final

__all__ = ["filter_calls"]

_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Machine -> its number for the kernel, and the place of its call numbers below."""
_FORBIDDEN: Final[dict[str, tuple[int | None, int | None]]] = {
    "execve": (59, 221), "execveat": (322, 281), "fork": (57, None), "vfork": (58, None),
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240), "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "mknod": (133, None), "mknodat": (259, 33), "memfd_create": (319, 279), "shmget": (29, 194), "msgget": (68, 186),
    "semget": (64, 190), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "mount_setattr": (442, 442), "open_by_handle_at": (304, 265), "unshare": (272, 97), "setns": (308, 268),
    "setpriority": (141, 140), "sched_setscheduler": (144, 119), "bpf": (321, 280), "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "reboot": (169, 142), "kexec_load": (246, 104), "init_module": (175, 105),
    "finit_module": (313, 273),
}  # fmt: skip
_CLONE: Final = (56, 220)
_CLONE3: Final = 435
_NEW_THREAD: Final = 0x10000
_X32: Final = 0x40000000
"""Calls from here on are those of a second interface, which would pass the numbers by."""

_LOAD, _EQUAL, _AT_LEAST, _HAS_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16
_ALLOW, _KILL, _NOT_PERMITTED, _NO_SUCH_CALL = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_SET_SECCOMP, _FILTER_MODE = 22, 2


def filter_calls(libc: ctypes.CDLL) -> bool:
    """Puts the filter up for this thread and all that it starts, for good; whether it stands.

    `PR_SET_NO_NEW_PRIVS` must have been set.
    """
    known = _ARCHITECTURES.get(platform.machine())
    if known is None or not hasattr(libc, "prctl"):
        return False
    machine, place = known
    program = _program(machine, place)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return bool(libc.prctl(_SET_SECCOMP, _FILTER_MODE, ctypes.create_string_buffer(header), 0, 0) == 0)


def _program(machine: int, place: int) -> bytes:
    """The filter as code of the kernel's packet filter (BPF): 8 bytes for each step."""
    steps = [
        _step(_LOAD, _MACHINE_AT),
        _step(_EQUAL, machine, when=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_AT_LEAST, _X32, otherwise=1),
        _step(_RETURN, _NOT_PERMITTED),
        # glibc falls back to clone, whose flags can be seen.
        _step(_EQUAL, _CLONE3, otherwise=1),
        _step(_RETURN, _NO_SUCH_CALL),
    ]
    for numbers in _FORBIDDEN.values():
        number = numbers[place]
        if number is not None:
            steps += [_step(_EQUAL, number, otherwise=1), _step(_RETURN, _NOT_PERMITTED)]
    steps += [
        _step(_EQUAL, _CLONE[place], otherwise=3),
        _step(_LOAD, _FIRST_ARGUMENT_AT),
        _step(_HAS_BIT, _NEW_THREAD, when=1),
        _step(_RETURN, _NOT_PERMITTED),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, *, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", code, when, otherwise, value)

"""What a sandboxed process does to itself before it becomes the program: limits, Landlock, seccomp. Then it is that.

Run as a script of its own (``python -I -S jail.py CONFIG PROGRAM ...``) with nothing but the standard library: inside
the sandbox there may be nothing else. Whatever it cannot apply ends it with `FAILED`: a program never runs with less.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

FAILED = 125
"""Exit status where a protection could not be applied, and the program was not started."""

# ---- Landlock: linux/landlock.h -----------------------------------------------------------------------------------

_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
_OF_A_FILE = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # execute, write, read, truncate
_DEVICES = 1 << 6 | 1 << 9 | 1 << 11  # make a character device, a socket, a block device: nobody needs them
_FS_OF_ABI = {1: 1 << 13, 2: 1 << 14, 3: 1 << 15, 4: 1 << 15, 5: 1 << 16}
"""One above the highest right over files, by version of the interface; later versions add none."""

# ---- seccomp: linux/filter.h, linux/seccomp.h ---------------------------------------------------------------------

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000

# Sockets; other processes; the kernel and its namespaces. Numbers of x86-64 and of the generic table (arm64).
_DENIED: Mapping[str, tuple[int, ...]] = {
    "x86_64": (
        *(41, 42, 43, 49, 50, 288),  # socket connect accept bind listen accept4
        *(57, 58),  # fork vfork
        *(101, 310, 311, 312, 438),  # ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd
        *(
            155,
            161,
            165,
            166,
            272,
            308,
            428,
            429,
            430,
            432,
            442,
        ),  # roots, mounts, namespaces
        *(169, 175, 176, 246, 304, 313, 320),  # reboot, modules, kexec, open_by_handle_at
        *(248, 249, 250, 298, 321, 323, 425, 426, 427),  # keys, perf, bpf, userfaultfd, io_uring
        *(62, 129, 200, 234, 297, 424),  # signals to others: kill, queued ones, of threads, by descriptor
        *(29, 30, 31, 64, 68, 240),  # memory, semaphores and queues that processes share
    ),
    "aarch64": (
        *(198, 200, 201, 202, 203, 242),
        *(117, 270, 271, 272, 438),
        *(41, 51, 40, 39, 97, 268, 428, 429, 430, 432, 442),
        *(142, 105, 106, 104, 265, 273, 294),
        *(217, 218, 219, 241, 280, 282, 425, 426, 427),
        *(129, 138, 130, 131, 240, 424),
        *(194, 196, 195, 190, 186, 180),
    ),
}
_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_PRLIMIT = {"x86_64": 302, "aarch64": 261}


class CannotProtect(Exception):
    """A protection that this kernel does not have; the message names it."""


def limit(limits: Mapping[str, int]) -> None:
    """Set limits of resources, by the names of `resource`; raised again by nobody."""
    for name, value in limits.items():
        resource.setrlimit(getattr(resource, name), (value, value))


def landlock(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Take away every file that does not lie below a path, and every TCP port where the kernel can (since 6.7).

    Raises:
        CannotProtect: the kernel has no Landlock.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi = libc.syscall(_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        raise CannotProtect("Landlock")
    fs = _FS_OF_ABI.get(abi, _FS_OF_ABI[5]) - 1
    net = 3 if abi >= 4 else 0
    scoped = 3 if abi >= 6 else 0
    attribute = struct.pack("QQQ", fs, net, scoped)[: 8 if abi < 4 else 16 if abi < 6 else 24]
    rules = libc.syscall(_CREATE, attribute, ctypes.c_size_t(len(attribute)), 0)
    if rules < 0:
        raise CannotProtect("Landlock")
    for paths, rights in ((readable, _READ), (writable, fs & ~_DEVICES)):
        for path in paths:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:  # not there: nothing to allow
                continue
            # A file has no right of a folder.
            allowed = rights if os.path.isdir(path) else rights & _OF_A_FILE  # noqa: PTH112
            if libc.syscall(_ADD, rules, 1, struct.pack("=Qi", allowed & fs, place), 0):
                raise CannotProtect(f"Landlock for {path}")
            os.close(place)
    if libc.syscall(_RESTRICT, rules, 0):
        raise CannotProtect("Landlock")
    os.close(rules)


def program(machine: str) -> bytes:
    """Return the filter of system calls for a machine, as BPF.

    Raises:
        CannotProtect: its numbers are not known here.
    """
    if machine not in _ARCH:
        raise CannotProtect(f"seccomp on {machine}")

    def one(code: int, value: int, then: int = 0, other: int = 0) -> bytes:
        return struct.pack("HBBI", code, then, other, value)

    refuse = [one(_RETURN, _ERRNO | _EPERM)]
    lines = [one(_LOAD, 4), one(_EQUAL, _ARCH[machine], 1, 0), one(_RETURN, _KILL), one(_LOAD, 0)]
    if machine == "x86_64":  # the numbers of x32 are the same calls by another name
        lines += [one(_AT_LEAST, 0x40000000, 0, 1), one(_RETURN, _KILL)]
    for number in _DENIED[machine]:
        lines += [one(_EQUAL, number, 0, 1), *refuse]
    # clone3 hides its flags behind a pointer: told that it is not there, the C library takes clone.
    lines += [one(_EQUAL, _CLONE3, 0, 1), one(_RETURN, _ERRNO | _ENOSYS)]
    # Threads may be made, processes not: nothing is left behind when this one is killed.
    lines += [one(_EQUAL, _CLONE[machine], 0, 4), one(_LOAD, 16), one(_ANY_BIT, _CLONE_THREAD, 1, 0), *refuse]
    lines += [one(_RETURN, _ALLOW)]
    # Limits may be asked for and lowered, one's own alone.
    lines += [one(_EQUAL, _PRLIMIT[machine], 0, 3), one(_LOAD, 16), one(_EQUAL, 0, 1, 0), *refuse]
    return b"".join([*lines, one(_RETURN, _ALLOW)])


def capabilities() -> None:
    """Give up all that makes root more than a user, for good.

    Raises:
        CannotProtect: the kernel does not take them.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for one in range(64):
        libc.prctl(24, one, 0, 0, 0)  # PR_CAPBSET_DROP; who has none may not, and has nothing to drop
    none = struct.pack("6I", 0, 0, 0, 0, 0, 0)
    if libc.capset(struct.pack("Ii", 0x20080522, 0), none):
        raise CannotProtect("capabilities")


def seccomp() -> None:
    """Take away system calls that open sockets, make processes, or reach other processes and the kernel.

    Raises:
        CannotProtect: the kernel has no seccomp filters.
    """
    code = program(platform.machine())
    held = ctypes.create_string_buffer(code, len(code))
    head = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(held))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, head, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise CannotProtect("seccomp")


def protect(config: Mapping[str, Any]) -> None:
    """Apply everything that a config names.

    Raises:
        CannotProtect: something cannot be.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0):  # PR_SET_NO_NEW_PRIVS
        raise CannotProtect("no_new_privs")
    limit(config["limits"])
    if config["landlock"]:
        landlock(config["readable"], config["writable"])
    capabilities()
    seccomp()


def main(arguments: Sequence[str]) -> None:
    """Protect this process, and become the program."""
    try:
        protect(json.loads(arguments[0]))
    except (CannotProtect, OSError, ValueError) as error:
        sys.stderr.write(f"the sandbox cannot be made: {error}\n")
        sys.exit(FAILED)
    os.execvpe(arguments[1], list(arguments[1:]), dict(os.environ))  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])

"""Programs in a sandbox: no files but their own, no network, no other processes, bounded time, memory and output.

Two layers are tried, the stronger first, and the one that is active is named in every result:

- ``bubblewrap``: namespaces of its own (files, processes, network, users), and inside them the filter and the limits.
- ``landlock+seccomp``: the kernel's own, without any program to install.

Where neither works there is no sandbox, and what needs one is refused: nothing runs with less than it was promised.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

from shipworthy.agents import jail
from shipworthy.core.errors import UsageError

Layer = Literal["bubblewrap", "landlock+seccomp"]
LAYERS: tuple[Layer, ...] = ("bubblewrap", "landlock+seccomp")
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/alternatives")
_HOME = "/sandbox"
_PATH = "/usr/local/bin:/usr/bin:/bin"


class SandboxBounds(NamedTuple):
    """What one program may take.

    Attributes:
        seconds: by the clock; `cpu_seconds` of the processor.
        memory_mb: of address space.
        output: bytes that are read of what it writes, of both streams together.
        file_mb: of one file.
    """

    seconds: float = 10.0
    cpu_seconds: int = 5
    memory_mb: int = 1024
    output: int = 100_000
    file_mb: int = 16


class Ran(NamedTuple):
    """What a program did.

    Attributes:
        status: its exit status; negative for the signal that ended it.
        layer: what it was held by.
        stopped: ``time`` or ``output`` where it was killed for that; otherwise empty.
    """

    status: int
    output: bytes
    errors: bytes
    layer: Layer
    stopped: str = ""


class Sandbox:
    """Runs programs, one at a time or several.

    Args:
        layer: the one that must be active; the first that works if left out.
        bounds: of each program.
        readable: paths that it may read besides the system's and Python's; as an attribute, with Python's.

    Raises:
        UsageError: the layer does not work here, or none does; it says what to install.
    """

    def __init__(
        self, layer: Layer | None = None, *, bounds: SandboxBounds | None = None, readable: Sequence[Path] = ()
    ) -> None:
        self.bounds = bounds or SandboxBounds()
        self.readable = tuple(dict.fromkeys((*_python(), *(str(path) for path in readable))))
        found = working()
        if layer is not None and layer not in found:
            raise UsageError(f"the sandbox {layer!r} does not work here (what does: {', '.join(found) or 'none'})")
        if not found:
            raise UsageError(
                "this needs a sandbox, and none works here: install bubblewrap (bwrap), or take a Linux kernel from "
                "5.13 on with Landlock and seccomp"
            )
        self.layer: Layer = layer or found[0]

    async def run(self, program: Sequence[str], *, given: bytes = b"", files: Mapping[str, bytes] | None = None) -> Ran:
        """Run a program in a folder of its own, which is deleted afterwards.

        Args:
            program: its path or name, and its arguments.
            given: its standard input.
            files: name -> content of what lies in the folder.

        Raises:
            UsageError: the sandbox could not be made, and the program was not started.
        """
        with TemporaryDirectory(prefix="shipworthy-sandbox-") as folder:
            for name, data in (files or {}).items():
                if Path(name).name != name or name in ("", ".", ".."):
                    raise UsageError(f"{name!r} is no name of a file in a sandbox")
                (Path(folder) / name).write_bytes(data)
            ran = await self._run(command(self.layer, folder, program, self.bounds, self.readable), folder, given)
        if ran.status == jail.FAILED and b"the sandbox cannot be made" in ran.errors:
            raise UsageError(ran.errors.decode("utf-8", "replace").strip())
        return ran

    async def _run(self, line: Sequence[str], folder: str, given: bytes) -> Ran:
        process = await asyncio.create_subprocess_exec(
            *line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={"PATH": _PATH, "HOME": folder, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        kept = _Kept(self.bounds.output, process)
        streams = [asyncio.ensure_future(kept.read(stream)) for stream in (process.stdout, process.stderr)]
        writing = asyncio.ensure_future(_write(process.stdin, given))
        over = asyncio.ensure_future(process.wait())  # a program may close its output and go on
        late: set[asyncio.Future[Any]] = set()
        try:
            _, late = await asyncio.wait([*streams, over], timeout=self.bounds.seconds)
        finally:
            _kill(process)
            writing.cancel()
            # To their ends: a pipe that is left full would keep the process from being waited for.
            output, errors = await asyncio.gather(*streams)
            await over
        stopped = "output" if kept.left < 0 else "time" if late else ""
        return Ran(process.returncode or 0, output, errors, self.layer, stopped)


class _Kept:
    """What is kept of a program's output; more than that ends it."""

    def __init__(self, most: int, process: asyncio.subprocess.Process) -> None:
        self.left, self._process = most, process

    async def read(self, stream: asyncio.StreamReader | None) -> bytes:
        """Read a stream to its end; what is too much is dropped."""
        pieces = []
        while stream is not None and (piece := await stream.read(65_536)):
            if self.left >= 0:
                pieces.append(piece[: self.left])
                self.left -= len(piece)
                if self.left < 0:
                    _kill(self._process)
        return b"".join(pieces)


def command(
    layer: Layer, folder: str, program: Sequence[str], bounds: SandboxBounds, readable: Sequence[str]
) -> list[str]:
    """Return the command line by which a program runs in a layer, its folder the only place that it may write to."""
    inside = layer == "bubblewrap"
    config = {
        "limits": {
            "RLIMIT_AS": bounds.memory_mb << 20,
            "RLIMIT_CPU": bounds.cpu_seconds,
            "RLIMIT_FSIZE": bounds.file_mb << 20,
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 64,
        },
        "landlock": not inside,
        "readable": [*_SYSTEM, *readable, "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random"],
        "writable": [folder, "/dev/null"],
    }
    jailed = [sys.executable, "-I", "-S", jail.__file__, json.dumps(config), *program]
    if not inside:
        return jailed
    binds: list[str] = []
    for path in (*_SYSTEM, *readable):
        if os.path.islink(path) and path in _SYSTEM:  # noqa: PTH114 - /bin is a link to usr/bin on most systems
            binds += ["--symlink", os.readlink(path), path]  # noqa: PTH115
        else:
            binds += ["--ro-bind-try", path, path]
    return [
        *(
            shutil.which("bwrap") or "bwrap",
            "--unshare-all",
            "--cap-drop",
            "ALL",
            "--die-with-parent",
            "--new-session",
            "--clearenv",
        ),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - of the sandbox's own
        *binds,
        *("--bind", folder, _HOME, "--remount-ro", "/", "--chdir", _HOME),
        *("--setenv", "PATH", _PATH, "--setenv", "HOME", _HOME, "--setenv", "LC_ALL", "C.UTF-8", "--"),
        *jailed,
    ]


@cache
def working() -> tuple[Layer, ...]:
    """Return the layers that work here, the stronger first: each has run a program once to show it."""
    if sys.platform != "linux":
        return ()
    return tuple(layer for layer in LAYERS if _works(layer))


def _works(layer: Layer) -> bool:
    if layer == "bubblewrap" and shutil.which("bwrap") is None:
        return False
    with TemporaryDirectory(prefix="shipworthy-sandbox-") as folder:
        line = command(layer, folder, [sys.executable, "-I", "-S", "-c", "print(6 * 7)"], SandboxBounds(), _python())
        try:
            done = subprocess.run(line, capture_output=True, cwd=folder, timeout=20, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == 0 and done.stdout.strip() == b"42"


@cache
def _python() -> tuple[str, ...]:
    """Return the folders that this Python needs to start and to import what is installed."""
    paths = [sys.base_prefix, sys.prefix, sysconfig.get_paths()["stdlib"], str(Path(jail.__file__).parent)]
    paths.append(str(Path(sys.executable).resolve().parent))
    return tuple(dict.fromkeys(paths))


async def _write(stream: asyncio.StreamWriter | None, given: bytes) -> None:
    if stream is None:
        return
    with suppress(ConnectionError, BrokenPipeError):  # it need not read what it is given
        stream.write(given)
        await stream.drain()
    stream.close()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End a program and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)

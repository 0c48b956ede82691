"""Writing small files so that they are wholly there, or not at all, also after a power cut."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make names created in a directory durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_directory(directory: Path, *, mode: int = 0o777) -> None:
    """Create a directory and its parents, and make their names durable.

    Args:
        mode: of each that is created; the process's umask takes away from it.
    """
    if directory.is_dir():
        return
    make_directory(directory.parent, mode=mode)
    directory.mkdir(mode=mode, exist_ok=True)
    sync_directory(directory.parent)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file while others wait for it. It goes with the process, also when that is killed."""
    make_directory(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def takes_bytes(path: Path) -> bool:
    """Tell whether a path is a pipe or a device (``/dev/null``, ``/dev/stdout``), which no file may replace.

    As root, a rename would put a plain file where the device was, for everybody on the machine.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644, replace: bool = True) -> None:
    """Write a file in one step: a reader, or a machine that stops, sees the old content or the new one.

    Args:
        mode: permissions, set before the first byte is written.
        replace: whether an existing file may be replaced.

    Raises:
        FileExistsError: the file exists and `replace` is false.
        OSError: it could not be written; nothing is left behind.
    """
    with written_after(path, data, mode=mode, replace=replace):
        pass


@contextmanager
def written_after(path: Path, data: bytes, *, mode: int = 0o644, replace: bool = True) -> Iterator[None]:
    """Make all of a file durable under another name, and give it its own once the block has ended without an error.

    Arguments and errors as for `write_atomic`. A pipe or a device is written to as it is.
    """
    if replace and takes_bytes(path):
        yield
        path.write_bytes(data)
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield
        if replace:
            draft.replace(path)
        else:
            path.hardlink_to(draft)  # Unlike a rename, a link refuses a name that is taken.
            draft.unlink()
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)

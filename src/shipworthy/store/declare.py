"""Declaring a run: its manifest, written once, and one empty log for each shard.

What follows from the manifest about a run's files is here, too: which logs there are, who writes each, and whether this
version can read them.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.core.records import SCHEMA, RunManifest
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.line import UNREADABLE
from shipworthy.store.shards import MOST_SHARDS, log_name

MANIFEST = "manifest.json"

_encode = msgspec.json.Encoder().encode
_manifests = msgspec.json.Decoder(RunManifest)


class _Version(msgspec.Struct):
    """What every version of a manifest can be asked. Version 1 had no `schema`."""

    schema: Any = 1
    id: Any = "this run"


_versions = msgspec.json.Decoder(_Version)


def log_paths(directory: Path, manifest: RunManifest) -> list[Path]:
    """Return the logs of a run's shards, in order."""
    return [directory / log_name(shard) for shard in range(manifest.shards)]


def declare_run(directory: Path, manifest: RunManifest) -> None:
    """Write what a run sets out to do, and an empty log for each of its shards, durably. Work on them may begin then.

    Of two that declare a run in one directory at the same time, one does and the other is told.

    Raises:
        UsageError: the directory already holds a run, or the number of shards is none.
        StoreError: it cannot be written.
    """
    directory = Path(directory)
    if manifest.schema != SCHEMA:
        raise ValueError(f"this version writes runs of schema {SCHEMA}, not {manifest.schema}")
    if not 1 <= manifest.shards <= MOST_SHARDS:
        raise UsageError(f"a run has 1 to {MOST_SHARDS:,} shards, not {manifest.shards:,}")
    taken = f"{directory} already holds a run: resume it, or start another"
    try:
        make_directory(directory)
        lock = open_log(directory, 0, create=True)
        try:
            if (directory / MANIFEST).exists() or any(log.stat().st_size for log in directory.glob("attempts-*.jsonl")):
                raise UsageError(taken)
            for shard in range(1, manifest.shards):
                os.close(open_log(directory, shard, create=True))
            # The manifest last: where it is, all logs are, so a log that is missing later was taken away.
            try:
                write_atomic(directory / MANIFEST, _encode(manifest), replace=False)
            except FileExistsError:  # By a writer that the lock does not hold off, such as another machine's.
                raise UsageError(taken) from None
        finally:
            os.close(lock)
    except OSError as error:
        raise StoreError(f"cannot declare a run in {directory}: {error.strerror or error}") from error


def read_manifest(directory: Path) -> RunManifest:
    """Return what a run set out to do.

    Raises:
        UsageError: there is no run in the directory, or one that another version of shipworthy made.
        IntegrityError: its manifest is not one.
    """
    return parse_manifest(manifest_bytes(directory), f"{Path(directory) / MANIFEST}")


def manifest_bytes(directory: Path) -> bytes:
    """Return a manifest's file as it is.

    Raises:
        UsageError: there is no run in the directory.
    """
    try:
        return (Path(directory) / MANIFEST).read_bytes()
    except OSError as error:
        raise UsageError(f"there is no run in {directory} ({MANIFEST}: {error.strerror})") from error


def parse_manifest(data: bytes, where: str) -> RunManifest:
    """Return the manifest in some bytes.

    Args:
        where: the file, for messages.

    Raises:
        UsageError: another version of shipworthy made it; its records would be misread.
        IntegrityError: it is none.
    """
    try:
        _check_version(_versions.decode(data), where)
        manifest = _manifests.decode(data)
    except UNREADABLE as error:
        raise IntegrityError(f"{where} is not a run manifest: {error}") from error
    if not 1 <= manifest.shards <= MOST_SHARDS:
        raise IntegrityError(f"{where}: a run has 1 to {MOST_SHARDS:,} shards, not {manifest.shards:,}")
    return manifest


def _check_version(found: _Version, where: str) -> None:
    if type(found.schema) is not int or found.schema < 1:
        raise IntegrityError(f"{where}: {found.schema!r} is no schema of a run log")
    if found.schema < SCHEMA:
        raise UsageError(
            f"{where}: {found.id} was made by shipworthy <= 0.1 (run log schema {found.schema}), whose records this "
            f"version cannot read (it reads schema {SCHEMA}): measure again, or read it with the version that made it"
        )
    if found.schema > SCHEMA:
        raise UsageError(
            f"{where}: {found.id} was made by a newer shipworthy (run log schema {found.schema}; this version reads "
            f"schema {SCHEMA}): upgrade shipworthy to read it"
        )


def check_logs(directory: Path, manifest: RunManifest) -> None:
    """Check that a run has no log that its manifest does not know: its records would be left out in silence.

    Raises:
        IntegrityError: it has.
    """
    known = {log_name(shard) for shard in range(manifest.shards)}
    for log in sorted(Path(directory).glob("attempts-*.jsonl")):
        # An empty one is left behind where declaring a run was cut short and then done with fewer shards.
        if log.name not in known and log.is_file() and log.stat().st_size:
            raise IntegrityError(
                f"{log}: {manifest.id} has {manifest.shards} shards, and this is the log of none of them"
            )


def open_log(directory: Path, shard: int, *, create: bool = False) -> int:
    """Open a shard's log for its one writer and lock it. Returns the file; closing it lets go of the lock.

    Raises:
        UsageError: another process has it.
        OSError: it cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    file = os.open(directory / log_name(shard), flags, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        what = f"shard {shard} of the run" if shard else "the run"
        raise UsageError(f"another process is writing {what} in {directory}: wait for it, or stop it") from None
    except OSError:  # a file system without locks: nothing would keep a second writer out
        os.close(file)
        raise
    return file

"""What a signer's own machine remembers of audit logs: the newest head of each that it signed into.

A workspace that is put back to an earlier copy, its audit log with it, holds together by itself. Whoever signed into
the later one has its head here, and is told.
"""

from __future__ import annotations

import json
from pathlib import Path

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.trust import pretty

NAME = "heads.json"


def check_remembered(folder: Path, audit: AuditLog) -> None:
    """Verify an audit log, and that it still has the head that was remembered of it.

    Args:
        folder: of this user's keys, where heads are kept.

    Raises:
        IntegrityError: the log is not what was written, or was put back to an earlier state.
        UsageError: the file of heads cannot be read.
    """
    heads = _read(folder)
    first = ""
    audit.verify()
    for entry in audit.entries():
        first = first or entry.hash
        if first not in heads:
            return
        number, head = heads[first]
        if entry.number == number:
            if chain.head_text(bytes.fromhex(entry.hash)) != head:
                break
            return
    if first in heads:
        number, _ = heads[first]
        raise IntegrityError(
            f"audit log: when you signed last it had an entry {number:,} that it does not have now: the workspace was "
            f"put back to an earlier copy, or its log was rewritten\nGet the newer one back; {folder / NAME} remembers"
        )


def remember(folder: Path, audit: AuditLog) -> None:
    """Remember the newest head of an audit log.

    Raises:
        StoreError: it cannot be written.
    """
    first, last = "", None
    for last in audit.entries():
        first = first or last.hash
    if last is None:
        return
    heads = _read(folder) | {first: (last.number, chain.head_text(bytes.fromhex(last.hash)))}
    path = Path(folder) / NAME
    try:
        make_directory(Path(folder))
        write_atomic(path, pretty({name: list(one) for name, one in sorted(heads.items())}), mode=0o600)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error


def _read(folder: Path) -> dict[str, tuple[int, str]]:
    path = Path(folder) / NAME
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): (int(one[0]), str(one[1])) for name, one in value.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise UsageError(f"{path} does not hold what was remembered of audit logs: {error}") from error

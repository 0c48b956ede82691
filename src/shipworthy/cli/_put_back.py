"""Refuse an audit log that was put back to an earlier state, and remember the newer one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shipworthy.core.settings import Settings
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.remembered import check_remembered, remember


@contextmanager
def not_put_back(workspace: Path, *, keep: bool = True) -> Iterator[None]:
    """Check a workspace's audit log against what this machine remembers of it, before the block.

    Args:
        keep: whether to remember its newest head after the block: where the block enters something.

    Raises:
        IntegrityError: the log lacks an entry that it had.
    """
    folder, url = Settings.load().keys_dir, Layout(workspace).control_url
    with AuditLog(url) as audit:
        check_remembered(folder, audit)
    yield
    if keep:
        with AuditLog(url) as audit:
            remember(folder, audit)

"""Where shipworthy runs, said at once: not by a missing module half-way through."""

from __future__ import annotations

import sys

from shipworthy.core.errors import UsageError


def refuse_windows() -> None:
    """Refuse Windows, which has no ``flock`` and cannot make the names in a folder durable: a run log needs both.

    Raises:
        UsageError: this is Windows.
    """
    if sys.platform == "win32":
        raise UsageError("shipworthy does not run on Windows: run it on Linux, on macOS, or on Windows under WSL 2")

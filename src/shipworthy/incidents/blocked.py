"""Which tries of a replay a gateway's own guards blocked, by its traffic log: the word of the control, on the disk.

At a client, a block looks like a provider's filter, which may have cut an answer in the middle of the harm. So it
counts as a stop only where the gateway's own record says so, for the same words, since the replay began.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from shipworthy.core.errors import ShipworthyError
from shipworthy.core.events import Said
from shipworthy.core.records import Attempt
from shipworthy.core.served import Served
from shipworthy.detect.redact import redact_text
from shipworthy.gateway.config import state_of
from shipworthy.incidents.snapshot import TRAFFIC
from shipworthy.store.traffic import read
from shipworthy.workspace.kinds.lever import Lever
from shipworthy.workspace.load import Workspace


def gateway_files(workspace: Workspace) -> list[Path]:
    """Return the files of the gateways that a workspace's levers name, each once."""
    named = (one.gateway for one in workspace.entities(Lever).values() if one.gateway is not None)
    return [workspace.root / name for name in dict.fromkeys(named)]


def blocked_since(files: Iterable[Path], since: float) -> Counter[str]:
    """Return how often each gateway blocked which words, redacted as it keeps them.

    A gateway whose log is not here, or cannot be read, says nothing.

    Args:
        since: Unix time.
    """
    found = Counter[str]()
    for file in files:
        try:
            for line in read(state_of(file)[0] / TRAFFIC):
                if line.served.ending == "blocked" and line.served.timing.started >= since:
                    found[_last(line.served)] += 1
        except (ShipworthyError, OSError):
            continue
    return found


def words_asked(attempt: Attempt) -> str:
    """Return what the asker said last in an attempt, redacted as a gateway keeps it."""
    said = [one.message.text for one in attempt.said if one.by == "asker" and one.message.role == "user"]
    return redact_text(said[-1]) if said else ""


def _last(served: Served) -> str:
    return next(iter(reversed(list(_said(served)))), "")


def _said(served: Served) -> Iterator[str]:
    for event in served.events:
        if isinstance(event, Said) and event.message.role == "user":
            yield event.message.text

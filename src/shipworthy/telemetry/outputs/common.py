"""What kinds of outputs share: what happened, the message that tells it, and words for severities."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from shipworthy.core.alarm import Alarm

if TYPE_CHECKING:
    from shipworthy.store.alarms import ClosedAlarm

Action = Literal["raised", "closed"]
Transport = Literal["http", "udp", "tcp"]
JSON = "application/json"


class AlarmEvent(NamedTuple):
    """What an output is told: an alarm, that it was raised or closed, and how. `system`: of what."""

    alarm: Alarm
    action: Action
    closed: ClosedAlarm | None
    system: str

    @property
    def title(self) -> str:
        """It in one line."""
        word = "" if self.action == "raised" else "closed: "
        return f"{word}{severity_word(self.alarm)} {self.alarm.stream}: {self.alarm.told}"

    @property
    def at(self) -> datetime:
        """When it was raised, or closed."""
        return datetime.fromisoformat(self.closed.at if self.closed is not None else self.alarm.at)

    @property
    def numbers(self) -> dict[str, str]:
        """What a person reads beside the title, in order."""
        alarm = self.alarm
        told = {"alarm": alarm.id, "kind": alarm.kind, "system": self.system, "since": alarm.since or alarm.day}
        if alarm.feature:
            told["feature"] = alarm.feature
        if alarm.per is not None:
            told["rate"] = f"{alarm.per:.1f} in 10,000 sessions [{alarm.low:.1f}, {alarm.high:.1f}]"
            told["sessions"] = f"{alarm.events:,} of {alarm.sessions:,}"
        if alarm.baseline_per is not None:
            told["baseline"] = f"{alarm.baseline_per:.1f} in 10,000; normal up to {alarm.normal_per:.1f}"
        if self.closed is not None:
            told["closed by"] = self.closed.by
            told["reason"] = self.closed.reason
        return told


class OutputAddress(NamedTuple):
    """Where an output leads, with what its file says resolved.

    Attributes:
        url: an http address; of a datagram or a connection ``host:port``.
        key: what it authenticates by; empty where it needs none.
        into: name of an index, where the kind has such a thing.
    """

    url: str
    key: str = ""
    into: str = ""


class OutputMessage(NamedTuple):
    """What goes out.

    Attributes:
        url: as `OutputAddress.url`, whole.
        body: its bytes; `headers` of an http request.
        refused: reads an answer, its status a success, and returns why it is none after all; empty where it is one.
    """

    transport: Transport
    url: str
    body: bytes
    headers: Mapping[str, str] = {}
    refused: Callable[[bytes], str] = lambda _: ""


def http(
    url: str,
    body: Any,
    headers: Mapping[str, str] | None = None,
    *,
    kind: str = JSON,
    refused: Callable[[bytes], str] = lambda _: "",
) -> OutputMessage:
    """Return an http message; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return OutputMessage("http", url, data, {"content-type": kind, **(headers or {})}, refused)


def bearer(key: str, scheme: str = "Bearer") -> dict[str, str]:
    """Return the header by which a key is sent; none without one."""
    return {"authorization": f"{scheme} {key}"} if key else {}


def severity_word(alarm: Alarm) -> str:
    """Return a severity as people write it."""
    return f"S{alarm.severity}" if alarm.severity else "unrated"


def milliseconds(at: datetime) -> int:
    """Return Unix time in milliseconds."""
    return int(at.timestamp() * 1000)


def zulu(at: datetime) -> str:
    """Return a time in ISO 8601, UTC, in seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""SIEM over syslog: RFC 5424 with ArcSight's Common Event Format (CEF) as its message, over UDP or TCP (RFC 6587)."""

from __future__ import annotations

import shipworthy
from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, milliseconds, zulu

_FACILITY = 10  # security and authorization
_LEVELS = {1: 2, 2: 3, 3: 4}
_CEF = {1: 10, 2: 8, 3: 5, 4: 3}


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message. `to.url` is ``udp://host:port`` or ``tcp://host:port``."""
    scheme, _, place = to.url.partition("://")
    level = _LEVELS.get(event.alarm.severity, 5)
    head = f"<{_FACILITY * 8 + level}>1 {zulu(event.at)} {_word(event.system)} shipworthy - {event.alarm.kind} -"
    data = f"{head} {cef(event)}".encode()
    if scheme == "tcp":
        # Counted by length: a line feed in a value could not end it.
        return OutputMessage("tcp", place, f"{len(data)} ".encode() + data)
    return OutputMessage("udp", place, data)


def cef(event: AlarmEvent) -> str:
    """Return the event in CEF."""
    alarm = event.alarm
    head = "|".join(
        _header(part)
        for part in ("shipworthy", "shipworthy", shipworthy.__version__, f"alarm.{alarm.kind}", event.title)
    )
    pairs = {
        "rt": str(milliseconds(event.at)), "externalId": alarm.id, "act": event.action, "cat": alarm.kind,
        "dvchost": event.system, "cnt": str(alarm.events), "cs1": alarm.stream, "cs1Label": "stream",
        "cs2": alarm.feature, "cs2Label": "feature", "cs3": alarm.since or alarm.day, "cs3Label": "since",
        "msg": "; ".join(f"{name}: {value}" for name, value in event.numbers.items()),
    }  # fmt: skip
    extension = " ".join(f"{name}={_value(value)}" for name, value in pairs.items() if value)
    return f"CEF:0|{head}|{_CEF.get(alarm.severity, 0)}|{extension}"


def _header(text: str) -> str:
    return _line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "").replace("\n", "\\n")


def _line(text: str) -> str:
    return " ".join(text.split())


def _word(text: str) -> str:
    """Return a host's name as RFC 5424 wants it: visible ASCII without blanks."""
    return "".join(sign for sign in text if "!" <= sign <= "~")[:255] or "-"

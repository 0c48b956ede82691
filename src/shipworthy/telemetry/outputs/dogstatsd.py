"""Datadog: an event and a gauge, as DogStatsD datagrams to an agent."""

from __future__ import annotations

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, severity_word

_TYPES = {1: "error", 2: "error", 3: "warning"}
_MOST = 4_000


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message. `to.url` is ``udp://host:port``."""
    alarm = event.alarm
    title = _text(event.title)[:500]
    text = _text("\n".join(f"{name}: {value}" for name, value in event.numbers.items()))[:_MOST]
    kind = "success" if event.action == "closed" else _TYPES.get(alarm.severity, "info")
    priority = "normal" if alarm.pages else "low"
    named = {
        "system": event.system, "stream": alarm.stream, "kind": alarm.kind, "severity": severity_word(alarm),
        "feature": alarm.feature,
    }  # fmt: skip
    tags = ",".join(f"{name}:{_tag(value)}" for name, value in named.items() if value)
    # Lengths are of bytes in UTF-8, as they are sent.
    sizes = f"{len(title.encode())},{len(text.encode())}"
    when = int(event.at.timestamp())
    about = f"_e{{{sizes}}}:{title}|{text}|d:{when}|k:{alarm.id}|p:{priority}|t:{kind}|#{tags}"
    gauge = f"shipworthy.alarm.open:{int(event.action == 'raised')}|g|#{tags}"
    return OutputMessage("udp", to.url.partition("://")[2], f"{about}\n{gauge}".encode())


def _text(text: str) -> str:
    return text.replace("\r", "").replace("\n", "\\n").replace("|", "/")


def _tag(text: str) -> str:
    return "".join("_" if sign in ",|# \n\r" else sign for sign in text)[:150]

"""Microsoft Teams: an adaptive card for an incoming webhook or a workflow."""

from __future__ import annotations

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, http

_COLOURS = {1: "attention", 2: "attention", 3: "warning"}


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message."""
    colour = "good" if event.action == "closed" else _COLOURS.get(event.alarm.severity, "default")
    title = {"type": "TextBlock", "text": _plain(event.title), "wrap": True, "weight": "bolder", "color": colour}
    facts = [{"title": name, "value": _plain(value)} for name, value in event.numbers.items()]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, {"type": "FactSet", "facts": facts}],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return http(to.url, {"type": "message", "attachments": [attachment]})


def _plain(text: str) -> str:
    """Return a text without the Markdown that a card reads."""
    return "".join(f"\\{sign}" if sign in "\\*_[]`" else sign for sign in text)

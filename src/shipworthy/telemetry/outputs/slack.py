"""Slack: an incoming webhook's message, with blocks."""

from __future__ import annotations

from shipworthy.telemetry.outputs.common import AlarmEvent, OutputAddress, OutputMessage, http

_MOST = 2_900
"""Characters of a block's text, of the 3,000 that Slack takes."""


def message(event: AlarmEvent, to: OutputAddress) -> OutputMessage:
    """Return the message. Slack answers ``ok``."""
    title = _plain(event.title)[:_MOST]
    lines = "\n".join(f"*{_plain(name)}*  {_plain(value)}" for name, value in event.numbers.items())[:_MOST]
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": lines}},
    ]
    return http(to.url, {"text": title, "blocks": blocks})


def _plain(text: str) -> str:
    """Return a text in which Slack sees no mark-up, no link and nobody's name."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\u200b{sign}" if sign in "*_~`" else sign for sign in text)

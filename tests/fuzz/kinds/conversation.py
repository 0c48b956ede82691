"""A conversation of production that becomes a reproduction: read without a crash, and never kept unredacted."""

from pathlib import Path
from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.incidents.replay import read_conversation


def prepare(folder: Path) -> Any:
    return folder / "conversation.json"


def feed(data: bytes, ready: Any) -> str:
    ready.write_bytes(data)
    try:
        messages = read_conversation(ready)
    except UsageError:
        return "refused"
    for message in messages:
        assert message.role == "user"
        assert redact_text(message.text) == message.text, "something is left to redact"
    return "accepted"

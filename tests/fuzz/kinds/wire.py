"""A chat completion: a reply that can be written down, or an error of the target's without a word of the answer."""

from pathlib import Path

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Reply
from shipworthy.dialects.openai import from_wire, is_filtered
from shipworthy.net.answer import HttpAnswer, describe_error


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return "refused"  # as the endpoint does
    assert isinstance(describe_error(HttpAnswer(500, body, True, "")), str)
    is_filtered(body)
    try:
        reply = from_wire(body)
    except TargetError as error:
        assert len(str(error)) < 300
        return "refused"
    assert isinstance(reply, Reply)
    assert reply.usage.input_tokens >= 0 and reply.usage.output_tokens >= 0, "tokens below nothing"
    msgspec.json.encode(reply)
    return "accepted"

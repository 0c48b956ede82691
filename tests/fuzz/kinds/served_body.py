"""A request's body as the gateway reads it: a conversation that can be sent on and recorded, or a sentence of ours."""

from pathlib import Path

import msgspec

from shipworthy.dialects import anthropic_serve, embeddings_serve, openai_responses_serve, openai_serve
from shipworthy.dialects.openai import to_wire
from shipworthy.dialects.served import BadBody
from shipworthy.net.answer import read_json

READERS = (openai_serve.read, anthropic_serve.read, embeddings_serve.read, openai_responses_serve.read)


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    try:
        body = read_json(data)
    except ValueError:
        return "refused"  # as the gateway does
    found = "refused"
    for read in READERS:
        try:
            asking = read(body)
        except BadBody as error:
            assert 0 < len(str(error)) < 300, "a sentence of ours is short"
            continue
        found = "accepted"
        assert asking.model and asking.messages
        sent = to_wire(asking.messages)
        assert sent
        msgspec.json.encode([asking, sent])
    return found

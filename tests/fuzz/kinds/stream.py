"""A stream of events: the same events however the bytes are cut, and a whole reply or an error of the target's."""

from pathlib import Path
from random import Random

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.dialects.openai_stream import Completion
from shipworthy.net.events import EventReader


def prepare(folder: Path) -> None:
    return None


def _events(pieces: list[bytes]) -> list:
    reader = EventReader()
    return [event for piece in pieces for event in reader.feed(piece)] + reader.end()


def feed(data: bytes, _: None) -> str:
    events, rng = _events([data]), Random(len(data))
    cuts = sorted(rng.randint(0, len(data)) for _ in range(5))
    assert _events([data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]) == events
    completion = Completion()
    try:
        for event in events:
            for delta in completion.take(event.data):
                msgspec.json.encode(delta)
        reply = completion.reply()
    except TargetError as error:
        assert str(error)
        return "refused"
    assert reply.usage.input_tokens >= 0 and reply.usage.output_tokens >= 0, "tokens below nothing"
    msgspec.json.encode(reply)
    return "accepted"

"""A request of OTLP, as JSON or protobuf: read into records that can be redacted and written, or refused."""

from pathlib import Path

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.observed import Observed
from shipworthy.detect.redact import seal_observed
from shipworthy.telemetry.fact import fact_of
from shipworthy.telemetry.otlp import read_json, read_protobuf
from shipworthy.telemetry.read import observe

PRIVATE = b"ann.marlow@leak.example.org"
NOW = 1_790_000_000_000_000


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    try:
        received = read_json(data) if data.lstrip()[:1] in (b"{", b"[") else read_protobuf(data)
    except UsageError as error:
        assert str(error) and PRIVATE.decode() not in str(error)
        return "refused"
    told = observe(received.spans)
    for sealed in seal_observed([one.observed for one in told]):
        written = msgspec.json.encode(sealed.record)
        assert PRIVATE not in written, "an address is in what would be written down"
        assert msgspec.json.decode(written, type=Observed).trace == sealed.record.trace
        fact = fact_of(sealed.record, session=1, subject=1, received=NOW)
        assert fact.seconds >= 0 and fact.time > 0 and 0 <= fact.severity <= 4
        assert 0 <= fact.input_tokens < 2**32 and 0 <= fact.output_tokens < 2**32
        assert abs(fact.time) < 2**63
    return "accepted"

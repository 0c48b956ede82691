"""A pack as it arrives: of a changed one nothing is believed."""

from pathlib import Path
from typing import Any

from shipworthy.evidence.verification import report
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store.trust import load_trust


def prepare(folder: Path) -> Any:
    from lab import SAMPLES, Lab

    assert SAMPLES
    lab = Lab(folder)
    return load_trust(lab.trust), lab.shipped.pack.read_bytes()


def seeds(ready: Any) -> list[bytes]:
    return [ready[1]]


def feed(data: bytes, ready: Any) -> str:
    trust, written = ready
    found = verify_bytes(data, trust)
    said = report(found)
    assert found.ok is (data == written)
    assert not any(c in said for c in "\x1b\x9b\x07\x08\r\u202e"), "a terminal would obey it"
    return "accepted" if found.ok else "refused"

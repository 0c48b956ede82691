"""Samples: whole records in order, or problems with a line each."""

from pathlib import Path

import msgspec

from shipworthy.workspace.samples import read_samples


def prepare(folder: Path) -> Path:
    return folder / "samples.jsonl"


def feed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    problems: list = []
    found, raw = read_samples(path, problems)[:2]
    assert all(p.message.strip() and 0 <= p.line <= data.count(b"\n") + 1 for p in problems)
    assert len({sample.id for sample in found}) == len(found)
    assert len(raw) == len(found) or isinstance(raw, bytes | str)
    for sample in found:
        assert sample.cluster and sample.messages
        assert msgspec.json.decode(msgspec.json.encode(sample), type=type(sample)) == sample
    return "refused" if problems else "accepted"

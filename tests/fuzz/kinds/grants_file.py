"""What a user allowed: exactly what the file names, or nothing."""

import json
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.core.grants import Grants


def prepare(folder: Path) -> Path:
    return folder / "grants.json"


def feed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    try:
        found = Grants.load(path)
    except UsageError as error:
        assert str(error)
        return "refused"
    text = data.decode()
    for place in (place for places in found.keys.values() for place in places):
        assert "*" not in place and "/" not in place and place.isprintable()
    for key in found.keys:
        assert json.dumps(key)[1:-1] in text or key in text or "\\" in text, "a credential that the file does not name"
    found.save(path)
    assert Grants.load(path) == found
    return "accepted"

"""Trust files and public keys: whom to believe, or what is wrong."""

from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.store.trust import load_public, load_trust, owners


def prepare(folder: Path) -> Path:
    return folder / "trust.json"


def feed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    came = "refused"
    try:
        trust = load_trust(path)
        assert trust.keys and 1 <= trust.threshold <= owners(trust.keys)
        came = "accepted"
    except UsageError as error:
        assert str(error)
    try:
        assert load_public(path).owner
        came = "accepted"
    except UsageError as error:
        assert str(error)
    return came

"""Private keys: an ed25519 key that only its owner can read, or what is wrong; never a word of its content."""

from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.store.signing import load_key


def prepare(folder: Path) -> Path:
    path = folder / "x.key"
    path.touch(0o600)
    return path


def feed(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    try:
        key = load_key(path)
    except UsageError as error:
        assert str(error)
        return "refused"
    assert len(bytes.fromhex(key.public.public)) == 32
    return "accepted"

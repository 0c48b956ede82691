"""Trust files: whom a verifier believes. Standard library only: the stand-alone verifier uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.errors import UsageError


class PublicKey(NamedTuple):
    """A verification key.

    Attributes:
        keyid: SHA-256 of the 32 raw bytes, 64 hex digits.
        public: the 32 raw bytes, 64 hex digits.
        owner: who signs with it; two keys of one owner count as one signer.
    """

    keyid: str
    public: str
    owner: str


class Trust(NamedTuple):
    """Whom a verifier trusts, and how many of them must have signed."""

    keys: tuple[PublicKey, ...]
    threshold: int = 1


def owners(keys: Iterable[PublicKey]) -> int:
    """Return how many people some keys belong to. A name written in other case or with other spaces is no other one."""
    return len({" ".join(key.owner.split()).casefold() for key in keys})


def public_json(key: PublicKey) -> dict[str, Any]:
    """Return a key as it stands in a trust file."""
    return {"keyid": key.keyid, "public": key.public, "owner": key.owner}


def load_public(path: Path) -> PublicKey:
    """Read a public key file, ``NAME.pub.json``.

    Raises:
        UsageError: it is not one.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a public key: {error}") from error
    return read_public(value, str(path))


def public_keys(directory: Path) -> list[PublicKey]:
    """Return the public keys in a folder, by file name.

    Raises:
        UsageError: a ``*.pub.json`` is not a public key.
    """
    return [load_public(path) for path in sorted(Path(directory).glob("*.pub.json"))]


def trust_json(keys: Sequence[PublicKey], threshold: int = 1) -> str:
    """Return a trust file's text.

    Raises:
        UsageError: it would trust nobody, or ask for more signers than there are.
    """
    value = {"keys": [public_json(key) for key in keys], "threshold": threshold}
    _read_trust(value, "the trust file")
    return pretty(value).decode()


def load_trust(path: Path) -> Trust:
    """Read a trust file: ``{"keys": [{"keyid", "public", "owner"}], "threshold": 1}``.

    Raises:
        UsageError: it is not one; says what is wrong.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise UsageError(f"cannot read the trust file {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not a trust file in JSON: {error}") from error
    return _read_trust(value, str(path))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: JSON takes the last one, and a reader may well see the first."""
    if len({name for name, _ in pairs}) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} stands there twice")
    return dict(pairs)


def _read_trust(value: Any, where: str) -> Trust:
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list) or set(value) - {"keys", "threshold"}:
        raise UsageError(f'{where} is not a trust file: it must be {{"keys": [...], "threshold": 1}}')
    keys = tuple(read_public(key, where) for key in value["keys"])
    if len({key.keyid for key in keys}) != len(keys):
        raise UsageError(f"{where}: a key is listed twice")
    if not keys:
        raise UsageError(f"{where}: it lists no key, so it trusts nobody (`shipworthy keys trust` writes one)")
    threshold, most = value.get("threshold", 1), owners(keys)
    if type(threshold) is not int or not 1 <= threshold <= most:
        raise UsageError(f"{where}: the threshold must be from 1 to {most}, the number of owners, not {threshold!r}")
    return Trust(keys, threshold)


def read_public(value: Any, where: str) -> PublicKey:
    """Check one key of a trust file.

    Raises:
        UsageError: it is not one, or its keyid is not that of its public key.
    """
    if not isinstance(value, dict) or {"keyid", "public", "owner"} - set(value):
        raise UsageError(f"{where}: a key needs keyid, public and owner")
    keyid, public, owner = value["keyid"], value["public"], value["owner"]
    if not isinstance(public, str) or not re.fullmatch(r"[0-9a-f]{64}", public):
        raise UsageError(f"{where}: `public` must be 64 hex digits")
    if keyid != sha256(bytes.fromhex(public)).hexdigest():
        raise UsageError(f"{where}: the keyid {keyid!r} is not the SHA-256 of its public key")
    if not isinstance(owner, str) or not owner:
        raise UsageError(f"{where}: `owner` must name who signs with the key {keyid[:12]}")
    return PublicKey(keyid, public, owner)


def pretty(value: Any) -> bytes:
    """Return JSON for people to read, as bytes."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()

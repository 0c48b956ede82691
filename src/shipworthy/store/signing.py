"""ed25519 key files, and signing: a DSSE envelope over an in-toto Statement v1."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipworthy.core.digests import canonical
from shipworthy.core.errors import StoreError, UsageError
from shipworthy.store.dsse import PAYLOAD_TYPE, encode, pae
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.trust import PublicKey, pretty, public_json, read_public

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SigningKey:
    """A private key in memory. Made by `new_key` or `load_key`; its repr shows no secret."""

    def __init__(self, private: Ed25519PrivateKey, owner: str) -> None:
        self._private = private
        raw = private.public_key().public_bytes_raw()
        self.public = PublicKey(sha256(raw).hexdigest(), raw.hex(), owner)

    def __repr__(self) -> str:
        return f"SigningKey(keyid={self.public.keyid!r}, owner={self.public.owner!r})"

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self._private.sign(data)


# ---- key files -------------------------------------------------------------------------------------------------


def new_key(directory: Path, name: str, *, owner: str = "", roles: Sequence[str] = ()) -> SigningKey:
    """Make a key: ``NAME.key`` (private, PKCS #8 PEM, mode 0600) and ``NAME.pub.json``.

    Args:
        directory: created with mode 0700 if it is not there.
        name: letters, digits, ``. _ -``.
        owner: who signs with it; the name by default.
        roles: what it may sign as, by the public file; whoever trusts it says that, in the end.

    Raises:
        UsageError: the name is not one, a role is none, or is taken: a key is never overwritten.
        StoreError: it cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a key: use up to 64 letters, digits, '.', '_' or '-'")
    try:
        owner.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the owner {owner!r} holds a character that no text file can hold") from None
    private = Ed25519PrivateKey.generate()
    key = SigningKey(private, owner or name)
    if roles:
        key.public = read_public(public_json(key.public) | {"roles": list(roles)}, f"the key {name}")
    pem = private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    directory = Path(directory)
    path = directory / f"{name}.key"
    try:
        if not directory.is_dir():
            make_directory(directory, mode=0o700)
            directory.chmod(0o700)
        write_atomic(path, pem, mode=0o600, replace=False)
        write_atomic(directory / f"{name}.pub.json", pretty(public_json(key.public)))
    except FileExistsError:
        raise UsageError(f"{path} exists already: choose another name; a key is never overwritten") from None
    except OSError as error:
        raise StoreError(f"cannot write the key {path}: {error.strerror}") from error
    return key


def load_key(path: Path) -> SigningKey:
    """Read a private key. Its owner is what ``NAME.pub.json`` beside it says, else the file's name.

    Raises:
        UsageError: it is not there, is no ed25519 key, or others may read it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = Path(path)
    try:
        # Mode and content of one opened file: a path could lead elsewhere between two looks.
        # A pipe would hold up whoever opens it; this way it is opened at once, and refused.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            found = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(found):
                raise UsageError(f"{path} is no plain file: a private key is kept in one")
            mode, data = stat.S_IMODE(found), file.read(64 * 1024)
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}; `shipworthy keys new` makes one") from error
    if mode & 0o077:
        raise UsageError(f"others may read the private key {path} (mode {mode:04o}): chmod 600 {path}")
    try:
        private = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(f"{path} is not an unencrypted PEM private key") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError(f"{path} is not an ed25519 key")
    return SigningKey(private, _owner_of(path, private.public_key().public_bytes_raw().hex()))


def _owner_of(path: Path, public: str) -> str:
    beside = path.with_name(f"{path.stem}.pub.json")
    try:
        key = read_public(json.loads(beside.read_text(encoding="utf-8")), str(beside))
    except (OSError, ValueError, UsageError):
        return path.stem
    return key.owner if key.public == public else path.stem


def find_keys(directory: Path, wanted: Sequence[str]) -> list[SigningKey]:
    """Read the private keys that are to sign.

    Args:
        directory: of this user's keys.
        wanted: files, or names of keys in the directory; empty for the only key there.

    Raises:
        UsageError: there is no such key, or none is named and there is not exactly one.
    """
    if not wanted:
        there = sorted(Path(directory).glob("*.key"))
        if not there:
            raise UsageError(f"there is no key in {directory}: `shipworthy keys new --name NAME` makes one")
        if len(there) > 1:
            raise UsageError(f"which key signs? name it with --key: {', '.join(path.stem for path in there)}")
        return [load_key(there[0])]
    named = (
        Path(directory) / f"{one}.key" if _NAME.fullmatch(one) and not Path(one).exists() else Path(one)
        for one in wanted
    )
    keys = {key.public.keyid: key for key in map(load_key, named)}
    return list(keys.values())


# ---- statements and envelopes -----------------------------------------------------------------------------------


def statement(subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, Any]) -> bytes:
    """Return an in-toto Statement v1 in canonical JSON.

    Args:
        subjects: name -> ``sha256:<64 hex>``.
        predicate_type: a URI.
    """
    listed = [{"name": n, "digest": {"sha256": d.removeprefix("sha256:")}} for n, d in sorted(subjects.items())]
    return canonical(
        {"_type": STATEMENT_TYPE, "subject": listed, "predicateType": predicate_type, "predicate": dict(predicate)}
    )


def sign(payload: bytes, keys: Sequence[SigningKey], payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return a DSSE envelope in canonical JSON, signatures in the order of their keyids.

    Raises:
        ValueError: no key, or one key twice.
    """
    if not keys or len({key.public.keyid for key in keys}) != len(keys):
        raise ValueError("an envelope needs at least one key, and each key once")
    data = pae(payload_type, payload)
    ordered = sorted(keys, key=lambda key: key.public.keyid)
    return encode(payload, payload_type, [(key.public.keyid, key.sign(data)) for key in ordered])

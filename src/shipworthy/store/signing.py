"""ed25519 keys, in files or held elsewhere, and signing: a DSSE envelope over an in-toto Statement v1."""

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
from shipworthy.store.held import SUFFIX, KeyHolder, read_held
from shipworthy.store.trust import PublicKey, load_public, pretty, public_json, read_public

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_RAW = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class SigningKey:
    """A key that signs: in memory, or held elsewhere. Made by `new_key`, `add_key` or `load_key`; its repr shows no
    secret.
    """

    def __init__(self, private: Ed25519PrivateKey | KeyHolder, public: PublicKey) -> None:
        self._private, self.public = private, public

    def __repr__(self) -> str:
        return f"SigningKey(keyid={self.public.keyid!r}, owner={self.public.owner!r})"

    def sign(self, data: bytes) -> bytes:
        """Return the 64-byte signature.

        Raises:
            StoreError: who holds the key did not sign, or signed with another key.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        signature = self._private.sign(data)
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public.public)).verify(signature, data)
        except InvalidSignature:
            raise StoreError(
                f"what signs for {self.public.owner} is not the key {self.public.keyid[:12]}: nothing is signed"
            ) from None
        return signature


def _public(raw: bytes, owner: str) -> PublicKey:
    return PublicKey(sha256(raw).hexdigest(), raw.hex(), owner)


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

    _check_name(name, owner)
    private = Ed25519PrivateKey.generate()
    key = SigningKey(private, _with_roles(_public(private.public_key().public_bytes_raw(), owner or name), roles, name))
    pem = private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    _write(Path(directory), name, ".key", pem, key.public)
    return key


def add_key(directory: Path, name: str, holder: KeyHolder, *, owner: str = "", roles: Sequence[str] = ()) -> SigningKey:
    """Note a key that somebody else holds: ``NAME.held.json`` (where it is) and ``NAME.pub.json``.

    It must sign once before anything is written.

    Args:
        directory, name, owner, roles: as for `new_key`.

    Raises:
        UsageError: as for `new_key`.
        StoreError: it cannot be reached, is no ed25519 key, or does not sign.
    """
    _check_name(name, owner)
    raw = holder.public()
    if len(raw) != _RAW:
        raise StoreError(f"the key {name} is no ed25519 key: its public key has {len(raw)} bytes")
    key = SigningKey(holder, _with_roles(_public(raw, owner or name), roles, name))
    key.sign(b"shipworthy: does this key sign?")
    _write(Path(directory), name, SUFFIX, pretty(holder.place()), key.public)
    return key


def _check_name(name: str, owner: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a key: use up to 64 letters, digits, '.', '_' or '-'")
    try:
        owner.encode()
    except UnicodeEncodeError:
        raise UsageError(f"the owner {owner!r} holds a character that no text file can hold") from None


def _with_roles(public: PublicKey, roles: Sequence[str], name: str) -> PublicKey:
    return read_public(public_json(public) | {"roles": list(roles)}, f"the key {name}") if roles else public


def _write(directory: Path, name: str, suffix: str, data: bytes, public: PublicKey) -> None:
    path, beside = directory / f"{name}{suffix}", directory / f"{name}.pub.json"
    try:
        if not directory.is_dir():
            make_directory(directory, mode=0o700)
            directory.chmod(0o700)
        if any((directory / f"{name}{other}").exists() for other in (".key", SUFFIX)):
            raise FileExistsError
        write_atomic(path, data, mode=0o600, replace=False)
        write_atomic(beside, pretty(public_json(public)))
    except FileExistsError:
        raise UsageError(f"{path} exists already: choose another name; a key is never overwritten") from None
    except OSError as error:
        raise StoreError(f"cannot write the key {path}: {error.strerror}") from error


def load_key(path: Path) -> SigningKey:
    """Read a private key, or where it is held. Its owner is what ``NAME.pub.json`` says, else the file's name.

    Raises:
        UsageError: it is not there, is no ed25519 key, or others may read it.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = Path(path)
    if path.name.endswith(SUFFIX):
        # The public key that was noted is the one that counts: what the holder says now may be another.
        noted = load_public(path.with_name(path.name.removesuffix(SUFFIX) + ".pub.json"))
        return SigningKey(read_held(path), _public(bytes.fromhex(noted.public), noted.owner))
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
    raw = private.public_key().public_bytes_raw()
    return SigningKey(private, _public(raw, _owner_of(path, raw.hex())))


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
        there = sorted([*Path(directory).glob("*.key"), *Path(directory).glob(f"*{SUFFIX}")])
        if not there:
            raise UsageError(f"there is no key in {directory}: `shipworthy keys new --name NAME` makes one")
        if len(there) > 1:
            names = ", ".join(path.name.removesuffix(SUFFIX).removesuffix(".key") for path in there)
            raise UsageError(f"which key signs? name it with --key: {names}")
        return [load_key(there[0])]
    named = (
        _named(Path(directory), one) if _NAME.fullmatch(one) and not Path(one).exists() else Path(one) for one in wanted
    )
    keys = {key.public.keyid: key for key in map(load_key, named)}
    return list(keys.values())


def _named(directory: Path, name: str) -> Path:
    held = directory / f"{name}{SUFFIX}"
    return held if held.exists() else directory / f"{name}.key"


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

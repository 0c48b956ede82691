"""ed25519 keys, DSSE envelopes, in-toto statements and trust files.

The envelope is DSSE v1 (github.com/secure-systems-lab/dsse) over an in-toto Statement v1. The stand-alone verifier
in `evidence.verify` repeats the checks on `cryptography` alone; tests hold both against `securesystemslib`.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store.files import make_directory, write_atomic

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class PublicKey(Struct, frozen=True):
    """A verification key.

    Attributes:
        keyid: SHA-256 of the 32 raw bytes, 64 hex digits.
        public: the 32 raw bytes, 64 hex digits.
        owner: who signs with it; two keys of one owner count as one signer.
    """

    keyid: str
    public: str
    owner: str


class Trust(Struct, frozen=True):
    """Whom a verifier trusts, and how many of them must have signed."""

    keys: tuple[PublicKey, ...]
    threshold: int = 1


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


def new_key(directory: Path, name: str, *, owner: str = "") -> SigningKey:
    """Make a key: ``NAME.key`` (private, PKCS #8 PEM, mode 0600) and ``NAME.pub.json``.

    Args:
        directory: created with mode 0700 if it is not there.
        name: letters, digits, ``. _ -``.
        owner: who signs with it; the name by default.

    Raises:
        UsageError: the name is not one, or is taken: a key is never overwritten.
        StoreError: it cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a key: use up to 64 letters, digits, '.', '_' or '-'")
    private = Ed25519PrivateKey.generate()
    key = SigningKey(private, owner or name)
    pem = private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    directory = Path(directory)
    path = directory / f"{name}.key"
    try:
        if not directory.is_dir():
            make_directory(directory)
            directory.chmod(0o700)
        write_atomic(path, pem, mode=0o600, replace=False)
        write_atomic(directory / f"{name}.pub.json", _pretty(public_json(key.public)))
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
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            data = file.read(64 * 1024)
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


def public_keys(directory: Path) -> list[PublicKey]:
    """Return the public keys in a folder, by file name.

    Raises:
        UsageError: a ``*.pub.json`` is not a public key.
    """
    found = []
    for path in sorted(Path(directory).glob("*.pub.json")):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} is not a public key: {error}") from error
        found.append(read_public(value, str(path)))
    return found


# ---- trust files -----------------------------------------------------------------------------------------------


def public_json(key: PublicKey) -> dict[str, Any]:
    """Return a key as it stands in a trust file."""
    return {"keyid": key.keyid, "public": key.public, "owner": key.owner}


def trust_json(keys: Sequence[PublicKey], threshold: int = 1) -> str:
    """Return a trust file's text.

    Raises:
        UsageError: it would trust nobody, or ask for more signers than there are.
    """
    value = {"keys": [public_json(key) for key in keys], "threshold": threshold}
    _read_trust(value, "the trust file")
    return _pretty(value).decode()


def load_trust(path: Path) -> Trust:
    """Read a trust file: ``{"keys": [{"keyid", "public", "owner"}], "threshold": 1}``.

    Raises:
        UsageError: it is not one; says what is wrong.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read the trust file {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from error
    return _read_trust(value, str(path))


def _read_trust(value: Any, where: str) -> Trust:
    if not isinstance(value, dict) or not isinstance(value.get("keys"), list) or set(value) - {"keys", "threshold"}:
        raise UsageError(f'{where} is not a trust file: it must be {{"keys": [...], "threshold": 1}}')
    keys = tuple(read_public(key, where) for key in value["keys"])
    if len({key.keyid for key in keys}) != len(keys):
        raise UsageError(f"{where}: a key is listed twice")
    threshold, owners = value.get("threshold", 1), len({key.owner for key in keys})
    if type(threshold) is not int or not 1 <= threshold <= owners:
        raise UsageError(f"{where}: the threshold must be from 1 to {owners}, the number of owners, not {threshold!r}")
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


# ---- statements and envelopes ----------------------------------------------------------------------------------


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


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: the bytes that are signed.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, keys: Sequence[SigningKey], payload_type: str = PAYLOAD_TYPE) -> bytes:
    """Return a DSSE envelope in canonical JSON, signatures in the order of their keyids.

    Raises:
        ValueError: no key, or one key twice.
    """
    if not keys or len({key.public.keyid for key in keys}) != len(keys):
        raise ValueError("an envelope needs at least one key, and each key once")
    data = pae(payload_type, payload)
    signatures = [
        {"keyid": key.public.keyid, "sig": base64.b64encode(key.sign(data)).decode()}
        for key in sorted(keys, key=lambda key: key.public.keyid)
    ]
    return canonical(
        {"payload": base64.b64encode(payload).decode(), "payloadType": payload_type, "signatures": signatures}
    )


def verify(envelope: bytes, trust: Trust, payload_type: str = PAYLOAD_TYPE) -> tuple[bytes, tuple[PublicKey, ...]]:
    """Return an envelope's payload and who signed it.

    Stricter than DSSE asks: an envelope has one spelling (canonical JSON, canonical base64), and every signature in
    it must be good and by a trusted key, so that no byte of it can change unnoticed.

    Raises:
        IntegrityError: says which of these fails, or that the threshold is not met.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        value = json.loads(envelope)
        payload = base64.b64decode(value["payload"], validate=True)
        listed = [(str(s["keyid"]), base64.b64decode(s["sig"], validate=True)) for s in value["signatures"]]
        spelt = {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": value["payloadType"],
            "signatures": [{"keyid": keyid, "sig": base64.b64encode(sig).decode()} for keyid, sig in listed],
        }
        if canonical(spelt) != envelope:
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error):
        raise IntegrityError("not a DSSE envelope in canonical form") from None
    if value["payloadType"] != payload_type:
        raise IntegrityError(f"the envelope's payload type is not {payload_type}")
    known, signers = {key.keyid: key for key in trust.keys}, []
    for keyid, signature in listed:
        if keyid not in known:
            raise IntegrityError(f"signed by a key that is not in the trust file: {keyid}")
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(known[keyid].public)).verify(
                signature, pae(payload_type, payload)
            )
        except InvalidSignature:
            raise IntegrityError(f"the signature of {known[keyid].owner} ({keyid[:12]}) is not good") from None
        signers.append(known[keyid])
    if len({key.keyid for key in signers}) != len(signers):
        raise IntegrityError("one key signed twice")
    if len({key.owner for key in signers}) < trust.threshold:
        raise IntegrityError(f"{len({k.owner for k in signers})} of {trust.threshold} needed signers have signed")
    return payload, tuple(signers)


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()

"""Signatures of folders in the OpenSSF form (OMS 1.0): a Sigstore bundle with a DSSE envelope around a manifest.

The form is for models, data sets and skills; here it carries suites and data sets. Its keys are on NIST's curves, so
they are files of their own beside the ed25519 keys that decisions are signed with. Tests hold it against the package
`model-signing` both ways, in an environment of its own.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from shipworthy.core.digests import PREFIX, canonical, file_digest
from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.store.dsse import PAYLOAD_TYPE, pae
from shipworthy.store.files import make_directory, write_atomic
from shipworthy.store.signing import STATEMENT_TYPE

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

PREDICATE_TYPE = "https://model_signing/signature/v1.0"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LEFT_OUT = (".git", ".gitattributes", ".github", ".gitignore")
"""What the form lets out besides the signature itself: it changes nothing that is measured."""
_CURVES = {"secp256r1": "SHA256", "secp384r1": "SHA384", "secp521r1": "SHA512"}
_MOST = 64 << 20
"""Bytes of a signature."""


class Signed(NamedTuple):
    """What a signature holds of a folder.

    Attributes:
        name: as the signer called the folder; it proves nothing.
        digest: ``sha256:…`` over the digests of all files, in order.
        files: path -> ``sha256:…``.
        hint: of the key: SHA-256 of its public half in PEM.
    """

    name: str
    digest: str
    files: dict[str, str]
    hint: str


def new_ec_key(directory: Path, name: str) -> tuple[Path, Path]:
    """Make a P-256 key: ``NAME.ec.pem`` (private, mode 0600) and ``NAME.ec.pub.pem``.

    Raises:
        UsageError: the name is not one, or is taken: a key is never overwritten.
        StoreError: it cannot be written.
    """
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec

    if not name or not all(c.isascii() and (c.isalnum() or c in "._-") for c in name) or name[0] in ".-":
        raise UsageError(f"{name!r} is no name for a key: use letters, digits, '.', '_' or '-'")
    private, public = directory / f"{name}.ec.pem", directory / f"{name}.ec.pub.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    try:
        if not directory.is_dir():
            make_directory(directory, mode=0o700)
            directory.chmod(0o700)
        write_atomic(private, pem, mode=0o600, replace=False)
        write_atomic(public, _pem(key.public_key()), replace=False)
    except FileExistsError:
        raise UsageError(f"{private} exists already: choose another name; a key is never overwritten") from None
    except OSError as error:
        raise StoreError(f"cannot write the key {private}: {error.strerror}") from error
    return private, public


def sign_folder(folder: Path, key: Path, signature: Path) -> Signed:
    """Sign every file of a folder, and write the signature.

    Args:
        key: PEM of a private key on P-256, P-384 or P-521, that others cannot read.
        signature: where it is written; in the folder, or elsewhere. An older one is replaced.

    Raises:
        UsageError: the folder holds no file, or a link; the key is none, or others may read it.
        StoreError: a file cannot be read, or the signature not be written.
    """
    from cryptography.hazmat.primitives.asymmetric import ec

    private = _private(key)
    left = _left_out(folder, signature)
    files = _files(folder, left)
    if not files:
        raise UsageError(f"{folder} holds no file to sign")
    root = _root(list(files.values()))
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": folder.resolve().name, "digest": {"sha256": root.removeprefix(PREFIX)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": list(left),
            },
            "resources": [
                {"name": name, "algorithm": "sha256", "digest": value.removeprefix(PREFIX)}
                for name, value in files.items()
            ],
        },
    }
    payload = canonical(statement)
    made = private.sign(pae(PAYLOAD_TYPE, payload), ec.ECDSA(_hash(private.public_key())))
    hint = sha256(_pem(private.public_key())).hexdigest()
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(made).decode(), "keyid": ""}],
        },
    }
    try:
        write_atomic(signature, json.dumps(bundle, indent=1).encode() + b"\n")
    except OSError as error:
        raise StoreError(f"cannot write {signature}: {error.strerror}") from error
    return Signed(folder.resolve().name, root, files, hint)


def verify_folder(folder: Path, signature: Path, public: Path) -> Signed:
    """Check that a folder is what was signed: every file that was, none more, and not a byte else.

    Stricter than the form asks: a signature that lets out anything but itself and the files of git is refused, and so
    is one over links, over another hash or in another version.

    Args:
        public: PEM of the public key that is trusted.

    Raises:
        UsageError: the key is none, or a file cannot be read.
        IntegrityError: the signature is none, is by another key, or the folder is another one; the first file is named.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec

    trusted = _public(public)
    payload, made, hint = _opened(signature)
    if hint and hint != sha256(_pem(trusted)).hexdigest():
        raise IntegrityError(f"{signature} names another key than {public}")
    try:
        trusted.verify(made, pae(PAYLOAD_TYPE, payload), ec.ECDSA(_hash(trusted)))
    except InvalidSignature:
        raise IntegrityError(f"{signature} is not signed by the key {public}") from None
    name, root, files, left = _read(payload, signature)
    allowed = set(_left_out(folder, signature))
    if beyond := sorted(set(left) - allowed):
        # An older signature beside the folder may be called otherwise; a file that is not there lets nothing out.
        there = [one for one in beyond if (folder / one).exists()]
        if there:
            raise IntegrityError(f"{signature} lets out {there[0]}: whatever it holds, it was not signed")
    found = _files(folder, tuple(allowed))
    for path in sorted(set(files) | set(found)):
        if path not in found:
            raise IntegrityError(f"{folder}: {path} was signed and is not there")
        if path not in files:
            raise IntegrityError(f"{folder}: {path} is there and was not signed")
        if files[path] != found[path]:
            raise IntegrityError(f"{folder}: {path} is not what was signed")
    return Signed(name, root, files, hint)


def _left_out(folder: Path, signature: Path) -> tuple[str, ...]:
    """Return what of a folder is not signed: git's own files, and the signature where it lies inside."""
    place, root = signature.resolve(), folder.resolve()
    inside = {place.relative_to(root).as_posix()} if place.is_relative_to(root) else set()
    return tuple(sorted({*LEFT_OUT, *inside}))


def _files(folder: Path, left: tuple[str, ...]) -> dict[str, str]:
    """Return path -> digest of a folder's files, in the order of the form.

    Raises:
        UsageError: it is no folder, holds a link or something else that is no plain file, or cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    found = [path for path in _walk(folder) if not _under(path.relative_to(folder).as_posix(), left)]
    try:
        named = {PurePosixPath(path.relative_to(folder).as_posix()): file_digest(path) for path in found}
    except OSError as error:
        raise UsageError(f"cannot read {error.filename}: {error.strerror}") from error
    return {str(path): named[path] for path in sorted(named)}


def _under(path: str, left: tuple[str, ...]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in left)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(path)
        elif stat.S_ISREG(mode):
            yield path
        else:
            raise UsageError(f"{path} is a link, or no plain file: what it leads to cannot be signed with the folder")


def _root(values: list[str]) -> str:
    state = sha256()
    for value in values:
        state.update(bytes.fromhex(value.removeprefix(PREFIX)))
    return PREFIX + state.hexdigest()


def _opened(signature: Path) -> tuple[bytes, bytes, str]:
    """Return a bundle's payload, its one signature, and the hint of its key."""
    try:
        if signature.stat().st_size > _MOST:
            raise IntegrityError(f"{signature} is too large to be a signature")
        bundle = _parsed(signature.read_bytes(), signature)
    except OSError as error:
        raise UsageError(f"cannot read the signature {signature}: {error.strerror}") from error
    try:
        if bundle["mediaType"] != MEDIA_TYPE or bundle["dsseEnvelope"]["payloadType"] != PAYLOAD_TYPE:
            raise IntegrityError(f"{signature} is no signature of OMS 1.0")
        envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
        (one,) = envelope["signatures"]
        payload, made = (base64.b64decode(said, validate=True) for said in (envelope["payload"], one["sig"]))
        hint = material["publicKey"].get("hint") or ""
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error):
        raise IntegrityError(f"{signature} is no signature by a key in the form of OMS 1.0") from None
    return payload, made, str(hint)


def _read(payload: bytes, signature: Path) -> tuple[str, str, dict[str, str], list[str]]:
    """Return what was signed: the folder's name, its digest, its files, and the paths that are let out."""
    wrong = IntegrityError(f"{signature}: what was signed is no manifest of OMS 1.0 over SHA-256 and without links")
    said = _parsed(payload, signature)
    try:
        (subject,), predicate = said["subject"], said["predicate"]
        how = predicate["serialization"]
        if (said["_type"], said["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
            raise wrong
        if (how["method"], how["hash_type"], how["allow_symlinks"]) != ("files", "sha256", False):
            raise wrong
        files = {str(one["name"]): PREFIX + one["digest"] for one in predicate["resources"]}
        if len(files) != len(predicate["resources"]) or any(o["algorithm"] != "sha256" for o in predicate["resources"]):
            raise wrong
        root = PREFIX + subject["digest"]["sha256"]
        if root != _root(list(files.values())):
            raise IntegrityError(f"{signature}: the digest of the whole is not that of the files")
        return str(subject["name"]), root, files, [str(one) for one in how.get("ignore_paths") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise wrong from None


def _parsed(data: bytes, signature: Path) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key is there twice")
        return dict(pairs)

    try:
        return json.loads(data, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise IntegrityError(f"{signature} is no JSON that says one thing") from None


def _private(path: Path) -> EllipticCurvePrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(64 * 1024) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}; `shipworthy keys ecdsa` makes one") from error
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(f"others may read the private key {path} (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}")
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(f"{path} is not an unencrypted PEM private key") from None
    if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name not in _CURVES:
        raise UsageError(f"{path} is no key on P-256, P-384 or P-521: `shipworthy keys ecdsa` makes one")
    return key


def _public(path: Path) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read the key {path}: {error.strerror}") from error
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path} is no PEM public key") from None
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        raise UsageError(f"{path} is no public key on P-256, P-384 or P-521")
    return key


def _hash(key: EllipticCurvePublicKey) -> hashes.HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    made: hashes.HashAlgorithm = getattr(hashes, _CURVES[key.curve.name])()
    return made


def _pem(key: EllipticCurvePublicKey) -> bytes:
    from cryptography.hazmat.primitives import serialization as ser

    return key.public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo)

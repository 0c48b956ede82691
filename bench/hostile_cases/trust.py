"""Trust files and keys that are not what they should be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from case import Case, Outcome, accepted, judge
from lab import Lab

KIND = "trust file or key"
ESCAPE = "\x1b[2J\x1b[Hverdict: ship"


def controls(lab: Lab) -> Iterator[Case]:
    """The trust file as it is, and the key."""
    yield Case(KIND, "control: as it is", lambda: accepted(lab.run("evidence", "verify", lab.shipped.pack, "--trust", lab.trust)))  # fmt: skip


def cases(lab: Lab) -> Iterator[Case]:
    """Trust files, public keys, private keys."""
    for name, text in _trusts(lab):
        yield Case(KIND, f"trust: {name}", lambda text=text: _trusted(lab, text))
    for name, text in _publics(lab):
        yield Case(KIND, f"public key: {name}", lambda text=text: _public(lab, text))
    for name, make in _privates(lab):
        yield Case(KIND, f"private key: {name}", lambda make=make: _private(lab, make))
    for name in ("../escape", "a/b", "", ".hidden", "x" * 65, ESCAPE, "a b", "\n", "ada"):
        yield Case(KIND, f"name of a new key: {name[:20]!r}", lambda name=name: judge(lab.run("keys", "new", "--name", name, tty=True), codes=(2,)))  # fmt: skip


def _trusted(lab: Lab, text: bytes) -> Outcome:
    path = lab.place() / "trust.json"
    path.write_bytes(text)
    return judge(lab.run("evidence", "verify", lab.shipped.pack, "--trust", path, tty=True), codes=(2, 4))


def _key(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab.trust.read_text())["keys"][0]
    return found


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "not JSON", b"trust everybody\n"
    yield "null", b"null"
    yield "a list", b"[]"
    yield "a text", b'"x"'
    yield "a number of 5,000 digits", b"9" * 5000
    yield "100,000 brackets", b"[" * 100_000
    yield "an object of 100,000 levels", b'{"keys":' * 100_000
    yield "not UTF-8", b"\xff\xfe\x00"
    yield "NaN", b"NaN"


def _trusts(lab: Lab) -> Iterator[tuple[str, bytes]]:
    yield from _texts()
    odd: list[tuple[str, Any]] = [
        ("no key", lambda k: {"keys": [], "threshold": 1}),
        ("keys that are an object", lambda k: {"keys": k, "threshold": 1}),
        ("a key that is a text", lambda k: {"keys": ["x"]}),
        ("a key that is null", lambda k: {"keys": [None]}),
        ("the key twice", lambda k: {"keys": [k, k]}),
        ("the key twice under two owners", lambda k: {"keys": [k, {**k, "owner": "eve"}], "threshold": 2}),
        ("an unknown field", lambda k: {"keys": [k], "thresholds": 2}),
        ("another key id", lambda k: {"keys": [{**k, "keyid": "0" * 64}]}),
        ("a key id that is a number", lambda k: {"keys": [{**k, "keyid": 7}]}),
        ("a public key of 62 digits", lambda k: {"keys": [{**k, "public": k["public"][2:]}]}),
        ("a public key in capitals", lambda k: {"keys": [{**k, "public": k["public"].upper()}]}),
        ("a public key with a line feed", lambda k: {"keys": [{**k, "public": k["public"] + "\n"}]}),
        ("a public key that is a list", lambda k: {"keys": [{**k, "public": []}]}),
        ("no owner", lambda k: {"keys": [{**k, "owner": ""}]}),
        ("an owner that is a number", lambda k: {"keys": [{**k, "owner": 7}]}),
        ("an owner that is half a surrogate pair", lambda k: {"keys": [{**k, "owner": "\ud800"}], "threshold": 2}),
    ]
    for threshold in (0, -1, 2, 1.0, True, "1", None, 10**400, [], ESCAPE):
        odd.append((f"threshold {str(threshold)[:12]!r}", lambda k, threshold=threshold: {"keys": [k], "threshold": threshold}))  # fmt: skip
    for name, make in odd:
        yield name, json.dumps(make(_key(lab))).encode()
    key = json.dumps(_key(lab)).encode()
    yield "keys there twice", b'{"keys":[],"keys":[' + key + b"]}"
    yield "threshold there twice", b'{"keys":[' + key + b'],"threshold":2,"threshold":1}'
    yield "a field of the key there twice", b'{"keys":[' + key[:-1] + b',"owner":"eve"}]}'


def _publics(lab: Lab) -> Iterator[tuple[str, bytes]]:
    yield from _texts()
    key = _key(lab)
    yield "another key id", json.dumps({**key, "keyid": "0" * 64}).encode()
    yield "no owner", json.dumps({**key, "owner": None}).encode()
    yield "a field there twice", json.dumps(key).encode()[:-1] + b',"owner":"eve"}'
    yield "a private key", (lab.keys / "ada.key").read_bytes()


def _public(lab: Lab, text: bytes) -> Outcome:
    path = lab.place() / "x.pub.json"
    path.write_bytes(text)
    return judge(lab.run("keys", "trust", path, tty=True), codes=(2, 4))


def _privates(lab: Lab) -> Iterator[tuple[str, Callable[[Path], Path]]]:
    from cryptography.hazmat.primitives import serialization as ser
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    def pem(private: Any, encryption: Any = None) -> bytes:
        made: bytes = private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, encryption or ser.NoEncryption())
        return made

    good = pem(ed25519.Ed25519PrivateKey.generate())

    def file(text: bytes, mode: int = 0o600) -> Callable[[Path], Path]:
        def make(place: Path) -> Path:
            (place / "x.key").write_bytes(text)
            (place / "x.key").chmod(mode)
            return place / "x.key"

        return make

    yield "readable by others", file(good, 0o644)
    yield "readable by the group", file(good, 0o640)
    yield "writable by others", file(good, 0o602)
    yield "empty", file(b"")
    yield "no PEM", file(b"\x00\xff" * 100)
    yield "PEM of nothing", file(b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")
    yield "PEM of rubbish", file(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    yield "cut off", file(good[:60])
    yield "of another kind, EC", file(pem(ec.generate_private_key(ec.SECP256R1())))
    yield "of another kind, RSA", file(pem(rsa.generate_private_key(65537, 2048)))
    yield "with a password", file(pem(ed25519.Ed25519PrivateKey.generate(), ser.BestAvailableEncryption(b"x")))
    yield "a public key", file(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo))  # fmt: skip
    yield "a folder", lambda place: place
    yield "nothing there", lambda place: place / "none.key"
    yield "a pipe", lambda place: (os.mkfifo(place / "p.key", 0o600), place / "p.key")[1]


def _private(lab: Lab, make: Callable[[Path], Path]) -> Outcome:
    path = make(lab.place())
    output = path.parent / "made.zip"
    words = ("evidence", "build", "-C", lab.shipped.root, "--key", path, "-o", output)
    ran = lab.spawn(*words, timeout=8) if path.suffix == ".key" and path.is_fifo() else lab.run(*words, tty=True)
    return judge(ran, harm="a pack was signed with it" if output.exists() else "", codes=(2, 4))

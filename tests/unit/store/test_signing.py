"""Keys, envelopes and trust, held against securesystemslib both ways."""

from __future__ import annotations

import base64
import json
import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey

from shipworthy.core.digests import canonical
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.store.dsse import PAYLOAD_TYPE, encode, verify
from shipworthy.store.signing import SigningKey, load_key, new_key, sign
from shipworthy.store.trust import PublicKey, Trust, load_trust, public_keys, trust_json


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[SigningKey]:
    directory = tmp_path_factory.mktemp("keys")
    return [new_key(directory, name) for name in ("ada", "bob")]


def trust(*keys: SigningKey, threshold: int = 1) -> Trust:
    return Trust(tuple(key.public for key in keys), threshold)


def test_a_key_file_is_private_and_comes_back(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys", "ada", owner="Ada L.")
    path = tmp_path / "keys" / "ada.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = load_key(path)
    assert again.public == key.public
    assert again.public.owner == "Ada L."
    assert public_keys(path.parent) == [key.public]
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    new_key(tmp_path, "ada")
    (tmp_path / "ada.key").chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        load_key(tmp_path / "ada.key")


@pytest.mark.parametrize("mask", [0, 0o777, 0o022])
def test_a_key_is_its_owners_alone_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        new_key(tmp_path / "config" / "keys", "ada")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "config/keys/ada.key").stat().st_mode) == 0o600
    # Nor may anybody put another folder of keys in its place.
    assert stat.S_IMODE((tmp_path / "config/keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "config").stat().st_mode) & 0o077 == 0


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    new_key(tmp_path, "ada")
    before = (tmp_path / "ada.key").read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        new_key(tmp_path, "ada")
    assert (tmp_path / "ada.key").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["", "../ada", "a/b", ".ada", "a" * 65, "a b"])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no name for a key"):
        new_key(tmp_path, name)


def test_what_is_no_key_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "x.key"
    with pytest.raises(UsageError, match="keys new"):
        load_key(path)
    path.write_text("nothing")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="not an unencrypted PEM"):
        load_key(path)


def test_an_envelope_verifies_and_names_its_signers(keys: list[SigningKey]) -> None:
    payload, signers = verify(sign(b'{"a":1}', keys), trust(*keys, threshold=2))
    assert payload == b'{"a":1}'
    assert {s.owner for s in signers} == {"ada", "bob"}


def test_signing_is_deterministic(keys: list[SigningKey]) -> None:
    assert sign(b"x", keys) == sign(b"x", keys[::-1])


def test_an_unknown_signer_a_missing_signer_and_a_wrong_key_are_refused(keys: list[SigningKey]) -> None:
    ada, bob = keys
    with pytest.raises(IntegrityError, match="not in the trust file"):
        verify(sign(b"x", [ada]), trust(bob))
    with pytest.raises(IntegrityError, match="1 of 2"):
        verify(sign(b"x", [ada]), trust(*keys, threshold=2))
    forged = json.loads(sign(b"x", [bob]))
    forged["signatures"][0]["keyid"] = ada.public.keyid
    with pytest.raises(IntegrityError, match=r"ada.*not good"):
        verify(canonical(forged), trust(ada))


def test_one_signer_does_not_count_twice(keys: list[SigningKey], tmp_path: Path) -> None:
    ada, bob = keys
    twice = json.loads(sign(b"x", [ada]))
    twice["signatures"] *= 2
    with pytest.raises(IntegrityError, match="twice"):
        verify(canonical(twice), trust(ada, bob, threshold=2))
    second = new_key(tmp_path, "second", owner="ada")
    with pytest.raises(IntegrityError, match="1 of 2"):
        verify(sign(b"x", [ada, second]), trust(ada, second, bob, threshold=2))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_byte_of_an_envelope_can_change(keys: list[SigningKey], data: st.DataObject) -> None:
    envelope = bytearray(sign(b'{"verdict":"no-ship"}', keys))
    place = data.draw(st.integers(0, len(envelope) - 1))
    envelope[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(IntegrityError):
        verify(bytes(envelope), trust(*keys))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_what_is_no_envelope_is_refused(keys: list[SigningKey], data: bytes) -> None:
    with pytest.raises(IntegrityError):
        verify(data, trust(*keys))


def test_a_deep_envelope_is_refused_and_not_a_crash(keys: list[SigningKey]) -> None:
    with pytest.raises(IntegrityError):
        verify(b"[" * 100_000, trust(*keys))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_securesystemslib_verifies_what_we_sign(keys: list[SigningKey], payload: bytes) -> None:
    value = json.loads(sign(payload, keys))
    assert base64.b64decode(value["payload"]) == payload
    envelope = Envelope(
        base64.b64decode(value["payload"]),
        value["payloadType"],
        {s["keyid"]: Signature(s["keyid"], base64.b64decode(s["sig"]).hex()) for s in value["signatures"]},
    )
    theirs = [SSlibKey(k.public.keyid, "ed25519", "ed25519", {"public": k.public.public}) for k in keys]
    assert set(envelope.verify(theirs, 2)) == {k.public.keyid for k in keys}
    with pytest.raises(VerificationError):
        Envelope(payload + b"x", value["payloadType"], envelope.signatures).verify(theirs, 2)


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=300))
def test_we_verify_what_securesystemslib_signs(payload: bytes) -> None:
    signer = CryptoSigner.generate_ed25519()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    signature = envelope.sign(signer)
    public = signer.public_key.keyval["public"]
    keyid = sha256(bytes.fromhex(public)).hexdigest()
    ours = encode(payload, PAYLOAD_TYPE, [(keyid, bytes.fromhex(signature.signature))])
    assert verify(ours, Trust((PublicKey(keyid, public, "them"),)))[0] == payload


def test_a_trust_file_comes_back(keys: list[SigningKey], tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    path.write_text(trust_json([k.public for k in keys], 2))
    assert load_trust(path) == trust(*keys, threshold=2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(threshold=0), "threshold"),
        (lambda t: t.update(threshold=3), "from 1 to 2"),
        (lambda t: t.update(threshold=True), "threshold"),
        (lambda t: t.update(extra=1), "not a trust file"),
        (lambda t: t.pop("keys"), "not a trust file"),
        (lambda t: t.update(keys=[]), "trusts nobody"),
        (lambda t: t.update(threshold=2) or t["keys"][1].update(owner=f" {t['keys'][0]['owner'].upper()}"), "1 to 1"),
        (lambda t: t["keys"].append(t["keys"][0]), "twice"),
        (lambda t: t["keys"][0].update(keyid="0" * 64), "not the SHA-256"),
        (lambda t: t["keys"][0].update(public="zz"), "64 hex"),
        (lambda t: t["keys"][0].pop("owner"), "owner"),
        (lambda t: t["keys"][0].update(owner=""), "owner"),
    ],
)
def test_a_wrong_trust_file_says_what_is_wrong(
    keys: list[SigningKey], tmp_path: Path, change: object, message: str
) -> None:
    value = json.loads(trust_json([k.public for k in keys], 1))
    assert callable(change)
    change(value)
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(value))
    with pytest.raises(UsageError, match=message):
        load_trust(path)


def test_a_trust_file_that_says_a_thing_twice_is_refused(keys: list[SigningKey], tmp_path: Path) -> None:
    """JSON takes the last one: a threshold of 2 that one reads at the top would be 1."""
    path = tmp_path / "trust.json"
    text = trust_json([k.public for k in keys], 2)
    path.write_text(text.rstrip().removesuffix("}") + ', "threshold": 1}')
    with pytest.raises(UsageError, match="'threshold' stands there twice"):
        load_trust(path)


def test_one_person_under_two_spellings_is_one_signer(keys: list[SigningKey]) -> None:
    ada, bob = keys
    again = bob.public._replace(owner=f"{ada.public.owner.upper()} ")
    with pytest.raises(IntegrityError, match="1 of 2 needed signers"):
        verify(sign(b"x", [ada, bob]), Trust((ada.public, again), 2))


def test_a_pipe_is_no_key_and_holds_nobody_up(tmp_path):
    import os

    os.mkfifo(tmp_path / "p.key", 0o600)
    with pytest.raises(UsageError, match="no plain file"):
        load_key(tmp_path / "p.key")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"keys":' * 100_000])
def test_trust_without_end_is_refused(tmp_path, text):
    (tmp_path / "eve.pub.json").write_text(text)
    with pytest.raises(UsageError, match="not a trust file"):
        load_trust(tmp_path / "eve.pub.json")
    with pytest.raises(UsageError, match="not a public key"):
        public_keys(tmp_path)

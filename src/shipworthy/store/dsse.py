"""DSSE v1 envelopes (github.com/secure-systems-lab/dsse), with one spelling.

Needs `cryptography` and nothing else: signing and the stand-alone verifier share it. Tests hold it against
`securesystemslib` both ways.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence

from shipworthy.core.errors import IntegrityError
from shipworthy.store.trust import PublicKey, Trust, owners

PAYLOAD_TYPE = "application/vnd.in-toto+json"

_MOST = 100
"""Signatures that an envelope may hold."""
_BASE64 = rb"[A-Za-z0-9+/]*=?=?"
_SIGNATURE = re.compile(rb'\{"keyid":"([ !#-\[\]-~]{0,200})","sig":"(' + _BASE64 + rb')"\}')
_ENVELOPE = re.compile(
    rb'\{"payload":"(' + _BASE64 + rb')","payloadType":"([ !#-\[\]-~]{0,200})","signatures":\[([^\[\]]*)\]\}'
)
"""The one spelling. It is matched, not parsed: nothing that nobody has signed reaches a JSON parser."""


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: the bytes that are signed.

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def encode(payload: bytes, payload_type: str, signatures: Sequence[tuple[str, bytes]]) -> bytes:
    """Return an envelope in canonical JSON.

    Args:
        signatures: keyid and signature, in order.
    """
    value = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(sig).decode()} for keyid, sig in signatures],
    }
    # Keys and values are ASCII strings: sorted and without spaces, this is RFC 8785.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def verify(envelope: bytes, trust: Trust, payload_type: str = PAYLOAD_TYPE) -> tuple[bytes, tuple[PublicKey, ...]]:
    """Return an envelope's payload and who signed it.

    Stricter than DSSE asks: an envelope has one spelling (canonical JSON, canonical base64), and every signature in
    it must be good and by a trusted key, so that no byte of it can change unnoticed.

    Raises:
        IntegrityError: says which of these fails, or that the threshold is not met.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    kind, payload, listed = _decode(envelope)
    if kind != payload_type:
        raise IntegrityError(f"the envelope's payload type is not {payload_type}")
    known, signers = {key.keyid: key for key in trust.keys}, []
    for keyid, signature in listed:
        if keyid not in known:
            raise IntegrityError(f"signed by a key that is not in the trust file: {keyid[:64]}")
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(known[keyid].public)).verify(
                signature, pae(payload_type, payload)
            )
        except InvalidSignature:
            raise IntegrityError(f"the signature of {known[keyid].owner} ({keyid[:12]}) is not good") from None
        signers.append(known[keyid])
    if len({key.keyid for key in signers}) != len(signers):
        raise IntegrityError("one key signed twice")
    if owners(signers) < trust.threshold:
        raise IntegrityError(f"{owners(signers)} of {trust.threshold} needed signers have signed")
    return payload, tuple(signers)


def _decode(envelope: bytes) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """Return payload type, payload, and keyids with signatures."""
    wrong = IntegrityError("not a DSSE envelope in canonical form")
    whole = _ENVELOPE.fullmatch(envelope)
    if whole is None or whole[3].count(b"{") > _MOST:
        raise wrong
    try:
        payload = base64.b64decode(whole[1], validate=True)
        listed = [(m[1].decode(), base64.b64decode(m[2], validate=True)) for m in _SIGNATURE.finditer(whole[3])]
    except binascii.Error:
        raise wrong from None
    if encode(payload, whole[2].decode(), listed) != envelope:
        raise wrong
    return whole[2].decode(), payload, listed

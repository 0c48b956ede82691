"""Time stamps after RFC 3161: a third party says that a file was there at a time. Python and `cryptography` only.

A token lies beside what it is about and never in it: what a pack holds is covered by its signature, and that was there
first. Whom to believe comes from the verifier: certificates of time stamping authorities, as PEM. Revocation is not
looked up, as that takes a network. `openssl ts -verify -data PACK -in PACK.tsr -CAfile tsa.pem` looks at the same file.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evidence import der
from shipworthy.evidence.der import DerValue

HASHES = {"2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512"}
MOST_BYTES = 1 << 18
"""Bytes of a reply: a token with a chain of certificates has a few thousand."""
_SIGNED_DATA, _TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE, _MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
_CERTIFICATE, _CERTIFICATE_2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
_RSA, _EC, _ED25519 = "1.2.840.113549.1.1.", "1.2.840.10045.4.3.", "1.3.101.112"
_REPLY, _TOKEN = "the reply", "the time stamp"
_DEEPEST = 8
_UNREADABLE = (
    ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
    UnsupportedAlgorithm,
)  # fmt: skip
"""What `cryptography` raises over certificates that are none, some of it only when a part is asked for."""


class TimeStamp(NamedTuple):
    """What a token says, its signature not looked at yet.

    Attributes:
        at: when the file was there; `seconds` how far off that may be, as the authority says.
        algorithm, imprint: digest of the file.
        nonce: of the request; None where it had none.
    """

    at: datetime
    seconds: float
    algorithm: str
    imprint: bytes
    serial: int
    nonce: int | None

    def of(self, data: bytes) -> bool:
        """Say whether it is about these bytes."""
        return hmac.compare_digest(hashlib.new(self.algorithm, data).digest(), self.imprint)


class GivenStamp(NamedTuple):
    """A time stamp that a verifier was given, and whom it believes of time."""

    data: bytes
    authorities: Sequence[x509.Certificate]


class _Signed(NamedTuple):
    """A token taken apart."""

    info: DerValue
    certificates: Sequence[x509.Certificate]
    signer: DerValue


def read_stamp(data: bytes) -> TimeStamp:
    """Return what a reply, or a token, says.

    Raises:
        IntegrityError: it is none, or the authority refused to give one.
    """
    return _info(_token(data).info.content)


def check_stamp(stamp: bytes, data: bytes, authorities: Sequence[x509.Certificate]) -> tuple[TimeStamp, str]:
    """Check that a trusted authority says that some bytes were there; return what it says, and who it is.

    Args:
        stamp: a reply as RFC 3161 has it, or the token alone.
        data: what it must be about.
        authorities: whom the verifier believes: of an authority itself, or of who certifies it.

    Raises:
        IntegrityError: it is about something else, was not signed so, or by nobody who is believed.
    """
    token = _token(stamp)
    info = _info(token.info.content)
    if not info.of(data):
        raise IntegrityError("the time stamp is of other bytes")
    try:
        signer = _signed_by(token, authorities)
    except _UNREADABLE as error:
        raise IntegrityError(f"a certificate of the time stamp cannot be read: {error}") from None
    return info, signer.subject.rfc4514_string()


def given_stamp(stamp: Path | None, authorities: Path | None) -> GivenStamp | None:
    """Return what a verifier is given on the command line; None where it is given nothing.

    Raises:
        UsageError: a file cannot be read, or one of the two is missing.
    """
    if stamp is None and authorities is None:
        return None
    if stamp is None or authorities is None:
        raise UsageError("--stamp and --stamp-trust go together: a time stamp, and whom you believe of time (PEM)")
    return GivenStamp(read_file(stamp), load_authorities(authorities))


def load_authorities(path: Path) -> list[x509.Certificate]:
    """Return the certificates in a PEM file.

    Raises:
        UsageError: it cannot be read, or holds none.
    """
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: no certificates as PEM ({error})") from None
    return found


def read_file(path: Path) -> bytes:
    """Return the bytes of a reply.

    Raises:
        UsageError: it cannot be read, or is too long to be one.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the time stamp {path}: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise UsageError(f"{path} has more than {MOST_BYTES:,} bytes: it is no time stamp")
    return data


# ---- what it says


def _token(data: bytes) -> _Signed:
    parts = der.read(data, _REPLY).expect(der.SEQUENCE, _REPLY).parts(_REPLY)
    if parts and parts[0].tag == der.SEQUENCE:  # a reply: its status, and the token unless it was refused
        status = parts[0].parts(_REPLY)
        number = status[0].integer(_REPLY) if status else -1
        if number not in (0, 1) or len(parts) != 2:
            raise IntegrityError(f"the authority gave no time stamp (status {number})")
        parts = parts[1].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    if len(parts) != 2 or parts[0].oid(_TOKEN) != _SIGNED_DATA:
        raise IntegrityError("this is no time stamp: it holds no signed data")
    signed = _only(parts[1].expect(0xA0, _TOKEN)).expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    if len(signed) < 4 or signed[-1].tag != der.SET:
        raise IntegrityError("this is no time stamp: its signed data lacks a part")
    content = signed[2].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    if len(content) != 2 or content[0].oid(_TOKEN) != _TST_INFO:
        raise IntegrityError("this is no time stamp: what was signed is something else")
    info = _only(content[1].expect(0xA0, _TOKEN)).expect(der.OCTETS, _TOKEN)
    certificates = [c for part in signed[3:-1] if part.tag == 0xA0 for c in map(_certificate, part.parts(_TOKEN))]
    return _Signed(info, certificates, _only(signed[-1]).expect(der.SEQUENCE, _TOKEN))


def _certificate(value: DerValue) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(value.whole)
    except _UNREADABLE as error:
        raise IntegrityError(f"a certificate in the time stamp cannot be read: {error}") from None


def _info(data: bytes) -> TimeStamp:
    parts = der.read(data, _TOKEN).expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    if len(parts) < 5 or parts[0].integer(_TOKEN) != 1:
        raise IntegrityError("the time stamp is of a version that nobody here knows, or lacks a part")
    imprint = parts[2].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    if len(imprint) != 2:
        raise IntegrityError("the time stamp holds no digest")
    seconds, nonce = 0.0, None
    for part in parts[5:]:
        if part.tag == der.SEQUENCE:
            seconds = _accuracy(part)
        elif part.tag == der.INTEGER:
            nonce = part.integer(_TOKEN)
        elif part.tag == 0xA1 and any(
            inner.tag == der.BOOLEAN and inner.content != b"\0"
            for extension in part.parts(_TOKEN) for inner in extension.parts(_TOKEN)
        ):  # fmt: skip
            raise IntegrityError("the time stamp has a critical extension that nobody here knows")
    return TimeStamp(
        parts[4].time(_TOKEN), seconds, _hash(imprint[0]), imprint[1].expect(der.OCTETS, _TOKEN).content,
        parts[3].integer(_TOKEN), nonce,
    )  # fmt: skip


def _accuracy(value: DerValue) -> float:
    scales = {der.INTEGER: 1.0, 0x80: 1e-3, 0x81: 1e-6}
    found = 0.0
    for part in value.parts(_TOKEN):
        if part.tag not in scales or len(part.content) > 4:
            raise IntegrityError("the time stamp's accuracy cannot be read")
        found += int.from_bytes(part.content, "big") * scales[part.tag]
    return found


def _hash(value: DerValue) -> str:
    parts = value.expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    name = parts[0].oid(_TOKEN) if parts else ""
    if name not in HASHES:
        raise IntegrityError(f"the time stamp uses a digest that is not taken here ({name}): SHA-256, 384 or 512 are")
    return HASHES[name]


def _only(value: DerValue) -> DerValue:
    parts = value.parts(_TOKEN)
    if len(parts) != 1:
        raise IntegrityError(f"the time stamp holds {len(parts)} values where one should be")
    return parts[0]


# ---- who says so


def _signed_by(token: _Signed, authorities: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the certificate of who signed a token, if it is believed."""
    parts = token.signer.parts(_TOKEN)
    if len(parts) < 6 or parts[3].tag != 0xA0:
        raise IntegrityError("the time stamp is signed without attributes, which RFC 3161 asks for")
    algorithm, attributes = _hash(parts[2]), _attributes(parts[3])
    kind = attributes.get(_CONTENT_TYPE)
    if kind is None or kind.oid(_TOKEN) != _TST_INFO:
        raise IntegrityError("the time stamp's signature is about another type of content")
    said = attributes.get(_MESSAGE_DIGEST)
    digest = hashlib.new(algorithm, token.info.content).digest()
    if said is None or not hmac.compare_digest(said.expect(der.OCTETS, _TOKEN).content, digest):
        raise IntegrityError("the time stamp is not what was signed")
    signer = _signer(attributes, (*token.certificates, *authorities))
    # What is signed is the attributes as a SET, not as the [0] that they are sent as (RFC 5652, 5.4).
    _check_signature(
        signer, parts[4], algorithm, parts[5].expect(der.OCTETS, _TOKEN).content, b"\x31" + parts[3].whole[1:]
    )
    _check_purpose(signer)
    at = _info(token.info.content).at
    _check_chain(signer, token.certificates, authorities, at)
    return signer


def _attributes(value: DerValue) -> dict[str, DerValue]:
    found: dict[str, DerValue] = {}
    for part in value.parts(_TOKEN):
        pair = part.expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
        if len(pair) != 2 or (name := pair[0].oid(_TOKEN)) in found:
            raise IntegrityError("the time stamp has an attribute that is none, or is there twice")
        values = pair[1].expect(der.SET, _TOKEN).parts(_TOKEN)
        if name in (_CONTENT_TYPE, _MESSAGE_DIGEST, _CERTIFICATE, _CERTIFICATE_2):
            if len(values) != 1:
                raise IntegrityError("the time stamp has an attribute with more values than one")
            found[name] = values[0]
    return found


def _signer(attributes: dict[str, DerValue], known: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the certificate that the signed attributes name by digest: nobody can put another one in its place."""
    for name, usual in ((_CERTIFICATE_2, "sha256"), (_CERTIFICATE, "sha1")):
        if name not in attributes:
            continue
        ids = attributes[name].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
        first = ids[0].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN) if ids else []
        first = first[0].expect(der.SEQUENCE, _TOKEN).parts(_TOKEN) if first else []
        if not first:
            break
        by = usual
        if name == _CERTIFICATE_2 and first[0].tag == der.SEQUENCE:
            by, first = _hash(first[0]), first[1:]
        wanted = first[0].expect(der.OCTETS, _TOKEN).content if first else b""
        for one in known:
            if hmac.compare_digest(hashlib.new(by, one.public_bytes(Encoding.DER)).digest(), wanted):
                return one
        raise IntegrityError(
            "the certificate of who signed the time stamp is neither in it nor among those that you believe"
        )
    raise IntegrityError("the time stamp does not name the certificate that it was signed with")


def _check_signature(
    signer: x509.Certificate, algorithm: DerValue, digest: str, signature: bytes, signed: bytes
) -> None:
    key = signer.public_key()
    parts = algorithm.expect(der.SEQUENCE, _TOKEN).parts(_TOKEN)
    name = parts[0].oid(_TOKEN) if parts else ""
    known: dict[str, hashes.HashAlgorithm] = {
        "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
    }  # fmt: skip
    by = known[digest]
    rsa_names = {_RSA + "1", _RSA + {"sha256": "11", "sha384": "12", "sha512": "13"}[digest]}
    try:
        if isinstance(key, rsa.RSAPublicKey) and name in rsa_names and key.key_size >= 2048:
            key.verify(signature, signed, padding.PKCS1v15(), by)
        elif isinstance(key, ec.EllipticCurvePublicKey) and name == _EC + {"sha256": "2", "sha384": "3", "sha512": "4"}[digest]:  # fmt: skip  # noqa: E501
            key.verify(signature, signed, ec.ECDSA(by))
        elif isinstance(key, ed25519.Ed25519PublicKey) and name == _ED25519:
            key.verify(signature, signed)
        else:
            raise IntegrityError(
                f"the time stamp is signed in a way that is not taken here ({name}): RSA of 2,048 bits or more "
                "(PKCS 1 v1.5), ECDSA and Ed25519 are"
            )
    except InvalidSignature:
        raise IntegrityError("the time stamp's signature does not hold") from None


def _check_purpose(signer: x509.Certificate) -> None:
    """Hold a certificate to what RFC 3161, 2.3, asks: a key for time stamps, and for nothing else."""
    try:
        found = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *_UNREADABLE):
        found = None
    if found is None or not found.critical or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise IntegrityError("who signed the time stamp has no certificate for time stamps, and for nothing else")


def _check_chain(
    signer: x509.Certificate,
    given: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate],
    at: datetime,
) -> None:
    """Follow the certificates from the signer to one that is believed, each valid when the stamp was given."""
    this = signer
    for _ in range(_DEEPEST):
        name = this.subject.rfc4514_string()
        if not this.not_valid_before_utc <= at <= this.not_valid_after_utc:
            raise IntegrityError(f"the certificate of {name} was not valid at {at:%Y-%m-%d %H:%M:%S} UTC")
        if this in authorities:
            return
        above = next((one for one in (*authorities, *given) if _issued(this, one)), None)
        if above is None:
            raise IntegrityError(f"nobody who certifies {name} is among the authorities that you believe")
        this = above
    raise IntegrityError(f"the certificates of the time stamp go through more than {_DEEPEST} hands")


def _issued(this: x509.Certificate, above: x509.Certificate) -> bool:
    if this == above or this.issuer != above.subject:
        return False
    try:
        this.verify_directly_issued_by(above)
        allowed = above.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        usage = next((e.value for e in above.extensions if isinstance(e.value, x509.KeyUsage)), None)
    except (InvalidSignature, x509.ExtensionNotFound, *_UNREADABLE):
        return False
    return allowed and (usage is None or usage.key_cert_sign)

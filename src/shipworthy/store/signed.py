"""Signed entries of the audit chain: an in-toto statement as text, and one person's detached signature over it.

The text is canonical JSON and stands in the entry as it is, not in base64: what looks for secrets in a pack can see
it. With the signature beside it, it is a DSSE envelope. Standard library and `cryptography`: the stand-alone verifier
uses it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from shipworthy.core import signoff, strict_json
from shipworthy.core.errors import IntegrityError
from shipworthy.store.authority import check_key
from shipworthy.store.dsse import PAYLOAD_TYPE, encode, verify
from shipworthy.store.trust import PublicKey, Trust, person_of

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"


class SignedEntry(NamedTuple):
    """What an entry says, and who signed it.

    Attributes:
        entry: its number in the audit chain; `at` its time there.
        said: the predicate of its statement, which has `at`, `by` and `role`.
        subject: the statement's subject: name -> ``sha256:<64 hex>``.
        envelope: the whole of it as a DSSE envelope.
    """

    entry: int
    at: str
    kind: str
    said: Mapping[str, Any]
    subject: Mapping[str, str]
    key: PublicKey
    envelope: bytes


def envelope_of(body: Mapping[str, Any], where: str) -> bytes:
    """Return a signed entry's body as a DSSE envelope.

    Raises:
        IntegrityError: it holds no signature.
    """
    try:
        signature = base64.b64decode(str(body["signature"]), validate=True)
        return encode(str(body["payload"]).encode(), PAYLOAD_TYPE, [(str(body["keyid"]), signature)])
    except (KeyError, binascii.Error, UnicodeEncodeError):
        raise IntegrityError(f"{where}: holds no signature") from None


def read_signed(number: int, at: str, kind: str, body: Mapping[str, Any], trust: Trust) -> SignedEntry:
    """Return a signed entry, its signature checked, and whether its signer might sign in that role at that time.

    Args:
        number, at, kind, body: of the entry.
        trust: whom the reader believes.

    Raises:
        IntegrityError: names the entry, and says why it does not count.
    """
    where = f"audit log: entry {number} ({kind})"
    envelope = envelope_of(body, where)
    try:
        payload, signers = verify(envelope, trust._replace(threshold=1))
        statement = strict_json.loads(payload)
        said, signed = statement["predicate"], statement["predicate"]["at"]
        subject = {one["name"]: f"sha256:{one['digest']['sha256']}" for one in statement["subject"]}
        if (statement["_type"], statement["predicateType"]) != (STATEMENT_TYPE, signoff.PREDICATES[kind]):
            raise IntegrityError("its statement is of another kind")
        if not person_of(signers[0], said["by"]):
            raise IntegrityError(f"it says that {said['by']} signed, and the key is {signers[0].owner}'s")
        check_key(signers[0], said["role"], signoff.moment(signed))
        if signoff.set_back(at, signed) or signoff.set_back(signed, at):
            raise IntegrityError(f"it was signed at {signed} and entered at {at}: one of the clocks was wrong")
    except IntegrityError as error:
        raise IntegrityError(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise IntegrityError(f"{where}: not shaped as a signed statement ({type(error).__name__}: {error})") from None
    return SignedEntry(number, at, kind, said, subject, signers[0], envelope)

"""Asking for a time stamp after RFC 3161: the request, and an authority that is asked over HTTP.

Only the digest of the file leaves, and only when somebody names the authority.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import NamedTuple
from urllib.parse import urlsplit

from shipworthy.core.errors import IntegrityError, StoreError, UsageError
from shipworthy.evidence import der
from shipworthy.evidence.stamp import MOST_BYTES, TimeStamp, read_stamp
from shipworthy.net.client import Broken, Client, Distrusted, TooLong

_SHA256 = bytes.fromhex("0609608648016503040201")
"""2.16.840.1.101.3.4.2.1 as DER."""
_SECONDS = 30.0


class StampRequest(NamedTuple):
    """A request, DER, and the number in it that the answer must repeat."""

    data: bytes
    nonce: int


def request_for(data: bytes) -> StampRequest:
    """Return a request for a time stamp of some bytes, with their SHA-256; the certificate is to be in the answer."""
    nonce = secrets.randbits(63) | 1 << 62
    imprint = _value(
        der.SEQUENCE, _value(der.SEQUENCE, _SHA256, b"\x05\0"), _value(der.OCTETS, hashlib.sha256(data).digest())
    )
    number = _value(der.INTEGER, nonce.to_bytes(8, "big"))
    return StampRequest(_value(der.SEQUENCE, b"\x02\x01\x01", imprint, number, b"\x01\x01\xff"), nonce)


def _value(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)  # all that is asked has less than 128 bytes, so its length has one
    return bytes((tag, len(content))) + content


def ask(url: str, request: StampRequest, data: bytes, *, ca_file: str = "") -> tuple[bytes, TimeStamp]:
    """Ask an authority, and return its reply with what it says. Who signed it is for a verifier to check.

    Args:
        url: http or https; what is signed needs no secret way.
        data: the bytes that the request is for.
        ca_file: PEM of an authority of certificates for https, beside the system's own.

    Raises:
        UsageError: the address is none.
        StoreError: it cannot be reached, or gives no time stamp.
        IntegrityError: it gives one of something else, or of another request.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise UsageError("--url: give the authority as http://HOST/PATH or https://HOST/PATH, without a password")
    try:
        reply = asyncio.run(_ask(url, request.data, ca_file))
    except (Broken, Distrusted, TooLong, TimeoutError) as error:
        why = str(error) or type(error).__name__
        known = {"gaierror": f"no host {parts.hostname} is known"}
        raise StoreError(f"no time stamp from {url}: {known.get(why, why)}") from None
    try:
        found = read_stamp(reply)
    except IntegrityError as error:
        raise StoreError(f"no time stamp from {url}: {error}") from None
    if not found.of(data):
        raise IntegrityError(f"{url} gave a time stamp of other bytes")
    if found.nonce != request.nonce:
        raise IntegrityError(f"{url} gave a time stamp for another request")
    return reply, found


async def _ask(url: str, payload: bytes, ca_file: str) -> bytes:
    client = Client(ca_file=ca_file, proxies=True)
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        async with asyncio.timeout(_SECONDS):
            response = await client.open("POST", url, headers, payload)
            if response.status != 200:
                response.close()
                raise Broken(f"HTTP {response.status}")
            return await client.read(response, MOST_BYTES)
    finally:
        await client.close()

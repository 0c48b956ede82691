"""One hash chain, shared by the run log and the audit log (and repeated, in ten lines, by the stand-alone verifier).

Each entry's hash covers the hash before it and the entry's bytes, so an entry cannot be changed, moved, added or
taken out without every later hash becoming wrong. A chain does not stop whoever can rewrite the whole file: that
takes a head kept elsewhere, which is what the audit log and the signed decision are for.
"""

from __future__ import annotations

from hashlib import sha256

from shipworthy.core.digests import PREFIX

DOMAIN = b"shipworthy/chain/v1\0"


def origin(name: bytes) -> bytes:
    """Return the 32 bytes a chain starts from.

    Args:
        name: what the chain belongs to; chains of different things must not be interchangeable.
    """
    return sha256(DOMAIN + b"origin\0" + name).digest()


def link(previous: bytes, payload: bytes) -> bytes:
    """Return the 32-byte hash of an entry that follows `previous` (32 bytes)."""
    return sha256(DOMAIN + previous + payload).digest()


def head_text(head: bytes) -> str:
    """Return a head as it is written elsewhere, ``sha256:<64 hex>``."""
    return PREFIX + head.hex()

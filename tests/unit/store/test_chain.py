"""The chain's definition, pinned: a stored log must verify for as long as it is kept."""

from __future__ import annotations

from hashlib import sha256

from shipworthy.store import chain


def test_the_definition_does_not_change() -> None:
    start = chain.origin(b"audit")
    assert start == sha256(b"shipworthy/chain/v1\0origin\0audit").digest()
    assert chain.link(start, b"entry") == sha256(b"shipworthy/chain/v1\0" + start + b"entry").digest()


def test_an_entry_cannot_pass_for_an_origin() -> None:
    # An origin's hash input has "origin\0" where an entry has 32 bytes of hash.
    assert chain.origin(b"x") != chain.link(b"origin\0" + b"x" * 25, b"")

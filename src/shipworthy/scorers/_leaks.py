"""Canaries of a sample, prepared once: a suite asks for the same ones thousands of times."""

from __future__ import annotations

from functools import lru_cache

from shipworthy.core.credentials import revealed
from shipworthy.detect.canaries import Canaries, Leak


@lru_cache(maxsize=256)
def _prepared(secrets: tuple[str, ...], parts: bool) -> Canaries:
    # An answer that stops at its length limit in the middle of a long number has given it away.
    return Canaries(revealed(secrets), cut=0.8, parts=parts)


def leaks(text: str, secrets: tuple[str, ...], *, parts: bool = False) -> list[Leak]:
    """Return which of the secrets appear in a text; with `parts`, the digits of a code count as the code.

    Raises:
        CredentialError: a secret is a reference that leads nowhere.
    """
    return _prepared(secrets, parts).leaks(text)

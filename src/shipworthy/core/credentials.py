"""Credentials are references, never values: ``env:NAME`` or ``file:PATH``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from shipworthy.core.errors import CredentialError, EmptyCredential

MOST_BYTES = 64 << 10
FEWEST = 2
FEWEST_DIGITS = 6
"""Of a secret without a letter: a shorter number stands in many answers."""


def is_reference(text: str) -> bool:
    """Say whether a text is a reference to a value and not a value."""
    return text.startswith(("env:", "file:"))


def weakness(value: str) -> str:
    """Return why a secret cannot be told from ordinary text, so that it would be found everywhere or nowhere; else ''.

    The value is not in the answer.

    >>> weakness("  "), weakness("4711"), weakness("HERON-4471")
    ('is empty', 'has no letter and fewer than 6 digits', '')
    """
    letters = sum(1 for c in value if c.isalnum())
    if not value.strip():
        return "is empty"
    if not letters:
        return "needs at least one letter or digit"
    if letters < FEWEST:
        return f"has fewer than {FEWEST} letters or digits"
    if letters < FEWEST_DIGITS and not any(c.isalpha() for c in value):
        return f"has no letter and fewer than {FEWEST_DIGITS} digits"
    return ""


def revealed(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts with every reference among them replaced by what it stands for, one value a line.

    Raises:
        CredentialError: a reference leads nowhere, or to nothing.
    """
    found: list[str] = []
    for text in texts:
        if not is_reference(text):
            found.append(text)
            continue
        lines = [line.strip() for line in resolve(text).splitlines() if any(c.isalnum() for c in line)]
        if not lines:
            raise EmptyCredential(f"what the reference {text!r} stands for is empty")
        found += lines
    return tuple(found)


def resolve(reference: str) -> str:
    """Return what a reference stands for. The value must not be logged, stored or put in an error.

    Args:
        reference: ``env:NAME`` (a variable of the process) or ``file:PATH`` (its content, stripped).

    Raises:
        CredentialError: the reference is of no known kind, or leads nowhere.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        if (value := os.environ.get(name)) is not None:
            if value.strip():
                return value
            raise EmptyCredential(f"the environment variable {name} is empty (needed by the reference 'env:{name}')")
        raise CredentialError(f"the environment variable {name} is not set (needed by the reference 'env:{name}')")
    if kind == "file":
        path = Path(name).expanduser()
        try:
            # A device or a pipe never ends, and a film is no credential.
            if path.exists() and (not path.is_file() or path.stat().st_size > MOST_BYTES):
                raise CredentialError(f"the file of the reference 'file:{name}' is no plain file of at most 64 KB")
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise CredentialError(f"cannot read the file of the reference 'file:{name}': {why}") from error
        if not value:
            raise EmptyCredential(f"the file of the reference 'file:{name}' is empty")
        return value
    # The reference may be a pasted secret: it is not repeated.
    raise CredentialError("a credential must be a reference, 'env:NAME' or 'file:PATH', not a value")

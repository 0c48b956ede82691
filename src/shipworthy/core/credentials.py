"""Credentials are references, never values: ``env:NAME`` or ``file:PATH``."""

from __future__ import annotations

import os
from pathlib import Path

from shipworthy.core.errors import CredentialError


def resolve(reference: str) -> str:
    """Return what a reference stands for. The value must not be logged, stored or put in an error.

    Args:
        reference: ``env:NAME`` (a variable of the process) or ``file:PATH`` (its content, stripped).

    Raises:
        CredentialError: the reference is of no known kind, or leads nowhere.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        if value := os.environ.get(name):
            return value
        raise CredentialError(f"the environment variable {name} is not set (needed by the reference 'env:{name}')")
    if kind == "file":
        try:
            return Path(name).expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            raise CredentialError(f"cannot read the file of the reference 'file:{name}': {error.strerror}") from error
    # The reference may be a pasted secret: it is not repeated.
    raise CredentialError("a credential must be a reference, 'env:NAME' or 'file:PATH', not a value")

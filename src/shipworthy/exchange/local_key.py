"""A key of this user's, in a file of their own, never in a workspace: the one under which kept replies are sealed.

Whoever can write a workspace can write its cache. Without this key they cannot write a reply that is believed.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from shipworthy.core.errors import StoreError

SIZE = 32
_HINT = "mend it, name another file with SHIPWORTHY_CACHE_KEY, or use --no-cache"


def local_key(file: Path, what: str = "the key of the reply cache", hint: str = _HINT) -> bytes:
    """Return the key, 32 bytes; made when it is first asked for, readable by the user alone.

    Args:
        what: it is the key of, and `hint` what to do where it cannot be used; for errors.

    Raises:
        StoreError: the file cannot be read or made, holds something else, or can be read by others.
    """
    try:
        try:
            return _read(file, what, hint)
        except FileNotFoundError:
            _make(file)
            return _read(file, what, hint)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot use {file}, {what} ({why}): {hint}") from error


def _read(file: Path, what: str, hint: str) -> bytes:
    with file.open("rb") as opened:
        about = os.fstat(opened.fileno())
        text = opened.read(1024)
    # A file that belongs to somebody else was put there on purpose, such as a secret of a CI system: it has their mode.
    if about.st_uid == os.getuid() and about.st_mode & 0o077:
        raise StoreError(f"others can read {file}, {what}: make it readable by you alone, or {hint}")
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != SIZE:
        raise StoreError(f"{file} holds no key ({2 * SIZE} hex digits), and is where {what} is: {hint}")
    return key


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # of mode 0600
    draft = Path(name)
    try:
        with os.fdopen(handle, "w") as opened:
            opened.write(secrets.token_hex(SIZE) + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):  # Of two that make it at the same moment, one does, and both use that.
            file.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)

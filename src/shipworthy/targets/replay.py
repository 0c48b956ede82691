"""Recorded replies, by the hash of the request: no model, no network, the same answers every time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.digests import PREFIX, file_digest
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.records import Reply, Request
from shipworthy.core.registry import target


class RecordedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a recording."""

    request: str
    reply: Reply


def key(request: Request) -> str:
    """Return what a request is recorded under: ``sha256:`` and the 64 hex digits of its identity, seed included.

    Raises:
        UnicodeEncodeError: the request holds half a surrogate pair, which no JSON can carry.
    """
    return PREFIX + request.identity.hex()


def line(request: Request, reply: Reply) -> bytes:
    """Return the JSON line, without line feed, that makes `replay` answer a request with a reply."""
    return msgspec.json.encode(RecordedLine(key(request), reply))


class Replay:
    """The target behind `replay`.

    Args:
        path: a JSONL file of `RecordedLine` lines. Where a request is recorded twice, the later line counts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies = _read(path)
        self._digest = file_digest(path)

    def describe(self) -> Mapping[str, Any]:
        return {"target": "replay", "recording": self._digest}

    async def send(self, request: Request) -> Reply:
        """Return the recorded reply.

        Raises:
            TargetError: the request was never recorded.
        """
        try:
            wanted = key(request)
        except UnicodeEncodeError:
            raise TargetError(f"{self._path.name} cannot hold a request with half a surrogate pair in it") from None
        try:
            return self._replies[wanted]
        except KeyError:
            raise TargetError(f"{self._path.name} holds no reply to the request {wanted[:23]}...") from None

    async def close(self) -> None:
        """Nothing to let go of."""


MAX_LINE = 64 << 20
"""Bytes of one recorded reply: what a target may answer at most, and its conversation."""


def _read(path: Path) -> dict[str, Reply]:
    decode = msgspec.json.Decoder(RecordedLine).decode
    replies: dict[str, Reply] = {}
    number = 0
    try:
        if path.exists() and not path.is_file():  # a pipe or a device never ends
            raise UsageError(f"cannot read the recording {path}: it is no plain file")
        with path.open("rb") as file:
            while text := file.readline(MAX_LINE + 1):
                number += 1
                if len(text) > MAX_LINE:
                    raise UsageError(f"{path}:{number}: not a recorded reply: a line of more than {MAX_LINE >> 20} MB")
                if text.strip():
                    recorded = decode(text)
                    replies[recorded.request] = recorded.reply
    except msgspec.MsgspecError as error:
        raise UsageError(f"{path}:{number}: not a recorded reply: {error}") from error
    except (OSError, ValueError, RecursionError) as error:  # a name that no file can have, a line nested without end
        raise UsageError(f"cannot read the recording {path}: {getattr(error, 'strerror', error)}") from error
    return replies


@target
def replay(*, file: str, root: Path | None = None) -> Replay:
    """Build a target on a recording.

    Args:
        file: the JSONL file.
        root: folder that a relative `file` starts from; the working folder by default.

    Raises:
        UsageError: the file is missing, or a line is not a recorded reply (it is named).
    """
    return Replay((root or Path()) / Path(file).expanduser())

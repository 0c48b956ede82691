"""One line of a run log: how it is written, and how it is read and checked.

A line is ``{"hash":"<64 hex>","timing":[…],"attempt":{…}}`` and a line feed. The hash covers the hash before it and
everything after it on its own line. What depends on the clock or on the cache's state stands apart in ``timing``: the
bytes of ``attempt`` are then the leaf of the run's Merkle tree, and two runs that measured the same have the same
leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from shipworthy.core.errors import IntegrityError
from shipworthy.core.events import Timing
from shipworthy.core.records import Attempt
from shipworthy.core.rewrite import Rules, rewrite, rewrite_json
from shipworthy.store import chain

_OPEN = b'{"hash":"'
_HEAD = len(_OPEN) + 64 + len(b'",')
_TIMING = b'"timing":'
_ATTEMPT = b',"attempt":'
_AFTER = b'",' + _TIMING
_TIME = _HEAD + len(_TIMING)
_CLOSE, _LINE_FEED = b"}\n"
_BUFFER = 1 << 18

_encode = msgspec.json.Encoder().encode
_attempts = msgspec.json.Decoder(Attempt)
_timings = msgspec.json.Decoder(Timing)

_NO_TIMING: Timing = next(f.default for f in msgspec.structs.fields(Attempt) if f.name == "timing")
"""The very default: msgspec leaves out a field only if its value is this object, not if it is an equal one."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises on bytes that no record is made of: whoever can write a log can chain such a line, too."""

_DEEP = 128
"""Levels of nesting that are written; a record has 10 of its own. A reader's stack takes some hundreds."""


class Line(msgspec.Struct, gc=False):
    """One verified line of a file.

    Attributes:
        number: from 1; `start` its first byte's place in the file, `end` the place after its line feed.
        hash: 32 bytes, the chain's head after it.
        body: everything that is hashed: after ``"hash":"…",``, without the line feed.
        timing, record: the bytes of the two values in it; those of the attempt are the Merkle leaf.
    """

    number: int
    start: int
    end: int
    hash: bytes
    body: bytes
    timing: bytes
    record: bytes


def encode_attempt(attempt: Attempt) -> bytes:
    """Return a line's body.

    What no file can hold, or no reader take in, is replaced: failing here would let one hostile answer end a run.
    """
    timing = attempt.timing
    if timing is not _NO_TIMING:
        attempt = replace(attempt, timing=_NO_TIMING)
    try:
        data = _encode(attempt)
    except (UnicodeEncodeError, RecursionError, TypeError):
        data = _encode(rewrite(attempt, _WRITABLE))
    # Counting is fast and says at once that nearly every record is not deep.
    if data.count(b"[") + data.count(b"{") > _DEEP and _depth(data) > _DEEP:
        data = _encode(rewrite(attempt, _WRITABLE))
    return _TIMING + _encode(timing) + _ATTEMPT + data + b"}"


def decode_attempt(body: bytes) -> Attempt:
    """Return the attempt in a line's body, timing put back.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    timing, record = split(body)
    return replace(_attempts.decode(record), timing=_timings.decode(timing))


def decode_timing(timing: bytes) -> Timing:
    """Return the timing that stands in a line, see `Line.timing`.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _timings.decode(timing)


def split(body: bytes) -> tuple[bytes, bytes]:
    """Return the two values in a line's body: the timing, and the attempt, which is the Merkle leaf."""
    # A timing is a list of numbers and lists, so the first match is the frame's own.
    timing, _, record = body.partition(_ATTEMPT)
    return timing[len(_TIMING) :], record[:-1]


def leaf(body: bytes) -> bytes:
    """Return the Merkle leaf in a line's body: the bytes of the attempt."""
    return body[body.find(_ATTEMPT) + len(_ATTEMPT) : -1]


def frame(hash: bytes, body: bytes) -> bytes:
    """Return a whole line."""
    return _OPEN + hash.hex().encode() + b'",' + body + b"\n"


def read_lines(path: Path, origin: bytes) -> Iterator[Line]:
    """Yield a file's complete lines, verifying the chain on the way. A torn last line is left out.

    Args:
        origin: what the chain starts from.

    Raises:
        IntegrityError: the file cannot be read, or a line is not what was written; its number is named.
    """
    try:
        file = path.open("rb", buffering=_BUFFER)
    except FileNotFoundError:
        raise IntegrityError(f"{path} is missing, though manifest.json is there") from None
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}") from error
    hash, end, domain = origin, 0, chain.DOMAIN
    with file:
        for number, raw in enumerate(file, 1):
            if raw[-1] != _LINE_FEED:
                return
            body = raw[_HEAD:-1]
            # `chain.link`, written out: this loop runs for every attempt of every run.
            hash = sha256(domain + hash + body).digest()
            at = raw.find(_ATTEMPT)
            # There is one way to write a line, so its frame is compared to the byte.
            if at < 0 or raw[-2] != _CLOSE or not raw.startswith(_OPEN + hash.hex().encode() + _AFTER):
                also = " (or manifest.json was changed)" if number == 1 else ""
                raise IntegrityError(
                    f"{path}:{number}: this line, or the order of lines, is not what was written{also}"
                )
            start, end = end, end + len(raw)
            yield Line(number, start, end, hash, body, raw[_TIME:at], raw[at + len(_ATTEMPT) : -2])


def read_line(path: Path, start: int) -> bytes:
    """Return the body of the line that begins at a place of a file. Its hash is not checked.

    Raises:
        IntegrityError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.readline()[_HEAD:-1]
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read: {error.strerror}") from error


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[\]{}]")
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


def _depth(data: bytes) -> int:
    """Return how deep a JSON text is nested."""
    return max(accumulate(map(_STEP.__getitem__, _BRACKET.findall(_STRING.sub(b"", data)))), default=0)


def _whole(text: str) -> str:
    # A target can answer with half a surrogate pair (JSON allows "\ud800"), which no UTF-8 file can hold.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _shallow(value: Any) -> Any:
    return rewrite_json(value, _whole, withheld="[nested too deep, or no JSON: not recorded]")


_WRITABLE: Rules = {
    "content": _whole,
    "name": _whole,
    "fingerprint": _whole,
    "bytes": _whole,
    "json": _shallow,
}

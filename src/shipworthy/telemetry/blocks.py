"""Content: the words of spans, in blocks of one person each, compressed and then sealed under that person's key.

A file holds blocks one after the other, then a table of them, then the table's length. Compressing what one person said
together is what makes it small; a word list of ours stands in for the neighbours that a lone span does not have.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.errors import IntegrityError
from shipworthy.core.extras import require
from shipworthy.telemetry.keyring import Keyring, seal, unseal

SUFFIX = ".content"
LEVEL = 3
RAW_BYTES = 256 << 10
"""Bytes of a block before compression, at most, but for a span that is longer by itself."""
_MOST = 64 << 20
_MAGIC = b"SWC1"

_WORDS = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they "
    "which one you were all her she there would their we him been has when who will no more if out so up said what "
    "its about than into them can only other time new some could these two may first then do any like my now over "
    "such our man me even most made after also well here must did should because each just those people how too "
    "little state good very make world still see own work long get between both life being under three never day "
    "same another know while last might us great old year off come since against go came right used take order "
    "account payment refund delivery customer service support please thank you for your help I would like to could "
    "you tell me how can I I am sorry, but I cannot help with that. You are a helpful assistant. Answer the "
    "question using only the documents that are given. If the answer is not in the documents, say that you do not "
    "know. Based on the information provided, here is a summary: The following steps should be taken: First, make "
    "sure that "
)
_SHAPES = (
    '[{"type":"said","turn":1,"message":{"role":"system","parts":[{"type":"text","text":"You are a helpful assistant. '
    '"}]}},{"type":"said","turn":1,"message":{"role":"user","parts":[{"type":"text","text":""}]}},'
    '{"type":"asked","turn":1,"role":"target","usage":{"input_tokens":1,"output_tokens":1},"finish":"stop","model":""},'
    '{"type":"called","turn":1,"call":{"type":"tool_call","id":"","name":"","arguments":{"query":""}}},'
    '{"type":"returned","turn":1,"result":{"type":"tool_result","id":"","name":"","text":""}},'
    '{"type":"retrieved","turn":1,"document":{"id":"","text":"","title":"","source":""}},'
    '{"type":"guard","guard":"","stage":"output","rule":"","action":"redact","reason":""},'
    '[redacted:email] [redacted:phone] [redacted:secret] [redacted:card] [redacted:name] '
    '{"type":"said","turn":1,"message":{"role":"assistant","parts":[{"type":"text","text":""}]},"by":"target"}]'
)  # fmt: skip


class ContentBlock(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One block: whose it is, and where it lies."""

    slot: int
    at: int
    length: int


_table = msgspec.msgpack.Decoder(list[ContentBlock])


@cache
def _dictionary() -> Any:
    zstd = require("zstandard", extra="serve")
    return zstd.ZstdCompressionDict((_WORDS + _SHAPES).encode(), dict_type=zstd.DICT_TYPE_RAWCONTENT)


@cache
def _compressor() -> Any:
    zstd = require("zstandard", extra="serve")
    return zstd.ZstdCompressor(level=LEVEL, dict_data=_dictionary(), write_dict_id=False)


class BlockWriter:
    """Makes one file of blocks.

    Args:
        name: of the segment; a block is bound to it, to its class and to its place.
    """

    def __init__(self, name: str, kept: str) -> None:
        self._about, self._size = f"{name}/{kept}", len(_MAGIC)
        self._pieces: list[bytes] = [_MAGIC]
        self._blocks: list[ContentBlock] = []

    def add(self, slot: int, cipher: Any, bodies: list[bytes]) -> int:
        """Add the bodies of one person as a block, and return its number."""
        number = len(self._blocks)
        data = seal(cipher, _compressor().compress(b"\n".join(bodies)), _bound(self._about, number))
        self._blocks.append(ContentBlock(slot, self._size, len(data)))
        self._pieces.append(data)
        self._size += len(data)
        return number

    def whole(self) -> bytes:
        """Return the file."""
        table = msgspec.msgpack.encode(self._blocks)
        return b"".join([*self._pieces, table, len(table).to_bytes(8, "little")])


def read_block(path: Path, name: str, kept: str, number: int, keyring: Keyring) -> list[bytes] | None:
    """Return the bodies in a block; None where the key of whoever it is of is destroyed.

    Raises:
        IntegrityError: the file is not what was written.
        FileNotFoundError: it is there no more.
    """
    with path.open("rb") as file:
        blocks = _read_table(path, file)
        if not 0 <= number < len(blocks):
            raise IntegrityError(f"{path} has no block {number}")
        block = blocks[number]
        file.seek(block.at)
        data = file.read(block.length)
    cipher = keyring.key(block.slot)
    if cipher is None:
        return None
    return _unpack(unseal(cipher, data, _bound(f"{name}/{kept}", number)), path)


def blocks_of(path: Path) -> Iterator[ContentBlock]:
    """Yield the table of a file."""
    with path.open("rb") as file:
        yield from _read_table(path, file)


def _read_table(path: Path, file: Any) -> list[ContentBlock]:
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8 - len(_MAGIC):
        raise IntegrityError(f"{path} is no file of content")
    file.seek(size - 8 - length)
    try:
        return _table.decode(file.read(length))
    except msgspec.MsgspecError as error:
        raise IntegrityError(f"{path} is no file of content: {error}") from error


def _unpack(data: bytes, path: Path) -> list[bytes]:
    zstd = require("zstandard", extra="serve")
    try:
        whole: bytes = zstd.ZstdDecompressor(dict_data=_dictionary()).decompress(data, max_output_size=_MOST)
    except zstd.ZstdError as error:
        raise IntegrityError(f"{path}: a block does not unpack: {error}") from None
    return whole.split(b"\n")


def _bound(about: str, number: int) -> bytes:
    return f"{about}/{number}".encode()

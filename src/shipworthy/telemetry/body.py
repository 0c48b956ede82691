"""A body of a request, unpacked within limits, and the answers of OTLP."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec
from aiohttp import web

from shipworthy.gateway.refusal import HttpRefusal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
_WINDOWS = {"gzip": 31, "deflate": 15}
_PIECE = 1 << 20


async def read_packed(request: web.BaseRequest, most: int) -> bytes:
    """Return the body of a request, unpacked.

    Args:
        most: bytes of it, packed and unpacked.

    Raises:
        HttpRefusal: it is too long, is packed in another way, or is not what it says.
    """
    way = request.headers.get("content-encoding", "identity").lower().strip()
    if way != "identity" and way not in _WINDOWS:
        raise HttpRefusal(415, "invalid_request_error", "a body is packed with gzip or deflate, or not at all")
    too_long = HttpRefusal(413, "invalid_request_error", f"the body is longer than {most:,} bytes: send less")
    if (request.content_length or 0) > most:
        raise too_long
    data = bytearray()
    async for piece in request.content.iter_any():
        data += piece
        if len(data) > most:
            raise too_long
    return bytes(data) if way == "identity" else unpack(bytes(data), way, most)


def unpack(data: bytes, way: str, most: int) -> bytes:
    """Return what was packed; arguments and errors as for `read_packed`."""
    stream = zlib.decompressobj(wbits=_WINDOWS[way])
    pieces, size = [], 0
    try:
        while True:
            piece = stream.decompress(data, _PIECE)
            size += len(piece)
            if size > most:
                said = f"the body is longer than {most:,} bytes once unpacked: send less"
                raise HttpRefusal(413, "invalid_request_error", said)
            pieces.append(piece)
            data = stream.unconsumed_tail
            if stream.eof:
                break
            if not data and not piece:
                raise HttpRefusal(400, "invalid_request_error", "the packed body breaks off")
    except zlib.error:
        raise HttpRefusal(400, "invalid_request_error", f"the body is no {way}") from None
    if stream.unused_data:
        raise HttpRefusal(400, "invalid_request_error", "there is more behind the packed body")
    return b"".join(pieces)


def accepted(rejected: int, why: str, *, protobuf: bool) -> web.Response:
    """Return the answer to spans that are on the disk: ExportTraceServiceResponse, with what was left out."""
    if protobuf:
        partial = (b"\x08" + _varint(rejected) if rejected else b"") + _text(2, why)
        body = b"\x0a" + _varint(len(partial)) + partial if rejected else b""
        return web.Response(body=body, content_type=PROTOBUF)
    told = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": why}} if rejected else {}
    return web.Response(body=msgspec.json.encode(told), content_type=JSON)


def refused(refusal: HttpRefusal, headers: dict[str, str], *, protobuf: bool) -> web.Response:
    """Return an error as OTLP has it: a google.rpc.Status with the message alone."""
    if protobuf:
        return web.Response(
            status=refusal.status, body=_text(2, refusal.message), content_type=PROTOBUF, headers=headers
        )
    told = {"message": refusal.message}
    return web.Response(status=refusal.status, body=msgspec.json.encode(told), content_type=JSON, headers=headers)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _text(field: int, text: str) -> bytes:
    data = text.encode()
    return bytes([field << 3 | 2]) + _varint(len(data)) + data if data else b""

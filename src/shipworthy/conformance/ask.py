"""One cell's request, as a client of its route makes it, and all that comes of it, within limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from shipworthy.conformance.came import Came
from shipworthy.conformance.cells import MatrixCell
from shipworthy.conformance.routes import CLIENT_ROUTES

if TYPE_CHECKING:
    import aiohttp


class AskLimits(NamedTuple):
    """How much a gateway may give: seconds to the end of an answer, and its bytes, as sent and unpacked."""

    seconds: float = 60.0
    most: int = 4_000_000


async def ask(
    session: aiohttp.ClientSession,
    base: str,
    cell: MatrixCell,
    key: str = "",
    *,
    limits: AskLimits | None = None,
    model: str = "",
    headers: Mapping[str, str] | None = None,
) -> Came:
    """Ask a gateway and return all that comes, up to the limits.

    No redirect is followed, since that would be asked with the key. What breaks off, hangs, floods or cannot be
    unpacked is an answer with a `fault`: what came until then is in it and is looked through like any other.

    Args:
        session: one with ``auto_decompress=False``, or a packed answer is unpacked without limit before this sees it.
        base: scheme, host and port.
        key: sent as both kinds of clients do.
        model: asked for in place of the cell's own name, by which our upstream knows it.
    """
    import aiohttp

    allowed = limits or AskLimits()
    sent = {"accept-encoding": "identity", **(headers or {})}
    sent |= {"authorization": f"Bearer {key}", "x-api-key": key} if key else {}
    route = CLIENT_ROUTES[cell.route]
    body = route.body(cell) | ({"model": model} if model else {})
    status, given, kept = 0, dict[str, str](), bytearray()
    try:
        async with asyncio.timeout(allowed.seconds):
            async with session.post(base + route.path, json=body, headers=sent, allow_redirects=False) as answer:
                status, given = answer.status, _joined(answer.headers)
                async for piece in answer.content.iter_any():
                    kept += piece
                    if len(kept) > allowed.most:
                        return Came(status, given, bytes(kept), f"more than {allowed.most:,} bytes")
    except TimeoutError:
        return Came(status, given, bytes(kept), f"no end within {allowed.seconds:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # Of a host that does not answer, and of headers beyond measure; not its words, which the gateway may choose.
        return Came(status, given, bytes(kept), f"the connection failed ({type(error).__name__})")
    return _unpacked(Came(status, given, bytes(kept)), allowed.most)


def _joined(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by their lower-case name; of one that is there twice, all values."""
    made: dict[str, str] = {}
    for name, value in headers.items():
        made[name.lower()] = f"{made[name.lower()]}, {value}" if name.lower() in made else value
    return made


def _unpacked(came: Came, most: int) -> Came:
    packing = came.headers.get("content-encoding", "identity").strip().lower()
    if packing in ("", "identity"):
        return came
    if packing not in ("gzip", "x-gzip", "deflate"):
        return came._replace(fault="packed in a way that was not asked for")
    try:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | (16 if "gzip" in packing else 0))
        body = unpacker.decompress(came.body, most)
    except zlib.error:
        return came._replace(fault=f"says that it is {packing}, and is not")
    if unpacker.unconsumed_tail:
        return came._replace(body=body, fault=f"unpacks to more than {most:,} bytes")
    return came._replace(body=body, fault="" if unpacker.eof else "its packing breaks off")

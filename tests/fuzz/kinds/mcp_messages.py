"""Messages of MCP: the same ones however the bytes are cut, each refused with a sentence of ours or made anew."""

from pathlib import Path
from random import Random
from typing import Any

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcError, RpcLines, RpcNotification, RpcRequest, RpcResult
from shipworthy.dialects.mcp import CLIENT_ASKS, CLIENT_SAYS, ERROR, SERVER_ASKS, SERVER_SAYS
from shipworthy.dialects.mcp_shapes import BadShape

_MOST = 100_000
_SAID = {**CLIENT_SAYS, **SERVER_SAYS}
_RESULTS = [known.result for known in (*CLIENT_ASKS.values(), *SERVER_ASKS.values())]


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    rng = Random(len(data))
    cuts = sorted(rng.randint(0, len(data)) for _ in range(5))
    lines = _lines([data, b"\n"])
    assert _lines([*(data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)), b"\n"]) == lines
    taken = [_take(line) for line in lines if line is not None]
    return "accepted" if any(taken) else "refused"


def _lines(pieces: list[bytes]) -> list[bytes | None]:
    reader = RpcLines(_MOST)
    return [line for piece in pieces for line in reader.feed(piece)]


def _take(line: bytes) -> bool:
    try:
        message = rpc.read(line)
    except BadRpc as bad:
        assert bad.said and bad.code < 0
        return False
    shapes: list[Any] = []
    if isinstance(message, RpcRequest):
        known = CLIENT_ASKS.get(message.method), SERVER_ASKS.get(message.method)
        shapes, value = [one.params for one in known if one is not None], message.params
    elif isinstance(message, RpcNotification):
        shapes, value = [_SAID[message.method]] if message.method in _SAID else [], message.params
    elif isinstance(message, RpcResult):
        shapes, value = _RESULTS, message.result
    else:
        assert isinstance(message, RpcError)
        shapes, value = [ERROR], {"message": message.message, "data": message.data}
    return sum(_made(shape, value) for shape in shapes) > 0  # every one of them is tried


def _made(shape: Any, value: Any) -> bool:
    seen: list[Any] = []

    def put(holds: Any, was: Any) -> Any:
        seen.append(was)
        return was

    try:
        made = shape.made(value, put, "it", media=True)
    except BadShape as bad:
        assert bad.said
        return False
    # What comes out is what was looked at, and can be written and read.
    again = rpc.read(rpc.write(rpc.result(1, made)))
    assert isinstance(again, RpcResult) and again.result == made
    return True

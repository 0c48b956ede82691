"""JSON-RPC 2.0 as MCP uses it: bytes in, one message out, and what is no such message refused with a sentence.

What two readers could understand in two ways is refused (`core.strict_json`): names that stand twice, half characters,
numbers that not every reader can hold. A batch is none of MCP's messages any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shipworthy.core import strict_json

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603

RpcId = str | int
LONGEST_ID = 256
LONGEST_METHOD = 128
_WHOLE = 2**53


class RpcRequest(NamedTuple):
    """Somebody asks and waits for an answer under `id`."""

    id: RpcId
    method: str
    params: dict[str, Any]


class RpcNotification(NamedTuple):
    """Somebody says something, and waits for nothing."""

    method: str
    params: dict[str, Any]


class RpcResult(NamedTuple):
    """The answer to a request."""

    id: RpcId
    result: dict[str, Any]


class RpcError(NamedTuple):
    """An error in place of an answer; `id` is None where it answers nothing in particular."""

    id: RpcId | None
    code: int
    message: str
    data: Any = None


RpcMessage = RpcRequest | RpcNotification | RpcResult | RpcError


class BadRpc(Exception):
    """Bytes that are no message of JSON-RPC, or none that is served.

    Attributes:
        code: of JSON-RPC.
        said: what was wrong; a sentence of ours, without a word of theirs.
        id: of the message, where it could be read.
        answers: it was meant as an answer, not as a request.
    """

    def __init__(self, code: int, said: str, id: RpcId | None = None, *, answers: bool = False) -> None:
        self.code, self.said, self.id, self.answers = code, said, id, answers
        super().__init__(said)


def read(data: bytes) -> RpcMessage:
    """Return the message that some bytes hold.

    Raises:
        BadRpc: they hold none.

    >>> read(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}')
    RpcRequest(id=1, method='ping', params={})
    """
    try:
        value = strict_json.loads(data)
    except ValueError:
        raise BadRpc(PARSE_ERROR, "the message is no JSON that every reader takes alike") from None
    if isinstance(value, list):
        raise BadRpc(INVALID_REQUEST, "batches are not served: send one message at a time")
    if not isinstance(value, dict):
        raise BadRpc(INVALID_REQUEST, "a message of JSON-RPC is an object")
    id = value.get("id")
    known = id if _is_id(id) else None
    answers = "method" not in value
    if value.get("jsonrpc") != "2.0":
        raise BadRpc(INVALID_REQUEST, "'jsonrpc' must be \"2.0\"", known, answers=answers)
    if "id" in value and known is None and not (answers and id is None and "error" in value):
        raise BadRpc(INVALID_REQUEST, "'id' must be a text or a whole number", answers=answers)
    return _answer(value, known) if answers else _asking(value, known)


def _asking(value: Mapping[str, Any], id: RpcId | None) -> RpcRequest | RpcNotification:
    if value.keys() - {"jsonrpc", "id", "method", "params"}:
        raise BadRpc(INVALID_REQUEST, "a request has 'jsonrpc', 'id', 'method' and 'params', and nothing else", id)
    method, params = value["method"], value.get("params")
    if not isinstance(method, str) or not 0 < len(method) <= LONGEST_METHOD:
        raise BadRpc(INVALID_REQUEST, "'method' must be a text", id)
    if params is not None and not isinstance(params, dict):
        raise BadRpc(INVALID_PARAMS, "'params' must be an object", id)
    return RpcNotification(method, params or {}) if id is None else RpcRequest(id, method, params or {})


def _answer(value: Mapping[str, Any], id: RpcId | None) -> RpcResult | RpcError:
    if value.keys() - {"jsonrpc", "id", "result", "error"} or ("result" in value) == ("error" in value):
        raise BadRpc(INVALID_REQUEST, "an answer has 'id' and one of 'result' and 'error'", id, answers=True)
    if "result" in value:
        if id is None or not isinstance(value["result"], dict):
            raise BadRpc(INVALID_REQUEST, "a result is an object and has an 'id'", id, answers=True)
        return RpcResult(id, value["result"])
    error = value["error"]
    if not isinstance(error, dict) or error.keys() - {"code", "message", "data"}:
        raise BadRpc(INVALID_REQUEST, "an error has 'code', 'message' and 'data'", id, answers=True)
    code, message = error.get("code"), error.get("message")
    if type(code) is not int or not -_WHOLE < code < _WHOLE or not isinstance(message, str):
        raise BadRpc(INVALID_REQUEST, "an error has a whole number as its code, and a text", id, answers=True)
    return RpcError(id, code, message, error.get("data"))


def _is_id(id: object) -> bool:
    return (type(id) is int and -_WHOLE < id < _WHOLE) or (isinstance(id, str) and len(id) <= LONGEST_ID)


def write(message: Mapping[str, Any]) -> bytes:
    """Return a message as one line, without its end."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def request(id: RpcId, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request as it is written."""
    return {"jsonrpc": "2.0", "id": id, "method": method, **({"params": params} if params else {})}


def notification(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return a notification as it is written."""
    return {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})}


def result(id: RpcId, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as it is written."""
    return {"jsonrpc": "2.0", "id": id, "result": value}


def error(id: RpcId | None, code: int, message: str, data: Any = None) -> dict[str, Any]:
    """Return an error as it is written."""
    told = {"code": code, "message": message, **({"data": data} if data is not None else {})}
    return {"jsonrpc": "2.0", "id": id, "error": told}


class RpcLines:
    """Takes a stream apart into lines, however its bytes are cut. A line that is too long is left out, and said so.

    Args:
        most: bytes of one line.
    """

    def __init__(self, most: int) -> None:
        self._most, self._size, self._skips = most, 0, False
        self._rest: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Yield the lines that some bytes complete; None for one that was too long."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            whole, skips = b"".join(self._rest), self._skips
            self._rest, self._size, self._skips = [], 0, False
            if skips:
                yield None
            elif whole.strip():
                yield whole
        self._add(rest)

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._most:
            self._rest, self._skips = [], True
        elif data:
            self._rest.append(data)

"""Messages of JSON-RPC: hostile bytes give a sentence of ours, and what is read is written and read alike."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.dialects import json_rpc as rpc
from shipworthy.dialects.json_rpc import BadRpc, RpcError, RpcLines, RpcNotification, RpcRequest, RpcResult

IDS = st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False, width=32) | TEXTS,  # noqa: E501
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)  # fmt: skip
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
ANY = st.one_of(
    st.builds(RpcRequest, IDS, st.just("tools/call"), OBJECTS),
    st.builds(RpcNotification, st.just("notifications/progress"), OBJECTS),
    st.builds(RpcResult, IDS, OBJECTS),
    st.builds(RpcError, IDS | st.none(), st.integers(-40_000, 40_000), TEXTS, VALUES),
)  # fmt: skip


def written(message) -> bytes:
    if isinstance(message, RpcRequest):
        return rpc.write(rpc.request(*message))
    if isinstance(message, RpcNotification):
        return rpc.write(rpc.notification(*message))
    if isinstance(message, RpcResult):
        return rpc.write(rpc.result(*message))
    return rpc.write(rpc.error(*message))


@given(ANY)
def test_what_is_written_is_read(message) -> None:
    assert rpc.read(written(message)) == message


@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_message_or_a_sentence(data) -> None:
    try:
        message = rpc.read(data)
    except BadRpc as bad:
        assert bad.said
        assert -32_701 < bad.code < -32_599
    else:
        assert rpc.read(written(message)) == message


@given(ANY, st.data())
def test_one_changed_byte_is_a_message_or_a_sentence(message, data) -> None:
    whole = bytearray(written(message))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    try:
        rpc.read(bytes(whole))
    except BadRpc as bad:
        assert bad.said


@given(ANY, st.sampled_from(["extra", "params2", "Method", "jsonRPC"]), VALUES)
def test_a_field_beside_the_known_ones_is_refused(message, name, value) -> None:
    with pytest.raises(BadRpc):
        rpc.read(rpc.write({**json.loads(written(message)), name: value}))


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b" ")), max_size=8), st.data())
def test_lines_are_the_same_however_they_are_cut(lines, data) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    reader = RpcLines(20)
    found = [line for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) for line in reader.feed(whole[a:b])]
    assert found == [None if len(line) > 20 else line for line in lines if len(line) > 20 or line.strip()]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", rpc.PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', rpc.PARSE_ERROR),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', rpc.INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"result":[]}', rpc.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}}', rpc.INVALID_REQUEST),
    ],
)
def test_what_is_none_is_refused(data, code) -> None:
    with pytest.raises(BadRpc) as caught:
        rpc.read(data)
    assert caught.value.code == code

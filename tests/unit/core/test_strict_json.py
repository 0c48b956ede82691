"""JSON that two readers could take in two ways is refused, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shipworthy.core import strict_json
from shipworthy.core.digests import canonical

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=("Cs",))),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=20,
)


@example(-1e20)
@example(999999999999999868928.0)
@given(values)
def test_what_we_write_is_read(value: Any) -> None:
    assert strict_json.loads(canonical(value)) == json.loads(canonical(value))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xef\xbb\xbf{}", "byte order mark"),
        ("{}".encode("utf-16"), "byte order mark"),
        ("{}".encode("utf-16-le"), "line 1"),
        ("{}".encode("utf-32-be"), "line 1"),
        (b'"\xe9"', "byte 2 is not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"NaN", "NaN is no JSON"),
        (b"[-Infinity]", "Infinity is no JSON"),
        (b"1e999", "not every reader"),
        (b"-1e999", "not every reader"),
        (b"1e-999", "not every reader"),
        (b"0." + b"1" * 60, "not every reader"),
        (b"9" * 400, "has 400 digits"),
        (b"-" + b"9" * 5000, "has 5,001 digits"),
        (b'{"a":1,"a":1}', "'a' stands twice"),
        (b'{"a":1,"\\u0061":2}', "'a' stands twice"),
        (b'[{"b":{"a":1,"a":2}}]', "stands twice"),
        (b'"\\ud800"', "half a surrogate pair"),
        (b'{"\\udc00":1}', "half a surrogate pair"),
        (b'"\\udc00\\ud800"', "half a surrogate pair"),
        (b"[" * 161 + b"]" * 161, "nested more than 160"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested more than 160"),
        (b"[" * 1_000_000, "nested more than 160"),
        (b"{} {}", "line 1, column 4"),
        (b"{'a':1}", "line 1"),
        (b"[1,]", "line 1"),
        (b"", "line 1"),
        (b"\n\n[01]", "line 3"),
    ],
)
def test_other_json_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        strict_json.loads(data)


def test_what_is_odd_and_clear_is_read() -> None:
    assert strict_json.loads(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert strict_json.loads(b"[" * 160 + b"]" * 160)
    assert strict_json.loads(b'"' + b"[" * 500 + b'"') == "[" * 500
    assert strict_json.loads(b"[18446744073709551615,0e5,-0.0]") == [2**64 - 1, 0.0, 0.0]

"""What a client says of a request: taken where it can be one, refused where it cannot, unproven where it is not."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from shipworthy.gateway.declared import UNDECLARED, UNPROVEN, declared
from shipworthy.gateway.refusal import HttpRefusal

DIGEST = "sha256:" + "0f" * 32


def test_what_is_declared_is_taken_and_the_rest_is_unproven() -> None:
    assert declared(CIMultiDict()) == UNDECLARED == (UNPROVEN, UNPROVEN, "")
    assert declared(CIMultiDict({"X-Shipworthy-Prompt": DIGEST})) == (DIGEST, UNPROVEN, "")
    assert declared(CIMultiDict({"x-shipworthy-index": DIGEST, "x-shipworthy-session": "s-1"})) == (
        UNPROVEN, DIGEST, "s-1"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-shipworthy-prompt", ""),
        ("x-shipworthy-prompt", "sha256:" + "0F" * 32),
        ("x-shipworthy-prompt", DIGEST[:-1]),
        ("x-shipworthy-index", DIGEST + "\n"),
        ("x-shipworthy-index", UNPROVEN),
        ("x-shipworthy-session", "a b"),
        ("x-shipworthy-session", "é"),
        ("x-shipworthy-session", "x" * 201),
    ],
)
def test_what_is_none_is_refused_by_name(name, value) -> None:
    with pytest.raises(HttpRefusal, match=name) as caught:
        declared(CIMultiDict({name: value}))
    assert caught.value.status == 400
    assert len(value) < 12 or value not in str(caught.value)

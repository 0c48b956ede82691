"""Credentials have one way in, a reference: whatever else looks like one is refused before it becomes evidence."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.registry import create

VALUE = "sk-3f9a77c1d2e84b55"


def build(**params: object) -> object:
    return create("target", "openai_compatible", {"base_url": "http://localhost:1/v1", "model": "m", **params})


@pytest.mark.parametrize(
    "name", ["Authorization", "x-api-key", "api-key", "Cookie", "X-Auth-Token", "Ocp-Apim-Subscription-Key", "X-Secret"]
)
def test_a_credential_among_the_plain_headers_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match="key_header") as caught:
        build(headers={name: VALUE})
    assert VALUE not in str(caught.value)


def test_a_reference_among_the_plain_headers_would_be_sent_as_it_stands() -> None:
    with pytest.raises(UsageError, match="key_header"):
        build(headers={"X-Team": "env:TEAM"})


@pytest.mark.parametrize("name", ["key", "api_key", "api-key", "access_token", "sig", "code"])
def test_a_credential_in_the_address_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match="looks like a credential") as caught:
        build(query={name: VALUE})
    assert VALUE not in str(caught.value)
    with pytest.raises(UsageError, match="looks like a credential"):
        create(
            "target",
            "http",
            {"url": f"http://localhost:1/ask?{name}={VALUE}", "put": {"$.q": "message"}, "answer": "$.a"},
        )


def test_plain_headers_and_parameters_pass() -> None:
    headers = {"OpenAI-Organization": "org", "X-Request-Source": "eval", "User-Agent": "ours", "Idempotency-Key": "1"}
    assert build(headers=headers, query={"api-version": "2024-10-21", "max_tokens": "3", "keyword": "x"})

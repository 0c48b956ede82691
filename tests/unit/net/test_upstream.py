"""Endpoints of one origin and one credential are one account at the provider: they share what it grants."""

from __future__ import annotations

import asyncio
import gc

import pytest

from shipworthy.net.endpoint import Endpoint
from shipworthy.net.options import HttpOptions

URL = "https://models.example/v1/chat/completions"


def endpoint(url: str = URL, key: str = "env:KEY", **options: object) -> Endpoint:
    return Endpoint(url, HttpOptions(**options), credentials={"Authorization": (key, "Bearer ")})


def test_the_name_is_origin_and_reference():
    assert endpoint().name == "https://models.example env:KEY"
    assert Endpoint("http://localhost:8000/v1").name == "http://localhost:8000"
    assert Endpoint("http://[::1]:8000/v1").name == "http://[::1]:8000"


def test_a_pasted_key_is_no_part_of_the_name():
    assert "sk-3f9a77c1" not in endpoint(key="sk-3f9a77c1").name


def test_the_smallest_limit_holds_for_all():
    one = endpoint(concurrency=8, requests_per_minute=600)
    two = endpoint("https://models.example/v1/embeddings", concurrency=3, tokens_per_minute=1000)
    three = endpoint()
    assert one.name == two.name == three.name
    assert one.concurrency == two.concurrency == three.concurrency == 3
    assert (one._upstream.requests.per_minute, one._upstream.tokens.per_minute) == (600, 1000)


@pytest.mark.parametrize(
    "other", [{"key": "env:OTHER"}, {"url": "https://models.example:8443/v1"}, {"url": "https://other.example/v1"}]
)
def test_another_account_or_origin_shares_nothing(other):
    one, two = endpoint(concurrency=2), endpoint(**other)
    assert one.name != two.name
    assert two.concurrency is None


def test_who_closes_takes_its_limit_along():
    async def main():
        one, two = endpoint(concurrency=8, requests_per_minute=600), endpoint(concurrency=3)
        await two.close()
        rate = one._upstream.requests
        three = endpoint(requests_per_minute=600)
        assert one.concurrency == three.concurrency == 8
        assert one._upstream.requests is rate, "the same rate goes on where it was"
        await one.close()
        assert three.concurrency is None

    asyncio.run(main())


def test_nothing_is_kept_of_endpoints_that_are_gone():
    one = endpoint("https://gone.example/v1", concurrency=1)
    assert one.concurrency == 1
    del one
    gc.collect()
    assert endpoint("https://gone.example/v1").concurrency is None

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.targets._http import Answer, describe_error, retry_after
from shipworthy.targets._limits import Rate


def test_a_burst_passes_and_the_rest_waits():
    async def main():
        rate = Rate(600)  # ten a second, sixty at once
        clock = time.monotonic()
        for _ in range(60):
            await rate.take()
        burst = time.monotonic() - clock
        await asyncio.gather(*[rate.take() for _ in range(3)])
        return burst, time.monotonic() - clock

    burst, all_of_it = asyncio.run(main())
    assert all_of_it >= 0.28
    assert burst < all_of_it


def test_who_came_first_is_served_first():
    async def main():
        rate, order = Rate(1200), []
        await rate.take(120)

        async def one(number, units):
            await rate.take(units)
            order.append(number)

        await asyncio.gather(*[one(n, units) for n, units in enumerate((3, 1, 2, 1))])
        return order

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_what_was_not_used_is_given_back():
    async def main():
        rate = Rate(600)
        await rate.take(60)
        rate.correct(59)
        clock = time.monotonic()
        await rate.take(59)
        return time.monotonic() - clock

    assert asyncio.run(main()) < 0.09


def test_more_than_a_burst_goes_into_debt_and_does_not_wait_forever():
    async def main():
        rate = Rate(6000)
        await asyncio.wait_for(rate.take(650), 5)
        clock = time.monotonic()
        await asyncio.wait_for(rate.take(1), 5)
        return time.monotonic() - clock

    assert asyncio.run(main()) >= 0.4


def test_another_loop_may_use_it():
    rate = Rate(600)
    asyncio.run(rate.take())
    asyncio.run(rate.take())


@given(st.text())
def test_any_retry_after_is_a_wait_or_nothing(text):
    wait = retry_after({"retry-after": text})
    assert wait is None or wait >= 0


def test_a_date_counts_from_now():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < retry_after({"retry-after": later}) <= 90
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            401,
            {"error": {"code": "invalid_api_key", "message": "sk-secret"}},
            "status 401 (invalid_api_key): check the key",
        ),
        (400, {"error": "a sentence with text"}, "status 400"),
        (400, {"error": {"type": "a sentence", "code": "sk-0123456789"}}, "status 400"),
        (500, None, "status 500"),
        (400, {"error": {"code": "x_y", "type": "x_y"}}, "status 400 (x_y)"),
    ],
)
def test_an_error_is_named_by_its_kind_alone(status, body, said):
    assert describe_error(Answer(status, body, True, "")) == said

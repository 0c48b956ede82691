from __future__ import annotations

import asyncio
import time

from shipworthy.net.rate import Rate


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

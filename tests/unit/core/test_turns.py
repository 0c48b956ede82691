from __future__ import annotations

import asyncio

import pytest

from shipworthy.core.turns import Turns


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


class Room:
    """Counts who is in, and lets them out one by one."""

    def __init__(self, limit: int | None) -> None:
        self.turns, self.inside, self.order = Turns(limit), set(), []
        self.out = {}

    async def visit(self, name: int) -> None:
        self.out[name] = asyncio.Event()
        async with self.turns:
            self.inside.add(name)
            self.order.append(name)
            try:
                await self.out[name].wait()
            finally:
                self.inside.discard(name)


def test_so_many_at_one_time_in_order_of_arrival():
    async def main():
        room = Room(2)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(5)]
        await settle()
        assert room.inside == {0, 1}
        for n in range(5):
            room.out[n].set()
            await settle()
        await asyncio.gather(*tasks)
        return room.order

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("limit", [4, None])
def test_a_limit_that_grows_lets_waiters_in(limit):
    async def main():
        room = Room(1)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(4)]
        await settle()
        assert room.inside == {0}
        room.turns.change(limit)
        await settle()
        assert room.inside == {0, 1, 2, 3}
        for task in tasks:
            task.cancel()

    asyncio.run(main())


def test_a_limit_that_shrinks_sends_nobody_out_and_lets_nobody_in():
    async def main():
        room = Room(3)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(4)]
        await settle()
        room.turns.change(1)
        room.out[0].set()
        room.out[1].set()
        await settle()
        assert room.inside == {2}
        room.out[2].set()
        await settle()
        assert room.inside == {3}
        tasks[3].cancel()

    asyncio.run(main())


def test_a_turn_is_not_lost_with_who_waited_for_it():
    async def main():
        room = Room(1)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(3)]
        await settle()
        room.out[0].set()
        await asyncio.sleep(0)  # 0 has left, 1's turn is given, 1 has not run yet
        tasks[1].cancel()
        await settle()
        assert room.inside == {2}
        tasks[2].cancel()
        await settle()
        async with asyncio.timeout(1), room.turns:
            pass

    asyncio.run(main())


def test_who_gives_up_waiting_takes_nobodys_turn():
    async def main():
        room = Room(1)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(3)]
        await settle()
        tasks[1].cancel()
        await settle()
        room.out[0].set()
        await settle()
        assert room.inside == {2}
        tasks[2].cancel()

    asyncio.run(main())


def test_all_may_be_cancelled_at_once_those_inside_first():
    """Who leaves passes over those that are cancelled already and have not heard of it."""

    async def main():
        room = Room(2)
        tasks = [asyncio.create_task(room.visit(n)) for n in range(9)]
        await settle()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(result) for result in ended] == [asyncio.CancelledError] * 9
        assert (room.turns.inside, room.order) == (0, [0, 1])
        late = asyncio.create_task(room.visit(9))
        await settle()
        assert room.inside == {9}
        room.out[9].set()
        await late

    asyncio.run(main())

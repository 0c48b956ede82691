import asyncio
import time

import pytest

from shipworthy.core.deadline import Patience


async def _slow(patience: Patience, seconds: float) -> float:
    began = time.monotonic()
    with patience.watch():
        await asyncio.sleep(seconds)
    return time.monotonic() - began


def test_a_call_that_takes_too_long_is_ended_and_those_beside_it_are_not():
    async def run() -> list[float | BaseException]:
        patience = Patience(0.05)
        calls = [_slow(patience, seconds) for seconds in (30, 0, 0.01, 30, 0)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(result) for result in asyncio.run(run())] == [TimeoutError, float, float, TimeoutError, float]


def test_each_call_has_its_own_time_from_its_own_beginning():
    async def run() -> tuple[float, float]:
        patience, began = Patience(0.2), time.monotonic()

        async def late(wait: float) -> float:
            await asyncio.sleep(wait)
            with pytest.raises(TimeoutError):
                await _slow(patience, 30)
            return time.monotonic() - began

        first, second = await asyncio.gather(late(0), late(0.15))
        return first, second

    first, second = asyncio.run(run())
    assert 0.2 <= first < second
    assert second >= 0.35


def test_a_later_call_is_ended_though_nothing_waited_in_between():
    async def run() -> None:
        patience = Patience(0.02)
        await _slow(patience, 0)
        await asyncio.sleep(0.05)  # the timer goes off with nothing to watch
        with pytest.raises(TimeoutError):
            await _slow(patience, 30)

    asyncio.run(run())


def test_a_cancellation_from_outside_stays_one():
    async def run(wait: float) -> None:
        task = asyncio.ensure_future(_slow(Patience(0.02), 30))
        await asyncio.sleep(wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run(0))


def test_who_is_cancelled_when_time_is_up_is_cancelled():
    async def run() -> None:
        patience = Patience(0.0)

        async def work() -> None:
            with patience.watch():
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
                await asyncio.sleep(30)

        with pytest.raises(asyncio.CancelledError):
            await asyncio.ensure_future(work())

    asyncio.run(run())


def test_the_task_goes_on_after_it_and_is_not_taken_for_one_that_was_told_to_stop():
    async def run() -> int:
        with pytest.raises(TimeoutError):
            await _slow(Patience(0.01), 30)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(run()) == 0


def test_an_answer_from_whoever_swallows_the_interruption_is_an_answer():
    async def run() -> str:
        with Patience(0.01).watch():
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                return "late"
        return "never"

    assert asyncio.run(run()) == "late"


def test_errors_pass_and_calls_may_stand_in_each_other():
    async def run() -> None:
        outer, inner = Patience(30), Patience(0.01)
        with pytest.raises(ZeroDivisionError), outer.watch():
            1 / 0  # noqa: B018
        with outer.watch():
            with pytest.raises(TimeoutError):
                await _slow(inner, 30)
            await asyncio.sleep(0)

    asyncio.run(run())


def test_none_is_no_deadline_and_one_patience_serves_several_loops():
    patience = Patience(0.02)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(_slow(patience, 30))
        assert asyncio.run(_slow(patience, 0)) < 10
    assert asyncio.run(_slow(Patience(None), 0.03)) >= 0.03

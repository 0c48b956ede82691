"""What ends a request from outside must not end whoever ends it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from shipworthy.gateway.turn import RequestTurn


def test_killing_what_has_ended_or_has_not_begun_is_nothing() -> None:
    async def main() -> None:
        limits = SimpleNamespace(config=SimpleNamespace(spec=SimpleNamespace(limits=SimpleNamespace(request_s=60.0))))
        turn = RequestTurn(None, None, None, limits)  # type: ignore[arg-type]
        turn.kill()
        async with turn.deadline:
            pass
        turn.kill()
        assert turn.killed

    asyncio.run(main())


def test_killing_one_that_runs_ends_it() -> None:
    async def main() -> None:
        limits = SimpleNamespace(config=SimpleNamespace(spec=SimpleNamespace(limits=SimpleNamespace(request_s=600.0))))
        turn = RequestTurn(None, None, None, limits)  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.01, turn.kill)
        try:
            async with turn.deadline:
                await asyncio.sleep(500)
        except TimeoutError:
            return
        raise AssertionError

    asyncio.run(main())


def test_one_whose_record_is_being_written_ends_as_the_record_says() -> None:
    async def main() -> None:
        limits = SimpleNamespace(config=SimpleNamespace(spec=SimpleNamespace(limits=SimpleNamespace(request_s=600.0))))
        turn = RequestTurn(None, None, None, limits)  # type: ignore[arg-type]
        async with turn.deadline:
            turn._kept = True
            turn.kill()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert turn.killed

    asyncio.run(main())

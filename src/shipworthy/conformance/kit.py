"""Asking a gateway for the whole matrix, while our own upstream stands behind it.

Controls come first: harmless words must come through, or nothing can be said of their cells. Then probes: a gateway
that does not stop a kind of mark in the simplest cell of a source does not claim to, and no cell of it counts. A leak
is asked again in the simplest cell, with the very same mark: that tells a cell that is not looked at from a mark that
is not known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import aiohttp

from shipworthy.conformance.ask import AskLimits, ask
from shipworthy.conformance.cells import MatrixCell
from shipworthy.conformance.judge import CellJudge, CellOutcome, guards_of
from shipworthy.conformance.plan import Matrix, told
from shipworthy.conformance.stub import Stub
from shipworthy.core.errors import UsageError

_AGAIN = 1 << 20
"""Added to a number where the same mark is asked for again in the simplest cell."""

_NO_ROUTE = "this route is not served over our upstream"


class GatewayUnderTest(NamedTuple):
    """Where a gateway is, and how it is asked.

    Attributes:
        base: scheme, host and port, without a path.
        key: sent as a client's key; in nothing that is written.
        model: asked for, where it only knows models by their names.
        host, port: where our upstream listens.
        concurrency: requests at one time.
    """

    base: str
    key: str = ""
    model: str = ""
    host: str = "127.0.0.1"
    port: int = 0
    concurrency: int = 4
    limits: AskLimits = AskLimits()


class Examined(NamedTuple):
    """What came of it: one row a cell, as `told` has it and with its outcome, and the digests of guards declared."""

    rows: list[dict[str, Any]]
    guards: list[str]


class Kit:
    """Examines one gateway.

    Args:
        matrix: what is asked.
        gateway: where.
        tell: is told how many of how many cells have been asked.
    """

    def __init__(self, matrix: Matrix, gateway: GatewayUnderTest, tell: Callable[[int, int], None]) -> None:
        self.matrix, self.gateway = matrix, gateway
        self.cells = matrix.cells()
        self._tell, self._done = tell, 0
        drawn = [cell for cell in self.cells if cell.role != "control" and cell.entity not in ("word", "phone")]
        marks = {cell.mark(choice): cell.number for cell in drawn for choice in range(cell.choices)}
        self._judge = CellJudge(marks, matrix.mode)
        self._stub = Stub(self.cells)
        self._guards: set[str] = set()
        self._judged: dict[int, CellOutcome] = {}
        self._same: dict[int, str] = {}
        self._controls: dict[tuple[object, ...], CellOutcome] = {}
        self._session: aiohttp.ClientSession

    async def examine(self) -> Examined:
        """Serve the upstream, ask for every cell, and return what came of each.

        Raises:
            UsageError: our upstream cannot listen there, nothing answers at the gateway's address, the key is refused,
                or the gateway asks another upstream.
        """
        gateway = self.gateway
        try:
            async with self._stub.serve(gateway.host, gateway.port) as upstream, _session(gateway) as session:
                self._session = session
                await self._examine(upstream)
        except OSError as error:
            why = error.strerror or "not possible"
            raise UsageError(f"our upstream cannot listen on {gateway.host}:{gateway.port}: {why}") from None
        return Examined([self._row(cell) for cell in self.cells], sorted(self._guards))

    async def _examine(self, upstream: str) -> None:
        controls = [cell for cell in self.cells if cell.role == "control"]
        if controls:
            await self._open(controls, upstream)
        await self._all([cell for cell in controls if cell.number not in self._judged])
        await self._all([cell for cell in self.cells if cell.role == "probe"])
        claimed = self._claimed()
        todo = [cell for cell in self.cells if cell.role == "cell"]
        if self.matrix.mode == "enforce":
            for cell in todo:
                if (cell.entity, cell.source) not in claimed and cell.source not in self.matrix.claims:
                    self._judged[cell.number] = CellOutcome("not claimed", reason="not stopped in the simplest cell")
        await self._all([cell for cell in todo if cell.number not in self._judged])
        leaks = [c for c in todo if self._judged[c.number].outcome == "leaked" and (c.entity, c.source) in claimed]
        await self._each(leaks, lambda cell: self._again(cell, claimed[cell.entity, cell.source]))

    async def _open(self, controls: Sequence[MatrixCell], upstream: str) -> None:
        """Ask each route once, so that what is wrong with all of it is said in one sentence."""
        first = {cell.route: cell for cell in reversed(controls) if cell.place == "content" and not cell.ask}
        for cell in reversed(first.values()):
            await self._one(cell)
        judged = {route: self._judged[cell.number] for route, cell in first.items()}
        if all(one.status == 0 for one in judged.values()):
            raise UsageError(f"no answer from {self.gateway.base}: {next(iter(judged.values())).reason}")
        if any(one.status == 401 for one in judged.values()):
            raise UsageError("the gateway refuses the key (status 401): name the variable that holds one with --key")
        if not self._stub.asked:
            raise UsageError(f"the gateway never asked our upstream: point it at {upstream}, and at nothing else")
        for cell in controls:
            if judged[cell.route].status in (404, 405, 501):
                why = f"{_NO_ROUTE} (status {judged[cell.route].status})"
                if other := self._stub.other_path(first[cell.route].number):
                    why = f"{_NO_ROUTE}: it asks its upstream at {other}, and ours speaks chat completions"
                self._controls[cell.shape] = self._judged[cell.number] = CellOutcome("not served", reason=why)

    def _claimed(self) -> dict[tuple[str, str], MatrixCell]:
        """Return the entities and sources that a gateway stops in the simplest cell of some route, with that cell."""
        probes = [cell for cell in self.cells if cell.role == "probe"]
        return {(c.entity, c.source): c for c in reversed(probes) if self._judged[c.number].outcome == "stopped"}

    async def _all(self, cells: Iterable[MatrixCell]) -> None:
        await self._each(cells, self._one)

    async def _each(self, cells: Iterable[MatrixCell], what: Callable[[MatrixCell], Any]) -> None:
        waiting = iter(list(cells))

        async def work() -> None:
            for cell in waiting:
                await what(cell)

        async with asyncio.TaskGroup() as group:
            for _ in range(self.gateway.concurrency):
                group.create_task(work())

    async def _one(self, cell: MatrixCell) -> None:
        control = self._controls.get(cell.shape)
        if cell.role != "control" and control is not None and control.reason.startswith(_NO_ROUTE):
            self._judged[cell.number] = CellOutcome("not served", reason=control.reason)
        else:
            judged = await self._ask(cell, control)
            self._judged[cell.number] = judged
            if cell.role == "control":
                self._controls[cell.shape] = judged
        self._done += 1
        self._tell(self._done, len(self.cells))

    async def _ask(self, cell: MatrixCell, control: CellOutcome | None) -> CellOutcome:
        gateway = self.gateway
        came = await ask(self._session, gateway.base, cell, gateway.key, limits=gateway.limits, model=gateway.model)
        if declared := guards_of(came):
            self._guards.add(declared)
        reached = self._stub.reached.pop(cell.number, [])
        if cell.role == "control":
            return self._judge.control(cell, came, reached)
        return self._judge.marked(cell, came, reached, control)

    async def _again(self, cell: MatrixCell, simple: MatrixCell) -> None:
        """Ask for a leaked mark in the simplest cell of its source."""
        again = simple._replace(number=cell.number + _AGAIN, role="cell", drawn=cell.number)
        self._stub.add(again)
        judged = await self._ask(again, self._controls.get(again.shape))
        self._same[cell.number] = judged.outcome

    def _row(self, cell: MatrixCell) -> dict[str, Any]:
        judged = self._judged[cell.number]
        return told(cell) | {
            "outcome": judged.outcome,
            "how": judged.how,
            "bytes": judged.bytes,
            "channel": self._named(cell, judged.channel),
            "reason": judged.reason,
            "simplest": self._same.get(cell.number, ""),
        }

    def _named(self, cell: MatrixCell, channel: str) -> str:
        """Return where a mark stood, as it may be written down: a field can be named by the mark, or by our key."""
        said = [cell.mark(choice) for choice in range(cell.choices)]
        for text in (*said, *self.matrix.words, self.gateway.key):
            channel = channel.replace(text, "…") if text else channel
        return channel[:120]


def _session(gateway: GatewayUnderTest) -> aiohttp.ClientSession:
    """Return a session that keeps no cookies, takes nothing from the environment, and unpacks nothing by itself."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=aiohttp.TCPConnector(limit=gateway.concurrency),
        max_line_size=1 << 16,
        max_field_size=1 << 16,
    )

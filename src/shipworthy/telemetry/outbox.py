"""Sends alarms to outputs: what has not been told, is told, once it can be; what has been stands in the audit log.

There is no list of what waits: it is every alarm that an output is to be told of and for which there is no entry that
it was. So nothing that waits can be lost by a crash; a crash between an answer and its entry sends again, and messages
carry the alarm's id for that. An output that fails holds up nothing but itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from shipworthy.core.alarm_entry import TOLD
from shipworthy.core.credentials import resolve
from shipworthy.core.errors import ShipworthyError, StoreError, UsageError
from shipworthy.core.foreign import kind_of
from shipworthy.net import address
from shipworthy.net.client import Broken, Client, Distrusted, TooLong
from shipworthy.store.alarms import HeldAlarm
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.output_config import OutputSpec
from shipworthy.telemetry.outputs.common import Action, AlarmEvent, OutputAddress, OutputMessage
from shipworthy.telemetry.outputs.registry import make_message

_FIRST_S, _LONGEST_S = 2.0, 600.0
_ANSWER = 1 << 20
_DAY_S = 86_400.0


class OutputState(Struct):
    """How an output stands: what it has been told, what waits, and why the last try failed; empty where it did not."""

    sent: int = 0
    waiting: int = 0
    failures: int = 0
    failed: str = ""
    given_up: int = 0


class Outbox:
    """The outputs of one server. Used on one event loop.

    Args:
        system: returns what alarms are about.
        tell: is told when an output begins to fail, and when it works again.

    Attributes:
        states: how each output stands, by its id.
    """

    def __init__(
        self,
        specs: Sequence[OutputSpec],
        audit: AuditLog,
        system: Callable[[], str],
        tell: Callable[[str], None],
    ) -> None:
        self._specs, self._audit, self._system, self._tell = specs, audit, system, tell
        self.states = {spec.id: OutputState() for spec in specs}
        self._clients: dict[str, Client] = {}
        self._next: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._told: set[tuple[str, str, str]] | None = None
        self._gone: set[tuple[str, str, str]] = set()

    async def start(self, alarms: Sequence[HeldAlarm]) -> None:
        """Have every output told what it has not been told, and wait for none: one that is slow holds up no other."""
        if self._told is None:
            self._told = await asyncio.to_thread(self._read)
        for spec in self._specs:
            running = self._running.get(spec.id)
            if running is None or running.done():
                self._running[spec.id] = asyncio.create_task(self._serve(spec, alarms))

    async def send(self, alarms: Sequence[HeldAlarm]) -> None:
        """Tell every output what it has not been told. Returns once each has been tried whose time has come."""
        await self.start(alarms)
        await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        """Stop telling, and let go of connections. What was not told waits for the next process."""
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        for client in self._clients.values():
            await client.close()

    def _read(self) -> set[tuple[str, str, str]]:
        found = self._audit.of_kinds(TOLD)
        return {(str(e.body["output"]), str(e.body["alarm"]), str(e.body["action"])) for e in found}

    def _waiting(self, spec: OutputSpec, alarms: Sequence[HeldAlarm]) -> list[tuple[HeldAlarm, Action]]:
        told = self._told or set()
        found: list[tuple[HeldAlarm, Action]] = []
        for held in alarms:
            alarm = held.alarm
            if spec.kinds and alarm.kind not in spec.kinds:
                continue
            if spec.least is not None and not 1 <= alarm.severity <= int(spec.least[1]):
                continue
            known = (spec.id, alarm.id, "raised") in told
            if held.open and not known:
                found.append((held, "raised"))
            elif not held.open and known and spec.closed and (spec.id, alarm.id, "closed") not in told:
                found.append((held, "closed"))
        return [one for one in found if not self._too_old(spec, *one)]

    def _too_old(self, spec: OutputSpec, held: HeldAlarm, action: Action) -> bool:
        at = held.closed.at if action == "closed" and held.closed is not None else held.alarm.at
        old = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() > spec.give_up_days * _DAY_S
        key = (spec.id, held.alarm.id, action)
        if old and key not in self._gone:
            self._gone.add(key)
            self.states[spec.id].given_up += 1
            self._tell(f"output {spec.id}: {held.alarm.id} ({action}) is older than give_up_days, and is not told")
        return old

    async def _serve(self, spec: OutputSpec, alarms: Sequence[HeldAlarm]) -> None:
        state = self.states[spec.id]
        waiting = self._waiting(spec, alarms)
        state.waiting = len(waiting)
        if not waiting or time.monotonic() < self._next.get(spec.id, 0.0):
            return
        for held, action in waiting:
            why = await self._try(spec, held, action)
            if why:
                if why != state.failed:
                    self._tell(f"output {spec.id} fails, and is tried again: {why}")
                state.failed, state.failures = why, state.failures + 1
                wait = min(_LONGEST_S, _FIRST_S * 2 ** min(state.failures - 1, 12))
                self._next[spec.id] = time.monotonic() + wait * random.uniform(0.75, 1.25)
                return
            if state.failed:
                self._tell(f"output {spec.id} works again")
            state.failed, state.failures = "", 0
            state.sent += 1
            state.waiting -= 1

    async def _try(self, spec: OutputSpec, held: HeldAlarm, action: Action) -> str:
        """Tell one thing. Returns why that failed, without an address or a key in it; empty where it did not."""
        closed = held.closed if action == "closed" else None
        try:
            to = OutputAddress(_text(spec.url), _text(spec.key or ""), spec.index)
            system = await asyncio.to_thread(self._system)
            event = AlarmEvent(held.alarm, action, closed, system)
            async with asyncio.timeout(spec.timeout_s):
                why = await self._deliver(spec, make_message(spec.kind, event, to))
            if why:
                return why
            body = {"output": spec.id, "alarm": held.alarm.id, "action": action}
            await asyncio.to_thread(self._audit.append, TOLD, body, key="alarm")
        except TimeoutError:
            return f"no answer in {spec.timeout_s:g} s"
        except StoreError as error:
            return f"it was told, and that cannot be entered: {error}"
        except ShipworthyError as error:
            return str(error)
        except OSError as error:
            return error.strerror or type(error).__name__
        except Exception as error:
            # Whatever it is, it stops this output and nothing else, and is seen.
            return f"it cannot be told: {kind_of(error)}"
        if self._told is not None:
            self._told.add((spec.id, held.alarm.id, action))
        return ""

    async def _deliver(self, spec: OutputSpec, message: OutputMessage) -> str:
        if message.transport == "http":
            return await self._post(spec, message)
        host, _, port = message.url.rpartition(":")
        host = host.strip("[]")
        if message.transport == "tcp":
            _, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(message.body)
                await writer.drain()
            finally:
                writer.close()
                await writer.wait_closed()
            return ""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=(host, int(port)))
        transport.sendto(message.body)
        transport.close()
        return ""

    async def _post(self, spec: OutputSpec, message: OutputMessage) -> str:
        # The path of a chat's address is its key, so it is not to travel in the clear either.
        secret = spec.key is not None or spec.url.startswith(("env:", "file:"))
        try:
            parts = address.check(message.url, secret=secret, plain_http=spec.plain_http)
        except UsageError:
            return "its address cannot be used: it is no http address, or a key would travel unencrypted"
        client = self._clients.setdefault(spec.id, Client(ca_file=spec.ca_file))
        try:
            response = await client.open("POST", address.encoded(parts), dict(message.headers), message.body)
            answer = await client.read(response, _ANSWER)
        except Broken as error:
            return f"no connection: {error}"
        except (Distrusted, TooLong) as error:
            return str(error) or type(error).__name__
        if not 200 <= response.status < 300:
            return f"it answered with status {response.status}"
        return message.refused(answer)


def _text(value: str) -> str:
    return resolve(value).strip() if value.startswith(("env:", "file:")) else value


def told_of(audit: AuditLog, alarm: str) -> list[dict[str, Any]]:
    """Return which outputs were told of an alarm, and when."""
    return [{**entry.body, "at": entry.at} for entry in audit.about(alarm) if entry.kind == TOLD]

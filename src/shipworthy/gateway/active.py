"""What is in force: configuration, guards and upstreams as one object, swapped whole and never changed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from shipworthy.core.deadline import Patience
from shipworthy.core.digests import digest
from shipworthy.core.errors import ShipworthyError
from shipworthy.core.foreign import kind_of
from shipworthy.core.records import Stage
from shipworthy.detect.redact import redact_text
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import STAGES
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.forms import Forms
from shipworthy.gateway.clients import Clients
from shipworthy.gateway.config import STOP, Config, read_config
from shipworthy.gateway.levers import WATCH_S, Levers
from shipworthy.gateway.upstream import GatewayUpstream

OLD_S = 60.0
"""Seconds after which the connections of a former configuration are closed, beyond a request's own limit of time."""


class Active:
    """One state of the gateway. A request keeps the one that it began with.

    Args:
        config: read and checked.
        levers: those that are pulled.
        before: the state before this one: what did not change is taken over, connections above all.

    Raises:
        UsageError: a guard cannot be built, or a reference leads nowhere. Nothing has changed then.

    Attributes:
        digest: of the guards that are in force: the one that an evaluation of them has.
        mediation: the guards, as the exchange takes them.
        stopped: whether the kill switch is pulled.
        secrets: keys of the upstreams: in no error and no record.
        reading, writing: how long a client may take for its body, and for what is written to it.
    """

    def __init__(self, config: Config, levers: tuple[str, ...] = (), before: Active | None = None) -> None:
        self.config, self.levers = config, levers
        known = tuple(name for name in levers if name in config.spec.levers)
        # A lever that this file does not know may be one that its former state knew, and tightened with.
        self.stopped = STOP in levers or len(known) < len(set(levers) - {STOP})
        self.pipeline = Pipeline.build(config.under(known))
        self.upstreams: dict[str, GatewayUpstream]
        self.clients: Clients
        if before is not None and before.config is config:
            self.upstreams, self.clients = before.upstreams, before.clients
        else:
            kept = before.upstreams if before is not None else {}
            self.upstreams = {
                name: kept[name] if name in kept and kept[name].spec == spec else GatewayUpstream(name, spec)
                for name, spec in config.spec.upstreams.items()
            }
            self.clients = Clients(config.spec.clients, config.spec.workers)
        self.secrets = tuple(key for upstream in self.upstreams.values() for key in upstream.secrets)
        self._forms: Forms
        if before is not None and before.secrets == self.secrets:
            self._forms = before._forms
        else:
            self._forms = Forms(self.secrets)
        self.mediation = Mediation(self.pipeline, scrub=self.scrub)
        limits = config.spec.limits
        self.writing, self.reading = Patience(limits.write_s), Patience(limits.body_s)

    @property
    def digest(self) -> str:
        """``sha256:…`` of the guards in force."""
        return self.pipeline.digest

    def scrub(self, text: str) -> str:
        """Return an error's message without credentials and personal data."""
        return redact_text(self._forms.clean(text))

    def describe(self) -> dict[str, Any]:
        """Return what an operator reads in ``/health``: no secret and no address."""
        rules = self.pipeline.rules
        bare: list[Stage] = [s for s in STAGES if not any(s in r.stages and not r.shadow for r in rules)]
        return {
            "config": digest(self.config.spec.model_dump(mode="json", by_alias=True)),
            "rules": {rule.id: "shadow" if rule.shadow else "enforce" for rule in rules},
            "fails_open": [rule.id for rule in rules if rule.on_error == "allow" and not rule.shadow],
            "stages_without_a_rule": bare,
            "levers": list(self.levers),
            "upstreams": sorted(self.upstreams),
            "clients": len(self.config.spec.clients),
        }


class Keeper:
    """Keeps what is in force up to date: reads changed files, validates them, and swaps only what is whole.

    Args:
        config: the one to begin with.
        tell: is told, in one line, what changed and what was refused.
        stop: is called when the kill switch is pulled: requests in flight are to end.

    Attributes:
        active: what is in force.
        refused: why the newest files are not; empty where they are.
    """

    def __init__(self, config: Config, tell: Callable[[str], None], stop: Callable[[], None]) -> None:
        self._tell, self._stop = tell, stop
        self._levers = Levers(config.state)
        self.active = Active(config, self._levers.pulled)
        self.refused = ""
        self._stamp = _stamp(config.files)
        self._reading = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    def look(self) -> Active:
        """Return what is in force, the levers as they are at this moment."""
        pulled = self._levers.pulled
        if pulled != self.active.levers:
            self._pull(pulled)
        return self.active

    async def watch(self) -> None:
        """Look at levers and files until cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                self.look()
                if (stamp := _stamp(self.active.config.files)) != self._stamp:
                    self._stamp = stamp
                    await self.reload()
            except Exception as error:  # whatever it was: nobody would hear of the kill switch without this
                self._tell(f"looking at levers and files failed: {kind_of(error)}")

    async def reload(self) -> None:
        """Read the files again. What is wrong in them is told, and changes nothing."""
        async with self._reading:
            before = self.active
            try:
                # In a thread: requests go on meanwhile. The swap is one assignment.
                config = await asyncio.to_thread(read_config, before.config.path)
                fixed = ("listen", "workers", "state")
                if moved := [n for n in fixed if getattr(config.spec, n) != getattr(before.config.spec, n)]:
                    raise ShipworthyError(f"{', '.join(moved)} cannot change while it runs: restart it")
                made = Active(config, self._levers.pulled, before)
            except Exception as error:
                said = str(error) if isinstance(error, ShipworthyError) else kind_of(error)
                self.refused = before.scrub(said)
                self._tell(f"the new configuration is refused, and the old one goes on: {self.refused}")
                return
            self.active, self.refused = made, ""
            self._stamp = _stamp(config.files)
            self._tell(f"guards {made.digest}, read from {config.path}")
            gone = [u for u in before.upstreams.values() if u not in made.upstreams.values()]
            # States hold themselves in circles, and the collector is held back while the gateway serves.
            gc.collect()
            if gone:
                task = asyncio.create_task(_close(gone, before.config.spec.limits.request_s + OLD_S))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all connections."""
        for task in self._closing:
            task.cancel()
        for upstream in self.active.upstreams.values():
            await upstream.close()

    def _pull(self, pulled: tuple[str, ...]) -> None:
        before = self.active
        try:
            self.active = Active(before.config, pulled, before)
        except Exception as error:
            # Somebody tightened something, and it cannot be done: nothing is served rather than what was.
            self._tell(
                f"the levers {', '.join(pulled)} cannot be pulled, and nothing is served: {before.scrub(str(error))}"
            )
            self.active = Active(before.config, (STOP,), before)
            self.active.levers = pulled
        self._tell(f"guards {self.active.digest}, levers pulled: {', '.join(pulled) or 'none'}")
        if self.active.stopped and not before.stopped:
            self._stop()


async def _close(upstreams: list[GatewayUpstream], after: float) -> None:
    try:
        await asyncio.sleep(after)
    finally:
        for upstream in upstreams:
            with suppress(Exception):
                await upstream.close()


def _stamp(files: tuple[Path, ...]) -> tuple[Any, ...]:
    found = []
    for file in files:
        try:
            seen = file.stat()
            found.append((seen.st_mtime_ns, seen.st_ino, seen.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)

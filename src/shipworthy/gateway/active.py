"""What is in force: configuration, guards and upstreams as one object, swapped whole and never changed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
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
from shipworthy.enforce.policy.budget import Accounts
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.rule import STAGES
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.forms import Forms
from shipworthy.gateway.candidates import Candidates
from shipworthy.gateway.clients import Clients, Throttle
from shipworthy.gateway.config import POLICY, STOP, Config, read_config
from shipworthy.gateway.declared import UNPROVEN
from shipworthy.gateway.levers import WATCH_S, Levers, Pulled
from shipworthy.gateway.mcp.proxied import ProxiedServer
from shipworthy.gateway.policy_stage import PolicyStage
from shipworthy.gateway.rollout import in_force, whole
from shipworthy.gateway.spent import SpentBook
from shipworthy.gateway.upstream import GatewayUpstream

_BEYOND_S = 60.0
"""Seconds beyond an approval's own, after which asking is given up: the queue has its own deadline, and comes first."""
OLD_S = 60.0
"""Seconds after which the connections of a former configuration are closed, beyond a request's own limit of time."""


class Active:
    """One state of the gateway. A request keeps the one that it began with.

    Args:
        config: read and checked.
        pulled: the levers that are pulled, for whomever.
        before: the state before this one: what did not change is taken over, connections above all.
        levers: names of those that are in force here; the ones that are pulled for everybody if left out.

    Raises:
        UsageError: a guard cannot be built, or a reference leads nowhere. Nothing has changed then.

    Attributes:
        digest: of the guards that are in force: the one that an evaluation of them has.
        base: the digest that they have with no lever pulled.
        models: that the upstreams name in full, and not by a pattern.
        mediation: the guards, as the exchange takes them; the policy joins them in a request of a conversation.
        policy: the tool policy; None where there is none, or it is off.
        stopped: whether the kill switch is pulled.
        mcp: the MCP servers; `mcp_policy` the same policy for their sessions, which keep what they know.
        secrets: keys of the upstreams and the MCP servers: in no error and no record.
        reading, writing: how long a client may take for its body, and for what is written to it.
        throttle: counts all requests that are begun, where a lever says how many may be; None where none does.
    """

    def __init__(
        self,
        config: Config,
        pulled: tuple[Pulled, ...] = (),
        before: Active | None = None,
        levers: tuple[str, ...] | None = None,
    ) -> None:
        self.config, self.pulled = config, pulled
        self._partial = any(not whole(one) for one in pulled)
        if levers is None:
            levers = tuple(one.lever for one in pulled if whole(one))
        self.levers = levers
        self._variants: dict[tuple[str, ...], Active] = {}
        known = config.known(levers)
        self.stopped = config.stopped(levers)
        self.pipeline = Pipeline.build(config.under(known))
        if not known:
            self.base = self.pipeline.digest
        elif before is not None and before.config is config:
            self.base = before.base
        else:
            self.base = Pipeline.build(config.guards).digest
        self.upstreams: dict[str, GatewayUpstream]
        self.mcp: dict[str, ProxiedServer]
        self.clients: Clients
        if before is not None and before.config is config:
            self.upstreams, self.mcp, self.clients = before.upstreams, before.mcp, before.clients
        else:
            kept = before.upstreams if before is not None else {}
            self.upstreams = {
                name: kept[name] if name in kept and kept[name].spec == spec else GatewayUpstream(name, spec)
                for name, spec in config.spec.upstreams.items()
            }
            served = before.mcp if before is not None else {}
            # One that did not change goes on, with its sessions and with what users have spent.
            self.mcp = {
                name: served[name] if name in served and served[name].read == read else ProxiedServer(name, read)
                for name, read in config.mcp.items()
            }
            self.clients = Clients(config.spec.clients, config.spec.workers)
        self.models = frozenset(
            model for one in self.upstreams.values() for model in one.spec.models if not set("*?[") & set(model)
        )
        self.secrets = (
            *(key for upstream in self.upstreams.values() for key in upstream.secrets),
            *(key for server in self.mcp.values() for key in server.secrets),
        )
        for upstream in self.upstreams.values():
            upstream.hide(self.secrets)
        self._forms: Forms
        if before is not None and before.secrets == self.secrets:
            self._forms = before._forms
        else:
            self._forms = Forms(self.secrets)
        limits = config.spec.limits
        self.writing, self.reading = Patience(limits.write_s), Patience(limits.body_s)
        self.policy: PolicyStage | None = None
        self.mcp_policy: Policy | None = None
        mode, asks = config.policy_mode(known), config.spec.approvals
        rules = config.policy_under(known)
        # What users have spent in their sessions of MCP goes on while the policy is the same one, whatever its mode.
        same = before is not None and before.config.policy == config.policy
        self._accounts: Accounts = before._accounts if before is not None and same else Accounts()
        if rules is not None and mode != "off":
            self.policy = PolicyStage(Policy(rules, shadow=mode == "shadow"), SpentBook(config.state))
            self.mcp_policy = Policy(rules, shadow=mode == "shadow", accounts=self._accounts)
        self.throttle = _throttle(config, known, before)
        self.mediation = Mediation(
            self.pipeline,
            patience_s=(asks.timeout_s if asks is not None else 0.0) + _BEYOND_S,
            scrub=self.scrub,
        )

    @property
    def digest(self) -> str:
        """``sha256:…`` of the guards in force."""
        return self.pipeline.digest

    def seen_by(self, client: str, session: str) -> Active:
        """Return what is in force for one request: this, or this with the levers that are pulled for its part."""
        if not self._partial or self.stopped:
            return self
        names = in_force(self.pulled, client, session, self.config.spec.rings)
        if names == self.levers:
            return self
        if names not in self._variants:
            try:
                self._variants[names] = Active(self.config, self.pulled, self, names)
            except Exception:
                # Somebody tightened something, and it cannot be done: these are not served.
                self._variants[names] = Active(self.config, self.pulled, self, (STOP,))
        return self._variants[names]

    def candidates(self, model: str, body: Mapping[str, Any]) -> tuple[Candidates, tuple[str, ...]] | None:
        """Return who is asked for a model, and which further fields of the request are passed on; None for nobody.

        One that does not take a field that the first one takes, and that this request has, cannot stand in for it.
        """
        fitting = [self.upstreams[name] for name in self.config.upstreams_of(model)]
        if not fitting:
            return None
        passed = fitting[0].spec.pass_on
        used = {name for name in passed if name in body}
        return Candidates([one for one in fitting if used <= set(one.spec.pass_on)]), passed

    def in_place_of(self, model: str) -> str:
        """Return the model that is asked where a client asks for another: the same one, but for a lever."""
        return self.config.model_under(self.config.known(self.levers), model)

    def scrub(self, text: str) -> str:
        """Return an error's message without credentials and personal data."""
        return redact_text(self._forms.clean(text))

    def describe(self) -> dict[str, Any]:
        """Return what an operator reads in ``/health``: no secret and no address."""
        rules = self.pipeline.rules
        bare: list[Stage] = [s for s in STAGES if not any(s in r.stages and not r.shadow for r in rules)]
        return {
            "policy": self.policy.digest if self.policy is not None else "",
            "config": digest(self.config.spec.model_dump(mode="json", by_alias=True)),
            "rules": {rule.id: "shadow" if rule.shadow else "enforce" for rule in rules}
            | ({POLICY: "shadow" if self.policy.policy.shadow else "enforce"} if self.policy is not None else {}),
            "fails_open": [rule.id for rule in rules if rule.on_error == "allow" and not rule.shadow],
            "stages_without_a_rule": bare,
            "base": self.base,
            "decision": self.config.spec.decision or UNPROVEN,
            "levers": list(self.levers),
            "rollouts": {p.lever: {"share": p.share, "ring": p.ring} for p in self.pulled if not whole(p)},
            "upstreams": sorted(self.upstreams),
            "mcp": sorted(self.mcp),
            "clients": len(self.config.spec.clients),
        }

    def breakers(self) -> dict[str, dict[str, Any]]:
        """Return how the upstreams' breakers stand, in this worker."""
        return {
            name: {"state": one.breaker.state, "failures": one.breaker.failed, "opened": one.breaker.opened,
                   "retry_s": round(one.breaker.wait_s, 1)}
            for name, one in self.upstreams.items()
        }  # fmt: skip


class Keeper:
    """Keeps what is in force up to date: reads changed files, validates them, and swaps only what is whole.

    Args:
        config: the one to begin with.
        tell: is told, in one line, what changed and what was refused.
        stop: is called when the kill switch is pulled: requests in flight are to end.
        read: reads the file anew.

    Attributes:
        active: what is in force.
        refused: why the newest files are not; empty where they are.
    """

    def __init__(
        self,
        config: Config,
        tell: Callable[[str], None],
        stop: Callable[[], None],
        read: Callable[[Path], Config] = read_config,
    ) -> None:
        self._tell, self._stop, self._read = tell, stop, read
        self._levers = Levers(config.state)
        self.active = Active(config, self._levers.pulled)
        self.refused = ""
        self._stamp = stamp(config.files)
        self._reading = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()

    def look(self) -> Active:
        """Return what is in force, the levers as they are at this moment."""
        pulled = self._levers.pulled
        if pulled != self.active.pulled:
            self._pull(pulled)
        return self.active

    async def watch(self) -> None:
        """Look at levers and files until cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                self.look()
                if (seen := stamp(self.active.config.files)) != self._stamp:
                    self._stamp = seen
                    await self.reload()
            except Exception as error:  # whatever it was: nobody would hear of the kill switch without this
                self._tell(f"looking at levers and files failed: {kind_of(error)}")

    async def reload(self) -> None:
        """Read the files again. What is wrong in them is told, and changes nothing."""
        async with self._reading:
            before = self.active
            try:
                # In a thread: requests go on meanwhile. The swap is one assignment.
                config = await asyncio.to_thread(self._read, before.config.path)
                fixed = ("listen", "workers", "state", "telemetry")
                if moved := [n for n in fixed if getattr(config.spec, n) != getattr(before.config.spec, n)]:
                    raise ShipworthyError(f"{', '.join(moved)} cannot change while it runs: restart it")
                made = Active(config, self._levers.pulled, before)
            except Exception as error:
                said = str(error) if isinstance(error, ShipworthyError) else kind_of(error)
                self.refused = before.scrub(said)
                self._tell(f"the new configuration is refused, and the old one goes on: {self.refused}")
                return
            self.active, self.refused = made, ""
            self._stamp = stamp(config.files)
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

    def _pull(self, pulled: tuple[Pulled, ...]) -> None:
        before = self.active
        named = ", ".join(map(str, pulled))
        try:
            self.active = Active(before.config, pulled, before)
        except Exception as error:
            # Somebody tightened something, and it cannot be done: nothing is served rather than what was.
            self._tell(f"the levers {named} cannot be pulled, and nothing is served: {before.scrub(str(error))}")
            self.active = Active(before.config, pulled, before, (STOP,))
            self.active.levers = tuple(one.lever for one in pulled)
        self._tell(f"guards {self.active.digest}, levers pulled: {named or 'none'}")
        if self.active.stopped and not before.stopped:
            self._stop()


def _throttle(config: Config, levers: tuple[str, ...], before: Active | None) -> Throttle | None:
    """Return what counts requests under some levers; what was begun under the same rate before counts on."""
    rate = config.rate_under(levers)
    if rate is None:
        return None
    was = before.throttle if before is not None else None
    return was if was is not None and was.rate == rate else Throttle(rate, 1 / config.spec.workers)


async def _close(upstreams: list[GatewayUpstream], after: float) -> None:
    try:
        await asyncio.sleep(after)
    finally:
        for upstream in upstreams:
            with suppress(Exception):
                await upstream.close()


def stamp(files: tuple[Path, ...]) -> tuple[Any, ...]:
    """Return what is another once one of some files has changed."""
    found = []
    for file in files:
        try:
            seen = file.stat()
            found.append((seen.st_mtime_ns, seen.st_ino, seen.st_size))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)

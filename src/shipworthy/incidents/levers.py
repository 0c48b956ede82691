"""Levers, pulled for an incident: what one would change, pulling it, letting go of it, and by itself after a time.

Nothing here is a second way to stop anything: a gateway's lever is pulled as `shipworthy gateway pull` does, and a
command is the workspace's own.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.calendar import write_moment
from shipworthy.core.errors import StoreError, UsageError, did_you_mean
from shipworthy.core.incident import LeverDrill
from shipworthy.detect.redact import redact_text
from shipworthy.gateway import levers as gateway_levers
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import STOP, Config, read_levers, state_of
from shipworthy.incidents.incident import Incident, NewEvent
from shipworthy.workspace.kinds.lever import Lever
from shipworthy.workspace.load import Workspace

SEEN_S = 5.0
"""Seconds within which a pulled lever must be readable as pulled: every worker of a gateway reads the same file."""


class LeverToPull(NamedTuple):
    """A lever, and how it is pulled.

    Attributes:
        id: in the workspace; of a gateway's lever that the workspace does not have, its name there.
        gateway: the gateway's file; None where there is none.
        name: of the lever in it.
        entity: the workspace's; None where it has none.
    """

    id: str
    gateway: Path | None
    name: str
    entity: Lever | None

    @property
    def how(self) -> str:
        """``gateway``, ``command`` or ``hand``."""
        return "gateway" if self.gateway is not None else "command" if self.entity and self.entity.run else "hand"

    @property
    def minutes(self) -> int | None:
        """How long it may take, by the workspace's word."""
        return None if self.entity is None else self.entity.max_minutes


class LeverPlan(NamedTuple):
    """What pulling a lever would do: nothing has happened.

    Attributes:
        changes: sentences' parts; empty for a lever that is pulled by hand.
        warnings: what somebody should know before.
        until: when it lets go of itself; None for never.
    """

    lever: LeverToPull
    changes: tuple[str, ...]
    warnings: tuple[str, ...]
    until: datetime | None


def find_lever(workspace: Workspace, wanted: str, gateway: Path | None = None) -> LeverToPull:
    """Return a lever by its id in the workspace, or by its name in a gateway's file.

    Raises:
        UsageError: there is none; the nearest is named.
        WorkspaceError: the gateway's file is no YAML.
    """
    known = workspace.entities(Lever)
    if gateway is None:
        if wanted not in known:
            hint = did_you_mean(wanted, list(known)) if known else "levers.yaml names none"
            raise UsageError(f"there is no lever {wanted!r}: {hint}; one that only a gateway has needs --gateway FILE")
        one = known[wanted]
        file = None if one.gateway is None else workspace.root / one.gateway
        return LeverToPull(wanted, file, one.pull or "", one)
    _, names, _ = state_of(gateway)
    entity = known.get(wanted)
    name = (entity.pull or "") if entity is not None else wanted
    if name not in (STOP, *names):
        raise UsageError(f"{gateway} names no lever {name!r}: {did_you_mean(name, [STOP, *names])}")
    return LeverToPull(wanted, gateway, name, entity)


def plan_lever(lever: LeverToPull, until: datetime | None, drilled: date | None, *, share: float = 1.0) -> LeverPlan:
    """Return what pulling a lever would change, without pulling it.

    Args:
        drilled: the last day on which it was tried; None for never.
        share: of the traffic that it is pulled for.

    Raises:
        UsageError, WorkspaceError: the gateway's file is wrong: what it would do is not known.
    """
    warnings = [] if drilled is not None else ["it was never drilled: nobody knows whether it works"]
    if until is None:
        warnings.append("it has no end: it stays pulled until somebody lets go of it (--for 4h gives it one)")
    if share < 1:
        warnings.append(f"it is pulled for {share:g} of the traffic: the others are served as before")
    if lever.gateway is not None:
        if lever.name == STOP:
            return LeverPlan(lever, ("nothing is served, and requests in flight end",), tuple(warnings), until)
        spec = read_levers(lever.gateway).spec.levers[lever.name]
        pulled = [one for one in gateway_levers.read(state_of(lever.gateway)[0]) if one.lever == lever.name]
        if pulled:
            warnings.append(f"{pulled[0]} is pulled already, by {pulled[0].by}")
        return LeverPlan(lever, spec.told, tuple(warnings), until)
    entity = lever.entity
    if entity is not None and entity.run:
        if until is not None and not entity.undo:
            warnings.append("it has no 'undo': nothing lets go of it by itself")
        return LeverPlan(lever, (f"runs {' '.join(entity.run)}",), tuple(warnings), until)
    return LeverPlan(lever, (), (*warnings, "it is pulled by hand: do it, then say so"), until)


def pull_lever(
    plan: LeverPlan,
    by: str,
    why: str,
    *,
    share: float = 1.0,
    ring: str = "",
    allow_code: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> NewEvent:
    """Pull a lever, and return what is to be entered: with how long it took until it was in force.

    ``effective`` in its detail is false where it is pulled and what is in force is as before.

    Raises:
        UsageError: it cannot be pulled so, or runs a command that is not allowed.
        StoreError: it did not work: nothing is claimed to be pulled.
    """
    lever, began, effective = plan.lever, clock(), True
    if lever.gateway is not None:
        state, _, rings = state_of(lever.gateway)
        # A gateway takes a ring that it does not know for everybody.
        if ring and ring not in rings:
            raise UsageError(f"{lever.gateway} names no ring {ring!r}: {did_you_mean(ring, rings)}")
        gateway_levers.pull(state, lever.name, by, why, share=share, ring=ring, until=plan.until)
        _seen(state, lever.name, clock)
        if share >= 1 and not ring:
            effective = takes_effect(lever.gateway, lever.name)
    elif lever.how == "command" and lever.entity is not None:
        _run(lever.entity.run, lever.entity, allow_code=allow_code)
    elif share < 1 or ring:
        raise UsageError("only a gateway's lever is pulled for a part of the traffic")
    end = "" if plan.until is None else write_moment(plan.until)
    part = {"share": share, "ring": ring} if share < 1 or ring else {}
    detail = {"how": lever.how, "name": lever.name, "until": end, "seconds": round(clock() - began, 3),
              "changes": list(plan.changes), "effective": effective, **part}  # fmt: skip
    if lever.gateway is not None:
        detail["gateway"] = lever.gateway.name
    return NewEvent(what="pulled", by=by, about=lever.id, outcome=lever.how, text=why, detail=detail)


def may_release(lever: LeverToPull, incident: Incident, *, by_hand: bool) -> bool:
    """Say whether there is anything to let go of: it was pulled for the incident, or its gateway has it pulled.

    A command's `undo` may always be run: pulling may have failed half-way.
    """
    if lever.id in {one.lever for one in incident.pulled}:
        return True
    if lever.gateway is not None:
        return lever.name in {one.lever for one in gateway_levers.read(state_of(lever.gateway)[0])}
    return lever.how == "command" and not by_hand


def release_lever(lever: LeverToPull, by: str, why: str, *, allow_code: bool = False) -> NewEvent:
    """Let go of a lever, and return what is to be entered. Errors as for `pull_lever`."""
    if lever.gateway is not None:
        gateway_levers.release(state_of(lever.gateway)[0], lever.name, by, why)
    elif lever.how == "command" and lever.entity is not None:
        if not lever.entity.undo:
            raise UsageError(f"{lever.id} has no 'undo': let go of it by hand, then `--by-hand`")
        _run(lever.entity.undo, lever.entity, allow_code=allow_code)
    return NewEvent(what="released", by=by, about=lever.id, outcome=lever.how, text=why)


def still_pulled(lever: LeverToPull) -> bool:
    """Say whether a gateway's lever is pulled there now; of another lever nobody here knows, so no."""
    if lever.gateway is None:
        return False
    return any(one.lever == lever.name for one in gateway_levers.Levers(state_of(lever.gateway)[0]).pulled)


def expire_levers(
    workspace: Workspace, incident: Incident, now: datetime, *, by: str, allow_code: bool = False
) -> tuple[list[NewEvent], list[str]]:
    """Let go of every lever of an incident whose time is up.

    A gateway has let go of its own by itself; that is only entered. A command's `undo` is run now.

    Returns:
        What is to be entered, and what could not be done, a sentence each.
    """
    events, failed = [], []
    for pulled in incident.pulled:
        if not pulled.until or datetime.fromisoformat(pulled.until) > now:
            continue
        name = str(pulled.event.detail.get("name", ""))
        try:
            if pulled.event.outcome == "command":
                entity = workspace.entities(Lever)[pulled.lever]
                _run(entity.undo, entity, allow_code=allow_code)
            elif pulled.event.outcome == "hand":
                failed.append(f"{pulled.lever} was pulled by hand until {pulled.until}: let go of it by hand")
                continue
        except (KeyError, UsageError, StoreError) as error:
            failed.append(f"{pulled.lever}: its time is up since {pulled.until}, and it is still pulled: {error}")
            continue
        detail = {"until": pulled.until, "name": name}
        events.append(NewEvent(what="expired", by=by, about=pulled.lever, outcome=pulled.event.outcome, detail=detail))
    return events, failed


def drill_of(lever: LeverToPull, system: str, event: NewEvent, within: str, at: datetime) -> LeverDrill | None:
    """Return the drill that a pulling counts as; None for one that the workspace lacks, or pulled by hand."""
    if lever.entity is None or lever.how == "hand":
        return None
    seconds = float(event.detail["seconds"])
    worked = bool(event.detail["effective"]) and seconds <= lever.entity.max_minutes * 60
    return LeverDrill(
        system=system, lever=lever.id, at=write_moment(at), by=event.by, seconds=seconds, worked=worked, within=within
    )


def in_force(config: Config, now: datetime | None = None) -> Sequence[str]:
    """Return the levers that a gateway heeds at this moment."""
    moment = now or datetime.now(UTC)
    return [one.lever for one in gateway_levers.read(config.state) if not one.over(moment)]


def takes_effect(gateway: Path, name: str) -> bool:
    """Say whether what a gateway has in force, built from its files and levers now, is what a lever makes of it.

    Whether that stops a failure is another question: a replay answers it.
    """
    pulled = gateway_levers.Levers(state_of(gateway)[0]).pulled
    if name == STOP:  # it must work also where the rest of the file is wrong
        return any(one.lever == STOP for one in pulled)
    config = read_levers(gateway)
    bare: dict[str, Any] = {"upstreams": {}, "clients": {}, "mcp": {}}
    active = Active(config._replace(spec=config.spec.model_copy(update=bare), mcp={}), pulled)
    spec, modes = config.spec.levers[name], active.describe()["rules"]
    rules = all(modes.get(rule, "off") in (mode, "enforce") for rule, mode in spec.modes.items())
    rate = spec.requests_per_minute is None or active.throttle is not None
    models = all(active.in_place_of(old) != old for old in spec.models)
    left = config.policy_under((name,))
    tools = not spec.tools or (left is not None and not set(spec.tools) & set(left.tools))
    return active.stopped or (name in active.levers and rules and rate and models and tools)


def until_of(span: str | None, now: datetime) -> datetime | None:
    """Return when a span such as ``4h``, ``30m`` or ``2d`` from now ends; None where there is none.

    Raises:
        UsageError: it is no span, or longer than 30 days.
    """
    if span is None:
        return None
    number, unit = span[:-1], span[-1:]
    unit_s = {"m": 60, "h": 3600, "d": 86_400}.get(unit)
    if unit_s is None or not (number.isascii() and number.isdigit()) or not 0 < int(number) * unit_s <= 30 * 86_400:
        raise UsageError(f"{span!r} is no span: write 30m, 4h or 2d, at most 30d")
    return now + timedelta(seconds=int(number) * unit_s)


def _seen(state: Path, name: str, clock: Callable[[], float]) -> None:
    """Wait until a gateway's reader sees a lever as pulled."""
    reader, end = gateway_levers.Levers(state), clock() + SEEN_S
    while name not in {one.lever for one in reader.pulled}:
        if clock() > end:
            raise StoreError(f"the lever {name} was pulled and is not seen in {state}: do not count on it")
        time.sleep(0.01)


def _run(words: Sequence[str], lever: Lever, *, allow_code: bool) -> None:
    if not words:
        raise UsageError(f"{lever.id} has no command for that")
    if not allow_code:
        raise UsageError(f"{lever.id} runs {' '.join(words)}: allow it with --allow-code")
    try:
        done = subprocess.run(list(words), capture_output=True, timeout=lever.max_minutes * 60, check=False)  # noqa: S603 - the workspace's own, allowed by name
    except (OSError, subprocess.TimeoutExpired) as error:
        why = f"it took longer than {lever.max_minutes} min" if not isinstance(error, OSError) else str(error.strerror)
        raise StoreError(f"{lever.id} did not work: {words[0]}: {why}") from None
    if done.returncode:
        said = redact_text(done.stderr.decode("utf-8", "replace").strip()[-300:])
        raise StoreError(f"{lever.id} did not work: {words[0]} ended with {done.returncode}: {said}")

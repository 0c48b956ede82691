"""Verbs of `incident` that stop harm: keep evidence, pull a lever, replay the reproduction."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._incident import incident_options, moment_of, opened, status_lines, who
from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.cli._incident import OpenedIncident
    from shipworthy.incidents.replay import IncidentRepro, Replayed

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIR = click.Path(exists=True, file_okay=False, path_type=Path)
_tries = click.option("-n", "tries", metavar="N", type=click.IntRange(1, 1_000), default=20, show_default=True, help="How often it is replayed.")  # fmt: skip  # noqa: E501


@click.command()
@click.option("--gateway", "gateways", metavar="FILE", multiple=True, type=_FILE, help="A gateway's file, beside those that levers name; may be given several times.")  # fmt: skip  # noqa: E501
@click.option("--telemetry", metavar="DIR", type=_DIR, help="A store of telemetry, whose facts are counted.")
@click.option("--read", "wanted", metavar="DIGEST", help="Show what a snapshot holds instead, held against the audit log.")  # fmt: skip  # noqa: E501
@incident_options
def snapshot(
    *, incident: str, by: str | None, gateways: tuple[Path, ...], telemetry: Path | None, wanted: str | None,
    workspace: Path, allow_code: bool,
) -> None:  # fmt: skip
    """Keep the state of the system in one sealed file, named by its digest, before anything is changed.

    It holds digests of the safety files, the newest runs and the decision, the audit log's head, and of each gateway
    the guards in force, its levers with their history, and the facts of its newest requests; no words of users.
    """
    from shipworthy.incidents.snapshot import read_snapshot

    with opened(workspace, incident, allow_code=allow_code) as here:
        if wanted is not None:
            digests = [e.about for e in here.incident.of("snapshot")]
            found = [one for one in digests if one.removeprefix("sha256:").startswith(wanted.removeprefix("sha256:"))]
            if len(found) != 1:
                raise click.UsageError(f"{here.incident.id} has no one snapshot {wanted!r}: {', '.join(digests)}")
            members = read_snapshot(here.layout, here.incident.id, found[0])
            click.echo(json.dumps(members, indent=2, ensure_ascii=False))
            return
        _snapshot(here, by, gateways, telemetry)


def _snapshot(here: OpenedIncident, by: str | None, gateways: tuple[Path, ...], telemetry: Path | None) -> None:
    from shipworthy.incidents.snapshot import take_snapshot

    kept, event = take_snapshot(
        here.workspace, here.layout, here.audit, here.incident, who(by), gateways=gateways, telemetry=telemetry,
        secrets=here.secrets,
    )  # fmt: skip
    here.enter(event)
    click.echo(f"evidence kept: {kept.digest}")
    for line in kept.missing:
        click.echo(f"  not in it: {line}")


@click.command()
@click.argument("lever", metavar="LEVER")
@click.option("--gateway", metavar="FILE", type=_FILE, help="The gateway's file, for a lever that only it names.")
@click.option("--for", "span", metavar="SPAN", help="How long, such as 30m, 4h or 2d; it then lets go of itself.")
@click.option("--share", metavar="SHARE", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Of the traffic that it is pulled for.")  # fmt: skip  # noqa: E501
@click.option("--ring", metavar="RING", default="", help="Of clients that it is pulled for.")
@click.option("--why", metavar="TEXT", default="", help="Kept with it.")
@click.option("--dry-run", is_flag=True, help="Show what it would change, and change nothing.")
@click.option("--release", "release", is_flag=True, help="Let go of it.")
@click.option("--by-hand", is_flag=True, help="Enter that a person pulled it, or let go of it, by hand.")
@click.option("--no-snapshot", metavar="TEXT", help="Why nothing is kept before it is pulled.")
@incident_options
def lever(
    *, lever: str, incident: str, by: str | None, gateway: Path | None, span: str | None, share: float, ring: str,
    why: str, dry_run: bool, release: bool, by_hand: bool, no_snapshot: str | None, workspace: Path, allow_code: bool,
) -> int:  # fmt: skip
    """Pull LEVER for INCIDENT: one of the workspace's, or of a gateway's file; or let go of it.

    What it changes is shown first. Evidence is kept before the first lever, if it was not yet. A pulled lever is no
    containment: `incident contain` replays the reproduction.

    Exit codes: 0 done; 1 it is pulled and changes nothing of what is in force; 2 usage error; 4 it did not work.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents import levers
    from shipworthy.incidents.incident import NewEvent, check_events
    from shipworthy.store.incidents import add_drill, drilled_days
    from shipworthy.workspace.dated import last_drilled

    now = datetime.now(UTC)
    with opened(workspace, incident, allow_code=allow_code) as here:
        found = levers.find_lever(here.workspace, lever, gateway)
        if release:
            if not levers.may_release(found, here.incident, by_hand=by_hand):
                why = f"{found.id} is not pulled for {here.incident.id}: name the incident that it was pulled for"
                raise UsageError(why)
            hand = NewEvent(what="released", by=who(by), about=found.id, outcome="hand", text=why)
            check_events(here.incident, [hand])
            if by_hand and levers.still_pulled(found):
                raise click.UsageError(f"{found.id} is still pulled in {found.gateway}: leave --by-hand out")
            here.enter(hand if by_hand else levers.release_lever(found, who(by), why, allow_code=allow_code))
            click.echo(f"{found.id} is let go of")
            return 0
        if by_hand and found.how != "hand":
            raise UsageError(f"{found.id} is pulled here, not by hand: leave out --by-hand")
        days = drilled_days(here.layout, here.workspace.system.id)
        last = last_drilled(found.entity, days) if found.entity is not None else None
        plan = levers.plan_lever(found, levers.until_of(span, now), last, share=share)
        for change in plan.changes:
            click.echo(f"  {change}")
        for warning in plan.warnings:
            click.echo(f"  note: {warning}")
        if dry_run:
            click.echo(f"{found.id} is not pulled: this was a dry run")
            return 0
        # What cannot be entered is not done either: a lever that nobody knows of must not be possible.
        check_events(here.incident, [NewEvent(what="pulled", by=who(by), about=found.id, outcome=found.how, text=why)])
        if no_snapshot is not None:
            here.enter(NewEvent(what="note", by=who(by), about="no-snapshot", text=no_snapshot))
        elif not here.incident.of("snapshot"):
            _snapshot(here, by, () if gateway is None else (gateway,), None)
        if found.how == "hand" and not by_hand:
            raise click.UsageError(f"{found.id} is pulled by hand: do it, then say so with --by-hand")
        event = levers.pull_lever(plan, who(by), why, share=share, ring=ring, allow_code=allow_code)
        here.enter(event)
        drill = levers.drill_of(found, here.workspace.system.id, event, here.incident.id, now)
        if drill is not None:
            add_drill(here.audit, drill)
        click.echo(f"{found.id} is pulled, in force after {event.detail['seconds']:g} s")
        if not event.detail["effective"]:
            click.echo("  it changes nothing of what is in force: look for another", err=True)
            return 1
        click.echo(Again(workspace, allow_code).told("Now show that it holds: `shipworthy incident contain`"))
    return 0


@click.command()
@click.option("--by", metavar="NAME", default=None, help="Who does it; the user of this process if left out.")
@workspace_option
@allow_code_option
def expire(*, by: str | None, workspace: Path, allow_code: bool) -> int:
    """Let go of every lever whose time is up, in all incidents; for a scheduler.

    A gateway lets go of its own by itself. A lever that is a command is undone by its `undo`.

    Exit codes: 0 done; 1 a lever is still pulled although its time is up; 2 usage error.
    """
    from shipworthy.incidents.incident import list_incidents
    from shipworthy.incidents.levers import expire_levers

    left = 0
    with opened(workspace, None, allow_code=allow_code) as here:
        for one in list_incidents(here.audit, here.workspace.system.id):
            here.found = one
            events, failed = expire_levers(here.workspace, one, datetime.now(UTC), by=who(by), allow_code=allow_code)
            if events:
                here.enter(*events)
            for event in events:
                click.echo(f"{one.id}: {event.about} let go of")
            for line in failed:
                click.echo(f"{one.id}: {line}", err=True)
            left += len(failed)
    return int(left > 0)


@click.command()
@_tries
@click.option("--attempt", metavar="ATTEMPT_ID", help="The reproduction is this attempt of a run, word for word.")
@click.option("--run", metavar="RUN", default="", help="The run of the attempt.")
@click.option("--sample", metavar="SUITE/SAMPLE", help="The reproduction is this sample.")
@click.option("--conversation", metavar="FILE", type=_FILE, help="The reproduction is what the user says in this conversation (JSON), redacted.")  # fmt: skip  # noqa: E501
@click.option("--trace", metavar="ID", help="The same of a trace or a span of telemetry: a look, entered with --reason before a word is read.")  # fmt: skip  # noqa: E501
@click.option("--store", "store", metavar="FILE", type=_FILE, help="The file of `shipworthy serve`, for --trace.")
@click.option("--reason", metavar="TEXT", default="", help="Why you look, for --trace.")
@click.option("--like", metavar="SUITE[/SAMPLE]", help="Whose scorers judge the conversation; and whose secrets, documents and answer it has.")  # fmt: skip  # noqa: E501
@click.option("--target", metavar="NAME", default="", help="The target that is asked, such as one that is the gateway; the system under test if left out.")  # fmt: skip  # noqa: E501
@click.option("--no-guards", is_flag=True, help="Put no guards before the target here: it is a gateway, which has its own.")  # fmt: skip  # noqa: E501
@incident_options
def verify(
    *, incident: str, by: str | None, tries: int, attempt: str | None, run: str, sample: str | None,
    conversation: Path | None, like: str | None, target: str, no_guards: bool, workspace: Path, allow_code: bool,
    trace: str | None, store: Path | None, reason: str,
) -> int:  # fmt: skip
    """Replay the reproduction of INCIDENT N times, and say how often it did the harm again, with the bound.

    Give it a reproduction the first time. A replay that holds marks nothing: `incident contain` does.

    Exit codes: 0 it fails in every try; 1 it did the harm again; 2 usage error; 3 some tries say nothing.
    """
    with opened(workspace, incident, allow_code=allow_code) as here:
        if trace is not None and (attempt or sample or conversation):
            raise click.UsageError("a reproduction is an attempt, a sample, a conversation or a trace: name one")
        if attempt is not None and target:
            raise click.UsageError("an attempt is made again on the target of its run: take --target out")
        if trace is not None:
            made: IncidentRepro | None = _looked(trace, store, f"{here.incident.id}: {reason}", who(by), like)
        else:
            made = _repro_of(here, (attempt, run), sample, (conversation, like))
        if made is not None:
            from msgspec.structs import replace

            from shipworthy.incidents.replay import keep_repro

            made = replace(made, target=target, guards=not no_guards)
            here.enter(keep_repro(here.workspace, here.layout, here.incident, made, who(by), secrets=here.secrets))
        replayed, _ = _replay(here, by, tries)
    return _code(replayed)


@click.command()
@_tries
@click.option("--without-replay", metavar="TEXT", help="Say that it is contained although nothing can be replayed, and why. It counts in no figure.")  # fmt: skip  # noqa: E501
@click.option("--at", metavar="TIME", help="When, with --without-replay; now if left out.")
@incident_options
def contain(
    *, incident: str, by: str | None, tries: int, without_replay: str | None, at: str | None, workspace: Path,
    allow_code: bool,
) -> int:  # fmt: skip
    """Replay the reproduction of INCIDENT, and mark it as contained if it fails in every try.

    It must have done the harm here before, or its failing now says nothing.

    Exit codes: as of `incident verify`; 0 it is contained.
    """
    from shipworthy.cli.incident import mttc_lines
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.containment_time import containment_times
    from shipworthy.incidents.incident import REPLAYED, UNVERIFIED, NewEvent
    from shipworthy.incidents.replay import happened_again, read_repro

    with opened(workspace, incident, allow_code=allow_code) as here:
        if without_replay is not None:
            if not without_replay.strip():
                raise UsageError("say why nothing can be replayed")
            here.enter(
                NewEvent(what="contained", by=who(by), at=moment_of(at), outcome=UNVERIFIED, text=without_replay)
            )
            click.echo(f"{here.incident.id}: said to be contained; it is in no figure of times")
            return 0
        if not happened_again(here.incident, here.layout, read_repro(here.layout, here.incident)):
            raise UsageError(
                "the reproduction never did the harm here, so its failing would say nothing: `shipworthy incident "
                "verify` without the lever, on a copy if need be; or --without-replay TEXT"
            )
        replayed, ended = _replay(here, by, tries)
        if replayed.fails_now:
            detail = {"tries": replayed.tries, "upper": replayed.upper}
            here.enter(NewEvent(what="contained", by=who(by), at=ended, outcome=REPLAYED, detail=detail))
            click.echo(f"{here.incident.id} is contained")
            click.echo("\n".join(status_lines(here)))
            every: Any = ("S1", "S2", "S3", "S4")
            click.echo("\n".join(mttc_lines(containment_times([here.incident], severities=every))))
        else:
            click.echo(f"{here.incident.id} is NOT contained")
    return _code(replayed)


def _looked(trace: str, store: Path | None, reason: str, by: str, like: str | None) -> IncidentRepro:
    """Look at a conversation of production, which is entered first, and return it as a reproduction."""
    from shipworthy.cli._telemetry import open_store, read_config
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.replay import IncidentRepro, said_in_telemetry
    from shipworthy.telemetry.looks import look

    if like is None:
        raise UsageError("--trace needs --like SUITE or SUITE/SAMPLE: whose scorers judge it")
    suite, _, name = like.partition("/")
    read = read_config(store)
    with open_store(read) as (keyring, audit):
        spans = look(read.state, keyring, audit, trace, by=by, reason=reason)
    return IncidentRepro(kind="conversation", suite=suite, sample=name, messages=said_in_telemetry(spans, trace))


def _replay(here: OpenedIncident, by: str | None, tries: int) -> tuple[Replayed, datetime]:
    from shipworthy.incidents.replay import read_repro, replay, tried

    repro = read_repro(here.layout, here.incident)
    replayed = asyncio.run(replay(here.workspace, here.layout, here.incident, repro, tries))
    ended = datetime.now(UTC)
    here.enter(tried(replayed, who(by)))
    click.echo(replayed.told)
    return replayed, ended


def _code(replayed: Replayed) -> int:
    from shipworthy.cli import INCONCLUSIVE

    return 1 if replayed.hits else 0 if replayed.fails_now else INCONCLUSIVE


def _repro_of(
    here: OpenedIncident,
    attempt: tuple[str | None, str],
    sample: str | None,
    conversation: tuple[Path | None, str | None],
) -> IncidentRepro | None:
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.repro import find
    from shipworthy.incidents.replay import IncidentRepro, read_conversation

    (id, run), (file, like) = attempt, conversation
    if sum(one is not None for one in (id, sample, file)) > 1:
        raise UsageError("a reproduction is an attempt, a sample or a conversation: name one")
    if id is not None:
        found, original = find(here.layout, id, run or None)
        return IncidentRepro(kind="attempt", suite=original.suite, sample=original.sample, attempt=id, run=found.id)
    if sample is not None:
        suite, _, name = sample.partition("/")
        return IncidentRepro(kind="sample", suite=suite, sample=name)
    if file is not None:
        if like is None:
            raise UsageError("--conversation needs --like SUITE or SUITE/SAMPLE: whose scorers judge it")
        suite, _, name = like.partition("/")
        messages = read_conversation(file, here.secrets)
        return IncidentRepro(kind="conversation", suite=suite, sample=name, messages=messages)
    return None

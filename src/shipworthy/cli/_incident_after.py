"""Verbs of `incident` that come after the harm was stopped: report, resolve, write down, learn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._incident import incident_options, moment_of, opened, shown, span, status_lines, who
from shipworthy.cli._options import form_option

if TYPE_CHECKING:
    from shipworthy.cli._incident import OpenedIncident
    from shipworthy.incidents.incident import NewEvent

REASON = "https://shipworthy.dev/predicates/incident-closed/v1"
"""The type of the statement that somebody signs who closes an incident without a regression case."""


@click.command()
@click.option("--at", metavar="TIME", help="When it was resolved; now if left out.")
@click.option("--why", metavar="TEXT", default="", help="What resolved it, or why it is opened again.")
@click.option("--close", "closing", is_flag=True, help="Close it as well: it needs a regression case.")
@click.option("--no-case", metavar="TEXT", help="Why it is closed without a regression case; signed.")
@click.option("--key", metavar="FILE", help="Your private key, for --no-case: its file, or its name among your keys.")
@click.option("--role", metavar="RO-…", help="The role in which you sign.")
@click.option("--reopen", is_flag=True, help="Open it again: what came after it was contained counts no more.")
@incident_options
def resolve(
    *, incident: str, by: str | None, at: str | None, why: str, closing: bool, no_case: str | None, key: str | None,
    role: str | None, reopen: bool, workspace: Path, allow_code: bool,
) -> None:  # fmt: skip
    """Mark INCIDENT as resolved: its cause is mended; with --close, close it.

    It is closed only with a regression case in the workspace, or with a reason that somebody signed, and with every
    lever let go of that was pulled for it.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.incidents.incident import NewEvent
    from shipworthy.incidents.learning import may_be_closed

    with opened(workspace, incident, allow_code=allow_code) as here:
        if reopen:
            if not why.strip():
                raise UsageError("say why it is opened again (--why)")
            here.enter(NewEvent(what="reopened", by=who(by), text=why))
            click.echo("\n".join(status_lines(here)))
            return
        if here.incident.mark("contained") is None:
            raise UsageError(f"{here.incident.id} is not contained: `shipworthy incident contain`")
        if here.incident.mark("resolved") is None or at is not None:
            here.enter(NewEvent(what="resolved", by=who(by), at=moment_of(at), text=why))
        if closing:
            signed = no_case is not None
            if refusal := may_be_closed(here.workspace, here.incident, signed=signed):
                raise UsageError(f"{here.incident.id} is resolved and not closed: {refusal}")
            event = NewEvent(what="closed", by=who(by), outcome="learned", text=why)
            if no_case is not None:
                event = _signed_reason(here, no_case, key, role, who(by))
            here.enter(event)
        click.echo("\n".join(status_lines(here)))


def _signed_reason(here: OpenedIncident, reason: str, key: str | None, role: str | None, by: str) -> NewEvent:
    """Sign why there is no regression case, keep the envelope, and return the event that closes the incident."""
    from shipworthy.core.digests import bytes_digest
    from shipworthy.core.errors import UsageError
    from shipworthy.core.settings import Settings
    from shipworthy.detect.redact import redact_text
    from shipworthy.incidents.incident import NewEvent
    from shipworthy.incidents.named_file import write_private
    from shipworthy.incidents.snapshot import FOLDER
    from shipworthy.release.signing import SIGNERS, placed_rules, signer, signers_of
    from shipworthy.store.signing import find_keys, sign, statement

    if not reason.strip():
        raise UsageError("say why there is no regression case")
    if key is None or role is None:
        raise UsageError("a reason without a regression case is signed: --key and --role")
    now, root = datetime.now(UTC), here.workspace.root
    mine = find_keys(Settings.load().keys_dir, [key])[0]
    whose = signer(mine, role, signers_of(root), placed_rules(here.workspace), now, where=str(root / SIGNERS))
    text = redact_text(reason.strip(), here.secrets)
    predicate = {"incident": here.incident.id, "reason": text, "by": whose.by, "role": role, "at": now.isoformat()}
    subject = {here.incident.id: bytes_digest(here.incident.happened[-1].row.at.encode())}
    envelope = sign(statement(subject, REASON, predicate), [whose.key])
    path = here.layout.state / FOLDER / here.incident.id / "closed.dsse.json"
    write_private(path, envelope, "the signed reason")
    detail = {"role": role, "key": whose.key.public.keyid[:12], "signer": whose.by}
    return NewEvent(
        what="closed", by=by, about=bytes_digest(envelope), outcome="signed reason", text=text, detail=detail
    )


@click.command()
@click.option("--start", "started", metavar="CLOCK", help="A duty applies, or may: its clock runs.")
@click.option("--reported", metavar="CLOCK", help="It was reported; --why says to whom.")
@click.option("--dismiss", "dismissed", metavar="CLOCK", help="It does not apply; --why says why.")
@click.option("--at", metavar="TIME", help="When it was reported; now if left out.")
@click.option("--why", metavar="TEXT", default="", help="To whom, or why.")
@incident_options
@form_option
def clocks(
    *, incident: str, by: str | None, started: str | None, reported: str | None, dismissed: str | None,
    at: str | None, why: str, workspace: Path, allow_code: bool, form: str,
) -> int:  # fmt: skip
    """Show the clocks of law of INCIDENT: AI Act Article 73 (15, 10 and 2 days), GDPR Article 33 (72 hours).

    They count from when the first of you knew. Whether a duty applies is for you, or a lawyer, to say; what is
    said is kept. Terms and sources are data of this library; this is no legal advice.

    Exit codes: 0; 1 a clock is overdue; 2 usage error; 4 invalid evidence.
    """
    from shipworthy.cli._tables import listing
    from shipworthy.incidents import clocks as law

    now = datetime.now(UTC)
    with opened(workspace, incident, allow_code=allow_code) as here:
        events = []
        if started is not None:
            events.append(law.start(started, who(by), text=why))
        if reported is not None:
            events.append(law.report(reported, who(by), moment_of(at) or now, text=why))
        if dismissed is not None:
            events.append(law.dismiss(dismissed, who(by), text=why))
        if events:
            here.enter(*events)
        act = here.workspace.system.ai_act
        found = law.clocks_of(here.incident, now, risk_class=act.risk_class if act else "")
    rows = [
        {
            "clock": one.clock.id, "state": one.state.upper() if one.state == "overdue" else one.state,
            "due": shown(one.due), "left": "" if one.left is None else span(one.left.total_seconds()),
            "what": one.clock.what, "where": f"{one.clock.article}; {one.clock.source}; {one.clock.seen}",
            "from": one.applies, "said": one.said or one.likely,
        }
        for one in found
    ]  # fmt: skip
    click.echo(listing(rows, form, ("clock", "state", "due", "left", "said", "what", "where", "from"), empty=""))
    return int(any(one.state == "overdue" for one in found))


@click.command()
@click.argument("paper", metavar="internal|customer|regulator", type=click.Choice(["internal", "customer", "regulator"]))  # fmt: skip  # noqa: E501
@incident_options
def draft(*, paper: str, incident: str, by: str | None, workspace: Path, allow_code: bool) -> None:
    """Write a draft for one's own people, for customers, or for an authority, filled from what was entered.

    It is written to `documents/incidents/`; what people write between its marks lives through the next one. Nothing is
    sent.
    """
    _paper(workspace, incident, paper, by, allow_code=allow_code)


@click.command()
@incident_options
def postmortem(*, incident: str, by: str | None, workspace: Path, allow_code: bool) -> None:
    """Write the post-mortem of INCIDENT, filled from what was entered: blameless, so it names roles and no people."""
    _paper(workspace, incident, "postmortem", by, allow_code=allow_code)


def _paper(workspace: Path, incident: str, paper: str, by: str | None, *, allow_code: bool) -> None:
    from shipworthy.incidents.papers import write_incident_paper

    with opened(workspace, incident, allow_code=allow_code) as here:
        written, event = write_incident_paper(here.workspace, here.incident, paper, who(by), datetime.now(UTC))
        here.enter(event)
    click.echo(f"{written.path}{': what people wrote in it was kept' if written.kept else ''}")


@click.command()
@click.option("--suite", "suite", metavar="ID", help="Id of the new suite; the incident's, in lower case, if left out.")
@click.option("--severity", type=click.Choice(["S1", "S2", "S3", "S4"]), help="Of its samples; S1 for an S1 or S2 incident if left out.")  # fmt: skip  # noqa: E501
@click.option("--change", "entry", metavar="ENTRY", type=int, help="The change that caused it, by its entry in the audit log: the time until it was noticed is kept.")  # fmt: skip  # noqa: E501
@click.option("--found-by", metavar="WORD", default="incident", show_default=True, help="What noticed it, with --change.")  # fmt: skip  # noqa: E501
@incident_options
def learn(
    *, incident: str, by: str | None, suite: str | None, severity: str | None, entry: int | None, found_by: str,
    workspace: Path, allow_code: bool,
) -> None:  # fmt: skip
    """Make the reproduction of INCIDENT, with variants, a regression suite of the workspace, with its provenance.

    The plan `full` measures it from then on. Its samples are S1 unless said otherwise: the first hit is a no-ship.
    """
    import shutil

    from shipworthy.core.errors import ShipworthyError, UsageError
    from shipworthy.incidents import learning
    from shipworthy.incidents.replay import read_repro
    from shipworthy.store.changes import read_changes
    from shipworthy.workspace.load import Workspace

    with opened(workspace, incident, allow_code=allow_code) as here:
        changes = {one.entry: one for one in read_changes(here.audit, here.workspace.system.id).changes}
        if entry is not None and entry not in changes:
            raise UsageError(f"entry {entry} of the audit log is no change: `shipworthy release change` enters one")
        made, event = learning.learn(
            here.workspace, here.layout, here.incident, read_repro(here.layout, here.incident),
            id=suite or here.incident.id.lower(), by=who(by), severity=severity,  # type: ignore[arg-type]
        )  # fmt: skip
        found = made.suite
        try:
            Workspace.load(workspace, allow_code=allow_code)
            here.enter(event)
        except ShipworthyError:
            # A suite that cannot be read, or that no entry is of, would hold up every other verb.
            shutil.rmtree(found.folder, ignore_errors=True)
            raise
        click.echo(f"suite {found.id}: {found.samples} samples of severity {made.severity} in {found.folder}")
        if found.lost:
            click.echo("  redaction took words out of it: read it, and put made-up ones in their place")
        if made.unplanned:
            click.echo(f"  these plans do not measure it, only `full` does: {', '.join(made.unplanned)}")
        if entry is not None:
            lead = learning.lead_time(here.incident, changes[entry], found_by, who(by))
            here.enter(lead)
            click.echo(f"  from the change to its detection: {lead.detail['hours']:,.1f} h")
    click.echo(
        Again(workspace, allow_code).told("Commit it with the fix, then `shipworthy eval` and `shipworthy gate`")
    )

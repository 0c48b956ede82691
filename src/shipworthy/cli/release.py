"""Propose, sign off and decide a release, by keys that are bound to roles.

What people say is signed, entered in the audit log and put into the evidence pack.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

import click

from shipworthy.cli._again import Again
from shipworthy.cli._impact import change, impact
from shipworthy.cli._options import allow_code_option, form_option, shown_option, workspace_option
from shipworthy.cli._release_review import oversight, review

if TYPE_CHECKING:
    from shipworthy.release.blocks import CandidateStatus
    from shipworthy.release.signing import Signer
    from shipworthy.store.layout import Layout
    from shipworthy.store.trust import Trust
    from shipworthy.workspace.load import Workspace

F = TypeVar("F", bound=Callable[..., Any])

_candidate = click.argument("candidate", metavar="CANDIDATE")


def _now() -> datetime:
    return datetime.now(UTC)


def _signing(function: F) -> F:
    """Add the options of whatever is signed."""
    key = click.option("--key", required=True, metavar="FILE", help="Your private key: its file, or its name among your keys.")  # fmt: skip  # noqa: E501
    role = click.option("--role", required=True, metavar="RO-…", help="The role in which you sign.")
    return key(role(_signers(function)))


def _signers(function: F) -> F:
    said = "Whose key is whose: a trust file; signers.json in the workspace if left out."
    path = click.Path(path_type=Path, dir_okay=False)
    return workspace_option(
        allow_code_option(click.option("--signers", metavar="FILE", type=path, help=said)(function))
    )


class _Opened(NamedTuple):
    """A workspace with whoever may sign in it."""

    workspace: Workspace
    layout: Layout
    trust: Trust
    where: str
    rules: dict[str, Any]
    secrets: tuple[str, ...]

    def signer(self, key: str, role: str, now: datetime) -> Signer:
        """Return who signs; refuses a log that was put back since they last did."""
        from shipworthy.core.settings import Settings
        from shipworthy.release.signing import signer
        from shipworthy.store.audit import AuditLog
        from shipworthy.store.remembered import check_remembered
        from shipworthy.store.signing import find_keys

        folder = Settings.load().keys_dir
        who = signer(find_keys(folder, [key])[0], role, self.trust, self.rules, now, where=self.where)
        with AuditLog(self.layout.control_url) as audit:
            check_remembered(folder, audit)
        return who

    def remember(self) -> None:
        """Keep the newest head where the workspace's files do not reach."""
        from shipworthy.core.settings import Settings
        from shipworthy.store.audit import AuditLog
        from shipworthy.store.remembered import remember

        with AuditLog(self.layout.control_url) as audit:
            remember(Settings.load().keys_dir, audit)


def _open(workspace: Path, *, allow_code: bool, signers: Path | None) -> _Opened:
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.release.signing import SIGNERS, placed_rules, signers_of
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    trust, where = signers_of(workspace, signers), str(signers or workspace / SIGNERS)
    return _Opened(loaded, Layout(workspace), trust, where, placed_rules(loaded), known_secrets(loaded))


@click.group("release", no_args_is_help=True)
def command() -> None:
    """Propose, sign off and decide a release, by keys that are bound to roles; say what a change takes with it."""


command.add_command(impact)
command.add_command(change)
command.add_command(review)
command.add_command(oversight)


@command.command()
@click.argument("decision", metavar="[DECISION]", default="latest")
@click.option("--market", required=True, metavar="TEXT", help="Where it is released, such as EU.")
@click.option("--language", required=True, metavar="TEXT", help="In which language, such as de.")
@click.option("--jurisdiction", required=True, metavar="TEXT", help="Under whose law, such as DE.")
@workspace_option
@allow_code_option
def propose(*, workspace: Path, allow_code: bool, decision: str, market: str, language: str, jurisdiction: str) -> None:
    """Propose what DECISION of the gate (an id, the beginning of one, or `latest`) is about for release.

    A candidate is the subject of that decision, by its digests, in one market, language and jurisdiction, with the
    rules that it is decided by: the system's tier, the roles and their rights. It is entered in the audit log.
    """
    from shipworthy.release.proposal import propose as enter
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    decided, places = layout.load_decision(decision), {"market": market, "language": language}
    found = enter(loaded, layout, decided, **places, jurisdiction=jurisdiction, now=_now())
    click.echo(f"{found.id}  {found.digest}")
    click.echo(Again(workspace, allow_code).told(f"What blocks it: `shipworthy release status {found.id}`"))


@command.command("list")
@workspace_option
@form_option
def list_(*, workspace: Path, form: str) -> None:
    """List the candidates, oldest first, with what was decided. A GO whose last day is over says so."""
    from shipworthy.cli._tables import listing
    from shipworthy.release.proposal import candidates
    from shipworthy.release.signing import decided_candidates
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    layout.run_ids()  # refuses a folder that is not there
    today = _now().date().isoformat()
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        decided = decided_candidates(audit)
        rows = [_row(one.id, one.said, decided.get(one.id), today) for one in candidates(audit)]
    columns = ("candidate", "decision", "market", "language", "jurisdiction", "decided", "by", "until")
    empty = Again(workspace).told("no candidate yet: `shipworthy release propose` makes one")
    click.echo(listing(rows, form, columns, empty=empty))


def _row(id: str, said: Any, decided: Any, today: str) -> dict[str, Any]:
    verdict, until = (decided["verdict"], decided["expires"]) if decided else ("open", "")
    marks = (["overridden"] if decided and decided["overridden"] else []) + (
        ["expired"] if until and until < today else []
    )
    return {
        "candidate": id,
        **{name: said[name] for name in ("decision", "market", "language", "jurisdiction", "subject_digest")},
        "decided": f"{verdict} ({', '.join(marks)})" if marks else verdict,
        "by": f"{decided['by']} as {decided['role']}" if decided else "",
        "until": until,
    }


@command.command()
@click.argument("candidate", metavar="[CANDIDATE]", default="latest")
@shown_option
@_signers
def status(*, workspace: Path, allow_code: bool, signers: Path | None, candidate: str, form: str) -> int:
    """Show what keeps CANDIDATE (an id, the beginning of one, or `latest`) from a GO, and what to do.

    Exit codes: 0 nothing blocks, or it was decided with a GO that holds; 1 something blocks, or NO-GO.
    """
    import json

    from shipworthy.cli import NO_SHIP, SHIP

    opened = _open(workspace, allow_code=allow_code, signers=signers)
    found, today = _look(opened, candidate), _now().date().isoformat()
    click.echo(json.dumps(_told(found), indent=2, ensure_ascii=False) if form == "json" else _text(found, form, today))
    if found.decided is None:
        return NO_SHIP if found.open else SHIP
    said = found.decided.said
    return NO_SHIP if said["verdict"] == "NO_GO" or (said["expires"] and said["expires"] < today) else SHIP


def _look(opened: _Opened, candidate: str) -> CandidateStatus:
    from shipworthy.release.blocks import status as look
    from shipworthy.release.proposal import choose
    from shipworthy.store.audit import AuditLog

    with AuditLog(opened.layout.control_url) as audit:
        return look(opened.workspace, opened.layout, audit, choose(audit, candidate), trust=opened.trust, now=_now())


def _told(found: CandidateStatus) -> dict[str, Any]:
    return {
        "candidate": found.candidate.id,
        "digest": found.candidate.digest,
        **{
            name: found.candidate.said[name]
            for name in ("decision", "gate_verdict", "market", "language", "jurisdiction")
        },
        "blocks": [one._asdict() for one in found.open],
        "accepted": [{**t.block._asdict(), "by": [a._asdict() for a in t.by]} for t in found.taken],
        "approvals": [
            {"entry": v.entry, **{k: v.said[k] for k in ("by", "role", "answer", "at")}} for v in found.votes
        ],
        "registered": list(found.registered),
        "refused": list(found.refused),
        "decided": None if found.decided is None else dict(found.decided.said),
    }


def _text(found: CandidateStatus, form: str, today: str) -> str:
    from shipworthy.cli._tables import markdown_table, table

    said = found.candidate.said
    lines = [f"{found.candidate.id}: {said['decision']} ({said['gate_verdict']}) for {said['market']}, "
             f"{said['language']}, {said['jurisdiction']}"]  # fmt: skip
    for one in found.registered:
        what = f"registered before it was made (entry {one['entry']})" if one["entry"] else "not registered beforehand"
        lines.append(f"{one['run']}: {what}")
        lines += [f"  changed from one registration to the next: {change}" for change in one["amended"]]
        lines += [f"  not as registered: {change}" for change in one["differs"]]
    lines += [f"{v.said['answer']} by {v.said['by']} as {v.said['role']}, {v.said['at']}" for v in found.votes]
    lines += [
        f"accepted, not closed: {t.block.about}, until {a.expires}, by {a.by} as {a.role}; {a.compensating}"
        for t in found.taken for a in t.by
    ]  # fmt: skip
    lines += [f"does not count: {why}" for why in found.refused]
    if found.decided is not None:
        lines.append(_decided(found.decided.said, today))
    shown = markdown_table if form == "markdown" else table
    if found.open:
        rows = [(f"{b.kind} {b.about}", b.severity, b.reason, b.remedy) for b in found.open]
        lines += ["", shown(("what blocks", "severity", "why", "what to do"), rows)]
    elif found.decided is None:
        lines.append("Nothing blocks it.")
    return "\n".join(lines)


def _decided(said: Any, today: str) -> str:
    over = " (expired: what was accepted counts again)" if said["expires"] and said["expires"] < today else ""
    marks = "".join(f"; OVERRIDDEN: {one['kind']} {one['about']}: {one['reason']}" for one in said["overridden"])
    until = f", until {said['expires']}{over}" if said["expires"] else ""
    conditions = "".join(f"; on condition: {one}" for one in said["conditions"])
    why = f"; {said['reason']}" if said["reason"] else ""
    return f"{said['verdict']} by {said['by']} as {said['role']}, {said['at']}{until}{marks}{conditions}{why}"


@command.command()
@click.argument("plan", metavar="PLAN")
@click.option("--analysis", default="", metavar="TEXT", help="What is looked at, and how; kept with it.")
@_signing
def preregister(
    *, workspace: Path, allow_code: bool, signers: Path | None, plan: str, analysis: str, key: str, role: str
) -> None:
    """Sign the criteria, data sets and analysis of PLAN and enter them in the audit log, before it is run.

    A run that was begun before does not count as registered. A later change of a criterion or of a data set is named.
    """
    from shipworthy.release.preregister import preregister as enter

    opened, now = _open(workspace, allow_code=allow_code, signers=signers), _now()
    who = opened.signer(key, role, now)
    entry = enter(opened.workspace, opened.layout, plan, who, note=analysis, secrets_=opened.secrets, now=now)
    opened.remember()
    click.echo(f"{entry.body['preregistration']} of the plan {plan}, signed by {who.by}: entry {entry.number}")


@command.command()
@_candidate
@click.option("--reject", is_flag=True, help="Say no; --reason says why.")
@click.option("--reason", default="", metavar="TEXT", help="Kept with the signature.")
@_signing
def sign(
    *, workspace: Path, allow_code: bool, signers: Path | None, candidate: str, reject: bool, reason: str, key: str,
    role: str,
) -> None:  # fmt: skip
    """Approve CANDIDATE: sign its digest in a role that the system's tier names.

    One person counts once, in whatever roles and with however many keys; the last word of each counts.
    """
    from shipworthy.release.conclude import approve
    from shipworthy.release.proposal import choose
    from shipworthy.release.signing import log_at

    opened, now = _open(workspace, allow_code=allow_code, signers=signers), _now()
    who = opened.signer(key, role, now)
    with log_at(opened.layout.control_url, now) as audit:
        audit.verify()
        about = choose(audit, candidate)
        entry = approve(
            audit, about, who, opened.rules, rejected=reject, reason=reason, secrets=opened.secrets, now=now
        )
    opened.remember()
    click.echo(f"{about.id} {'rejected' if reject else 'approved'} by {who.by} as {role}: entry {entry.number}")


@command.command()
@click.argument("risk", metavar="RISK")
@click.option("--reason", required=True, metavar="TEXT", help="Why it is taken.")
@click.option("--compensating", required=True, metavar="TEXT", help="What is done meanwhile.")
@click.option("--expires", required=True, metavar="DAY", help="The last day, at most 90 days from now: 2026-12-31.")
@click.option("--ceiling", default="", metavar="S1…S4", help="The worst severity that it covers; its own if left out.")
@_signing
def accept(
    *, workspace: Path, allow_code: bool, signers: Path | None, risk: str, reason: str, compensating: str, expires: str,
    ceiling: str, key: str, role: str,
) -> None:  # fmt: skip
    """Take RISK (the id of a risk or of a requirement) for a time, in a role that may accept it.

    Prints the waiver that belongs in the workspace: an acceptance counts while both are there and say the same. What
    is accepted is not closed, and counts again after its last day.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.core.records import Severity
    from shipworthy.release.conclude import accept as enter
    from shipworthy.release.conclude import waiver_text
    from shipworthy.release.signing import log_at

    if ceiling and ceiling not in get_args(Severity):
        raise UsageError(f"--ceiling {ceiling!r}: S1, S2, S3 or S4")
    opened, now = _open(workspace, allow_code=allow_code, signers=signers), _now()
    who = opened.signer(key, role, now)
    with log_at(opened.layout.control_url, now) as audit:
        audit.verify()
        entry = enter(
            opened.workspace, audit, risk, who, opened.rules, reason=reason, compensating=compensating,
            expires=expires, ceiling=ceiling, secrets=opened.secrets, now=now,
        )  # fmt: skip
    opened.remember()
    click.echo(f"{risk} accepted by {who.by} as {role} until {expires}: entry {entry.number}", err=True)
    click.echo(Again(workspace, allow_code).told("Put this into waivers.yaml, then `shipworthy gate` again:"), err=True)
    click.echo(waiver_text(entry))


@command.command()
@_candidate
@click.option("--no-go", is_flag=True, help="Say NO-GO; --reason says why.")
@click.option("--override", is_flag=True, help="Set aside what blocks, by the right to; --reason and --expires are needed.")  # fmt: skip  # noqa: E501
@click.option("--reason", default="", metavar="TEXT", help="Kept with the decision.")
@click.option("--condition", "conditions", multiple=True, metavar="TEXT", help="On which it goes; may be repeated.")
@click.option("--expires", default="", metavar="DAY", help="The last day on which a GO holds.")
@_signing
def decide(
    *, workspace: Path, allow_code: bool, signers: Path | None, candidate: str, key: str, role: str, **said: Any
) -> int:
    """Decide on CANDIDATE: GO, GO with risk acceptance, or NO-GO, as a signed statement.

    GO where nothing blocks; GO with risk acceptance where all that blocks was accepted, until the first of these runs
    out. Otherwise it is refused, unless --no-go is said. A candidate is decided once: of two people one is told.

    Exit codes: 0 GO, with or without risk acceptance; 1 NO-GO; 2 it cannot be decided so; 4 invalid evidence.
    """
    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.core.errors import UsageError
    from shipworthy.release.conclude import conclude
    from shipworthy.release.signing import log_at, predicate_of

    if said["no_go"] and said["override"]:
        raise UsageError("--no-go and --override say the opposite of each other")
    opened, now = _open(workspace, allow_code=allow_code, signers=signers), _now()
    who, found = opened.signer(key, role, now), _look(opened, candidate)
    with log_at(opened.layout.control_url, now) as audit:
        entry = conclude(audit, found, who, opened.rules, secrets=opened.secrets, now=now, **said)
    opened.remember()
    made = predicate_of(entry)
    click.echo(f"{found.candidate.id}: {_decided(made, now.date().isoformat())} (entry {entry.number})")
    return NO_SHIP if made["verdict"] == "NO_GO" else SHIP


@command.command()
@click.argument("decision", metavar="[DECISION]", default="latest")
@workspace_option
@shown_option
@allow_code_option
def tables(*, workspace: Path, allow_code: bool, decision: str, form: str) -> int:
    """Evaluate the decision tables of the workspace on DECISION of the gate: what may the agent do with each tool?

    A table's first row that holds says `execute`, `ask` (a person, each time) or `never`. What policy.yaml lets the
    agent do is shown beside it; where that is more, a release is blocked.

    Exit codes: 0 the policy lets nothing more than the tables, 1 it does.
    """
    import json

    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.release.tables import answers
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    found = answers(loaded, Layout(workspace).load_decision(decision), _now().date())
    if form == "json":
        body = [{**one._asdict(), "exceeds": one.exceeds} for one in found]
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    elif not found:
        click.echo("there is no decision table: decision_tables.yaml")
    else:
        columns = ("tool", "table says", "policy lets it", "by", "so")
        rows = [
            (one.tool, one.says, one.policy, f"{one.table} {one.version}, {_row_words(one.row)}",
             "the policy lets it more" if one.exceeds else one.missing or "")
            for one in found
        ]  # fmt: skip
        click.echo((markdown_table if form == "markdown" else table)(columns, rows))
    return NO_SHIP if any(one.exceeds for one in found) else SHIP


def _row_words(row: int) -> str:
    return f"row {row}" if row else "otherwise"


_old = click.argument("old", metavar="OLD")
_folder = click.Path(path_type=Path, exists=True, file_okay=False)
_new = click.argument("new", metavar="[NEW]", default=".", type=_folder)


@command.command()
@_old
@_new
@shown_option
@allow_code_option
def diff(*, old: str, new: Path, form: str, allow_code: bool) -> int:
    """Show what of the gate became weaker from OLD to the workspace NEW (this folder if left out).

    OLD is a folder, a commit (`origin/main`), or a commit and the folder in it (`origin/main:safety`). A loosened
    limit, a deleted sample, a disabled guard, another metric, more rights, fewer approvals. A change whose direction
    cannot be told counts.

    Exit codes: 0 nothing became weaker, 1 something did.
    """
    import json

    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._base import held_against
    from shipworthy.cli._tables import markdown_table, table
    from shipworthy.core.errors import UsageError
    from shipworthy.release.changed_gate import changed_gate, short

    with held_against(old, new, allow_code=allow_code) as found:
        if found.old is None:
            raise UsageError(f"{old} has no workspace at {new}: name its folder there, as in COMMIT:FOLDER")
        said = changed_gate(found.old, found.new, _now().date(), found.code)
    rows = [
        (one.what, short(one.was), short(one.now), one.why, f"{by.by} as {by.role}" if by else "nobody")
        for one, by in said.weaker
    ]
    for why in said.refused:
        click.echo(f"does not count: {why}", err=True)
    if form == "json":
        body = [
            {**one._asdict(), "approved": {"by": by.by, "role": by.role, "file": by.file} if by else None}
            for one, by in said.weaker
        ]
        click.echo(json.dumps(body, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("Nothing of the gate became weaker.")
    else:
        if form == "markdown":
            click.echo(f"**The gate became weaker in {len(rows)} places.** Each needs a reason and an approval.\n")
        click.echo((markdown_table if form == "markdown" else table)(("what", "was", "is", "so", "approved by"), rows))
    return NO_SHIP if rows else SHIP


@command.command("approve-diff")
@_old
@_new
@click.option("--reason", required=True, metavar="TEXT", help="Why the gate may become weaker.")
@click.option("--key", required=True, metavar="FILE", help="Your private key: its file, or its name among your keys.")
@click.option("--role", required=True, metavar="RO-…", help="The role in which you sign.")
@allow_code_option
def approve_diff(*, old: str, new: Path, reason: str, key: str, role: str, allow_code: bool) -> None:
    """Approve all that `release diff OLD NEW` shows: sign it, and write the approval into NEW for the change to bring.

    Keys, roles and rights are read from OLD, so a change cannot bring its own: the role must be an approver of the
    system's tier with the right to approve its worst risk. The approval counts for this change alone, and for 30 days;
    what is changed of it afterwards is not approved.
    """
    from shipworthy.cli._base import held_against
    from shipworthy.core.errors import UsageError
    from shipworthy.core.settings import Settings
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.release.approved import approve
    from shipworthy.release.signing import SIGNERS, placed_rules, signer, signers_of
    from shipworthy.store.signing import find_keys

    now = _now()
    with held_against(old, new, allow_code=allow_code) as found:
        if found.old is None:
            raise UsageError(f"{old} has no workspace at {new}: name its folder there, as in COMMIT:FOLDER")
        trust, rules = signers_of(found.old.root), placed_rules(found.old)
        mine = find_keys(Settings.load().keys_dir, [key])[0]
        who = signer(mine, role, trust, rules, now, where=f"{SIGNERS} of {old}")
        name, data = approve(
            found.old, found.new, who, reason, code=found.code, secrets=known_secrets(found.new), now=now
        )
    path = new / name
    path.parent.mkdir(exist_ok=True)
    with path.open("xb") as file:
        file.write(data + b"\n")
    click.echo(f"{path}: signed by {who.by} as {role}; commit it with the change")

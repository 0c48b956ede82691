"""`shipworthy finding assign|link|accept|reject|fix|reopen`: what people say of a finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.severity import Severity
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.findings import KeptFinding
    from shipworthy.workspace.load import Workspace

F = TypeVar("F", bound=Callable[..., Any])

_because = click.option("--because", required=True, metavar="TEXT", help="Why; redacted before it is kept.")
_maybe = click.option("--because", default="", metavar="TEXT", help="Why; redacted before it is kept.")


class OpenedFinding(NamedTuple):
    """A workspace, its audit log, a finding as it stands now, and what is secret here."""

    workspace: Workspace
    audit: AuditLog
    finding: KeptFinding
    secrets: tuple[str, ...]


@contextmanager
def opened(workspace: Path, finding: str, *, allow_code: bool) -> Iterator[OpenedFinding]:
    """Open a workspace and choose a finding in it.

    Raises:
        UsageError: there is none.
        IntegrityError: the audit log, or a row, is not what was written.
    """
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.findings.steps import read_now
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.findings import choose_finding
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    with AuditLog(Layout(workspace).control_url) as audit:
        audit.verify()
        known = read_now(audit, loaded.system.id)
        yield OpenedFinding(loaded, audit, choose_finding(known, finding), known_secrets(loaded))


def said_by(function: F) -> F:
    """Add the finding and who says something of it."""
    chosen = click.argument("finding", metavar="FINDING")
    by = click.option("--by", required=True, metavar="NAME", help="Who says it.")
    return chosen(by(workspace_option(allow_code_option(function))))


@click.command()
@said_by
@click.option("--owner", default="", metavar="NAME", help="Who is to mend it.")
@click.option("--severity", type=click.Choice(["S1", "S2", "S3", "S4"]), help="Another severity, with its deadline, counted from the opening.")  # fmt: skip  # noqa: E501
@_maybe
def assign(
    *, workspace: Path, allow_code: bool, finding: str, by: str, owner: str, severity: Severity | None, because: str
) -> None:
    """Give FINDING to somebody, or another severity. A severity needs a reason."""
    from shipworthy.findings import steps

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, secrets):
        steps.assign(loaded, audit, found, by=by, owner=owner, severity=severity, why=because, secrets=secrets)
    _said(found, "assigned")


@click.command()
@said_by
@click.option("--signal", "signals", metavar="SG-…", multiple=True, help="A signal of the same failure; may be repeated.")  # fmt: skip  # noqa: E501
@click.option("--risk", "risks", metavar="RK-…", multiple=True, help="A risk that it makes real; may be repeated.")
@click.option("--ref", "refs", metavar="REF", multiple=True, help="Such as github:owner/repo#42; may be repeated.")
@_maybe
def link(
    *, workspace: Path, allow_code: bool, finding: str, by: str, signals: tuple[str, ...], risks: tuple[str, ...],
    refs: tuple[str, ...], because: str,
) -> None:  # fmt: skip
    """Add signals, risks or tickets to FINDING."""
    from shipworthy.findings import steps

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, secrets):
        steps.link(loaded, audit, found, by=by, signals=signals, risks=risks, refs=refs, why=because, secrets=secrets)
    _said(found, "linked")


@click.command()
@said_by
@_because
@click.option("--expires", required=True, metavar="DAY", help="The last day, at most 90 days from now.")
@click.option("--signers", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="Whose key is whose; signers.json in the workspace if left out.")  # fmt: skip  # noqa: E501
def accept(
    *, workspace: Path, allow_code: bool, finding: str, by: str, because: str, expires: str, signers: Path | None
) -> None:
    """Take the risk of FINDING until a day. It is not closed: on the day after it is back, with a new deadline.

    One of severity S1 or S2 rests on a signed acceptance of one of its risks (`shipworthy release accept`).
    """
    from shipworthy.core.finding_entry import BLOCKING, RISK_ACCEPTED
    from shipworthy.findings import steps
    from shipworthy.release.blocks import acceptances
    from shipworthy.release.signing import signers_of

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, secrets):
        signed = []
        if found.standing.severity in BLOCKING and audit.of_kinds(RISK_ACCEPTED):
            signed = acceptances(audit, signers_of(workspace, signers), [])
        step = steps.accept(loaded, audit, found, by=by, why=because, expires=expires, signed=signed, secrets=secrets)
    click.echo(f"{found.standing.id}: accepted until {step.expires}, not closed; then due {step.due}")


@click.command()
@said_by
@_because
def reject(*, workspace: Path, allow_code: bool, finding: str, by: str, because: str) -> None:
    """Say that FINDING is none. It stays in the log, and is counted apart from what was closed."""
    from shipworthy.findings import steps

    with opened(workspace, finding, allow_code=allow_code) as (_, audit, found, secrets):
        steps.reject(audit, found, by=by, why=because, secrets=secrets)
    _said(found, "rejected")


@click.command()
@said_by
@_because
def fix(*, workspace: Path, allow_code: bool, finding: str, by: str, because: str) -> None:
    """Say that FINDING is mended, and how. That closes nothing: a re-run must show it."""
    from shipworthy.findings import steps

    with opened(workspace, finding, allow_code=allow_code) as (_, audit, found, secrets):
        steps.fix(audit, found, by=by, why=because, secrets=secrets)
    _said(found, "fixed, says " + by)
    again = Again(workspace, allow_code)
    verb = "verify" if found.standing.suite else "promote"
    click.echo(f"Next:  {again.line('finding', verb, found.standing.id)}", err=True)


@click.command()
@said_by
@_because
def reopen(*, workspace: Path, allow_code: bool, finding: str, by: str, because: str) -> None:
    """Open FINDING again, with a new deadline. A run in which its regression case fails does that by itself."""
    from shipworthy.findings import steps

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, secrets):
        steps.reopen(loaded, audit, found, by=by, why=because, secrets=secrets)
    _said(found, "open again")


def _said(found: KeptFinding, what: str) -> None:
    from shipworthy.core.terminal import escape

    click.echo(f"{found.standing.id}: {escape(what)}")

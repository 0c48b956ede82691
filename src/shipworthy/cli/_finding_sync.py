"""`shipworthy finding export|sync`: findings for other tools, and trackers of issues in both directions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.findings.intake.tracker import Tracker


@click.command()
@click.option("--format", "form", type=click.Choice(["json", "csv", "sarif"]), default="json", show_default=True)
@workspace_option
def export(*, workspace: Path, form: str) -> None:
    """Print the findings as they stand now: JSON, CSV, or SARIF 2.1.0 of those that are not closed."""
    from shipworthy.cli._finding_rows import read_all, row_of
    from shipworthy.core.cells import sheet_of
    from shipworthy.findings.intake.sarif import sarif_of

    found, at = read_all(workspace)
    rows = [row_of(one, at) for one in found.values()]
    if form == "sarif":
        click.echo(json.dumps(sarif_of(found.values()), indent=2, ensure_ascii=False))
    elif form == "json":
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        names = list(rows[0]) if rows else ["id"]
        cells = [[str(row[name]) for name in names] for row in rows]
        click.echo(sheet_of([names, *cells]), nl=False)


@click.command()
@click.argument("tracker", metavar="TRACKER")
@click.option("--key", required=True, metavar="REF", help="Reference to its key: env:NAME or file:PATH.")
@click.option("--url", default="", metavar="URL", help="Its address: of Jira always, of GitHub Enterprise its API.")
@click.option("--take", "label", metavar="LABEL", help="Also take in its issues with this label as signals.")
@click.option("--plain-http", is_flag=True, help="Allow the key to travel unencrypted to another machine.")
@workspace_option
@allow_code_option
def sync(
    *, workspace: Path, allow_code: bool, tracker: str, key: str, url: str, label: str | None, plain_http: bool
) -> None:
    """Bring TRACKER, github:OWNER/REPO or jira:PROJECT, to where the findings stand: an issue each.

    An issue that somebody closed there is opened again while its finding is open: only a re-run closes a finding.
    Titles and reasons are sent, redacted; samples are not.
    """
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.findings.sync import chosen, push_findings, take_issues
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    secrets, there = known_secrets(loaded), tracker_of(tracker, key, url, plain_http=plain_http)
    with AuditLog(Layout(workspace).control_url) as audit:
        audit.verify()
        if label is not None:
            taken = take_issues(loaded, audit, there, label=label, secrets=secrets)
            click.echo(f"{len(taken.new):,} issues taken in as signals, {len(taken.known):,} were there already")
        done = push_findings(loaded, audit, there, chosen(loaded, audit), secrets=secrets)
    for what, keys in (("made", done.made), ("closed", done.closed), ("opened again", done.opened)):
        click.echo(f"{len(keys):,} issues {what}{': ' + ', '.join(keys) if keys else ''}")


def tracker_of(name: str, key: str, url: str, *, plain_http: bool = False) -> Tracker:
    """Return a tracker by its name, ``github:owner/repo`` or ``jira:PROJECT``.

    Raises:
        UsageError: it is none.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.findings.intake.github import GitHubIssues
    from shipworthy.findings.intake.jira import JiraIssues
    from shipworthy.net.options import HttpOptions

    kind, _, rest = name.partition(":")
    options = HttpOptions(timeout=30.0, retries=2, plain_http=plain_http)
    if kind == "github":
        return GitHubIssues(rest, key, base=url, options=options)
    if kind == "jira":
        return JiraIssues(rest, key, base=url, options=options)
    raise UsageError(f"{name!r} is no tracker: write github:owner/repo or jira:PROJECT")

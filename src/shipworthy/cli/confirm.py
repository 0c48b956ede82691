"""Say of a hit on a sample of severity S1 whether it is one.

A scorer's hit is a candidate: it blocks a release until a second scorer or a person says that it is none.
"""

from __future__ import annotations

from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option


@click.command()
@click.argument("attempt", metavar="ATTEMPT_ID")
@click.option("--by", required=True, metavar="NAME", help="Who says it: a person or a second scorer. Kept for ever.")
@click.option("--hit/--no-hit", "hit", default=None, help="What they say.")
@click.option("--because", default="", metavar="TEXT", help="Why; redacted before it is kept.")
@click.option("--run", metavar="RUN", help="The run; needed where the attempt is an S1 hit in several.")
@click.option("--again", is_flag=True, help="Replace a word that says the opposite.")
@workspace_option
@allow_code_option
def command(
    *,
    attempt: str,
    by: str,
    hit: bool | None,
    because: str,
    run: str | None,
    again: bool,
    workspace: Path,
    allow_code: bool,
) -> None:
    """Say of ATTEMPT_ID, a hit on a sample of severity S1, whether it is one.

    Unconfirmed, and confirmed as a hit, it is a no-ship. Confirmed as no hit it no longer counts for that rule; every
    rate keeps it as measured. The last word counts.

    The word is an entry of the audit log, and in every evidence pack that rests on it. A decision that is made already
    does not change: run `shipworthy gate` again.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.confirm import confirm_hit
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    if hit is None:
        raise UsageError("pass --hit or --no-hit: what is said of the attempt")
    # The secrets that the reason is redacted of stand in the suites: files that cannot be read whole are refused.
    secrets = known_secrets(Workspace.load(workspace, allow_code=allow_code))
    said = "hit" if hit else "no-hit"
    word = confirm_hit(Layout(workspace), attempt, said, by=by, because=because, run=run, again=again, secrets=secrets)
    click.echo(f"{word.attempt} of {word.run}: {word.said}, says {word.by} (entry {word.entry} of the audit log)")
    click.echo(f"It counts from the next decision on: {Again(workspace, allow_code).line('gate', word.run)}", err=True)

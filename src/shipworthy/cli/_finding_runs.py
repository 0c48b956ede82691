"""`shipworthy finding reproduce|promote|verify|close`: what runs show of a finding."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from shipworthy.cli._again import Again
from shipworthy.cli._finding_steps import opened, said_by
from shipworthy.cli._options import allow_code_option, workspace_option


@click.command()
@click.argument("finding", metavar="[FINDING]", default="latest")
@click.option("-n", "tries", metavar="N", type=click.IntRange(min=1, max=10_000), default=10, show_default=True, help="How often.")  # fmt: skip  # noqa: E501
@click.option("--no-guards", is_flag=True, help="Ask the bare target.")
@workspace_option
@allow_code_option
def reproduce(*, workspace: Path, allow_code: bool, finding: str, tries: int, no_guards: bool) -> int:
    """Run what shows FINDING, N times, on the system as it is. Nothing of it is kept.

    Exit codes: 0 it did not fail; 1 it failed; 2 usage error; 3 no try gave a score.
    """
    from shipworthy.cli import INCONCLUSIVE, NO_SHIP, SHIP
    from shipworthy.findings.rerun import reproduce_case
    from shipworthy.findings.terms import clopper_pearson

    with opened(workspace, finding, allow_code=allow_code) as (loaded, _, found, _):
        counted, metric = asyncio.run(reproduce_case(loaded, found, tries, guards=not no_guards))
    lost = f", {counted.unscored:,} gave no score and are left out" if counted.unscored else ""
    low, high = clopper_pearson(counted.hits, counted.tries)
    click.echo(
        f"{found.standing.id}: {metric} in {counted.hits:,} of {counted.tries:,} tries "
        f"[{100 * low:.1f} %, {100 * high:.1f} %]{lost}"
    )
    if counted.tries > 1 and counted.answers <= 1:
        click.echo("The answer was always the same, so this was in effect one try.")
    if not counted.tries:
        return INCONCLUSIVE
    return NO_SHIP if counted.hits else SHIP


@click.command()
@said_by
@click.option("--as", "id", default="", metavar="ID", help="Id of the suite; the finding's in lower case if left out.")
@click.option("--variants", default=6, show_default=True, metavar="N", type=click.IntRange(min=0, max=6), help="Other wordings beside what was seen.")  # fmt: skip  # noqa: E501
def promote(*, workspace: Path, allow_code: bool, finding: str, by: str, id: str, variants: int) -> None:
    """Write what shows FINDING, with variants, as a new suite of the workspace: its regression case.

    Each sample says where it comes from. The plan `full` holds it from now on; no file of yours is changed. It asks as
    often as a passing re-run needs.
    """
    from shipworthy.findings.promote import promote_finding

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, _):
        made = promote_finding(loaded, audit, found, by=by, id=id, most_variants=variants, allow_code=allow_code)
    click.echo(f"{made.folder}: {made.samples} samples, {made.attempts} attempts each")
    click.echo(
        f"Without a failure in {made.samples * made.attempts:,} tries, a rate of {100 * made.limit:g} % is ruled out."
    )
    if made.lost:
        click.echo("Redaction took words out of what is asked: read samples.jsonl, and put others in their place.")
    click.echo(f"Next:  {Again(workspace, allow_code).line('finding', 'verify', found.standing.id)}", err=True)


@click.command()
@said_by
@click.option("--max-requests", metavar="N", type=click.IntRange(min=1), help="Stop after this many calls.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="Stop after this much money.")
def verify(
    *, workspace: Path, allow_code: bool, finding: str, by: str, max_requests: int | None, max_cost: float | None
) -> int:
    """Run the regression case of FINDING on the system as it is, without kept replies, and enter what came of it.

    Exit codes: 0 it passes, with enough tries; 1 it fails; 2 usage error; 3 it does not fail, but too few tries have a
    score to rule the failure out.
    """
    from shipworthy.cli import INCONCLUSIVE, NO_SHIP, SHIP
    from shipworthy.exchange.budget import Limits
    from shipworthy.findings.rerun import verify_fix

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, _):
        limits = Limits(requests=max_requests, cost_usd=max_cost)
        judged = verify_fix(loaded, audit, found, by=by, limits=limits)
    click.echo(f"{found.standing.id}: {'passes' if judged.passed else 'does not pass'} in {judged.run}: {judged.why}")
    if judged.passed:
        click.echo(f"Next:  {Again(workspace, allow_code).line('finding', 'close', found.standing.id)}", err=True)
        return SHIP
    return NO_SHIP if judged.found.hits else INCONCLUSIVE


@click.command()
@said_by
def close(*, workspace: Path, allow_code: bool, finding: str, by: str) -> None:
    """Close FINDING: its last re-run passed with enough tries, and its regression case is in the workspace.

    A later run in which the case fails opens it again.
    """
    from shipworthy.findings import rerun

    with opened(workspace, finding, allow_code=allow_code) as (loaded, audit, found, _):
        rerun.close(loaded, audit, found, by=by)
    click.echo(f"{found.standing.id}: closed by {found.standing.run}; its case is suites/{found.standing.suite}")

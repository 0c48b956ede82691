"""`shipworthy policy search`: attacks written against a policy, in worlds whose state says whether they succeed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from shipworthy.cli._options import form_option


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="policy.yaml")
@click.option("--setting", "where", required=True, help="One that comes with shipworthy, or a folder with your own.")
@click.option("--goal", "goals", multiple=True, metavar="ID", help="Only this goal of the attacker's; may be repeated.")
@click.option("--tries", type=click.IntRange(1, 100_000), default=500, show_default=True, help="For each goal.")
@click.option("--seed", type=int, default=0, show_default=True)
@form_option
def search(file: Path, where: str, goals: Sequence[str], *, tries: int, seed: int, form: str) -> int:
    """Search for ways past a policy: variations of each attack of a setting, the nearest varied further.

    No model is asked: the agent obeys every word, and a person lets the user's own calls pass and no other. Exit code 1
    where a goal was reached; its shortest script is printed. That none was says how hard was looked, and no more.
    """
    import msgspec

    from shipworthy.agents.search import search as searched
    from shipworthy.agents.setting import load_setting, setting, settings
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.enforce.policy.engine import Policy

    policy = Policy.read(file)
    found = load_setting(Path(where)) if Path(where).is_dir() and where not in settings() else setting(where)
    known = {goal.id: goal for goal in found.goals}
    for wrong in (goal for goal in goals if goal not in known):
        raise UsageError(f"{found.id!r} has no goal {wrong!r}: {did_you_mean(wrong, [*known])}")
    done = [
        searched(found, goal, policy, tries=tries, seed=seed) for goal in known.values() if goal.id in (goals or known)
    ]
    reached = [one for one in done if one.first]
    if form == "json":
        told = [
            {**one._asdict(), "shortest": msgspec.to_builtins(one.shortest), "played": _played(one)} for one in done
        ]
        click.echo(json.dumps({"reached": len(reached), "goals": told}, indent=2))
    else:
        for one in done:
            if one.first:
                click.echo(f"{one.goal}: reached by try {one.first}, by {one.reached} of {one.tries}")
                under = one.shortest
                click.echo(
                    f"  under {under.task}, {under.position}, {under.when}: {', '.join(under.moves) or 'as written'}"
                )
                for step in one.played.ran:
                    click.echo(f"  {step.tool} {json.dumps(step.arguments, ensure_ascii=False)}")
            else:
                why = one.played.stopped[0] if one.played.stopped else "no call was made"
                click.echo(f"{one.goal}: not reached in {one.tries}; the nearest was stopped: {why}")
        click.echo(f"{len(reached)} of {len(done)} goals reached")
    return 1 if reached else 0


def _played(one: object) -> dict[str, object]:
    import msgspec

    told: dict[str, object] = msgspec.to_builtins(one.played._asdict())  # type: ignore[attr-defined]
    return told

"""`release impact` and `release change`: what a change takes with it, and changes that people alone can see."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, shown_option, workspace_option
from shipworthy.core.change import CHANGE_KINDS

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.exchange.budget import Limits
    from shipworthy.release.impact import DecisionImpact
    from shipworthy.release.renew import RenewalNeeds, WantedRun
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@click.argument("decision", metavar="[DECISION]", default="")
@click.option("--all", "every", is_flag=True, help="All decisions that bind somebody: the gate's newest, and each that a GO stands on.")  # fmt: skip  # noqa: E501
@click.option("--run", "make", is_flag=True, help="Make the runs, decide again and propose it where it was proposed.")
@click.option("--max-requests", metavar="N", type=click.IntRange(min=0), help="With --run: stop after this many calls to models.")  # fmt: skip  # noqa: E501
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="With --run: stop after this much money.")
@workspace_option
@shown_option
@allow_code_option
def impact(
    *, workspace: Path, allow_code: bool, decision: str, every: bool, make: bool, max_requests: int | None,
    max_cost: float | None, form: str,
) -> int:  # fmt: skip
    """Say which claims of DECISION (an id, the beginning of one; the newest if left out) hold, which lapsed, and why.

    A claim is what was decided on one criterion. It lapses with what it rests on: its suite, requirement, gate and
    plan, the code and the scorers, target, guards and tool policy, the age of its run, an acceptance that ran out, and
    changes that `release change` or a sentinel entered. Then come the fewest runs that decide the lapsed ones again.

    With --run they are made one after the other; what was stopped goes on when the same command is given again.

    Exit codes: 0 every claim holds, or was decided again; 1 a claim lapsed; 2 usage error; 4 failure, invalid
    evidence, or a run that was stopped. With --run, that of the gate on what it decided.
    """
    from shipworthy.cli import NO_SHIP, SHIP
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.core.errors import UsageError
    from shipworthy.release.impact import impacts, in_force
    from shipworthy.release.renew import needed
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    if every and decision:
        raise UsageError("--all takes every decision that binds somebody: name none besides")
    if not make and (max_requests is not None or max_cost is not None):
        raise UsageError("--max-requests and --max-cost are limits of --run")
    loaded, layout, again = Workspace.load(workspace, allow_code=allow_code), Layout(workspace), Again(workspace, allow_code)  # fmt: skip  # noqa: E501
    with not_put_back(workspace, keep=False), AuditLog(layout.control_url) as audit:
        wanted = in_force(layout, audit, loaded.system.id) if every else [layout.load_decision(decision or "latest")]
        found = impacts(loaded, layout, audit, wanted, now=_now())
    if not found:
        raise UsageError("there is no decision here yet: `shipworthy gate` makes one")
    need = needed(loaded, found)
    click.echo(_shown(found, need, form, again))
    if not any(one.lapsed for one in found):
        return SHIP
    if not make:
        return NO_SHIP
    from shipworthy.exchange.budget import Limits

    return _make(loaded, layout, found, need, again=again, limits=Limits(requests=max_requests, cost_usd=max_cost))


def _shown(found: list[DecisionImpact], need: RenewalNeeds, form: str, again: Again) -> str:
    import json

    from shipworthy.release.impact import told

    if form == "json":
        value = {
            "decisions": [told(one) for one in found],
            "runs": [_run_told(one, again) for one in need.runs],
            "people": list(need.people),
            "lapsed": sum(len(one.lapsed) for one in found),
            "held": sum(claim.holds for one in found for claim in one.claims),
        }
        return json.dumps(value, indent=2, ensure_ascii=False)
    return "\n".join([line for one in found for line in _decision(one, form, again)] + _needs(need, form, again))


def _decision(one: DecisionImpact, form: str, again: Again) -> list[str]:
    from shipworthy.cli._tables import markdown_table, table

    decision, shown = one.decision, markdown_table if form == "markdown" else table
    lines = [f"{decision.id}: {decision.verdict}, {decision.created}"]
    for word in one.signed:
        place = ", ".join(str(word.candidate.said[name]) for name in ("market", "language", "jurisdiction"))
        by = f" by {word.by}" if word.by else ""
        lines.append(f"{word.verdict}{by} for {place}" + (f", until {word.expires}" if word.expires else ""))
    if one.superseded:
        lines.append(f"superseded by {one.superseded}: it binds nobody any more")
    rows = [
        (
            claim.criterion, claim.requirement, ", ".join(claim.risks) or "-", claim.verdict,
            "holds" if claim.holds else "lapsed", "; ".join(lapse.told for lapse in claim.lapses),
        )
        for claim in one.claims
    ]  # fmt: skip
    lines += ["", shown(("claim", "requirement", "risks", "decided", "now", "why"), rows), ""]
    if one.files and not one.lapsed:
        names = ", ".join(change.path for change in one.files)
        lines.append(f"Changed, and no claim hangs on it: {names}. A release needs the gate's word on the files: "
                     + again.told("`shipworthy gate`; nothing is measured again for it."))  # fmt: skip
    return lines


def _needs(need: RenewalNeeds, form: str, again: Again) -> list[str]:
    from shipworthy.cli._expected import sentences

    if not need.runs and not need.people:
        return ["Every claim holds."]
    lines = []
    if need.runs:
        total = sum(one.attempts for one in need.runs)
        lines.append(
            f"To decide the lapsed claims again: {len(need.runs):,} run{'s' * (len(need.runs) != 1)}, "
            f"{total:,} attempt{'s' * (total != 1)}"
        )
    for one in need.runs:
        line = again.line(*one.words())
        lines += [f"  {line}" if form == "text" else f"- `{line}`", f"    {one.attempts:,} attempts; {', '.join(one.decides)}"]  # fmt: skip  # noqa: E501
        if one.beside:
            lines.append(
                f"    for a renewed decision also {', '.join(one.beside)} ({one.beside_attempts:,} attempts"
                f"{'' if one.fresh else ', from the reply cache where it holds them'}): a run is evidence as a whole, "
                "so each becomes a run of its own"
            )
        lines += [f"    {said}" for said in sentences(one.expected)]
    if need.people:
        lines += ["No run decides:", *(f"  {one}" if form == "text" else f"- {one}" for one in need.people)]
    if need.runs:
        lines.append(again.told("`shipworthy release impact --run` makes them, decides and proposes."))
    return lines


def _run_told(one: WantedRun, again: Again) -> dict[str, Any]:
    def span(found: Any) -> Any:
        return None if found is None else {"low": found.low, "high": found.high}

    expected = one.expected
    return {
        "plan": one.plan,
        "suites": list(one.suites),
        "beside": list(one.beside),
        "fresh": one.fresh,
        "attempts": one.attempts,
        "beside_attempts": one.beside_attempts,
        "seconds": span(expected.seconds),
        "tokens": span(expected.tokens),
        "usd": span(expected.usd),
        "decides": list(one.decides),
        "command": again.line(*one.words()),
    }


def _make(
    workspace: Workspace,
    layout: Layout,
    found: list[DecisionImpact],
    need: RenewalNeeds,
    *,
    again: Again,
    limits: Limits,
) -> int:
    """Make the runs, then decide and propose again what lapsed. Everything that is told goes to standard error."""
    from shipworthy.cli import FAILURE, NO_SHIP, SHIP
    from shipworthy.cli.gate import exit_code
    from shipworthy.evals.begin import complete
    from shipworthy.evals.progress import Progress
    from shipworthy.release.renew import check_fresh, sit

    for line in need.people:
        click.echo(f"no run decides {line}", err=True)
    made: dict[str, list[str]] = {}
    going_on = again.line("release", "impact", found[0].decision.id if len(found) == 1 else "--all", "--run")
    for wanted, whole in [(part, run) for run in need.runs for part in run.parts(workspace)]:
        sitting = sit(workspace, wanted, _now())
        left = sitting.planned - sitting.made
        click.echo(f"{sitting.id}: {wanted.plan}, {', '.join(wanted.all_suites)}: {left:,} of {sitting.planned:,} attempts to make", err=True)  # fmt: skip  # noqa: E501
        run = complete(sitting, limits=limits, progress=Progress(expected=wanted.expected), going_on=going_on)
        if run.stopped or not run.complete:
            click.echo(f"Stopped: {run.stopped or run.finished.why}\nGo on:    {going_on}", err=True)
            return FAILURE
        check_fresh(run, wanted)
        for claim in whole.decides:
            made.setdefault(claim, []).append(run.id)
    worst = NO_SHIP if need.people else SHIP
    for one in found:
        mine = list(
            dict.fromkeys(
                run for claim, runs in made.items() if claim.startswith(f"{one.decision.id}:") for run in runs
            )
        )
        if mine:
            worst = max(worst, exit_code(_renew(workspace, layout, one, mine, again)))
    return worst


def _renew(workspace: Workspace, layout: Layout, one: DecisionImpact, made: list[str], again: Again) -> Any:
    from shipworthy.cli.gate import keep, load_run
    from shipworthy.release.baseline import choose_baseline
    from shipworthy.release.current import Now
    from shipworthy.release.decide import decide
    from shipworthy.release.renew import existing, propose_again, renewed
    from shipworthy.store.audit import AuditLog

    with AuditLog(layout.control_url) as audit:
        audit.verify()
        current = Now.read(workspace, audit, today=_now().date())
    baseline = one.decision.baseline
    named = one.decision.baseline_runs if baseline is not None and baseline.how == "named" else ()
    chosen = choose_baseline(workspace, layout, named)
    runs: list[Run] = [load_run(layout, name, marks=bool(chosen.runs))[0] for name in renewed(one, made, current)]
    before = [load_run(layout, name, marks=True)[0] for name in chosen.runs]
    decision = existing(layout, one.decision, runs)
    if decision is None:
        decision = decide(workspace, runs, before, chosen=chosen)
        keep(layout, decision, [*runs, *before])
    click.echo(f"{decision.id}: {decision.verdict}: {decision.reason}  (instead of {one.decision.id})", err=True)
    for candidate in propose_again(workspace, layout, one, decision, _now()):
        said = candidate.said
        click.echo(f"{candidate.id}: proposed for {said['market']}, {said['language']}, {said['jurisdiction']}", err=True)  # fmt: skip  # noqa: E501
        click.echo(again.told(f"What blocks it: `shipworthy release status {candidate.id}`"), err=True)
    return decision.verdict


@click.command()
@click.argument("kind", metavar="KIND", type=click.Choice(CHANGE_KINDS))
@click.argument("about", metavar="[ABOUT]", default="")
@click.option("--was", default="", metavar="TEXT", help="What it was: a digest, a version, a fingerprint.")
@click.option("--now", "is_", default="", metavar="TEXT", help="What it is now.")
@click.option("--since", default="", metavar="DAY", help="The day from which it counts, such as 2026-12-02; from now if left out.")  # fmt: skip  # noqa: E501
@click.option("--reason", required=True, metavar="TEXT", help="What happened, and how you know; kept with it.")
@workspace_option
@allow_code_option
def change(
    *, workspace: Path, allow_code: bool, kind: str, about: str, was: str, is_: str, since: str, reason: str
) -> None:
    """Enter a change that the files do not show, such as a vendor's new model: KIND, and what it is ABOUT.

    vendor-model, prompt, index, guard, tool-policy, skill, mcp and data change the system under test: all that was
    measured on it lapses, or on the target that is named. judge takes the claims that a judge decided (ABOUT: a rubric,
    a model, a suite); suite those on one suite; taxonomy and law those of what refers to a reference such as
    eu-ai-act:Art50; other those that an id reaches. It stays in the audit log, and what is measured afterwards counts.
    """
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.core.change import ChangeRecord
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.release.changes import enter
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded, now = Workspace.load(workspace, allow_code=allow_code), _now()
    said = ChangeRecord(loaded.system.id, kind, about, was, is_, since, reason)
    layout = Layout(workspace)
    with not_put_back(workspace):
        found, reached = enter(loaded, layout, said, secrets=known_secrets(loaded), now=now)
    what = "all that was measured on the subject" if reached is None else ", ".join(sorted(reached))
    click.echo(f"{found.told}: entry {found.entry}; it reaches {what or 'no criterion: nothing lapses by it'}")
    click.echo(Again(workspace, allow_code).told("What it takes with it: `shipworthy release impact --all`"))

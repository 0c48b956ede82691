"""The demo of an agent with tools: injected through a mail, without and with a policy in front of its tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._demo import Clock, evaluated, next_steps, proved
from shipworthy.core.events import Approval, Called, PolicyEvent, Returned, StateChanged
from shipworthy.core.terminal import shown

if TYPE_CHECKING:
    from shipworthy.core.records import Attempt
    from shipworthy.evals.results import Run

ATTACKED, TASKS = "mail-attacks", "mail-tasks"
WORST = "worst"
LINE = 300
"""Characters of one line of a session that is printed."""


def agent_demo(folder: Path, plan: str, show: bool) -> None:
    """Measure the agents without and with the policy, show one session of each, decide, prove.

    Raises:
        Exit: it was stopped on the way (4).
    """
    from shipworthy.cli.gate import keep
    from shipworthy.release.decide import decide
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.scaffold import scaffold

    clock = Clock()
    with clock.step(f"1 of 5  workspace {folder}"):
        if not (folder / "system.yaml").exists():
            scaffold(folder, "agent-mail")
        workspace = Workspace.load(folder)
    with clock.step("2 of 5  SmolLM2 with tools, no policy"):
        runs = [evaluated(workspace, plan, guards=False)]
    with clock.step("3 of 5  SmolLM2 with tools, behind policy.yaml"):
        runs.append(evaluated(workspace, plan, guards=True))
    with clock.step("4 of 5  the worst case, without and with it: an agent that obeys every injection"):
        runs += [evaluated(workspace, plan, guards=guards, target=WORST) for guards in (False, True)]
    if not all(run.complete for run in runs):
        click.echo("\nStopped. The same command goes on: nothing that was finished is lost.")
        raise click.exceptions.Exit(4)
    with clock.step("5 of 5  decide; build the evidence pack, sign it, verify it"):
        layout = Layout(workspace.root)
        before, after = decide(workspace, runs[0]), decide(workspace, runs[1])
        keep(layout, before)
        keep(layout, after)
        pack, trust = proved(workspace, after)
    click.echo("\n" + _sessions(runs))
    click.echo("\n" + _table(runs))
    click.echo(f"\nwithout policy: {before.verdict.upper()} - {before.reason}")
    click.echo(f"with policy:    {after.verdict.upper()} - {after.reason}")
    click.echo(f"\nwhere the time went\n{clock.table()}")
    next_steps(folder, pack, trust, show, run=runs[1].id)


def _table(runs: Sequence[Run]) -> str:
    """Return a row for each agent without and with the policy: shares of attempts, with intervals."""
    from shipworthy.cli._tables import table

    rows = [
        (
            agent,
            policy,
            _share(run, TASKS, _scored("utility")),
            _share(run, ATTACKED, _scored("attack_success")),
            _share(run, ATTACKED, lambda attempt: any(word.verdict == "ask" for word in _words(attempt))),
            _share(run, ATTACKED, lambda attempt: bool(_stopped(attempt))),
            str(sum(attempt.outcome != "scored" for attempt in run.attempts())),
        )
        for run, agent, policy in zip(
            runs, ("SmolLM2", "SmolLM2", "obeys all", "obeys all"), ("off", "on") * 2, strict=True
        )
    ]
    heads = ("agent", "policy", "tasks done", "attack succeeded", "asked", "call stopped", "errors")
    told = 'attempts, % [95 % interval]; "asked" and "call stopped" are of those with an attack, errors of all'
    return f"{table(heads, rows, right=(6,), width=120)}\n{told}"


def _scored(metric: str) -> Callable[[Attempt], bool | None]:
    return lambda attempt: next((score.hit for score in attempt.scores if score.metric == metric), None)


def _share(run: Run, suite: str, holds: Callable[[Attempt], bool | None]) -> str:
    """Return ``5/12  42 [15, 72]``: of the attempts of a suite that could be judged."""
    from shipworthy.stats import rate_interval

    counted: dict[str, list[bool]] = {}
    for attempt in run.attempts():
        if attempt.suite == suite and attempt.outcome == "scored" and (said := holds(attempt)) is not None:
            counted.setdefault(attempt.cluster, []).append(said)
    if not counted:
        return "not measured"
    found = rate_interval([sum(some) for some in counted.values()], [len(some) for some in counted.values()])
    return f"{found.hits}/{found.trials}  {100 * found.rate:.0f} [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def _words(attempt: Attempt) -> Iterator[PolicyEvent]:
    return (event for event in attempt.events if isinstance(event, PolicyEvent) and not event.shadow)


def _stopped(attempt: Attempt) -> set[str]:
    """Return the ids of the calls that the policy did not let pass, by itself or for want of a person."""
    granted = {event.call for event in attempt.events if isinstance(event, Approval) and event.granted}
    return {word.call for word in _words(attempt) if word.call and word.verdict != "allow"} - granted


def _sessions(runs: Sequence[Run]) -> str:
    """Return one session that obeyed the mail, and the same one behind the policy; the real model's if one did."""
    for bare, guarded, agent in ((runs[0], runs[1], "SmolLM2"), (runs[2], runs[3], "the agent that obeys everything")):
        obeyed = [a for a in bare.attempts() if _scored("attack_success")(a)]
        later = {a.id: a for a in guarded.attempts()}
        # Most telling where the policy was put to the same test; a sampled model may do something else there.
        pairs = [(a, later[a.id]) for a in obeyed if a.id in later]
        if pairs:
            first, second = next((pair for pair in pairs if _stopped(pair[1])), pairs[0])
            none = "" if agent == "SmolLM2" else "SmolLM2 obeyed no mail in these attempts. "
            head = f"{none}{first.sample}, {agent}, no policy"
            return "\n".join([head, *_told(first), "", "the same behind the policy", *_told(second)])
    return "no attempt obeyed the mail"


def _told(attempt: Attempt) -> Iterator[str]:
    """Yield a session as lines: the user's words, calls and what they gave, the policy's words, the state."""
    yield f"  user      {shown(next(m.text for m in attempt.messages if m.role == 'user'), LINE)}"
    stopped = _stopped(attempt)
    for event in attempt.events:
        match event:
            case PolicyEvent(verdict=verdict) if verdict != "allow":
                yield f"  policy    {shown(event.reason, LINE)}"
            case Approval(granted=granted, by=by):
                yield f"  {shown(by, 20):9} {'yes' if granted else 'no'}: {shown(event.reason, LINE)}"
            case Called(call=call):
                arguments = json.dumps(call.arguments, ensure_ascii=False)
                yield f"  calls     {shown(call.name, 60)} {shown(arguments, LINE)}"
            case Returned(result=result):
                yield f"  {'stopped ' if result.id in stopped else 'gave    '}  {shown(result.text, LINE)}"
            case StateChanged(facts=facts):
                for changed in facts.get("changed", ()):
                    now = f"is {json.dumps(changed['is'], ensure_ascii=False)}" if "is" in changed else "is gone"
                    yield f"  state     {shown(changed.get('at', ''), 60)} {shown(now, LINE)}"
                if facts.get("forbidden"):
                    yield "  HARM      what the attacker wanted has happened"

"""Show what a plan will take and what it can decide.

Time, tokens and money come from earlier runs of the same target, or from a stated assumption. For every criterion: the
samples needed for 80, 90 and 99 % power, and the power the plan has. For the gate: the chance that it ships.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.estimate import Estimate
    from shipworthy.evals.plan import Plan
    from shipworthy.evals.results import Run
    from shipworthy.release.chance import GateChance
    from shipworthy.release.power import CriterionPower


@click.command()
@workspace_option
@click.option("--plan", "name", metavar="NAME", default="full", show_default=True, help="Which plan.")
@click.option("--run", metavar="RUN", help="Assume this run's rates too; the newest run of the plan if left out.")
@form_option
@allow_code_option
def command(*, workspace: Path, name: str, run: str | None, form: str, allow_code: bool) -> None:
    """Show a plan's attempts and calls and, for every criterion of the gate, the samples it needs.

    Time, tokens and money are ranges: from earlier runs of the system under test, money from its `price` in
    targets.yaml or as its provider reported it. Without such a run and with a price, tokens and money are assumed, and
    it is said how.

    "Needs" is the number of independent samples at which the criterion passes with 80, 90 or 99 % power if the assumed
    rate is the true one. A criterion that the plan can never pass is marked: more attempts per sample do not help it.

    Last comes the chance that the whole gate ships, one hit on an S1 sample being a no-ship, if every bad rate is 0, 5,
    10, 25 or 50 % of its limit, and the number of samples from which to which it is at least 80 %.
    """
    from shipworthy.evals.estimate import estimate
    from shipworthy.evals.plan import make_plan
    from shipworthy.release.chance import gate_chance
    from shipworthy.release.power import power_table
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    plan = make_plan(loaded, name)
    previous = _previous(workspace, name, run)
    criteria = power_table(loaded, plan, previous)
    chance = gate_chance(loaded, plan)
    expected = estimate(loaded, plan, guards=loaded.guards is not None)
    if form == "json":
        click.echo(_json(plan, expected, criteria, chance))
    else:
        click.echo(Again(workspace, allow_code).told(_text(plan, expected, criteria, chance)))


def _previous(workspace: Path, plan: str, run: str | None) -> Run | None:
    from shipworthy.core.errors import ShipworthyError
    from shipworthy.evals.results import Run
    from shipworthy.store.declare import read_manifest
    from shipworthy.store.layout import Layout

    layout = Layout(workspace)
    if run is not None:
        return Run.load(layout.run_directory(run))
    for name in reversed(layout.run_ids()):
        directory = layout.run_directory(name)
        try:
            if read_manifest(directory).plan == plan:
                return Run.load(directory)
        except ShipworthyError:
            continue  # A damaged run is no help to a plan; the verbs that rely on it say what is wrong.
    return None


def _text(plan: Plan, expected: Estimate, criteria: list[CriterionPower], chance: GateChance | None) -> str:
    from shipworthy.cli import _expected
    from shipworthy.cli._chance import lines
    from shipworthy.cli._tables import table
    from shipworthy.evals.estimate import calls, calls_of

    columns = ("suite", "samples", "attacks", "each", "attempts", "calls", "clusters", "ICC")
    rows = [
        (
            part.id,
            f"{len(part.samples):,}",
            f"{len(part.attacks):,}",
            f"{part.attempts:,}",
            f"{len(part):,}",
            f"{calls_of(part):,}",
            f"{part.clusters:,}",
            f"{part.suite.icc:.2f}",
        )
        for part in plan.suites
    ]
    said = [
        f"plan {plan.id}, seed {plan.seed}: {len(plan):,} attempts, {calls(plan):,} calls to the target",
        "(more where an attack asks several times, fewer where the reply cache answers)",
        "",
        table(columns, rows, right=range(1, len(columns))),
        *_left_out(plan),
        "",
        *_expected.lines(expected),
    ]
    if criteria:
        shown = ("if the truth is", "power", "80 %", "90 %", "99 %", "80 %, proved")
        said += ["", "power of this plan, and the samples needed for a power of", ""]
        said.append(table(shown, _power_rows(criteria), right=range(1, 6)))
    for found in criteria:
        if not found.reachable:
            lacking = (
                "the plan does not run its suite" if not found.clusters else "even the best outcome does not show it"
            )
            said.append(f"\n{found.id} cannot pass with this plan:\n{lacking}")
    if audited := [found.id for found in criteria if found.audited]:
        said.append(
            f"\n{', '.join(audited)}: audited by labels; the figures take the scorer at\nits word, and labels of only "
            "some samples cost power on top"
        )
    if chance is not None:
        said += ["", *lines(chance)]
    return "\n".join(said)


def _left_out(plan: Plan) -> Iterator[str]:
    """Yield a line for each attack that cannot change every sample, and why."""
    from shipworthy.evals.applicable import left_out

    head = "\nleft out of every rate and of the calls, as the attack cannot change the sample:"
    for suite, attack, why, attempts in left_out(plan):
        if head:
            yield head
            head = ""
        reasons = "; ".join(f"{reason} ({n:,})" if len(why) > 1 else reason for reason, n in why.items())
        said = f"{suite}, {attack}: {attempts:,} attempts on {sum(why.values()):,} samples: {reasons}"
        yield click.wrap_text(said, 80, initial_indent="  ", subsequent_indent="    ")


def _power_rows(criteria: list[CriterionPower]) -> Iterator[tuple[str, ...]]:
    """Yield a line that says which criterion it is, and set in below it a row for each truth."""
    from shipworthy.core.amount import amount

    for found in criteria:
        each = f", each of {found.attacks:,} attacks" if found.attacks > 1 else ""
        size = f"{found.clusters:,} x {found.attempts:.3g}{each}"
        yield f"{found.id}: {found.suite}, {found.must}, {size}", "", "", "", "", ""
        for scenario in found.scenarios:
            needed = ("never" if n is None else f"{n:,}" for n in scenario.needed)
            said = amount(scenario.rate, found.unit) if found.kind == "value" else f"{100 * scenario.rate:.3g} %"
            proved = "never" if scenario.proved is None else f"{scenario.proved:,}"
            yield f"  {said}: {scenario.name}", f"{100 * scenario.power:.0f} %", *needed, proved


def _json(plan: Plan, expected: Estimate, criteria: list[CriterionPower], chance: GateChance | None) -> str:
    import json

    import msgspec

    from shipworthy.evals.estimate import calls

    body = {
        "plan": plan.id,
        "digest": plan.digest,
        "attempts": len(plan),
        "calls": calls(plan),
        "suites": [
            {
                "id": part.id,
                "samples": len(part.samples),
                "attacks": [attack.name for attack in part.attacks],
                "attempts": len(part),
                "possible": part.applicable.attempts,
                "left_out": {attack: dict(why) for attack, why in part.applicable.why.items()},
                "clusters": part.clusters,
                "icc": part.suite.icc,
            }
            for part in plan.suites
        ],
        "expected": msgspec.to_builtins(expected),
        "criteria": msgspec.to_builtins(criteria),
        "chance": msgspec.to_builtins(chance),
    }
    return json.dumps(body, indent=2, ensure_ascii=False)

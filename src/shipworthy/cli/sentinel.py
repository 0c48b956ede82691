"""Ask a target a few fixed probes from time to time, and say when a vendor changed its model unannounced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._counter import counter
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipworthy.core.sentinel import SentinelLook, SentinelPlan
    from shipworthy.exchange.budget import Limits

_limits = click.option("--max-requests", metavar="N", type=click.IntRange(min=0), help="Stop after this many calls; what was asked is then not kept.")  # fmt: skip  # noqa: E501
_money = click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="Stop after this much money; the same.")  # fmt: skip  # noqa: E501


@click.group("sentinel", no_args_is_help=True)
def command() -> None:
    """Ask a target a few fixed probes from time to time, and say when a vendor changed its model unannounced."""


@command.command()
@click.option("--target", metavar="NAME", help="The target; the system under test if left out. It is asked without guards.")  # fmt: skip  # noqa: E501
@click.option("--probes", "file", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="JSON with `probes`: id -> message; sixteen of our own if left out.")  # fmt: skip  # noqa: E501
@click.option("--repeats", default=10, show_default=True, metavar="N", type=click.IntRange(min=2, max=200), help="Answers to each probe now.")  # fmt: skip  # noqa: E501
@click.option("--again", default=1, show_default=True, metavar="N", type=click.IntRange(min=1, max=50), help="Answers to each probe at every later look.")  # fmt: skip  # noqa: E501
@click.option("--alpha", default=0.01, show_default=True, metavar="P", type=float, help="Chance of any false alarm, over all looks together.")  # fmt: skip  # noqa: E501
@_limits
@_money
@workspace_option
@allow_code_option
def enrol(
    *, workspace: Path, allow_code: bool, target: str | None, file: Path | None, repeats: int, again: int, alpha: float,
    max_requests: int | None, max_cost: float | None,
) -> None:  # fmt: skip
    """Have a target answer each probe several times, and keep the answers, redacted, to hold later ones against."""
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.evals import sentinel
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    probes = read_probes(file)
    click.echo(f"{len(probes) * repeats:,} requests now, {len(probes) * again:,} at each look", err=True)
    with not_put_back(workspace):
        found = sentinel.enrol(
            loaded, probes, target=target, repeats=repeats, again=again, alpha=alpha,
            limits=_limited(max_requests, max_cost), tell=counter("answered", 50),
        )  # fmt: skip
    errors = sum(bool(answer.error) for answer in found.look.answers)
    lost = f", {errors:,} were errors and are left out" if errors else ""
    click.echo(f"{found.plan.id}: the target {found.plan.target}, {len(found.look.answers) - errors:,} answers{lost}")
    click.echo(Again(workspace, allow_code).told("Look from time to time, such as daily: `shipworthy sentinel probe`"))


@command.command()
@click.argument("sentinel", metavar="[SENTINEL]", default="latest")
@_limits
@_money
@workspace_option
@form_option
@allow_code_option
def probe(
    *, workspace: Path, allow_code: bool, sentinel: str, form: str, max_requests: int | None, max_cost: float | None
) -> int:
    """Ask the probes of SENTINEL (an id, the beginning of one, or `latest`) again, and test whether anything changed.

    The chance that it ever says "changed" although nothing did is at most its alpha, however often it looks. A model's
    name or fingerprint that the provider did not give before says it at once. A change is entered in the audit log as
    one of the vendor's model: what was measured before lapses (`shipworthy release impact`).

    Exit codes: 0 unchanged; 1 changed; 2 usage error; 3 less than half of the probes were answered; 4 failure.
    """
    from shipworthy.cli import INCONCLUSIVE, NO_SHIP, SHIP
    from shipworthy.cli._put_back import not_put_back
    from shipworthy.evals import sentinel as sentinels
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    with not_put_back(workspace):
        found = sentinels.probe(loaded, sentinel, limits=_limited(max_requests, max_cost), tell=counter("answered", 50))
    if form == "json":
        entry = None if found.change is None else found.change.entry
        click.echo(json.dumps({**_row(found.plan, found.look), "change": entry}, indent=2))
    else:
        click.echo(f"{found.plan.id}, look {found.look.number}: {_said(found.plan, found.look)}")
        if found.change is not None:
            click.echo(f"{found.change.told}: entry {found.change.entry} of the audit log")
            click.echo(Again(workspace, allow_code).told("What it takes with it: `shipworthy release impact --all`"))
    return {"unchanged": SHIP, "changed": NO_SHIP}.get(found.look.verdict, INCONCLUSIVE)


@command.command()
@click.argument("sentinel", metavar="[SENTINEL]", default="latest")
@workspace_option
@form_option
@allow_code_option
def status(*, workspace: Path, allow_code: bool, sentinel: str, form: str) -> int:
    """Show the looks of SENTINEL, each held against the audit log and tested again; asks nothing.

    Exit codes: 0 unchanged; 1 changed; 2 usage error; 3 its last look was not answered; 4 invalid evidence.
    """
    from shipworthy.cli import INCONCLUSIVE, NO_SHIP, SHIP
    from shipworthy.cli._tables import listing
    from shipworthy.core.errors import IntegrityError
    from shipworthy.evals.sentinel import capital_of, read
    from shipworthy.workspace.load import Workspace

    plan, looks = read(Workspace.load(workspace, allow_code=allow_code), sentinel)
    again = capital_of(plan, [look.answers for look in looks])
    if abs(again - looks[-1].capital) > 1e-9 * max(1.0, again) and looks[-1].number:
        raise IntegrityError(f"{plan.id}: its answers give an e-value of {again:g}, and it says {looks[-1].capital:g}")
    columns = ("look", "at", "answers", "errors", "e_value", "alarm_from", "verdict", "announced")
    click.echo(listing([_row(plan, look) for look in looks], form, columns, empty=""))
    if any(look.verdict == "changed" for look in looks):
        return NO_SHIP
    return INCONCLUSIVE if looks[-1].verdict == "unanswered" else SHIP


def read_probes(file: Path | None) -> Mapping[str, str]:
    """Return the probes of a file; our own if there is none.

    Raises:
        UsageError: it is not JSON with `probes`, or one of them is no message.
    """
    from shipworthy.core import strict_json
    from shipworthy.core.errors import UsageError

    path = file or Path(__file__).parent.parent / "library" / "sentinel" / "probes.json"
    try:
        value = strict_json.loads(path.read_bytes())
        probes = value["probes"]
        if not isinstance(probes, dict):
            raise TypeError("`probes` is no object")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f'{path} holds no probes ({error}): write {{"probes": {{"sum": "What is 2 + 2?"}}}}') from None
    for name, message in probes.items():
        if not isinstance(message, str) or not message.strip() or len(message) > 10_000 or not 0 < len(name) <= 80:
            raise UsageError(f"{path}: the probe {name[:80]!r} is no message of at most 10,000 characters")
    return probes


def _limited(requests: int | None, cost: float | None) -> Limits:
    from shipworthy.exchange.budget import Limits

    return Limits(requests=requests, cost_usd=cost)


def _row(plan: SentinelPlan, look: SentinelLook) -> dict[str, Any]:
    errors = sum(bool(answer.error) for answer in look.answers)
    return {
        "sentinel": plan.id,
        "target": plan.target,
        "look": look.number,
        "at": look.at,
        "answers": len(look.answers) - errors,
        "errors": errors,
        "e_value": round(look.capital, 6),
        "alarm_from": round(1 / plan.alpha, 6),
        "verdict": look.verdict if look.number else "enrolled",
        "announced": list(look.announced),
    }


def _said(plan: SentinelPlan, look: SentinelLook) -> str:
    errors = sum(bool(answer.error) for answer in look.answers)
    counted = f"{len(look.answers) - errors:,} answers, {errors:,} errors"
    value = f"e-value {look.capital:,.3g}, alarm from {1 / plan.alpha:,.0f} on"
    if look.announced:
        return f"changed: the provider names {', '.join(look.announced)}, which it did not before ({value}; {counted})"
    return f"{look.verdict} ({value}; {counted})"

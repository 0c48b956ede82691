"""`shipworthy evidence diff A B`: what changed between two packs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import shown_option

if TYPE_CHECKING:
    from shipworthy.evidence.diff import PackDiff, RateChange

NOT_VERIFIED = 4


@click.command("diff")
@click.argument("old", metavar="A", type=click.Path(path_type=Path))
@click.argument("new", metavar="B", type=click.Path(path_type=Path))
@click.option(
    "--trust", type=click.Path(path_type=Path), help="Whom you believe; without it, neither pack is verified."
)
@shown_option
@click.pass_context
def diff_command(ctx: click.Context, /, old: Path, new: Path, trust: Path | None, form: str) -> None:
    """Show what changed from the pack A to the pack B.

    Subject, suites, criteria and limits, rates with their 95% intervals, verdicts, what people accepted and decided,
    and who signed. Where both packs measured the same samples, the change of a rate is paired, counted again from
    their records, with its 95% interval and the p-value of "nothing changed".

    Both are verified first, by your own trust file. Exit codes: 0 both verify, or no trust file was named (then it says
    that neither was verified); 2 usage error; 4 one of them does not verify, and what it says is shown as its claim.
    """
    from shipworthy.evidence.diff import diff
    from shipworthy.store.trust import load_trust

    found = diff(old, new, None if trust is None else load_trust(trust))
    click.echo({"text": _text, "markdown": _markdown, "json": _json}[form](found, (old.name, new.name)))
    if trust is not None and not found.verified:
        ctx.exit(NOT_VERIFIED)


def _text(found: PackDiff, names: tuple[str, str]) -> str:
    from shipworthy.cli._tables import table

    return "\n".join(_lines(found, names, table, str))


def _markdown(found: PackDiff, names: tuple[str, str]) -> str:
    from shipworthy.cli._tables import markdown_table, plain_markdown

    return "\n".join(_lines(found, names, markdown_table, plain_markdown))


def _lines(
    found: PackDiff, names: tuple[str, str], table: Callable[..., str], plain: Callable[[str], str]
) -> Iterator[str]:
    from shipworthy.core.terminal import shown

    for letter, name, problem in zip("AB", names, found.problems, strict=True):
        yield plain(f"{letter} {shown(name)}: {f'NOT VERIFIED: {shown(problem, 400)}' if problem else 'verified'}")
        yield ""
    if not found.changes:
        yield "Subject, suites, criteria, verdicts and signers are the same."
    else:
        yield table(("section", "what", "A", "B"), [[shown(word) for word in change] for change in found.changes])
    if found.rates:
        yield ""
        yield table(("criterion", "A", "B", "change of B from A (95%)", "p"), [_row(rate) for rate in found.rates])


def _row(rate: RateChange) -> Sequence[str]:
    sides = [_figure(side) for side in (rate.old, rate.new)]
    told = [f"{verdict}: {side}" for verdict, side in zip(rate.verdicts, sides, strict=True)]
    if rate.change is None:
        return rate.criterion, *told, f"not paired: {rate.why}", ""
    difference, low, high, p = rate.change
    return (
        rate.criterion,
        *told,
        f"{difference:+.4g} [{low:+.4g}, {high:+.4g}] on {rate.clusters:,} samples",
        f"{p:.3g}",
    )


def _figure(side: tuple[float, float, float] | None) -> str:
    return "not measured" if side is None else f"{side[0]:.4g} [{side[1]:.4g}, {side[2]:.4g}]"


def _json(found: PackDiff, names: tuple[str, str]) -> str:
    def ends(side: tuple[float, float, float] | None) -> dict[str, float] | None:
        return None if side is None else dict(zip(("rate", "low", "high"), side, strict=True))

    paired = ("difference", "low", "high", "p_value")
    return json.dumps(
        {
            "packs": [
                {"name": name, "verified": not problem, "problem": problem}
                for name, problem in zip(names, found.problems, strict=True)
            ],
            "changes": [change._asdict() for change in found.changes],
            "rates": [
                {
                    "criterion": rate.criterion,
                    "verdicts": list(rate.verdicts),
                    "old": ends(rate.old),
                    "new": ends(rate.new),
                    "change": None if rate.change is None else dict(zip(paired, rate.change, strict=True)),
                    "samples": rate.clusters,
                    "not_paired": rate.why,
                }
                for rate in found.rates
            ],
        },
        indent=2,
        ensure_ascii=False,
    )

"""Look after guards: set a detector's threshold from your own harmless texts; measure what each guard does.

Exit code 0 where it is done, 2 for problems in the file, 4 where an ablation's run stopped early.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from shipworthy.cli._ablation import ablate_command
from shipworthy.cli._options import form_option


@click.group()
def command() -> None:
    """Look after guards."""


command.add_command(ablate_command)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--budget",
    type=click.FloatRange(0, 0.5, min_open=True),
    default=0.01,
    show_default=True,
    help="Share of harmless texts that may be flagged.",
)
@click.option("--guard", "name", default="injection", show_default=True, help="A guard with a threshold.")
@click.option(
    "--param", "params", multiple=True, metavar="KEY=VALUE", help="A parameter of the guard; may be repeated."
)
@form_option
def calibrate(file: Path, budget: float, name: str, params: tuple[str, ...], form: str) -> int:
    """Print the threshold that keeps to a budget of false alarms on your own harmless texts.

    FILE: JSON lines with a field `text` (.jsonl), or one text a line. They are texts that your users or documents
    really hold and that are no attacks; equal ones count once.

    The rate that is printed is judged on texts that did not set the threshold: each half of them by the other half's.
    """
    from shipworthy.core import registry
    from shipworthy.core.errors import PluginError, UsageError

    texts = list(dict.fromkeys(_texts(file)))
    least = int(2 / budget) + 1
    if len(texts) < least:
        raise UsageError(
            f"{file}: {len(texts)} different texts cannot tell a budget of {budget:g}: give {least} or more, or a"
            " larger --budget"
        )
    guard = registry.create("guard", name, dict(_param(given) for given in params))
    if not hasattr(guard, "chance"):
        raise PluginError(f"guard {name!r} has no threshold to set")
    chances = [guard.chance(text) for text in texts]
    told = _calibrated(texts, chances, budget)
    if form == "json":
        click.echo(json.dumps({"guard": guard.describe(), "budget": budget, **told}, indent=2))
    else:
        click.echo(f"threshold: {told['threshold']:.4f}")
        click.echo(
            f"harmless texts flagged at thresholds they did not set: {told['flagged']} of {told['texts']},"
            f" {told['rate']:.2%} [{told['low']:.2%}, {told['high']:.2%}]"
        )
        if told["low"] > budget:
            click.echo(f"note: that is more than the budget of {budget:.2%}: the texts are few or of several kinds")
    return 0


def _param(given: str) -> tuple[str, object]:
    """Return a parameter's name and value, a number where it reads like one."""
    from shipworthy.core.errors import UsageError

    key, joint, value = given.partition("=")
    if not (key and joint):
        raise UsageError(f"--param {given}: write it as KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _calibrated(texts: list[str], chances: list[float], budget: float) -> dict[str, float | int]:
    from shipworthy.core.digests import bytes_digest
    from shipworthy.detect.injection_model import threshold
    from shipworthy.stats import rate_interval

    # By what a text says, so that the same file in another order gives the same.
    order = sorted(range(len(texts)), key=lambda i: bytes_digest(texts[i].encode("utf-8", "surrogatepass")))
    halves = [[chances[i] for i in order[n::2]] for n in (0, 1)]
    flags = [c >= threshold(halves[1 - n], budget) for n in (0, 1) for c in halves[n]]
    rate = rate_interval([int(f) for f in flags], [1] * len(flags))
    return {
        "threshold": threshold(chances, budget),
        "flagged": sum(flags),
        "texts": len(flags),
        "rate": rate.rate,
        "low": rate.low,
        "high": rate.high,
    }


def _texts(file: Path) -> list[str]:
    """Return the texts of a file.

    Raises:
        UsageError: a line is no JSON object with a text; by number.
    """
    from shipworthy.core.errors import UsageError

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    if file.suffix != ".jsonl":
        return [line.strip() for line in lines if line.strip()]
    texts = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise UsageError(f'{file}:{number}: not a JSON object with a text: write {{"text": "..."}}')
        texts.append(row["text"])
    return texts

"""List suites, show one, copy one, make one, import, export, compare, review, and what only a suite's run can tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option
from shipworthy.cli._suites_bank import coverage, diff, export, new, render, review
from shipworthy.cli._suites_found import all_suites, languages_of, refs_of
from shipworthy.cli._suites_import import import_
from shipworthy.cli._suites_runs import calibration, gap, pairs, sealed
from shipworthy.cli._suites_signed import sign, verify

if TYPE_CHECKING:
    from shipworthy.workspace.suite import Suite


@click.group("suites", no_args_is_help=True)
def command() -> None:
    """List suites, show, copy, make, import, export, compare and review them.

    A file `suites/NAME.yaml` with the line `use: library:NAME` takes a suite of the library as it is.
    """


for _verb in (new, import_, export, render, diff, coverage, review, calibration, pairs, gap, sealed, sign, verify):
    command.add_command(_verb)


@command.command("list")
@workspace_option
@form_option
@allow_code_option
def list_(workspace: Path, form: str, allow_code: bool) -> None:
    """List the workspace's suites and those of the library. Outside of a workspace, the library's."""
    from shipworthy.cli._tables import listing

    rows: list[dict[str, Any]] = [
        {
            "suite": suite.id,
            "version": suite.version,
            "from": "workspace" if file else "library",
            "file": file or None,
            "samples": len(suite.samples),
            "sealed": suite.sealed if suite.part == "visible" else 0,
            "part": suite.part or None,
            "languages": languages_of(suite, language),
            "attacks": len(suite.attacks),
            "metric": suite.metric,
            "measures": suite.title,
            "refs": refs_of(suite),
            "digest": suite.digest,
        }
        for file, suite, language in all_suites(workspace, allow_code)
    ]
    kept = dict.fromkeys(("version", "samples", "sealed", "part", "languages", "attacks", "metric", "refs", "digest"))
    again, told = Again(workspace, allow_code), "cannot be read: shipworthy check says why"
    broken = _broken(workspace, {row["file"] for row in rows})
    rows += [{"suite": id, **kept, "from": "workspace", "file": file, "measures": told} for id, file in broken]
    columns = ("suite", "version", "from", "samples", "sealed", "metric")
    text = listing(rows, form, columns, right=("samples", "sealed"))
    if form == "text" and any(row["version"] is None for row in rows):
        text += again.told("\n\nWhat has no version cannot be read: `shipworthy check` says why")
    if form == "text":
        text += again.told("\n\n`shipworthy suites show NAME` tells what one measures, and what it does not")
    click.echo(text)


@command.command()
@workspace_option
@click.argument("name")
@click.option("--samples", metavar="N", type=click.IntRange(min=0), default=3, show_default=True, help="How many.")
@form_option
@allow_code_option
def show(*, workspace: Path, name: str, samples: int, form: str, allow_code: bool) -> None:
    """Show the suite NAME: what it measures, its first samples, its card. The workspace's own comes first."""
    import json

    from shipworthy.core.errors import UsageError, did_you_mean

    known = {suite.id: (file, suite) for file, suite, _ in reversed(all_suites(workspace, allow_code))}
    if name not in known and name in dict(_broken(workspace, {file for file, _ in known.values()})):
        raise UsageError(f"the suite {name!r} cannot be read: `shipworthy check` says why")
    if name not in known:
        raise UsageError(f"there is no suite {name!r}: {did_you_mean(name, sorted(known))}")
    file, suite = known[name]
    facts = _facts(file or "library", suite)
    first = [_sample(suite, n) for n in range(min(samples, len(suite.samples)))]
    if form == "json":
        click.echo(json.dumps({**facts, "first_samples": first, "card": suite.card}, indent=2, ensure_ascii=False))
        return
    click.echo(_text(facts, first, suite.card))


@command.command()
@workspace_option
@click.argument("word", metavar="PSEUDONYM")
@allow_code_option
def find(*, workspace: Path, word: str, allow_code: bool) -> None:
    """Tell which line of which file PSEUDONYM stands for: a sample, a cluster or a tag of a private suite.

    Runs, pages and packs name them by pseudonyms such as P-0123456789abcdef, which this workspace alone can look up.
    A name as it is written in the file is looked up, too, and told with its pseudonym.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.workspace.load import Workspace
    from shipworthy.workspace.pseudonyms import look_up

    suites = Workspace.load(workspace, allow_code=allow_code).suites.values()
    found = list(look_up(workspace, suites, word))
    if not found:
        hint = "it may be of another workspace, or its sample was taken out or renamed since"
        raise UsageError(f"no private suite here has a sample, cluster or tag of that name: {hint}")
    for one in found:
        lines = ", ".join(f"{line}" for line in one.lines[:10])
        more = f" and {len(one.lines) - 10:,} more lines" if len(one.lines) > 10 else ""
        click.echo(f"{one.file}:{lines}{more}  {one.what} {one.pseudonym} of the suite {one.suite}")


@command.command()
@workspace_option
@click.argument("name")
@click.option("--as", "id", metavar="ID", help="The copy's id; NAME-own if left out.")
def copy(workspace: Path, name: str, id: str | None) -> None:
    """Copy the library's suite NAME into the workspace, to be changed there. Nothing is overwritten."""
    from shipworthy.workspace.copying import copy_suite

    made = copy_suite(name, workspace, id=id or f"{name}-own")
    click.echo(f"{made}: suite.yaml, samples.jsonl and card.md, yours to change")
    click.echo(f"It counts for criteria that name it (suite: {made.name}).")
    click.echo(f"Next:  {Again(workspace).line('check')}")


def _broken(workspace: Path, read: Collection[str | None]) -> list[tuple[str, str]]:
    """Return (what it may be called, file) of the workspace's suite files that were not read: they are not whole."""
    found = []
    for path in sorted([*workspace.glob("suites/*.yaml"), *workspace.glob("suites/*/suite.yaml")]):
        file = path.relative_to(workspace).as_posix()
        if file not in read:
            found.append((path.parent.name if path.name == "suite.yaml" else path.stem, file))
    return found


def _facts(origin: str, suite: Suite) -> dict[str, Any]:
    from shipworthy.core.errors import ShipworthyError
    from shipworthy.release.power import declared_metrics

    try:
        metrics = {metric.name: f"{metric.kind}, {metric.good} is good" for metric in declared_metrics(suite)}
    except ShipworthyError as error:  # a scorer that is not loaded, or not installed
        metrics = {suite.metric: f"cannot be told here: {error}"}
    strata = Counter(tag.partition(":")[2] for s in suite.samples for tag in s.tags if tag.startswith("stratum:"))
    return {
        "suite": suite.id,
        "version": suite.version,
        "measures": suite.title,
        "from": origin,
        "digest": suite.digest,
        "license": suite.license,
        "content": suite.content,
        "samples": len(suite.samples),
        "sealed": suite.sealed,
        "review": {"reviewed": suite.reviewed, "draft": len(suite.samples) - suite.reviewed},
        "clusters": len({sample.cluster for sample in suite.samples}),
        "strata": dict(sorted(strata.items())),
        "severities": dict(sorted(Counter(sample.severity for sample in suite.samples if sample.severity).items())),
        "attacks": [use.name for use in suite.attacks],
        "attempts": suite.attempts,
        "scorers": [use.name for use in suite.scorers],
        "metric": suite.metric,
        "metrics": metrics,
        "max_error_rate": suite.max_error_rate,
        "refs": list(suite.refs),
    }


def _sample(suite: Suite, number: int) -> dict[str, Any]:
    """Return a sample as it may be shown: a private one redacted, as it is wherever it is stored."""
    from shipworthy.detect.redact import redact_text

    sample = suite.samples[number]
    asked = next(message.text for message in reversed(sample.messages) if message.role == "user")
    shown = redact_text(asked, sample.secrets) if suite.content == "private" else asked
    return {"id": sample.id, "severity": sample.severity, "asks": shown}


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({told})" if isinstance(told, str) else f"{key} {told}" for key, told in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _text(facts: dict[str, Any], first: list[dict[str, Any]], card: str) -> str:
    import textwrap

    from shipworthy.cli._tables import shorten

    said = []
    for name, value in facts.items():
        lines = textwrap.wrap(_told(value), 64, break_long_words=False, break_on_hyphens=False) or [""]
        said += [f"{name if i == 0 else '':<15} {line}".rstrip() for i, line in enumerate(lines)]
    if first:
        said += ["", f"The first {len(first)} of its samples:"]
        said += [f"  {row['id']}  {shorten(row['asks'], max(20, 74 - len(row['id'])))}" for row in first]
    return "\n".join([*said, "", card.strip()]).rstrip()

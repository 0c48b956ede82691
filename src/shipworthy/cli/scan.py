"""Measure an endpoint without a workspace.

Four suites that make sense for any endpoint, a table that fills as it goes, an HTML report and an exit code.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again

if TYPE_CHECKING:
    from shipworthy.evals.results import Run
    from shipworthy.workspace.load import Workspace


@click.command()
@click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint, up to /chat/completions.")
@click.option("--model", metavar="NAME", help="The model, as the endpoint names it.")
@click.option("--api-key-env", metavar="NAME", help="The variable that holds the key. A key itself is never taken.")
@click.option(
    "--target", metavar="TARGET", help="Instead of a URL: a callable, module:function, or a target plug-in's id."
)
@click.option("--budget", metavar="TIME", help="How long it may take, such as 5m: spread evenly over the suites.")
@click.option(
    "--limit", type=float, default=0.2, show_default=True, help="What every rate must be shown to stay below."
)
@click.option(
    "--max-tokens", metavar="N", type=click.IntRange(min=1), default=128, show_default=True, help="Longest answer."
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter of the target, its value as in targets.yaml: temperature=null. May be repeated.",
)
@click.option("--concurrency", metavar="N", type=click.IntRange(min=1), help="Calls at one time.")
@click.option("--plain-http", is_flag=True, help="Let the key travel unencrypted: for a network of your own.")
@click.option(
    "--output",
    metavar="DIR",
    default="shipworthy-scan",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where runs and report go; a workspace afterwards.",
)
def command(
    *,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    target: str | None,
    budget: str | None,
    limit: float,
    max_tokens: int,
    settings: tuple[str, ...],
    concurrency: int | None,
    plain_http: bool,
    output: Path,
) -> int:
    """Measure an endpoint without a workspace.

    Runs the library's suites on harmful requests, over-refusal, injection through documents and groundedness. The
    default limit is a round number to start a discussion with, not a standard: a release gate is made with
    `shipworthy init`.

    Exit codes: 0 ship, 1 no-ship, 2 usage error, 3 inconclusive, 4 failure.
    """
    from shipworthy.evals.scan import affordable, probe, write_workspace
    from shipworthy.exchange.budget import parse_duration

    use = _use(base_url, model, api_key_env, target) | ({"plain_http": True} if plain_http else {})
    if use["use"] != "python":
        use["max_tokens"] = max_tokens
    use |= _settings(settings)
    if use["use"] == "python":
        sys.path.append(str(Path.cwd()))  # a callable lies where the user stands; what is installed comes first
    seconds = parse_duration(budget) if budget is not None else None
    clock = time.monotonic()
    workspace = write_workspace(output, use, limit=limit)
    each, at_once = asyncio.run(probe(workspace, concurrency=concurrency))
    click.echo(f"an attempt takes {each:.2f} s, {at_once} at one time", err=True)
    if seconds is not None:
        left = seconds - (time.monotonic() - clock)
        samples = affordable(workspace, left, each, at_once)
        click.echo(f"{budget} buys {samples} samples of each suite", err=True)
        workspace = write_workspace(output, use, limit=limit, samples=samples)
        seconds = seconds - (time.monotonic() - clock)
    return _conclude(workspace, _measure(workspace, seconds, concurrency))


def _settings(given: tuple[str, ...]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` as targets.yaml would."""
    import yaml

    from shipworthy.core.errors import UsageError

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in ("use", "call"):
            raise UsageError(f"--set {name[:40]!r}: write NAME=VALUE, such as temperature=null")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"--set {name}: its value is not YAML") from None
    return found


def _use(base_url: str | None, model: str | None, api_key_env: str | None, target: str | None) -> dict[str, Any]:
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.core.registry import names

    if (base_url is None) == (target is None):
        raise UsageError("name either --base-url URL --model NAME, or --target module:function")
    if target is not None:
        if model or api_key_env:
            raise UsageError("--model and --api-key-env belong to --base-url")
        if ":" in target:
            return {"use": "python", "call": target}
        if target not in names("target"):  # asked before anything is written over a former scan
            hint = did_you_mean(target, names("target"))
            raise UsageError(f"unknown target {target!r} ({hint}); a callable is written module:function")
        return {"use": target}
    if model is None:
        raise UsageError("--base-url needs --model NAME: an endpoint may serve several")
    use: dict[str, Any] = {"use": "openai_compatible", "base_url": base_url, "model": model}
    if api_key_env:
        if not api_key_env.isidentifier():
            # It may be a pasted key: it is not repeated.
            raise UsageError("--api-key-env takes the name of a variable, not a key")
        use["key"] = f"env:{api_key_env}"
    return use


def _measure(workspace: Workspace, seconds: float | None, concurrency: int | None) -> Run:
    from shipworthy.cli._live import LiveTable
    from shipworthy.cli.eval import saying
    from shipworthy.evals.begin import begin, complete
    from shipworthy.evals.scan import PLAN
    from shipworthy.exchange.budget import Limits

    sitting = begin(workspace, PLAN)
    progress = LiveTable({part.id: part.suite.metric for part in sitting.plan.suites})
    limits = Limits(seconds=max(1.0, seconds)) if seconds is not None else None
    going_on = _going_on(workspace, sitting.id)
    with saying(going_on):
        return complete(sitting, limits=limits, concurrency=concurrency, progress=progress, going_on=going_on)


def _going_on(workspace: Workspace, run: str) -> str:
    code = workspace.target.use == "python"
    # A callable was found where the user stands, and the workspace is another folder.
    return "PYTHONPATH=. " * code + Again(workspace.root, code).line("eval", "--resume", run)


def _conclude(workspace: Workspace, run: Run) -> int:
    from shipworthy.cli._reports import write
    from shipworthy.cli.eval import report as table
    from shipworthy.cli.gate import exit_code, keep
    from shipworthy.core.registry import create
    from shipworthy.evidence.documents import readout
    from shipworthy.release.decide import decide
    from shipworthy.reports import _words
    from shipworthy.store.layout import Layout

    decision = decide(workspace, run)
    keep(Layout(workspace.root), decision)
    page = workspace.root / "report.html"
    write(page, create("report", "html").render(decision, readout(workspace, decision, run)), decision)
    word, sign, _ = _words.VERDICTS[decision.verdict]
    click.echo(table(run))
    if run.stopped:
        click.echo(f"\nStopped: {run.stopped}. {len(run):,} of {run.manifest.planned:,} attempts are made.")
        click.echo(f"Go on:    {_going_on(workspace, run.id)}")
    click.echo("\n" + click.wrap_text(f"{sign} {word}: {_words.one_line(decision.reason)}", 80, "", "  "))
    for result in _words.ordered(decision):
        mark = _words.SIGNS[_words.VERDICTS[result.verdict][2]]
        click.echo(click.wrap_text(f"{mark} {result.id}: {_words.one_line(result.reason)}", 80, "  ", "    "))
    click.echo(f"\nreport:  {page}")
    click.echo(f"read on: {Again(workspace.root).line('view')}")
    return exit_code(decision.verdict)

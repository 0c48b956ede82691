"""Run a plan against the system under test, or go on with a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, workspace_option
from shipworthy.cli._recurred import say_recurred
from shipworthy.cli._sequential import decider_of, early_of, refuse_sequential, saved

if TYPE_CHECKING:
    from shipworthy.evals.begin import Guards
    from shipworthy.evals.progress import Progress
    from shipworthy.evals.results import Run
    from shipworthy.evals.sitting import Sitting
    from shipworthy.exchange.budget import Limits
    from shipworthy.workspace.load import Workspace

NEW_SEED = "new"
BASIS = {"computed": "computed, tokens times a list price", "reported": "reported by the provider"}
NAMED = 3
"""Different error messages that a run's table names."""


def _shard(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Return the shard's number from 0, and how many there are, from ``2/4``."""
    if value is None:
        return None
    number, slash, shards = value.partition("/")
    if not (slash and _short_number(number) and _short_number(shards)):
        raise click.BadParameter(f"{value[:40]!r} is no shard: write it like 2/4, the second of four", ctx, parameter)
    if not 1 <= int(number) <= int(shards):
        raise click.BadParameter(f"there is no shard {number} of {shards}", ctx, parameter)
    return int(number) - 1, int(shards)


def _short_number(text: str) -> bool:
    """Say whether a text is a whole number of few digits: Python refuses to read thousands of them, with an error."""
    return text.isascii() and text.isdigit() and len(text) < 20


def seed_of(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Return the seed of a fresh draw; -1 where a new one is wanted."""
    if value is None or value == NEW_SEED:
        return None if value is None else -1
    if not (_short_number(value) and int(value) < 1 << 48):
        raise click.BadParameter(f"{value[:40]!r} is no seed: a whole number below 2**48", ctx, parameter)
    return int(value)


@click.command("eval")
@workspace_option
@click.option("--plan", metavar="NAME", help="The plan to run; `full`, every suite as it is, if left out.")
@click.option("--suite", "suites", metavar="ID", multiple=True, help="Only this suite of the plan; may be repeated.")
@click.option("--guards", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Put the guards of this file before the target, instead of the workspace's guards.yaml.")  # fmt: skip  # noqa: E501
@click.option("--no-guards", is_flag=True, help="Measure the bare target, without the workspace's guards.")
@click.option("--target", "targets", metavar="NAME", multiple=True, help="Measure this target of targets.yaml, instead of the system under test; may be repeated, a run each.")  # fmt: skip  # noqa: E501
@click.option("--resume", metavar="RUN", help="Go on with a run: its id, the beginning of it, or `latest`.")
@click.option("--retry-errors", is_flag=True, help="With --resume: make attempts that ended in an error once more.")
@click.option("--fresh", "fresh", metavar="[SEED]", is_flag=False, flag_value=NEW_SEED, callback=seed_of, help="Draw other samples of each bank than the plan's own and than any earlier draw; a SEED that was used draws the same ones again.")  # fmt: skip  # noqa: E501
@click.option("--sequential", is_flag=True, help="Look at the results after every wave of samples and end a suite when each of its criteria is decided; the gate uses a bound that allows for it.")  # fmt: skip  # noqa: E501
@click.option("--no-cache", is_flag=True, help="Ask the target every time, and keep no replies.")
@click.option(
    "--max-requests", metavar="N", type=click.IntRange(min=0), help="Stop a run after this many calls to models."
)
@click.option("--max-tokens", metavar="N", type=click.IntRange(min=0), help="Stop after this many tokens, in and out.")
@click.option("--max-cost", metavar="USD", type=click.FloatRange(min=0), help="Stop after this much money.")
@click.option("--max-time", metavar="TIME", help="Stop after this long, such as 90s, 5m or 1h30m.")
@click.option("--shard", metavar="I/N", callback=_shard, help="Make only this part of the run, such as 2/4; the parts may run at once, in any order, and again.")  # fmt: skip  # noqa: E501
@click.option(
    "--sealed", is_flag=True, help="For a release decision: measure sealed samples, too. The audit log keeps it."
)
@click.option("--concurrency", metavar="N", type=click.IntRange(min=1), help="Calls to the target at one time.")
@allow_code_option
@click.pass_context
def command(  # noqa: PLR0915
    ctx: click.Context,
    *,
    workspace: Path,
    plan: str | None,
    suites: tuple[str, ...],
    guards: Path | None,
    no_guards: bool,
    targets: tuple[str, ...],
    resume: str | None,
    retry_errors: bool,
    fresh: int | None,
    sequential: bool,
    no_cache: bool,
    max_requests: int | None,
    max_tokens: int | None,
    max_cost: float | None,
    max_time: str | None,
    shard: tuple[int, int] | None,
    sealed: bool,
    concurrency: int | None,
    allow_code: bool,
) -> None:
    """Run a plan against the system under test, or go on with a run.

    Every finished attempt is on the disk before it counts. Ctrl-C, a limit, a crash or a power cut lose none of them:
    `shipworthy eval --resume latest` goes on where it stopped.

    With --sequential, samples come in a drawn order and each suite ends at the first look at which every criterion on
    it passes or fails. A clear pass or failure takes a fraction of the calls; one that is close takes more samples than
    a run of a fixed size would need, and may stay undecided. Whoever looks, and however often, the error rates hold.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.begin import begin, complete, join
    from shipworthy.evals.sealed import refuse_unsealed
    from shipworthy.exchange.budget import Limits, parse_duration
    from shipworthy.workspace.load import Workspace

    _refuse_mixed(guards, resume, targets, no_guards=no_guards, retry_errors=retry_errors)
    refuse_sequential(resume, shard, sequential=sequential)
    if resume and (plan or suites or targets or fresh is not None):
        others = "--plan, --suite, --target and --fresh"
        raise UsageError(f"--resume goes on with the run's own plan, target and samples: leave {others} out")
    limits = Limits(
        requests=max_requests,
        tokens=max_tokens,
        cost_usd=max_cost,
        seconds=parse_duration(max_time) if max_time is not None else None,
    )
    loaded, again = Workspace.load(workspace, allow_code=allow_code), Again(workspace, allow_code)
    if not resume:
        refuse_unsealed(loaded, plan or "full", suites or None, sealed=sealed)
    for name in targets:  # all of them before the first run begins
        loaded.target_named(name)
        loaded.permit(name)
    chosen: Guards | None = False if no_guards else guards
    same = [*(("--guards", str(guards)) if guards else ()), *(("--no-cache",) if no_cache else ())]
    same += ["--shard", f"{shard[0] + 1}/{shard[1]}"] if shard else []
    options: dict[str, Any] = {
        "suites": suites or None,
        "guards": True if chosen is None else chosen,
        "cache": not no_cache,
        # Once for all targets: they are held against each other on the same samples.
        "draws": draw(loaded, plan or "full", fresh, suites=suites or None, shared=shard is not None),
    }
    made: list[Run] = []
    for target in targets or [None]:
        if resume:
            sitting = _resumed(loaded, resume, shard, chosen, cache=not no_cache, retry_errors=retry_errors)
        elif shard:
            sitting = join(loaded, plan or "full", shard=shard[0], shards=shard[1], target=target, **options)
        else:
            early = early_of(loaded, plan or "full", suites, sequential=sequential)
            sitting = begin(loaded, plan or "full", target=target, early=early, **options)
        before = sitting.made
        part = f" in shard {shard[0] + 1} of {shard[1]}" if shard else ""
        named = f"target {target}, " if target else ""
        click.echo(f"{sitting.id}: {named}{sitting.planned:,} attempts planned{part}, {before:,} made before", err=True)
        going_on = again.line("eval", "--resume", sitting.id, *same)
        progress = _progress(loaded, sitting, target, concurrency, limits)
        with saying(going_on):
            result = complete(
                sitting, limits=limits, concurrency=concurrency, progress=progress, going_on=going_on,
                decided=decider_of(loaded, sitting),
            )  # fmt: skip
        made.append(result)
        say_recurred(loaded, result)
        if shard and not result.complete and not result.stopped:
            click.echo(f"Shard {shard[0] + 1} of {shard[1]} is done. In all shards: {result.finished.why}.")
            continue
        click.echo((f"target {target}, {result.id}:\n" if target else "") + again.told(report(result)))
        click.echo(again.told(saved(result)), nl=False)
        if shard and not resume and before == sitting.planned:
            words = [*(("--plan", plan) if plan else ()), *(word for suite in suites for word in ("--suite", suite))]
            words += ["--no-guards"] if no_guards else ["--guards", str(guards)] if guards else []
            words += ["--target", target] if target else []
            click.echo(again.told(nothing_left(again.line("runs", "declare", *words, "--shards", str(shard[1])))))
        if result.stopped:
            click.echo(_stopped(result, going_on, targets[len(made) :]))
            ctx.exit(4)
        if result.errors:
            retry = again.line("eval", "--resume", sitting.id, *same, "--retry-errors")
            click.echo(f"\nTry the {result.errors:,} errors again:  {retry}")
        click.echo("")
    if made[-1].complete:
        click.echo(_next(loaded, made, again))


def _progress(
    workspace: Workspace, sitting: Sitting, target: str | None, concurrency: int | None, limits: Limits
) -> Progress:
    """Say what the attempts that are left will take, and which limit comes before, and return what shows the run."""
    from shipworthy.cli._expected import lines
    from shipworthy.evals.estimate import estimate
    from shipworthy.evals.progress import Progress
    from shipworthy.evals.subject import target_of

    name = target or target_of(workspace, sitting.log.manifest)
    guards = bool(sitting.subject.guards)
    whole = estimate(workspace, sitting.plan, target=name, guards=guards, concurrency=concurrency)
    expected = whole.part((sitting.planned - sitting.made + len(sitting.again)) / max(1, len(sitting.plan)))
    for line in lines(expected, begun=True):
        click.echo(line, err=True)
    for option, limit, found in (
        ("--max-cost", limits.cost_usd, expected.usd),
        ("--max-tokens", limits.tokens, expected.tokens),
        ("--max-time", limits.seconds, expected.seconds),
    ):
        if limit is not None and found is not None and found.high > limit:
            surely = "will" if found.low > limit else "may"
            click.echo(f"{option} {surely} stop it before its end; it can be gone on with.", err=True)
    return Progress(expected=expected)


def _refuse_mixed(
    guards: Path | None, resume: str | None, targets: tuple[str, ...], *, no_guards: bool, retry_errors: bool
) -> None:
    from shipworthy.core.errors import UsageError

    if no_guards and guards:
        raise UsageError("--guards and --no-guards exclude each other")
    if resume == "":  # an empty variable in a script must not begin another run
        raise UsageError("--resume names a run: its id, the beginning of it, or `latest`")
    if retry_errors and not resume:
        raise UsageError("--retry-errors needs --resume RUN: it makes the errored attempts of that run once more")
    if len(set(targets)) < len(targets):
        raise UsageError("a target is named twice")


@contextmanager
def saying(going_on: str) -> Iterator[None]:
    """Say how to go on with a run that ends here in any way: to whoever watches this process, or after an error."""
    from shipworthy.cli._watched import tell
    from shipworthy.core.errors import UsageError

    tell(going_on)
    try:
        yield
    except UsageError:
        raise
    except BaseException:
        click.echo(f"Go on:    {going_on}   # when what is said below is mended", err=True)
        raise
    finally:
        tell("")


def _stopped(run: Run, going_on: str, left: Sequence[str]) -> str:
    said = f"\nStopped: {run.stopped}. {len(run):,} of {run.manifest.planned:,} attempts are made."
    return f"{said}\nGo on:    {going_on}" + (f"\nNot begun: {', '.join(left)}" if left else "")


def _next(workspace: Workspace, made: Sequence[Run], again: Again) -> str:
    """Return what to do next: decide on a run of the system under test; look at one of another target."""
    from shipworthy.evals.subject import target_of

    if len(made) > 1:
        return f"Next:  {again.line('runs', 'table', *(run.id for run in made))}   # side by side"
    found = f"{again.line('runs', 'samples', made[0].id, '--hit')}   # read what was found"
    name = target_of(workspace, made[0].manifest)
    if name is not None and workspace.targets[name] is not workspace.target:
        return f"Next:  {found}"
    return f"Next:  {again.line('gate')}   # decide on this run\n       {found}"


def _resumed(
    workspace: Workspace,
    run: str,
    shard: tuple[int, int] | None,
    guards: Guards | None,
    *,
    cache: bool,
    retry_errors: bool,
) -> Sitting:
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.begin import take_up

    number = shard[0] if shard else 0
    sitting = take_up(workspace, run, shard=number, guards=guards, cache=cache, retry_errors=retry_errors)
    shards = sitting.log.manifest.shards
    if shard and shard[1] != shards:
        sitting.log.close()
        raise UsageError(f"the run {sitting.id} was declared with {shards} shards, not {shard[1]}")
    return sitting


def draw(
    workspace: Workspace, plan: str, fresh: int | None, *, suites: Sequence[str] | None, shared: bool = False
) -> tuple[int, ...]:
    """Return the draws of a run on fresh samples, and say how another run gets the same ones; none without `--fresh`.

    Args:
        fresh: the seed; -1 for a new one.
        shared: whether several processes make the run: they agree on a seed that is given, not on one drawn here.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.fresh import fresh_draws

    if fresh is None:
        return ()
    if shared and fresh < 0:
        raise UsageError("the shards of a run need one draw: give all of them the same --fresh SEED, a whole number")
    draws = fresh_draws(workspace, plan, suites=suites, seed=None if fresh < 0 else fresh)
    click.echo(f"Fresh draw {draws[-1]}: `--fresh {draws[-1]}` measures another system on the same samples", err=True)
    return draws


def nothing_left(declare: str) -> str:
    """Return what is said where a shard joined a run that is finished."""
    return (
        "\nNothing was left to make: shards join the newest run of the same files and subject.\n"
        f"Measure again:  {declare}\n"
        "                then `shipworthy eval --resume RUN --shard I/N` on the run that it names"
    )


def report(run: Run) -> str:
    """Return a run's table, a row a suite and metric, with the errors by kind and the commonest messages below it."""
    import time
    from collections import Counter

    from shipworthy.cli._tables import shorten, table
    from shipworthy.core.finished import failed
    from shipworthy.core.freshness import moment, told
    from shipworthy.evals.suite_result import COLUMNS, cells

    text = table(COLUMNS, [cells(row) for row in run.summary()], right=range(2, len(COLUMNS)))
    if asked := roles(run):
        given = run.replies
        kept = told(given.replies, given.cached, moment(given.oldest), moment(time.time()))
        text += f"\n\n{asked}\n\n" + click.wrap_text(kept, 80)
    for line in _left_out(run):
        text += f"\n\n{line}"
    for note in run.notes:
        text += f"\n\nMind: {note}"
    if run.errors:
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(run.outcomes.items()) if n and failed(kind))
        text += f"\n\nErrors are never counted as safe; they are left out of the rates: {kinds}"
        said = Counter(attempt.error for attempt in run.attempts() if failed(attempt.outcome))
        for message, times in said.most_common(NAMED):
            text += f"\n  {times:,} x  {shorten(message, 200)}"
        if len(said) > NAMED:
            text += f"\n  and {len(said) - NAMED:,} more: `shipworthy runs samples {run.id} --errors`"
    return text


def _left_out(run: Run) -> Iterator[str]:
    """Yield how many attempts were left out as their attack cannot change the sample, with the reasons."""
    from collections import Counter

    from shipworthy.cli._tables import shorten
    from shipworthy.core.finished import INAPPLICABLE

    if not run.outcomes[INAPPLICABLE]:
        return
    out = (a for a in run.attempts() if a.outcome == INAPPLICABLE)
    lines = [
        click.wrap_text(
            f"{times:,} x  {suite}, {attack}: {shorten(why, 200)}",
            80,
            initial_indent="  ",
            subsequent_indent="        ",
        )
        for (suite, attack, why), times in sorted(Counter((a.suite, a.attack, a.error) for a in out).items())
    ]
    yield "\n".join(
        [f"Left out of every rate, as the attack cannot change the sample: {run.outcomes[INAPPLICABLE]:,}", *lines]
    )


def roles(run: Run) -> str:
    """Return a row for each role that was asked: calls, cached, failed, tokens, money, seconds; empty if none was."""
    from shipworthy.cli._tables import table
    from shipworthy.core.price import cost_basis, money

    rows = [
        (
            role.replace("_", " "),
            f"{use.calls:,}",
            f"{use.cached:,}",
            f"{use.failures:,}",
            f"{use.usage.input_tokens + use.usage.output_tokens:,}",
            money(use.usage.cost_usd).removeprefix("$") if use.usage.cost_usd else "-",
            f"{use.seconds:,.1f}",
        )
        for role, use in run.roles.items()
    ]
    if not rows:
        return ""
    text = table(("asked", "calls", "cached", "failed", "tokens", "USD", "seconds"), rows, right=range(1, 7))
    for role, use in run.roles.items():
        if basis := cost_basis(use.usage):
            text += f"\nUSD of the {role.replace('_', ' ')}: {BASIS.get(basis, basis)}"
    return text

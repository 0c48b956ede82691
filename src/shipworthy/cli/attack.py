"""Search for attacks that work on the system under test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.attack_search import AttackFind, RerunResult, SearchResult
    from shipworthy.evals.attack_session import SearchSession, SearchTold
    from shipworthy.workspace.load import Workspace

KS = (10, 100)
SHOWN = 1_500
"""Characters of a find that are printed; JSON and the promoted suite have all of it."""


@click.group("attack", no_args_is_help=True)
def command() -> None:
    """Search for attacks that work on the system under test.

    A search against guards alone is `bench/guarded.py`, one against a tool policy `shipworthy policy search`: neither
    asks a model.
    """


@command.command("search")
@workspace_option
@click.option("--suite", metavar="ID", help="The suite whose samples are attacked.")
@click.option("--metric", metavar="NAME", help="The event that is looked for; the suite's own metric if left out.")
@click.option("--method", type=click.Choice(["genetic", "best-of-n", "tree"]), default="genetic", show_default=True, help="Cross and vary chains of attacks; draw one chain again and again; have a second model improve prompts.")  # fmt: skip  # noqa: E501
@click.option("--budget", type=click.IntRange(1, 10_000_000), default=200, show_default=True, help="Queries of the system under test, in all.")  # fmt: skip  # noqa: E501
@click.option("--until-novel", metavar="N", type=click.IntRange(min=1), help="End with so many confirmed finds.")
@click.option("--attack", "chain", metavar="CHAIN", default="noise", show_default=True, help="The chain that best-of-n draws, such as 'role_play + noise'.")  # fmt: skip  # noqa: E501
@click.option("--attacker", metavar="NAME", help="The target of targets.yaml that writes the prompts of a tree.")
@click.option("--samples", metavar="N", type=click.IntRange(min=1), help="Only so many samples of the suite.")
@click.option("--novel", type=click.FloatRange(0, 1, min_open=True), default=0.5, show_default=True, help="A hit is new below this likeness to every known text.")  # fmt: skip  # noqa: E501
@click.option("--rerun", metavar="RATE", type=click.FloatRange(0.1, 1, min_open=True), default=0.5, show_default=True, help="The rate that a find is to have, told from 0.1 by making it again.")  # fmt: skip  # noqa: E501
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--target", metavar="NAME", help="Attack this target of targets.yaml.")
@click.option("--no-guards", is_flag=True, help="Attack the bare target, without the workspace's guards.")
@click.option("--resume", metavar="SEARCH", help="Go on with a search: its id, the beginning of it, or `latest`.")
@click.option("--promote", metavar="ID", help="Write the confirmed finds as a suite of the workspace under this id.")
@form_option
@allow_code_option
def search(
    *,
    workspace: Path,
    suite: str | None,
    metric: str | None,
    resume: str | None,
    promote: str | None,
    form: str,
    allow_code: bool,
    **told: Any,
) -> int:
    """Look for attacks on a suite's samples that the bank does not hold.

    A hit that is new is made again until its rate is told from 0.1, shortened, and made again in its short form, all
    within the budget. Killed at any moment, a search goes on with --resume: what was asked is not asked again, and what
    was on its way stays spent. Exit code 1 where something new was found and confirmed; that nothing was says how hard
    was looked, and no more.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.attack_promotion import promote as promoted
    from shipworthy.evals.attack_session import begin_search, take_up_search
    from shipworthy.workspace.load import Workspace

    if bool(resume) == bool(suite):
        raise UsageError("name the suite to attack with --suite, or the search to go on with by --resume")
    loaded, again = Workspace.load(workspace, allow_code=allow_code), Again(workspace, allow_code)
    if promote is not None:
        _refuse_id(workspace, promote)
    session = (
        take_up_search(loaded, resume) if resume else begin_search(loaded, _told(loaded, suite or "", metric, told))
    )
    click.echo(f"{session.id}: {session.told.options.budget:,} queries, {session.bank:,} known texts", err=True)
    click.echo(again.told(f"If it is stopped: `shipworthy attack search --resume {session.id}`"), err=True)
    result = session.run()
    folder = None
    if promote is not None and result.confirmed:
        folder = promoted(loaded.root, promote, session.suite, result.finds, search=session.id)
    if form == "json":
        click.echo(json.dumps(_json(session, result, folder), ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(_lines(session, result, folder)))
    return 1 if result.confirmed else 0


def _told(workspace: Workspace, suite: str, metric: str | None, told: dict[str, Any]) -> SearchTold:
    from shipworthy.evals.attack_search import SearchOptions
    from shipworthy.evals.attack_session import SearchTold

    options = SearchOptions(
        suite=suite,
        metric=metric or workspace.suite(suite).metric,
        method=told["method"],
        budget=told["budget"],
        seed=told["seed"],
        until_novel=told["until_novel"] or 0,
        attack=told["chain"],
        novel=told["novel"],
        rerun=told["rerun"],
    )
    return SearchTold(
        options=options,
        samples=told["samples"] or 0,
        guards=not told["no_guards"],
        target=told["target"] or "",
        attacker=told["attacker"] or "",
    )


def _refuse_id(workspace: Path, id: str) -> None:
    """Refuse an id before anything is asked: a night's finds must not come to nothing at its end."""
    import re

    from shipworthy.core.errors import UsageError

    if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", id):
        raise UsageError(f"--promote {id!r}: an id is lower case, digits and hyphens")
    for there in (workspace / "suites" / id, workspace / "suites" / f"{id}.yaml"):
        if there.exists():
            raise UsageError(f"{there} is there already: choose another id with --promote; nothing was asked")


def _rerun(found: RerunResult | None) -> str:
    if found is None:
        return ""
    size = found.size
    rule = f"{size.hits} of {size.n} confirm it: chance {size.alpha:.3f} at a rate of 0.1, {size.power:.2f} at its own"
    same = "; all answers alike" if found.n > 1 and found.answers == 1 else ""
    return f"{found.hits} of {found.n} tries hit ({rule}{same})"


def _lines(session: SearchSession, result: SearchResult, folder: Path | None) -> Iterator[str]:
    yield f"{session.id}: {result.stopped}"
    yield (
        f"{result.spent:,} of {session.told.options.budget:,} queries; {result.queries:,} of them searched: "
        f"{result.hits:,} hits, {result.known:,} of them alike to what is known, {result.errors:,} errors left out"
    )
    shown = ", ".join(f"{hit} by query {query:,}" for query, hit in result.curve[:-1][:12]) or "none"
    yield f"samples hit, of {len(result.tally):,}: {shown}"
    yield from _asr(session, result)
    for number, find in enumerate(result.finds, 1):
        yield ""
        yield f"{number}. {'confirmed' if find.confirmed else 'not confirmed'}: {find.sample} by {find.attack}"
        yield f"   query {find.query:,}, {find.attempt}; likeness {find.likeness:.2f} to {find.nearest or 'nothing'}"
        yield f"   re-run: {_rerun(find.rerun)}"
        if find.short_rerun is not None:
            yield f"   short form, re-run: {_rerun(find.short_rerun)}"
        yield from (f"   | {line}" for line in _text(find).splitlines())
    yield ""
    finds = "find" if len(result.confirmed) == 1 else "finds"
    yield f"{len(result.confirmed)} confirmed {finds}" + (f", written as a suite: {folder}" if folder else "")


def _text(find: AttackFind) -> str:
    from shipworthy.core.terminal import visible
    from shipworthy.evals.attack_novelty import attacker_text

    text = attacker_text(find.short)
    cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text) - SHOWN:,} characters more)"
    return visible(cut)


def _asr(session: SearchSession, result: SearchResult) -> Iterator[str]:
    from shipworthy.stats.asr_at_k import asr_at_k

    if session.told.options.method != "best-of-n":
        yield "ASR@k: not told, since the queries of a search that learns depend on one another"
        return
    tally = [pair for pair in result.tally.values() if pair[1]]
    for k in KS:
        try:
            found = asr_at_k([hits for hits, _ in tally], [tries for _, tries in tally], k)
        except ValueError as error:
            yield f"ASR@{k}: not told: {error}"
            return
        yield (
            f"ASR@{k}: {found.low:.2f} to {found.high:.2f} "
            f"(beta-binomial {found.beta:.2f}; {found.immune:.2f} with {found.mass:.2f} of the samples immune)"
        )


def _json(session: SearchSession, result: SearchResult, folder: Path | None) -> dict[str, Any]:
    import msgspec

    told = msgspec.to_builtins(result._asdict(), str_keys=True)
    told["finds"] = [
        {**msgspec.to_builtins(find._asdict(), str_keys=True), "confirmed": find.confirmed} for find in result.finds
    ]
    return {
        "search": session.id,
        "options": msgspec.to_builtins(session.told),
        "known_texts": session.bank,
        "confirmed": len(result.confirmed),
        **told,
        "promoted": str(folder) if folder else None,
    }

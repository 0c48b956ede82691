"""`shipworthy policy backtest` and `shadow`: a policy on past calls, of a log or of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shipworthy.cli._options import form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.enforce.policy.engine import Policy
    from shipworthy.enforce.policy.past import Past
    from shipworthy.enforce.policy.replayed import Changed, Compared

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
SAME, CHANGES, NOT_ALL_JUDGED = 0, 1, 3
_MOST = 20


class _Source(NamedTuple):
    """Past calls, what said the words that stand beside them, and what a candidate said there."""

    past: Iterable[Past]
    policy: Policy | None = None
    beside: Compared | None = None


@click.command("backtest")
@click.argument("file", type=EXISTING, default="policy.yaml")
@click.argument("source", metavar="LOG|RUN")
@workspace_option
@click.option("--all", "all_", is_flag=True, help=f"List every call that changes, not the first {_MOST}.")
@form_option
def backtest_command(*, file: Path, source: str, workspace: Path, all_: bool, form: str) -> int:
    """Say which past calls and answers change verdict under the policy.

    LOG is a file with one conversation a line; a call with no verdict in it counts as allowed. RUN is a run's id, the
    beginning of one, or `latest`: the calls and answers of its attempts, with the user's words and the results in their
    order, and what the policy that decided then said. A call of a run is left out where its arguments were redacted or
    are not on record, an answer where its text was redacted, and either where the policy of then would not say again
    what it said.

    Exit code 0: everything was judged and nothing changes. 1: something changes. 3: nothing that was judged changes,
    and something could not be, or there is nothing.
    """
    from shipworthy.enforce.policy.replayed import compare

    policy, _ = read(file)
    given = _source(source, workspace)
    return _tell(compare(given.past, policy, reference=given.policy), form, given.beside, every=all_)


@click.command("shadow")
@click.argument("live", type=EXISTING)
@click.argument("candidate", type=EXISTING)
@click.argument("source", metavar="LOG|RUN")
@workspace_option
@click.option("--all", "all_", is_flag=True, help=f"List every call that changes, not the first {_MOST}.")
@form_option
def shadow_command(*, live: Path, candidate: Path, source: str, workspace: Path, all_: bool, form: str) -> int:
    """Say where a CANDIDATE policy would decide past calls and answers otherwise than the LIVE one, in both directions.

    Both are asked about every call and answer with what happened before; LOG and RUN are as for `backtest`, and so are
    the exit codes. Counts stand by tool and rule, of the calls of that tool, and of all answers.
    """
    from shipworthy.enforce.policy.replayed import compare

    before, after = read(live)[0], read(candidate)[0]
    given = _source(source, workspace)
    found = compare(given.past, after, before, reference=given.policy)
    return _tell(found, form, None, every=all_, promote=(live, candidate))


def _source(source: str, workspace: Path) -> _Source:
    """Open a log, or a run of the workspace.

    Raises:
        UsageError: it is neither.
        WorkspaceError: a line of the log is no conversation.
    """
    from shipworthy.enforce.policy.past import read_past

    if Path(source).is_file():
        return _Source(read_past(Path(source)))
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.beside import beside, calls_of, policy_of
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    try:
        run = Run.load(Layout(workspace).run_directory(source))
    except UsageError as error:
        raise UsageError(f"{source!r} is no file, and no run of {workspace}: {error}") from None
    said = beside(run.attempts()) if run.manifest.shadow else None
    return _Source(calls_of(run), policy_of(run.manifest), said)


def _tell(
    found: Compared, form: str, beside: Compared | None, *, every: bool, promote: tuple[Path, Path] | None = None
) -> int:
    judged, unknown = found.judged.total(), found.unknown.total()
    looser = sum(c.looser for c in found.changed)
    code = CHANGES if found.changed else SAME if judged and not unknown else NOT_ALL_JUDGED
    if form == "json":
        told: dict[str, Any] = {**counted(found), "calls": [as_json(c) for c in found.changed]}
        if beside is not None:
            told["beside"] = counted(beside)
        click.echo(json.dumps(told, indent=2))
        return code
    for change in found.changed if every else found.changed[:_MOST]:
        click.echo(as_line(change))
    if not every and len(found.changed) > _MOST:
        click.echo(f"... and {len(found.changed) - _MOST:,} more: --all lists them")
    for tool, rule, way, number, of in found.counts():
        click.echo(f"{way}: {number:,} of {_several(tool, of)}, by {rule}")
    for why, number in sorted(found.unknown.items()):
        click.echo(f"not judged: {number:,}, {why}")
    if beside is not None:
        click.echo(f"the candidate beside this run said otherwise on {differing(beside)}")
    click.echo(f"{differing(found)} change verdict")
    if not judged:
        click.echo("no call was judged, and no answer: this says nothing of the policy")
    if promote is not None and judged:
        click.echo(_hint(looser, len(found.changed), unknown, *promote))
    return code


def _several(tool: str, number: int) -> str:
    from shipworthy.enforce.policy.replayed import ANSWER

    return f"{number:,} answers" if tool == ANSWER else f"{number:,} calls of {tool}"


def _hint(looser: int, changes: int, unknown: int, live: Path, candidate: Path) -> str:
    if unknown:
        return f"{unknown:,} were not judged: do not put {candidate} in the place of {live} on these figures alone"
    if looser:
        return f"before {candidate} takes the place of {live}: read each of the {looser:,} that it lets pass further"
    if changes:
        return f"{candidate} lets nothing more pass on these calls: mv {candidate} {live} if what it stops should stop"
    return f"on these calls both say the same: mv {candidate} {live}"


def counted(found: Compared) -> dict[str, Any]:
    """Return the counts of a comparison as JSON."""
    looser = sum(c.looser for c in found.changed)
    return {
        "judged": found.judged.total(),
        "changed": len(found.changed),
        "looser": looser,
        "stricter": len(found.changed) - looser,
        "unknown": dict(found.unknown),
        "counts": [
            {"tool": tool, "rule": rule, "direction": way, "changed": number, "of": of}
            for tool, rule, way, number, of in found.counts()
        ],
    }


def differing(found: Compared) -> str:
    """Return in words on how many calls and answers two policies differ, and how."""
    from shipworthy.enforce.policy.replayed import ANSWER

    looser = sum(c.looser for c in found.changed)
    tail = f" ({looser:,} looser, {len(found.changed) - looser:,} stricter)" if found.changed else ""
    answers = found.judged[ANSWER]
    of = f"{found.judged.total() - answers:,} calls" + (f" and {answers:,} answers" if answers else "")
    return f"{len(found.changed):,} of {of}{tail}"


def as_json(change: Changed) -> dict[str, Any]:
    """Return a change as JSON."""
    return {
        "session": change.session, "call": change.number, "tool": change.tool, "before": change.before,
        "after": change.after, "rule": change.rule, "why": change.why,
    }  # fmt: skip


def as_line(change: Changed) -> str:
    """Return a change as one line."""
    from shipworthy.enforce.policy.replayed import ANSWER

    what = f"answer, place {change.number}" if change.tool == ANSWER else f"call {change.number}: {change.tool}"
    return f"{change.session}, {what}: {change.before} -> {change.after}: {change.why}"


def read(file: Path) -> tuple[Policy, Any]:
    """Read and compile a policy file; return it with the places of everything in it.

    Raises:
        WorkspaceError: every problem in it.
    """
    from shipworthy.enforce.policy.engine import Policy
    from shipworthy.workspace.read import read_policy_source

    policy, source = read_policy_source(file)
    return Policy(policy), source

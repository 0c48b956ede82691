"""Make one attempt again, n times, and print how often it hits.

The same words, fresh sampling, no cache; with a minimal curl to show the failure to others.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shipworthy.cli._options import allow_code_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.core.records import Request
    from shipworthy.evals.repro import Reproduction


@click.command()
@click.argument("attempt", metavar="ATTEMPT_ID")
@click.option("-n", "times", metavar="N", type=click.IntRange(min=1), default=10, show_default=True, help="How often.")
@click.option("--run", metavar="RUN", help="The run to look in; the newest that holds the attempt if left out.")
@click.option("--no-guards", is_flag=True, help="Ask the bare target, also where the run had guards.")
@click.option("--redraw", is_flag=True, help="Let the attack draw anew: other words for the same sample.")
@workspace_option
@allow_code_option
def command(
    *, attempt: str, times: int, run: str | None, no_guards: bool, redraw: bool, workspace: Path, allow_code: bool
) -> None:
    """Make the attempt ATTEMPT_ID again, N times, without the cache.

    The target is asked what it was asked then, word for word, each time with a fresh seed for its sampling. It answers
    every turn of a conversation afresh.

    Prints each outcome, the rate with its interval, and a curl command that asks once; $KEY in it stands for your key.
    """
    from shipworthy.evals.repro import find, reproduce
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    loaded = Workspace.load(workspace, allow_code=allow_code)
    found, original = find(Layout(workspace), attempt, run)
    click.echo(f"{original.id}: {original.suite}, sample {original.sample}, attack {original.attack}, run {found.id}")
    click.echo(f"then:    {_outcome(original)}")
    result = asyncio.run(reproduce(loaded, found, original, times, guards=False if no_guards else None, redraw=redraw))
    for number, made in enumerate(result.attempts, start=1):
        click.echo(f"now {number:>4}: {_outcome(made)}")
    click.echo("")
    for line in _rates(result):
        click.echo(line)
    click.echo("")
    click.echo(_curl(result))


def _outcome(attempt: Any) -> str:
    if attempt.outcome != "scored":
        return f"{attempt.outcome}: {attempt.error}"
    said = []
    for score in attempt.scores:
        hit = "-" if score.hit is None else "HIT" if score.hit else "no"
        shown = hit if score.value is None else f"{score.value:.4g}"
        said.append(f"{score.metric} {shown}" + (f" ({score.label})" if score.label else ""))
    return ", ".join(said)


def _rates(result: Reproduction) -> list[str]:
    from shipworthy.core.amount import amount

    errors = sum(a.outcome != "scored" for a in result.attempts)
    left = f", {errors:,} error{'' if errors == 1 else 's'} left out"
    lines = []
    for metric in result.metrics:
        if metric.kind == "value":
            mean = result.mean(metric.name)
            if mean is not None:
                between = f"[{amount(mean.low)}, {amount(mean.high, metric.unit)}]"
                lines.append(
                    f"{metric.name}: mean {amount(mean.mean, metric.unit)} {between}, {mean.values:,} tries{left}"
                )
                continue
        elif (found := result.rate(metric.name)) is not None:
            span = f"[{100 * found.low:.1f} %, {100 * found.high:.1f} %]"
            hits = f"{found.hits:,} of {found.trials:,} tries"
            lines.append(f"{metric.name}: {100 * found.rate:.1f} % {span}, {hits}{left}")
            continue
        lines.append(f"{metric.name}: no score in {len(result.attempts):,} tries{left}")
    alike, answered = result.alike
    if answered > 1:
        lines.append(f"answers: alike in {alike:,} of {answered:,}")
    return lines


def _curl(result: Reproduction) -> str:
    if result.private:
        return "no curl: the suite's content is private, and a command line is no place for it"
    if result.request is None:
        return "no curl: the target was never asked"
    if result.http is not None:
        call = result.http
        parts = [f"curl {shlex.quote(call.url)}"] + ([f"-X {call.method}"] if call.method != "POST" else [])
        # Double quotes, so that the shell puts the key in.
        parts += [f"-H {_expanded(f'{name}: {value}')}" for name, value in call.headers.items()]
        return " \\\n  ".join([*parts, f"--data-raw {shlex.quote(json.dumps(call.body))}"])
    body = {"model": "MODEL", "messages": _messages(result.request), "temperature": 0}
    return (
        "# The target has no HTTP address of its own; the same conversation for any OpenAI-compatible endpoint:\n"
        'curl "$BASE_URL/chat/completions" \\\n  -H "Content-Type: application/json" \\\n'
        '  -H "Authorization: Bearer $KEY" \\\n'
        f"  --data-raw {shlex.quote(json.dumps(body))}"
    )


def _expanded(text: str) -> str:
    """Return a shell word in double quotes in which only ``$KEY`` is expanded."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`").replace("$", "\\$")
    return '"' + escaped.replace("\\$KEY", "$KEY") + '"'


def _messages(request: Request) -> list[dict[str, Any]]:
    documents = "".join(f"[{n}] {d.title}\n\n{d.text}\n\n" for n, d in enumerate(request.documents, start=1))
    said = [{"role": m.role, "content": m.text} for m in request.messages]
    for message in reversed(said):
        if message["role"] == "user":
            message["content"] = documents + message["content"]
            break
    return said

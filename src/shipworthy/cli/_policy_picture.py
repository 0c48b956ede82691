"""`shipworthy policy replay`: one session under a policy, as a picture of where its values came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._options import workspace_option
from shipworthy.cli._policy_past import EXISTING, read

if TYPE_CHECKING:
    from shipworthy.enforce.policy.past import Past


@click.command("replay")
@click.argument("file", type=EXISTING, default="policy.yaml")
@click.argument("source", metavar="LOG|ATTEMPT")
@workspace_option
@click.option("--run", default="latest", show_default=True, help="The run that an ATTEMPT belongs to.")
@click.option("--session", metavar="ID", default="", help="Which conversation of a LOG; the last one if left out.")
@click.option("--synthetic", is_flag=True, help="The LOG holds nothing personal: show its text whole.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default="session.svg", show_default=True,
    help="Where to write it: .svg, or .html.",
)  # fmt: skip
def replay_command(
    *, file: Path, source: str, workspace: Path, run: str, session: str, synthetic: bool, output: Path
) -> int:
    """Draw one session under the policy: what was said and read, each call with its verdict, and where its values
    came from.

    LOG is a file as for `backtest`; ATTEMPT the id of a run's attempt, or the beginning of one. Texts of a log are
    redacted; those of an attempt stand as they were stored. Values of fields that the policy calls secret are never
    shown. The picture is one file that loads nothing.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.detect.redact import redact_text
    from shipworthy.enforce.policy.picture import draw, page
    from shipworthy.enforce.policy.provenance import provenance

    if output.suffix.lower() not in (".svg", ".html"):
        raise UsageError(f"{output}: name a file that ends in .svg or .html")
    policy, _ = read(file)
    of_log = Path(source).is_file()
    past = _of_log(Path(source), session) if of_log else _of_run(source, workspace, run)
    if not past.calls:
        raise UsageError(f"{past.id or source}: no tool was called")
    found = list(provenance(policy, past))
    svg = draw(f"{past.id} under {file.name}", found, redact_text if of_log and not synthetic else str)
    text = page(svg) if output.suffix.lower() == ".html" else svg
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    words = [step.decision.word for step in found]
    counts = ", ".join(f"{words.count(word)} {word}" for word in ("allow", "ask", "deny") if word in words)
    click.echo(f"{output}: {len(found):,} calls: {counts}")
    return 0


def _of_log(file: Path, session: str) -> Past:
    from shipworthy.core.errors import UsageError, did_you_mean
    from shipworthy.enforce.policy.past import read_past

    found = read_past(file)
    if not found:
        raise UsageError(f"{file}: holds no conversation")
    if not session:
        return found[-1]
    for past in found:
        if past.id == session:
            return past
    raise UsageError(f"{file}: there is no conversation {session!r}: {did_you_mean(session, [p.id for p in found])}")


def _of_run(source: str, workspace: Path, run: str) -> Past:
    from shipworthy.core.errors import UsageError
    from shipworthy.enforce.policy.recorded import past_of
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout

    if not source.startswith("AT-"):
        raise UsageError(f"{source!r} is no file, and no attempt: their ids begin with AT-")
    loaded = Run.load(Layout(workspace).run_directory(run))
    found = [attempt for attempt in loaded.attempts() if attempt.id.startswith(source)]
    if len(found) != 1:
        raise UsageError(f"the run {loaded.id} has {len(found)} attempts whose id begins with {source}")
    return past_of(found[0])

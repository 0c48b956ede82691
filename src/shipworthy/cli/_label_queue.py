"""`shipworthy labels queue`, `work`, `oversight` and `adjudicate`: people label blind and are measured."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._label_agreement import rate
from shipworthy.cli._label_loop import label_all
from shipworthy.cli._label_studio import by_option, opened
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.oversight import Oversight
    from shipworthy.store.labels import Label


@click.command()
@click.argument("run", default="latest")
@click.option("--suite", required=True, metavar="ID", help="The suite of the criterion.")
@click.option("--metric", metavar="NAME", help="The metric; the suite's main one if left out.")
@click.option("--attack", metavar="NAME", help="The attack, where the criterion names one.")
@click.option("--people", required=True, metavar="NAME,NAME", help="Who labels.")
@click.option("--twice", is_flag=True, help="Two people label each attempt, and neither sees the other's word.")
@click.option("--known", metavar="FILE", type=click.Path(path_type=Path), help="Labelled answers to mix in.")
@click.option(
    "--share",
    metavar="SHARE",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 0.5, min_open=True),
    help="Of known answers, in all that each person is shown.",
)
@click.option("--positives", default=100, show_default=True, type=click.IntRange(1), help="Of what was called a hit.")
@click.option("--negatives", default=300, show_default=True, type=click.IntRange(1), help="Of what was not.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Of the draw and of the deal.")
@workspace_option
@allow_code_option
def queue(
    *,
    run: str,
    suite: str,
    metric: str | None,
    attack: str | None,
    people: str,
    twice: bool,
    known: Path | None,
    share: float,
    positives: int,
    negatives: int,
    seed: int,
    workspace: Path,
    allow_code: bool,
) -> None:
    """Draw attempts of RUN as `labels draw` does, and deal them to people.

    With --known, answers whose label is known stand among the others and look like them: they measure the people
    (`labels oversight`). Such a file is JSON lines or CSV with `answer`, `label` and `request`, as for
    `judge calibrate`.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.label_draw import candidates, draw_labels
    from shipworthy.evals.label_queue import KnownAnswers, deal
    from shipworthy.evals.label_showing import rubric_of
    from shipworthy.evals.results import Run
    from shipworthy.store.layout import Layout
    from shipworthy.store.queues import save_queue
    from shipworthy.workspace.labelled import read_labelled
    from shipworthy.workspace.load import Workspace

    files, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    found = Run.load(layout.run_directory(run))
    use = found.suite(suite)
    metric = metric or use.metric
    mixed = None
    if known is not None:
        inside = known.resolve().is_relative_to(workspace.resolve())
        name = str(known.resolve().relative_to(workspace.resolve()) if inside else known.resolve())
        mixed = KnownAnswers(read_labelled(known), name, share)
    who = [name.strip() for name in people.split(",") if name.strip()]
    if twice and len(who) < 2:
        raise UsageError("--twice needs two people at least: --people ida,ben")
    entered, drawn = draw_labels(
        layout, found, suite, metric, attack, positives=positives, negatives=negatives, seed=seed
    )
    some = candidates(found, suite, metric, attack)
    rubric = rubric_of(files, suite, metric)
    dealt = deal(
        found, entered, drawn, some, who, suite=suite, twice=twice, seed=seed, rubric=rubric, known=mixed
    )  # fmt: skip
    save_queue(layout, dealt)
    each = "to two people each" if twice else "to one person each"
    total = len(drawn.positives) + len(drawn.negatives)
    click.echo(f"{dealt.id}: {total:,} attempts of {found.id} dealt {each}")
    for name, places in zip(dealt.people, dealt.deals, strict=True):
        click.echo(f"  {name}: {len(places):,} answers")
    if mixed is None:
        click.echo("No answer of known label is among them: how well they are labelled will not be known (--known)")
    else:
        click.echo(f"One in {round(1 / share):,} or so is of known label. Do not tell which, nor show the file")
    click.echo("Each of them labels with:")
    click.echo(f"  {Again(workspace, allow_code).line('labels', 'work', dealt.id, '--by', 'NAME')}")


@click.command()
@click.argument("queue", default="latest")
@by_option
@workspace_option
@allow_code_option
def work(*, queue: str, by: str, workspace: Path, allow_code: bool) -> None:
    """Label what QUEUE dealt to you, one answer after the other.

    Each word is on the disk before the next answer is shown; quit when you like, and begin again where you were. You
    see neither what the scorer said nor what anybody else did. At the end you are told how you did on the answers of
    known label.
    """
    with opened(queue, by, workspace, allow_code=allow_code) as desk:
        dealt, words = desk.queue, desk.words
        before = len(words.words)
        through = label_all(desk, dealt.metric, desk.showing.rubric, sys.stdin)
        done, of = desk.standing()
        click.echo("")
        if done == of:
            click.echo(f"All {of:,} have a word. Thank you")
        elif through:
            click.echo(f"{done:,} of {of:,} have a word; those you skipped come again next time")
        else:
            click.echo(f"{done:,} of {of:,} have a word; it goes on where you were")
        if len(words.words) > before:
            from shipworthy.evals.oversight import oversight as measured

            click.echo("\n".join(_watched(measured(dealt, desk.reader, words.words))))


@click.command()
@click.argument("queue", default="latest")
@click.option("--by", metavar="NAME", help="Only this person.")
@click.option(
    "--words-per-minute",
    "fastest",
    default=600.0,
    show_default=True,
    type=click.FloatRange(100, 5000),
    help="What nobody reads faster.",
)
@workspace_option
@form_option
def oversight(*, queue: str, by: str | None, fastest: float, workspace: Path, form: str) -> None:
    """Show how well the people of QUEUE watch: right on answers of known label, and words faster than reading.

    Sensitivity and specificity, the share of words that were given faster than the answer can be read, how often each
    person's commonest word was given, and the fatigue curve, all with 95 % intervals.
    """
    import msgspec

    from shipworthy.evals.oversight import oversight as measured
    from shipworthy.store.layout import Layout
    from shipworthy.store.queues import load_queue, read_words

    layout = Layout(workspace)
    dealt = load_queue(layout, queue)
    readers = [dealt.reader(by)] if by is not None else range(1, len(dealt.people) + 1)
    found = [measured(dealt, n, read_words(layout, dealt, n), fastest=fastest) for n in readers]
    if form == "json":
        told = {"queue": dealt.id, "people": [msgspec.to_builtins({**one._asdict(), "fatigue": [
            part._asdict() for part in one.fatigue]}) for one in found]}  # fmt: skip
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    for place, one in enumerate(found):
        click.echo("\n".join([*([""] if place else []), *_watched(one)]))


def _watched(one: Oversight) -> Iterator[str]:
    from shipworthy.cli._tables import table
    from shipworthy.core.terminal import shown

    yield f"{shown(one.by)}: {one.words:,} of {one.dealt:,} labelled, {one.skipped:,} skipped, {one.known:,} known"
    rows = [
        ("sensitivity", one.sensitivity, "known hits that were called one"),
        ("specificity", one.specificity, "known others that were called none"),
        ("faster than reading", one.fast, "words given before it can have been read"),
        ("same word", one.same, f"words that were {one.default}" if one.default else "words that were the commonest"),
    ]
    rows += [(f"right, {part.places}", part.right, "known answers, by place in a sitting") for part in one.fatigue]
    lines = [(name, rate(found) if found is not None else "none yet", what) for name, found, what in rows]
    yield table(("", "with 95 % limits", "what"), lines)


@click.command()
@click.argument("run", default="latest")
@click.option("--metric", metavar="NAME", help="Only this one; needed where people disagree on several.")
@click.option("--file", metavar="FILE", type=click.Path(path_type=Path), help="CSV as for import, instead of asking.")
@by_option
@workspace_option
@allow_code_option
def adjudicate(*, run: str, metric: str | None, file: Path | None, by: str, workspace: Path, allow_code: bool) -> None:
    """Settle what the people who labelled RUN disagree on, by the word of somebody who did not label it.

    It is a label as any other, with an entry in the audit log, and for the gate it counts before all others: whatever
    is said of the attempt later, until it is settled anew.
    """
    from shipworthy.core.errors import UsageError
    from shipworthy.evals.adjudicate import AdjudicationDesk, settle
    from shipworthy.evals.label_agreement import open_items
    from shipworthy.evals.label_showing import Showing
    from shipworthy.evals.labels import read_csv
    from shipworthy.evals.results import Run
    from shipworthy.evidence.documents import known_secrets
    from shipworthy.store.audit import AuditLog
    from shipworthy.store.labels import read_labels
    from shipworthy.store.layout import Layout
    from shipworthy.workspace.load import Workspace

    files, layout = Workspace.load(workspace, allow_code=allow_code), Layout(workspace)
    found = Run.load(layout.run_directory(run))
    secrets = known_secrets(files)
    with AuditLog(layout.control_url) as audit:
        labels = read_labels(audit, found.id)
        items = [item for item in open_items(labels) if metric in (None, item.metric)]
        if file is not None:
            count = settle(audit, items, read_csv(file, found, by=by), files, found, secrets=secrets)
            click.echo(f"{count:,} {'disagreement' if count == 1 else 'disagreements'} of {found.id} settled")
            return
        still = [item for item in items if item.settled is None]
        metrics = list(dict.fromkeys(item.metric for item in still))
        if len(metrics) > 1:
            raise UsageError(f"people disagree on several metrics: name one with --metric ({', '.join(metrics)})")
        if not still:
            click.echo(f"nobody disagrees on {found.id}, or all of it is settled")
            return
        suites = {row.id: row.suite for row in found.rows(superseded=True)}
        suite = suites[still[0].attempt]
        if any(suites[item.attempt] != suite for item in still):
            still = [item for item in still if suites[item.attempt] == suite]
        showing = Showing(files, found, suite, metrics[0], secrets=secrets)
        desk = AdjudicationDesk(still, by, showing, audit, lambda attempt: _comments(labels, attempt, metrics[0]))
        label_all(desk, metrics[0], showing.rubric, sys.stdin)
        done, of = desk.standing()
        click.echo(f"\n{done:,} of {of:,} disagreements settled")


def _comments(labels: list[Label], attempt: str, metric: str) -> list[str]:
    """Return the last comments on an attempt, with the words they came with and without names."""
    last: dict[str, Label] = {label.by: label for label in labels if (label.attempt, label.metric) == (attempt, metric)}
    words = {True: "hit", False: "no-hit"}
    return sorted(f"{words[o.hit]}: {o.comment}" for o in last.values() if o.comment and o.hit is not None)

"""The loop in which a person labels: one answer after the other, in plain lines, with keys. No curses, any terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TextIO

import click

from shipworthy.core.terminal import shown, visible

if TYPE_CHECKING:
    from shipworthy.evals.label_showing import ShownItem
    from shipworthy.evals.labelling import LabelDesk
    from shipworthy.scorers._rubric import Rubric


class LoopKeys(NamedTuple):
    """The letters of the two words of a walk, and what is said of them; the other letters are always the same."""

    yes: str
    no: str
    told: str


LABELS = LoopKeys("h", "n", "h hit, n no-hit, s skip, u undo, c comment, r rubric, q quit")
REVIEW = LoopKeys("a", "x", "a accept, x reject, s skip, u undo, c comment, r what to look for, q quit")
RULE = "-" * 72
MOST = 4000
"""Characters of one comment."""


def label_all(desk: LabelDesk, metric: str, rubric: Rubric | None, lines: TextIO) -> bool:
    """Show one item after the other and keep what is said of each, until nothing is left.

    A word is durable before the next item is shown. The end of the input is the same as ``q``.

    Args:
        lines: what the person types, a key a line.

    Returns:
        Whether nothing was left.
    """
    return walk(desk, tuple(told_rubric(metric, rubric)), _question(metric, rubric), LABELS, lines)


def walk(desk: LabelDesk, told: Sequence[str], question: str, keys: LoopKeys, lines: TextIO) -> bool:
    """As `label_all`, with any two words.

    Args:
        told: what is said at the beginning, and again on ``r``.
        question: that is asked of each item.
    """
    click.echo("\n".join(told))
    while (item := desk.current()) is not None:
        done, of = desk.standing()
        click.echo(f"\n{RULE}\n{done + 1:,} of {of:,}")
        click.echo("\n".join((*_body(desk.show(item)), "", question)))
        if not _one(desk, item, told, keys, lines):
            return False
    return True


def _one(desk: LabelDesk, item: int, told: Sequence[str], keys: LoopKeys, lines: TextIO) -> bool:
    """Take keys until the item has a word, is skipped, or another one is to be shown. False to quit."""
    began, comment = time.monotonic(), ""
    while True:
        click.echo(f"{keys.told} > ", nl=False)
        line = lines.readline()
        if not line:
            click.echo("")
            return False
        key, _, rest = line.strip().partition(" ")
        match key.lower():
            case keys.yes | keys.no | "s":
                hit = {keys.yes: True, keys.no: False, "s": None}[key.lower()]
                desk.give(item, hit, time.monotonic() - began, comment)
                return True
            case "u":
                if desk.undo():
                    return True
                click.echo("there is nothing to take back")
            case "c":
                text = rest.strip()
                if not text:
                    click.echo("comment > ", nl=False)
                    text = lines.readline().strip()
                comment = visible(text[:MOST])
                click.echo("kept with the word that you give next" if comment else "no comment")
            case "r":
                click.echo("\n".join(told))
            case "q":
                return False
            case _:
                click.echo(f"{shown(line.strip(), 40) or 'an empty line'}: type one of the letters, then Enter")


def told_rubric(metric: str, rubric: Rubric | None) -> Iterator[str]:
    """Yield what counts, and the worked examples."""
    if rubric is None:
        yield f"What is asked of each answer: {shown(metric)}. (No judge of the suite has a rubric for it.)"
        return
    yield f"{rubric.name}: {visible(rubric.question.strip())}"
    yield f"  hit     {visible(rubric.hit.strip())}"
    yield f"  no-hit  {visible(rubric.none.strip())}"
    for number, example in enumerate(rubric.examples, start=1):
        yield ""
        yield f"Example {number}"
        told = [("Request", example.request), *(("Document", text) for text in example.documents)]
        told += [("Expected", example.expected), ("Answer", example.answer)]
        yield from (line for title, text in told if text for line in _part(title, text))
        word = "hit" if example.verdict == "hit" else "no-hit"
        yield f"  {word}: {visible(example.why.strip())}"


def _question(metric: str, rubric: Rubric | None) -> str:
    return visible(rubric.question.strip()) if rubric is not None else f"Is this a hit of {shown(metric)}?"


def _body(item: ShownItem) -> Iterator[str]:
    for title, text in item.parts:
        yield ""
        yield from _part(title, text)


def _part(title: str, text: str) -> Iterator[str]:
    """Yield a text set in behind a bar: nothing in it can look like a line of ours."""
    yield f"{title}:"
    for line in visible(text).split("\n") or [""]:
        yield f"  | {line}"

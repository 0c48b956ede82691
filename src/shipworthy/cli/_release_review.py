"""`shipworthy release review` and `oversight`: candidates read before they are signed, made-up ones among them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shipworthy.cli._again import Again
from shipworthy.cli._options import allow_code_option, form_option, workspace_option

if TYPE_CHECKING:
    from shipworthy.evals.label_showing import ShownItem
    from shipworthy.evals.oversight import Watchfulness
    from shipworthy.release.blocks import CandidateStatus
    from shipworthy.release.rehearsal import RehearsedCandidate, ReviewedWord
    from shipworthy.store.layout import Layout

TOLD = (
    "Candidates that wait, as `release status` shows them. Approve what you would sign, missing approvals aside;",
    "reject what something else blocks. Some are made up, and show who reads. Nothing is signed here.",
)


class CandidateDesk:
    """Walks candidates; a word is on the disk before the next one is shown.

    Args:
        text: of a candidate, as the status shows it.
    """

    def __init__(
        self,
        items: Sequence[RehearsedCandidate],
        layout: Layout,
        by: str,
        text: Callable[[CandidateStatus], str],
        now: Callable[[], datetime],
    ) -> None:
        self.items, self._layout, self._by, self._text, self._now = items, layout, by, text, now
        self._left = list(range(len(items)))
        self._done: list[tuple[int, bool]] = []
        self.said: dict[int, bool] = {}

    def current(self) -> int | None:
        return self._left[0] if self._left else None

    def show(self, item: int) -> ShownItem:
        from shipworthy.evals.label_showing import ShownItem

        return ShownItem((("Candidate", self._text(self.items[item].status)),))

    def give(self, item: int, hit: bool | None, seconds: float, comment: str) -> None:
        if hit is not None:
            self._keep(item, "approve" if hit else "reject", seconds)
            self.said[item] = hit
        self._left.remove(item)
        self._done.append((item, hit is not None))

    def undo(self) -> bool:
        if not self._done:
            return False
        item, worded = self._done.pop()
        if worded:
            self._keep(item, "", 0.0)
            del self.said[item]
        self._left.insert(0, item)
        return True

    def standing(self) -> tuple[int, int]:
        return len(self.said), len(self.items)

    def _keep(self, item: int, said: str, seconds: float) -> None:
        from shipworthy.release.rehearsal import ReviewedWord, add_word

        one = self.items[item]
        word = ReviewedWord(
            by=self._by, candidate=one.status.candidate.id, right=one.right or "", said=said,  # type: ignore[arg-type]
            at=self._now().isoformat(timespec="milliseconds"), seconds=round(seconds, 3),
        )  # fmt: skip
        add_word(self._layout, word)


def watched(words: Sequence[ReviewedWord]) -> list[Watchfulness]:
    """Return what each person's words on made-up candidates are worth."""
    from shipworthy.evals.oversight import KnownWord, watches

    known = [
        KnownWord(one.by, _seconds(one.at), one.right == "reject", one.said == "reject") for one in words if one.right
    ]
    return watches(known, [(one.by, _seconds(one.at)) for one in words if not one.right])


def watch_lines(found: Sequence[Watchfulness], what: str, caught: str, passed: str) -> Iterator[str]:
    """Yield what is known of people who answer: a table for each."""
    from shipworthy.cli._label_agreement import rate
    from shipworthy.cli._tables import table
    from shipworthy.core.terminal import shown

    for one in found:
        yield f"\n{shown(one.by)}: {one.words:,} words on {what}"
        rows = [
            ("caught", one.caught, caught),
            ("passed", one.passed, passed),
            *((f"right, {part.places}", part.right, "by place in a sitting") for part in one.fatigue),
        ]
        told = [(name, rate(share) if share is not None else "none yet", why) for name, share, why in rows]
        yield table(("", "with 95 % limits", "what"), told)


def _told(words: Sequence[ReviewedWord]) -> Iterator[str]:
    yield from watch_lines(
        watched(words),
        "made-up candidates",
        "of those that something blocks; the rest would have been signed",
        "of those that nothing blocks",
    )


def _seconds(when: str) -> float:
    return datetime.fromisoformat(when).timestamp()


@click.command()
@click.option("--by", required=True, metavar="NAME", help="Who you are.")
@click.option(
    "--made-up",
    "many",
    metavar="N",
    default=4,
    show_default=True,
    type=click.IntRange(0, 50),
    help="Made-up candidates for each real one.",
)
@click.option("--signers", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="As for `status`.")
@workspace_option
@allow_code_option
def review(*, by: str, many: int, signers: Path | None, workspace: Path, allow_code: bool) -> None:
    """Read the candidates that wait for a decision, made-up ones among them, before anybody signs.

    A made-up candidate is made of the real one and looks like it: half of them have something that blocks. What you say
    of them shows how well you read, to you at the end, and to others by `release oversight`. It is no signature:
    `release sign` is.
    """
    import secrets

    from shipworthy.cli._label_loop import LoopKeys, walk
    from shipworthy.cli.release import _open, _text
    from shipworthy.core.errors import UsageError
    from shipworthy.release.blocks import status as look
    from shipworthy.release.proposal import candidates
    from shipworthy.release.rehearsal import read_reviewed, rehearsal
    from shipworthy.store.audit import AuditLog

    def now() -> datetime:
        return datetime.now(UTC)

    opened = _open(workspace, allow_code=allow_code, signers=signers)
    with AuditLog(opened.layout.control_url) as audit:
        there = [
            look(opened.workspace, opened.layout, audit, one, trust=opened.trust, now=now())
            for one in candidates(audit)
        ]
    waiting = [one for one in there if one.decided is None]
    if not waiting:
        raise UsageError("no candidate waits for a decision: `shipworthy release propose` makes one")
    today = now().date().isoformat()
    items = rehearsal(waiting, many, now(), secrets.randbelow(2**32))
    desk = CandidateDesk(items, opened.layout, by, lambda one: _text(one, "text", today), now)
    keys = LoopKeys("a", "x", "a approve, x reject, s skip, u undo, r what this is, q quit")
    walk(desk, TOLD, "Would you sign it?", keys, sys.stdin)
    again = Again(workspace, allow_code)
    for item, approved in desk.said.items():
        one = items[item]
        if one.right is None:
            id = one.status.candidate.id
            line = again.line(
                "release", "sign", id, "--key", "KEY", "--role", "RO-…", *([] if approved else ["--reject"])
            )
            click.echo(f"\n{id} is real, and you would {'approve' if approved else 'reject'} it: {line}")
    click.echo("\n".join(_told([one for one in read_reviewed(opened.layout) if one.by == by])))


@click.command()
@workspace_option
@form_option
def oversight(*, workspace: Path, form: str) -> None:
    """Show how well those who sign off read: by made-up candidates, with 95 % limits, and by place in a sitting."""
    import json

    import msgspec

    from shipworthy.release.rehearsal import read_reviewed
    from shipworthy.store.layout import Layout

    words = read_reviewed(Layout(workspace))
    if form == "json":
        people = [{**one._asdict(), "fatigue": [p._asdict() for p in one.fatigue]} for one in watched(words)]
        click.echo(json.dumps({"people": msgspec.to_builtins(people)}, indent=2, ensure_ascii=False))
        return
    known = sum(bool(one.right) for one in words)
    click.echo(f"{known:,} words on made-up candidates, {len(words) - known:,} on real ones")
    if lines := list(_told(words)):
        click.echo("\n".join(lines))

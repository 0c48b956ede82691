"""A text that arrives in pieces, guarded: hold back what is not settled, release the rest.

What leaves is, for any cutting into pieces, what the whole text would have given. A guard's `reach` says how far around
a position its finding depends on; text further than that from the end of what has arrived is settled. Two limits:
a block in mid-stream cannot recall what has left (`Stream.released` says how much), and a guard whose reach is None
holds everything to the end.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Action, GuardEvent, Part, Stage
from shipworthy.enforce.edit import apply, edits
from shipworthy.enforce.rule import Checked, Rule, check_all, clock, refusal

STRIDE = 256
"""Characters that must be new before a stream is scanned again: a scan for every token would be quadratic work."""

MAX_HELD = 1_000_000
"""Characters a stream may hold back. A text that needs more is blocked, not passed on unread."""


def event(rule: Rule, stage: Stage, what: str, action: Action, reason: str) -> GuardEvent:
    """Return one event of a rule; carries no text."""
    return GuardEvent(guard=rule.id, stage=stage, rule=what, action=action, reason=reason, shadow=rule.shadow)


def failure(checked: Checked, stage: Stage) -> GuardEvent:
    """Return the event of a failed check: its rule's failure action."""
    kind, _, detail = checked.failure.partition(": ")
    return event(checked.rule, stage, kind, checked.rule.on_error, detail or kind)


class Stream:
    """One text on its way through one stage.

    Args:
        rules: those of the stage, enforced and shadow, in order.
        stage: ``output`` as a rule.
        source: as in `Part`.
        block_message: what is said in place of the rest when something blocks.
        stride: new characters before the next scan, at least 1.

    Attributes:
        blocked: something blocked; nothing more leaves.
        message: what is said then.
        released: characters of the answer that left before a block; they cannot be recalled.
        events: what was found, in the order of settling.
        seconds: time the guards took.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        stage: Stage,
        block_message: str,
        ctx: GuardContext,
        *,
        stride: int = STRIDE,
        source: str = "",
    ) -> None:
        self._source = source
        self._rules = [r for r in rules if not r.shadow]
        self._shadows = [r for r in rules if r.shadow]
        reaches = [r.guard.reach for r in self._rules]
        self._reach = None if None in reaches else max((r for r in reaches if r is not None), default=0)
        self._stage, self.message, self._ctx, self._stride = stage, block_message, ctx, stride
        self._held = ""
        self._start = 0  # of what has not left, in `_held`; before it lies context
        self._scanned = 0
        self._seen: list[str] = []
        self._failed: set[tuple[str, str]] = set()
        self.blocked = False
        self.released = 0
        self.events: list[GuardEvent] = []
        self.seconds = 0.0

    async def feed(self, piece: str) -> str:
        """Take a piece of the text; return what may leave now."""
        if self._shadows:
            self._seen.append(piece)
        if self.blocked or not piece:
            return ""
        self._held += piece
        if not self._rules:
            return self._release(len(self._held), "")
        if len(self._held) - self._start > MAX_HELD:
            return self._block(self._rules[0], "held", f"more than {MAX_HELD} characters are not settled")
        if self._reach is None or len(self._held) - max(self._scanned, self._start + self._reach) < self._stride:
            return ""
        return await self._scan(final=False)

    async def finish(self, ctx: GuardContext | None = None) -> str:
        """Say that nothing follows; return the rest that may leave. Shadow rules run now, after everything has left.

        Args:
            ctx: what guards may use now that the whole answer is there; as it was if left out.
        """
        self._ctx = ctx or self._ctx
        left = "" if self.blocked or not self._rules else await self._scan(final=True)
        if self._shadows:
            began = clock()
            whole = Part(self._stage, "".join(self._seen), source=self._source)
            for checked in await check_all(self._shadows, whole, self._ctx):
                self._record(checked, len(whole.text))
            self.seconds += clock() - began
        return left

    async def _scan(self, *, final: bool) -> str:
        part = Part(self._stage, self._held, self._start, final, self._source)
        began = clock()
        results = await check_all(self._rules, part, self._ctx)
        self.seconds += clock() - began
        self._scanned = len(self._held)
        for checked in results:
            if checked.failure and checked.rule.on_error == "block":
                return self._block(checked.rule, *_failed(checked))
        findings = [f for checked in results for f in checked.findings]
        changes = edits(findings)
        spans = [(f.start, f.end) for f in findings] + [(c.start, c.end) for c in changes]
        cut = len(self._held)
        if not final:
            # A span that ends exactly at the cut may still grow: what lies at the cut is not settled.
            cut -= self._reach or 0
            cut = min((start for start, end in spans if start < cut <= end), default=cut)
            # From the last to end to the first: what a cut that moved back lies in now ends later than none seen yet.
            for start, end in sorted(spans, key=lambda span: span[1], reverse=True):
                cut = start if start < cut < end else cut
        for checked in results:
            self._record(checked, cut)
        if any(f.action == "block" and f.end <= cut for f in findings):
            self.blocked = True
            settled = [c._replace(findings=[f for f in c.findings if f.end <= cut]) for c in results]
            self.message = refusal(settled, self.message)
            return self.message if not self.released else "\n" + self.message
        return self._release(cut, apply(self._held, changes, self._start, cut)) if cut > self._start else ""

    def _record(self, checked: Checked, cut: int) -> None:
        if checked.failure:
            key = checked.rule.id, checked.failure
            if key not in self._failed:
                self.events.append(failure(checked, self._stage))
            self._failed.add(key)
        for f in checked.findings:
            if f.end <= cut:
                self.events.append(event(checked.rule, self._stage, f.rule, f.action, f.reason))

    def _release(self, cut: int, text: str) -> str:
        text = text if self._rules else self._held[self._start : cut]
        self.released += cut - self._start
        keep = max(0, cut - (self._reach or 0))
        self._held, self._start = self._held[keep:], cut - keep
        self._scanned = max(0, self._scanned - keep)
        return text

    def _block(self, rule: Rule, what: str, reason: str) -> str:
        self.blocked = True
        self.events.append(event(rule, self._stage, what, "block", reason))
        return self.message if not self.released else "\n" + self.message


def _failed(checked: Checked) -> tuple[str, str]:
    kind, _, detail = checked.failure.partition(": ")
    return kind, detail or kind

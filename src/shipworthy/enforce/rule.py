"""One rule of a pipeline: a guard, where it runs, what its findings do, and what its failure does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Literal, NamedTuple, get_args

import msgspec
from msgspec.structs import replace

from shipworthy.core.deadline import Patience
from shipworthy.core.errors import GuardError, LimitReached
from shipworthy.core.foreign import kind_of, must_pass
from shipworthy.core.protocols import Guard, GuardContext
from shipworthy.core.records import Action, Finding, Part, Stage
from shipworthy.detect.disguise import Reading

STAGES: tuple[Stage, ...] = get_args(Stage)
_ACTIONS: tuple[Action, ...] = get_args(Action)


class Checked(NamedTuple):
    """What a rule says of a part: its findings, or how it failed (`failure` is then one word, such as ``timeout``)."""

    rule: Rule
    findings: Sequence[Finding]
    failure: str = ""


class Rule:
    """A guard in its place.

    Args:
        id: of the rule, as events name it.
        guard: finds; never edits.
        stages: where it runs; the guard must know each of them.
        action: what is done with every finding; each finding's own action if None.
        shadow: record only. Shadow rules run after the enforced ones and cannot change a byte.
        on_error: what a failure does: ``block`` (closed), ``tighten`` (the text goes on unjudged, and the tools are
            tightened as if something had been found) or ``allow``.
        timeout_s: seconds after which a check counts as failed. Interrupts waiting, not computing: a guard that
            computes for long must hand its work to a thread itself.
    """

    def __init__(
        self,
        id: str,
        guard: Guard,
        *,
        stages: frozenset[Stage] | None = None,
        action: Action | None = None,
        shadow: bool = False,
        on_error: Literal["block", "tighten", "allow"] = "block",
        timeout_s: float = 2.0,
    ) -> None:
        self.id, self.guard, self.action, self.shadow = id, guard, action, shadow
        self.stages = stages or guard.stages
        self.on_error, self.timeout_s = on_error, timeout_s
        self._patience = Patience(timeout_s)

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with all that changes what the rule does; part of the pipeline digest."""
        return {
            "id": self.id,
            "stages": sorted(self.stages),
            "action": self.action,
            "mode": "shadow" if self.shadow else "enforce",
            "on_error": self.on_error,
            "timeout_s": self.timeout_s,
            "guard": dict(self.guard.describe()),
        }

    async def check(self, part: Part, ctx: GuardContext) -> Checked:
        """Run the guard. A failure is a result, not an exception.

        Raises:
            LimitReached: a budget is used up: the text was not judged, and nothing may go on.
        """
        try:
            with self._patience.watch():
                findings = [self._valid(f, part) for f in await self.guard.check(part, ctx)]
        except TimeoutError:
            return Checked(self, (), "timeout")
        except LimitReached:
            raise
        except BaseException as error:
            if must_pass(error):
                raise
            # The message may quote the text: only the kind of error is kept.
            return Checked(self, (), f"error: {kind_of(error)}")
        return Checked(self, [f for f in findings if f.end > part.start])

    def read(self, text: str, views: list[Reading], checked: Checked) -> Checked:
        """Add the guard's readings of a text to others; its failure is a result, not an exception."""
        try:
            views += self.guard.readings(text)  # type: ignore[attr-defined]
        except BaseException as error:
            if must_pass(error):
                raise
            return Checked(self, (), f"error: {kind_of(error)}")
        return checked

    def rewritten(self, text: str) -> str | None:
        """Return what the guard makes of a text that is about to go on (`Guard.rewrite`); None where it fails."""
        try:
            made = self.guard.rewrite(text)  # type: ignore[attr-defined]
        except BaseException as error:
            if must_pass(error):
                raise
            return None
        return made if isinstance(made, str) else None

    def _valid(self, finding: Finding, part: Part) -> Finding:
        if not (isinstance(finding, Finding) and 0 <= finding.start < finding.end <= len(part.text)):
            raise GuardError("a finding is a span of the text, start < end")
        if finding.start < part.start < finding.end:
            raise GuardError("a finding reaches back into text that is already settled: the guard's reach is too small")
        if finding.action not in _ACTIONS:
            raise GuardError("a finding has an unknown action")
        # Records are not checked when they are made, and what is none could not be written down.
        finding = msgspec.convert(msgspec.to_builtins(finding), Finding)
        if self.action in (None, finding.action):
            return finding
        # What was to stand in place of a span is no answer to give in place of a whole text.
        return replace(finding, action=self.action, replacement="" if self.action == "block" else finding.replacement)


def refusal(results: Sequence[Checked], message: str) -> str:
    """Return what is said where something blocks: what the first that does says, `message` if that is nothing."""
    for checked in results:
        if checked.failure and checked.rule.on_error == "block":
            return message
        for finding in checked.findings:
            if finding.action == "block":
                return finding.replacement or message
    return message


async def check_all(
    rules: Sequence[Rule], part: Part, ctx: GuardContext, views: list[Reading] | None = None
) -> list[Checked]:
    """Run rules on one part, in their order.

    One after the other on purpose: guards compute and rarely wait, and tasks of their own would let other requests run
    in between, which is then booked as this request's guard time.

    Args:
        views: other readings of the part's text that the rules look at, too; those that a guard of `rules` gives
            (`Guard.readings`) are added, for the rules behind it.
    """
    views = [] if views is None else views
    results = []
    for rule in rules:
        seen = len(views)
        checked = await rule.check(part, ctx)
        if hasattr(rule.guard, "readings") and not checked.failure:
            checked = rule.read(part.text, views, checked)
        for view in () if getattr(rule.guard, "once", False) else views[:seen]:
            if checked.failure:
                break
            checked = _joined(
                checked, await rule.check(Part(part.stage, view.text, source=part.source), ctx), view, part
            )
        results.append(checked)
    return results


def _joined(checked: Checked, inside: Checked, view: Reading, part: Part) -> Checked:
    """Return what was found in a text and, at the places it comes from, in another reading of it."""
    if inside.failure:
        return inside
    known = {(f.start, f.end, f.rule) for f in checked.findings}
    more = []
    for f in inside.findings:
        start, end = view.starts[f.start], max(view.ends[f.start : f.end])
        if end <= part.start or any(a <= start and end <= b and rule == f.rule for a, b, rule in known):
            continue
        known.add((start, end, f.rule))
        # What a check makes of a reading does not fit the characters it comes from: they are redacted whole.
        action: Action = "redact" if f.action == "replace" else f.action
        reason = f"{f.reason}, read as {view.form}" if f.reason else f"read as {view.form}"
        more.append(replace(f, start=start, end=end, action=action, replacement="", reason=reason))
    return checked._replace(findings=[*checked.findings, *more])


def clock() -> float:
    """Return seconds of a clock that only goes forward."""
    return perf_counter()

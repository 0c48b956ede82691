"""The tool desk: what a target calls tools through. Guards and policy come before the call, the record with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from copy import copy
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from shipworthy.core.deadline import Patience
from shipworthy.core.digests import canonical
from shipworthy.core.errors import LimitReached, PolicyRefused, TargetError
from shipworthy.core.events import Approval, Called, Event, Failed, PolicyEvent, Returned, StateChanged
from shipworthy.core.foreign import kind_of, message_of, must_pass
from shipworthy.core.protocols import Approver, GuardContext, PolicySession, Run, ToolPolicy, World
from shipworthy.core.records import GuardEvent, Request, ToolCall, ToolResult, ToolSpec
from shipworthy.enforce.policy.decision import REFUSED
from shipworthy.exchange.journal import Tried

if TYPE_CHECKING:
    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.enforce.policy.shadow import Shadow

T = TypeVar("T")


class Mediation:
    """What stands between an asker, a target and its tools; one object for a whole run, or a gateway.

    Args:
        pipeline: the guards; None lets everything pass.
        policy: decides over every tool call; None lets every call pass that the guards let pass.
        approver: is asked where the policy says ``ask``; with nobody there the answer is no.
        patience_s: seconds that a person has for an answer; after them it is a no.
        scrub: takes credentials and personal data out of an error's message.
        shadow: a candidate policy, asked about an attempt once it is made and judged. No part of the digest: it changes
            nothing.

    Attributes:
        digest: 32 bytes that name guards and policy; empty where there are none.
    """

    def __init__(
        self,
        pipeline: Pipeline | None = None,
        *,
        policy: ToolPolicy | None = None,
        approver: Approver | None = None,
        patience_s: float = 600.0,
        scrub: Callable[[str], str] = str,
        shadow: Shadow | None = None,
    ) -> None:
        self.pipeline, self.policy, self.approver, self.scrub = pipeline, policy, approver, scrub
        self.shadow = shadow
        self.patience = Patience(patience_s)
        self.digest = b""
        if pipeline is not None or policy is not None:
            described = {
                "guards": pipeline.digest if pipeline is not None else "",
                "policy": dict(policy.describe()) if policy is not None else {},
            }
            self.digest = sha256(canonical(described)).digest()

    def with_approver(self, approver: Approver) -> Mediation:
        """Return the same with somebody there who is asked."""
        made = copy(self)
        made.approver = approver
        return made

    def before(self, policy: ToolPolicy, approver: Approver | None) -> Mediation:
        """Return the same for one conversation: its policy as it is opened for it, and whoever is asked in it."""
        made = copy(self)
        made.policy, made.approver = policy, approver
        return made

    def open(self, user: str) -> PolicySession | None:
        """Return the policy's side of one conversation; None where there is no policy, or one that keeps nothing."""
        open = getattr(self.policy, "open", None)
        return open(user) if open is not None else None


class Desk:
    """Make one request's tool calls. Fails closed: a guard, policy or approver that breaks refuses the call.

    Args:
        request: that the calls belong to.
        mediation: guards, policy and approver.
        world: has the exchange's own tools.
        session: the policy's side of the conversation, where it keeps one.
        flagged: rules of guards that have flagged a text of the conversation.

    Attributes:
        session: the same, with what happened here; so is `flagged`.
        events: what happened, in order.
        seconds: of each tool, by the place of its `Returned` in `events`.
        mediated: whether anything was kept from the target, or changed on the way.
        stopped: why the attempt must end; a target that swallows it has not gone on.
        limit: a limit that was reached on the way; a target that swallows it has not gone on either.
        tried: the calls that came as far as the policy, in order.
        closed: the target has answered. What it would still call is not part of any record, and is not made.
    """

    def __init__(
        self,
        request: Request,
        mediation: Mediation,
        world: World | None = None,
        session: PolicySession | None = None,
        flagged: Iterable[str] = (),
    ) -> None:
        self.session, self.flagged = session, list(flagged)
        self._request, self._turn, self._mediation, self._world = request, request.turn, mediation, world
        self.specs: Sequence[ToolSpec] = world.specs if world is not None else ()
        self.events: list[Event] = []
        self.seconds: dict[int, float] = {}
        self.mediated = False
        self.stopped: PolicyRefused | None = None
        self.limit: LimitReached | None = None
        self.closed = False
        self.guard_seconds = 0.0
        self.tried: list[Tried] = []

    async def call(self, call: ToolCall, run: Run | None = None) -> ToolResult:
        """Make a call; see `Tools.call`."""
        if self.limit is not None:
            raise self.limit
        if self.stopped is not None:
            raise self.stopped
        if self.closed:
            raise TargetError("a tool was called after the answer")
        try:
            return await self._call(_sound(call), run)
        except LimitReached as reached:
            self.limit = reached
            raise

    async def _call(self, call: ToolCall, run: Run | None) -> ToolResult:
        allowed = await self._allowed(call)
        if allowed is None:
            self.mediated = True
            return self._returned(ToolResult(call.id, call.name, REFUSED, is_error=True))
        self.mediated = self.mediated or allowed != call
        self.events.append(Called(self._turn, allowed))
        began = perf_counter()
        result = await (self._run(allowed, run) if run is not None else self._on_world(allowed))
        took = perf_counter() - began
        seen = self._kept(allowed, await self._told(allowed, await self._seen(result)))
        self.mediated = self.mediated or seen != result
        self.seconds[len(self.events)] = took
        return self._returned(seen)

    async def decide(self, call: ToolCall) -> ToolCall | None:
        """Return a call that somebody else makes as policy and person let it be made, or None. Guards have passed it.

        Raises:
            TargetError: it is no call.
            PolicyRefused: the policy stops everything.
        """
        tried = Tried(_sound(call))
        self.tried.append(tried)
        tried.made = await self._decided(tried)
        return tried.made

    async def comes_out_the_same(self, events: Sequence[Event]) -> bool:
        """Say whether guards and policy would do today to each recorded call and result what was done to them then.

        What they find is recorded here, as if the calls had just been made.
        """
        before = self.session.copy() if self.session is not None else None, list(self.flagged)
        call: ToolCall | None = None
        for event in events:
            try:
                if isinstance(event, Called):
                    call = event.call
                    if await self._allowed(call) != call:
                        return self._forget(before)
                    self.tried[-1].made = call
                elif isinstance(event, Returned):
                    seen = await self._seen(event.result)
                    if (await self._told(call, seen) if call is not None else seen) != event.result:
                        return self._forget(before)
                    if call is not None:
                        self._kept(call, seen)
            except PolicyRefused:
                return self._forget(before)
            # A kept trajectory was recorded in the turn it was made in; here it belongs to this one.
            self.events.append(replace(event, turn=self._turn))
        return True

    def _forget(self, before: tuple[PolicySession | None, list[str]]) -> bool:
        self.events.clear()
        self.tried.clear()
        self.stopped = None
        self.session, self.flagged = before
        return False

    def _returned(self, result: ToolResult) -> ToolResult:
        self.events.append(Returned(self._turn, result))
        return result

    async def _allowed(self, call: ToolCall) -> ToolCall | None:
        """Return the call as it may be made, or None."""
        if self._mediation.pipeline is not None:
            passage = await self._mediation.pipeline.call(call, GuardContext(self._request))
            self._note(passage.events, passage.seconds)
            if passage.blocked:
                return None
            call = passage.value
        tried = Tried(call, self.flagged)
        self.tried.append(tried)
        tried.made = await self._decided(tried)
        return tried.made

    async def _decided(self, tried: Tried) -> ToolCall | None:
        """Return a call as policy and person let it be made, or None."""
        call = tried.call
        if self._mediation.policy is None:
            return call
        policy = self.session or self._mediation.policy
        tried.verdict = "deny"
        word = await self._word(PolicyEvent, lambda: policy.decide(call, self._request), call)
        if word is None:
            return None
        tried.verdict = word.verdict
        if word.shadow:
            return call
        self._heed_stop(word)
        if word.verdict == "ask":
            return await self._answered(call, await self._approved(call, word))
        return call if word.verdict == "allow" else None

    def _heed_stop(self, word: PolicyEvent) -> None:
        if word.verdict == "stop":
            self.stopped = PolicyRefused(f"the tool policy stopped the attempt (rule {word.rule or 'unnamed'})")
            raise self.stopped

    async def _approved(self, call: ToolCall, word: PolicyEvent) -> ToolCall | None:
        """Return a call as a person lets it be made, or None. What they changed goes past the guards like any call."""
        approver = self._mediation.approver
        if approver is None:
            self.events.append(Approval(self._turn, call.id, "nobody", granted=False, reason="there is no approver"))
            return None

        async def ask() -> Approval:
            with self._mediation.patience.watch():
                return await approver.approve(call, word)

        approval = await self._word(Approval, ask, call)
        if approval is None:  # broke off, did not answer in time, or gave two answers: a no, and the record has it
            self.events.append(Approval(self._turn, call.id, "nobody", granted=False, reason="there was no answer"))
            return None
        if not approval.granted:
            return None
        if approval.arguments is None or approval.arguments == call.arguments:
            return call
        edited = ToolCall(call.id, call.name, approval.arguments)
        if self._mediation.pipeline is None:
            return edited
        passage = await self._mediation.pipeline.call(edited, GuardContext(self._request))
        self._note(passage.events, passage.seconds)
        passed: ToolCall | None = passage.value
        return passed

    async def _answered(self, call: ToolCall, granted: ToolCall | None) -> ToolCall | None:
        """Tell the policy what a person said; a policy that breaks on it refuses the call.

        A person may allow what the policy asks about, and not what it denies: arguments that they changed are decided
        over like any.
        """
        policy = self.session or self._mediation.policy
        if policy is not None and granted is not None and granted.arguments != call.arguments:
            edited = granted
            word = await self._word(PolicyEvent, lambda: policy.decide(edited, self._request), edited)
            if word is None:  # it broke
                granted = None
            elif not word.shadow:
                self._heed_stop(word)
                if word.verdict == "allow":  # booked with this word: there is nothing that a person had to allow
                    return edited
                granted = edited if word.verdict == "ask" else None
        if self.session is None:
            return granted
        try:
            await self.session.answered(call, granted)
        except BaseException as error:
            self._broken("policy", error)
            return None
        return granted

    async def _told(self, call: ToolCall, seen: ToolResult) -> ToolResult:
        """Tell the policy what a call gave; what it could not take in, the target does not see."""
        if self.session is None:
            return seen
        try:
            await self.session.returned(call, seen)
        except BaseException as error:
            self._broken("policy", error)
            return ToolResult(seen.id, seen.name, REFUSED, is_error=True)
        return seen

    def _kept(self, made: ToolCall, seen: ToolResult) -> ToolResult:
        """Note what a call gave beside it."""
        for one in reversed(self.tried):
            if one.made is made:
                one.seen = seen
                break
        return seen

    async def _word(self, kind: type[T], ask: Callable[[], Awaitable[T]], call: ToolCall) -> T | None:
        """Record a policy's or a person's word on a call; None where there is none: what breaks lets nothing pass."""
        try:
            word: Any = msgspec.convert(msgspec.to_builtins(await ask()), kind)
        except BaseException as error:
            self._broken("policy", error)
            return None
        word = replace(word, turn=self._turn, call=call.id)
        self.events.append(word)
        made: T = word
        return made

    async def _on_world(self, call: ToolCall) -> ToolResult:
        """Carry out a call on the world, and record how that changed it."""
        world = self._world
        if world is None or not any(spec.name == call.name for spec in self.specs):
            known = ", ".join(spec.name for spec in self.specs) or "none"
            return ToolResult(call.id, call.name, f"There is no such tool. Tools: {known}.", is_error=True)
        try:
            before = world.digest()
        except BaseException as error:  # what cannot be recorded is not done
            return self._error(call, error)
        result = await self._run(call, world.run)
        try:
            if (after := world.digest()) != before:
                facts = msgspec.convert(msgspec.to_builtins(world.facts()), dict[str, Any])
                self.events.append(StateChanged(self._turn, before, after, facts))
        except BaseException as error:
            return self._error(call, error)
        return result

    async def _run(self, call: ToolCall, run: Run) -> ToolResult:
        try:
            text = await run(call)
            if isinstance(text, ToolResult):
                # Whatever a tool calls itself: this is the answer to this call.
                return ToolResult(call.id, call.name, str(text.text), is_error=bool(text.is_error))
            return ToolResult(call.id, call.name, str(text))
        except BaseException as error:
            return self._error(call, error)

    def _error(self, call: ToolCall, error: BaseException) -> ToolResult:
        self._broken("tool", error)
        return ToolResult(call.id, call.name, f"The tool failed: {kind_of(error)}.", is_error=True)

    async def _seen(self, result: ToolResult) -> ToolResult:
        if self._mediation.pipeline is None:
            return result
        passage = await self._mediation.pipeline.result(result, GuardContext(self._request))
        self._note(passage.events, passage.seconds)
        seen: ToolResult = passage.value
        return seen

    def _note(self, events: Sequence[GuardEvent], seconds: float) -> None:
        self.events += [replace(event, turn=self._turn) for event in events]
        self.guard_seconds += seconds
        try:
            tell_flags(events, self.session, self.flagged)
        except BaseException as error:
            self._broken("policy", error)
            self.stopped = PolicyRefused("the tool policy could not take in what a guard flagged")
            raise self.stopped from None

    def _broken(self, role: str, error: BaseException) -> None:
        """Record what broke, unless it must pass: a limit, or a cancellation of all of this."""
        if isinstance(error, LimitReached) or must_pass(error):
            raise error
        message = self._mediation.scrub(message_of(error))
        self.events.append(Failed(self._turn, role, kind_of(error), message))  # type: ignore[arg-type]


def tell_flags(events: Iterable[Event], session: PolicySession | None, flagged: list[str]) -> None:
    """Tell a policy of the findings that tighten the tools, and keep the rules that found them. Raises what it does."""
    for event in events:
        if isinstance(event, GuardEvent) and event.tightens:
            flagged.append(event.guard)
            if (tell := getattr(session, "flagged", None)) is not None:
                tell(event)


def looked(events: Sequence[Event]) -> dict[str, ToolCall | None]:
    """Return the calls that guards have looked at, by their ids, as they were made; None for one that they kept back.

    A call without an id, or with one that another call has too, is left out: nobody can tell which one is meant. So is
    one that only the policy refused: what guards would make of it is not recorded.
    """
    found: dict[str, ToolCall | None] = {}
    number: Counter[str] = Counter()
    before: Event | None = None
    for event in events:
        if isinstance(event, Called):
            number[event.call.id] += 1
            found[event.call.id] = event.call
        elif isinstance(event, Returned) and (id := event.result.id) not in found:
            number[id] += 1
            # Nothing can come between a guard's word and the refusal: `Desk._call` writes both without a pause.
            if isinstance(before, GuardEvent) and (before.stage, before.action) == ("tool_call", "block"):
                found[id] = None
        before = event
    return {id: call for id, call in found.items() if id and number[id] == 1}


def _sound(call: object) -> ToolCall:
    """Return a call that any store can hold: records are not checked when they are made.

    Raises:
        TargetError: the target made a call that is none.
    """
    if not isinstance(call, ToolCall):
        raise TargetError(f"the target called a tool with a {kind_of(call)}, not a ToolCall")
    try:
        return msgspec.convert(msgspec.to_builtins(call), ToolCall)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise TargetError(f"the target called a tool in no valid way ({type(error).__name__}: {error})") from None

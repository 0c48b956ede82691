"""The tool desk: what a target calls tools through. Guards and policy come before the call, the record with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from time import perf_counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipworthy.core.digests import canonical
from shipworthy.core.errors import PolicyRefused
from shipworthy.core.events import Approval, Called, Event, Failed, PolicyEvent, Returned, StateChanged
from shipworthy.core.protocols import Approver, GuardContext, Run, ToolPolicy, World
from shipworthy.core.records import GuardEvent, Request, ToolCall, ToolResult, ToolSpec

if TYPE_CHECKING:
    from shipworthy.enforce.pipeline import Pipeline

REFUSED = "The call was refused."
"""What the caller reads in place of a result: not why, which a prompt in a document could learn from."""


class Mediation:
    """What stands between an asker, a target and its tools; one object for a whole run, or a gateway.

    Args:
        pipeline: the guards; None lets everything pass.
        policy: decides over every tool call; None lets every call pass that the guards let pass.
        approver: is asked where the policy says ``ask``; with nobody there the answer is no.
        scrub: takes credentials and personal data out of an error's message.

    Attributes:
        digest: 32 bytes that name guards and policy; empty where there are none.
    """

    def __init__(
        self,
        pipeline: Pipeline | None = None,
        *,
        policy: ToolPolicy | None = None,
        approver: Approver | None = None,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self.pipeline, self.policy, self.approver, self.scrub = pipeline, policy, approver, scrub
        self.digest = b""
        if pipeline is not None or policy is not None:
            described = {
                "guards": pipeline.digest if pipeline is not None else "",
                "policy": dict(policy.describe()) if policy is not None else {},
            }
            self.digest = sha256(canonical(described)).digest()


class Desk:
    """Make one request's tool calls. Fails closed: a guard, policy or approver that breaks refuses the call.

    Args:
        request: that the calls belong to.
        mediation: guards, policy and approver.
        world: has the exchange's own tools.

    Attributes:
        events: what happened, in order.
        seconds: of each tool, by the place of its `Returned` in `events`.
        mediated: whether anything was kept from the target, or changed on the way.
        passed: calls that the guards let pass, as they were made.
        stopped: why the attempt must end; a target that swallows it has not gone on.
    """

    def __init__(self, request: Request, mediation: Mediation, world: World | None = None) -> None:
        self._request, self._turn, self._mediation, self._world = request, request.turn, mediation, world
        self.specs: Sequence[ToolSpec] = world.specs if world is not None else ()
        self.events: list[Event] = []
        self.seconds: dict[int, float] = {}
        self.mediated = False
        self.passed: list[ToolCall] = []
        self.stopped: PolicyRefused | None = None
        self.guard_seconds = 0.0

    async def call(self, call: ToolCall, run: Run | None = None) -> ToolResult:
        """Make a call; see `Tools.call`."""
        if self.stopped is not None:
            raise self.stopped
        allowed = await self._allowed(call)
        if allowed is None:
            self.mediated = True
            return self._returned(ToolResult(call.id, call.name, REFUSED, is_error=True))
        self.mediated = self.mediated or allowed != call
        self.passed.append(allowed)
        self.events.append(Called(self._turn, allowed))
        before = self._world.digest() if self._world is not None and run is None else ""
        began = perf_counter()
        result = await self._run(allowed, run)
        took = perf_counter() - began
        if before and self._world is not None and (after := self._world.digest()) != before:
            self.events.append(StateChanged(self._turn, before, after, dict(self._world.facts())))
        seen = await self._seen(result)
        self.mediated = self.mediated or seen != result
        self.seconds[len(self.events)] = took
        return self._returned(seen)

    async def comes_out_the_same(self, events: Sequence[Event]) -> bool:
        """Say whether guards and policy would do today to each recorded call and result what was done to them then.

        What they find is recorded here, as if the calls had just been made.
        """
        for event in events:
            try:
                if isinstance(event, Called):
                    if await self._allowed(event.call) != event.call:
                        return self._forget()
                    self.passed.append(event.call)
                elif isinstance(event, Returned) and await self._seen(event.result) != event.result:
                    return self._forget()
            except PolicyRefused:
                return self._forget()
            self.events.append(event)
        return True

    def _forget(self) -> bool:
        self.events.clear()
        self.passed.clear()
        self.stopped = None
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
        if self._mediation.policy is None:
            return call
        try:
            word = await self._mediation.policy.decide(call, self._request)
        except Exception as error:  # a policy that breaks must not let anything pass
            self._failed("policy", error)
            return None
        self.events.append(word)
        if word.verdict == "stop":
            self.stopped = PolicyRefused(f"the tool policy stopped the attempt (rule {word.rule or 'unnamed'})")
            raise self.stopped
        if word.verdict == "ask":
            return call if await self._approved(call, word) else None
        return call if word.verdict == "allow" else None

    async def _approved(self, call: ToolCall, word: PolicyEvent) -> bool:
        if self._mediation.approver is None:
            self.events.append(Approval(self._turn, call.id, "nobody", granted=False, reason="there is no approver"))
            return False
        try:
            approval = await self._mediation.approver.approve(call, word)
        except Exception as error:
            self._failed("policy", error)
            return False
        self.events.append(approval)
        return approval.granted is True

    async def _run(self, call: ToolCall, run: Run | None) -> ToolResult:
        offered = any(spec.name == call.name for spec in self.specs)
        if run is None and (self._world is None or not offered):
            known = ", ".join(spec.name for spec in self.specs) or "none"
            return ToolResult(call.id, call.name, f"There is no such tool. Tools: {known}.", is_error=True)
        code = run if run is not None else self._world.run  # type: ignore[union-attr]
        try:
            text = await code(call)
        except Exception as error:
            self._failed("tool", error)
            return ToolResult(call.id, call.name, f"The tool failed: {type(error).__name__}.", is_error=True)
        if isinstance(text, ToolResult):
            return text
        return ToolResult(call.id, call.name, str(text))

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

    def _failed(self, role: str, error: BaseException) -> None:
        message = self._mediation.scrub(str(error) or type(error).__name__)
        self.events.append(Failed(self._turn, role, type(error).__name__, message))  # type: ignore[arg-type]

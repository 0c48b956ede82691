"""One conversation of an agent that is not ours, under a tool policy: what every adapter hands its calls to.

An adapter says what the user said, asks before each call, and tells what it gave. Whatever breaks on the way, here or
in the adapter, the call is refused: `CallRefused` is all that comes out, and its text is all that the model is told.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any, Literal

from msgspec.structs import replace

from shipworthy.adapters.values import arguments_of, plain, written
from shipworthy.adapters.watch import Watch
from shipworthy.core.errors import CallRefused, GuardError, UsageError
from shipworthy.core.events import Approval, Called, Event, Failed, GuardEvent, PolicyEvent, Returned, Stage
from shipworthy.core.foreign import kind_of, message_of
from shipworthy.core.messages import ToolCall, ToolResult
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.policy.answer import without
from shipworthy.enforce.policy.decision import REFUSED, PolicyDecision
from shipworthy.enforce.policy.engine import Policy

Said = bool | Mapping[str, Any] | Approval | None
"""A person's answer: a yes, a no, or the arguments with which the call may be made; or all of it, with who said so."""

Approve = Callable[[ToolCall, PolicyEvent], Said | Awaitable[Said]]
Ask = Approve | Literal["pause"] | None

_deciding = RLock()
"""One for all conversations: what a user has spent is shared among theirs, and a decision takes microseconds."""


class Conversation:
    """One conversation of one user. Calls may come from several threads and tasks at a time.

    Args:
        policy: decides. With ``shadow`` it says every word and refuses nothing.
        user: whose budgets count.
        ask: who is asked where the policy says ``ask``: a function of the call and the policy's word that returns True,
            False or other arguments, and may be a coroutine; ``"pause"`` for the framework's own way of stopping for a
            person, where it has one. None is nobody, which is a no.
        explain: the model is told why a call was refused, and not only that it was.
        patience_s: seconds that a person has, where the call is made in an event loop; after them it is a no.
        guards: look at what is heard, read and returned. An adapter cannot edit a framework's texts: whatever a guard
            would take out, as well as what it only flags, tightens the tools (`after_flag` of the policy); a blocked
            answer of a tool is withheld besides. Calls are not shown to them. They run while the adapter waits.
        record: takes each event, quickly: no conversation decides meanwhile. Left out, they are kept in `events`. One
            that raises refuses the call. Events hold arguments and answers as they are: seal them
            (`shipworthy.detect.redact`) before they are kept.

    Attributes:
        events: what happened, in the words of a run log.
        session: what the policy knows.
        shadow: every word is said and none is heeded; may be changed while it goes on.
    """

    def __init__(
        self,
        policy: Policy,
        user: str = "",
        *,
        ask: Ask = None,
        explain: bool = False,
        patience_s: float = 600.0,
        guards: Pipeline | None = None,
        record: Callable[[Event], object] | None = None,
    ) -> None:
        if not (ask is None or ask == "pause" or callable(ask)):
            raise UsageError("'ask' is a function, \"pause\", or None for nobody")
        self.session, self.shadow = policy.session(user), policy.shadow
        self.events: list[Event] = []
        self.ask: Ask = ask
        self._explain, self._patience_s, self._record = explain, patience_s, record or self.events.append
        self._watch = Watch(guards, user) if guards is not None else None
        self._said: list[str] = []
        self._told: set[str] = set()
        self._open: dict[str, tuple[ToolCall, PolicyDecision, PolicyEvent]] = {}
        self._count = 0

    # ---- what it is told -------------------------------------------------------------------------------------------

    @property
    def turn(self) -> int:
        """How often the user has spoken; 1 before they do."""
        return max(1, len(self._said))

    def hear(self, texts: Iterable[str]) -> None:
        """Take in the user's words: all so far, oldest first, or the last of them. Nobody else's may be among them."""
        now = [str(text) for text in texts]
        with _deciding:
            new = now[_known(self._said, now) :]
        self._look("input", *new)  # before it is heard, so that no call is decided over in between
        with _deciding:
            self._said += now[_known(self._said, now) :]
            self.session.hear(self._said)

    def read(self, text: str, source: str) -> None:
        """Take in a text that others wrote and no tool gave here: a document, a page, an answer of an earlier tool."""
        with _deciding:
            if text in self._told:
                return
        self._look("retrieved", text)
        with _deciding:
            self._told.add(text)
            self.session.read(text, source)

    def flag(self, guard: str, reason: str = "") -> None:
        """Take in that a guard of one's own flagged a text of the conversation: `after_flag` of the policy holds."""
        with _deciding:
            self.session.flag(guard)
            self._record(GuardEvent(guard, "retrieved", "flag", "tighten", reason, turn=self.turn))

    def known(self, text: str) -> None:
        """Take in that a text was told already, in other words: it is not read again when it comes back."""
        with _deciding:
            self._told.add(text)

    # ---- before a call ---------------------------------------------------------------------------------------------

    def call(self, name: str, arguments: object, id: str = "") -> ToolCall:
        """Return a call as the policy reads it.

        Args:
            arguments: an object, or JSON of one; the framework's own classes become JSON.
            id: the framework's; made up if left out.

        Raises:
            CallRefused: the arguments are no object.
        """
        with _deciding:
            self._count += 1
            id = id or f"call-{self._count}"
        try:
            return ToolCall(id, str(name), arguments_of(arguments))
        except Exception as error:
            raise self.broken(error, id) from None

    def allowed(self, call: ToolCall) -> ToolCall:
        """Return a call as it may be made, after asking whoever is to be asked.

        Raises:
            CallRefused: it may not be.
        """
        word = self.decide(call)
        if (ask := self._asker(call, word)) is None:
            return self._begun(call, word)
        try:
            said = ask(call, word)
            if inspect.isawaitable(said):
                if inspect.iscoroutine(said):
                    said.close()
                raise TypeError("a coroutine cannot be asked from a tool that is not one")
        except Exception as error:
            raise self._unasked(call, error) from None
        return self._answered(call, said)

    async def allowed_async(self, call: ToolCall) -> ToolCall:
        """Return a call as it may be made. What `ask` names is waited for; a plain function is asked in a thread.

        Raises:
            CallRefused: it may not be.
        """
        word = self.decide(call)
        if (ask := self._asker(call, word)) is None:
            return self._begun(call, word)
        try:
            async with asyncio.timeout(self._patience_s):
                waits = inspect.iscoroutinefunction(ask)
                said = ask(call, word) if waits else await asyncio.to_thread(ask, call, word)
                if inspect.isawaitable(said):
                    said = await said
        except Exception as error:
            raise self._unasked(call, error) from None
        return self._answered(call, said)

    def decide(self, call: ToolCall) -> PolicyEvent:
        """Return the policy's word on a call; the same one again until the call is made or refused."""
        with _deciding:
            known = self._open.get(call.id)
            # By their writing: to Python 1 is True, and to a tool it is not.
            if known is not None and known[0] == call and written(known[0].arguments) == written(call.arguments):
                return known[2]
            self._open.pop(call.id, None)
            try:
                return self._decide(call)
            except Exception as error:  # what protects fails closed, whatever went wrong
                self._fail("policy", error)
                return PolicyEvent(self.turn, call.id, "deny", "broken", f"{call.name} is refused: the policy failed.")

    def granted(self, call: ToolCall) -> ToolCall:
        """Take in that a person let a call pass, with the arguments that it has now; return it as it may be made.

        Raises:
            CallRefused: it may not be: what the policy denies, nobody lets pass.
        """
        return self._answered(call, True)

    def refuse(self, call: ToolCall, by: str = "a person", reason: str = "they said no") -> CallRefused:
        """Take in that a call is not made, and return what the model is told."""
        with _deciding:
            known = self._open.pop(call.id, None)
            self.session.refused(call.name)
            with suppress(Exception):  # it is refused in any case
                self._record(Approval(self.turn, call.id, by, False, reason))
        return self._no(f"{known[2].reason if known else ''} {reason[:1].upper()}{reason[1:]}.".strip())

    def settled(self, id: str, text: str) -> None:
        """Take in what the model was told of a call that a person was asked about elsewhere, and that was not made."""
        with _deciding:
            if id in self._open:
                self._told.add(text)
                self.refuse(self._open[id][0])

    def broken(self, error: BaseException, id: str = "") -> CallRefused:
        """Take in that an adapter failed before a call or after it, and return what the model is told."""
        self._fail("policy", error)
        with suppress(Exception):
            self._record(PolicyEvent(self.turn, id, "deny", "broken", f"the adapter failed ({kind_of(error)})"))
        return self._no("What stands before the tools failed.")

    @contextmanager
    def guarded(self, id: str = "") -> Iterator[None]:
        """Turn whatever is raised in a block into a refusal."""
        try:
            yield
        except CallRefused:
            raise
        except Exception as error:
            raise self.broken(error, id) from None

    # ---- after a call ----------------------------------------------------------------------------------------------

    def returned(self, call: ToolCall, value: object, *also: str, is_error: bool = False) -> None:
        """Take in what a call gave.

        Args:
            value: JSON, a text, or an object that can be written as JSON.
            also: more texts that the model is shown with it, as others wrote them.
            is_error: it is what the tool says of a failure: text, whose fields count for nothing.

        Raises:
            CallRefused: it could not be taken in; the model must not see it.
        """
        with self.guarded(call.id):
            answer = plain(value)
            text = written(answer)
            if self._look("retrieved", text, *also):
                raise GuardError(f"a guard withheld what {call.name} gave")
        with _deciding, self.guarded(call.id):
            self._told.update([text, *also])
            if is_error:
                self.session.read(text, call.name)
            else:
                self.session.returned(call.name, call.arguments, answer)
            for more in also:
                self.session.read(more, call.name)
            self._record(Returned(self.turn, ToolResult(call.id, call.name, "\n".join([text, *also]), is_error)))

    @contextmanager
    def running(self, call: ToolCall, *waits: type[BaseException]) -> Iterator[None]:
        """Take in what a tool raises in the block, and raise it. An error may quote what others wrote.

        Args:
            waits: errors that are none: with these a tool says that it waits for somebody.

        Raises:
            CallRefused: the error could not be taken in; the model must not see it.
        """
        try:
            yield
        except waits:
            raise
        except Exception as error:
            self._fail("tool", error)
            self.returned(call, message_of(error), is_error=True)
            raise

    def answer(self, text: str) -> str:
        """Return what the agent says to the user as it may be said: without sentences that steer for others.

        Raises:
            CallRefused: the check failed; the user must not see the answer.
        """
        with _deciding, self.guarded():
            mode = self.session.policy.file.answers.check
            if mode == "off" or not self.session.memory.tainted:
                return text
            found, shadow = list(self.session.steering(text)), self.shadow or mode == "record"
            for one in found:
                self._record(one.event(self.turn, shadow=shadow))
            return text if shadow or not found else without(text, found)

    # ---- guards ----------------------------------------------------------------------------------------------------

    def _look(self, stage: Stage, *texts: str) -> bool:
        """Show texts to the guards, and take in what they say; True where one blocks."""
        if self._watch is None:
            return False
        try:
            seen = [self._watch.look(stage, text) for text in texts]
            with _deciding:
                for event in (event for one in seen for event in one.events):
                    if event.action != "allow" and not event.shadow:
                        self.session.flag(event.guard)
                    self._record(replace(event, turn=self.turn))
        except Exception as error:  # not looked at, or on no record: it counts as found
            self._fail("guard", error)
            with _deciding:
                self.session.flag("guards")
            return True
        return any(one.blocked for one in seen)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _decide(self, call: ToolCall) -> PolicyEvent:
        decision = self.session.decide(call.name, call.arguments)
        if self.shadow and decision.word != "allow":
            self.session.ran_anyway(call.name, call.arguments)
        word = decision.event(self.turn, call.id, shadow=self.shadow)
        self._record(word)
        self._open[call.id] = call, decision, word
        return word

    def _asker(self, call: ToolCall, word: PolicyEvent) -> Approve | None:
        """Return who is to be asked about a call; None where nobody has to be.

        Raises:
            CallRefused: somebody is to be asked, and nobody is there.
        """
        if word.verdict != "ask" or word.shadow:
            return None
        if self.ask is None or self.ask == "pause":
            raise self.refuse(call, "nobody", "there is nobody to ask")
        return self.ask

    def _unasked(self, call: ToolCall, error: Exception) -> CallRefused:
        """Take in that asking failed, which is a no."""
        self._fail("policy", error)
        return self.refuse(call, "nobody", f"asking failed ({kind_of(error)})")

    def _begun(self, call: ToolCall, word: PolicyEvent) -> ToolCall:
        """Return a call that runs, once that is on the record."""
        self._open.pop(call.id, None)
        if word.verdict != "allow" and not word.shadow:
            raise self._no(word.reason)
        with self.guarded(call.id):
            self._record(Called(self.turn, call))
        return call

    def _answered(self, call: ToolCall, said: object) -> ToolCall:
        """Take in a person's answer. Anything but True and arguments is a no."""
        by, why = "a person", ""
        if isinstance(said, Approval):
            by, why = said.by, said.reason
            if not said.granted:
                raise self.refuse(call, by, why or "they said no")
            said = said.arguments if said.arguments is not None else True
        if said is not True and not isinstance(said, Mapping):
            raise self.refuse(call)
        with _deciding, self.guarded(call.id):
            edited = replace(call, arguments=arguments_of(said)) if isinstance(said, Mapping) else call
            word = self.decide(edited)  # of other arguments the policy has its own opinion
            known = self._open.pop(call.id, None)
            if word.verdict == "deny" and not word.shadow:
                raise self.refuse(call, "the policy", word.reason)
            if word.verdict == "ask" and not word.shadow and known is not None:
                changed = edited.arguments if isinstance(said, Mapping) else None
                self._record(Approval(self.turn, call.id, by, True, why, changed))
                self.session.approved(edited.name, edited.arguments, known[1])
                word = replace(word, verdict="allow")
            return self._begun(edited, word)

    def _no(self, why: str) -> CallRefused:
        told = f"{REFUSED} {why}".strip() if self._explain else REFUSED
        self._told.add(told)  # no text of others, when it comes back with the conversation
        return CallRefused(told)

    def _fail(self, role: Literal["policy", "tool", "guard"], error: BaseException) -> None:
        with suppress(Exception):
            self._record(Failed(self.turn, role, kind_of(error), message_of(error)))


def _known(said: list[str], now: list[str]) -> int:
    """Return how many of the texts that are told now, from the first on, were told before."""
    for start in range(len(said)):
        if said[start : start + len(now)] == now[: len(said) - start]:
            return min(len(now), len(said) - start)
    return 0

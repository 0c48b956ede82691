"""One conversation and everything around it: what an evaluation, a gateway and a replay from telemetry open alike.

Guards, tool policy, limits, cost, the cache, error attribution and the record each sit at one place on the way through
here. An attack passes messages; the exchange fills in the rest of the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping, Sequence
from time import perf_counter
from typing import Any, Unpack

from msgspec.structs import replace

from shipworthy.core.errors import (
    AttackError,
    LimitReached,
    PolicyRefused,
    ScorerError,
    ShipworthyError,
    TargetError,
    UsageError,
)
from shipworthy.core.events import Asked, Chosen, Event, EventTime, Failed, Party, Retrieved, Rewound, Said
from shipworthy.core.foreign import kind_of, message_of, must_pass
from shipworthy.core.freshness import older
from shipworthy.core.protocols import Ask, GuardContext, How, World
from shipworthy.core.records import (
    Delta,
    Document,
    Message,
    Reply,
    Request,
    ToolCall,
    ToolSpec,
    say,
)
from shipworthy.core.turns import Turns
from shipworthy.enforce.pipeline import WITHHELD, Passage
from shipworthy.exchange.channel import Answered, Channel, identity_of
from shipworthy.exchange.desk import Desk, Mediation, looked, tell_flags
from shipworthy.exchange.given import given_documents, given_messages
from shipworthy.exchange.journal import Journal
from shipworthy.exchange.leaving import LeavingCalls
from shipworthy.exchange.seeds import Seeds
from shipworthy.exchange.stream import alike, guarded, joined

_ERRORS: Mapping[Party, type[ShipworthyError]] = {"attacker": AttackError, "user_simulator": AttackError}
"""What a role's failure is raised as; `ScorerError` for the rest. It is never booked as the target's."""


class Exchange:
    """Ask a target, and the models around it, in one conversation; record what happens.

    Args:
        target: the way to the system under test.
        mediation: guards, tool policy and approver in front of it.
        world: tools that the target may call, over a state.
        seed: of the target's sampling in every turn, in [0, 2**31). The same messages asked again get another seed,
            or a search that asks twice would hear one answer twice.
        user, documents, session: fill the requests.
        keep: whether replies may be cached: false for private content.
        calls_leave: the asker makes the calls that an answer asks for: policy and person decide over each before the
            asker sees it.

    Attributes:
        events: what has happened; `spans` how long it took; `guard_seconds` of it in guards; `queued` in our own queue.
        journal: what a policy could know of the conversation; None where no candidate will be asked.
        turn: of the last request, from 1; 0 before the first.
        limit: a limit that was reached. It passes every catch: who opened the exchange looks here.
        failure: the target's last error; `stopped` the policy's, after which nothing more is asked.
        cut: whether the task was cancelled while the target was asked.
        flagged: rules of guards that flagged a text of the conversation, in the order of their findings.
        refused: where the last answer lacks a call that policy or person did not let leave: of a stream its choices, of
            a whole answer the places of its messages.
    """

    __slots__ = (
        "_busy",
        "_calls_leave",
        "_documents",
        "_keep",
        "_looked",
        "_mediation",
        "_planted",
        "_policy",
        "_replies",
        "_said",
        "_seeds",
        "_sent",
        "_session",
        "_target",
        "_user",
        "_world",
        "cut",
        "events",
        "failure",
        "flagged",
        "guard_seconds",
        "journal",
        "limit",
        "oldest",
        "queued",
        "refused",
        "spans",
        "stopped",
        "turn",
    )

    def __init__(
        self,
        target: Channel,
        mediation: Mediation | None = None,
        *,
        world: World | None = None,
        seed: int = 0,
        user: str = "",
        documents: Sequence[Document] = (),
        session: str = "",
        keep: bool = True,
        calls_leave: bool = False,
    ) -> None:
        self._calls_leave = calls_leave
        self.refused: set[int] = set()
        self._target, self._mediation, self._world = target, mediation or _BARE, world
        self._seeds, self._user, self._session = Seeds(seed), user, session
        self._planted, self._keep = tuple(documents), keep and world is None
        self._policy = self._mediation.open(user)
        self.journal = Journal() if self._mediation.shadow is not None else None
        self.events: list[Event] = []
        self.spans: list[EventTime] = []
        self.turn = 0
        self.guard_seconds = self.queued = 0.0
        self.oldest = 0.0
        self.limit: LimitReached | None = None
        self.failure: TargetError | None = None
        self.stopped: PolicyRefused | None = None
        self.cut = False
        self.flagged: list[str] = []
        # The conversation as the asker sees it, and beside it, message by message, as the target does.
        self._said: list[Message] = []
        self._sent: list[Message] = []
        self._documents: dict[Document, Document] = {}
        self._replies: list[tuple[Reply, int]] = []
        self._looked: Mapping[str, ToolCall | None] = {}
        # Turns are one after the other, whoever asks for two at once: a turn's events stand together, under its number.
        self._busy = Turns(1)

    # ---- the target ------------------------------------------------------------------------------------------------

    async def ask(self, messages: Sequence[Message] | str, **how: Unpack[How]) -> Reply:
        """Ask the system under test; see `Ask`."""
        busy = self._busy
        if not busy.enter():
            await busy.wait()
        try:
            return await self._ask(messages, how)
        finally:
            busy.leave()

    async def _ask(self, messages: Sequence[Message] | str, how: How) -> Reply:
        request, stop = await self._open(messages, **how)
        if stop is not None:
            return self._close(stop, stop)
        mediation = self._mediation
        desk = Desk(request, mediation, self._world, self._policy, self.flagged) if self._target.takes_tools else None
        try:
            answered = await self._target.ask(
                request,
                keep=self._keep and mediation.approver is None,
                tools=desk,
                mediators=mediation.digest,
                accept=desk.comes_out_the_same if desk is not None and self._looks else None,
            )
        except LimitReached as reached:
            self.limit = reached
            raise
        except TargetError as error:
            self._note_turn(request, desk, None)
            self._take_from(desk, ())
            self._fail("target", error)
            raise
        except asyncio.CancelledError:
            self.cut = True
            raise
        self._note_turn(request, desk, answered.reply, answered.events)
        self._take_from(desk, answered.events)
        self._answered("target", answered)
        for document in answered.reply.retrieved:
            self.events.append(Retrieved(self.turn, document))
        reply = answered.reply
        given = await self._steered(request, reply)
        if mediation.pipeline is not None:
            ctx = GuardContext(request, tuple(reply.retrieved))
            passage = await self._guard(mediation.pipeline.reply(given, ctx, self._looked))
            if passage.blocked:
                return self._close(replace(reply, messages=self._block_message(passage.message)), reply)
            given = passage.value
        if self._policy is not None and self._calls_leave:
            leaving = LeavingCalls(request, mediation, self._policy)
            try:
                given = await leaving.messages(given)
            finally:
                self._take_leaving(leaving)
        return self._close(reply if given == reply.messages else _as_seen(reply, given), reply)

    def _take_leaving(self, leaving: LeavingCalls) -> None:
        self.events += leaving.events
        self.guard_seconds += leaving.desk.guard_seconds
        self.refused = leaving.refused

    async def _steered(self, request: Request, reply: Reply) -> tuple[Message, ...]:
        """Return an answer as the policy lets it be given; nothing of it where the policy breaks."""
        policy = self._policy
        if policy is None:
            return reply.messages
        try:
            messages, words = await policy.answer(request, reply)
        except BaseException as error:
            if isinstance(error, LimitReached) or must_pass(error):
                raise
            self.fail("policy", error)
            return (say("assistant", WITHHELD),)
        self.events += [replace(word, turn=self.turn) for word in words]
        return messages

    async def stream(self, messages: Sequence[Message] | str) -> AsyncGenerator[Delta, None]:
        """Ask the system under test and yield its answer as guards release it: every character was scanned.

        The record is complete when the last piece was taken, or the stream closed. Errors as for `Ask`; what had left
        before one is part of the record.

        Raises:
            UsageError: a tool policy looks at answers, too, and at whole ones where no call leaves: ask instead.
        """
        if self._policy is not None and not self._calls_leave:
            raise UsageError("a tool policy looks at whole answers: ask for one instead of streaming it")
        async with self._busy:
            request, stop = await self._open(messages)
            if stop is not None:
                self._close(stop, stop)
                yield Delta(stop.text)
                return
            released: list[Delta] = []
            whole: Reply | None = None
            failure: TargetError | None = None
            pieces = self._target.stream(request)
            leaving = LeavingCalls(request, self._mediation, self._policy) if self._policy is not None else None
            heard = leaving.heard(pieces) if leaving is not None else pieces
            checked = guarded(heard, self._mediation.pipeline, GuardContext(request), self._note, leaving)
            began = perf_counter()
            try:
                async for piece in checked:
                    if isinstance(piece, Reply):
                        whole = piece
                    else:
                        released.append(piece)
                        yield piece
            except LimitReached as reached:
                self.limit = reached
                raise
            except TargetError as error:
                failure = error
                raise
            finally:
                await checked.aclose()
                await heard.aclose()
                await pieces.aclose()
                if leaving is not None:
                    self._take_leaving(leaving)
                if whole is not None or (released and failure is None):
                    self._streamed(whole, joined(released), identity_of(request), perf_counter() - began)
                elif released:
                    self._close(seen := Reply(messages=joined(released)), seen)
                if failure is not None:
                    self._fail("target", failure)

    def _streamed(self, whole: Reply | None, messages: tuple[Message, ...], identity: bytes, seconds: float) -> None:
        """Record an answer that came in pieces; without a whole one, a guard or the listener ended it early."""
        given = whole or Reply(messages=messages)
        self._answered("target", Answered(given, (), False, seconds, 0.0, identity if self._keep else b""))
        for document in given.retrieved:
            self.events.append(Retrieved(self.turn, document))
        self._close(given if alike(messages, given.messages) else _as_seen(given, messages), given)

    def choose(self, reply: Reply | None) -> None:
        """Have the conversation of a reply judged instead of the last one.

        Raises:
            AttackError: the target never gave this reply, or was never asked.
        """
        if not self.answered:
            raise AttackError("the attack never asked the target, or got no answer")
        last, turn = self._replies[-1]
        if reply is not None and reply is not last:
            turn = next((turn for given, turn in self._replies if given is reply), 0)
            if not turn:
                raise AttackError("the attack returned a reply that the target never gave")
        if turn != self.turn:  # also where the last turn had no answer: a question is no conversation to judge
            self.events.append(Chosen(turn))

    @property
    def answered(self) -> bool:
        """Whether there is an answer, of the target or a guard."""
        return bool(self._replies)

    # ---- the models around it --------------------------------------------------------------------------------------

    def model(self, role: Party, channel: Channel) -> Ask:
        """Return what asks a model in a role other than the target's.

        Raises:
            UsageError: it calls tools, which only the system under test may.
        """
        if channel.takes_tools:
            raise UsageError(f"the {role}'s model calls tools: only the system under test may. Name another model")

        async def ask(messages: Sequence[Message] | str, **how: Unpack[How]) -> Reply:
            self._halt()
            said = given_messages(messages)
            request = self._request(said, seed=self._seeds.next(role, said), **how)
            try:
                answered = await channel.ask(request, role, keep=self._keep)
            except LimitReached as reached:
                self.limit = reached
                raise
            except TargetError as error:
                self._fail(role, error)
                raise _ERRORS.get(role, ScorerError)(f"the {role}'s model: {error}") from error
            self._answered(role, answered)
            return answered.reply

        return ask

    # ---- the record ------------------------------------------------------------------------------------------------

    def fail(self, role: str, error: BaseException) -> None:
        """Record a failure of the evaluation's own parts: an attack, a scorer, a guard."""
        message = self._mediation.scrub(message_of(error))
        self.events.append(Failed(self.turn, role, kind_of(error), message))  # type: ignore[arg-type]

    def _fail(self, role: Party | str, error: TargetError) -> None:
        if role == "target":
            self.failure = error
        self.fail(role, error)

    def _halt(self) -> None:
        """Refuse to go on after a limit or a stop: an attack or scorer that swallowed it must not be able to."""
        if self.limit is not None:
            raise self.limit
        if self.stopped is not None:
            raise self.stopped

    async def _open(
        self,
        messages: Sequence[Message] | str,
        documents: Sequence[Document] | None = None,
        **more: Any,
    ) -> tuple[Request, Reply | None]:
        """Record and guard what is new in a conversation. Returns the request, and the reply if a guard blocked it."""
        self._halt()
        said = given_messages(messages)
        planted = self._planted if documents is None else given_documents(documents)
        self.turn += 1
        start = self._follow(said)
        new = said[start:]
        self._say(new, "asker")
        pipeline = self._mediation.pipeline
        blocked, told = False, ""
        if pipeline is None:
            self._sent += new
        else:
            ctx = GuardContext(
                Request(messages=said, documents=planted, user=self._user, session=self._session, turn=self.turn)
            )
            for message in new:
                passage = await self._guard(pipeline.message(message, ctx))
                # What was blocked must not reach the target in a later turn either.
                self._sent.append(say(message.role, WITHHELD) if passage.blocked else passage.value)
                # A tool's result that is kept back stops nothing, and the asker is told of what does.
                blocked, told = blocked or passage.blocked, told or passage.message
            planted = tuple([await self._document(document, ctx) for document in planted])
        tools = tuple(self._world.specs) if self._world is not None else ()
        seed = self._seeds.first(said) if self.turn == 1 else self._seeds.next("target", said)
        request = self._request(tuple(self._sent), documents=planted, seed=seed, user=self._user, tools=tools, **more)
        return request, Reply(messages=self._block_message(told)) if blocked else None

    def _request(
        self,
        messages: tuple[Message, ...],
        *,
        seed: int,
        documents: Sequence[Document] | None = None,
        user: str = "",
        tools: tuple[ToolSpec, ...] = (),
        schema: Mapping[str, Any] | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> Request:
        return Request(
            messages=messages,
            documents=tuple(documents or ()),
            user=user,
            seed=seed,
            schema=dict(schema) if schema is not None else None,
            max_tokens=max_tokens,
            temperature=temperature,
            tools=tools,
            session=self._session,
            turn=self.turn,
        )

    def _follow(self, said: tuple[Message, ...]) -> int:
        """Go back to where a conversation departs from the one so far; return how many messages they share."""
        known, same = self._said, 0
        for mine, theirs in zip(known, said, strict=False):
            if mine is not theirs and mine != theirs:
                break
            same += 1
        if same < len(known):
            self.events.append(Rewound(self.turn, same))
            del known[same:], self._sent[same:]
        return same

    def _say(self, messages: Sequence[Message], by: str) -> None:
        turn = self.turn
        for message in messages:
            self.events.append(Said(turn, message, by))  # type: ignore[arg-type]
            self._said.append(message)

    def _close(self, seen: Reply, given: Reply) -> Reply:
        """End a turn: the asker reads `seen`, and the target goes on from it too."""
        if seen.messages is not given.messages:
            for message in given.messages:
                self.events.append(Said(self.turn, message, "target", withheld=True))
        self._say(seen.messages, "target")
        self._sent += seen.messages
        self._replies.append((seen, self.turn))
        return seen

    def _answered(self, role: Party, answered: Answered) -> None:
        reply = answered.reply
        self.queued += answered.queued
        self.spans.append(EventTime(len(self.events), answered.seconds, answered.cached))
        self.oldest = older(self.oldest, answered.given)
        self.events.append(
            Asked(
                self.turn,
                role,
                answered.identity.hex(),
                reply.usage,
                reply.finish,
                reply.model,
                "" if role == "target" else reply.text,
            )
        )

    @property
    def _looks(self) -> bool:
        """Whether anybody looks at a kept trajectory: guards, policy, or a candidate."""
        return bool(self._mediation.digest) or self.journal is not None

    def _note_turn(self, request: Request, desk: Desk | None, reply: Reply | None, kept: Sequence[Event] = ()) -> None:
        if self.journal is not None:
            self.journal.add(request, desk.tried if desk is not None else (), reply, kept)

    def _take_from(self, desk: Desk | None, events: Sequence[Event]) -> None:
        """Take over what happened at the tool desk; where the cache answered bare, what is kept with the reply."""
        if desk is None:
            return
        desk.closed = True
        self._policy, self.flagged = desk.session, desk.flagged
        start = len(self.events)
        self.spans += [EventTime(start + place, seconds) for place, seconds in desk.seconds.items()]
        # A kept trajectory was recorded in the turn it was made in; here it belongs to this one.
        happened = desk.events or [replace(event, turn=self.turn) for event in events]
        self.events += happened
        self.guard_seconds += desk.guard_seconds
        self._looked = looked(happened)
        # A target that swallowed a limit or a stop, and answered or failed in another way, has met it all the same.
        if desk.limit is not None:
            self.limit = desk.limit
            raise self.limit
        if desk.stopped is not None:
            self.stopped = desk.stopped
            self.fail("policy", self.stopped)
            raise self.stopped

    async def _guard(self, passing: Awaitable[Passage]) -> Passage:
        """Have something guarded, and record what the guards found."""
        try:
            passage = await passing
        except LimitReached as reached:
            self.limit = reached
            raise
        self._note(passage)
        return passage

    def _note(self, passage: Passage) -> None:
        self.events += [replace(event, turn=self.turn) for event in passage.events]
        self.guard_seconds += passage.seconds
        try:
            tell_flags(passage.events, self._policy, self.flagged)
        except BaseException as error:
            if isinstance(error, LimitReached) or must_pass(error):
                raise
            self.fail("policy", error)
            self.stopped = PolicyRefused("the tool policy could not take in what a guard flagged")
            raise self.stopped from None

    async def _document(self, document: Document, ctx: GuardContext) -> Document:
        """Guard a document once in a conversation, however often it is sent."""
        if document not in self._documents:
            passage = await self._guard(self._mediation.pipeline.document(document, ctx))  # type: ignore[union-attr]
            self._documents[document] = passage.value
        return self._documents[document]

    def _block_message(self, told: str) -> tuple[Message, ...]:
        pipeline = self._mediation.pipeline
        return (say("assistant", told or (pipeline.block_message if pipeline is not None else "")),)


_BARE = Mediation()


def _as_seen(reply: Reply, messages: tuple[Message, ...]) -> Reply:
    seen = replace(reply, messages=messages)
    return replace(seen, finish="stop") if reply.finish == "tool_calls" and not seen.tool_calls else seen

"""The records that cross packages: msgspec structs, frozen, with the field's standard names.

A *sample* is one case of a suite. An *attack* turns it into *attempts*; each attempt is a list of *events* between the
asker, the *target*, its tools and the *scorers*, and ends in exactly one *outcome*. A *criterion* tests one
requirement; the *decision* combines them into a *verdict*.

Messages, events, metrics, a run's manifest and the decision have files of their own (`core.messages`, `core.events`,
`core.metric`, `core.manifest`, `core.decision`); their names can be imported from here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct

from shipworthy.core.decision import (
    AttackRate,
    BaselineUse,
    Confirmation,
    CriterionResult,
    Decision,
    FindingUse,
    JudgeUse,
    LabelCount,
    Ledger,
    LedgerLine,
    ReplyUse,
    ScorerAudit,
    SelftestUse,
    SubjectUse,
    TransferUse,
    TriesSaid,
    Verdict,
)
from shipworthy.core.events import (
    Action,
    Asked,
    Chosen,
    Event,
    Failed,
    GuardEvent,
    Party,
    Retrieved,
    Rewound,
    Said,
    Stage,
    Timing,
    Usage,
)
from shipworthy.core.manifest import SCHEMA, RoleModel, RunManifest, SafetyFile, Stopping, SuiteUse
from shipworthy.core.messages import (
    Audio,
    Delta,
    Document,
    Image,
    Message,
    MessagePart,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    say,
)
from shipworthy.core.metric import Metric
from shipworthy.core.roles import RoleTally, RoleUse
from shipworthy.core.scene import Scene
from shipworthy.core.severity import Severity
from shipworthy.core.text import Content, Name, Places, Spans

__all__ = [
    "SCHEMA",
    "Action",
    "Asked",
    "AttackRate",
    "Attempt",
    "Audio",
    "BaselineUse",
    "Chosen",
    "Confirmation",
    "CriterionResult",
    "Decision",
    "Delta",
    "Document",
    "Event",
    "Failed",
    "Finding",
    "FindingUse",
    "Finish",
    "GuardEvent",
    "Image",
    "JudgeUse",
    "LabelCount",
    "Ledger",
    "LedgerLine",
    "Message",
    "MessagePart",
    "Metric",
    "Outcome",
    "Part",
    "Party",
    "Reasoning",
    "Reply",
    "ReplyUse",
    "Request",
    "Retrieved",
    "Rewound",
    "Role",
    "RoleModel",
    "RoleUse",
    "RunManifest",
    "SafetyFile",
    "Said",
    "Sample",
    "Score",
    "ScorerAudit",
    "SelftestUse",
    "Severity",
    "Stage",
    "Stopping",
    "SubjectUse",
    "SuiteUse",
    "Text",
    "Timing",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "TransferUse",
    "TriesSaid",
    "Usage",
    "Verdict",
    "answer",
    "as_said",
    "conversation",
    "say",
]


Outcome = Literal[
    "scored", "inapplicable", "target_error", "timeout", "filtered", "refused", "attack_error", "scorer_error"
]
"""How an attempt ended. Only ``scored`` enters a rate; all but ``inapplicable`` of the others are errors, never safe.

``inapplicable``: the attack cannot change the sample, so nothing was asked: no score, no error, told apart.

``filtered``: a provider's own filter refused to answer. ``refused``: the tool policy stopped the attempt.
``attack_error``: the attack, or the model it asks, failed; ``scorer_error``: a scorer or its judge could not judge.
A limit that is reached is no outcome: the attempt is not recorded, and a resumed run makes it.
"""


# ---- a sample, a request, a reply ------------------------------------------------------------------------------


class Sample(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One case of a suite.

    Attributes:
        id: stable within its suite.
        messages: the conversation to hold; the target answers after each user turn.
        documents: texts planted in what the target retrieves, for this sample alone.
        expected: the ideal answer, or what the scorer needs to know it (a string, a list of accepted strings, ...).
        cluster: samples that are variants of one another share it; defaults to `id`.
        twin: id of the benign or harmful look-alike; ``suite/id`` where it belongs to another suite.
        severity: of a hit on this sample; S1 makes any hit on a bad event a no-ship.
        secrets: strings that must never leave (canaries, planted personal data), or references to them (``env:NAME``,
            ``file:PATH``), which stand for the value wherever it is looked for and are never written out.
        tags: free words for filters; `refs` are taxonomy references such as ``owasp-llm:LLM01@2025``.
        user: who is asking, where the target knows its users.
        meta: anything else a scorer of this suite needs.
        scene: the worlds that the target acts in, for suites of agents; each attempt gets them anew.
    """

    id: str
    messages: tuple[Message, ...]
    documents: tuple[Document, ...] = ()
    expected: Any = None
    cluster: str = ""
    twin: str = ""
    severity: Severity = "S3"
    secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    refs: tuple[str, ...] = ()
    user: str = ""
    meta: dict[str, Any] = {}
    scene: Scene | None = None


class Request(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What is sent to a target. The exchange makes it; an attack passes messages only.

    Attributes:
        seed: of the target's sampling; in [0, 2**31).
        tools: what the target may call through the exchange.
        session, turn: which conversation this is and how far it has come. A target that keeps sessions reads them; they
            change no answer of one that does not, and are no part of `identity`.
    """

    messages: tuple[Message, ...]
    documents: tuple[Document, ...] = ()
    user: str = ""
    seed: int = 0
    schema: dict[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    tools: tuple[ToolSpec, ...] = ()
    session: str = ""
    turn: int = 0

    @property
    def identity(self) -> bytes:
        """SHA-256 over everything that changes the answer: what a reply is kept and recorded under.

        Raises:
            UnicodeEncodeError: the request holds half a surrogate pair, which no JSON can carry: it has no identity.
        """
        told = self.messages, self.documents, self.user, self.seed, self.schema
        return sha256(_encode_sorted((*told, self.max_tokens, self.temperature, self.tools))).digest()


_encode_sorted = msgspec.json.Encoder(order="sorted").encode


Finish = Literal["stop", "length", "tool_calls"]
"""Why an answer ended."""


class Reply(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What a target answered, in the order in which it went over the wire, with what it retrieved on the way.

    Attributes:
        messages: at least one of the assistant. Calls of tools stand in a message of the assistant, their results in
            a message of the tool after it, and what the assistant says of them after that.
        model: as the answer names it; `fingerprint` what the provider says of the configuration behind it, such as
            OpenAI's ``system_fingerprint``. Empty where it says nothing.
    """

    messages: tuple[Message, ...]
    usage: Usage = Usage()
    finish: Finish = "stop"
    retrieved: tuple[Document, ...] = ()
    model: str = ""
    fingerprint: str = ""

    @property
    def text(self) -> str:
        """All that was said and that tools answered, joined by line feeds."""
        return _text(self.messages)

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """Every tool that was called on the way."""
        return tuple(call for message in self.messages for call in message.tool_calls)


def _text(messages: Iterable[Message]) -> str:
    return "\n".join(p.text for message in messages for p in message.parts if isinstance(p, Text | ToolResult))


def answer(text: str, **fields: Any) -> Reply:
    """Return a reply of one message of one text part.

    Args:
        fields: the reply's other fields.

    >>> answer("Hello").text
    'Hello'
    """
    return Reply(messages=(say("assistant", text),), **fields)


# ---- guards ----------------------------------------------------------------------------------------------------


class Part(Struct, frozen=True, gc=False):
    """A piece of text on its way through a stage.

    `text` is all that is still held; findings that end before `start` were already reported. `final` says that
    nothing follows. `source` is where a retrieved text comes from: a document's source, or else its id; ``tool:NAME``
    of a tool's result. At ``output`` it is ``reasoning`` for what a model says that it thought.
    """

    stage: Stage
    text: str
    start: int = 0
    final: bool = True
    source: str = ""


class Finding(Struct, frozen=True, gc=False, omit_defaults=True):
    """A span a guard found, ``start < end``, in characters of the text it was given. A guard finds, it never edits.

    Attributes:
        replacement: what stands in place of the span; of a block, what is said in place of the pipeline's block
            message, "" for that.
    """

    start: int
    end: int
    rule: str
    action: Action = "redact"
    replacement: str = ""
    reason: str = ""


# ---- scores and attempts ---------------------------------------------------------------------------------------


class Score(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One scorer's word on one attempt, about a metric that the scorer declares.

    Attributes:
        metric: the name of a declared `Metric`.
        hit: of an event, whether it happened; None where it does not apply to this sample (it then leaves the
            denominator). None for a value.
        value: of a value, the number, within the metric's range; None where it does not apply. None for an event.
        label: the scorer's own category (``refusal``, ``partial_refusal``, ``compliance``, ``echo``, ...).
        confidence: probability of `hit` in [0, 1], where the scorer estimates one.
        reason: one sentence, without evaluation text.
        spans: character spans [start, end) in the text of the target's last answer (`Attempt.answer`).
        elsewhere: places (turn, start, end) that those spans cannot name: in the answer of an earlier turn, which is
            joined as the last one is, or beyond the end of a turn's text: in the arguments of its tool calls.
    """

    metric: Name
    hit: bool | None = None
    value: float | None = None
    scorer: Name
    label: Content = ""
    confidence: float | None = None
    reason: Content = ""
    spans: Spans = ()
    elsewhere: Places = ()


class Attempt(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One attempt, as it is appended to a run log. Everything below `scores` is a view on its events.

    Attributes:
        id: ``AT-`` and 16 hex digits: a hash of suite, sample, attack and number, stable across runs.
        suite: suite id.
        number: 1-based, among the attempts with the same sample and attack.
        content_hash: of what the attempt is made from: sample, attack with its parameters, seed.
        events: what happened, in order.
        error: why there is no score; empty where there is one.
        timing: what depends on the clock and on the cache.
    """

    id: Name
    suite: Name
    sample: Name
    attack: Name
    number: int
    cluster: Name
    seed: int
    content_hash: Name
    outcome: Outcome
    severity: Severity = "S3"
    scores: tuple[Score, ...] = ()
    events: tuple[Event, ...] = ()
    error: Content = ""
    timing: Timing = Timing()

    @property
    def said(self) -> tuple[Said, ...]:
        """The conversation that is judged, message by message, with who said each and in which turn."""
        return tuple(conversation(self.events))

    @property
    def messages(self) -> tuple[Message, ...]:
        """The conversation that is judged, assistant turns included, as the user would have seen it (after guards)."""
        return tuple(said.message for said in conversation(self.events))

    @property
    def answer(self) -> str:
        """The text of the target's last answer, what its tools answered included; empty where it gave none.

        It may be several messages: their text parts and tool results are joined by line feeds, as within one message.
        """
        answers = [said for said in conversation(self.events) if said.by == "target"]
        return _text(said.message for said in answers if said.turn == answers[-1].turn)

    @property
    def documents(self) -> tuple[Document, ...]:
        """What the target retrieved."""
        return tuple(event.document for event in self.events if isinstance(event, Retrieved))

    @property
    def guard_events(self) -> tuple[GuardEvent, ...]:
        """What guards found."""
        return tuple(event for event in self.events if isinstance(event, GuardEvent))

    @property
    def roles(self) -> dict[Party, RoleUse]:
        """What each role was asked, in order of first appearance."""
        tally = RoleTally()
        self.count_roles(tally)
        return tally.uses

    def count_roles(self, tally: RoleTally) -> None:
        """Count every model that was asked."""
        for place, role, usage in self.asked:
            tally.add(place, role, usage, self.timing)

    @property
    def asked(self) -> list[tuple[int, str, Usage | None]]:
        """Every model that was asked: place among the events, role, usage of the answer (None where there is none)."""
        return [
            (place, event.role, event.usage if isinstance(event, Asked) else None)
            for place, event in enumerate(self.events)
            if isinstance(event, Asked | Failed)
        ]

    @property
    def target(self) -> RoleUse:
        """What the target was asked. Its usage counts what the cache gave, too: no record depends on the cache."""
        return self.roles.get("target", RoleUse())

    @property
    def started(self) -> float:
        """Unix time."""
        return self.timing.started

    @property
    def seconds(self) -> float:
        """Wall time without the wait in the engine's own queue; `guard_seconds` is the part of it that guards took."""
        return self.timing.seconds

    @property
    def guard_seconds(self) -> float:
        return self.timing.guard_seconds


def conversation(events: tuple[Event, ...] | list[Event]) -> Iterator[Said]:
    """Yield the conversation that is judged: the one of the chosen turn, or the last one."""
    chosen = next((event.turn for event in reversed(events) if event.__class__ is Chosen), None)
    said: list[Said] = []
    for event in events:
        if chosen is not None and getattr(event, "turn", 0) > chosen:
            break
        if event.__class__ is Said:
            if not event.withheld:
                said.append(event)
        elif event.__class__ is Rewound:
            del said[event.keep :]
    yield from said


def as_said(messages: Iterable[Message]) -> tuple[Said, ...]:
    """Return the events of a conversation of which only the messages are known: an import, a log from elsewhere.

    Every assistant message that follows another role's is taken for the target's answer of a turn of its own.

    >>> [(s.turn, s.by) for s in as_said((say("user", "a"), say("assistant", "b"), say("user", "c")))]
    [(1, 'asker'), (1, 'target'), (2, 'asker')]
    """
    said: list[Said] = []
    turn, answered = 1, False
    for message in messages:
        by: Literal["asker", "target"] = "target" if message.role in ("assistant", "tool") and said else "asker"
        if by == "asker" and answered:
            turn, answered = turn + 1, False
        answered = answered or by == "target"
        said.append(Said(turn, message, by))
    return tuple(said)

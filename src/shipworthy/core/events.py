"""What happens between a user, a model, its tools and its judges: small events, in the order in which they happen.

An attempt is a list of these. Conversation, answer, guard decisions, calls and cost are views on it (`Attempt`). Events
hold what happened and nothing that depends on the clock or on what a cache held: that stands apart in `Timing`, so two
runs that measured the same have the same events to the byte.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from shipworthy.core.messages import Document, Message, ToolCall, ToolResult
from shipworthy.core.text import Content, Fingerprint, Name

Party = Literal["target", "attacker", "judge", "embedder", "user_simulator"]
"""Who can be asked: the system under test, and the models that stand around it."""

FailedRole = Literal[
    "target", "attacker", "judge", "embedder", "user_simulator", "attack", "scorer", "guard", "tool", "policy"
]
"""Who failed: a model that was asked, or a part of the evaluation itself."""

Stage = Literal["input", "retrieved", "output", "tool_call"]
Action = Literal["allow", "tighten", "redact", "replace", "block"]
"""What a finding does. ``allow`` records it; ``tighten`` changes no text either, and the tool policy is stricter for
the rest of the conversation (its ``after_flag``)."""


class Usage(Struct, frozen=True, gc=False, omit_defaults=True):
    """Tokens and money; zero where nobody says.

    Attributes:
        cost_usd: what it cost; `computed_usd` the part of it that is tokens times a list price. The provider reported
            the rest.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    computed_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
            self.computed_usd + other.computed_usd,
        )


class Said(Struct, frozen=True, gc=False, omit_defaults=True, tag="said", tag_field="type"):
    """A message of the conversation, as the user of the system would have seen it.

    Attributes:
        turn: of the request it belongs to, from 1.
        by: ``target`` for what the system under test answered; ``asker`` for everything else: the user's words,
            the system message, and assistant turns that a sample or an attack wrote itself.
        withheld: the target said it, and a guard kept or changed it before anyone saw it. No part of the conversation.
    """

    turn: int
    message: Message
    by: Literal["asker", "target"] = "asker"
    withheld: bool = False


class Rewound(Struct, frozen=True, gc=False, tag="rewound", tag_field="type"):
    """The conversation went back to its first `keep` messages, and goes on from there in another way."""

    turn: int
    keep: int


class Chosen(Struct, frozen=True, gc=False, tag="chosen", tag_field="type"):
    """The conversation that is judged is the one that ended with this turn. The last one, if there is no such event."""

    turn: int


class Asked(Struct, frozen=True, gc=False, omit_defaults=True, tag="asked", tag_field="type"):
    """A model was asked and answered.

    Attributes:
        request: SHA-256 of what was sent, as the cache knows it.
        usage: what the answer took, also where the cache gave it.
        model: as the answer names it.
        answer: what it said, for every role but the target: the target's words are events of their own.
    """

    turn: int
    role: Party
    request: Fingerprint = ""
    usage: Usage = Usage()
    finish: Name = "stop"
    model: Content = ""
    answer: Content = ""


class Called(Struct, frozen=True, gc=False, tag="called", tag_field="type"):
    """A tool is called: guards and policy have let it pass."""

    turn: int
    call: ToolCall


class Returned(Struct, frozen=True, gc=False, tag="returned", tag_field="type"):
    """What a tool answered, as the caller saw it."""

    turn: int
    result: ToolResult


class Retrieved(Struct, frozen=True, gc=False, tag="retrieved", tag_field="type"):
    """The target retrieved a document."""

    turn: int
    document: Document


class GuardEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag="guard", tag_field="type"):
    """One finding of a guard: which guard, at which stage, what was done. Carries no text of the conversation."""

    guard: Name
    stage: Stage
    rule: Name
    action: Action
    reason: Content = ""
    shadow: bool = False
    turn: int = 0

    @property
    def tightens(self) -> bool:
        """Whether the tool policy is stricter from here on."""
        return self.action == "tighten" and not self.shadow


class Question(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a person is asked about one value of a call: the argument, the value, who wrote it down, and what is wrong.

    Attributes:
        origin: the tool that read it in a text that others can write; "" where nothing did.
    """

    argument: Content
    value: Content
    origin: Content = ""
    why: Content = ""


class PolicyEvent(Struct, frozen=True, gc=False, omit_defaults=True, tag="policy", tag_field="type"):
    """A tool policy's word on one call: let it pass, refuse it, ask a person, or stop the whole attempt.

    Attributes:
        call: its id; "" where the word is on the answer.
        questions: what a person is asked, value by value.
        shadow: it was said and not heeded.
        candidate: it is the word of the policy that stands beside the one in front, and a shadow besides.
    """

    turn: int
    call: Content
    verdict: Literal["allow", "deny", "ask", "stop"]
    rule: Content = ""
    reason: Content = ""
    questions: tuple[Question, ...] = ()
    shadow: bool = False
    candidate: bool = False


class Approval(Struct, frozen=True, omit_defaults=True, tag="approval", tag_field="type"):
    """A person's word, or a stand-in's, on one call that a policy asked about.

    Attributes:
        arguments: with which the call is made, where the person changed them; None where they did not.
    """

    turn: int
    call: Content
    by: Content
    granted: bool
    reason: Content = ""
    arguments: dict[str, Any] | None = None


class StateChanged(Struct, frozen=True, omit_defaults=True, tag="state", tag_field="type"):
    """The world that tools act on is another one now: its digests before and after, and what can be said of it."""

    turn: int
    before: Fingerprint
    after: Fingerprint
    facts: dict[str, Any] = {}


class Failed(Struct, frozen=True, gc=False, omit_defaults=True, tag="failed", tag_field="type"):
    """Something went wrong: whose fault it was, its kind (the error's class), and its message."""

    turn: int
    role: FailedRole
    kind: Name
    message: Content = ""


Event = (
    Said
    | Rewound
    | Chosen
    | Asked
    | Called
    | Returned
    | Retrieved
    | GuardEvent
    | PolicyEvent
    | Approval
    | StateChanged
    | Failed
)


class EventTime(Struct, frozen=True, gc=False, array_like=True):
    """How long one event took: its place in the list, seconds, and whether a cache answered."""

    event: int
    seconds: float
    cached: bool = False


class Timing(Struct, frozen=True, gc=False, array_like=True):
    """What depends on the clock or on the cache's state. No part of what is hashed as a record's content.

    Attributes:
        started: Unix time.
        seconds: wall time of the attempt without the wait in the engine's own queue.
        guard_seconds: the part of it that guards took.
        spans: one for each `Asked`, and for each `Returned` that took time.
        oldest: when the oldest reply that the cache gave was first given, Unix time; 0 where it gave none.
    """

    started: float = 0.0
    seconds: float = 0.0
    guard_seconds: float = 0.0
    spans: tuple[EventTime, ...] = ()
    oldest: float = 0.0

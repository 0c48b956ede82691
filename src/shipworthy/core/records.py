"""The records that cross packages: msgspec structs, frozen, with the field's standard names.

A *sample* is one case of a suite. An *attack* turns it into *attempts*; each attempt is one conversation with the
*target*, judged by *scorers*, and ends in exactly one *outcome*. A *criterion* tests one requirement; the *decision*
combines them into a *verdict*.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

Role = Literal["system", "user", "assistant", "tool"]
Severity = Literal["S1", "S2", "S3", "S4"]
Verdict = Literal["ship", "no-ship", "inconclusive"]

Outcome = Literal["scored", "target_error", "timeout", "filtered", "scorer_error"]
"""How an attempt ended. Only ``scored`` enters a rate; the other four are errors, counted apart, never safe."""


# ---- messages: typed parts, many turns -------------------------------------------------------------------------


class Text(Struct, frozen=True, tag="text", tag_field="type"):
    text: str


class Image(Struct, frozen=True, tag="image", tag_field="type"):
    """An image: base64 data or a ``data:``/``https:`` address, never both."""

    media_type: str
    data: str = ""
    url: str = ""


class Audio(Struct, frozen=True, tag="audio", tag_field="type"):
    """A sound, base64."""

    media_type: str
    data: str


class ToolCall(Struct, frozen=True, tag="tool_call", tag_field="type"):
    """The assistant asks for a tool. `arguments` is the parsed JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] = {}


class ToolResult(Struct, frozen=True, tag="tool_result", tag_field="type"):
    """What a tool answered."""

    id: str
    name: str
    text: str
    is_error: bool = False


MessagePart = Text | Image | Audio | ToolCall | ToolResult


class Message(Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    parts: tuple[MessagePart, ...]

    @property
    def text(self) -> str:
        """All text of the message: text parts and tool results, joined by line feeds."""
        return "\n".join(p.text for p in self.parts if isinstance(p, Text | ToolResult))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(p for p in self.parts if isinstance(p, ToolCall))


def say(role: Role, text: str) -> Message:
    """Return a message of one text part.

    >>> say("user", "Hello").text
    'Hello'
    """
    return Message(role, (Text(text),))


class Document(Struct, frozen=True, omit_defaults=True):
    """A text that the system under test retrieves: from its own index, or planted there by a sample."""

    id: str
    text: str
    title: str = ""


# ---- a sample, a request, a reply ------------------------------------------------------------------------------


class Sample(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One case of a suite.

    Attributes:
        id: stable within its suite.
        messages: the conversation to hold; the target answers after each user turn.
        documents: texts planted in what the target retrieves, for this sample alone.
        expected: the ideal answer, or what the scorer needs to know it (a string, a list of accepted strings, ...).
        cluster: samples that are variants of one another share it; defaults to `id`.
        twin: id of the benign or harmful look-alike; ``suite/id`` where it belongs to another suite.
        severity: of a hit on this sample; S1 makes any hit a no-ship.
        secrets: strings that must never leave (canaries, planted personal data).
        tags: free words for filters; `refs` are taxonomy references such as ``owasp-llm:LLM01@2025``.
        user: who is asking, where the target knows its users.
        meta: anything else a scorer of this suite needs.
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


class Request(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sent to a target. Everything that changes the answer is here: it is the cache's key."""

    messages: tuple[Message, ...]
    documents: tuple[Document, ...] = ()
    user: str = ""
    seed: int = 0
    schema: dict[str, Any] | None = None
    max_tokens: int | None = None
    temperature: float | None = None


class Usage(Struct, frozen=True, omit_defaults=True):
    """Tokens and money; zero where the target does not say."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a target answered, with what it retrieved on the way."""

    message: Message
    usage: Usage = Usage()
    finish: Literal["stop", "length", "tool_calls"] = "stop"
    retrieved: tuple[Document, ...] = ()
    model: str = ""


# ---- guards ----------------------------------------------------------------------------------------------------

Stage = Literal["input", "retrieved", "output", "tool_call"]
Action = Literal["allow", "redact", "replace", "block"]


class Part(Struct, frozen=True):
    """A piece of text on its way through a stage.

    `text` is all that is still held; findings that end before `start` were already reported. `final` says that
    nothing follows.
    """

    stage: Stage
    text: str
    start: int = 0
    final: bool = True


class Finding(Struct, frozen=True, omit_defaults=True):
    """A span a guard found, ``start < end``, in characters of the text it was given. A guard finds, it never edits."""

    start: int
    end: int
    rule: str
    action: Action = "redact"
    replacement: str = ""
    reason: str = ""


class GuardEvent(Struct, frozen=True, omit_defaults=True):
    """One finding as it is recorded: which guard, at which stage, what was done. Carries no text."""

    guard: str
    stage: Stage
    rule: str
    action: Action
    reason: str = ""
    shadow: bool = False


# ---- scores and attempts ---------------------------------------------------------------------------------------


class Score(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scorer's word on one attempt.

    Attributes:
        metric: what is counted: ``attack_success``, ``over_refusal``, ``leak``, ``pii_leak``, ``obeyed``,
            ``unsupported``, ``helpful``, ...
        hit: whether the counted event happened; None where the metric does not apply to this sample (it then leaves
            the denominator).
        label: the scorer's own category (``refusal``, ``partial_refusal``, ``compliance``, ``echo``, ...).
        confidence: probability of `hit` in [0, 1], where the scorer estimates one.
        reason: one sentence, without evaluation text.
        spans: character spans [start, end) in the text of the last assistant message.
    """

    metric: str
    hit: bool | None
    scorer: str
    label: str = ""
    confidence: float | None = None
    reason: str = ""
    spans: tuple[tuple[int, int], ...] = ()


class Attempt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt, as it is appended to a run log.

    Attributes:
        id: ``AT-`` and 16 hex digits: a hash of suite, sample, attack and number, stable across runs.
        suite: suite id.
        number: 1-based, among the attempts with the same sample and attack.
        content_hash: of what the attempt is made from: sample, attack with its parameters, seed.
        messages: the whole conversation, assistant turns included, as the user of the system would have seen it
            (after guards).
        seconds: wall time of the attempt without the wait in the engine's own queue; `guard_seconds` the part of it
            that guards took.
        calls: requests to the target; `cached_calls` how many of them the cache answered.
    """

    id: str
    suite: str
    sample: str
    attack: str
    number: int
    cluster: str
    seed: int
    content_hash: str
    outcome: Outcome
    severity: Severity = "S3"
    scores: tuple[Score, ...] = ()
    messages: tuple[Message, ...] = ()
    documents: tuple[Document, ...] = ()
    guard_events: tuple[GuardEvent, ...] = ()
    usage: Usage = Usage()
    error: str = ""
    started: float = 0.0
    seconds: float = 0.0
    guard_seconds: float = 0.0
    calls: int = 0
    cached_calls: int = 0

    @property
    def answer(self) -> str:
        """The text of the last assistant message, or the empty string."""
        return next((m.text for m in reversed(self.messages) if m.role == "assistant"), "")


class SuiteUse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One suite as a run used it; `attempts` are those planned in all: samples x attacks x attempts of each."""

    id: str
    version: str
    digest: str
    content: Literal["synthetic", "private"]
    samples: int
    attempts: int
    max_error_rate: float
    design_effect: float = 1.0
    attacks: tuple[str, ...] = ()


class RunManifest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run set out to do: written once, before its first attempt.

    Attributes:
        id: ``RUN-`` and a sortable time stamp with random tail.
        plan: name of the plan; `plan_digest` of its items in order.
        spec_digest: of the safety files the run depends on; `subject_digest` of the system under test.
        subject: what `subject_digest` hashes: target, model, parameters, prompt, index, guards.
        planned: number of attempts.
        engine: version of shipworthy; `host` Python and platform.
    """

    id: str
    created: str
    system: str
    plan: str
    plan_digest: str
    spec_digest: str
    subject_digest: str
    subject: dict[str, Any]
    suites: tuple[SuiteUse, ...]
    planned: int
    seed: int
    guards: str = ""
    engine: str = ""
    host: str = ""


# ---- decisions -------------------------------------------------------------------------------------------------


class CriterionResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One criterion, tested.

    Attributes:
        must: the criterion as written, such as ``upper95 <= 0.05``.
        hits, trials: the counted events and the scored attempts; `clusters` the independent samples among them.
        errors: attempts without a score, left out of `trials`; `planned` what the plan asked for.
        rate, low, high: the estimate and its two-sided interval, in [0, 1] (differences: [-1, 1]).
        bound: the one-sided bound that is compared with `limit`.
        design_effect: variance inflation used, at least the planned one.
        needed: clusters still needed for the criterion to decide at 80 % power at the observed rate; None where no
            number of samples can make it pass.
    """

    id: str
    requirement: str
    suite: str
    metric: str
    test: Literal["threshold", "noninferiority"]
    must: str
    limit: float
    verdict: Verdict
    reason: str
    hits: int = 0
    trials: int = 0
    clusters: int = 0
    errors: int = 0
    planned: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    confidence: float = 0.95
    design_effect: float = 1.0
    needed: int | None = None
    run: str = ""
    baseline_run: str = ""
    risks: tuple[str, ...] = ()
    severity: Severity = "S3"


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release decision: what a gate says of one subject."""

    id: str
    created: str
    system: str
    gate: str
    verdict: Verdict
    reason: str
    criteria: tuple[CriterionResult, ...]
    runs: tuple[str, ...]
    spec_digest: str
    subject_digest: str
    baseline_runs: tuple[str, ...] = ()
    s1_hits: tuple[str, ...] = field(default=())
    """Attempt ids of hits on S1 samples: any of them is a no-ship."""

"""The records that cross packages: msgspec structs, frozen, with the field's standard names.

A *sample* is one case of a suite. An *attack* turns it into *attempts*; each attempt is a list of *events* between the
asker, the *target*, its tools and the *scorers*, and ends in exactly one *outcome*. A *criterion* tests one
requirement; the *decision* combines them into a *verdict*.

Messages, events and metrics have files of their own (`core.messages`, `core.events`, `core.metric`); their names can
be imported from here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Literal

import msgspec
from msgspec import Struct, field

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
from shipworthy.core.text import Content, Name, Places, Spans

__all__ = [
    "SCHEMA",
    "Action",
    "Asked",
    "Attempt",
    "Audio",
    "Chosen",
    "CriterionResult",
    "Decision",
    "Delta",
    "Document",
    "Event",
    "Failed",
    "Finding",
    "Finish",
    "GuardEvent",
    "Image",
    "Message",
    "MessagePart",
    "Metric",
    "Outcome",
    "Part",
    "Party",
    "Reasoning",
    "Reply",
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
    "Severity",
    "Stage",
    "Stopping",
    "SuiteUse",
    "Text",
    "Timing",
    "ToolCall",
    "ToolResult",
    "ToolSpec",
    "Usage",
    "Verdict",
    "answer",
    "as_said",
    "conversation",
    "say",
]

Severity = Literal["S1", "S2", "S3", "S4"]
Verdict = Literal["ship", "no-ship", "inconclusive"]

Outcome = Literal["scored", "target_error", "timeout", "filtered", "refused", "attack_error", "scorer_error"]
"""How an attempt ended. Only ``scored`` enters a rate; the others are errors, counted apart, never safe.

``filtered``: a provider's own filter refused to answer. ``refused``: the tool policy stopped the attempt.
``attack_error``: the attack, or the model it asks, failed; ``scorer_error``: a scorer or its judge could not judge.
A limit that is reached is no outcome: the attempt is not recorded, and a resumed run makes it.
"""

SCHEMA = 2
"""Of run logs: version 1 had no events. A log says its own in the manifest."""


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
    """

    messages: tuple[Message, ...]
    usage: Usage = Usage()
    finish: Finish = "stop"
    retrieved: tuple[Document, ...] = ()
    model: str = ""

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
    nothing follows.
    """

    stage: Stage
    text: str
    start: int = 0
    final: bool = True


class Finding(Struct, frozen=True, gc=False, omit_defaults=True):
    """A span a guard found, ``start < end``, in characters of the text it was given. A guard finds, it never edits."""

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
        tally.add(self.asked, self.timing)
        return tally.uses

    @property
    def asked(self) -> list[tuple[int, str, Usage | None]]:
        """Every model that was asked, as `RoleTally.add` takes it."""
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


# ---- runs ------------------------------------------------------------------------------------------------------


class SuiteUse(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One suite as a run used it.

    Attributes:
        samples: number of samples; `clusters` of independent ones among them.
        attempts: planned in all: samples x attacks x `each`.
        each: attempts of one sample with one attack.
        icc: intra-cluster correlation that sample sizes are planned with, in [0, 1]; no verdict rests on it.
        metric: the suite's primary one; `metrics` all that its scorers declare.
    """

    id: Name
    version: Name
    digest: Name
    content: Literal["synthetic", "private"]
    samples: int
    clusters: int
    attempts: int
    each: int
    icc: float
    max_error_rate: float
    metric: Name
    metrics: tuple[Metric, ...]
    attacks: tuple[Name, ...] = ()

    def describe(self, metric: str) -> Metric | None:
        """Return a metric that one of the suite's scorers declares."""
        return next((m for m in self.metrics if m.name == metric), None)


class SafetyFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file of the workspace, as it was read: see `workspace.files`.

    Attributes:
        path: relative to the workspace, with slashes.
        sha256: ``sha256:…`` of its bytes.
        meaning: of a file with targets, the digest of what it says without their operational settings and prices.
    """

    path: Name
    sha256: Name
    meaning: Name = ""

    def same(self, other: SafetyFile) -> bool:
        """Say whether both are one file in all that may not change."""
        return self.sha256 == other.sha256 or bool(self.meaning and self.meaning == other.meaning)


class Stopping(Struct, frozen=True, omit_defaults=True):
    """When a run is finished.

    Attributes:
        rule: ``fixed``: when every planned attempt was made. ``sequential``: when its criterion is decided, at the
            latest then. ``search``: when the budget of queries is spent, or the planner has nothing more to try.
        planner: of a search, which one; `budget` its queries.
    """

    rule: Literal["fixed", "sequential", "search"] = "fixed"
    planner: Name = ""
    budget: int = 0


class RoleModel(Struct, frozen=True, kw_only=True):
    """A model besides the target that a run asks: in which role, and what it says of itself."""

    role: Party
    digest: Name
    description: dict[str, Any]


class RunManifest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run set out to do: written once, before its first attempt.

    Attributes:
        schema: of the run's files, see `SCHEMA`.
        id: ``RUN-`` and a sortable time stamp with random tail.
        plan: name of the plan; `plan_digest` of its items in order.
        spec_digest: of the safety files the run depends on; `subject_digest` of the system under test.
        subject: what `subject_digest` hashes: target, model, parameters, prompt, index, guards.
        models: attackers and judges.
        planned: number of attempts; `stopping` says when the run is finished.
        shards: into how many parts the attempts are dealt, each with a log of its own.
        draws: seeds of the fresh draws of samples up to this run's own; empty for the plan's own samples.
        engine: version of shipworthy; `host` Python and platform.
        files: every safety file as it was; none in runs by earlier versions.
    """

    schema: int
    id: Name
    created: Name
    system: Name
    plan: Name
    plan_digest: Name
    spec_digest: Name
    subject_digest: Name
    subject: dict[str, Any]
    suites: tuple[SuiteUse, ...]
    planned: int
    seed: int
    stopping: Stopping = Stopping()
    shards: int = 1
    models: tuple[RoleModel, ...] = ()
    draws: tuple[int, ...] = ()
    guards: Name = ""
    engine: Name = ""
    host: Name = ""
    files: tuple[SafetyFile, ...] = ()


# ---- decisions -------------------------------------------------------------------------------------------------


class AttackRate(Struct, frozen=True, kw_only=True):
    """What one attack did under a criterion.

    Attributes:
        attack: its full name.
        rate, low, high: the mean over samples of the share of hits and its two-sided interval at the criterion's
            confidence, in [0, 1], each by itself; None where nothing was scored.
        hits, trials, clusters: counted events, scored attempts, independent samples among them.
        unscored: attempts without a score, left out of `trials`.
    """

    attack: Name
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    hits: int = 0
    trials: int = 0
    clusters: int = 0
    unscored: int = 0


class LabelCount(Struct, frozen=True, kw_only=True):
    """How many attempts were drawn for people to label, how many they labelled, how many of these are hits."""

    hits: int = 0
    labelled: int = 0
    drawn: int = 0


class ScorerAudit(Struct, frozen=True, kw_only=True):
    """What people's labels say of the scorer that a criterion rests on.

    Attributes:
        entry: of the audit chain that holds the draw; 0 where nothing was drawn, or not from these records.
        drawn, labels: digests of the ids that were drawn and of the words on them that count.
        positives, negatives: attempts that the scorer called a hit, and the others.
        observed: the rate that the scorer gives, in [0, 1].
        sensitivity, specificity: of the scorer, with their melded two-sided intervals; None where they are undefined.
    """

    entry: int = 0
    drawn: str = ""
    labels: str = ""
    positives: LabelCount = LabelCount()
    negatives: LabelCount = LabelCount()
    observed: float | None = None
    sensitivity: float | None = None
    specificity: float | None = None
    sensitivity_span: tuple[float, float] | None = None
    specificity_span: tuple[float, float] | None = None

    @property
    def missing(self) -> int:
        """Drawn attempts without a label."""
        return sum(some.drawn - some.labelled for some in (self.positives, self.negatives))


class CriterionResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One criterion, tested.

    Attributes:
        must: the criterion as written, such as ``upper95 <= 0.05``.
        measure: the metric as its scorer declares it; None where nothing was measured, or by an earlier version.
        hits, trials: the counted events and the scored attempts; `clusters` the independent samples among them.
            A value has no hits.
        errors: attempts that ended in an error; `planned` what the plan asked for.
        unscored: number of attempts that are left out of `trials`, by kind: the outcome of an error, or ``abstained``
            where the scorer gave no score. They decide against shipping and against failing, see `bound`.
        worst_rate: the estimate had every unscored attempt been bad; None where nothing is unscored.
        tips: of an undecided criterion that would ship were all of them good: with how many bad ones it does not,
            placed where they weigh most.
        rate, low, high: the estimate and its two-sided interval, in [0, 1] (differences: [-1, 1]): the mean over
            samples of the share of hits, which is ``hits / trials`` where all have as many; of a value its mean
            over samples (the mean of its changes), in its unit, as are `bound` and `limit`.
        bound: the one-sided bound that is compared with `limit`, every unscored attempt counted as bad.
        method: which bound decided on a rate (`shipworthy.stats.sample_rates`); a mean always has the proved one.
        needed: clusters still needed for the criterion to decide at 80 % power at the observed rate; None where no
            number of samples can make it pass.
        attacks: of a rate under more than one attack, each attack by itself, in the run's order. A condition on the
            worst attack is decided on them: `rate`, `low`, `high`, `hits`, `trials` and `clusters` are then those of
            the attack with the highest bound, `bound` that bound, simultaneous over the attacks, and `worst_rate` that
            attack's; `errors`, `planned` and `unscored` are still those of all.
        audit: of a criterion that is audited by labels, what they say: `rate`, `low`, `high`, `bound` and `worst_rate`
            are then of what people would call a hit, and `hits`, `trials` and `attacks` still of what the scorer did.
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
    method: Literal["gaffke", "proved"] = "gaffke"
    needed: int | None = None
    run: str = ""
    baseline_run: str = ""
    risks: tuple[str, ...] = ()
    severity: Severity = "S3"
    measure: Metric | None = None
    unscored: dict[str, int] = field(default_factory=dict)
    worst_rate: float | None = None
    tips: int | None = None
    attacks: tuple[AttackRate, ...] = ()
    audit: ScorerAudit | None = None

    @property
    def left_out(self) -> int:
        """Attempts without a score; earlier versions kept the errors among them alone."""
        return sum(self.unscored.values()) or self.errors

    @property
    def is_value(self) -> bool:
        """Whether the estimate is the mean of a value, or the change of one, and no rate."""
        return self.measure is not None and self.measure.kind == "value"


class SubjectUse(Struct, frozen=True, kw_only=True):
    """Which subject a decision is about, or compares with: what the run's manifest says of it.

    Attributes:
        digest: of the subject: the target as it described itself, its guards, and how both were written down.
        target: the target's id, as it describes itself.
        declared: digest of the target as the workspace's files say it; the same for one system with and without guards.
        guards: digest of the guard pipeline; empty without guards.
    """

    digest: Name
    target: Name = ""
    declared: Name = ""
    guards: Name = ""


class BaselineUse(Struct, frozen=True, kw_only=True):
    """What a decision compares with.

    Attributes:
        subject: what was measured in `Decision.baseline_runs`: one subject, never the candidate's own.
        how: who chose it: ``named`` for this decision, ``pinned`` by `shipworthy baseline set`, or the ``gate``.
        decision: that gate.yaml names, if it does.
        same_target: whether it is the candidate's target with other guards, or none.
    """

    subject: SubjectUse
    how: Literal["named", "pinned", "gate"] = "named"
    decision: Name = ""
    same_target: bool = False


class LedgerLine(Struct, frozen=True, kw_only=True):
    """Another run on the same samples and criteria.

    Attributes:
        state: what became of it: a verdict, ``baseline``, ``not decided`` or ``not finished``.
        subject_digest: of what it measured.
        gone: it is in the audit chain, and was no longer on the disk.
    """

    run: Name
    state: Name
    subject_digest: Name
    gone: bool = False


class Tries(Struct, frozen=True, kw_only=True):
    """How often one specification and subject was tried, as the audit chain has it; see `shipworthy.core.ledger.Tries`.

    Attributes:
        number: of the decided run among `runs`, from 1.
        not_shipped, unfinished, undecided, deleted: how many of the other runs.
        sittings: in which the decided runs were made; `cut_off` those without an end.
        unentered: decided runs that were not entered when they were begun.
        sentence: all of it in words.
    """

    number: int
    runs: int
    not_shipped: int = 0
    unfinished: int = 0
    undecided: int = 0
    deleted: int = 0
    sittings: int = 1
    cut_off: int = 0
    unentered: int = 0
    sentence: Name = ""


class Ledger(Struct, frozen=True, kw_only=True):
    """Which of all runs on the same samples and criteria a decision is about.

    Attributes:
        entries: of the audit chain that were read, the first so many.
        number: of the decided run among all, from 1; of several, that of the last.
        earlier, later: the other runs, in the order in which they were begun.
        tries: how often this specification and subject was tried. None in decisions by earlier versions.
        sentence: all of it in words.
    """

    entries: int
    number: int
    sentence: Name
    tries: Tries | None = None
    earlier: tuple[LedgerLine, ...] = ()
    later: tuple[LedgerLine, ...] = ()


class ReplyUse(Struct, frozen=True, kw_only=True):
    """How many of a run's replies the cache gave.

    Attributes:
        replies: of all roles, in all tries; `cached` how many of them the cache gave.
        oldest: when the oldest of these was first given, ISO 8601, UTC; empty where there is none.
    """

    run: Name
    replies: int
    cached: int = 0
    oldest: Name = ""


class Confirmation(Struct, frozen=True, kw_only=True):
    """What somebody said of a hit on a sample of severity S1, and the audit chain kept.

    Attributes:
        attempt: the planned one, of `run`.
        said: ``no-hit`` takes it out of the hits that one is too many of; it stays in every rate.
        by: who: a person or a second scorer.
        because: why; may be empty.
        entry: its number in the audit chain.
    """

    run: Name
    attempt: Name
    said: Literal["hit", "no-hit"]
    by: Content
    because: Content = ""
    entry: int


class Decision(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A release decision: what a gate says of one subject, from one run or several.

    Attributes:
        runs: every run that a criterion was tested on, in order of first use; each `CriterionResult` names its own.
        s1_hits: attempt ids of hits on S1 samples: any of them is a no-ship. Those that `confirmations` call ``no-hit``
            are not among them.
        subject: what was decided on; `baseline` what it is compared with. None in decisions by earlier versions.
        ledger: the other runs on the same samples and criteria.
        s1_unscored: attempt ids on S1 samples without a score: with any of them nothing ships.
        replies: how many replies of each of its runs, and of its baselines', the cache gave, in their order.
        confirmations: the word that stood on each S1 hit when it was decided; a hit without one is not yet confirmed.
        files: every safety file as it was; none in decisions by earlier versions.
    """

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
    subject: SubjectUse | None = None
    baseline: BaselineUse | None = None
    ledger: Ledger | None = None
    s1_unscored: tuple[str, ...] = field(default=())
    confirmations: tuple[Confirmation, ...] = field(default=())
    replies: tuple[ReplyUse, ...] = field(default=())
    files: tuple[SafetyFile, ...] = field(default=())

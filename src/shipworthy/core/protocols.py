"""What a plug-in is, and what the exchange hands to it: small protocols."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypedDict, Unpack

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.document import DocumentTree as ReportDocument
from shipworthy.core.errors import AttackError
from shipworthy.core.events import Approval, PolicyEvent
from shipworthy.core.records import (
    Attempt,
    Decision,
    Delta,
    Document,
    Finding,
    Message,
    Metric,
    Part,
    Reply,
    Request,
    Sample,
    Score,
    Stage,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
)

Run = Callable[[ToolCall], Awaitable[str | ToolResult]]
"""A tool's own code: answers a call. What it raises becomes the call's error result."""


class Tools(Protocol):
    """What a target calls tools through: guards and policy see every call before it runs, and all of it is recorded."""

    specs: Sequence[ToolSpec]
    """Tools that the exchange offers, such as a world's; a target may have tools of its own besides."""

    async def call(self, call: ToolCall, run: Run | None = None) -> ToolResult:
        """Have a call made and return what it gave, as guards let it pass.

        Args:
            run: the tool's code, for a tool that is the target's own; the exchange's tool of that name if left out.

        A refused call, an unknown tool and a tool that raises are results with `is_error`, not exceptions.

        Raises:
            PolicyRefused: the tool policy stopped the attempt.
        """


class Target(Protocol):
    """The system under test. A bare model is one too: `Model` is the same protocol, seen by who needs one.

    Optional attributes: ``concurrency`` (calls at one time it can take), ``endpoint`` (a name that targets on one
    endpoint share, so that they share its limits), ``sessions`` (true where it remembers a conversation by
    `Request.session`: its replies are then never cached), ``carries`` (what it can carry, see `core.carries`;
    everything where it does not say), ``native_tools`` (false where it cannot be offered `Request.tools`),
    ``shows_reasoning`` (see `ScoreContext`), ``price`` (a `Price`) or ``tells_cost`` (true where every reply says
    what it cost): one of them is needed for a limit on money.
    """

    def describe(self) -> Mapping[str, Any]:
        """Return JSON that names everything that changes its answers: model, parameters, prompt and index digests.

        It is hashed into the subject digest and the cache key. It never holds a credential.
        """

    async def send(self, request: Request) -> Reply:
        """Answer. A target that calls tools declares a second parameter named ``tools`` and gets `Tools`.

        Raises:
            TargetError, TargetTimeout, TargetFiltered: it did not.
        """

    async def close(self) -> None:
        """Let go of connections and processes. Called once, also after a failure."""


Model = Target


class Streaming(Protocol):
    """A target that can also answer piece by piece."""

    def stream(self, request: Request) -> AsyncIterator[Delta | Reply]:
        """Yield the pieces as they arrive and, last, the whole reply.

        Raises:
            TargetError, TargetTimeout, TargetFiltered: it did not answer, or broke off.
        """


class How(TypedDict, total=False):
    """What an asker may say of a request besides its messages; None is as good as left out.

    Attributes:
        documents: planted texts; the sample's, if left out.
        schema: JSON schema that binds the answer.
        max_tokens, temperature: the target's own, if left out.
    """

    documents: Sequence[Document] | None
    schema: Mapping[str, Any] | None
    max_tokens: int | None
    temperature: float | None


class Ask(Protocol):
    """Ask a model. The exchange fills in the rest of the request: seed, user, documents, session, turn, tools."""

    async def __call__(self, messages: Sequence[Message] | str, **how: Unpack[How]) -> Reply:
        """Send a conversation and return the answer.

        Args:
            messages: all of it so far; a text is one user turn. What was said in earlier turns is recognised, guarded
                and recorded once; a conversation that departs from it goes back to where they part.
            how: see `How`.

        Raises:
            TargetError: the system under test did not answer.
            AttackError: the attacker's model did not; ScorerError: the judge's.
            LimitReached: a budget is used up.
        """


class AttackContext(Struct, frozen=True):
    """What an attack may use: its own random numbers, a model where one was configured, and the scorers' word.

    Attributes:
        model: asks the attacker's model; None where none is configured.
        score: has the suite's scorers judge the conversation as it stands. Only for an attack that sets ``queries``,
            the number of times it may ask.
    """

    rng: random.Random
    model: Ask | None = None
    score: Callable[[], Awaitable[Sequence[Score]]] | None = None


class Attack(Protocol):
    """Turns a sample into the conversation of one attempt.

    Optional: ``inapplicable(sample)``, which says why it cannot change a sample (one sentence, no text of the sample),
    or the empty string where it can. It looks at nothing but the sample: whether an attempt is possible must not hang
    on its number, its seed or an answer. Such attempts are not made, and are in no rate.
    """

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with its id and parameters; part of the content hash."""

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Reply | None:
        """Hold the conversation. May ask any number of times (multi-turn, adaptive search).

        Returns:
            The reply whose conversation is to be judged; None for the last one.

        Raises:
            AttackError: it cannot do what it set out to do.
        """


async def converse(sample: Sample, ask: Ask) -> Reply | None:
    """Hold a sample's conversation as written: the target answers after each user turn.

    Assistant turns in the sample are kept as they are (a scripted history); the target answers only where the next
    message is not already an assistant turn.
    """
    said: list[Message] = []
    reply = None
    for position, message in enumerate(sample.messages):
        said.append(message)
        following = sample.messages[position + 1 : position + 2]
        if message.role in ("user", "tool") and not (following and following[0].role == "assistant"):
            reply = await ask(said, documents=sample.documents)
            said.extend(reply.messages)
    return reply


def inapplicable(attack: object, sample: Sample) -> str:
    """Return why an attack cannot change a sample; the empty string where it can, or does not say.

    Raises:
        AttackError: it says so in something that is no text.
    """
    asked = getattr(attack, "inapplicable", None)
    why = asked(sample) if asked is not None else ""
    if not isinstance(why, str):
        raise AttackError(f"its method 'inapplicable' returned a {type(why).__name__}, not a text")
    return why


class Rewrite:
    """An attack that rewrites the sample and then converses: the common case.

    Args:
        name: the plug-in's id.
        change: sample -> sample. Pure, but for the random numbers it is given.
        params: its parameters, as they enter the content hash.
        inapplicable: says why it cannot change a sample, see `Attack`; it can change all of them if left out.
    """

    def __init__(
        self,
        name: str,
        change: Callable[[Sample, random.Random], Sample],
        params: Mapping[str, Any] | None = None,
        *,
        inapplicable: Callable[[Sample], str] | None = None,
    ) -> None:
        self.name, self.change, self.params = name, change, dict(params or {})
        self.inapplicable = inapplicable or (lambda sample: "")

    def describe(self) -> Mapping[str, Any]:
        return {"attack": self.name, **self.params}

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Reply | None:
        return await converse(self.change(sample, ctx.rng), ask)


def rewrite_last_user(sample: Sample, change: Callable[[str], str]) -> Sample:
    """Return the sample with every text part of its last user turn changed.

    Images, sounds and all other turns stay as they are; a sample without a user turn, or whose last user turn holds
    no text, comes back unchanged.
    """
    last = next((i for i in reversed(range(len(sample.messages))) if sample.messages[i].role == "user"), None)
    if last is None:
        return sample
    message = sample.messages[last]
    parts = tuple(Text(change(p.text)) if isinstance(p, Text) else p for p in message.parts)
    return replace(
        sample, messages=(*sample.messages[:last], replace(message, parts=parts), *sample.messages[last + 1 :])
    )


class ScoreContext(Struct, frozen=True):
    """What a scorer may use besides the attempt.

    Attributes:
        model: a judge model to ask, where one was configured; the first one of a panel.
        shows_reasoning: whether the target's users see how it reasons. False: none of it, thoughts between marks in
            its text neither. None where nobody says: what came on a channel of its own is not seen, the text is.
        panel: all the models of a panel, in the order they are written; that one where it is the only one.
    """

    model: Ask | None = None
    shows_reasoning: bool | None = None
    panel: tuple[Ask, ...] = ()


class Scorer(Protocol):
    """Judges a finished conversation. Sees the answer as the user would have seen it.

    Optional attributes: ``needs_secrets`` and ``needs_expected`` (true where it can judge no sample without `secrets`,
    or without `expected`; `check` refuses those).
    """

    metrics: Sequence[Metric]
    """The metrics it gives."""

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with its id (``scorer``), version, parameters and weights' digest; part of the spec digest."""

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        """Score one attempt. Each score's `scorer` is the id that `describe` gives.

        Raises:
            ScorerError: it cannot; never returns "safe" instead.
        """


class GuardContext(Struct, frozen=True):
    """What a guard may use.

    Attributes:
        request: that the text belongs to.
        retrieved: at ``output``, what the target says it retrieved by itself.
    """

    request: Request | None = None
    retrieved: tuple[Document, ...] = ()


class ToolPolicy(Protocol):
    """Decides over every call before it runs. What it raises refuses the call.

    Optional: ``open(user)``, which returns a `PolicySession`: a policy that remembers is asked through it.
    """

    def describe(self) -> Mapping[str, Any]:
        """Return JSON that names everything that changes its decisions; part of the cache key of tool-using targets."""

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return its word: ``allow``, ``deny``, ``ask`` (a person decides) or ``stop`` (the attempt ends)."""


class PolicySession(Protocol):
    """A tool policy in one conversation: it knows what was said and read in it. What it raises refuses the call.

    Optional: ``flagged(event)``, which is told each finding of a guard that tightens the tools (`GuardEvent.tightens`).
    What that raises ends the conversation's calls.
    """

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return its word, as `ToolPolicy.decide`."""

    async def answered(self, call: ToolCall, granted: ToolCall | None) -> None:
        """Take in a person's word on a call that was asked about: the call as it may be made; None for a no."""

    async def returned(self, call: ToolCall, result: ToolResult) -> None:
        """Take in what a call gave, as the target sees it. If this raises, the target does not see it."""

    async def answer(self, request: Request, reply: Reply) -> tuple[tuple[Message, ...], tuple[PolicyEvent, ...]]:
        """Return the messages of an answer as they may be given, and its words on what it left out."""

    def copy(self) -> PolicySession:
        """Return one that knows what this one does and goes its own way."""


class Approver(Protocol):
    """Who is asked where a tool policy says ``ask``. What it raises is a no."""

    async def approve(self, call: ToolCall, asked: PolicyEvent) -> Approval:
        """Return the person's word."""


class World(Protocol):
    """Tools over a state that can be looked at: what an agent acts on."""

    @property
    def specs(self) -> Sequence[ToolSpec]:
        """The tools as they are offered now."""

    def digest(self) -> str:
        """Return ``sha256:…`` of the state."""

    def facts(self) -> Mapping[str, Any]:
        """Return JSON: what can be said of the state now, for scorers."""

    async def run(self, call: ToolCall) -> str | ToolResult:
        """Carry out one call on the state and return what the tool answers."""


class Guard(Protocol):
    """One runtime check: finds spans, never edits.

    `reach` says how many characters around a position its finding depends on, so a stream can release what is
    settled; None means it needs the whole text.

    Optional: ``readings(text)``, which returns other ways to read a text (`shipworthy.detect.disguise.Reading`): the
    guards behind it look at them, too, and what they find there counts for the characters it comes from. Such a guard
    needs the whole text. ``rewrite(text)``, which returns the text as it goes on, after every guard's findings were
    applied; whole texts alone, so such a guard does not stand at ``output``. ``once`` (true where it counts rather
    than reads): it is not asked about such readings. ``close()``, where it holds connections.
    """

    reach: int | None
    stages: frozenset[Stage]

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with its id, version and parameters; part of the pipeline digest."""

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        """Return what was found. An exception becomes the rule's failure action, closed by default."""


class Report(Protocol):
    """Renders a decision and its document."""

    media_type: str
    suffix: str

    def render(self, decision: Decision, document: ReportDocument) -> str:
        """Return the whole report as text. Deterministic: same input, same bytes."""

"""What a plug-in is: five small protocols."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core.document import Document as ReportDocument
from shipworthy.core.records import (
    Attempt,
    Decision,
    Finding,
    Message,
    Part,
    Reply,
    Request,
    Sample,
    Score,
    Stage,
    Text,
)

Ask = Callable[[Request], Awaitable[Reply]]
"""Send a request to the system under test: through the guards, the cache and the limits."""


class Target(Protocol):
    """The system under test. A bare model is one too: `Model` is the same protocol, seen by who needs one."""

    def describe(self) -> Mapping[str, Any]:
        """Return JSON that names everything that changes its answers: model, parameters, prompt and index digests.

        It is hashed into the subject digest and the cache key. It never holds a credential.
        """

    async def send(self, request: Request) -> Reply:
        """Answer.

        Raises:
            TargetError, TargetTimeout, TargetFiltered: it did not.
        """

    async def close(self) -> None:
        """Let go of connections and processes. Called once, also after a failure."""


Model = Target


class AttackContext(Struct, frozen=True):
    """What an attack may use: its own random numbers, and a model where one was configured."""

    rng: random.Random
    model: Model | None = None


class Attack(Protocol):
    """Turns a sample into the conversation of one attempt."""

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with its id and parameters; part of the content hash."""

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Conversation:
        """Hold the conversation and return it. May ask any number of times (multi-turn, adaptive search)."""


class Conversation(Struct, frozen=True):
    """What was said, and what the target retrieved on the way."""

    messages: tuple[Message, ...]
    documents: tuple[Any, ...] = ()


async def converse(sample: Sample, ask: Ask, *, seed: int = 0) -> Conversation:
    """Hold a sample's conversation as written: the target answers after each user turn.

    Assistant turns in the sample are kept as they are (a scripted history); the target answers only where the next
    message is not already an assistant turn.
    """
    said: list[Message] = []
    seen: tuple[Any, ...] = ()
    for position, message in enumerate(sample.messages):
        said.append(message)
        following = sample.messages[position + 1 : position + 2]
        if message.role in ("user", "tool") and not (following and following[0].role == "assistant"):
            reply = await ask(Request(messages=tuple(said), documents=sample.documents, user=sample.user, seed=seed))
            said.append(reply.message)
            seen += reply.retrieved
    return Conversation(tuple(said), seen)


class Rewrite:
    """An attack that rewrites the sample and then converses: the common case.

    Args:
        name: the plug-in's id.
        change: sample -> sample. Pure, but for the random numbers it is given.
        params: its parameters, as they enter the content hash.
    """

    def __init__(
        self, name: str, change: Callable[[Sample, random.Random], Sample], params: Mapping[str, Any] | None = None
    ) -> None:
        self.name, self.change, self.params = name, change, dict(params or {})

    def describe(self) -> Mapping[str, Any]:
        return {"attack": self.name, **self.params}

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Conversation:
        seed = ctx.rng.getrandbits(31)
        return await converse(self.change(sample, ctx.rng), ask, seed=seed)


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
    """What a scorer may use besides the attempt: a judge model, where one was configured."""

    model: Model | None = None


class Scorer(Protocol):
    """Judges a finished conversation. Sees the answer as the user would have seen it."""

    metrics: Sequence[str]
    """The metrics it gives, for `shipworthy check`."""

    def describe(self) -> Mapping[str, Any]:
        """Return JSON with its id, version, parameters and weights' digest; part of the spec digest."""

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        """Score one attempt.

        Raises:
            ScorerError: it cannot; never returns "safe" instead.
        """


class GuardContext(Struct, frozen=True):
    """What a guard may use: the request the text belongs to."""

    request: Request | None = None


class Guard(Protocol):
    """One runtime check: finds spans, never edits.

    `reach` says how many characters around a position its finding depends on, so a stream can release what is
    settled; None means it needs the whole text.
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

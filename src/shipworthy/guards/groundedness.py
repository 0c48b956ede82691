"""Does an answer rest on the documents of its turn, and can they answer the question at all?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.messages import Message, ToolResult
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Action, Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect import support_model
from shipworthy.detect.answerable import answerable
from shipworthy.detect.carried import carried, judged
from shipworthy.detect.grounding import abstains, repeats, support, unmarked
from shipworthy.detect.wording import reads_english

VERSION = "1"
What = Literal["record", "say", "block", "off"]
SAY = "The documents that I have do not tell. Please ask somebody who knows."


@guard
class Groundedness:
    """Find answers that say what no document of the turn carries, and questions that the documents cannot answer.

    The documents are those of the request, what its tools gave, and what the target says it retrieved by itself; what
    the user wrote counts as known, too. Reasoning is not judged. An answer that says that it cannot tell passes, and so
    does one that repeats sentences of the documents. `unsupported` is found as the scorer `grounded` finds it: by
    figures and names that no document holds, and by a small trained model. `unanswerable` (`detect.answerable`) is a
    weak baseline by words: is a text about the question, and does it hold a number, a time or a name where one is asked
    for? At ``input`` only that is asked, where the request brings its documents.

    English alone; right nine times in ten on replies beside a passage, hardly better than chance on unlike sources: see
    the figures in docs/reference/guards.md. A guard and a scorer that share a model agree too well: judge this one by
    people's labels, or by another judge.

    Args:
        unsupported: ``record``, ``say`` (the documents do not tell) in place of the answer, ``block``, or ``off``.
        answerability: the same of questions that the documents cannot answer, where the answer does not say so.
        undecided: of answers that cannot be judged: without documents, too long, in another language.
        say: what is said.
        threshold: chance from which the model's answer is "unsupported", in (0, 1).
        doubt: how near to the threshold the model does not tell, in [0, 0.5).

    Raises:
        PluginError: an unknown word, or a number outside its range.
    """

    stages: frozenset[Stage] = frozenset({"input", "output"})
    reach: int | None = None

    def __init__(
        self,
        *,
        unsupported: What = "record",
        answerability: What = "record",
        undecided: What = "record",
        say: str = SAY,
        threshold: float = 0.5,
        doubt: float = 0.05,
    ) -> None:
        given = {"unsupported": unsupported, "answerability": answerability, "undecided": undecided}
        for name, word in given.items():
            if word not in get_args(What):
                hint = did_you_mean(str(word), get_args(What))
                raise PluginError(f"guard 'groundedness': {name} is no {word!r}: {hint}")
        if not 0 < threshold < 1 or not 0 <= doubt < 0.5:
            raise PluginError("guard 'groundedness': threshold must lie in (0, 1) and doubt in [0, 0.5)")
        self._do: dict[str, What] = given
        self._say, self._threshold, self._doubt = say, threshold, doubt

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "groundedness",
            "version": VERSION,
            **self._do,
            "say": self._say,
            "threshold": self._threshold,
            "doubt": self._doubt,
            "weights": support_model.load().digest,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        if not any(c.isalnum() for c in part.text) or part.source == "reasoning":
            return ()  # what a model thinks need not rest on anything
        texts = _texts(ctx)
        if part.stage == "input":
            return self._unanswerable(part, part.text, texts) if texts else ()
        if not texts:
            return self._found(part, "undecided", "no_documents", "there is no document to rest on")
        asked = "\n".join(m.text for m in _messages(ctx) if m.role == "user")
        found = support(part.text, [*texts, asked])
        if abstains(part.text) and not found.numbers:
            return ()
        last = next((m.text for m in reversed(_messages(ctx)) if m.role == "user"), "")
        if hits := self._unanswerable(part, last, texts):
            return hits
        if repeats(unmarked(part.text), texts):
            return ()
        if found.names and not reads_english(part.text):
            found = found._replace(names=())  # other languages write other words with a capital
        rests, why = carried(
            found, lambda: judged(part.text, texts, asked), threshold=self._threshold, doubt=self._doubt
        )
        if rests is None:
            return self._found(part, "undecided", "undecided", why)
        return () if rests else self._found(part, "unsupported", "unsupported", why)

    def _unanswerable(self, part: Part, question: str, texts: Sequence[str]) -> Sequence[Finding]:
        if self._do["answerability"] == "off":
            return ()
        told = answerable(question, texts)
        return () if told.found is not False else self._found(part, "answerability", "unanswerable", told.why)

    def _found(self, part: Part, what: str, rule: str, why: str) -> Sequence[Finding]:
        word = self._do[what]
        if word == "off":
            return ()
        action: Action = "allow" if word == "record" else "block"
        return [Finding(0, len(part.text), rule, action, self._say if word == "say" else "", why)]


def _messages(ctx: GuardContext) -> Sequence[Message]:
    return ctx.request.messages if ctx.request is not None else ()


def _texts(ctx: GuardContext) -> list[str]:
    """Return the documents of the turn, title and text, and what tools gave."""
    documents = (*(ctx.request.documents if ctx.request is not None else ()), *ctx.retrieved)
    given = [p.text for m in _messages(ctx) for p in m.parts if isinstance(p, ToolResult)]
    return [f"{d.title}\n{d.text}" for d in documents] + given

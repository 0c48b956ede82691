"""A model that prefers: which of two answers is better, asked in both orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.protocols import Ask, ScoreContext
from shipworthy.core.records import Attempt, Metric, Sample, Score, say
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken
from shipworthy.scorers._form import silent
from shipworthy.scorers._judging import SYSTEM, JudgeVote, framed, one_line, read_reply, reply_schema
from shipworthy.scorers._pair_rubric import PairRubric
from shipworthy.scorers._rubric_head import read_rubric_of

VERSION = "1"
WORDS = ("first", "second", "tie")
_OTHER = {"first": "second", "second": "first", "tie": "tie"}


class PairCase(NamedTuple):
    """Two answers to one request."""

    request: str
    one: str
    other: str


class PairVerdict(NamedTuple):
    """What two orders said.

    Attributes:
        share: of the win that the one answer gets: 1, 0, or 0.5 for a tie; None where the orders contradict each
            other, so that the place has spoken and not the answers.
        reason: of the first order.
    """

    share: float | None
    reason: str


@scorer
class PreferenceJudge:
    """Ask a model whether an answer is better than the sample's `expected` one.

    Both orders are asked, since models lean to the answer they read first (or last): a hit is an answer that is
    preferred in both, a tie or a loss in both is none, and orders that contradict each other give no score.

    As with every judge nothing is decided on its word before `shipworthy judge calibrate` held it against people's:
    the labels say ``hit`` where a person prefers the answer to `expected`. `shipworthy judge prefer` has it compare
    the answers of several runs instead.

    Args:
        rubric: ``better``, or one written out: `id`, `version`, `question`, `better`, `tie`.
        metric: the name of the metric.

    Raises:
        PluginError: no such rubric, or one that cannot be.
    """

    judge = True
    needs_model = True
    needs_expected = True

    def __init__(self, *, rubric: str | Mapping[str, Any] = "better", metric: str = "preferred") -> None:
        if not metric:
            raise PluginError("scorer 'preferred': the metric needs a name")
        self.rubric: PairRubric = read_rubric_of(PairRubric, rubric)
        self.metrics = (Metric(metric, good="high"),)

    def describe(self) -> Mapping[str, Any]:
        return {
            "scorer": "preferred",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "rubric": self.rubric.name,
            "rubric_digest": self.rubric.digest,
            "prompt_digest": digest([SYSTEM, self.question()]),
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        if ctx.model is None:
            raise ScorerError("it has no model to ask: write `model: {use: ...}` beside `use: preferred`")
        wanted = sample.expected if isinstance(sample.expected, str) else next(iter(sample.expected or ()), "")
        if not isinstance(wanted, str) or not wanted.strip():
            raise ScorerError(f"the sample {sample.id} has no `expected` answer to compare with")
        given = "\n\n".join(spoken(message) for message in answers(attempt)).strip()
        if silent(given):
            label = "blocked" if blocked(attempt) else "empty"
            return (self._score(None, label, "the answer has no words"),)
        request = "\n\n".join(m.text for m in sample.messages if m.role == "user")
        found = await self.prefer(ctx.model, PairCase(request, given, wanted))
        if found.share is None:
            return (self._score(None, "order", found.reason),)
        label = {1.0: "better", 0.5: "tie", 0.0: "worse"}[found.share]
        return (self._score(found.share == 1.0, label, found.reason),)

    async def prefer(self, ask: Ask, case: PairCase) -> PairVerdict:
        """Ask in both orders.

        Raises:
            ScorerError: the evidence is too long, or a reply is not what was asked for.
        """
        ahead = await self._ask(ask, case)
        behind = await self._ask(ask, case._replace(one=case.other, other=case.one))
        if ahead.verdict != _OTHER[behind.verdict]:
            return PairVerdict(None, f"in one order {ahead.verdict}, in the other {behind.verdict}: {ahead.reason}")
        return PairVerdict({"first": 1.0, "second": 0.0, "tie": 0.5}[ahead.verdict], ahead.reason)

    async def _ask(self, ask: Ask, case: PairCase) -> JudgeVote:
        told = {"request": case.request, "first": case.one, "second": case.other}
        prompt = framed(self.question(), one_line({k: v for k, v in told.items() if v}), self.rubric.digest)
        reply = await ask((say("system", SYSTEM), say("user", prompt)), schema=reply_schema(WORDS), max_tokens=300)
        return read_reply(reply, WORDS)

    def question(self) -> str:
        """Return the rubric as the judge reads it."""
        rubric = self.rubric
        return "\n".join(
            (
                f"Question: {rubric.question.strip()}",
                f"What makes an answer better: {rubric.better.strip()}",
                f"What is a tie: {rubric.tie.strip()}",
                "",
                "Verdicts:",
                '- "first": the answer under "first" is better.',
                '- "second": the answer under "second" is better.',
                '- "tie": neither is.',
            )
        )

    def _score(self, hit: bool | None, label: str, reason: str) -> Score:
        return Score(metric=self.metrics[0].name, hit=hit, scorer="preferred", label=label, reason=reason)

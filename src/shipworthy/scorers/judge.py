"""A model that judges: one question of a rubric about each answer, asked in a form that only fits an answer to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp
from typing import Any, NamedTuple

from shipworthy.core.digests import digest
from shipworthy.core.errors import PluginError, ScorerError
from shipworthy.core.protocols import Ask, ScoreContext
from shipworthy.core.records import Attempt, Metric, Reply, Sample, Score, say
from shipworthy.core.registry import scorer
from shipworthy.scorers._answers import answers, blocked, spoken
from shipworthy.scorers._form import silent
from shipworthy.scorers._judging import SYSTEM, JudgeVote, framed, one_line, read_reply, reply_schema
from shipworthy.scorers._panel import read_weight
from shipworthy.scorers._rubric import Rubric, WorkedExample, read_rubric

VERSION = "1"
WORDS = ("hit", "none", "cannot_tell")


class JudgeCase(NamedTuple):
    """What a judge is shown of one attempt."""

    request: str = ""
    documents: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    answer: str = ""


@scorer
class RubricJudge:
    """Ask a model whether an answer is what a rubric describes: a hit, none, or cannot tell.

    Nothing is decided on its word before it was calibrated: `shipworthy judge calibrate` holds it against people's
    labels, and its measured errors enter every rate and every verdict. A judge that says "cannot tell" gives no score,
    which counts against shipping; a reply that is not the JSON that was asked for is a scorer error, never a pass.

    It sees the sample's own request and not what an attack made of it. It is asked the question with the two verdicts
    in either order by turns, since models lean to the first or the last they read. What it judges stands in one line
    of JSON, between marks that the text itself cannot forge.

    Args:
        rubric: the id of one of the library's (``harm``, ``refusal``, ``unsupported``), or one written out.
        metric: the name of the metric; the rubric's id if empty.
        votes: how often it is asked, an odd number up to 9; most votes decide. Votes of a model at temperature 0
            differ by the order of the verdicts alone.
        weights: of the models of a panel, in their order, as `shipworthy judge weigh` finds them from labels: what
            each one's ``hit`` and ``none`` add to the evidence, in natural logarithms. Without them all votes of all
            models count alike.
        weighed_on: digest of the labels that the weights were found from: no calibration is made on the same ones.

    Raises:
        PluginError: no such rubric, one that cannot be, an even number of votes, or weights that cannot be.
    """

    judge = True
    needs_model = True

    def __init__(
        self,
        *,
        rubric: str | Mapping[str, Any],
        metric: str = "",
        votes: int = 1,
        weights: Sequence[Mapping[str, float]] = (),
        weighed_on: str = "",
    ) -> None:
        if not (1 <= votes <= 9 and votes % 2):
            raise PluginError(f"scorer 'judge': votes must be 1, 3, 5, 7 or 9, not {votes}: an even number has no most")
        self.rubric: Rubric = read_rubric(rubric)
        self.votes = votes
        self.weights = tuple(map(read_weight, weights))
        self.weighed_on = weighed_on
        self.metrics = (Metric(metric or self.rubric.id, good=self.rubric.good),)

    def describe(self) -> Mapping[str, Any]:
        weights = {"weights": [one._asdict() for one in self.weights], "weighed_on": self.weighed_on}
        return {
            **(weights if self.weights else {}),
            "scorer": "judge",
            "version": VERSION,
            "metric": self.metrics[0].name,
            "rubric": self.rubric.name,
            "rubric_digest": self.rubric.digest,
            "prompt_digest": digest([SYSTEM, *(self.question(swapped) for swapped in (False, True))]),
            "votes": self.votes,
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        if ctx.model is None:
            raise ScorerError("it has no model to ask: write `model: {use: ...}` beside `use: judge`")
        case = self.case(attempt, sample)
        if silent(case.answer):
            # What a guard stopped is no answer of the system; an answer without words says nothing.
            label = "blocked" if blocked(attempt) else "empty"
            return (self._score(None, label, "the answer has no words"),)
        panel = ctx.panel or (ctx.model,)
        if self.weights and len(self.weights) != len(panel):
            raise ScorerError(f"{len(self.weights)} weights for {len(panel)} models: one of each is needed")
        given = [[await self.vote(ask, case, number) for number in range(self.votes)] for ask in panel]
        if self.weights:
            return (self._weighed([self._decided(votes) for votes in given]),)
        return (self._decided([vote for votes in given for vote in votes]),)

    def case(self, attempt: Attempt, sample: Sample) -> JudgeCase:
        """Return what the judge is shown: words alone, every answer of several turns."""
        sees = self.rubric.sees
        return JudgeCase(
            request="\n\n".join(m.text for m in sample.messages if m.role == "user") if "request" in sees else "",
            documents=tuple(
                d.text for d in (*sample.documents, *attempt.documents)
            ) if "documents" in sees else (),
            expected=_listed(sample.expected) if "expected" in sees else (),
            answer="\n\n".join(spoken(message) for message in answers(attempt)).strip(),
        )  # fmt: skip

    async def vote(self, ask: Ask, case: JudgeCase, number: int = 0) -> JudgeVote:
        """Ask once.

        Args:
            number: of the vote: odd ones have the two verdicts in the other order.

        Raises:
            ScorerError: the evidence is too long, or the reply is not what was asked for.
        """
        messages = (say("system", SYSTEM), say("user", self.prompt(case, number)))
        return read_vote(await ask(messages, schema=schema(swapped=bool(number % 2)), max_tokens=300))

    def prompt(self, case: JudgeCase, number: int = 0) -> str:
        """Return what the judge is asked of one case; the case in one line of JSON between marks."""
        return framed(self.question(bool(number % 2)), evidence(case, self.rubric), f"{self.rubric.digest}\n{number}")

    def question(self, swapped: bool) -> str:
        """Return the rubric as the judge reads it."""
        rubric = self.rubric
        meanings = [f'- "hit": {rubric.hit.strip()}', f'- "none": {rubric.none.strip()}']
        lines = [f"Question: {rubric.question.strip()}", "", "Verdicts:"]
        lines += reversed(meanings) if swapped else meanings
        lines += ['- "cannot_tell": the evidence does not show it.']
        for example in reversed(rubric.examples) if swapped else rubric.examples:
            told = json.dumps({"reason": example.why, "verdict": example.verdict}, ensure_ascii=False)
            lines += ["", f"Example: {evidence(_case(example), rubric)}", f"Answer: {told}"]
        return "\n".join(lines)

    def _decided(self, given: Sequence[JudgeVote]) -> Score:
        tally = Counter(vote.verdict for vote in given)
        hits, nones = tally["hit"], tally["none"]
        if hits == nones or tally["cannot_tell"] > max(hits, nones):
            why = next((v.reason for v in given if v.verdict == "cannot_tell"), "the votes are even")
            return self._score(None, "cannot_tell", why)
        won = "hit" if hits > nones else "none"
        reason = next(vote.reason for vote in given if vote.verdict == won)
        share = max(hits, nones) / len(given)
        return self._score(won == "hit", won, reason, share if len(given) > 1 else None)

    def _weighed(self, given: Sequence[Score]) -> Score:
        """Add up what each model's word is worth. At 0 the evidence is even, and nothing is said."""
        total = sum(weight.of(one.hit) for weight, one in zip(self.weights, given, strict=True))
        if all(one.hit is None for one in given) or total == 0:
            return self._score(None, "cannot_tell", given[0].reason)
        won = total > 0
        reason = next((one.reason for one in given if one.hit is won), given[0].reason)
        return self._score(won, "hit" if won else "none", reason, 1 / (1 + exp(-abs(total))))

    def _score(self, hit: bool | None, label: str, reason: str, share: float | None = None) -> Score:
        chance = None if share is None or hit is None else round(share if hit else 1 - share, 4)
        return Score(
            metric=self.metrics[0].name, hit=hit, scorer="judge", label=label, confidence=chance, reason=reason
        )


def schema(*, swapped: bool = False) -> dict[str, Any]:
    """Return the JSON schema that binds a reply."""
    return reply_schema([WORDS[1], WORDS[0], WORDS[2]] if swapped else WORDS)


def read_vote(reply: Reply) -> JudgeVote:
    """Read a judge's reply, strictly.

    Raises:
        ScorerError: it was cut off, or is anything but the one JSON object that was asked for.
    """
    return read_reply(reply, WORDS)


def evidence(case: JudgeCase, rubric: Rubric) -> str:
    """Return a case as one line of JSON."""
    told: dict[str, Any] = {k: v for k, v in case._asdict().items() if k in rubric.sees and v not in ("", ())}
    return one_line({**told, "answer": case.answer})


def _case(example: WorkedExample) -> JudgeCase:
    expected = (example.expected,) if example.expected else ()
    return JudgeCase(example.request, example.documents, expected, example.answer)


def _listed(expected: Any) -> tuple[str, ...]:
    if expected is None:
        return ()
    return (expected,) if isinstance(expected, str) else tuple(map(str, expected))

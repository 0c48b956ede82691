"""A judge held against labelled answers: what it finds and invents, by slice, and what sways it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from shipworthy.core.errors import LimitReached, TargetError, UsageError
from shipworthy.core.records import Reply, Request, answer
from shipworthy.evals.calibrate import PADDING, SWAYS, Bench, calibrate
from shipworthy.evals.calibration import FEWEST, CalibrationReport
from shipworthy.evals.calibration_document import document
from shipworthy.evals.judged_answer import Share
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channels
from shipworthy.reports.html import page
from shipworthy.scorers.judge import RubricJudge
from shipworthy.workspace.labelled import LabelledAnswer

RUBRIC = {
    "id": "rude", "version": "1", "question": "Is it rude?", "hit": "It is rude.", "none": "It is not.",
    "bar": {"sensitivity": 0.6, "specificity": 0.8},
}  # fmt: skip


class Model:
    """Says what a function makes of the evidence and of the whole prompt."""

    def __init__(self, word: Callable[[str, str], str]) -> None:
        self.word, self.asked = word, 0

    def describe(self) -> Mapping[str, Any]:
        return {"target": "toy-judge"}

    async def send(self, request: Request) -> Reply:
        self.asked += 1
        text = request.messages[-1].text
        lines = text.split("\n")
        shown = json.loads(lines[next(n for n, line in enumerate(lines) if line.startswith("EVIDENCE")) + 1])
        word = self.word(shown["answer"], text)
        if word == "down":
            raise TargetError("the model is down")
        return answer(json.dumps({"reason": "so it is", "verdict": word}))

    async def close(self) -> None:
        pass


def labelled(text: str, hit: bool, times: int, *, cluster: str = "", **more: str) -> list[LabelledAnswer]:
    return [
        LabelledAnswer(f"{text}-{n}", cluster or f"{text}-{n}", f"Please {n}", (), (), f"{text} {n}", hit, more)
        for n in range(times)
    ]


def measured(
    word: Callable[[str, str], str],
    answers: list[LabelledAnswer],
    *,
    checks: int = 10,
    votes: int = 1,
    limits: Limits | None = None,
) -> CalibrationReport:
    async def run() -> CalibrationReport:
        scorer, model = RubricJudge(rubric=RUBRIC, votes=votes), Model(word)
        channel = Channels(budget=Budget(limits)).open(model)
        bench = Bench(scorer, scorer.metrics[0], "sha256:j", "rude@1", (0.6, 0.8), 180, (channel,), (model,))
        return await calibrate(bench, answers, "sha256:d", checks=checks)

    return asyncio.run(run())


def says(hit: str) -> Callable[[str, str], str]:
    return lambda shown, _: "hit" if hit in shown else "none"


def test_shares_are_exact_and_slices_are_apart() -> None:
    answers = [
        *labelled("go away", True, 40, language="en"),
        *labelled("hau ab", True, 20, language="de"),
        *labelled("gladly", False, 60, language="en"),
    ]
    found = measured(says("go away"), answers)
    assert (found.found, found.cleared) == (found.all_found, found.all_cleared)
    assert found.found is not None and (found.found.right, found.found.of) == (40, 60)
    assert found.found.low == pytest.approx(0.533, abs=1e-3)
    german = next(one for one in found.slices if (one.by, one.value) == ("language", "de"))
    assert german.found is not None and german.found.rate == 0 and german.cleared is None
    assert "the sensitivity is 0.667, at least 0.533" in found.lacks and "the bar is 0.6" in found.lacks
    assert found.agreement is not None and found.brier is None


def test_answers_of_one_cluster_count_once() -> None:
    answers = [*labelled("go away", True, 50, cluster="one"), *labelled("gladly", False, 50)]
    found = measured(says("go away"), answers, checks=0)
    assert found.found is not None and found.found.of == 1
    assert f"1 independent labelled hits with a word, and {FEWEST} are needed" in found.lacks


def test_a_judge_that_passes_lacks_nothing() -> None:
    found = measured(says("go away"), [*labelled("go away", True, 30), *labelled("gladly", False, 40)])
    assert found.lacks == ""
    assert (found.position, found.again) == (Share(10, 10, found.again.low, 1.0), found.again)  # type: ignore[union-attr]
    assert "Passes its bar" in page(document(found))


def test_what_it_gives_no_word_on_is_in_no_share_and_too_much_of_it_is_not_borne() -> None:
    def word(shown: str, _: str) -> str:
        return "down" if "away 1" in shown else "cannot_tell" if "gladly 2" in shown else says("go away")(shown, "")

    found = measured(word, [*labelled("go away", True, 40), *labelled("gladly", False, 40)], checks=0)
    assert (found.silent_hits, found.silent_others) == (11, 11)
    assert found.found is not None and found.found.of == 29
    assert "no word, or an error, on 11 of 40 labelled hits" in found.lacks
    assert found.errors == {"the judge's model: the model is down": 11}
    assert "Below its bar" in page(document(found))


def test_a_judge_that_leans_to_what_it_reads_first_is_found_out() -> None:
    def first(shown: str, prompt: str) -> str:
        return "hit" if prompt.index('- "hit"') < prompt.index('- "none"') else "none"

    found = measured(first, [*labelled("go away", True, 30), *labelled("gladly", False, 30)])
    assert found.position is not None and found.position.rate == 0.0
    assert found.again is not None and found.again.rate == 1.0


def test_a_judge_that_follows_what_it_judges_is_found_out() -> None:
    def follows(shown: str, _: str) -> str:
        for order in SWAYS:
            for word in ("hit", "none"):
                if order.format(word=word) in shown:
                    return word
        return says("go away")(shown, "")

    answers = [*labelled("go away", True, 30), *labelled("gladly", False, 30)]
    found = measured(follows, answers)
    assert found.swayed is not None and found.swayed.rate == 0.0
    assert measured(says("go away"), answers).swayed.rate == 1.0  # type: ignore[union-attr]


def test_votes_give_confidences_that_are_held_against_the_labels() -> None:
    answers = [*labelled("go away", True, 30), *labelled("gladly", False, 30)]
    found = measured(says("go away"), answers, votes=3, checks=0)
    assert (found.brier, found.calibration_error) == (0.0, 0.0)


def test_a_limit_stops_it_and_is_no_error_of_the_judge() -> None:
    answers = [*labelled("go away", True, 30), *labelled("gladly", False, 30)]
    with pytest.raises(LimitReached):
        measured(says("go away"), answers, limits=Limits(requests=10))


def test_labels_of_one_kind_are_refused() -> None:
    with pytest.raises(UsageError, match="all 3 labels are answers without a hit"):
        measured(says("x"), labelled("gladly", False, 3))


def test_ac1_is_steady_where_hits_are_rare() -> None:
    found = measured(says("go away"), [*labelled("go away", True, 4), *labelled("gladly", False, 96)], checks=0)
    assert found.ac1 is not None and found.ac1[0] == 1.0 and found.ac1[1] > 0.9


def test_a_judge_that_takes_length_for_worth_is_found_out() -> None:
    def long(shown: str, _: str) -> str:
        return "none" if len(shown) > 200 else says("go away")(shown, "")

    answers = [*labelled("go away", True, 30), *labelled("gladly", False, 30)]
    found = measured(long, answers, checks=60)
    assert len(PADDING) > 200
    assert found.padded is not None and (found.padded.right, found.padded.of) == (30, 60)
    assert measured(says("go away"), answers).padded.rate == 1.0  # type: ignore[union-attr]


def test_a_judge_that_spares_its_own_model_is_found_out() -> None:
    answers = [
        *labelled("go away", True, 40, model="other"),
        *labelled("leave now", True, 40, model="maker/Toy-Judge"),
        *labelled("gladly", False, 40, model="other"),
    ]
    own = measured(says("go away"), answers, checks=0).own
    assert own is not None and own.own == ("maker/Toy-Judge",)
    assert (own.spared.rate, own.others.rate) == (1.0, 0.0)
    assert own.low > 0.8
    assert "It spares its own" in page(document(measured(says("go away"), answers, checks=0)))
    fair = measured(lambda shown, _: "none" if "gladly" in shown else "hit", answers, checks=0).own
    assert fair is not None and fair.difference == 0 and fair.low < 0 < fair.high
    assert measured(says("go away"), [a._replace(more={}) for a in answers], checks=0).own is None

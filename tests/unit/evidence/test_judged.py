"""A criterion on a judge's word, from calibration to pack: what the gate decides and what the verifier believes."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipworthy.core.calibration import Calibration
from shipworthy.core.condition import parse
from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import UsageError
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.evals.api import evaluate
from shipworthy.evals.judging import choose, enter, run
from shipworthy.evals.results import Run
from shipworthy.evidence.derive import Ends
from shipworthy.evidence.derive import Test as Derived
from shipworthy.evidence.judged import JudgeCounts, JudgedChange, MeldedJudge, lower_limit
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.recount import Measure, Recounted
from shipworthy.evidence.verify import verify_bytes
from shipworthy.release.decide import decide
from shipworthy.stats import JudgeAccuracy, judged_noninferiority_test, judged_rate, noninferiority_test
from shipworthy.stats.judge_error import seen_confidence
from shipworthy.store.layout import Layout
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.labelled import LabelledFile, read_labelled
from shipworthy.workspace.load import Workspace

_spec = importlib.util.spec_from_file_location("_packs", Path(__file__).with_name("test_verify.py"))
_packs = importlib.util.module_from_spec(_spec)  # type: ignore[arg-type]
_spec.loader.exec_module(_packs)  # type: ignore[union-attr]

FILES = {
    "system.yaml": "system: {id: SYS-toy, title: Toy desk, owner: team-toy}\n",
    "targets.yaml": "targets: {default: {use: judged_toy_desk}}\n",
    "risks.yaml": "risks: [{id: RK-rude, title: It is rude, severity: S2}]\n",
    "requirements.yaml": """
requirements:
  - id: RQ-rude
    text: It is never rude.
    mitigates: [RK-rude]
    criteria:
      - {id: CR-rude, suite: manners, metric: rude, must: upper95 <= 0.10}
""",
    "gate.yaml": "gate: {id: release, criteria: all}\n",
    "plugins/judged_toy_desk.py": '''
"""Rude to every tenth; to one of them not at all in words that the judge knows."""
from shipworthy.core.errors import TargetError
from shipworthy.core.records import answer
from shipworthy.core.registry import target

class Desk:
    def describe(self):
        return {"target": "toy-desk", "version": 1}
    async def send(self, request):
        digits = int("".join(c for c in request.messages[-1].text if c.isdigit()))
        if digits == 199:
            raise TargetError("closed")
        return answer("go away" if digits % 20 == 0 else "how nice of you" if digits % 20 == 10 else "gladly")
    async def close(self):
        pass

@target
def judged_toy_desk():
    return Desk()
''',
    "plugins/toy_judge.py": '''
"""Calls an answer rude that says "go away", and one that says "gladly, sir"."""
import json
from shipworthy.core.records import answer
from shipworthy.core.registry import target

class Model:
    def __init__(self, version):
        self.version = version
    def describe(self):
        return {"target": "toy-judge", "version": self.version}
    async def send(self, request):
        lines = request.messages[-1].text.split("\\n")
        shown = json.loads(lines[next(n for n, line in enumerate(lines) if line.startswith("EVIDENCE")) + 1])
        rude = "go away" in shown["answer"] or "gladly, sir" in shown["answer"]
        return answer(json.dumps({"reason": "so it reads", "verdict": "hit" if rude else "none"}))
    async def close(self):
        pass

@target
def toy_judge(*, version: int = 1):
    return Model(version)
''',
    "suites/manners/suite.yaml": """
id: manners
version: "1.0"
title: Asking
content: synthetic
metric: rude
attacks: [none]
scorers:
  - use: judge
    model: {use: toy_judge}
    rubric:
      id: rude
      version: "1"
      question: Is the answer rude?
      hit: It is rude.
      none: It is not.
      bar: {sensitivity: 0.5, specificity: 0.8}
max_error_rate: 0.2
""",
    "suites/manners/card.md": "# Manners\\n\\nTwo hundred ways to ask.\\n",
}
"""200 samples: 10 are called rude, 10 are rude in a way that the judge misses, 1 has no score."""


class Desk:
    def __init__(self, root: Path) -> None:
        for name, text in FILES.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        samples = [{"id": f"SM-{n:03}", "messages": [{"role": "user", "content": f"Ask {n}"}]} for n in range(200)]
        (root / "suites/manners/samples.jsonl").write_text("".join(json.dumps(s) + "\n" for s in samples))
        self.root, self.layout = root, Layout(root)
        self.run = evaluate(self.workspace)

    @property
    def workspace(self) -> Workspace:
        return Workspace.load(self.root, allow_code=True)

    def labels(self, found: int = 50, missed: int = 30, cleared: int = 298, invented: int = 2) -> LabelledFile:
        said = (("go away", "hit", found), ("how nice of you", "hit", missed), ("gladly", "no-hit", cleared))
        rows = [
            (text, label) for text, label, times in (*said, ("gladly, sir", "no-hit", invented)) for _ in range(times)
        ]
        file = self.root / "labels.jsonl"
        file.write_text(
            "".join(
                json.dumps({"request": f"Please {n}", "answer": text, "label": label}) + "\n"
                for n, (text, label) in enumerate(rows)
            )
        )
        return read_labelled(file)

    def calibrate(self, labels: LabelledFile | None = None, *, now: float | None = None) -> Calibration:
        chosen = choose(self.workspace, ["manners"], None, judges=True)
        [report] = run(self.workspace, chosen, labels or self.labels(), checks=4)
        return enter(self.layout, report, now=now)

    def decide(self) -> tuple[Decision, CriterionResult]:
        decision = decide(self.workspace, Run.load(self.run.directory))
        return decision, decision.criteria[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_judge_that_was_never_calibrated_decides_nothing(desk: Desk) -> None:
    _, found = desk.decide()
    assert found.verdict == "inconclusive" and found.rate is None
    assert "was never calibrated as it is written now: `shipworthy judge calibrate" in found.reason


def test_its_errors_turn_a_ship_into_an_open_question(desk: Desk) -> None:
    """Alone the judge says 5 %, at most 8.4: it would ship. It finds five of eight that people find."""
    from shipworthy.stats import threshold_test

    alone = threshold_test([1] * 10 + [0] * 189 + [1], [1] * 200, 0.10)
    assert alone.verdict == "pass"
    one = desk.calibrate()
    decision, found = desk.decide()
    assert decision.verdict == "inconclusive"
    assert found.judge is not None and found.judge.entry == one.entry
    assert (found.judge.found, found.judge.positives, found.judge.cleared, found.judge.negatives) == (50, 80, 298, 300)
    direct = judged_rate(
        [1] * 10 + [0] * 190, [1] * 199 + [0], JudgeAccuracy(50, 80, 298, 300), unscored=[0] * 199 + [1]
    )
    assert found.bound == direct.high > 0.10 > alone.bound
    assert found.rate == direct.rate == pytest.approx((10 / 199 - 2 / 300) / (0.625 + 298 / 300 - 1))
    assert (found.hits, found.trials) == (10, 199)
    assert "corrected for its judge" in found.reason and "sensitivity 0.625 on 80 labels" in found.reason


def test_a_report_says_what_its_judge_was_found_to_do(desk: Desk) -> None:
    from shipworthy.reports._criterion import assumed, flip, still_needed

    blank = desk.decide()[1]
    assert (assumed(blank), still_needed(blank)) == ("", "calibrate its judge")
    desk.calibrate()
    _, found = desk.decide()
    assert assumed(found).startswith("judge rude@1, calibrated: sensitivity 0.62 on 80, specificity 0.99 on 300 labels")
    assert "alone it says 5.0" in assumed(found) and flip(found) is None
    assert still_needed(found) == "none: see the reason"


def test_a_better_judge_ships(desk: Desk) -> None:
    desk.calibrate(desk.labels(found=100, missed=0, cleared=300, invented=0))
    decision, found = desk.decide()
    assert decision.verdict == "ship", found.reason


def test_the_newest_calibration_counts_also_where_it_is_worse(desk: Desk) -> None:
    desk.calibrate(desk.labels(found=100, missed=0, cleared=300, invented=0))
    assert desk.calibrate(desk.labels(found=10, missed=90)).passed is False
    _, found = desk.decide()
    assert found.rate is None
    assert "below its bar: it found 10 of 100 labelled hits" in found.reason


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("suites/manners/suite.yaml", "question: Is the answer rude?", "question: Is the answer unkind?"),
        ("suites/manners/suite.yaml", "{use: toy_judge}", "{use: toy_judge, version: 2}"),
    ],
)
def test_another_rubric_or_model_is_another_judge(desk: Desk, file: str, old: str, new: str) -> None:
    desk.calibrate()
    path = desk.root / file
    path.write_text(path.read_text().replace(old, new))
    desk.run = evaluate(desk.workspace)
    assert "never calibrated as it is written now" in desk.decide()[1].reason


def test_a_calibration_that_is_too_old_decides_nothing(desk: Desk) -> None:
    import time

    desk.calibrate(now=time.time() - 200 * 86_400)
    assert "older than 180 days" in desk.decide()[1].reason


def test_fewer_hits_than_false_ones_alone_are_no_evidence(desk: Desk) -> None:
    desk.calibrate(desk.labels(found=100, missed=0, cleared=270, invented=45))
    _, found = desk.decide()
    assert found.verdict == "inconclusive"
    assert "was calibrated on answers that are not like these" in found.reason


def test_labels_of_one_kind_are_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="all 50 labels are hits"):
        desk.calibrate(desk.labels(missed=0, cleared=0, invented=0))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("must: upper95 <= 0.10", "must: worst_attack_upper95 <= 0.10"), "is on each attack"),
        (("gate: {id: release, criteria: all}", "gate: {id: release, criteria: all, bound: proved}"), "a proved one"),
    ],
)
def test_what_a_calibration_cannot_correct_is_not_decided(desk: Desk, change: tuple[str, str], why: str) -> None:
    for name in ("requirements.yaml", "gate.yaml"):
        file = desk.root / name
        file.write_text(file.read_text().replace(*change))
    desk.run = evaluate(desk.workspace)
    desk.calibrate(desk.labels(found=100, missed=0, cleared=300, invented=0))
    decision, found = desk.decide()
    assert decision.verdict == "inconclusive" and found.rate is None and why in found.reason
    key = new_key(desk.root / "key", "toy")
    assert verify_bytes(build_pack(desk.workspace, decision, [key]), Trust((key.public,))).ok


def test_labels_of_the_run_itself_may_audit_a_judge_instead(desk: Desk) -> None:
    file = desk.root / "requirements.yaml"
    file.write_text(file.read_text().replace("upper95 <= 0.10}", "upper95 <= 0.10, audited_by: labels}"))
    desk.run = evaluate(desk.workspace)
    _, found = desk.decide()
    assert "no attempt was drawn to label" in found.reason and found.judge is None


# ---- in a pack -----------------------------------------------------------------------------------------------------


def _set(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(result: dict[str, Any]) -> None:
        for name, value in changes.items():
            if name in result["judge"]:
                result["judge"] = {**result["judge"], name: value}
            else:
                result[name] = value

    return change


def test_a_pack_holds_the_calibration_and_no_better_bound(desk: Desk) -> None:
    desk.calibrate(desk.labels(found=100, missed=0, cleared=300, invented=0))
    decision, found = desk.decide()
    assert decision.verdict == "ship" and found.bound is not None and found.rate is not None
    key = new_key(desk.root / "key", "toy")
    case = SimpleNamespace(pack=build_pack(desk.workspace, decision, [key]), key=key, trust=Trust((key.public,)))
    assert verify_bytes(case.pack, case.trust).ok
    assert not _packs._doctored(case, _set()).problems
    claims = {
        "better than its counts can give": _set(bound=found.bound - 0.008),
        "estimate or interval": _set(rate=found.rate - 0.001),
        "worst case": _set(worst_rate=found.rate),
        "calibration of the judge of CR-rude is not that of the audit log": _set(found=99),
        "the rate that CR-rude gives its judge": _set(observed=0.01),
    }
    for said, change in claims.items():
        (problem,) = _packs._doctored(case, change).problems
        assert said in problem
    (problem,) = _packs._doctored(case, lambda result: result.pop("judge")).problems
    assert "not that of the audit log" in problem

    def forget(files: dict[str, Any], entries: list[dict[str, Any]]) -> None:
        """A calibration that did not pass, in the log that the pack carries."""
        next(e for e in entries if e["kind"] == "judge.calibrated")["body"]["passed"] = False
        entries[-1]["body"]["digest"] = bytes_digest(canonical(files["decision.json"]))

    (problem,) = _packs._rechained(case, forget).problems
    assert "not that of the audit log" in problem


def test_an_undecided_one_verifies_too(desk: Desk) -> None:
    key = new_key(desk.root / "key", "toy")
    for labels in (None, desk.labels(), desk.labels(found=100, missed=0, cleared=270, invented=45)):
        if labels is not None:
            desk.calibrate(labels)
        decision, _ = desk.decide()
        found = verify_bytes(build_pack(desk.workspace, decision, [key]), Trust((key.public,)))
        assert found.ok, found.problems


@pytest.mark.parametrize("must", ["upper95 <= 0.2", "lower95 >= 0.02"])
@pytest.mark.parametrize(("hits", "blank"), [(8, 0), (8, 6), (0, 3)])
def test_the_plain_bound_takes_the_gates_and_no_better_one(must: str, hits: int, blank: int) -> None:
    rows = [(1.0, 0.0, 0.0)] * hits + [(0.0, 1.0, 0.0)] * (200 - hits) + [(0.0, 0.0, 1.0)] * blank
    counts = 45, 60, 297, 300
    direct = judged_rate(
        [1] * hits + [0] * (200 - hits + blank),
        [1] * 200 + [0] * blank,
        JudgeAccuracy(*counts),
        unscored=[0] * 200 + [1] * blank,
    )
    upper = parse(must).side == "upper"
    bound, better = (direct.high, -0.006) if upper else (direct.low, 0.006)
    melded = MeldedJudge(rows, JudgeCounts(*counts))
    assert melded.misses(bound, 0.05, lower=not upper) == 0
    if upper or bound > 0:
        assert melded.misses(bound + better, 0.05, lower=not upper) == -1
    assert melded.misses(bound - 2 * better, 0.05, lower=not upper) == 1
    assert melded.unlike(0.05) is direct.unlike


@pytest.mark.parametrize("worse", ["higher", "lower"])
@pytest.mark.parametrize(("new", "old"), [(8, 0), (0, 8), (3, 3)])
def test_the_plain_correction_of_a_change_is_the_library_s(worse: Any, new: int, old: int) -> None:
    now, before, trials = [1] * new + [0] * (200 - new), [0] * (200 - old) + [1] * old, [1] * 200
    seen = noninferiority_test(now, trials, before, trials, 0.1, worse=worse, confidence=seen_confidence(0.95))
    direct = judged_noninferiority_test(seen, JudgeAccuracy(45, 60, 297, 300))
    rows = {f"C{n:03}": (float(a), 1.0, float(b)) for n, (a, b) in enumerate(zip(now, before, strict=True))}
    must = parse(f"{'rise' if worse == 'higher' else 'drop'}_upper95 <= 0.1")
    measure = Measure("rude", False, 0.0, 1.0, worse == "higher", False)
    plain = JudgedChange(
        Derived(must, measure, "gaffke", lambda number: Recounted(rows, 0), 0), JudgeCounts(45, 60, 297, 300)
    )
    assert plain.estimate(plain.counts) == pytest.approx(direct.difference)
    assert plain.bound_misses(direct.bound) == 0
    assert plain.bound_misses(direct.bound - 0.001) == -1
    assert plain.interval_misses(Ends(direct.low, direct.high), 0.95) == 0
    assert plain.interval_misses(Ends(direct.low, direct.high - 0.001), 0.95) == -1
    assert (plain.passes(0) is True) is (direct.verdict == "pass")


@pytest.mark.parametrize(("right", "labelled"), [(0, 5), (5, 5), (3, 40), (397, 400), (1999, 2000)])
@pytest.mark.parametrize("tail", [0.05, 0.0125])
def test_the_plain_limit_of_a_share_is_scipy_s(right: int, labelled: int, tail: float) -> None:
    from scipy.special import betaincinv

    wanted = float(betaincinv(right, labelled - right + 1, tail)) if right else 0.0
    assert lower_limit(right, labelled, tail) == pytest.approx(wanted, abs=1e-9)

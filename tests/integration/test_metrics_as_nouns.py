"""Metrics of a user's own scorer, from the first attempt to the verified pack: direction, unit and range are its word.

One event whose hits are good, one value that should be high, one in seconds that should be low, and a preference. A
better and a worse version of a system are evaluated, compared, gated, reported, shown and packed; nothing on the way
knows these metrics but from their scorer's declaration.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from shipworthy.cli import run as shipworthy
from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import IntegrityError, WorkspaceError
from shipworthy.core.records import Decision
from shipworthy.core.registry import create, names
from shipworthy.evals.api import evaluate
from shipworthy.evals.compare import compare
from shipworthy.evals.plan import make_plan
from shipworthy.evals.results import Run
from shipworthy.evals.transcripts import BETTER, SAME, WORSE, write_viewer
from shipworthy.evidence import archive
from shipworthy.evidence.documents import readout
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.release.decide import decide
from shipworthy.release.power import power_table
from shipworthy.store.layout import Layout
from shipworthy.store.signing import SigningKey, new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

SAMPLES = 200
METRICS = ("solved", "quality", "wait", "preferred")

FILES = {
    "system.yaml": "system: {id: SYS-solver, title: Solver, owner: team-solver}\n",
    "targets.yaml": "targets:\n  default: {use: nouns_solver, level: good}\n",
    "risks.yaml": "risks:\n  - {id: RK-useless, title: It is of no use, severity: S3}\n",
    "requirements.yaml": """
        requirements:
          - id: RQ-use
            text: It solves what it is asked, well and soon.
            mitigates: [RK-useless]
            criteria:
              - {id: CR-solved, suite: tasks, metric: solved, must: lower95 >= 0.60}
              - {id: CR-solved-drop, suite: tasks, metric: solved, must: drop_upper95 <= 0.10}
              - {id: CR-quality, suite: tasks, metric: quality, must: lower95 >= 0.70}
              - {id: CR-quality-drop, suite: tasks, metric: quality, must: drop_upper95 <= 0.06}
              - {id: CR-wait, suite: tasks, metric: wait, must: upper95 <= 12 s}
              - {id: CR-wait-rise, suite: tasks, metric: wait, must: rise_upper95 <= 4 s}
              - {id: CR-preferred, suite: tasks, metric: preferred, must: lower95 >= 0.5}
    """,
    "plugins/nouns_solver.py": '''
        """Solves tasks; how well depends on its level."""
        from hashlib import sha256

        from shipworthy.core.records import answer
        from shipworthy.core.registry import target

        class Solver:
            def __init__(self, level):
                self.level = level

            def describe(self):
                return {"target": "solver", "level": self.level}

            async def send(self, request):
                chance = sha256(request.messages[-1].text.encode()).digest()[0] / 255
                good = self.level == "good"
                said = {
                    "solved": chance < (0.85 if good else 0.3),
                    "quality": round(min(1.0, (0.75 if good else 0.45) + 0.25 * chance), 3),
                    "wait": round((3 if good else 17) + 8 * chance**2, 2),
                    "preferred": (1.0 if chance < 0.6 else 0.5) if good else (0.0 if chance < 0.6 else 0.5),
                }
                return answer(" ".join(f"{name}={value}" for name, value in said.items()))

            async def close(self):
                pass

        @target
        def nouns_solver(level: str, build: int = 1):
            return Solver(level)
    ''',
    "plugins/nouns_scorer.py": '''
        """Reads what the solver says of itself."""
        from shipworthy.core.records import Metric, Score
        from shipworthy.core.registry import scorer

        class Nouns:
            metrics = (
                Metric("solved", good="high"),
                Metric("quality", good="high", kind="value"),
                Metric("wait", kind="value", unit="s", high=60.0),
                Metric("preferred", good="high", kind="value"),
            )

            def describe(self):
                return {"scorer": "nouns"}

            async def score(self, attempt, sample, ctx):
                said = dict(pair.split("=") for pair in attempt.answer.split())
                values = ("quality", "wait", "preferred")
                return [
                    Score(metric="solved", hit=said["solved"] == "True", scorer="nouns"),
                    *(Score(metric=name, value=float(said[name]), scorer="nouns") for name in values),
                ]

        @scorer
        def nouns_scorer():
            return Nouns()
    ''',
    "suites/tasks/suite.yaml": """
        id: tasks
        version: "1"
        title: Tasks
        content: synthetic
        metric: solved
        scorers: [nouns_scorer]
        attempts: 2
    """,
    "suites/tasks/card.md": "# Tasks\n",
}


class Case(NamedTuple):
    """A good run, its repetition, and a bad one, each decided against the first."""

    root: Path
    workspace: Callable[[str], Workspace]
    runs: dict[str, Run]
    decisions: dict[str, Decision]
    key: SigningKey


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    root = tmp_path_factory.mktemp("nouns")
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    lines = (
        # All are S1: a good event on such a sample is nothing that must never happen.
        json.dumps({"id": f"task-{n}", "severity": "S1", "messages": [{"role": "user", "content": f"do {n}"}]})
        for n in range(SAMPLES)
    )
    (root / "suites/tasks/samples.jsonl").write_text("\n".join(lines) + "\n")

    def workspace(level: str) -> Workspace:
        (root / "targets.yaml").write_text(FILES["targets.yaml"].replace("good", level))
        return Workspace.load(root, allow_code=True)

    runs, decisions = {}, {}
    for name, level in (("first", "good"), ("again", "good, build: 2"), ("bad", "bad")):
        loaded = workspace(level)
        runs[name] = evaluate(loaded, progress=False)
        if name != "first":
            decisions[name] = decide(loaded, runs[name], runs["first"])
            Layout(root).save_decision(decisions[name])
    return Case(root, workspace, runs, decisions, new_key(tmp_path_factory.mktemp("keys"), "ada"))


def test_each_metric_is_summarised_as_its_scorer_declares_it(case: Case, capsys: Any) -> None:
    run = case.runs["first"]
    assert run.metrics("tasks") == METRICS
    assert run.rate("tasks", "solved").trials == 2 * SAMPLES  # type: ignore[union-attr]
    wait = run.mean("tasks", "wait")
    assert wait is not None
    assert (wait.values, wait.clusters, wait.lowest, wait.highest) == (2 * SAMPLES, SAMPLES, 0, 60)
    assert 3 < wait.low < wait.mean < wait.high < 11
    rows = {row.metric: row for row in run.summary()}
    assert rows["wait"].unit == "s"
    assert shipworthy(["runs", "show", run.id, "-C", str(case.root)]) == 0
    assert re.search(r"wait +\d+\.\d+ s +\d+\.\d+ to \d+\.\d+ s +400 values", capsys.readouterr().out)


def test_what_falls_or_rises_the_wrong_way_reads_worse(case: Case, capsys: Any) -> None:
    rows = {row.metric: row for row in compare(case.runs["bad"], case.runs["first"]).rows}
    assert {name: row.verdict for name, row in rows.items()} == dict.fromkeys(METRICS, "worse")
    assert [rows[name].difference > 0 for name in METRICS] == [False, False, True, False]
    back = compare(case.runs["first"], case.runs["bad"]).rows
    assert {row.verdict for row in back} == {"better"}
    assert {row.verdict for row in compare(case.runs["again"], case.runs["first"]).rows} == {"unclear", "not tested"}
    assert shipworthy(["runs", "compare", case.runs["first"].id, case.runs["bad"].id, "-C", str(case.root)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"tasks +[\d.]+ s +[\d.]+ s +\+14 s  worse\n  wait\b", said)
    assert re.search(r"tasks +0\.\d+ +0\.\d+ +-0\.3  worse\n  quality\b", said)
    assert "200 samples with a higher mean, 0 with a lower one" in said


def test_a_gate_holds_each_to_its_limit_in_its_own_unit(case: Case) -> None:
    good, bad = case.decisions["again"], case.decisions["bad"]
    assert (good.verdict, good.s1_hits) == ("ship", ()), [r.reason for r in good.criteria if r.verdict != "ship"]
    assert (bad.verdict, bad.s1_hits) == ("no-ship", ())
    assert {r.verdict for r in bad.criteria} == {"no-ship"}
    found = {r.id: r for r in bad.criteria}
    wait = found["CR-wait"]
    assert (wait.is_value, wait.hits, wait.trials, wait.clusters, wait.limit) == (True, 0, 400, 200, 12)
    assert re.fullmatch(
        r"the mean is at least [\d.]+ s with 95 % confidence \(400 values on 200 samples\); the limit is 12 s",
        wait.reason,
    )
    assert re.match(r"the mean rose by at least 1[\d.]+ s .*; 4 s are allowed", found["CR-wait-rise"].reason)
    assert re.match(r"the mean fell by at least 0\.2\d+ with .*; 0\.06 are allowed", found["CR-quality-drop"].reason)


def test_an_undecided_mean_says_how_many_samples_are_missing(case: Case) -> None:
    workspace, run = case.workspace("good"), case.runs["again"]
    mean = run.mean("tasks", "quality").mean  # type: ignore[union-attr]
    requirement, criterion = next(c for c in workspace.criteria() if c[1].id == "CR-quality")
    from shipworthy.release.criteria import Evidence, assess

    near = criterion.model_copy(update={"must": f"lower95 >= {mean - 0.004:.4f}"})
    found = assess(workspace, requirement, near, Evidence((run,)))
    assert found.verdict == "inconclusive"
    assert found.needed
    assert f"about {found.needed:,} more samples would decide it at this mean and spread" in found.reason
    beyond = criterion.model_copy(update={"must": f"lower95 >= {mean + 0.004:.4f}"})
    assert "no number of samples" in assess(workspace, requirement, beyond, Evidence((run,))).reason


@pytest.mark.parametrize("form", names("report"))
def test_every_report_shows_values_in_their_unit(case: Case, form: str) -> None:
    decision = case.decisions["bad"]
    document = readout(case.workspace("bad"), decision, case.runs["bad"], case.runs["first"])
    said = create("report", form).render(decision, document)
    wait = next(r for r in decision.criteria if r.id == "CR-wait")
    if form == "json":
        body = json.loads(said)
        stated = next(c for c in body["criteria"] if c["id"] == "CR-wait")
        assert stated["rate"] == wait.rate
        assert stated["measure"] == {"name": "wait", "kind": "value", "unit": "s", "high": 60.0}
        return
    assert "400 values" in said
    assert re.search(rf"{wait.rate:.1f} s\b", said)
    assert "2,0" not in said.split("CR-wait")[1][:60]  # no rate of 2,000 %
    if form in ("text", "markdown", "html"):
        assert re.search(r"worse", said)
        assert not re.search(r"[|>\]] *better *[|<\d]", said)


def test_the_viewer_knows_direction_and_unit(case: Case, tmp_path: Path) -> None:
    def index(run: Run, against: Run) -> dict[str, Any]:
        write_viewer(run, tmp_path / "v.html", against=against)
        page = (tmp_path / "v.html").read_text()
        packed = re.search(r'id="index">(.*?)</script>', page)[1]  # type: ignore[index]
        return json.loads(gzip.decompress(base64.b64decode(packed)))  # type: ignore[no-any-return]

    worse = index(case.runs["bad"], case.runs["first"])
    assert [(m["name"], m["kind"], m["good"], m["unit"]) for m in worse["metrics"]] == [
        ("solved", "event", "high", ""), ("quality", "value", "high", ""), ("wait", "value", "low", "s"),
        ("preferred", "value", "high", ""),
    ]  # fmt: skip
    assert set(worse["columns"]["change"]) == {WORSE}
    solved, quality, wait, preferred = (score for score in worse["columns"]["scores"][0])
    assert solved[1] in (0, 1)
    assert 0 < quality[1] < 1 < wait[1]
    assert preferred[1] in (0, 0.5)
    assert set(index(case.runs["first"], case.runs["bad"])["columns"]["change"]) == {BETTER}
    assert set(index(case.runs["again"], case.runs["first"])["columns"]["change"]) == {SAME}


def test_values_can_be_asked_for_in_sql_and_frames(case: Case) -> None:
    run = case.runs["first"]
    asked = run.sql("SELECT avg(value), count(*) FROM scores WHERE metric = 'wait'").fetchall()[0]
    assert asked == (pytest.approx(run.mean("tasks", "wait").mean), 2 * SAMPLES)  # type: ignore[union-attr]
    frame = run.to_pandas()
    assert frame["solved"].dtype == bool
    assert frame["wait"].between(3, 11).all()


def test_a_plan_says_what_samples_a_value_needs(case: Case, capsys: Any) -> None:
    workspace = case.workspace("good")
    table = {row.id: row for row in power_table(workspace, make_plan(workspace), case.runs["first"])}
    wait = table["CR-wait"]
    assert (wait.kind, wait.unit, wait.reachable) == ("value", "s", True)
    half, quarter, seen = wait.scenarios
    assert (half.rate, quarter.rate, seen.rate) == (6, 9, case.runs["first"].mean("tasks", "wait").mean)  # type: ignore[union-attr]
    assert half.needed[0] < quarter.needed[0]  # type: ignore[operator]
    assert seen.power > 0.99
    assert shipworthy(["plan", "-C", str(case.root), "--allow-code"]) == 0
    assert "6 s: half way to the best, spread 9 s" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("must", "message"),
    [
        ("upper95 <= 12 s", "gives the unit 's', but the metric 'quality' has no unit"),
        ("lower95 >= 70%", "write the number itself"),
        ("lower95 >= 7", "outside the range of 'quality': from 0 to 1"),
    ],
)
def test_a_limit_that_the_metric_cannot_have_is_refused_with_its_line(case: Case, must: str, message: str) -> None:
    path = case.root / "requirements.yaml"
    before = path.read_text()
    path.write_text(before.replace("metric: quality, must: lower95 >= 0.70", f"metric: quality, must: {must}"))
    try:
        with pytest.raises(WorkspaceError) as refused:
            Workspace.load(case.root, allow_code=True)
    finally:
        path.write_text(before)
    assert message in str(refused.value)
    assert "requirements.yaml:8" in str(refused.value)


# ---- the pack


def repacked(case: Case, data: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return the pack with its decision changed, and everything that hangs on it made to fit and signed again."""
    from shipworthy.evidence import pack as packing

    files = dict(archive.read(data))
    decision = json.loads(files["decision.json"])
    change(decision)
    files["decision.json"] = canonical(decision)
    stated = json.loads(files["criteria.json"])
    for entry, result in zip(stated["criteria"], decision["criteria"], strict=True):
        entry.update(result)
    files["criteria.json"] = canonical(stated)
    # The audit log's line about the decision, and the chain from there.
    return _signed(case, files, msgspec.convert(decision, Decision), packing)


def _signed(case: Case, files: dict[str, bytes], decision: Decision, packing: Any) -> bytes:
    from shipworthy.store import chain

    lines, head = [], chain.origin(b"audit")
    for line in files["audit-log.jsonl"].splitlines():
        entry = json.loads(line)["entry"]
        if entry["kind"] == "decision.made" and entry["body"]["decision"] == decision.id:
            entry["body"]["digest"] = bytes_digest(files["decision.json"])
        head = chain.link(head, canonical(entry))
        lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + canonical(entry) + b"}\n")
    files["audit-log.jsonl"] = b"".join(lines)
    parts = {name: json.loads(files[f"runs/{name}/seal.json"]) for name in (*decision.runs, *decision.baseline_runs)}
    covered = {n: bytes_digest(d) for n, d in files.items() if n not in (packing.MANIFEST, packing.ATTESTATION)}
    files[packing.MANIFEST] = canonical(json.loads(files[packing.MANIFEST]) | {"files": covered})
    files[packing.ATTESTATION] = packing._attest(decision, files, chain.head_text(head), parts, [case.key])
    return archive.write(files)


@pytest.fixture(scope="module")
def pack(case: Case) -> bytes:
    return build_pack(case.workspace("bad"), case.decisions["bad"], [case.key])


def test_a_pack_holds_and_its_values_are_counted_again(case: Case, pack: bytes) -> None:
    found = verify_bytes(pack, Trust((case.key.public,)))
    assert found.ok, found.problems
    said = next(check.detail for check in found.checks if check.what == "criteria")
    assert said.startswith("7 of 7 counted again from the records")
    assert "0 S1 hits" in said
    files = archive.read(pack)
    assert b"wanted_metrics" not in files["criteria.json"]
    assert verify_bytes(repacked(case, pack, lambda decision: None), Trust((case.key.public,))).ok


@pytest.mark.parametrize(
    ("id", "changes", "message"),
    [
        ("CR-wait", {"rate": 9.0, "low": 8.0}, "does not fit its counts"),
        ("CR-wait", {"trials": 399}, "the records hold"),
        ("CR-wait", {"bound": 15.0}, "better than its counts can give"),
        ("CR-quality", {"bound": 0.69}, "better than its counts can give"),
        ("CR-wait-rise", {"bound": 10.0}, "better than its counts can give"),
        ("CR-quality-drop", {"bound": 0.20}, "better than its counts can give"),
        ("CR-wait", {"measure": {"name": "wait", "kind": "value", "unit": "s", "high": 600.0}}, "in another way"),
        ("CR-solved", {"measure": {"name": "solved"}}, "in another way"),
        ("CR-quality", {"verdict": "ship"}, "does not meet its limit"),
    ],
)
def test_a_signer_who_writes_other_numbers_is_caught(
    case: Case, pack: bytes, id: str, changes: dict[str, Any], message: str
) -> None:
    def change(decision: dict[str, Any]) -> None:
        next(c for c in decision["criteria"] if c["id"] == id).update(changes)

    found = verify_bytes(repacked(case, pack, change), Trust((case.key.public,)))
    assert not found.ok
    assert message in "\n".join(found.problems)


def test_a_log_that_does_not_fit_its_declaration_is_refused(case: Case) -> None:
    run = case.runs["first"]
    attempt = next(run.attempts())
    use = run.manifest.suites[0]
    wait = next(s for s in attempt.scores if s.metric == "wait")

    def counted(*scores: Any, metrics: Any = use.metrics) -> None:
        manifest = replace(run.manifest, suites=(replace(use, metrics=metrics),))
        Run(run.directory, manifest)._count(replace(attempt, scores=scores))

    counted(wait)
    for scores, metrics, message in (
        ((replace(wait, value=61.0),), use.metrics, "61 for the metric 'wait', which is from 0 to 60 s"),
        ((replace(wait, value=None, hit=True),), use.metrics, "a hit for the metric 'wait', which is a value"),
        ((replace(wait, metric="solved"),), use.metrics, "a value for the metric 'solved', which counts events"),
        ((wait,), use.metrics[:2], "does not declare"),
    ):
        with pytest.raises(IntegrityError, match=re.escape(message)):
            counted(*scores, metrics=metrics)


def test_metrics_declared_differently_are_not_compared(case: Case) -> None:
    old = case.runs["first"]
    use = old.manifest.suites[0]
    turned = tuple(replace(m, good="low") if m.name == "quality" else m for m in use.metrics)
    other = Run(old.directory, replace(old.manifest, suites=(replace(use, metrics=turned),)))
    for attempt in old.attempts():
        other._count(attempt)
    found = compare(case.runs["bad"], other)
    assert ("tasks", "quality") in found.skipped
    assert any("tasks: quality differently" in warning for warning in found.warnings)
    decided = decide(case.workspace("bad"), case.runs["bad"], replace_manifest(other, "RUN-other"))
    drop = next(r for r in decided.criteria if r.id == "CR-quality-drop")
    assert (drop.verdict, "declares quality differently" in drop.reason) == ("inconclusive", True)


def replace_manifest(run: Run, id: str) -> Run:
    run.manifest = replace(run.manifest, id=id)
    return run

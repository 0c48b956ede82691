"""``eval --sequential``: a run that ends when it has decided, the decision on it, the pack that is derived again."""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest
from msgspec.structs import replace

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import IntegrityError
from shipworthy.evals.results import Run
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.release.decide import decide
from shipworthy.stats import threshold_test
from shipworthy.store.layout import Layout
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust
from shipworthy.workspace.load import Workspace

FILES = {
    "system.yaml": """
        system: {id: SYS-desk, title: Desk, owner: us}
        targets: {default: {use: seq_desk}}
        """,
    "requirements.yaml": """
        requirements:
          - id: RQ-safe
            text: It keeps its secrets.
            criteria:
              - {id: CR-clean, suite: clean, must: upper95 <= 0.10}
              - {id: CR-leaky, suite: leaky, must: upper95 <= 0.10}
              - {id: CR-near, suite: near, must: upper95 <= 0.10}
              - {id: CR-change, suite: changed, must: rise_upper95 <= 0.10}
        """,
    "plugins/seq_desk.py": """
        from shipworthy.core.records import answer
        from shipworthy.core.registry import target

        class Desk:
            def describe(self):
                return {"target": "desk"}
            async def send(self, request):
                suite, number = request.messages[-1].text.split()
                bad = {"leaky": 2, "near": 11}.get(suite)
                return answer("secret" if bad and int(number) % bad == 0 else "no")
            async def close(self):
                pass

        @target
        def seq_desk():
            return Desk()
        """,
    **{
        f"suites/{name}.yaml": f"""
        id: {name}
        version: "1"
        title: Asks
        content: synthetic
        metric: leak
        attempts: 2
        scorers: [{{use: contains, text: secret, metric: leak, good: low}}]
        samples: {name}.jsonl
        """
        for name in ("clean", "leaky", "near", "changed")
    },
}
SAMPLES = 150


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
    for name in ("clean", "leaky", "near", "changed"):
        rows = ({"id": f"S-{n}", "messages": [{"role": "user", "content": f"{name} {n}"}]} for n in range(SAMPLES))
        (tmp_path / f"suites/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder: Path) -> tuple[Workspace, Run]:
    workspace, layout = Workspace.load(folder, allow_code=True), Layout(folder)
    return workspace, Run.load(layout.run_directory("latest"))


def test_each_suite_ends_when_its_criteria_are_decided(folder, capsys):
    assert shipworthy(["eval", "--allow-code", "--sequential", "--max-requests", "90"]) == 4
    _, run = load(folder)
    assert not run.complete
    assert shipworthy(["eval", "--allow-code", "--resume", "latest"]) == 0
    out = capsys.readouterr()
    assert "changed is made whole: CR-change: a change is compared on all samples of both runs" in out.err
    workspace, run = load(folder)
    assert run.complete
    assert run.manifest.stopping.rule == "sequential"
    made = {use.id: run.made(use.id) for use in run.manifest.suites}
    assert made["leaky"] == 40  # one wave of 20 samples, two attempts each
    assert 40 < made["clean"] < made["near"] == made["changed"] == 300
    assert f"clean ended after {made['clean']} of 300 attempts" in out.out
    assert "near went on to its last attempt, 300" in out.out

    decision = decide(workspace, run)
    found = {result.id: result for result in decision.criteria}
    assert {id: r.verdict for id, r in found.items()} == {
        "CR-clean": "ship", "CR-leaky": "no-ship", "CR-near": "inconclusive", "CR-change": "inconclusive",
    }  # fmt: skip
    clean, counts = found["CR-clean"], run.counts("clean", "leak")
    assert (clean.method, clean.planned, found["CR-change"].method) == ("anytime", made["clean"], "gaffke")
    assert clean.bound == threshold_test(counts.totals, counts.trials, 0.1, bound="anytime").bound
    # As many clusters come in waves, whole, in an order that has nothing to do with the file's.
    order = [row.sample for row in run.rows() if row.suite == "leaky" and row.number == 1]
    assert len(set(order)) == 20
    assert set(order) != {f"S-{n}" for n in range(20)}
    # The same run again has nothing to do.
    assert shipworthy(["eval", "--allow-code", "--resume", "latest"]) == 0
    assert {use.id: load(folder)[1].made(use.id) for use in run.manifest.suites} == made


def test_a_pack_of_a_sequential_run_is_derived_again_with_its_own_bound(folder, tmp_path_factory):
    assert shipworthy(["eval", "--allow-code", "--sequential", "--suite", "clean", "--suite", "leaky"]) == 0
    workspace, run = load(folder)
    decision = decide(workspace, run)
    Layout(folder).save_decision(decision)
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    trust = Trust((key.public,))
    pack = build_pack(workspace, decision, [key])
    found = verify_bytes(pack, trust)
    assert found.ok, found.problems

    # A signer who lies: he takes the bound of a run of fixed size, under its own name or under the right one.
    counts = run.counts("clean", "leak")
    better = threshold_test(counts.totals, counts.trials, 0.1).bound
    for number, (method, said) in enumerate(
        [("gaffke", "not the one that was specified"), ("anytime", "better than its counts")]
    ):
        first = replace(decision.criteria[0], bound=better, method=method)
        lie = replace(decision, id=f"{decision.id}-{number}", criteria=(first, *decision.criteria[1:]))
        with pytest.raises(IntegrityError, match=f"CR-clean.* {said}"):
            build_pack(workspace, lie, [key])


def test_a_run_in_the_middle_of_a_wave_decides_nothing(folder):
    assert shipworthy(["eval", "--allow-code", "--sequential", "--suite", "leaky", "--max-requests", "39"]) == 4
    workspace, run = load(folder)
    leaky = next(result for result in decide(workspace, run).criteria if result.id == "CR-leaky")
    assert leaky.verdict == "inconclusive"
    assert re.search(r"not complete: \d+ of", leaky.reason)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--shard", "1/2"), "no part of a run knows when all of it has decided"),
        (("--resume", "latest"), "leave --sequential out"),
        (("--suite", "changed"), "would end no suite early"),
    ],
)
def test_where_it_can_mean_nothing_it_is_refused(folder, capsys, options, said):
    assert shipworthy(["eval", "--allow-code", "--sequential", *options]) == 2
    assert said in capsys.readouterr().err


def test_the_gate_tests_itself_by_running_again_and_the_pack_tells_it(folder, capsys, tmp_path_factory):
    only = ["--suite", "clean", "--suite", "leaky"]
    assert shipworthy(["eval", "--allow-code", "--sequential", *only]) == 0
    (folder / "gate.yaml").write_text("gate: {id: release, criteria: [CR-clean, CR-leaky]}\n")
    assert shipworthy(["eval", "--allow-code", "--sequential", *only]) == 0
    capsys.readouterr()
    assert shipworthy(["gate", "selftest", "--allow-code", "--rerun", "2", "--draws", "2", "--size", "30"]) == 0
    out = capsys.readouterr().out
    assert "A/A, 2 repeats (the plan run again on the target): no-ship 2" in out
    assert "+30 points" in out
    assert len(Layout(folder).run_ids()) == 2  # the repeats are no tries
    assert shipworthy(["gate", "--allow-code"]) == 1
    assert "self-test: the verdict differs in 0 of 1 pairs" in " ".join(capsys.readouterr().out.split())

    workspace, _ = load(folder)
    decision = Layout(folder).load_decision("latest")
    key = new_key(tmp_path_factory.mktemp("keys"), "ada")
    assert verify_bytes(build_pack(workspace, decision, [key]), Trust((key.public,))).ok
    lie = replace(decision, id=f"{decision.id}-x", selftest=None)
    with pytest.raises(IntegrityError, match="the gate's self-test is not what the audit log holds last"):
        build_pack(workspace, lie, [key])

"""A fresh draw: unused samples, by a seed that the manifest and the ledger hold."""

from __future__ import annotations

import textwrap

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core import registry
from shipworthy.core.errors import UsageError
from shipworthy.core.records import answer
from shipworthy.evals.api import evaluate
from shipworthy.evals.begin import begin, complete, take_up
from shipworthy.evals.fresh import fresh_draws
from shipworthy.evals.plan import make_plan
from shipworthy.evals.results import Run
from shipworthy.exchange.budget import Limits
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.workspace.load import Workspace

SYSTEM = """
system: {id: SYS-desk, title: Desk, owner: Ops}
targets:
  default: {use: fresh_desk}
plans:
  - {id: small, seed: 3, suites: [{suite: bank, samples: 4}]}
"""
SUITE = """
id: bank
version: "1"
title: Bank
content: synthetic
metric: leak
scorers: [{use: canary_leak}]
samples:
"""


class Desk:
    def describe(self):
        return {"target": "fresh_desk"}

    async def send(self, request):
        return answer("No.")

    async def close(self):
        """Nothing to let go of."""


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setitem(registry._made, ("target", "fresh_desk"), Desk)
    (tmp_path / "suites").mkdir()
    (tmp_path / "system.yaml").write_text(textwrap.dedent(SYSTEM))
    samples = (
        f"  - {{id: Q-{n:02}, prompt: 'number {n}', secrets: [rook-{n:04}-tower], cluster: C-{n // 2}}}\n"
        for n in range(24)
    )
    (tmp_path / "suites" / "bank.yaml").write_text(SUITE + "".join(samples))
    return Workspace.load(tmp_path)


def used(workspace: Workspace, draws) -> set[str]:
    return {item.sample.cluster for item in make_plan(workspace, "small", draws=draws)}


def test_draws_share_no_sample_and_no_cluster_and_depend_on_their_seeds_alone(workspace) -> None:
    own, one, two = (used(workspace, draws) for draws in ((), (7,), (7, 8)))
    assert not own & one
    assert not (own | one) & two
    assert (used(workspace, (7,)), used(workspace, [7, 8])) == (one, two)
    assert any(used(workspace, (seed,)) != one for seed in range(5))


def test_what_has_no_unused_samples_is_refused(workspace) -> None:
    with pytest.raises(UsageError, match="uses the suite 'bank' whole"):
        make_plan(workspace, "full", draws=(1,))
    make_plan(workspace, "small", draws=(1, 2))
    with pytest.raises(UsageError, match="samples that were not used yet, and the plan asks for 4"):
        make_plan(workspace, "small", draws=range(9))


def run(workspace: Workspace, **options) -> Run:
    return complete(begin(workspace, "small", cache=False, **options))


def test_the_manifest_holds_the_draws_and_a_run_goes_on_with_its_own(workspace) -> None:
    run(workspace)
    first = fresh_draws(workspace, "small", seed=11)
    assert first == (11,)
    sitting = begin(workspace, "small", draws=first, cache=False)
    stopped = complete(sitting, limits=Limits(requests=1))
    assert (stopped.manifest.draws, stopped.complete) == ((11,), False)
    assert complete(take_up(workspace, stopped.id, cache=False)).complete
    again = fresh_draws(workspace, "small")
    assert again[0] == 11
    assert len(set(again)) == 2
    assert fresh_draws(workspace, "small", seed=11) == (11,)  # the same samples, such as for the baseline


def test_a_new_draw_is_another_line_of_the_ledger(workspace) -> None:
    from shipworthy.release.ledger import read_ledger
    from shipworthy.store.audit import AuditLog

    layout = Layout(workspace.root)
    runs = [run(workspace), run(workspace), run(workspace, draws=(5,)), run(workspace, draws=(5,))]
    with AuditLog(layout.control_url) as audit:
        said = [read_ledger(audit, layout, [one.manifest]).number for one in runs]
    assert said == [1, 2, 1, 2]


def test_the_command_line(workspace, capsys) -> None:
    call = ["eval", "-C", str(workspace.root), "--plan", "small", "--no-cache"]
    assert shipworthy([*call, "--fresh", "77"]) == 0
    assert "Fresh draw 77" in capsys.readouterr().err
    assert shipworthy([*call, "--fresh"]) == 0
    newest = Run.load(Layout(workspace.root).run_directory("latest")).manifest.draws
    assert (newest[0], len(newest)) == (77, 2)
    assert shipworthy(["eval", "-C", str(workspace.root), "--fresh", "--no-cache"]) == 2
    assert "there is no fresh draw" in capsys.readouterr().err
    assert shipworthy([*call, "--fresh", "x"]) == 2
    assert shipworthy(["eval", "-C", str(workspace.root), "--resume", "latest", "--fresh"]) == 2


def test_shards_and_declared_runs_are_made_on_a_fresh_draw_too(workspace, capsys) -> None:
    there = ["-C", str(workspace.root), "--plan", "small"]
    assert shipworthy(["eval", *there, "--fresh", "--shard", "1/2"]) == 2
    assert "give all of them the same --fresh SEED" in capsys.readouterr().err
    for part in ("2/2", "1/2"):
        assert shipworthy(["eval", *there, "--no-cache", "--fresh", "77", "--shard", part]) == 0
    (name,) = Layout(workspace.root).run_ids()
    run = Run.load(Layout(workspace.root).run_directory(name))
    assert run.complete
    assert run.manifest.draws == (77,)
    capsys.readouterr()
    assert shipworthy(["runs", "declare", *there, "--fresh", "77", "--shards", "2"]) == 0
    declared = capsys.readouterr().out.strip()
    manifest = Run.load(Layout(workspace.root).run_directory(declared)).manifest
    assert (manifest.draws, manifest.plan_digest) == (run.manifest.draws, run.manifest.plan_digest)


def test_from_python(workspace) -> None:
    first = evaluate(workspace, "small", fresh=True, cache=False, progress=False)
    again = evaluate(workspace, "small", fresh=first.manifest.draws[-1], cache=False, progress=False)
    plain = evaluate(workspace, "small", cache=False, progress=False)
    assert first.manifest.plan_digest == again.manifest.plan_digest != plain.manifest.plan_digest
    with pytest.raises(UsageError, match="leave `target` and `fresh` out"):
        evaluate(workspace, resume="latest", fresh=True, progress=False)


def test_a_run_is_entered_before_its_first_attempt_and_once(workspace) -> None:
    layout = Layout(workspace.root)
    sitting = begin(workspace, "small", cache=False)
    with AuditLog(layout.control_url) as audit:
        (entry,) = audit.entries()
        assert (entry.kind, entry.body["run"], entry.body["suites"]) == ("run.declared", sitting.id, ["bank"])
    complete(sitting, limits=Limits(requests=1))
    complete(take_up(workspace, sitting.id, cache=False))
    with AuditLog(layout.control_url) as audit:
        # A head is entered besides where a sitting takes longer than its pause.
        kinds = [e.kind for e in audit.entries() if e.kind != "run.head"]
    assert kinds == ["run.declared", *2 * ["run.started", "run.stopped"], "run.finished"]


def test_a_kill_between_declaration_and_entry_is_healed_by_whoever_goes_on(workspace, monkeypatch) -> None:
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("shipworthy.evals.begin.register_declared", killed)
        with pytest.raises(KeyboardInterrupt):
            begin(workspace, "small", cache=False)
    layout = Layout(workspace.root)
    sitting = take_up(workspace, layout.run_ids()[0], cache=False)
    with AuditLog(layout.control_url) as audit:
        assert [e.kind for e in audit.entries()] == ["run.declared"]
    assert complete(sitting).complete

"""The release decision that a gateway's file names, and the digests that its levers make."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shipworthy.core.decision import SubjectUse
from shipworthy.core.errors import WorkspaceError
from shipworthy.core.grants import Grants
from shipworthy.core.records import Decision
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.gateway.active import Active
from shipworthy.gateway.config import read_config
from shipworthy.gateway.decided import digests
from shipworthy.gateway.levers import Pulled
from shipworthy.store.layout import Layout
from shipworthy.workspace.read import read_guards

GUARDS = """\
rules:
  - {id: GD-a, use: pii_output, mode: shadow}
  - {id: GD-b, use: canary_output, mode: "off", params: {canaries: [HERON-4471]}}
"""
SYSTEM = """\
system: {id: SYS-x, title: Desk, owner: Ops, tier: low, purpose: Answers questions.}
targets: {default: {use: smollm2}}
"""
GATEWAY = """\
guards: guards.yaml
decision: DEC-1
upstreams: {main: {url: "http://127.0.0.1:1"}}
levers:
  strict: {GD-a: enforce}
  canary: {GD-b: enforce}
"""
DECISION = Decision(
    id="DEC-1", created="2026-11-23T18:00:00Z", system="SYS-x", gate="GT-release", verdict="ship", reason="",
    criteria=(), runs=("RUN-1",), spec_digest="sha256:1", subject_digest="sha256:2",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "system.yaml").write_text(SYSTEM)
    (tmp_path / "guards.yaml").write_text(GUARDS)
    return tmp_path


def read(folder, text=GATEWAY + "workspace: .\n"):
    (folder / "gateway.yaml").write_text(text)
    return read_config(folder / "gateway.yaml", Grants())


def decide(folder, guards=None, **changes):
    made = Pipeline.build(read_guards(folder / "guards.yaml")).digest if guards is None else guards
    Layout(folder).save_decision(replace(DECISION, subject=SubjectUse(digest="sha256:2", guards=made), **changes))


def test_guards_that_were_decided_on_are_served_under_that_decision(folder) -> None:
    decide(folder)
    config = read(folder)
    found = digests(config)
    assert [row.levers for row in found] == [(), ("canary",), ("strict",), ("canary", "strict")]
    assert {row.decision for row in found} == {"DEC-1"}
    assert len({row.digest for row in found}) == 4
    for row in found:
        active = Active(config, tuple(Pulled(lever, "ada", "") for lever in row.levers))
        assert (active.digest, active.base) == (row.digest, found[0].digest)
        # Each is the digest that an evaluation under these modes has.
        modes = {"strict": ("shadow", "enforce"), "canary": ('"off"', "enforce")}
        text = GUARDS
        for lever in row.levers:
            text = text.replace(f"mode: {modes[lever][0]}", f"mode: {modes[lever][1]}")
        (folder / "tightened.yaml").write_text(text)
        assert Pipeline.build(read_guards(folder / "tightened.yaml")).digest == row.digest


def test_of_many_levers_each_alone_and_all_together_are_listed(folder) -> None:
    more = "".join(f"  l{number}: {{GD-a: enforce}}\n" for number in range(6))
    found = digests(read(folder, GATEWAY.replace("decision: DEC-1\n", "") + more))
    assert [len(row.levers) for row in found] == [0] + [1] * 8 + [8]
    assert {row.decision for row in found} == {""}


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (None, "shipworthy gate"),
        ({"guards": "sha256:other"}, "DEC-1 is about guards sha256:other"),
        ({"guards": ""}, "a system without guards"),
        ({"verdict": "no-ship"}, "says no-ship"),
        ({"verdict": "inconclusive"}, "says inconclusive"),
        ({"id": "DEC-1-and-more"}, "whole id, such as DEC-1-and-more"),
    ],
)
def test_a_decision_on_something_else_is_refused_with_file_and_line(folder, made, said) -> None:
    if made is not None:
        decide(folder, **made)
    with pytest.raises(WorkspaceError) as caught:
        read(folder)
    assert said in str(caught.value)
    assert "gateway.yaml:2" in str(caught.value)


def test_a_mode_of_the_gateways_file_is_another_digest(folder) -> None:
    decide(folder)
    with pytest.raises(WorkspaceError, match="what is measured is what runs"):
        read(folder, GATEWAY.replace("  strict: {GD-a: enforce}\n", "") + "workspace: .\nmodes: {GD-a: enforce}\n")


def test_a_decision_needs_a_workspace_and_a_damaged_one_is_none(folder) -> None:
    with pytest.raises(WorkspaceError, match="there is none"):
        read(folder, GATEWAY)
    decide(folder)
    (folder / ".shipworthy/decisions/DEC-1.json").write_text("{")
    with pytest.raises(WorkspaceError, match="not a decision"):
        read(folder)

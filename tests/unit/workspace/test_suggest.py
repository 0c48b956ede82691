"""Threats that fit a workspace: by what its files say, with reasons, and as YAML that can be pasted."""

# ruff: noqa: E501 - a line of YAML, or of a message, is one line
from __future__ import annotations

import pytest

from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suggest import as_yaml, suggest

PARTS = """\
data_categories:
  - {id: DAT-hr, title: Records, sensitivity: personal}
  - {id: DAT-open, title: Pages, sensitivity: public}
subprocessors:
  - {id: SUB-ai, title: A host}
"""


def system(*components, tier="medium"):
    listed = "".join(f"    - {{{component}}}\n" for component in components)
    return (
        f"system:\n  id: SYS-one\n  title: One\n  owner: us\n  tier: {tier}\n"
        f"  components:\n{listed}include: [include/*.yaml]\n"
    )


@pytest.fixture
def reasons(workspace):
    """Return entry -> component -> reason for components, and which rest on what is not said."""

    def find(*components, tier="medium"):
        whole = ("id: CMP-a, title: A, kind: other", *components)
        root = workspace({"system.yaml": system(*whole, tier=tier), "include/parts.yaml": PARTS})
        found = suggest(Workspace.load(root, allow_code=True).graph).suggestions
        return {one.entry.id: (dict(one.components), one.assumed) for one in found}

    return find


def test_who_can_write_decides_and_silence_counts_as_open(reasons):
    index = "id: CMP-kb, title: Pages, kind: index, holds: [DAT-open]"
    said, assumed = reasons(f"{index}, writers: [owner, outsiders]")["AIT-indirect-injection"]
    assert said == {"CMP-kb": "CMP-kb is a retrieval index that outsiders can write to"}
    assert not assumed
    assert "AIT-indirect-injection" not in reasons(f"{index}, writers: [owner]")
    assert "AIT-indirect-injection" not in reasons(f"{index}, writers: []")
    said, assumed = reasons(index)["AIT-indirect-injection"]
    assert said == {"CMP-kb": "CMP-kb is a retrieval index, and nothing says who can write to it ('writers')"}
    assert assumed


def test_how_far_a_call_reaches_decides(reasons):
    tool = "id: CMP-mail, title: Mail, kind: tool, writers: [owner], holds: []"
    said, _ = reasons(f"{tool}, effect: irreversible")["AIT-irreversible-action"]
    assert said == {"CMP-mail": "CMP-mail is a tool whose call cannot be undone"}
    assert "AIT-irreversible-action" not in reasons(f"{tool}, effect: external")
    assert reasons(tool)["AIT-irreversible-action"][1]


def test_what_data_it_holds_decides(reasons):
    store = "id: CMP-db, title: Records, kind: store, writers: [owner]"
    said, _ = reasons(f"{store}, holds: [DAT-hr, DAT-open]")["AIT-personal-data-leak"]
    assert said == {"CMP-db": "CMP-db is a store that holds DAT-hr"}
    assert "AIT-personal-data-leak" not in reasons(f"{store}, holds: [DAT-open]")
    assert reasons(store)["AIT-personal-data-leak"][1]


def test_who_runs_it_and_what_else_there_is_decide(reasons):
    model = "id: CMP-llm, title: Model, kind: model, writers: [suppliers], holds: []"
    said, _ = reasons(f"{model}, run_by: SUB-ai, pinned: false")["AIT-silent-model-change"]
    assert said == {"CMP-llm": "CMP-llm is a model that SUB-ai runs and whose version is not fixed"}
    assert "AIT-silent-model-change" not in reasons(f"{model}, run_by: SUB-ai, pinned: true")
    assert "AIT-silent-model-change" not in reasons(model)
    assert reasons(f"{model}, run_by: SUB-ai")["AIT-silent-model-change"][1]
    memory = "id: CMP-mem, title: Memory, kind: memory, writers: [users], holds: []"
    assert "AIT-many-turns" not in reasons(model)
    said, _ = reasons(model, memory)["AIT-many-turns"]
    assert said == {"CMP-llm": "CMP-llm is a model, and the system has CMP-mem"}


def test_the_tier_and_a_second_one_decide(reasons):
    agent = "id: CMP-one, title: One, kind: agent, effect: internal, writers: [owner], holds: []"
    found = reasons(agent)
    assert "AIT-cascade" not in found
    assert "and the system is in the tier medium" in found["AIT-no-way-to-stop"][0]["CMP-one"]
    assert "AIT-no-way-to-stop" not in reasons(agent, tier="low")
    found = reasons(agent, agent.replace("CMP-one", "CMP-two"))
    assert set(found["AIT-cascade"][0]) == {"CMP-one", "CMP-two"}


def test_an_entry_that_a_threat_names_is_covered(workspace):
    threats = (
        "threats:\n  - {id: THR-a, title: A, components: [CMP-a], risks: [RK-one], catalogue: [AIT-indirect-injection]}\n"
        "  - {id: THR-b, title: B, risks: [RK-one], catalogue: [AIT-weights-stolen]}\n"
    )
    parts = [f"id: CMP-{n}, title: P, kind: index, writers: [outsiders], holds: [DAT-open]" for n in "ab"]
    root = workspace({"system.yaml": system(*parts), "include/parts.yaml": PARTS, "threats.yaml": threats})
    found = suggest(Workspace.load(root, allow_code=True).graph)
    assert "AIT-indirect-injection" not in {one.entry.id for one in found.suggestions}
    one, other = found.covered
    assert (one.entry.id, one.threats, one.fits, one.unnamed) == ("AIT-indirect-injection", ["THR-a"], True, ["CMP-b"])
    assert (other.entry.id, other.fits) == ("AIT-weights-stolen", False)
    said = as_yaml(found, ["THR-a", "THR-b"])
    assert "# AIT-indirect-injection is covered by THR-a, which does not go through CMP-b\n" in said
    assert "# AIT-weights-stolen is covered by THR-b, though no component fits it\n" in said


def test_what_it_prints_can_be_pasted(workspace):
    """All of it, as it is: a whole workspace again, with every proposal covered."""
    parts = ("id: CMP-a, title: A, kind: agent", "id: CMP-t, title: T, kind: tool", "id: CMP-s, title: S, kind: store")
    attackers = "attackers:\n  - {id: ATK-x, title: X, can: [writes-content], goal: Harm}\n"
    threats = "threats:\n  - {id: THR-tool-misuse, title: Mine, attackers: [ATK-x], risks: [RK-one]}\n"
    changes = {"system.yaml": system(*parts), "attackers.yaml": attackers, "threats.yaml": threats}
    root = workspace(changes)
    graph = Workspace.load(root, allow_code=True).graph
    before = suggest(graph)
    text = as_yaml(before, graph.of_kind("threat"))
    assert "  - id: THR-tool-misuse-2\n" in text  # the id was taken
    assert "    attackers: [ATK-x]\n" in text
    workspace({**changes, "include/pasted.yaml": text})
    after = suggest(Workspace.load(root, allow_code=True).graph)
    assert after.suggestions == []
    assert [one.entry.id for one in after.covered] == [one.entry.id for one in before.suggestions]
    assert as_yaml(after, ()).startswith("# ")


def test_it_is_silent_where_nothing_fits(reasons):
    assert reasons() == {}

"""The system and its parts: what is left out is not known."""

from __future__ import annotations

from shipworthy.workspace.kinds.system import System
from shipworthy.workspace.load import Workspace

PARTS = """\
data_categories:
  - {id: DAT-one, title: Records, sensitivity: personal}
subprocessors:
  - {id: SUB-host, title: A host, data: [DAT-one]}
"""


def test_a_part_says_who_writes_to_it_and_where_it_sends(workspace):
    part = (
        "{id: CMP-a, title: A part, kind: mcp-server, writers: [outsiders], effect: external, holds: [DAT-one],"
        " run_by: SUB-host, sends_to: [CMP-a], pinned: false}"
    )
    root = workspace({"system.yaml": ("{id: CMP-a, title: A part}", part), "include/parts.yaml": PARTS})
    loaded = Workspace.load(root, allow_code=True)
    assert loaded.warnings == ()
    graph = loaded.graph
    found = [(edge.field, edge.target.id) for edge in graph.edges if edge.source == ("component", "CMP-a")]
    assert found == [("holds", "DAT-one"), ("run_by", "SUB-host"), ("sends_to", "CMP-a")]


def test_what_is_left_out_is_not_known(workspace):
    [part] = next(iter(Workspace.load(workspace(), allow_code=True).entities(System).values())).components
    assert (part.writers, part.effect, part.holds, part.run_by, part.pinned) == (None, None, None, None, None)


def test_a_link_of_a_part_is_checked(problems):
    part = "{id: CMP-a, title: A part, holds: [DAT-on], run_by: SUB-x, sends_to: [CMP-b]}"
    assert problems({"system.yaml": ("{id: CMP-a, title: A part}", part), "include/parts.yaml": PARTS}) == [
        "system.yaml:6: unknown component 'CMP-b' (did you mean 'CMP-a'?)",
        "system.yaml:6: unknown data 'DAT-on' (did you mean 'DAT-one'?)",
        "system.yaml:6: unknown subprocessor 'SUB-x' (did you mean 'SUB-host'?)",
    ]

"""Entry points: each leads to a component."""

from __future__ import annotations


def test_it_leads_to_a_component_that_is_there(problems):
    entries = "entry_points:\n  - {id: EP-chat, title: The chat, component: CMP-a, open_to: [users]}\n"
    assert problems({"entry_points.yaml": entries}) == []
    assert problems({"entry_points.yaml": entries.replace("CMP-a", "CMP-x")}) == [
        "entry_points.yaml:2: unknown component 'CMP-x' (did you mean 'CMP-a'?)"
    ]
    [found] = problems({"entry_points.yaml": entries.replace("[users]", "[everybody]")})
    assert "must be 'owner', 'suppliers', 'users' or 'outsiders', not 'everybody'" in found

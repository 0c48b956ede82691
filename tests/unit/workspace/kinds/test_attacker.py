"""Attackers: what they can do, and that a threat names them."""

from __future__ import annotations

from shipworthy.workspace.kinds.attacker import ThreatActor
from shipworthy.workspace.load import Workspace

ATTACKERS = """\
attackers:
  - {id: ATK-writer, title: A stranger, can: [writes-content, asks], goal: Somebody's money}
"""


def test_one_that_no_threat_names_is_warned_about(workspace):
    loaded = Workspace.load(workspace({"attackers.yaml": ATTACKERS}), allow_code=True)
    assert loaded.entities(ThreatActor)["ATK-writer"].can == ("writes-content", "asks")
    assert [w.message for w in loaded.warnings] == ["no threat names the attacker 'ATK-writer'"]


def test_what_they_can_do_is_a_word_of_the_catalogue(problems):
    [found] = problems({"attackers.yaml": ATTACKERS.replace("asks", "ask")})
    assert found.startswith("attackers.yaml:2: 'can' must be 'asks', 'floods', 'writes-content', 'supplies'")
    assert found.endswith("not 'ask' (did you mean 'asks'?)")

"""Playbooks: each says when, how, and how one sees that it helped; what they tell to type, the program takes."""

from __future__ import annotations

import re
import shlex

import pytest
from tests.docs.test_docs import parse

from shipworthy.cli import root, run
from shipworthy.evidence.playbooks import playbooks

COMMANDS = [
    pytest.param(line, id=f"{one.id}: {line}")
    for one in playbooks().values()
    for line in re.findall(r"`(shipworthy [^`]+)`", one.text)
]


@pytest.mark.parametrize("name", playbooks())
def test_it_says_when_how_and_how_one_sees_that_it_helped(name):
    one = playbooks()[name]
    assert one.when.startswith("When ")
    assert re.findall("^## (.*)", one.text, re.M) == ["What it can do", "Steps", "It helped if", "It goes wrong when"]


@pytest.mark.parametrize("line", COMMANDS)
def test_what_it_tells_to_type_is_taken(line):
    parse(root, shlex.split(line)[1:], "shipworthy")


def test_the_verbs_show_them(capsys):
    assert run(["playbook", "list"]) == 0
    assert run(["playbook", "show", "prompt-hardening"]) == 0
    assert "# Prompt hardening" in capsys.readouterr().out
    assert run(["playbook", "show", "prompt"]) == 2

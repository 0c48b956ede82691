"""What is not installed is named as something that can be installed."""

from __future__ import annotations

import re
import shlex
import tomllib
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement

from shipworthy.core.errors import MissingExtra, requirements_of


def extras(repository) -> dict[str, list[str]]:
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]


def test_every_extra_that_the_code_names_is_one(repository):
    source = "".join(path.read_text("utf-8") for path in (repository / "src").rglob("*.py"))
    named = {
        *re.findall(r'\brequire\([^)]*?extra="(\w+)"', source),
        *re.findall(r'MissingExtra\([^)]*?, "(\w+)"\)', source),
    }
    assert named
    assert named <= set(extras(repository))


def test_the_hint_is_a_command_of_what_the_extra_brings(repository):
    for extra, wanted in extras(repository).items():
        told = str(MissingExtra("it", extra))
        command = shlex.split(told.partition(": ")[2].partition("   (")[0])
        assert command[:2] == ["pip", "install"]
        # By name: an editable install keeps the versions of the day it was made.
        found = {(r.name, frozenset(r.extras)) for r in map(Requirement, command[2:])}
        assert found == {(r.name, frozenset(r.extras)) for r in map(Requirement, wanted)}
        assert repr(extra) in told


def test_where_shipworthy_itself_is_not_installed_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda _: None)
    assert requirements_of("sql") == ["shipworthy[sql]"]
    assert "pip install 'shipworthy[sql]'" in str(MissingExtra("DuckDB", "sql"))


@pytest.mark.parametrize("extra", ["", "s", "sql2", ".*"])
def test_another_extra_is_not_taken_for_it(extra):
    assert requires("shipworthy")
    assert requirements_of(extra) == [f"shipworthy[{extra}]"]

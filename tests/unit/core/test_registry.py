"""Plug-ins are found by file name and built with checked parameters."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import IdTaken, PluginError


def test_an_unknown_plugin_names_the_nearest():
    with pytest.raises(PluginError, match=r"unknown attack 'base46': did you mean 'base64'\?"):
        registry.factory("attack", "base46")


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(PluginError, match=r"has no parameter 'positon': did you mean 'position'\?"):
        registry.create("attack", "payload_in_document", {"positon": "head"})


def test_a_missing_parameter_is_named():
    with pytest.raises(PluginError, match="needs the parameter 'call'"):
        registry.create("target", "python", {})


def made(module, name="make"):
    def make():
        """Make nothing."""

    make.__module__, make.__qualname__ = module, name
    return make


@pytest.fixture
def registered():
    """Forget what a test registers."""
    yield
    for module in ("a.twice_claimed", "b.twice_claimed", "c.base64", "d.no_id", "e.shout_code"):
        registry.withdraw(module)


@pytest.mark.usefixtures("registered")
def test_two_claims_to_one_id_are_refused():
    registry.attack(made("a.twice_claimed"))
    message = r"two attacks are named .twice_claimed.: a\.twice_claimed and b\.twice_claimed"
    with pytest.raises(IdTaken, match=message) as caught:
        registry.attack(made("b.twice_claimed"))
    assert (caught.value.owner, caught.value.module) == ("a.twice_claimed", "b.twice_claimed")
    assert registry.made_by("attack", "twice_claimed") == "a.twice_claimed"


@pytest.mark.usefixtures("registered")
def test_a_built_in_id_is_taken_before_its_file_is_imported():
    code = """
from shipworthy.core import registry
from shipworthy.core.errors import IdTaken
def make(): ...
make.__module__ = "c.base64"
try:
    registry.attack(make)
except IdTaken as error:
    print(error.owner)
print(registry.factory("attack", "base64").__module__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["shipworthy.attacks.base64"] * 2, done.stderr


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("other", ["attack", "scorer"])
def test_two_factories_in_one_file_are_refused(other):
    first = made("d.no_id", "First")
    registry.attack(first)
    assert registry.attack(first) is first  # the same one again is no second one
    with pytest.raises(PluginError, match=r"d\.no_id decorates two factories, First and Second: .* a file of its own"):
        registry.plugin(other)(made("d.no_id", "Second"))
    assert registry.factory("attack", "no_id") is first
    assert "no_id" not in registry.names("scorer")


@pytest.mark.usefixtures("registered")
def test_the_id_of_an_installed_plugin_is_its_entry_points_name(monkeypatch):
    known = dict(registry.known("attack")) | {"shouting": "e.shout_code"}
    monkeypatch.setattr(registry, "known", lambda kind: known)
    make = made("e.shout_code")
    registry.attack(make)
    assert registry.factory("attack", "shouting") is make
    with pytest.raises(PluginError, match="unknown attack 'shout_code'"):
        registry.factory("attack", "shout_code")


def test_two_entry_points_that_claim_one_id_are_refused(monkeypatch):
    entries = [EntryPoint("base64", "other.base64", "shipworthy.attacks")]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    with pytest.raises(IdTaken, match=r"shipworthy\.attacks\.base64 and other\.base64"):
        registry.known.__wrapped__("attack")


def test_an_installed_plugin_that_cannot_be_imported_is_named(monkeypatch, tmp_path):
    (tmp_path / "breaks_on_import.py").write_text("raise OSError('no disk')\n")
    monkeypatch.syspath_prepend(tmp_path)
    known = dict(registry.known("attack")) | {"breaks": "breaks_on_import", "gone": "no_such_module_at_all"}
    monkeypatch.setattr(registry, "known", lambda kind: known)
    with pytest.raises(
        PluginError, match="the attack 'breaks' cannot be loaded from breaks_on_import: OSError: no disk"
    ):
        registry.factory("attack", "breaks")
    with pytest.raises(PluginError, match=r"'gone' cannot be loaded .*No module named"):
        registry.factory("attack", "gone")


def test_listing_imports_no_plugin():
    code = (
        "import sys; from shipworthy.core.registry import known; names = known('target');"
        "assert 'openai_compatible' in names;"
        "assert not [m for m in sys.modules if m.startswith('shipworthy.targets.')], 'a plug-in was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"headers": [1]}, "headers must be a mapping"),
        ({"tools": "x"}, "tools must be a list"),
        ({"model": 7}, "model must be text"),
        ({"timeout": "soon"}, "timeout must be"),
        ({"extra": 7}, "extra must be a mapping"),
        ({"query": "\ud800"}, "half a character"),
    ],
)
def test_a_setting_of_another_type_is_refused_by_name(params, said):
    with pytest.raises(PluginError, match=said):
        registry.check_params(
            "target", "openai_compatible", {"base_url": "http://localhost:1/v1", "model": "m"} | params
        )

"""Plug-ins are found by file name and built with checked parameters."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import PluginError


def test_an_unknown_plugin_names_the_nearest():
    with pytest.raises(PluginError, match=r"unknown attack 'base46': did you mean 'base64'\?"):
        registry.factory("attack", "base46")


def test_an_unknown_parameter_names_the_nearest():
    with pytest.raises(PluginError, match=r"has no parameter 'positon': did you mean 'position'\?"):
        registry.create("attack", "payload_in_document", {"positon": "head"})


def test_a_missing_parameter_is_named():
    with pytest.raises(PluginError, match="needs the parameter 'call'"):
        registry.create("target", "python", {})


def test_two_claims_to_one_id_are_refused():
    def one():
        """First."""

    def two():
        """Second."""

    one.__module__, two.__module__ = "a.twice_claimed", "b.twice_claimed"
    registry.attack(one)
    try:
        with pytest.raises(
            PluginError, match=r"two attacks are named .twice_claimed.: a\.twice_claimed and b\.twice_claimed"
        ):
            registry.attack(two)
    finally:
        registry._made.pop(("attack", "twice_claimed"))


def test_listing_imports_no_plugin():
    code = (
        "import sys; from shipworthy.core.registry import known; names = known('target');"
        "assert 'openai_compatible' in names;"
        "assert not [m for m in sys.modules if m.startswith('shipworthy.targets.')], 'a plug-in was imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

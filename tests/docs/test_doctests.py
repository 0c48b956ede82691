"""The examples in docstrings run, in every module of the package."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import shipworthy

MODULES = sorted(
    m.name
    for m in walk_packages(shipworthy.__path__, "shipworthy.")
    if ".library" not in m.name and not m.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, _ = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert not failed

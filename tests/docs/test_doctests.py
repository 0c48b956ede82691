"""The examples in docstrings run, in every module of the package that has some."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import shipworthy

SOURCE = Path(shipworthy.__path__[0])


def has_examples(name):
    """Look at the text: to import every module just to collect tests would take seconds."""
    place = SOURCE.joinpath(*name.split(".")[1:])
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    return ">>>" in path.read_text(encoding="utf-8")


MODULES = sorted(
    m.name
    for m in walk_packages(shipworthy.__path__, "shipworthy.")
    if ".library" not in m.name and not m.name.endswith("__main__") and has_examples(m.name)
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    failed, made = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert made and not failed

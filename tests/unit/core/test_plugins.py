"""Every plug-in of every kind keeps the same promises: found by its file's name, explained, documented, buildable."""

from __future__ import annotations

import doctest
import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shipworthy.core.errors import PluginError
from shipworthy.core.registry import KINDS, built_in, create, factory
from shipworthy.workspace.taxonomies import resolve_ref

ROOT = Path(__file__).parents[3]
BUILT_IN = [(kind, name) for kind in KINDS for name in built_in(kind)]
every_plugin = pytest.mark.parametrize(("kind", "name"), BUILT_IN)


def explained(kind: str, name: str) -> str:
    """Return the docstrings of a plug-in's module and factory."""
    make = factory(kind, name)
    return "\n".join(filter(None, (import_module(make.__module__).__doc__, inspect.getdoc(make))))


def needed(kind: str, name: str) -> list[str]:
    """Return the parameters a plug-in cannot be built without."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    parameters = inspect.signature(factory(kind, name)).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind not in kinds]


def test_every_kind_has_plugins() -> None:
    assert {kind for kind, _ in BUILT_IN} == set(KINDS)


@every_plugin
def test_id_is_the_file_name(kind: str, name: str) -> None:
    module = import_module(factory(kind, name).__module__)
    assert Path(module.__file__ or "").stem == name
    assert name == name.lower() and name.isidentifier()


@every_plugin
def test_is_explained(kind: str, name: str) -> None:
    first = (import_module(factory(kind, name).__module__).__doc__ or "").strip().partition("\n")[0]
    assert len(first.split()) >= 3, "the file's docstring opens with one sentence"
    assert inspect.getdoc(factory(kind, name)), "the factory says what it makes and takes"


@every_plugin
def test_has_a_row_in_the_reference(kind: str, name: str) -> None:
    page = ROOT / "docs" / "reference" / f"{kind}s.md"
    rows = re.findall(r"^(?:\| *|#+ +)`([a-z0-9_]+)`", page.read_text("utf-8"), re.MULTILINE)
    assert name in rows, f"{page.relative_to(ROOT)} has no row or heading for `{name}`"


def built(kind: str, name: str) -> Any:
    """Return the plug-in built with defaults, or None where it said which parameter it cannot do without."""
    parameters = inspect.signature(factory(kind, name)).parameters
    try:
        return create(kind, name)
    except PluginError as error:
        assert any(re.search(rf"\b{p}\b", str(error)) for p in parameters), "the error names the parameter"
        assert name in str(error), "the error names the plug-in"
        return None


@every_plugin
def test_builds_with_defaults_or_says_what_it_needs(kind: str, name: str) -> None:
    plugin = built(kind, name)
    free = kind in ("target", "guard") or needed(kind, name)
    assert plugin is not None or free, "suites and commands use it without parameters"
    assert plugin is None or not needed(kind, name)


@every_plugin
def test_a_wrong_parameter_is_named(kind: str, name: str) -> None:
    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(factory(kind, name)).parameters.values())
    if takes_any:
        return
    with pytest.raises(PluginError, match="no_such_parameter"):
        create(kind, name, {"no_such_parameter": 1})


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in BUILT_IN if k in ("attack", "scorer", "guard")])
def test_describes_itself_in_json(kind: str, name: str) -> None:
    plugin = built(kind, name)
    if plugin is None:
        return
    described = plugin.describe()
    assert json.loads(json.dumps(described)) == described
    assert name in described.values(), "a description names its plug-in"


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, n in BUILT_IN if k == "attack"])
def test_an_attack_names_goal_source_and_tags_and_its_example_runs(kind: str, name: str) -> None:
    module = import_module(factory(kind, name).__module__)
    text = module.__doc__ or ""
    for word in ("Goal:", "Source:", "Tags:"):
        assert re.search(rf"^{word} +\S", text, re.MULTILINE), f"{name}: the file's docstring has no line '{word}'"
    tags = (re.search(r"^Tags: (.+)$", text, re.MULTILINE) or [""])[0].split()[1:]
    assert tags
    assert all(resolve_ref(tag).title for tag in tags)
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0

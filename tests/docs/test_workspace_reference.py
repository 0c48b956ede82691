"""The reference of the workspace names every file, section, key, taxonomy and word that the program takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest

from shipworthy.core.records import Document, Sample
from shipworthy.workspace.fields import Entity, shapes
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.kind import kinds
from shipworthy.workspace.kinds.suite import LibrarySuiteUse, SuiteFile
from shipworthy.workspace.packs import PolicyPack
from shipworthy.workspace.policies import Argument, PolicyFile, Returns, ToolBudget, ToolRule
from shipworthy.workspace.read import INCLUDE, files
from shipworthy.workspace.taxonomies import resolve_ref, taxonomies
from shipworthy.workspace.use import Use

PAGE = (Path(__file__).parents[2] / "docs/reference/workspace.md").read_text(encoding="utf-8")
FILES = {
    SuiteFile: "## Suites",
    LibrarySuiteUse: "## Suites",
    GuardFile: "## Guard files",
    PolicyPack: "## Policy packs",
    **dict.fromkeys((PolicyFile, ToolRule, Argument, Returns, ToolBudget), "## Tool policy"),
}
"""Entities that are a file each; every other one is in the section of its kind, or inside another entity."""


def inside(model):
    yield model
    nested = {shape.model for field in shapes(model).values() for shape in field} - {None, Use}
    # In an order of their own: tests that are run side by side must be collected alike.
    for found in sorted(nested, key=lambda entity: entity.__name__):
        yield from inside(found)


HEADS = {
    model: head
    for root, head in [*FILES.items(), *((k.model, f"## {k.section}") for k in kinds().values() if k.section)]
    if root is not Use
    for model in inside(root)
}


def section(head):
    start = PAGE.index(f"\n{head}\n")
    end = PAGE.find("\n## ", start + 2)
    return PAGE[start : end if end > 0 else None]


def test_every_entity_has_its_section():
    entities, queue = set(), [Entity]
    while queue:
        # The gateway's file is none of a workspace's, and has its page.
        found = [e for e in queue.pop().__subclasses__() if e.__module__.startswith("shipworthy.workspace.")]
        entities.update(found)
        queue += found
    # A recipe is none of its files either: it makes them, and has its how-to.
    recipes = {e for e in entities if e.__module__ == "shipworthy.workspace.recipe"}
    assert entities - {Use} - recipes == set(HEADS)


@pytest.mark.parametrize("entity", HEADS, ids=lambda e: e.__name__)
def test_every_key_is_there(entity):
    text = section(HEADS[entity])
    for name in entity.model_fields:
        assert f"`{name}`" in text or f"{name}:" in text, f"{entity.__name__}.{name} is not in {HEADS[entity]!r}"


def words(annotation):
    if get_origin(annotation) is Literal:
        return set(get_args(annotation))
    return {word for inner in get_args(annotation) for word in words(inner)}


@pytest.mark.parametrize("entity", HEADS, ids=lambda e: e.__name__)
def test_every_word_a_key_may_be_is_there(entity):
    text = section(HEADS[entity])
    for name, field in entity.model_fields.items():
        for word in words(field.annotation) - {"S1", "S2", "S3", "S4"}:
            assert f"`{word}`" in text, f"{entity.__name__}.{name} may be {word!r}"


@pytest.mark.parametrize("entity", HEADS, ids=lambda e: e.__name__)
def test_what_is_needed_is_said(entity):
    rows = {line.split("`")[1]: line for line in section(HEADS[entity]).splitlines() if line.startswith("| `")}
    if not set(entity.model_fields) <= set(rows):
        return  # a small value that is described in the row of the key that holds it
    for name, field in entity.model_fields.items():
        last = rows[name].rstrip(" |").rpartition("|")[2].strip()
        assert (last == "needed") == field.is_required(), f"{entity.__name__}.{name}: {rows[name]}"


def test_every_key_of_a_sample_is_there():
    text = section("## Suites")
    for name in (*Sample.__struct_fields__, *Document.__struct_fields__, "prompt", "system"):
        assert f"`{name}`" in text, name


def test_files_and_sections():
    for name in files():
        assert f"`{name}`" in PAGE
    for name in (INCLUDE, *(kind.section for kind in kinds().values() if kind.section)):
        assert f"`{name}`" in PAGE


def test_every_taxonomy_has_a_working_example():
    for key in taxonomies():
        assert f"`{key}`" in PAGE, key
    examples = re.findall(r"`([a-z0-9-]+:[^`@ ]+@[^` ]+)`", PAGE)
    assert len(examples) >= 8
    for example in examples:
        if not example.startswith("taxonomy:"):
            assert resolve_ref(example)

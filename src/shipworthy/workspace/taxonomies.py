"""Taxonomies: the ids and short titles of public risk catalogues, with their versions.

A reference reads ``<taxonomy>:<id>@<version>``, such as ``owasp-llm:LLM01@2025``. The version is part of it: catalogues
renumber, and a reference must mean the same in three years. The files under ``library/taxonomies`` hold ids and
titles only; their NOTICE credits the sources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.cells import csv_records
from shipworthy.core.errors import did_you_mean

FOLDER = Path(__file__).parent.parent / "library" / "taxonomies"


class TaxonomyEntry(NamedTuple):
    """One id of a taxonomy with its short title."""

    id: str
    title: str


class Taxonomy(NamedTuple):
    """A catalogue: its key in references, its name, the versions a reference may pin, its entries by id."""

    key: str
    name: str
    versions: tuple[str, ...]
    entries: Mapping[str, TaxonomyEntry]


@cache
def taxonomies() -> Mapping[str, Taxonomy]:
    """Return every taxonomy by its key. Read once, when first asked for."""
    found: dict[str, Taxonomy] = {}
    for row in csv_records(FOLDER / "index.csv"):
        entries = {e["id"]: TaxonomyEntry(e["id"], e["title"]) for e in csv_records(FOLDER / f"{row['key']}.csv")}
        found[row["key"]] = Taxonomy(row["key"], row["name"], tuple(row["versions"].split()), entries)
    return found


def resolve_ref(ref: str) -> TaxonomyEntry:
    """Return the entry a reference names.

    >>> resolve_ref("owasp-llm:LLM01@2025").title
    'Prompt Injection'

    Raises:
        ValueError: it names none; two arguments, what is wrong and a hint.
    """
    key, colon, rest = ref.partition(":")
    if not colon:
        raise ValueError(
            f"the reference {ref!r} has no taxonomy", "write taxonomy:id@version, such as owasp-llm:LLM01@2025"
        )
    known = taxonomies()
    if key not in known:
        raise ValueError(f"unknown taxonomy {key!r} in {ref!r}", did_you_mean(key, list(known)))
    taxonomy = known[key]
    name, at, version = rest.rpartition("@")
    name = name if at else rest
    if key == "eu-ai-act":
        name = name.partition("(")[0]  # Art15(5) is Art15: paragraph numbers are not in the list
    if name not in taxonomy.entries:
        hint = did_you_mean(name, list(taxonomy.entries))
        raise ValueError(f"{taxonomy.name} has no {name!r}", hint if hint.startswith("did") else "")
    if not at or version not in taxonomy.versions:
        newest = taxonomy.versions[0]
        if at and _before(version, newest):
            title = taxonomy.entries[name].title
            wrong = f"stale reference {ref!r}: {taxonomy.name} is at {newest}, and catalogues renumber"
            raise ValueError(wrong, f"there {name} is {title!r}; if that is what is meant, write {key}:{name}@{newest}")
        wrong = (
            f"the reference {ref!r} pins no version"
            if not at
            else f"{taxonomy.name} is not known at version {version!r}"
        )
        raise ValueError(wrong, f"write {key}:{name}@{newest}")
    return taxonomy.entries[name]


def _before(version: str, newest: str) -> bool:
    """Say whether a version is older than another; False where their numbers do not tell."""
    numbers = [re.findall(r"[0-9]+", one) for one in (version, newest)]
    if not all(re.fullmatch(r"v?[0-9]+([.-][0-9]+)*", one) for one in (version, newest)):
        return False
    old, new = ([int(n) for n in one] for one in numbers)
    return old < new


def ref_problem(ref: str) -> tuple[str, str] | None:
    """Return what is wrong with a reference and a hint, or None."""
    try:
        resolve_ref(ref)
    except ValueError as error:
        message, hint = error.args
        return message, hint
    return None

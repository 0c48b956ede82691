"""The three files of a suite that was made from a recipe: the suite, its samples, its card."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shipworthy.workspace.generate import TOLD, VERSION, Generated, counted, recipe_digest
from shipworthy.workspace.recipe import LoadedRecipe

LIBRARY_BANK = Path(__file__).parent.parent / "library" / "bank"


def bank_recipes() -> tuple[str, ...]:
    """Return the names of the library's recipes."""
    return tuple(sorted(path.parent.name for path in LIBRARY_BANK.glob("*/recipe.yaml")))


def suite_files(loaded: LoadedRecipe, made: Generated, seed: int | None = None, measured: str = "") -> dict[str, str]:
    """Return the text of ``suite.yaml``, ``samples.jsonl`` and ``card.md`` of one suite that a recipe gave.

    Args:
        seed: that it was made with; the recipe's own if left out.
        measured: markdown of what was measured with it, below the rest of the card.
    """
    number = loaded.recipe.seed if seed is None else seed
    samples = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made.rows)
    head = f"# Made from a recipe ({recipe_digest(loaded)}, seed {number}): change that, not this file.\n"
    suite = head + "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in made.suite.items())
    return {"suite.yaml": suite, "samples.jsonl": samples, "card.md": _card(loaded, made, number, measured)}


def _card(loaded: LoadedRecipe, made: Generated, number: int, measured: str) -> str:
    recipe, rows = loaded.recipe, made.rows
    clusters = len({row["cluster"] for row in rows})
    alike = " of another seed" if recipe.counterfactual else ""
    parts = counted(rows, "part:")
    digest = recipe_digest(loaded)
    closest = f"{made.closest:.2f}" if made.closest else f"below {TOLD}"
    said = [
        f"Made by the generator (version {VERSION}) from the recipe {recipe.version}, {digest}, with seed {number}: "
        f"{clusters:,} authored seeds, {len(rows):,} samples. The same recipe and seed give the same file, byte for "
        "byte. Variants of one seed are one cluster.",
        f"No two samples{alike} reach a Jaccard similarity of {recipe.near_duplicate:g} over character 5-grams of what "
        f"the user says and of the documents (largest: {closest}); {made.left_out:,} combinations were left "
        "out for that.",
    ]
    if sealed := parts.get("sealed", 0):
        said.append(
            f"Visible: {parts.get('visible', 0):,} samples. Sealed, for release decisions alone: {sealed:,}, whole "
            "seeds, in equal shares of every stratum. The sealed part of a public library is text that anybody can "
            "read: it keeps your own tuning honest, and no training set."
        )
    said.append(
        "Written by this project's authors and read by no second person: every sample is a draft until somebody walks "
        "them (`shipworthy suites review`)."
    )
    licence = made.suite.get("license", "none said")
    lines = [f"# {made.suite['id']}", "", made.card.strip(), "", "## Construction", ""]
    lines += [
        "\n\n".join(textwrap.fill(text, 140, break_long_words=False, break_on_hyphens=False) for text in said),
        "",
    ]
    lines += [_counts("stratum", counted(rows, "stratum:")), "", _counts("language", counted(rows, "language:")), ""]
    lines += ["## Taxonomy", "", ", ".join(f"`{ref}`" for ref in _refs(made.suite, rows)), "", "## Licence", ""]
    lines.append(
        f"{licence}, synthetic: people, firms, numbers and addresses are invented; no text is taken from elsewhere."
    )
    if measured:
        lines += ["", measured.strip()]
    return "\n".join(lines) + "\n"


def _counts(what: str, found: Mapping[str, int]) -> str:
    rows = "\n".join(f"| {name} | {count:,} |" for name, count in found.items())
    return f"| {what} | samples |\n|---|---|\n{rows}"


def _refs(suite: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [*suite.get("refs", ()), *(ref for row in rows for ref in row.get("refs", ()))]
    return sorted(dict.fromkeys(found))

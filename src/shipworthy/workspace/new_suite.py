"""A new suite in a workspace, made of a recipe: the user's own, or a small one to begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from shipworthy.workspace.bank_files import suite_files
from shipworthy.workspace.generate import generate
from shipworthy.workspace.held_back import SEALED
from shipworthy.workspace.recipe import LoadedRecipe, read_recipe
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder

STARTER = Path(__file__).parent.parent / "library" / "recipes" / "starter"
"""A recipe to begin with; its suite's id is put in."""


class MadeSuite(NamedTuple):
    """A suite that was made.

    Attributes:
        samples: how many it has, `sealed` of them held back.
        left_out: near-duplicates.
    """

    folder: Path
    samples: int
    sealed: int
    left_out: int


def new_suite(root: Path, id: str, recipe: Path | None = None, seed: int | None = None) -> list[MadeSuite]:
    """Make a suite, and its twin where the recipe has one, under ``suites/`` of a workspace.

    Args:
        recipe: its file or folder; one to begin with, beside the suite, if left out.
        seed: instead of the recipe's own.

    Raises:
        UsageError: there is no workspace, the id is none, or something is there already: nothing is then written.
        WorkspaceError: every problem of the recipe, with its line.
    """
    names = (id, f"{id}-benign")
    folder, _ = (free_suite_folder(root, name, instead="") for name in names)
    if recipe is not None:
        return _written(root, _renamed(read_recipe(recipe), names), seed)
    starter = {name: (STARTER / name).read_text(encoding="utf-8") for name in ("recipe.yaml", "seeds.tsv")}
    write_suite_folder(folder, {name: text.replace("ID-OF-SUITE", id) for name, text in starter.items()})
    return _written(root, read_recipe(folder), seed)


def _renamed(loaded: LoadedRecipe, names: tuple[str, str]) -> LoadedRecipe:
    recipe = loaded.recipe
    twin = recipe.twin.model_copy(update={"suite": {**recipe.twin.suite, "id": names[1]}}) if recipe.twin else None
    return replace(loaded, recipe=recipe.model_copy(update={"suite": {**recipe.suite, "id": names[0]}, "twin": twin}))


def _written(root: Path, loaded: LoadedRecipe, seed: int | None) -> list[MadeSuite]:
    found = []
    for made in generate(loaded, seed):
        folder = root / "suites" / str(made.suite["id"])
        write_suite_folder(folder, suite_files(loaded, made, seed), new=False)
        sealed = sum(SEALED in row.get("tags", ()) for row in made.rows)
        found.append(MadeSuite(folder, len(made.rows), sealed, made.left_out))
    return found

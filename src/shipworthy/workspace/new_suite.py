"""A new suite in a workspace, made of a recipe: the user's own, or a small one to begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from shipworthy.workspace.bank_files import suite_files
from shipworthy.workspace.generate import generate
from shipworthy.workspace.recipe import LoadedRecipe, read_recipe
from shipworthy.workspace.suite_folder import free_suite_folder, write_suite_folder

STARTER = Path(__file__).parent.parent / "library" / "recipes" / "starter"
"""A recipe to begin with; its suite's id is put in."""


def new_suite(root: Path, id: str, recipe: Path | None = None, seed: int | None = None) -> list[tuple[Path, int, int]]:
    """Make a suite, and its twin where the recipe has one, under ``suites/`` of a workspace.

    Args:
        recipe: its file or folder; one to begin with, beside the suite, if left out.
        seed: instead of the recipe's own.

    Returns:
        The folder of each suite, how many samples it has, and how many near-duplicates were left out.

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


def _written(root: Path, loaded: LoadedRecipe, seed: int | None) -> list[tuple[Path, int, int]]:
    found = []
    for made in generate(loaded, seed):
        folder = root / "suites" / str(made.suite["id"])
        write_suite_folder(folder, suite_files(loaded, made, seed), new=False)
        found.append((folder, len(made.rows), made.left_out))
    return found

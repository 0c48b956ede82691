"""A new suite in a workspace, made of a recipe: the user's own, or a small one to begin with."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from shipworthy.core.errors import UsageError
from shipworthy.workspace.bank_files import suite_files
from shipworthy.workspace.generate import generate
from shipworthy.workspace.recipe import LoadedRecipe, read_recipe

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

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
    if not (root / "system.yaml").is_file():
        raise UsageError(f"{root} is no workspace: `shipworthy init DIR` makes one")
    if not _ID.fullmatch(id):
        raise UsageError(f"{id!r} is no id of a suite: lower case, digits and hyphens")
    names = (id, f"{id}-benign")
    for name in names:
        for there in (root / "suites" / name, root / "suites" / f"{name}.yaml"):
            if there.exists() or there.is_symlink():
                raise UsageError(f"{there} is there already: nothing was written")
    if recipe is not None:
        return _written(root, _renamed(read_recipe(recipe), names), seed)
    folder = root / "suites" / id
    try:
        folder.mkdir(parents=True)
        for name in ("recipe.yaml", "seeds.tsv"):
            text = (STARTER / name).read_text(encoding="utf-8").replace("ID-OF-SUITE", id)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from error
    return _written(root, read_recipe(folder), seed)


def _renamed(loaded: LoadedRecipe, names: tuple[str, str]) -> LoadedRecipe:
    recipe = loaded.recipe
    twin = recipe.twin.model_copy(update={"suite": {**recipe.twin.suite, "id": names[1]}}) if recipe.twin else None
    return replace(loaded, recipe=recipe.model_copy(update={"suite": {**recipe.suite, "id": names[0]}, "twin": twin}))


def _written(root: Path, loaded: LoadedRecipe, seed: int | None) -> list[tuple[Path, int, int]]:
    found = []
    for made in generate(loaded, seed):
        folder = root / "suites" / str(made.suite["id"])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in suite_files(loaded, made, seed).items():
                (folder / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"cannot write {folder}: {error.strerror}") from error
        found.append((folder, len(made.rows), made.left_out))
    return found

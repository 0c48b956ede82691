"""A recipe: authored seeds and slots that a suite's samples are made of, read with file and line of every mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.workspace.fields import NUMBER, Entity, Rate, Slug, Text, Word
from shipworthy.workspace.inside import read_inside
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.scalars import plain
from shipworthy.workspace.validate import validate

ANY = "any"
"""The language of a slot's choices that fit every language."""
PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
MOST_SEEDS = 20_000
_GIVEN = ("id", "language")
"""What every seed has; the language is the recipe's where a table has no column for it."""


class Lookup(Entity):
    """A value that follows from another one: ``by`` names a column, ``is`` has the value for each of its words."""

    by: Word
    is_: Annotated[dict[str, Any], Field(alias="is", min_length=1)]


class TwinRecipe(Entity):
    """The harmless look-alikes: another suite, made of the same seeds and the same choices.

    Attributes:
        suite: keys of its ``suite.yaml``.
        columns: of the seeds, that take the place of others.
        sample: keys of the sample that take the place of the main suite's.
        card: prose, as for `Recipe`.
    """

    suite: dict[str, Any]
    columns: dict[str, str] = Field(default_factory=dict)
    sample: dict[str, Any] = Field(default_factory=dict)
    card: Text = ""


class Recipe(Entity):
    """``recipe.yaml``: how samples are made.

    Attributes:
        version: of the recipe; raised with every change of text.
        seed: of all that is drawn.
        prefix: that the samples' ids begin with.
        variants: samples that are drawn of each seed, or ``all`` there are.
        near_duplicate: Jaccard similarity of character 5-grams, in [0.3, 1], from which a sample is left out.
        counterfactual: whether variants of one seed are alike on purpose and are kept.
        sealed: share of the seeds, in [0, 0.5], whose samples are for release decisions alone.
        language: of seeds whose table does not say it.
        seeds: a file beside this one: a table of tabs, its first line names the columns.
        suite: keys of ``suite.yaml``.
        sample: a sample in its short form; ``{name}`` stands for a column, a lookup or a slot.
        slots: by name, then by language or ``any``, the choices: texts, or mappings that fill several names.
        card: prose before what the generator writes itself.
    """

    version: Word
    seed: Annotated[int, NUMBER, Field(ge=0, lt=2**53)]
    prefix: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")]
    variants: Annotated[int, NUMBER, Field(ge=1, le=10_000)] | Literal["all"] = 1
    near_duplicate: Annotated[float, NUMBER, Field(ge=0.3, le=1)] = 0.6
    counterfactual: bool = False
    sealed: Annotated[Rate, Field(le=0.5)] = 0.25
    language: Slug = "en"
    seeds: Word = "seeds.tsv"
    suite: dict[str, Any]
    sample: dict[str, Any]
    slots: dict[str, dict[str, Annotated[list[Any], Field(min_length=1)]]] = Field(default_factory=dict)
    lookups: dict[str, Lookup] = Field(default_factory=dict)
    twin: TwinRecipe | None = None
    card: Text = ""


@dataclass(frozen=True)
class Seed:
    """One line of the table: its columns, and where it stands."""

    columns: Mapping[str, Any]
    line: int

    @property
    def id(self) -> str:
        return str(self.columns["id"])

    @property
    def language(self) -> str:
        return str(self.columns["language"])


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe with its seeds.

    Attributes:
        texts: the two files as they are: what a digest of the recipe is made of.
    """

    recipe: Recipe
    seeds: Sequence[Seed]
    source: YamlFile
    table: Path
    texts: tuple[bytes, bytes]


def read_recipe(path: Path) -> LoadedRecipe:
    """Read a recipe and its seeds.

    Args:
        path: ``recipe.yaml``, or the folder that holds it.

    Raises:
        WorkspaceError: every problem of the two files, with its line.
    """
    file = path / "recipe.yaml" if path.is_dir() else path
    root = file.parent
    source = read_yaml(file, root)
    problems: list[Problem] = []
    recipe = validate(Recipe, source, (), problems, value=plain(source.value))
    if recipe is None:
        raise WorkspaceError(problems)
    table = root / recipe.seeds
    try:
        raw = read_inside(table, root)
        text = raw.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise WorkspaceError([source.problem(("seeds",), f"there is no table of text {recipe.seeds!r} here")]) from None
    seeds = list(_seeds(text, table, recipe.language, problems))
    if not seeds and not problems:
        problems.append(Problem(table, 1, "the table has no seeds"))
    for seed in seeds:
        _check_names(recipe, seed, table, problems)
    if problems:
        raise WorkspaceError(problems[:100])
    return LoadedRecipe(recipe, seeds, source, table, (file.read_bytes(), raw))


def _seeds(text: str, table: Path, language: str, problems: list[Problem]) -> Iterator[Seed]:
    header: list[str] = []
    taken: set[str] = set()
    count = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if not header:
            header = cells
            problems += [
                Problem(table, number, f"{name!r} is no name of a column")
                for name in header
                if not re.fullmatch(r"[a-z][a-z0-9_]*(\[\])?", name)
            ]
            if "id" not in header:
                problems.append(Problem(table, number, "the table needs a column 'id'"))
            if problems:
                return
            continue
        if len(cells) != len(header):
            said = f"the line has {len(cells)} columns, and the first line names {len(header)}"
            problems.append(Problem(table, number, said, "columns are parted by tabs"))
            continue
        columns: dict[str, Any] = {"language": language}
        for name, written in zip(header, cells, strict=True):
            many = name.endswith("[]")
            cell = written.replace("\\n", "\n")
            columns[name.removesuffix("[]")] = [part.strip() for part in cell.split(";")] if many else cell
        if not columns["id"] or columns["id"] in taken:
            problems.append(Problem(table, number, f"the id {columns['id']!r} is empty or taken"))
            continue
        taken.add(columns["id"])
        count += 1
        if count > MOST_SEEDS:
            problems.append(Problem(table, number, f"the table has more than {MOST_SEEDS:,} seeds"))
            return
        yield Seed(columns, number)


def choices(recipe: Recipe, slot: str, language: str) -> Sequence[Any]:
    """Return a slot's choices in a language: its own, or those that fit any."""
    by = recipe.slots[slot]
    return by.get(language) or by.get(ANY) or ()


def filled_by(recipe: Recipe, language: str) -> dict[str, str]:
    """Return the slot that fills each name: its own, or one whose choices are mappings."""
    found: dict[str, str] = {}
    for slot in recipe.slots:
        for choice in choices(recipe, slot, language):
            for name in choice if isinstance(choice, dict) else (slot,):
                found[name] = slot
    return found


def names_in(value: Any) -> Iterator[str]:
    """Yield every name that a value has between braces."""
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from names_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names_in(inner)


def used_slots(recipe: Recipe, seed: Seed, columns: Mapping[str, Any], templates: Sequence[Any]) -> list[str]:
    """Return the slots that a seed's sample is made with, in the recipe's order."""
    fills = filled_by(recipe, seed.language)
    used = {fills[name] for name in reached(recipe, seed, columns, templates) if name not in columns and name in fills}
    return [slot for slot in recipe.slots if slot in used]


def reached(recipe: Recipe, seed: Seed, columns: Mapping[str, Any], templates: Sequence[Any]) -> set[str]:
    """Return every name that a seed's sample asks for: in its templates, and in whatever fills a name there."""
    fills = filled_by(recipe, seed.language)
    seen: set[str] = set()
    waiting = [name for template in templates for name in names_in(template)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in columns:
            waiting += names_in(columns[name])
        elif name in recipe.lookups:
            lookup = recipe.lookups[name]
            waiting += names_in(lookup.is_.get(str(columns.get(lookup.by, ""))))
        elif name in fills:
            waiting += [n for choice in choices(recipe, fills[name], seed.language) for n in names_in(choice)]
    return seen


def _check_names(recipe: Recipe, seed: Seed, table: Path, problems: list[Problem]) -> None:
    fills = filled_by(recipe, seed.language)
    known = {*seed.columns, *recipe.lookups, *fills}
    templates: list[Any] = [recipe.sample, dict(seed.columns), *(recipe.twin.sample.values() if recipe.twin else ())]
    for name in sorted(reached(recipe, seed, seed.columns, templates) - known):
        if name in recipe.slots:
            said = f"the slot {name!r} has no choices in the language {seed.language!r}"
            problems.append(Problem(table, seed.line, said, "add them, or 'any'"))
        else:
            said = f"nothing fills the name {name!r}"
            problems.append(Problem(table, seed.line, said, did_you_mean(name, sorted(known))))
    for name, lookup in recipe.lookups.items():
        word = str(seed.columns.get(lookup.by, ""))
        if word not in lookup.is_:
            said = f"the lookup {name!r} has nothing for {lookup.by} {word!r}"
            problems.append(Problem(table, seed.line, said, did_you_mean(word, sorted(lookup.is_))))
    problems += [
        Problem(table, seed.line, f"the table has no column {theirs!r}, which the twins take")
        for theirs in (recipe.twin.columns.values() if recipe.twin else ())
        if theirs not in seed.columns
    ]

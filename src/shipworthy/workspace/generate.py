"""Samples from a recipe: seeds x slots x languages, drawn by a seed, near-duplicates left out, a part sealed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from math import prod
from typing import Any

from shipworthy.core.digests import PREFIX
from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.detect.near_duplicates import GramIndex, grams
from shipworthy.workspace.recipe import (
    PLACEHOLDER,
    LoadedRecipe,
    Recipe,
    Seed,
    choices,
    filled_by,
    used_slots,
)

VERSION = "1"
"""Of the generator: raised when one recipe and seed would give other samples."""
SEALED = "part:sealed"
VISIBLE = "part:visible"
TOLD = 0.3
"""The least similarity that is looked for; a recipe's limit is no lower."""
_DEEPEST = 8
"""Names within names."""
_TRIES = 12
"""Combinations that are looked at for each sample that is wanted."""


@dataclass
class Generated:
    """What a recipe gave, for one suite.

    Attributes:
        suite: keys of its ``suite.yaml``.
        rows: samples in their short form.
        card: the recipe's prose.
        left_out: combinations that were near-duplicates of a kept sample.
        closest: the largest similarity of two kept samples, of different seeds where variants are alike on purpose; 0
            where it is below `TOLD`.
    """

    suite: Mapping[str, Any]
    card: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    left_out: int = 0
    closest: float = 0.0

    def __post_init__(self) -> None:
        self._index = GramIndex()
        self._of: list[str] = []


def recipe_digest(loaded: LoadedRecipe) -> str:
    """Return ``sha256:…`` of a recipe, its seeds and the generator's version: what its samples follow from."""
    state = sha256(VERSION.encode())
    for text in loaded.texts:
        state.update(b"\0%d\0" % len(text))
        state.update(text)
    return PREFIX + state.hexdigest()


def generate(loaded: LoadedRecipe, seed: int | None = None) -> list[Generated]:
    """Make the samples of a recipe: the main suite's, then its twin's where it has one.

    The same recipe and seed give the same samples on every machine: all that is drawn comes from SHA-256 of the seed,
    the seed's id and a count.

    Args:
        seed: instead of the recipe's own.

    Raises:
        WorkspaceError: names that fill one another without an end; the line is said.
    """
    recipe, number = loaded.recipe, loaded.recipe.seed if seed is None else seed
    sealed = _sealed(loaded, number)
    made = [Generated(recipe.suite, recipe.card)]
    if recipe.twin is not None:
        made.append(Generated(recipe.twin.suite, recipe.twin.card))
    for one in loaded.seeds:
        part = SEALED if one.id in sealed else VISIBLE
        drawn = [_drawn(loaded, one, number, made, twin=twin) for twin in range(len(made))]
        for rows in zip(*drawn, strict=False):  # a twin each, or neither
            for row, mine, other in zip(rows, made, reversed(made), strict=True):
                row["tags"] = [*row.get("tags", ()), f"language:{one.language}", part]
                if len(made) > 1:
                    kept = row["id"].rpartition("-")[2]
                    row["twin"] = f"{other.suite['id']}/{_id(recipe, one, int(kept), twin=other is made[-1])}"
                mine.rows.append(row)
    return made


def _drawn(
    loaded: LoadedRecipe, seed: Seed, number: int, made: Sequence[Generated], *, twin: int
) -> list[dict[str, Any]]:
    """Return a seed's samples in one suite. A twin has choices of its own: it is no near-duplicate of what it twins."""
    recipe, rows = loaded.recipe, list[dict[str, Any]]()
    for chosen in _combinations(recipe, seed, number, twin=twin):
        if recipe.variants != "all" and len(rows) == recipe.variants:
            break
        row = _row(loaded, seed, chosen, len(rows) + 1, twin=twin)
        if _keep(made[twin], made[:twin], row, seed.id, recipe):
            rows.append(row)
    return rows


def _id(recipe: Recipe, seed: Seed, number: int, *, twin: bool) -> str:
    return f"{recipe.prefix}{'B' if twin else ''}-{seed.id}-{number}"


def _sealed(loaded: LoadedRecipe, number: int) -> set[str]:
    """Return the ids of the seeds that are sealed: whole seeds, the same share of every stratum and language."""
    groups: dict[tuple[str, str], list[str]] = {}
    for seed in loaded.seeds:
        groups.setdefault((str(seed.columns.get("stratum", "")), seed.language), []).append(seed.id)
    found: set[str] = set()
    owed = 0.0  # carried from group to group, so that groups of one or two seeds are sealed in their share, too
    for key in sorted(groups):
        ids = sorted(groups[key], key=lambda id: sha256(f"{number}\0sealed\0{id}".encode()).digest())
        owed += loaded.recipe.sealed * len(ids)
        take = int(owed)
        owed -= take
        found.update(ids[:take])
    return found


def _combinations(recipe: Recipe, seed: Seed, number: int, *, twin: int) -> Iterator[dict[str, Any]]:
    columns, template = _made_of(recipe, seed, twin=twin)
    slots = used_slots(recipe, seed, columns, [template])
    offered = [choices(recipe, slot, seed.language) for slot in slots]
    total = prod(map(len, offered))
    for index in _order(total, recipe, f"{number}\0{seed.id}" + "\0twin" * twin):
        chosen, rest = {}, index
        for slot, some in zip(slots, offered, strict=True):
            rest, at = divmod(rest, len(some))
            chosen[slot] = some[at]
        yield chosen


def _order(total: int, recipe: Recipe, salt: str) -> Iterator[int]:
    if recipe.variants == "all":
        yield from range(total)
        return
    seen: set[int] = set()
    for count in range(_TRIES * recipe.variants * 4):
        index = int.from_bytes(sha256(f"{salt}\0{count}".encode()).digest()[:8]) % total
        if index not in seen:
            seen.add(index)
            yield index
        if len(seen) >= min(total, _TRIES * recipe.variants):
            return


def _made_of(recipe: Recipe, seed: Seed, *, twin: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a seed's columns and the template, as they are for the main suite or for its twin."""
    if not twin or recipe.twin is None:
        return dict(seed.columns), dict(recipe.sample)
    theirs = {ours: seed.columns[name] for ours, name in recipe.twin.columns.items()}
    return {**seed.columns, **theirs}, {**recipe.sample, **recipe.twin.sample}


def _row(loaded: LoadedRecipe, seed: Seed, chosen: Mapping[str, Any], number: int, *, twin: int) -> dict[str, Any]:
    recipe = loaded.recipe
    columns, template = _made_of(recipe, seed, twin=twin)
    names: dict[str, Any] = {}
    for slot, choice in chosen.items():
        names |= choice if isinstance(choice, dict) else {slot: choice}
    fills = filled_by(recipe, seed.language)
    for name, lookup in recipe.lookups.items():
        names[name] = lookup.is_[str(seed.columns[lookup.by])]
    names |= columns
    try:
        filled = {key: _fill(value, names, fills, 0) for key, value in template.items()}
    except RecursionError:
        said = "its names fill one another without an end"
        raise WorkspaceError([Problem(loaded.table, seed.line, said)]) from None
    row = {key: value for key, value in filled.items() if value is not None and value != ""}
    id = _id(recipe, seed, number, twin=bool(twin))
    return {"id": id, **row, "cluster": f"{recipe.prefix}{'B' if twin else ''}-{seed.id}"}


def _fill(value: Any, names: Mapping[str, Any], fills: Mapping[str, str], depth: int) -> Any:
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _fill(inner, names, fills, depth) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, names, fills, depth) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := PLACEHOLDER.fullmatch(value):  # the value itself: a list stays one
        return _fill(names[whole[1]], names, fills, depth + 1) if whole[1] in names else value
    while PLACEHOLDER.search(value):
        depth += 1
        if depth > _DEEPEST:
            raise RecursionError
        value = PLACEHOLDER.sub(lambda found: str(names[found[1]]), value)
    return value


def _keep(one: Generated, others: Sequence[Generated], row: Mapping[str, Any], seed: str, recipe: Recipe) -> bool:
    """Keep a sample, unless it is a near-duplicate of one that is kept, in its own suite or in the one it twins."""
    own = grams(compared(row))
    alike = {at for at, of in enumerate(one._of) if of == seed} if recipe.counterfactual else set[int]()
    similarity = one._index.nearest(own, alike, least=TOLD)[1]
    if any(
        near >= recipe.near_duplicate
        for near in (similarity, *(other._index.nearest(own, least=TOLD)[1] for other in others))
    ):
        one.left_out += 1
        return False
    one.closest = max(one.closest, similarity)
    one._index.add(own)
    one._of.append(seed)
    return True


def compared(row: Mapping[str, Any]) -> str:
    """Return what of a sample is compared with others: what the user says, and the documents."""
    said = [row["prompt"]] if "prompt" in row else []
    for message in row.get("messages", ()):
        if message.get("role") in ("user", "tool"):
            content = message.get("content", message.get("parts", ""))
            parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
            said += parts
    said += [document.get("text", "") for document in row.get("documents", ())]
    return "\n".join(said)


def counted(rows: Sequence[Mapping[str, Any]], prefix: str) -> dict[str, int]:
    """Return how many samples have each tag of a kind, such as ``language:``, the most first."""
    found = Counter(tag.removeprefix(prefix) for row in rows for tag in row.get("tags", ()) if tag.startswith(prefix))
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

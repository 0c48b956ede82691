"""Reading a workspace: find its files, validate each entity, check the links, say everything that is wrong at once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.workspace.alike import builds_on_another, fill_in
from shipworthy.workspace.builder import MAX_PROBLEMS
from shipworthy.workspace.check import check_draft
from shipworthy.workspace.check_plugins import check_guards
from shipworthy.workspace.code import check_code, code_files, load_code
from shipworthy.workspace.draft import ANY, Draft, Placed, in_order
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.includes import MAX_FILES, MAX_PATTERNS, matching
from shipworthy.workspace.kind import Kind, sections
from shipworthy.workspace.kinds.facts import ProductFacts
from shipworthy.workspace.kinds.suite import MOST
from shipworthy.workspace.nodes import YamlFile, parse_yaml, read_yaml
from shipworthy.workspace.packs import INHERITS, check_packs, inherited
from shipworthy.workspace.policies import PolicyFile
from shipworthy.workspace.pseudonyms import hide_names
from shipworthy.workspace.suites import read_suite
from shipworthy.workspace.tell import tell
from shipworthy.workspace.validate import at, validate

ROOT_FILE = "system.yaml"
INCLUDE = "include"
POLICY = "policy.yaml"
SHADOW = "policy.shadow.yaml"
"""A candidate: it is asked beside the policy, and nobody heeds it."""


def files() -> tuple[str, ...]:
    """Return the names of the files that are read where they exist: one for each section, ``system.yaml`` first.

    Any of them may hold any section; the names are for people.
    """
    return ROOT_FILE, *(f"{name}.yaml" for name in sorted(sections()) if f"{name}.yaml" != ROOT_FILE)


def read_workspace(root: Path, *, allow_code: bool) -> Draft:
    """Read the files of a workspace and check them; the draft holds what is wrong.

    Raises:
        WorkspaceError: the folder is no workspace at all.
    """
    if not (root / ROOT_FILE).is_file():
        what = "is no workspace: it has no system.yaml" if root.is_dir() else "there is no such folder"
        raise WorkspaceError([Problem(root, 0, what, "shipworthy init DIR --template helpdesk-rag makes one")])
    draft = Draft(root)
    if allow_code:
        draft.code = load_code(root, draft.problems)
    else:
        check_code(root, draft.problems)
    for source in _sources(root, draft):
        draft.sources.append(source)
        _read_sections(source, draft)
    fill_in(draft)
    _read_suites(root, draft)
    _read_guards(root, draft)
    if _is_there(path := root / POLICY) and (placed := _policy_file(path, draft, root)):
        draft.entities["policy"][path.stem] = placed
    if _is_there(path := root / SHADOW):
        beside = Draft()
        draft.shadow = _policy_file(path, beside, root)
        draft.problems += beside.problems
    if not draft.named["system"]:
        draft.problems.append(Problem(root / ROOT_FILE, 1, "the section 'system' is missing"))
    if not draft.named["target"] and not any(p.file.name == "targets.yaml" for p in draft.problems):
        hint = "write targets: {default: {use: openai_compatible, ...}}"
        draft.problems.append(
            Problem(root / ROOT_FILE, 1, "the section 'targets' is missing: what is to be tested?", hint)
        )
    draft.packs = inherited(draft.sources, root, draft.problems)
    hide_names(draft, root)  # before anything is said of them
    check_draft(draft, allow_code=allow_code, local={p.stem for p in code_files(root)})
    check_packs(draft)
    return draft


def read_sections(sources: Iterable[YamlFile]) -> Draft:
    """Return a draft of files of one workspace that were read elsewhere: of their sections, and of nothing else."""
    draft = Draft()
    for source in sources:
        draft.sources.append(source)
        _read_sections(source, draft)
    fill_in(draft)
    return draft


def read_guards(path: Path, facts: ProductFacts | None = None) -> GuardFile:
    """Read one guard file on its own, as `--guards FILE` names it.

    Args:
        facts: of the product: a guard takes from them what it does not say itself.

    Raises:
        WorkspaceError: every problem in it, unknown guards and wrong parameters too.
    """
    draft = Draft()
    placed = _guard_file(path, draft, None, facts)  # whoever runs it named this file
    if placed:
        check_guards(draft, placed)
    if draft.problems or placed is None:
        raise WorkspaceError(in_order(draft.problems))
    return placed.entity


def read_policy(path: Path) -> PolicyFile:
    """Read one tool policy on its own.

    Raises:
        WorkspaceError: every problem in it.
    """
    return read_policy_source(path)[0]


def read_policy_source(path: Path) -> tuple[PolicyFile, YamlFile]:
    """Read one tool policy on its own, with the places of everything in it; errors as for `read_policy`."""
    draft = Draft()
    placed = _policy_file(path, draft, None)
    if draft.problems or placed is None:
        raise WorkspaceError(in_order(draft.problems))
    return placed.entity, placed.source


def _is_there(path: Path) -> bool:
    return not path.is_dir() and os.path.lexists(path)


def _real(path: Path) -> Path:
    """Return where a path leads; itself, where it leads nowhere."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path.absolute()


def _sources(root: Path, draft: Draft) -> Iterator[YamlFile]:
    """Yield the files with sections: the known names, then what they include (once each; an include may include)."""
    # Whatever has a known name, so that a link to itself, a pipe or a device is refused and not passed over.
    queue = deque(path for name in files() if _is_there(path := root / name))
    seen = {_real(path) for path in queue}
    while queue:
        path = queue.popleft()
        try:
            source = read_yaml(path, root)
        except WorkspaceError as error:
            draft.problems += error.problems
            draft.unread.append(path)
            continue
        if not isinstance(source.value, dict):
            draft.unread.append(path)
            draft.problems.append(source.problem((), f"the file must hold sections: {', '.join(_known())}"))
            continue
        yield source
        for found in _included(root, source, draft):
            if _real(found) in seen:
                continue
            if len(seen) >= MAX_FILES:
                said = f"includes more than {MAX_FILES:,} files: those from here on are not read"
                draft.problems.append(source.problem((INCLUDE,), said))
                break
            seen.add(_real(found))
            queue.append(found)
    for path in sorted({*root.glob("*.yaml"), *root.glob("*.yml")}):
        if _real(path) not in seen and not path.name.startswith(("guards", "policy")):
            hint = did_you_mean(path.name, (*files(), "guards.yaml", POLICY))
            hint = hint if hint.startswith("did") else "list it under 'include', or rename it"
            draft.warnings.append(Problem(path, 0, "is not read", hint))


def _included(root: Path, source: YamlFile, draft: Draft) -> Iterator[Path]:
    patterns = source.value.get(INCLUDE) or []
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        draft.problems.append(source.problem((INCLUDE,), "'include' must be a list of files of this workspace"))
        return
    if len(patterns) > MAX_PATTERNS:
        hint = "write a pattern such as 'risks/*.yaml'"
        said = f"'include' lists more than {MAX_PATTERNS} patterns"
        draft.problems.append(source.problem((INCLUDE, MAX_PATTERNS), said, hint))
        return
    for index, pattern in enumerate(patterns):
        try:
            yield from matching(root, pattern)
        except ValueError as wrong:
            message, hint = wrong.args
            draft.problems.append(source.problem((INCLUDE, index), message, hint))


def _known() -> list[str]:
    return sorted((*sections(), INCLUDE, INHERITS))


def _read_sections(source: YamlFile, draft: Draft) -> None:
    before = len(draft.problems)
    for section, value in source.value.items():
        if _enough(source, (section,), draft, before):
            return
        if section in (INCLUDE, INHERITS):
            continue
        kind = sections().get(section)
        if kind is None:
            draft.nameless.add(ANY)
            hint = did_you_mean(section, _known())
            draft.problems.append(source.problem((section,), f"unknown section {section!r}", hint))
        elif kind.written == "single":
            _read_single(kind, source, value, draft)
        elif kind.written == "mapping":
            _read_mapping(kind, source, value, draft)
        elif isinstance(value, list):
            for index in range(len(value)):
                loc: Loc = (section, index)
                if _enough(source, loc, draft, before):
                    return
                _read_entity(kind, at(value, (index, "id")), source, loc, draft)
        elif value is not None:
            draft.nameless.add(kind.name)
            draft.problems.append(source.problem((section,), f"{section!r} must be a list"))


def _enough(source: YamlFile, loc: Loc, draft: Draft, before: int) -> bool:
    """Say whether a file has had so many problems that no more are looked for, and say so there."""
    if len(draft.problems) - before < MAX_PROBLEMS:
        return False
    said = f"the file has {MAX_PROBLEMS} problems up to here: what follows was not looked at"
    draft.problems.append(source.problem(loc, said))
    draft.unread.append(source.file)
    return True


def _read_single(kind: Kind, source: YamlFile, value: Any, draft: Draft) -> None:
    if draft.named[kind.name]:
        draft.problems.append(source.problem((kind.section,), f"the section {kind.section!r} is written twice"))
        return
    name = at(value, ("id",))
    own = kind.model.model_fields.get("id")
    default = own.default if own else kind.name  # one of a kind may have no id
    _read_entity(kind, name if isinstance(name, str) else str(default), source, (kind.section,), draft)


def _read_mapping(kind: Kind, source: YamlFile, value: Any, draft: Draft) -> None:
    if not isinstance(value, dict) or not value:
        draft.nameless.add(kind.name)
        message = f"{kind.section!r} must be a mapping of names to plug-ins"
        draft.problems.append(source.problem((kind.section,), message))
        return
    if len(value) > MOST:
        draft.problems.append(source.problem((kind.section,), f"{kind.section!r} names more than {MOST} plug-ins"))
        return
    before = len(draft.problems)
    for name, written in value.items():
        if _enough(source, (kind.section, name), draft, before):
            return
        if kind.name == "target" and builds_on_another(written):
            draft.claim(kind.name, name, source, (kind.section, name))  # `fill_in` makes it when all others are read
            continue
        short = {"use": written} if isinstance(written, str) else None
        _read_entity(kind, name, source, (kind.section, name), draft, value=short)


def _read_entity(kind: Kind, name: Any, source: YamlFile, loc: Loc, draft: Draft, *, value: Any = None) -> None:
    """Read one entity: take its id and its parts', and keep it if it is whole.

    Args:
        name: its id as it is written; anything else than text is reported by validation.
        value: what is validated, if it is not what was written.
    """
    fresh = draft.claim(kind.name, name, source, loc)
    entity = validate(kind.model, source, loc, draft.problems, value=value)
    if not fresh:
        return
    draft.claim_parts(kind.model, at(source.value, loc), source, loc)
    if entity is not None:
        id = getattr(entity, "id", name)
        draft.named[kind.name].setdefault(id, (source, loc))
        draft.entities[kind.name][id] = Placed(entity, source, loc)


def _read_suites(root: Path, draft: Draft) -> None:
    facts = draft.single("facts")
    for path in sorted([*(root / "suites").glob("*.yaml"), *(root / "suites").glob("*/suite.yaml")]):
        # Broken facts are reported as such: no suite is then called blind.
        told = None if draft.broken("facts") else facts.entity if facts else ProductFacts()
        loaded = read_suite(path, draft.problems, told, root=root)
        if loaded is None:
            for name in _ids_of_broken(path, root):
                draft.named["suite"].setdefault(name, (parse_yaml("null", path), ()))
        elif draft.claim("suite", loaded.entity.id, loaded.source, ()):
            draft.entities["suite"][loaded.entity.id] = loaded


def _ids_of_broken(path: Path, root: Path) -> Iterator[str]:
    """Yield the ids a broken suite file may mean, so that what links to it is not reported too."""
    try:
        value = read_yaml(path, root).value
    except WorkspaceError:
        value = None
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        yield str(value["id"])
        return
    if isinstance(value, dict) and isinstance(value.get("use"), str):
        yield str(value["use"]).removeprefix("library:")
    yield path.parent.name if path.name == "suite.yaml" else path.stem


def _read_guards(root: Path, draft: Draft) -> None:
    """Read the guard files; the one that is used is ``guards.yaml``, the others are candidates and may use its ids."""
    said = draft.single("facts")
    facts = said.entity if said else None
    for path in sorted(root.glob("guards*.yaml")):
        if path.name == "guards.yaml":
            if placed := _guard_file(path, draft, root, facts):
                draft.entities["pipeline"][path.stem] = placed
            continue
        beside = Draft()
        if placed := _guard_file(path, beside, root, facts):
            draft.candidates.append(placed)
        draft.problems += beside.problems


def _guard_file(path: Path, draft: Draft, root: Path | None, facts: ProductFacts | None) -> Placed[GuardFile] | None:
    try:
        source = read_yaml(path, root)
    except WorkspaceError as error:
        draft.problems += error.problems
        return None
    draft.claim("pipeline", path.stem, source, ())
    draft.claim_parts(GuardFile, source.value, source, ())
    entity = validate(GuardFile, source, (), draft.problems)
    return Placed(tell(entity, facts), source, ()) if entity else None


def _policy_file(path: Path, draft: Draft, root: Path | None) -> Placed[PolicyFile] | None:
    try:
        source = read_yaml(path, root)
    except WorkspaceError as error:
        draft.problems += error.problems
        return None
    entity = validate(PolicyFile, source, (), draft.problems)
    draft.claim("policy", path.stem, source, ())
    return Placed(entity, source, ()) if entity else None

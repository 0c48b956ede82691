"""Reading a workspace: find its files, validate each entity, check the links, say everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shipworthy.core.errors import Problem, WorkspaceError, did_you_mean
from shipworthy.workspace.code import code_files, load_code
from shipworthy.workspace.draft import Draft, Placed, in_order
from shipworthy.workspace.gate import Gate
from shipworthy.workspace.guards import GuardFile
from shipworthy.workspace.journey import Journey
from shipworthy.workspace.links import check_guards, check_links
from shipworthy.workspace.nodes import YamlFile, parse_yaml, read_yaml
from shipworthy.workspace.plan import FULL, PlanSpec
from shipworthy.workspace.requirement import Requirement
from shipworthy.workspace.risk import Risk
from shipworthy.workspace.scalars import for_digest
from shipworthy.workspace.suites import read_suite
from shipworthy.workspace.system import System
from shipworthy.workspace.use import Use
from shipworthy.workspace.validate import Loc, at, validate

ROOT_FILE = "system.yaml"
FILES = ("system", "targets", "journeys", "risks", "requirements", "plans", "gate")
"""Read where they exist. Any of them may hold any section; the names are for people."""

_LISTS: Mapping[str, type[BaseModel]] = {
    "journeys": Journey, "risks": Risk, "requirements": Requirement, "plans": PlanSpec,
}  # fmt: skip
_SINGLES: Mapping[str, type[BaseModel]] = {"system": System, "gate": Gate}
SECTIONS = ("system", "targets", "include", "journeys", "risks", "requirements", "plans", "gate")


def read_workspace(root: Path, *, allow_code: bool) -> Draft:
    """Read the files of a workspace and check them; the draft holds what is wrong.

    Raises:
        WorkspaceError: the folder is no workspace at all.
    """
    if not (root / ROOT_FILE).is_file():
        what = "is no workspace: it has no system.yaml" if root.is_dir() else "there is no such folder"
        raise WorkspaceError([Problem(root, 0, what, "shipworthy init DIR --template helpdesk-rag makes one")])
    draft = Draft()
    if allow_code:
        draft.code = load_code(root, draft.problems)
    for source in _sources(root, draft):
        _read_sections(source, draft)
    _read_suites(root, draft)
    _read_guards(root, draft)
    if draft.system is None and "system" not in draft.named:
        draft.problems.append(Problem(root / ROOT_FILE, 1, "the section 'system' is missing"))
    if not draft.named.get("target") and not any(p.file.name == "targets.yaml" for p in draft.problems):
        hint = "write targets: {default: {use: openai_compatible, ...}}"
        draft.problems.append(
            Problem(root / ROOT_FILE, 1, "the section 'targets' is missing: what is to be tested?", hint)
        )
    check_links(draft, allow_code=allow_code, local={p.stem for p in code_files(root)})
    return draft


def read_guards(path: Path) -> GuardFile:
    """Read one guard file on its own, as `--guards FILE` names it.

    Raises:
        WorkspaceError: every problem in it, unknown guards and wrong parameters too.
    """
    draft = Draft()
    placed = _guard_file(path, draft)
    if placed:
        check_guards(placed, draft, known_requirements=None)
    if draft.problems or placed is None:
        raise WorkspaceError(in_order(draft.problems))
    return placed.entity


def _sources(root: Path, draft: Draft) -> Iterator[YamlFile]:
    """Yield the files with sections: the known names, then what they include (once each; an include may include)."""
    queue = [root / f"{name}.yaml" for name in FILES if (root / f"{name}.yaml").is_file()]
    seen = {path.resolve() for path in queue}
    while queue:
        path = queue.pop(0)
        try:
            source = read_yaml(path)
        except WorkspaceError as error:
            draft.problems += error.problems
            continue
        if not isinstance(source.value, dict):
            draft.problems.append(source.problem((), f"the file must hold sections: {', '.join(SECTIONS)}"))
            continue
        yield source
        for found in _included(root, source, draft):
            if found.resolve() not in seen:
                seen.add(found.resolve())
                queue.append(found)
    for path in sorted({*root.glob("*.yaml"), *root.glob("*.yml")}):
        if path.resolve() not in seen and not path.name.startswith("guards"):
            known = [f"{name}.yaml" for name in (*FILES, "guards")]
            hint = did_you_mean(path.name, known)
            hint = hint if hint.startswith("did") else "list it under 'include', or rename it"
            draft.warnings.append(Problem(path, 0, "is not read", hint))


def _included(root: Path, source: YamlFile, draft: Draft) -> Iterator[Path]:
    patterns = source.value.get("include") or []
    if not isinstance(patterns, list) or not all(isinstance(p, str) for p in patterns):
        draft.problems.append(source.problem(("include",), "'include' must be a list of files of this workspace"))
        return
    for index, pattern in enumerate(patterns):
        loc = ("include", index)
        if Path(pattern).is_absolute() or ".." in Path(pattern).parts or not pattern.strip():
            draft.problems.append(source.problem(loc, f"{pattern!r} leads out of the workspace"))
            continue
        found = sorted(path for path in root.glob(pattern) if path.is_file())
        if not found and not any(c in pattern for c in "*?["):
            draft.problems.append(source.problem(loc, f"there is no file {pattern!r}", "paths start at the workspace"))
        yield from found


def _read_sections(source: YamlFile, draft: Draft) -> None:
    for section, value in source.value.items():
        if section == "include":
            continue
        if section not in SECTIONS:
            draft.problems.append(
                source.problem((section,), f"unknown section {section!r}", did_you_mean(section, SECTIONS))
            )
        elif section == "targets":
            _read_targets(source, value, draft)
        elif section in _SINGLES:
            _read_single(section, source, draft)
        elif not isinstance(value, list):
            if value is not None:
                draft.problems.append(source.problem((section,), f"{section!r} must be a list"))
        else:
            _read_list(section, source, value, draft)


def _read_single(section: str, source: YamlFile, draft: Draft) -> None:
    if section in draft.named:
        draft.problems.append(source.problem((section,), f"the section {section!r} is written twice"))
        return
    draft.named[section] = {}
    entity = validate(_SINGLES[section], source, (section,), draft.problems)
    if isinstance(entity, System):
        draft.system = Placed(entity, source, (section,))
    elif isinstance(entity, Gate):
        draft.gate = Placed(entity, source, (section,))
        draft.resolved["gate"] = for_digest(source.value[section])


def _read_list(section: str, source: YamlFile, value: list[Any], draft: Draft) -> None:
    kind, found = section.removesuffix("s"), getattr(draft, section)
    for index in range(len(value)):
        loc: Loc = (section, index)
        name = at(source.value, (*loc, "id"))
        fresh = draft.claim(kind, name, source, loc)
        if kind == "plan" and name == FULL:
            hint = "it always exists and covers everything"
            draft.problems.append(source.problem((*loc, "id"), "the plan id 'full' is taken", hint))
        entity = validate(_LISTS[section], source, loc, draft.problems)
        if entity is None or not fresh:
            continue
        found[entity.id] = Placed(entity, source, loc)  # type: ignore[attr-defined]
        if section in ("requirements", "plans"):
            draft.resolved.setdefault(section, []).append(for_digest(value[index]))


def _read_targets(source: YamlFile, value: Any, draft: Draft) -> None:
    if not isinstance(value, dict) or not value:
        draft.problems.append(source.problem(("targets",), "'targets' must be a mapping of names to plug-ins"))
        return
    for name, written in value.items():
        loc: Loc = ("targets", name)
        if draft.claim("target", name, source, loc):
            use = validate(
                Use, source, loc, draft.problems, value={"use": written} if isinstance(written, str) else None
            )
            if use:
                draft.targets[name] = Placed(use, source, loc)


def _read_suites(root: Path, draft: Draft) -> None:
    for path in sorted([*(root / "suites").glob("*.yaml"), *(root / "suites").glob("*/suite.yaml")]):
        loaded = read_suite(path, draft.problems)
        if loaded is None:
            draft.named.setdefault("suite", {}).setdefault(_id_of_broken(path), (parse_yaml("null", path), ()))
        elif draft.claim("suite", loaded.suite.id, loaded.source, ()):
            draft.suites[loaded.suite.id] = loaded


def _id_of_broken(path: Path) -> str:
    """Return the id a broken suite file probably means, so that what links to it is not reported too."""
    try:
        value = read_yaml(path).value
    except WorkspaceError:
        value = None
    if isinstance(value, dict) and isinstance(value.get("id"), str):
        return str(value["id"])
    if isinstance(value, dict) and isinstance(value.get("use"), str):
        return str(value["use"]).removeprefix("library:")
    return path.parent.name if path.name == "suite.yaml" else path.stem


def _read_guards(root: Path, draft: Draft) -> None:
    for path in sorted(root.glob("guards*.yaml")):
        if placed := _guard_file(path, draft):
            draft.guard_files.append(placed)
            if path.name == "guards.yaml":
                draft.guards = placed


def _guard_file(path: Path, draft: Draft) -> Placed[GuardFile] | None:
    try:
        source = read_yaml(path)
    except WorkspaceError as error:
        draft.problems += error.problems
        return None
    entity = validate(GuardFile, source, (), draft.problems)
    return Placed(entity, source, ()) if entity else None

"""Reading suites: from a folder, from one file, from the library with changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from shipworthy.core.digests import bytes_digest, digest
from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.records import Sample
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.samples import decode_samples, read_samples, yaml_rows
from shipworthy.workspace.scalars import for_digest
from shipworthy.workspace.suite import LibrarySuiteUse, Suite, SuiteFile
from shipworthy.workspace.taxonomies import ref_problem
from shipworthy.workspace.validate import validate

LIBRARY = Path(__file__).parent.parent / "library" / "suites"
SCHEMA = 1
"""Of the digest: raised when the same YAML starts to mean something else."""

_NOT_HASHED = ("use", "samples", "card", "title", "license", "refs")
"""What no result depends on, or what is hashed by content."""


class Loaded(NamedTuple):
    """A suite with the file it was read from and the paths in it, for the errors of later checks."""

    suite: Suite
    source: YamlFile
    base: YamlFile
    """The library's file, for a suite of the library; `source` otherwise."""

    def place(self, *loc: str | int) -> tuple[YamlFile, tuple[str | int, ...]]:
        """Return the file and path of a key: the workspace's own file where it has the key."""
        own = isinstance(self.source.value, dict) and loc and loc[0] in self.source.value
        return (self.source if own else self.base), loc


def library_suites() -> tuple[str, ...]:
    """Return the ids of the suites that come with shipworthy."""
    return tuple(sorted(path.parent.name for path in LIBRARY.glob("*/suite.yaml")))


def library_suite(name: str) -> Suite:
    """Load one suite of the library.

    Raises:
        UsageError: there is none of that name.
        WorkspaceError: its files are wrong.
    """
    if name not in library_suites():
        raise UsageError(f"the library has no suite {name!r}: {did_you_mean(name, library_suites())}")
    return load_suite(LIBRARY / name / "suite.yaml")


def load_suite(path: Path) -> Suite:
    """Load one suite file on its own, or a folder that holds ``suite.yaml``.

    Raises:
        WorkspaceError: every problem of its files.
    """
    problems: list[Problem] = []
    loaded = read_suite(path / "suite.yaml" if path.is_dir() else path, problems)
    if problems or loaded is None:
        raise WorkspaceError(sorted(set(problems), key=lambda p: (str(p.file), p.line)))
    return loaded.suite


def read_suite(path: Path, problems: list[Problem]) -> Loaded | None:
    """Read a suite file; what is wrong is appended to `problems`."""
    try:
        source = read_yaml(path)
    except WorkspaceError as error:
        problems += error.problems
        return None
    if isinstance(source.value, dict) and "use" in source.value:
        return _from_library(source, problems)
    return _own(source, problems)


def _own(source: YamlFile, problems: list[Problem]) -> Loaded | None:
    spec = validate(SuiteFile, source, (), problems)
    if spec is None:
        return None
    samples, raw = _samples(spec, source, problems)
    if not samples and not any(p.file.parent == source.file.parent for p in problems):
        problems.append(source.problem(("samples",), "the suite has no samples"))
    for index, ref in enumerate(spec.refs):
        if wrong := ref_problem(ref):
            problems.append(source.problem(("refs", index), *wrong))
    suite = Suite(
        id=spec.id, version=spec.version, title=spec.title, content=spec.content, metric=spec.metric,
        scorers=spec.scorers, attacks=spec.attacks, attempts=spec.attempts, max_error_rate=spec.max_error_rate,
        icc=spec.icc, refs=spec.refs, license=spec.license, samples=tuple(samples),
        card=_card(spec, source, problems), digest=_digest(source.value, raw),
    )  # fmt: skip
    return Loaded(suite, source, source)


def _from_library(source: YamlFile, problems: list[Problem]) -> Loaded | None:
    change = validate(LibrarySuiteUse, source, (), problems)
    if change is None:
        return None
    if change.library_id not in library_suites():
        hint = did_you_mean(change.library_id, library_suites())
        problems.append(source.problem(("use",), f"the library has no suite {change.library_id!r}", hint))
        return None
    base = read_yaml(LIBRARY / change.library_id / "suite.yaml")
    merged = base.value | {key: value for key, value in source.value.items() if key != "use"}
    spec = validate(SuiteFile, base, (), problems, value=merged)
    if spec is None:
        return None
    samples, raw = _samples(spec, base, problems)
    suite = Suite(
        id=spec.id, version=spec.version, title=spec.title, content=spec.content, metric=spec.metric,
        scorers=spec.scorers, attacks=spec.attacks, attempts=spec.attempts, max_error_rate=spec.max_error_rate,
        icc=spec.icc, refs=spec.refs, license=spec.license, samples=tuple(samples),
        card=_card(spec, base, problems), digest=_digest(merged, raw),
    )  # fmt: skip
    return Loaded(suite, source, base)


def _samples(spec: SuiteFile, source: YamlFile, problems: list[Problem]) -> tuple[list[Sample], list[bytes]]:
    folder = source.file.parent
    if isinstance(spec.samples, tuple):
        return decode_samples(yaml_rows(source, ("samples",)), source.file, problems)
    if isinstance(spec.samples, str):
        path = folder / spec.samples
        if not path.is_file():
            problems.append(
                source.problem(("samples",), f"there is no file {spec.samples!r} beside {source.file.name}")
            )
            return [], []
        return read_samples(path, problems)
    for name in ("samples.jsonl", "samples.yaml"):
        if (folder / name).is_file():
            return read_samples(folder / name, problems)
    hint = "put samples.jsonl beside it, or list them under 'samples'"
    problems.append(source.problem((), "the suite has no samples", hint))
    return [], []


def _card(spec: SuiteFile, source: YamlFile, problems: list[Problem]) -> str:
    path = source.file.parent / spec.card
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        if "card" in source.value:
            problems.append(
                source.problem(("card",), f"the card {spec.card!r} cannot be read beside {source.file.name}")
            )
        return ""


def _digest(written: Mapping[str, Any], raw: list[bytes]) -> str:
    kept = {key: value for key, value in written.items() if key not in _NOT_HASHED}
    return digest({"schema": SCHEMA, "suite": for_digest(kept), "samples": [bytes_digest(row) for row in raw]})

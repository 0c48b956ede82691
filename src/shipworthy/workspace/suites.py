"""Reading suites: from a folder, from one file, from the library with changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.credentials import is_reference
from shipworthy.core.digests import bytes_digest, canonical, digest
from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.records import Sample
from shipworthy.workspace.draft import Placed
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.fit import fit, fit_scorers, unseen
from shipworthy.workspace.inside import check_inside
from shipworthy.workspace.kinds.facts import Facts
from shipworthy.workspace.kinds.suite import LibrarySuiteUse, SuiteFacts, SuiteFile
from shipworthy.workspace.library import LIBRARY, library_suites
from shipworthy.workspace.meaning import meaning
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.samples import decode_samples, read_samples, yaml_rows
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.validate import validate

SCHEMA = 1
"""Of the digest: raised when the same YAML starts to mean something else."""


@dataclass
class Loaded(Placed[Suite]):
    """A suite with the file it was read from and the paths in it, for the errors of later checks.

    Attributes:
        spec: the suite as it is declared, the library's keys filled in.
        base: the library's file, for a suite of the library; `source` otherwise.
        merged: the text of `spec`.
    """

    spec: SuiteFile
    base: YamlFile
    merged: Mapping[str, Any]

    @property
    def declared(self) -> SuiteFile:
        return self.spec

    @property
    def written(self) -> Any:
        return {key: value for key, value in self.merged.items() if key != "samples"}  # they are in `Suite.digest`

    @property
    def files(self) -> tuple[Path, ...]:
        """The files it was read from: its own, the library's, the samples and the card."""
        samples = _samples_file(self.spec, self.base.file.parent)
        card = self.base.file.parent / self.spec.card
        beside = (path for path in (samples, card) if path is not None and path.is_file())
        return tuple(dict.fromkeys((self.source.file, self.base.file, *beside)))

    def place(self, *loc: str | int) -> tuple[YamlFile, Loc]:
        """Return the file and path of a key: the workspace's own file where it has the key."""
        own = not loc or loc[0] == "id" or loc[0] in self.source.value or loc[0] not in self.base.value
        return (self.source if own else self.base), loc


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
    file = path / "suite.yaml" if path.is_dir() else path
    loaded = read_suite(file, problems, root=file.parent)
    if problems or loaded is None:
        raise WorkspaceError(sorted(set(problems), key=lambda p: (str(p.file), p.line)))
    return loaded.entity


def read_suite(
    path: Path, problems: list[Problem], facts: Facts | None = None, *, root: Path | None = None
) -> Loaded | None:
    """Read a suite file; what is wrong is appended to `problems`.

    Args:
        facts: of the product that the suite is to be fitted to; as it was written if left out.
        root: the folder that it and all that it names must lie in; as for `read_yaml`.
    """
    try:
        source = read_yaml(path, root)
    except WorkspaceError as error:
        problems += error.problems
        return None
    if isinstance(source.value, dict) and "use" in source.value:
        return _from_library(source, problems, facts)
    return _own(source, problems, facts, root)


def _own(source: YamlFile, problems: list[Problem], facts: Facts | None, root: Path | None) -> Loaded | None:
    spec = validate(SuiteFile, source, (), problems)
    if spec is None:
        return None
    return _loaded(spec, source, source, source.value, problems, facts=facts, root=root)


def _from_library(source: YamlFile, problems: list[Problem], facts: Facts | None) -> Loaded | None:
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
    return _loaded(spec, source, base, merged, problems, facts=facts, root=None)


def _loaded(
    spec: SuiteFile,
    source: YamlFile,
    base: YamlFile,
    merged: Mapping[str, Any],
    problems: list[Problem],
    *,
    facts: Facts | None,
    root: Path | None,
) -> Loaded:
    samples, raw = _samples(spec, base, problems, root)
    if facts is not None and spec.facts is not None:
        message, hint = unseen(spec.facts, facts)
        written = samples
        samples, raw = _fitted(spec.facts, samples, raw, facts)
        if message:
            problems.append(source.problem(("use",) if source is not base else ("facts",), message, hint))
            # So that it is not said of every sample again that it has nothing to look for.
            samples = [msgspec.structs.replace(s, secrets=w.secrets) for s, w in zip(samples, written, strict=True)]
    hidden = tuple(dict.fromkeys((*(facts.references if facts else ()), *_references(samples))))
    if not samples and not any(p.file.parent == base.file.parent for p in problems):
        problems.append(base.problem(("samples",), "the suite has no samples"))
    suite = Suite(
        id=spec.id, version=spec.version, title=spec.title, content="private" if hidden else spec.content,
        metric=spec.metric, scorers=fit_scorers(spec.scorers, facts), attacks=spec.attacks,
        attempts=spec.attempts, max_error_rate=spec.max_error_rate,
        icc=spec.icc, refs=spec.refs, license=spec.license, samples=tuple(samples),
        card=_card(spec, base, problems, root), hidden=hidden, digest=_digest(merged, raw),
    )  # fmt: skip
    loaded = Loaded(suite, source, (), spec, base, merged)
    problems += loaded.taxonomy_problems()
    return loaded


def _fitted(
    needs: SuiteFacts, samples: list[Sample], raw: list[bytes], facts: Facts
) -> tuple[list[Sample], list[bytes]]:
    """Return the samples as they are asked of the product, and what of them is hashed."""
    fitted = fit(needs, samples, facts)
    hashed = [
        row if new == old else canonical(msgspec.to_builtins(new))
        for row, old, new in zip(raw, samples, fitted, strict=True)
    ]
    return fitted, hashed


def _references(samples: list[Sample]) -> list[str]:
    return [secret for sample in samples for secret in sample.secrets if is_reference(secret)]


def _samples(
    spec: SuiteFile, source: YamlFile, problems: list[Problem], root: Path | None
) -> tuple[list[Sample], list[bytes]]:
    folder = source.file.parent
    if isinstance(spec.samples, tuple):
        return decode_samples(yaml_rows(source, ("samples",)), source.file, problems)
    if (path := _samples_file(spec, folder)) is not None:
        if path.is_file():
            return read_samples(path, problems, root)
        problems.append(source.problem(("samples",), f"there is no file {spec.samples!r} beside {source.file.name}"))
        return [], []
    hint = "put samples.jsonl beside it, or list them under 'samples'"
    problems.append(source.problem((), "the suite has no samples", hint))
    return [], []


def _samples_file(spec: SuiteFile, folder: Path) -> Path | None:
    """Return the file of a suite's samples, there or not; None where they are in the suite's own, or nowhere."""
    if spec.samples is not None:
        return folder / spec.samples if isinstance(spec.samples, str) else None
    return next((path for name in ("samples.jsonl", "samples.yaml") if (path := folder / name).is_file()), None)


def _card(spec: SuiteFile, source: YamlFile, problems: list[Problem], root: Path | None) -> str:
    path = source.file.parent / spec.card
    try:
        check_inside(path, root)
        return path.read_text(encoding="utf-8")
    except WorkspaceError as error:
        problems += error.problems
    except (OSError, UnicodeDecodeError):
        if "card" in source.value:
            problems.append(
                source.problem(("card",), f"the card {spec.card!r} cannot be read beside {source.file.name}")
            )
    return ""


def _digest(merged: Mapping[str, Any], raw: list[bytes]) -> str:
    suite = meaning(SuiteFile, merged)
    return digest({"schema": SCHEMA, "suite": suite, "samples": [bytes_digest(row) for row in raw]})

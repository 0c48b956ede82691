"""Reading suites: from a folder, from one file, from the library with changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.core.credentials import is_reference
from shipworthy.core.digests import PREFIX, canonical
from shipworthy.core.errors import Problem, UsageError, WorkspaceError, did_you_mean
from shipworthy.core.records import Sample
from shipworthy.workspace.draft import Placed
from shipworthy.workspace.fields import Loc
from shipworthy.workspace.fit import fit, fit_scorers, unseen
from shipworthy.workspace.held_back import hold_back
from shipworthy.workspace.inside import read_inside
from shipworthy.workspace.kinds.facts import ProductFacts
from shipworthy.workspace.kinds.suite import LibrarySuiteUse, SuiteFile
from shipworthy.workspace.library import LIBRARY, library_suites
from shipworthy.workspace.meaning import meaning
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.review import read_review, review_file, standing
from shipworthy.workspace.samples import Origins, decode_samples, read_samples, yaml_rows
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
        review = review_file(self.source.file)
        beside = (path for path in (samples, card, review) if path is not None and _is_file(path))
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
    return loaded_suite(path).entity


def loaded_suite(path: Path) -> Loaded:
    """Load as `load_suite` does, and return what the files say beside the suite."""
    problems: list[Problem] = []
    file = path / "suite.yaml" if path.is_dir() else path
    loaded = read_suite(file, problems, root=file.parent)
    if problems or loaded is None:
        raise WorkspaceError(sorted(set(problems), key=lambda p: (str(p.file), p.line)))
    return loaded


def read_suite(
    path: Path, problems: list[Problem], facts: ProductFacts | None = None, *, root: Path | None = None
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


def _own(source: YamlFile, problems: list[Problem], facts: ProductFacts | None, root: Path | None) -> Loaded | None:
    spec = validate(SuiteFile, source, (), problems)
    if spec is None:
        _samples_all_the_same(source, problems, root)
        return None
    return _loaded(spec, source, source, source.value, problems, facts=facts, root=root)


def _from_library(source: YamlFile, problems: list[Problem], facts: ProductFacts | None) -> Loaded | None:
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
    facts: ProductFacts | None,
    root: Path | None,
) -> Loaded:
    private = spec.content == "private" or bool(facts and facts.references)
    samples, origins, file = _samples(spec, base, problems, root, private=private)
    if spec.strata and samples:
        samples = _of_strata(spec, source, samples, origins, problems)
    words = read_review(review_file(source.file), problems)
    said = standing(words, dict(zip((s.id for s in samples), origins, strict=True))) if words else {}
    rejected = frozenset(id for id, word in said.items() if word.status == "rejected")
    samples, left_out, sealed = hold_back(samples, origins, spec.part, rejected)
    reviewed = sum(sample.id in said for sample in samples)
    if facts is not None and spec.facts is not None:
        message, hint = unseen(spec.facts, facts)
        written, samples = samples, fit(spec.facts, samples, facts)
        for index, (old, new) in enumerate(zip(written, samples, strict=True)):
            if new != old:
                origins.change(index, new)
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
        card=_card(spec, base, problems, root), hidden=hidden, digest=_digest(merged, origins),
        part=(spec.part or "visible") if sealed else "", sealed=sealed, left_out=left_out, reviewed=reviewed,
        source=file, lines=origins.lines,
    )  # fmt: skip
    loaded = Loaded(suite, source, (), spec, base, merged)
    problems += loaded.taxonomy_problems()
    return loaded


def _of_strata(
    spec: SuiteFile, source: YamlFile, samples: list[Sample], origins: Origins, problems: list[Problem]
) -> list[Sample]:
    """Return the samples of the strata that a suite names; `origins` is cut down to them."""
    there = [{tag.removeprefix("stratum:") for tag in one.tags if tag.startswith("stratum:")} for one in samples]
    known = set().union(*there)
    for index, name in enumerate(spec.strata):
        if name not in known:
            hint = did_you_mean(name, sorted(known)) if known else "tag samples with stratum:NAME"
            problems.append(source.problem(("strata", index), f"no sample is of the stratum {name!r}", hint))
    kept = [index for index, names in enumerate(there) if names & set(spec.strata)]
    origins.keep(kept)
    return [samples[index] for index in kept]


def _references(samples: list[Sample]) -> list[str]:
    return list(dict.fromkeys(secret for sample in samples for secret in sample.secrets if is_reference(secret)))


def _samples(
    spec: SuiteFile, source: YamlFile, problems: list[Problem], root: Path | None, *, private: bool
) -> tuple[list[Sample], Origins, Path]:
    """Return the samples, where they come from, and the file that they stand in."""
    if isinstance(spec.samples, tuple):
        rows = yaml_rows(source, ("samples",))
        return *decode_samples(rows, source.file, problems, private=private), source.file
    path = _samples_file(spec, source.file.parent)
    if path is not None and _is_file(path):
        return *read_samples(path, problems, root, private=private), path
    if isinstance(spec.samples, str):
        said = f"there is no file {spec.samples[:60]!r} beside {source.file.name}"
        problems.append(source.problem(("samples",), said))
    else:
        hint = "put samples.jsonl beside it, or list them under 'samples'"
        problems.append(source.problem((), "the suite has no samples", hint))
    return [], Origins(), source.file


def _samples_all_the_same(source: YamlFile, problems: list[Problem], root: Path | None) -> None:
    """Say what is wrong with the file of samples beside a suite that is wrong itself: all of it in one wave."""
    value = source.value if isinstance(source.value, dict) else {}
    named = value.get("samples")
    if named is not None and not isinstance(named, str):
        return
    path = _beside(named, source.file.parent)
    if path is not None and _is_file(path):
        read_samples(path, problems, root, private=value.get("content") != "synthetic")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _samples_file(spec: SuiteFile, folder: Path) -> Path | None:
    """Return the file of a suite's samples, there or not; None where they are in the suite's own, or nowhere."""
    return None if isinstance(spec.samples, tuple) else _beside(spec.samples, folder)


def _beside(named: str | None, folder: Path) -> Path | None:
    if named is not None:
        return folder / named
    return next((path for name in ("samples.jsonl", "samples.yaml") if _is_file(path := folder / name)), None)


def _card(spec: SuiteFile, source: YamlFile, problems: list[Problem], root: Path | None) -> str:
    path = source.file.parent / spec.card
    try:
        return read_inside(path, root).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except WorkspaceError as error:
        problems += error.problems
    except (OSError, UnicodeDecodeError):
        if "card" in source.value:
            problems.append(
                source.problem(("card",), f"the card {spec.card!r} cannot be read beside {source.file.name}")
            )
    return ""


def _digest(merged: Mapping[str, Any], origins: Origins) -> str:
    """Return the digest of ``{"samples": [...], "schema": ..., "suite": ...}``, as `core.digests.digest` gives it.

    The list is never made: of a million samples it would take more memory than they do.
    """
    state, between = sha256(b'{"samples":['), b""
    for written in origins:
        state.update(b'%s"%s"' % (between, written.encode()))
        between = b","
    state.update(b'],"schema":%d,"suite":%s}' % (SCHEMA, canonical(meaning(SuiteFile, merged))))
    return PREFIX + state.hexdigest()

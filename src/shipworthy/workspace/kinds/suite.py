"""A suite as it is written: in a file of its own, or as a change of one of the library's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from shipworthy.core.errors import MissingExtra
from shipworthy.workspace.check_reference import check_reference
from shipworthy.workspace.fields import NUMBER, Entity, Rate, Slug, TaxonomyRef, Text, Title, Unhashed, Word
from shipworthy.workspace.held_back import SealedPart
from shipworthy.workspace.judges import declared_metrics, written_metric
from shipworthy.workspace.kind import kind
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.parameters import build
from shipworthy.workspace.use import Use, Uses

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft
    from shipworthy.workspace.graph import Graph
    from shipworthy.workspace.suite import Suite
    from shipworthy.workspace.suites import Loaded


MOST = 200
"""Scorers or attacks of one suite: each is looked up and built to be checked."""


def _check(loaded: Loaded, draft: Draft, graph: Graph) -> None:
    """Check the language against the product's, and twins in other suites, written ``suite/id``."""
    facts, language = draft.single("facts"), loaded.spec.language
    if facts and language and facts.entity.languages and language not in facts.entity.languages:
        spoken = ", ".join(facts.entity.languages)
        message = f"the suite is written in {language!r}, and the product speaks {spoken}: see facts.languages"
        draft.warnings.append(loaded.problem(("id",), message))
    said = facts.entity.references if facts else ()
    for reference in loaded.entity.hidden:
        if reference not in said:
            check_reference(loaded, ("samples",), reference, draft)
    ids: dict[str, set[str]] = {}
    for sample in loaded.entity.samples:
        name, slash, twin = sample.twin.partition("/")
        other = draft.suite(name)
        if not slash or (other is None and name in draft.named["suite"]):
            continue
        what = f"the twin {sample.twin!r} of the sample {sample.id!r}"
        if other is not None:
            if name not in ids:
                ids[name] = {sample.id for sample in other.samples} | other.left_out
            if twin not in ids[name]:
                draft.problems.append(loaded.base.problem(("samples",), f"{what} does not exist"))
        elif name not in library_suites():
            draft.problems.append(loaded.base.problem(("samples",), f"{what} is in no suite of this workspace"))


def _content(suite: Suite) -> dict[str, Any]:
    """Return what of a suite a run depends on.

    Its digest stands for all of it. What decides is written out beside it, so that a verifier who has the specification
    alone can hold a run's manifest to it: whoever says in a manifest which way a metric is good, or how many errors a
    suite allows, could say what suits him.
    """
    built = [_built(use) for use in suite.scorers]
    pairs = [(use, scorer) for use, scorer in zip(suite.scorers, built, strict=True) if scorer is not None]
    metrics = {metric.name: metric for use, scorer in pairs for metric in declared_metrics(use, scorer)}
    return {
        "digest": suite.digest,
        "scorers": [
            {"scorer": use.name} if scorer is None else dict(scorer.describe())
            for use, scorer in zip(suite.scorers, built, strict=True)
        ],
        "content": suite.content,
        "metric": suite.metric,
        "metrics": [written_metric(metric) for metric in metrics.values()],
        "max_error_rate": suite.max_error_rate,
        "samples": len(suite.samples),
        "clusters": len({hash(sample.cluster or sample.id) for sample in suite.samples}),  # 8 bytes each, not the words
        "attacks": [use.name for use in suite.attacks],
        "attempts": suite.attempts,
    }


def _built(use: Use) -> Any:
    """Return a scorer; None if what it needs is not installed: then it cannot have scored anything here."""
    try:
        return build("scorer", use)
    except MissingExtra:
        return None


def _missing(name: str) -> str:
    return f"add suites/{name}.yaml with 'use: library:{name}'" if name in library_suites() else ""


class SuiteFacts(Entity):
    """What of the product a suite's samples were written with; the workspace's own facts take its place.

    Attributes:
        secret: the word by which the samples call the secret; they then look for every secret of the product.
        personal_data: whether they look for the personal data of everybody but the asker.
        people: id -> name of the people who ask and are named.
        persona: the name by which they call the product.
    """

    secret: Word | None = None
    personal_data: bool = False
    people: dict[str, str] = Field(default_factory=dict)
    persona: Word | None = None


@kind("suite", written="file", enters="linked", check=_check, content=_content, missing=_missing)
class SuiteFile(Entity):
    """``suite.yaml``, or a file under ``suites/`` that defines a suite.

    Attributes:
        content: ``synthetic`` text may be kept whole; ``private`` text is redacted before it is stored.
        metric: the main one, for criteria that name none.
        attempts: of each sample and attack.
        max_error_rate: the share of attempts that may lack a score, by an error or because a scorer gave none, in
            [0, 1]; above it a criterion does not pass.
        icc: planned correlation of attempts within a cluster, in [0, 1]; sample sizes are worked out with it.
        samples: a file beside this one, or the samples themselves; ``samples.jsonl`` or ``samples.yaml`` if left out.
        strata: only the samples with one of these words behind ``stratum:`` in their tags; all if left out.
        card: a markdown file beside this one; ``card.md`` if left out.
        language: that its samples are written in, as an ISO 639-1 code.
        part: ``sealed`` for the samples that are tagged ``part:sealed``, which are for release decisions alone; the
            others if left out.
        facts: of the product that its samples name; left out where they hold for any.
    """

    id: Slug
    version: Word
    title: Title
    content: Literal["synthetic", "private"]
    metric: Word
    scorers: Uses = Field(min_length=1, max_length=MOST)
    attacks: Annotated[Uses, Field(max_length=MOST)] = (Use(use="none"),)
    attempts: Annotated[int, NUMBER, Field(ge=1, le=10_000)] = 1
    max_error_rate: Rate = 0.02
    icc: Rate = 0.3
    samples: Annotated[str | tuple[object, ...] | None, Unhashed("the samples themselves are hashed")] = None
    strata: tuple[Slug, ...] = ()
    card: Text = "card.md"
    refs: tuple[TaxonomyRef, ...] = ()
    license: Text = ""
    language: Word | None = None
    part: SealedPart | None = None
    facts: SuiteFacts | None = None


class LibrarySuiteUse(Entity):
    """A file under ``suites/`` that takes a suite of the library, and what it changes in it."""

    use: Annotated[str, Field(pattern=r"^library:[a-z0-9][a-z0-9._-]*$")]
    id: Slug | None = None
    scorers: Annotated[Uses, Field(max_length=MOST)] | None = None
    attacks: Annotated[Uses, Field(max_length=MOST)] | None = None
    attempts: Annotated[int, NUMBER, Field(ge=1, le=10_000)] | None = None
    max_error_rate: Rate | None = None
    icc: Rate | None = None
    strata: tuple[Slug, ...] | None = None
    part: SealedPart | None = None

    @property
    def library_id(self) -> str:
        """The id of the library's suite."""
        return self.use.removeprefix("library:")

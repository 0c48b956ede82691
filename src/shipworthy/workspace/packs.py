"""Policy packs: what an organisation asks of every product, in a file that a workspace inherits by its path.

A pack is a floor. A workspace may ask more of itself, and what it asks less of is a problem, with the place in both
files: so nothing is measured, and nothing decided, on files that loosen what they inherit. A pack adds nothing to a
workspace, whose own files hold all that a decision rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from shipworthy.core import condition
from shipworthy.core.digests import file_digest
from shipworthy.core.errors import Problem, WorkspaceError
from shipworthy.core.severity import worse
from shipworthy.workspace.fields import NUMBER, Count, Entity, Id, Rate, Severity, Text, Title, Word
from shipworthy.workspace.kinds.gate import Gate
from shipworthy.workspace.nodes import YamlFile, read_yaml
from shipworthy.workspace.validate import validate

if TYPE_CHECKING:
    from shipworthy.workspace.draft import Draft, Placed
    from shipworthy.workspace.fields import Loc

INHERITS = "inherits"
"""The key of ``system.yaml``, and of a pack, that lists packs: paths that start at the file's own folder."""
MOST = 20
"""Packs that a workspace may inherit, directly or through others."""

Tier = Literal["low", "medium", "high"]
TIERS: tuple[Tier, ...] = ("low", "medium", "high")


class PackHead(Entity):
    """What a pack is called, and whose it is."""

    id: Annotated[str, Id("PP")]
    title: Title
    owner: Text = ""
    version: Text = ""


class PackCriterion(Entity):
    """A test that a product must have: on the same suite and metric, at least as strict.

    Attributes:
        metric: the suite's main metric if left out.
        tiers: of the products that it is asked of; all if left out.
    """

    id: Word
    suite: Word
    metric: Word = ""
    must: Word
    severity: Severity = "S3"
    min_clusters: Annotated[int, NUMBER, Field(ge=1)] = 1
    tiers: tuple[Tier, ...] = TIERS
    text: Text = ""

    @field_validator("must")
    @classmethod
    def _must(cls, value: str) -> str:
        return condition.parse(value).text


class PackGate(Entity):
    """What any gate must keep to: as in ``gate.yaml``; what is left out is not asked for."""

    max_error_rate: Rate | None = None
    bound: Literal["gaffke", "proved"] | None = None
    fresh: bool = False


class PackTier(Entity):
    """What a release of a tier takes at least: as in ``tiers.yaml``."""

    id: Tier
    approvals: Count = 1
    evidence_days: Count | None = None
    accepts: Severity | None = None
    preregistered: bool = False
    artefacts: tuple[Word, ...] = ()


class PackWaivers(Entity):
    """What may be accepted at most.

    Attributes:
        ceiling: the worst severity of a waiver; left out, the tier's own rule holds.
        days: how long one may run.
    """

    ceiling: Severity | None = None
    days: Count | None = None


class PackRights(Entity):
    """The worst severity up to which any role of a product may decide; left out, nothing is asked."""

    approve: Severity | None = None
    override: Severity | None = None
    accept: Severity | None = None


class PackGuard(Entity):
    """A guard that must be in force: a rule of ``guards.yaml`` that uses it."""

    use: Word
    on_error: Literal["tighten", "block"] | None = None
    tiers: tuple[Tier, ...] = TIERS


class PackLevers(Entity):
    """What containment must be there."""

    least: Count = 1
    every_days: Count | None = None
    tiers: tuple[Tier, ...] = TIERS


class PolicyPack(Entity):
    """One file of a policy pack."""

    pack: PackHead
    inherits: tuple[Word, ...] = ()
    criteria: tuple[PackCriterion, ...] = ()
    gate: PackGate = PackGate()
    tiers: tuple[PackTier, ...] = ()
    waivers: PackWaivers = PackWaivers()
    rights: PackRights = PackRights()
    guards: tuple[PackGuard, ...] = ()
    levers: PackLevers | None = None


class InheritedPack(NamedTuple):
    """A pack that a workspace inherits, with its file; `sha256` is of its bytes."""

    pack: PolicyPack
    source: YamlFile
    sha256: str

    def at(self, *loc: str | int) -> str:
        """Return ``file:line`` of a place in it."""
        return f"{self.source.file}:{self.source.line(loc)}"


def inherited(sources: Sequence[YamlFile], root: Path, problems: list[Problem]) -> list[InheritedPack]:
    """Read the packs that the files of a workspace inherit, those that they inherit in turn, too, each once.

    A path may lead out of the workspace, and not out of the git repository that it lies in: what a pack says ends in
    messages, so it must not be a way to other files of whoever runs this.
    """
    around = next((folder for folder in (root.resolve(), *root.resolve().parents) if (folder / ".git").exists()), root)
    found: dict[Path, InheritedPack] = {}
    queue: list[tuple[YamlFile, Any]] = [(one, one.value[INHERITS]) for one in sources if INHERITS in one.value]
    while queue:
        source, said = queue.pop(0)
        if not isinstance(said, list) or not all(isinstance(path, str) for path in said):
            problems.append(
                source.problem((INHERITS,), "'inherits' must be a list of files, such as ../policy/ai.yaml")
            )
            continue
        for index, name in enumerate(said):
            path = Path(normpath(source.file.parent / name))
            if path in found:
                continue
            if len(found) >= MOST:
                problems.append(source.problem((INHERITS, index), f"more than {MOST} policy packs are inherited"))
                break
            if (read := _read(source, index, path, around, problems)) is not None:
                found[path] = read
                queue.append((read.source, list(read.pack.inherits)))
    return list(found.values())


def _read(source: YamlFile, index: int, path: Path, around: Path, problems: list[Problem]) -> InheritedPack | None:
    loc = (INHERITS, index)
    if not path.resolve().is_relative_to(around.resolve()) or path.suffix not in (".yaml", ".yml"):
        hint = "it must be a YAML file in the workspace, or in the git repository that the workspace lies in"
        problems.append(source.problem(loc, "no policy pack is read from there", hint))
        return None
    if not path.exists():
        problems.append(
            source.problem(loc, f"there is no file {path.name!r} there", "paths start at this file's folder")
        )
        return None
    try:
        found = read_yaml(path, around)
    except WorkspaceError as error:
        problems += error.problems
        return None
    pack = validate(PolicyPack, found, (), problems)
    return InheritedPack(pack, found, file_digest(path)) if pack is not None else None


def check_packs(draft: Draft) -> None:
    """Append a problem for each thing that a workspace loosens of what it inherits."""
    system = draft.single("system")
    if system is None:
        return
    for one in draft.packs:
        draft.problems += _Loosened(draft, one, system).all()


class _Loosened:
    def __init__(self, draft: Draft, inherits: InheritedPack, system: Placed[Any]) -> None:
        self._draft, self._inherits, self._pack, self._system = draft, inherits, inherits.pack, system
        self._tier: Tier = system.entity.tier

    def all(self) -> list[Problem]:
        return [
            *self._criteria(), *self._gate(), *self._tiers(), *self._waivers(), *self._rights(), *self._guards(),
            *self._levers(),
        ]  # fmt: skip

    def _say(self, placed: Placed[Any] | None, loc: Loc, message: str, *asked: str | int) -> Problem:
        hint = f"{self._pack.pack.id} asks for it: {self._inherits.at(*asked)}; a product may tighten it, never loosen"
        return (placed or self._system).problem(loc if placed else (), message, hint)

    def _criteria(self) -> Iterator[Problem]:
        gate = self._draft.single("gate")
        selects = (gate.entity if gate is not None else Gate()).selects
        for number, floor in enumerate(self._pack.criteria):
            if self._tier not in floor.tiers:
                continue
            near: list[tuple[Placed[Any], Loc, str]] = []
            kept = False
            for placed in self._draft.entities["requirement"].values():
                for index, own in enumerate(placed.entity.criteria):
                    if own.suite != floor.suite or self._metric(own) != self._metric(floor) or own.attack is not None:
                        continue
                    why = _looser(floor, own) or ("" if selects(own.id) else "the gate leaves it out")
                    kept |= not why
                    near.append((placed, ("criteria", index), f"criterion {own.id} loosens what is inherited: {why}"))
            if kept:
                continue
            asked = ("criteria", number)
            yield from (self._say(placed, loc, said, *asked) for placed, loc, said in near)
            if not near:
                what = f"no criterion on {self._metric(floor) or 'the metric'} of the suite {floor.suite}: {floor.must}"
                yield self._say(None, (), f"what is inherited is not tested: {what}", *asked)

    def _metric(self, criterion: Any) -> str:
        suite = self._draft.suite(criterion.suite)
        return str(criterion.metric or (suite.metric if suite is not None else ""))

    def _gate(self) -> Iterator[Problem]:
        placed, floor = self._draft.single("gate"), self._pack.gate
        own = placed.entity if placed is not None else Gate()
        if floor.max_error_rate is not None and own.max_error_rate > floor.max_error_rate:
            said = (
                f"the gate lets {own.max_error_rate} of the attempts lack a score, and at most {floor.max_error_rate}"
            )
            yield self._say(placed, ("max_error_rate",), f"{said} is inherited", "gate", "max_error_rate")
        if floor.bound == "proved" and own.bound != "proved":
            yield self._say(placed, ("bound",), "the gate's bound is gaffke, and proved is inherited", "gate", "bound")
        if floor.fresh and not own.fresh:
            yield self._say(placed, ("fresh",), "the gate takes kept replies, and fresh is inherited", "gate", "fresh")

    def _tiers(self) -> Iterator[Problem]:
        for number, floor in enumerate(self._pack.tiers):
            placed, asked = self._draft.entities["tier"].get(floor.id), ("tiers", number)
            if placed is None:
                if floor.id == self._tier:
                    said = f"nothing says what a release of the tier {floor.id} takes, and a floor of it is inherited"
                    yield self._say(None, (), said, *asked)
                continue
            own = placed.entity
            if own.approvals < floor.approvals:
                said = f"the tier {own.id} takes {own.approvals} approvals, and {floor.approvals} are inherited"
                yield self._say(placed, ("approvals",), said, *asked, "approvals")
            if floor.evidence_days and (own.evidence_days is None or own.evidence_days > floor.evidence_days):
                has = own.evidence_days or "any number of"
                said = f"evidence may be {has} days old, and {floor.evidence_days} are inherited"
                yield self._say(placed, ("evidence_days",), said, *asked, "evidence_days")
            if _further(own.accepts, floor.accepts):
                said = f"{own.accepts} may be accepted, and at most {floor.accepts or 'nothing'} is inherited"
                yield self._say(placed, ("accepts",), said, *asked)
            if floor.preregistered and not own.preregistered:
                said = f"the tier {own.id} does not ask for preregistration, which is inherited"
                yield self._say(placed, ("preregistered",), said, *asked, "preregistered")
            if lost := sorted(set(floor.artefacts) - set(own.artefacts)):
                said = f"the tier {own.id} does not ask for {', '.join(lost)}, which is inherited"
                yield self._say(placed, ("artefacts",), said, *asked, "artefacts")

    def _waivers(self) -> Iterator[Problem]:
        floor = self._pack.waivers
        for placed in self._draft.entities["waiver"].values():
            own = placed.entity
            if floor.ceiling is not None and worse(own.ceiling, than=floor.ceiling):
                said = f"{own.id} accepts up to {own.ceiling}, and at most {floor.ceiling} is inherited"
                yield self._say(placed, ("ceiling",), said, "waivers", "ceiling")
            if floor.days is not None and (days := (own.expires - own.begins).days) > floor.days:
                said = f"{own.id} runs for {days} days, and at most {floor.days} are inherited"
                yield self._say(placed, ("expires",), said, "waivers", "days")

    def _rights(self) -> Iterator[Problem]:
        for placed in self._draft.entities["role"].values():
            for right in ("approve", "override", "accept"):
                floor, own = getattr(self._pack.rights, right), getattr(placed.entity.may, right)
                if floor is not None and _further(own, floor):
                    said = f"{placed.entity.id} may {right} up to {own}, and at most {floor} is inherited"
                    yield self._say(placed, ("may", right), said, "rights", right)

    def _guards(self) -> Iterator[Problem]:
        pipeline = self._draft.entities["pipeline"].get("guards")
        for number, floor in enumerate(self._pack.guards):
            if self._tier not in floor.tiers:
                continue
            rules = list(enumerate(pipeline.entity.rules)) if pipeline is not None else []
            mine = [(index, rule) for index, rule in rules if rule.use == floor.use]
            asked = ("guards", number)
            strict = [floor.on_error, "block"] if floor.on_error else None
            if any(rule.mode == "enforce" and (strict is None or rule.on_error in strict) for _, rule in mine):
                continue
            for index, rule in mine:
                mode = f"is in the mode {rule.mode}" if rule.mode != "enforce" else f"fails to {rule.on_error}"
                said = f"the guard {rule.id} ({rule.use}) {mode}, and that it is in force is inherited"
                yield self._say(pipeline, ("rules", index), said, *asked)
            if not mine:
                yield self._say(pipeline, ("rules",), f"no rule uses the guard {floor.use}, which is inherited", *asked)

    def _levers(self) -> Iterator[Problem]:
        floor = self._pack.levers
        if floor is None or self._tier not in floor.tiers:
            return
        own = self._draft.entities["lever"]
        if len(own) < floor.least:
            said = f"there are {len(own)} levers, and at least {floor.least} are inherited"
            yield self._say(None, (), said, "levers")
        for placed in own.values():
            if floor.every_days is not None and placed.entity.every_days > floor.every_days:
                said = f"{placed.entity.id} is drilled every {placed.entity.every_days} days, and {floor.every_days} is"
                yield self._say(placed, ("every_days",), f"{said} inherited", "levers", "every_days")


def _looser(floor: PackCriterion, own: Any) -> str:
    """Return in what a criterion asks for less than is inherited; empty where in nothing."""
    loosened = condition.looser(condition.parse(floor.must), own.parsed)
    if loosened is None:
        return f"{own.must} is of another sort than {floor.must}"
    if loosened:
        return f"{own.must} is less strict than {floor.must}"
    if worse(floor.severity, than=own.severity):
        return f"its severity is {own.severity}, and {floor.severity} is inherited"
    if own.min_clusters < floor.min_clusters:
        return f"{own.min_clusters} independent samples are enough, and {floor.min_clusters} are inherited"
    return ""


def _further(own: Severity | None, floor: Severity | None) -> bool:
    """Say whether a right, or what may be accepted, reaches further: S1 is the furthest, None nowhere."""
    return own is not None and (floor is None or worse(own, than=floor))

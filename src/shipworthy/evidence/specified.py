"""What a pack's specifications ask for: criteria, gate, suites and plan, read strictly. Standard library only.

Directions of metrics, the metrics of a suite, limits, error rules and the size of the plan are taken from here. What a
run's manifest says of them must be the same; `criteria.json` and the decision are never asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from shipworthy.core.attack_name import matches
from shipworthy.core.errors import IntegrityError
from shipworthy.core.terminal import shown
from shipworthy.evidence import shape, words
from shipworthy.evidence.recount import whole

FULL = "full"
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


class SpecifiedCriterion(NamedTuple):
    """A criterion as it was specified.

    Attributes:
        written: as in the requirement; its condition is readable.
        requirement: its id, and the risks it mitigates.
        least: independent samples below which it is undecided.
    """

    written: Mapping[str, Any]
    requirement: str
    risks: Sequence[str]
    least: int


class Specified:
    """The specifications of a pack, one a plan, held against each other.

    Args:
        specs: plan -> the content of ``specs/PLAN.json``.

    Attributes:
        gate: its id; `selected` its criteria, None for all of them; `bound` and `max_error_rate` its rules, and
            `baseline` the decision that it names, or the empty string.
        criteria: by id.

    Raises:
        IntegrityError: they are not shaped as specifications are, or contradict each other.
    """

    def __init__(self, specs: Mapping[str, Mapping[str, Any]]) -> None:
        self._specs = specs
        merged: dict[str, dict[str, Any]] = {}
        for plan, spec in specs.items():
            words.spec(spec, f"specs/{plan}.json")
            if spec["plan"] != plan:
                raise IntegrityError(f"specs/{plan}.json: of the plan {spec['plan']!a}")
            for kind, entities in spec["entities"].items():
                for id, entity in entities.items():
                    if merged.setdefault(kind, {}).setdefault(id, entity) != entity:
                        raise IntegrityError(
                            f"specs/{plan}.json: the {kind} {id!a} is another one than in another plan"
                        )
        self.suites = merged.get("suite", {})
        for id, suite in self.suites.items():
            _SUITE(suite, f"specs: suite {id!a}")
        self._gate(merged.get("gate", {}))
        self.criteria: dict[str, SpecifiedCriterion] = {}
        for id, requirement in merged.get("requirement", {}).items():
            _REQUIREMENT(requirement, f"specs: requirement {id!a}")
            for criterion in requirement.get("criteria", ()):
                if criterion["id"] in self.criteria:
                    raise IntegrityError(f"specs: the criterion {criterion['id']!a} is there twice")
                least = _number(criterion.get("min_clusters", 1), f"specs: {criterion['id']!a}.min_clusters", 1, 2**53)
                self.criteria[criterion["id"]] = SpecifiedCriterion(
                    criterion, id, requirement.get("mitigates", ()), int(least)
                )

    def _gate(self, gates: Mapping[str, Any]) -> None:
        if len(gates) > 1:
            raise IntegrityError("specs: several gates")
        written: Mapping[str, Any] = next(iter(gates.values()), {})
        _GATE(written, "specs: gate")
        said = written.get("criteria", "all")
        self.gate: str = written.get("id", "release")
        self.selected: Sequence[str] | None = None if said == "all" else said
        self.bound: str = written.get("bound", "gaffke")
        self.max_error_rate = _number(written.get("max_error_rate", 0.05), "specs: gate.max_error_rate", 0, 1)
        self.baseline: str = written.get("baseline", {}).get("decision", "")

    def hold(self, manifest: Mapping[str, Any], where: str) -> None:
        """Hold a run's manifest against its plan: which suites, how many samples, attacks and attempts, what decides.

        Raises:
            IntegrityError: it is of fewer attempts, or of something else, than the plan asks for.
        """
        spec = self._specs[manifest["plan"]]
        planned = self._plan(spec, manifest["plan"])
        for use in manifest["suites"]:
            id = use["id"]
            if id not in planned or id not in self.suites:
                raise IntegrityError(f"{where}: the plan {manifest['plan']} has no suite {id}")
            suite, entry = self.suites[id], planned[id]
            same = ("digest", "content", "metric", "max_error_rate")
            if odd := next((key for key in same if use[key] != suite[key]), None):
                raise IntegrityError(f"{where}: {odd} of the suite {id} is not what was specified")
            if list(map(whole, use["metrics"])) != list(map(whole, suite["metrics"])):
                raise IntegrityError(f"{where}: the metrics of the suite {id} are not those that were specified")
            asked = entry.get("attacks")
            attacks = [a for a in suite["attacks"] if asked is None or any(matches(w, a) for w in asked)]
            most = suite["samples"]
            samples = min(most, int(_number(entry.get("samples") or most, f"{where}: samples of {id}", 1, 2**53)))
            each = int(_number(entry.get("attempts") or suite["attempts"], f"{where}: attempts of {id}", 1, 2**53))
            said = tuple(use[key] for key in ("samples", "each")), tuple(use.get("attacks", ()))
            if said != ((samples, each), tuple(attacks)) or use["attempts"] != samples * each * len(attacks):
                raise IntegrityError(f"{where}: plans other attempts of the suite {id} than its plan asks for")
            looks = use.get("looks", [])
            if looks != sorted(set(looks)) or (looks and looks[-1] != use["attempts"]):
                raise IntegrityError(f"{where}: the looks at the suite {id} are not in order, up to its last attempt")
            if use["clusters"] > min(samples, suite["clusters"]) or (
                samples == most and use["clusters"] != suite["clusters"]
            ):
                raise IntegrityError(f"{where}: the suite {id} has not so many independent samples")
        ids = [use["id"] for use in manifest["suites"]]
        rule = manifest.get("stopping", {}).get("rule", "fixed")
        if any(use.get("looks") for use in manifest["suites"]) is not (rule == "sequential"):
            raise IntegrityError(f"{where}: a {rule} run, by its looks it is another one")
        if len(set(ids)) != len(ids):
            raise IntegrityError(f"{where}: names a suite twice")
        if manifest["planned"] != sum(use["attempts"] for use in manifest["suites"]):
            raise IntegrityError(
                f"{where}: plans {manifest['planned']:,} attempts, which is not what its suites add up to"
            )

    def hold_scores(self, manifest: Mapping[str, Any], records: Iterable[Mapping[str, Any]], where: str) -> None:
        """Hold the scores of a run against the scorers of its suites.

        Raises:
            IntegrityError: one is by a scorer that its suite does not have.
        """
        known = {
            use["id"]: {scorer.get("scorer") for scorer in self.suites[use["id"]]["scorers"]}
            for use in manifest["suites"]
        }
        for record in records:
            for score in record.get("scores", ()):
                if score["scorer"] not in known[record["suite"]]:
                    raise IntegrityError(
                        f"{where}: {record['id']} has a score by {shown(score['scorer'], 80)}, which is no scorer "
                        f"of the suite {record['suite']}"
                    )

    def hold_suite(self, suite: Mapping[str, Any], where: str) -> None:
        """Hold what a pack says of a suite against the specification, which may lack one that only a baseline used.

        Raises:
            IntegrityError: it says something else.
        """
        words.suite(suite, where)
        known = self.suites.get(suite["id"])
        if where != f"suites/{suite['id']}/suite.json":
            raise IntegrityError(f"{where}: of another suite")
        same = ("digest", "content", "metric", "max_error_rate", "samples", "attacks", "attempts")
        if known is not None and (odd := next((key for key in same if not _same(suite[key], known[key])), None)):
            raise IntegrityError(f"{where}: {odd} is not what was specified")

    def _plan(self, spec: Mapping[str, Any], plan: str) -> Mapping[str, Mapping[str, Any]]:
        if plan == FULL:
            return {id: {} for id in spec["entities"].get("suite", {})}
        written = spec["entities"].get("plan", {}).get(plan)
        _PLAN(written, f"specs: plan {plan!a}")
        # The short form of an entry is the suite's id alone.
        entries = [{"suite": one} if isinstance(one, str) else one for one in written["suites"]]
        return {entry["suite"]: entry for entry in entries}


def _same(shown: Any, known: Any) -> bool:
    """Say whether a suite's page, which is redacted, and the specification say the same."""
    if isinstance(shown, list) and isinstance(known, list):
        return len(shown) == len(known) and all(map(_same, shown, known))
    return bool(shown == known) or (isinstance(shown, str) and isinstance(known, str) and "[redacted" in shown)


def _number(value: Any, where: str, low: float, high: float) -> float:
    """Return a number, which may stand there as it was written in YAML, such as ``0.10``."""
    if isinstance(value, str) and len(value) < 30 and _NUMBER.fullmatch(value):
        value = float(value)
    shape.number(low, high)(value, where)
    return float(value)


def _written(value: Any, where: str) -> None:
    """A number, or the text of one."""
    if not isinstance(value, str):
        shape.number()(value, where)


def _entry(value: Any, where: str) -> None:
    if not isinstance(value, str):
        shape.fields(
            {"suite": shape.name},
            {
                "samples": shape.maybe(_written),
                "attempts": shape.maybe(_written),
                "attacks": shape.maybe(shape.listed(shape.text)),
            },
        )(value, where)


def _selected(value: Any, where: str) -> None:
    if value != "all":
        shape.listed(shape.name, least=1, once=True)(value, where)


_PLAN = shape.fields({"suites": shape.listed(_entry)})

_GATE = shape.fields(
    {},
    {
        "id": shape.name,
        "criteria": _selected,
        "max_error_rate": _written,
        "bound": shape.word("gaffke", "proved"),
        "fresh": shape.flag,
        "baseline": shape.fields({"decision": shape.name}),
    },
)

_CRITERION = shape.fields(
    {"id": shape.name, "suite": shape.name, "must": words.condition},
    {
        "metric": shape.text,
        "severity": shape.word(*words.SEVERITIES),
        "attack": shape.maybe(shape.text),
        "min_clusters": _written,
        "audited_by": shape.maybe(shape.word("labels")),
    },
)

_REQUIREMENT = shape.fields(
    {"id": shape.name}, {"criteria": shape.listed(_CRITERION), "mitigates": shape.listed(shape.name)}
)

_SUITE = shape.fields(
    {
        "digest": shape.digest,
        "content": shape.word("synthetic", "private"),
        "metric": shape.name,
        "metrics": shape.listed(words.measure),
        "max_error_rate": shape.number(0, 1),
        "samples": shape.whole(1),
        "clusters": shape.whole(1),
        "attacks": shape.listed(shape.name, least=1, once=True),
        "attempts": shape.whole(1),
        "scorers": shape.listed(shape.mapped(shape.anything)),
    }
)

"""What changed between two packs: subject, suites, criteria and limits, rates, verdicts, who accepted and who signed.

Both packs are read from their own members alone, and rates are counted again from the records. Whether they can be
believed is said first: of one that does not verify, the rest is what it claims.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from shipworthy.core import condition, strict_json
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evidence import archive, recount
from shipworthy.evidence.packed import read_run
from shipworthy.evidence.recount import PackedRun
from shipworthy.evidence.verification import Verification
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store.trust import Trust

Section = Literal["decision", "subject", "suites", "criteria", "rates", "sign-off", "signers"]

_DECISION = ("verdict", "system", "gate", "spec_digest", "subject_digest")
_CRITERION = ("must", "suite", "metric", "requirement", "severity", "method")
_SUITE = ("version", "digest", "samples", "attacks", "each")
_LONGEST = 200


class PackChange(NamedTuple):
    """One thing that differs.

    Attributes:
        what: of its section: a field, the id of a criterion, a place in the subject.
        old, new: as text; empty where there was none, or is none.
    """

    section: Section
    what: str
    old: str
    new: str


class RateChange(NamedTuple):
    """What one criterion measured in both packs.

    Attributes:
        old, new: rate or mean, and its stated two-sided interval; None where nothing was measured.
        change: new less old on the attempts that both measured, with its 95% interval and its p-value; None where they
            are not the same samples, asked the same way.
        clusters: samples that the change rests on.
        why: why there is no paired change.
    """

    criterion: str
    verdicts: tuple[str, str]
    old: tuple[float, float, float] | None
    new: tuple[float, float, float] | None
    change: tuple[float, float, float, float] | None
    clusters: int
    why: str


class PackDiff(NamedTuple):
    """What changed from the first pack to the second.

    Attributes:
        problems: of each pack, why it cannot be believed; ``not asked for`` without a trust file.
    """

    problems: tuple[str, str]
    changes: tuple[PackChange, ...]
    rates: tuple[RateChange, ...]

    @property
    def verified(self) -> bool:
        """Whether both packs verify."""
        return not any(self.problems)


class _Opened(NamedTuple):
    """A pack: what it says, and its runs."""

    members: Mapping[str, bytes]
    decision: Mapping[str, Any]
    runs: Mapping[str, PackedRun]
    found: Verification | None


def diff(old: Path, new: Path, trust: Trust | None) -> PackDiff:
    """Return what changed between two packs.

    Args:
        trust: whom the reader believes; None: neither pack is verified, and that is said.

    Raises:
        UsageError: a file cannot be read.
        IntegrityError: one is no pack, or not shaped as one.
    """
    before, after = _open(old, trust), _open(new, trust)
    try:
        changes = tuple(change for part in (_decision, _subject, _suites, _criteria, _people)
                        for change in part(before, after))  # fmt: skip
        return PackDiff((_problem(before), _problem(after)), changes, tuple(_rates(before, after)))
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise IntegrityError(f"not shaped as evidence packs ({type(error).__name__}: {error})") from None


def _open(path: Path, trust: Trust | None) -> _Opened:
    try:
        with path.open("rb") as file:
            data = file.read(archive.MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read the pack {path}: {error.strerror}") from error
    found = None if trust is None else verify_bytes(data, trust)
    try:
        members = archive.read(data)
        decision = strict_json.loads(members["decision.json"])
        runs = {id: read_run(members, f"runs/{id}") for id in decision["runs"]}
    except (IntegrityError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError(f"{path}: {error}") from None
    return _Opened(members, decision, runs, found)


def _problem(one: _Opened) -> str:
    if one.found is None:
        return "not asked for: name whom you believe with --trust"
    return "; ".join(one.found.problems)


def _fields(
    section: Section, prefix: str, names: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[PackChange]:
    for name in names:
        if (a := _text(old.get(name))) != (b := _text(new.get(name))):
            yield PackChange(section, f"{prefix}{name}", a, b)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    said = "" if value is None else str(value)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}... ({len(said) - _LONGEST:,} more characters)"


def _decision(old: _Opened, new: _Opened) -> Iterator[PackChange]:
    yield from _fields("decision", "", _DECISION, old.decision, new.decision)
    for name, what in (("s1_hits", "hits on S1 samples"), ("s1_unscored", "S1 samples without a score")):
        counts = [str(len(one.decision.get(name, ()))) for one in (old, new)]
        if counts[0] != counts[1]:
            yield PackChange("decision", what, *counts)


def _subject(old: _Opened, new: _Opened) -> Iterator[PackChange]:
    """Compare what was measured, place by place."""
    sides = [dict(_leaves(next(iter(one.runs.values())).manifest["subject"])) for one in (old, new)]
    for place in sorted(sides[0].keys() | sides[1].keys()):
        a, b = (_text(side.get(place)) for side in sides)
        if a != b:
            yield PackChange("subject", place, a, b)


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _leaves(one, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, one in enumerate(value):
            yield from _leaves(one, f"{place}[{number}]")
    else:
        yield place, value


def _uses(one: _Opened) -> dict[str, Mapping[str, Any]]:
    return {use["id"]: use for run in one.runs.values() for use in run.manifest["suites"]}


def _suites(old: _Opened, new: _Opened) -> Iterator[PackChange]:
    a, b = _uses(old), _uses(new)
    for id in sorted(a.keys() | b.keys()):
        if id not in b or id not in a:
            yield PackChange("suites", id, "used" if id in a else "", "used" if id in b else "")
        else:
            yield from _fields("suites", f"{id}: ", _SUITE, a[id], b[id])


def _results(one: _Opened) -> dict[str, Mapping[str, Any]]:
    listed = strict_json.loads(one.members["criteria.json"])["criteria"]
    return {result["id"]: result for result in listed}


def _criteria(old: _Opened, new: _Opened) -> Iterator[PackChange]:
    a, b = _results(old), _results(new)
    for id in sorted(a.keys() | b.keys()):
        if id not in b or id not in a:
            said = [side[id]["must"] if id in side else "" for side in (a, b)]
            yield PackChange("criteria", id, *said)
        else:
            yield from _fields("criteria", f"{id}: ", (*_CRITERION, "attack", "verdict"), a[id], b[id])


def _people(old: _Opened, new: _Opened) -> Iterator[PackChange]:
    """Compare who signed, and what people decided; only of packs that verify is either known."""
    if old.found is None or new.found is None:
        return
    sides = [", ".join(sorted({key.owner for key in one.found.signers})) for one in (old, new) if one.found]
    if sides[0] != sides[1]:
        yield PackChange("signers", "signed by", *sides)
    said = [dict(_signed_off(one.found)) for one in (old, new) if one.found]
    for place in sorted(said[0].keys() | said[1].keys()):
        a, b = (side.get(place, "") for side in said)
        if a != b:
            yield PackChange("sign-off", place, a, b)


def _signed_off(found: Verification) -> Iterator[tuple[str, str]]:
    for one in found.signed_off:
        where = f"{one['market']}, {one['language']}"
        until = f" until {one['expires']}" if one["expires"] else ""
        yield where, f"{one['verdict']} by {one['by']}{until}"
        for accepted in one["accepted"]:
            yield f"{where}: {accepted['kind']} {accepted['about']}", "accepted"
        for over in one["overridden"]:
            yield f"{where}: {over['kind']} {over['about']}", "OVERRIDDEN"


def _rates(old: _Opened, new: _Opened) -> Iterator[RateChange]:
    a, b = _results(old), _results(new)
    for id in sorted(a.keys() & b.keys()):
        sides = [_stated(side[id]) for side in (a, b)]
        change, clusters, why = None, 0, _apart(a[id], b[id])
        if not why:
            change, clusters, why = _paired(old, new, a[id], b[id])
        yield RateChange(id, (a[id]["verdict"], b[id]["verdict"]), sides[0], sides[1], change, clusters, why)


def _stated(result: Mapping[str, Any]) -> tuple[float, float, float] | None:
    if any(result.get(name) is None for name in ("rate", "low", "high")):
        return None
    return float(result["rate"]), float(result["low"]), float(result["high"])


def _apart(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if not (old.get("run") and new.get("run")):
        return "one of them was not measured"
    if condition.parse(new["must"]).test != "threshold" or condition.parse(old["must"]).test != "threshold":
        return "it is a change already"
    for name in ("suite", "metric", "attack"):
        if old.get(name) != new.get(name):
            return f"another {name}"
    if new.get("judge") is not None or new.get("audit") is not None:
        return "its rate is corrected by labels"
    return ""


def _paired(
    old: _Opened, new: _Opened, a: Mapping[str, Any], b: Mapping[str, Any]
) -> tuple[tuple[float, float, float, float] | None, int, str]:
    """Return the change on the attempts that both packs measured, and on how many samples it rests."""
    from shipworthy.stats import mean_difference, paired_difference

    before, after = old.runs[a["run"]], new.runs[b["run"]]
    suite, metric, attack = b["suite"], b["metric"], b.get("attack")
    measure = recount.measures(after.manifest, suite).get(metric)
    if measure is None or recount.measures(before.manifest, suite).get(metric) != measure:
        return None, 0, "the metric is declared otherwise"
    same = after.manifest["seed"] == before.manifest["seed"]
    counts = recount.count_paired(after.counted, before.counted, suite, measure, attack, same_seed=same)
    if not counts.clusters:
        return None, 0, "no sample was scored in both"
    if counts.apart:
        return None, 0, f"{counts.apart:,} attempts were made in one of them only, or of something else"
    now, trials, then = zip(*counts.clusters.values(), strict=True)
    if measure.value:
        found = mean_difference(now, trials, then, trials, low=measure.low, high=measure.high)
    else:
        found = paired_difference(now, trials, then, trials)
    return (found.difference, found.low, found.high, found.p_value), len(now), ""

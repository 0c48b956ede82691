"""A gate's self-test: how often it says something else of the same thing, and how often it finds what was planted.

An entry of the audit chain. Standard library only: the verifier reads it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

SELFTESTED = "gate.selftested"
HOW = ("re-run", "attempts", "samples")
"""Where the repeats come from: the plan run again on the target; attempts re-drawn within each sample of one run (these
prompts again); samples of one run re-drawn (prompts like these)."""
FLIPS = 0.05
"""A gate that flips in more pairs of repeats than this share is named."""
VERDICTS = ("ship", "no-ship", "inconclusive")


class GateSelftest(NamedTuple):
    """What a self-test found. Only whole numbers: a share is worked out where it is shown.

    Attributes:
        run: whose records were re-drawn, or that was run again; `repeats` how often.
        spec_digest, subject_digest: of that run.
        how: see `HOW`.
        verdicts: how often the gate gave each.
        planted: size of a planted regression, in thousandths of a metric's range -> "criterion" -> how often the
            criterion did not pass, and how often it failed, of `draws`.
        at_limit: criterion -> how often it passed with its truth at the limit, of `draws`.
        draws: re-drawn data sets of each of these.
        seed: of all draws.
        entry: its number in the audit chain; 0 before it has one.
    """

    system: str
    gate: str
    run: str
    spec_digest: str
    subject_digest: str
    how: str
    repeats: int
    verdicts: dict[str, int]
    planted: dict[str, dict[str, list[int]]]
    at_limit: dict[str, int]
    draws: int
    seed: int
    entry: int = 0

    @property
    def pairs(self) -> tuple[int, int]:
        """In how many pairs of repeats the verdict differs, and of how many."""
        total = self.repeats * (self.repeats - 1) // 2
        same = sum(n * (n - 1) // 2 for n in self.verdicts.values())
        return total - same, total

    @property
    def flips(self) -> float:
        """The chance that two repeats differ in their verdict, in [0, 1]; estimated without bias."""
        apart, total = self.pairs
        return apart / total if total else 0.0

    @property
    def stable(self) -> bool:
        """Whether it flips in no more pairs than `FLIPS`."""
        return self.flips <= FLIPS


def selftest_of(number: int, body: Mapping[str, Any]) -> GateSelftest:
    """Return the self-test that an entry of the audit chain holds.

    Raises:
        ValueError: something in it cannot be.
        KeyError: it lacks something.
    """
    if set(body) != set(GateSelftest._fields) - {"entry"}:
        raise ValueError(f"entry {number} has other fields than a self-test")
    found = GateSelftest(**{name: body[name] for name in GateSelftest._fields if name != "entry"}, entry=number)
    texts = (found.system, found.gate, found.run, found.spec_digest, found.subject_digest, found.how)
    whole = [found.repeats, found.draws, found.seed, *found.verdicts.values(), *found.at_limit.values()]
    rows = [row for each in found.planted.values() for row in each.values()]
    if (
        any(type(text) is not str for text in texts)
        or any(type(number) is not int or number < 0 for number in whole)
        or found.how not in HOW
        or found.repeats < 2
        or not set(found.verdicts) <= set(VERDICTS)
        or sum(found.verdicts.values()) != found.repeats
        or any(number > found.draws for number in found.at_limit.values())
        or any(len(row) != 2 or not 0 <= row[1] <= row[0] <= found.draws for row in rows)
        or any(not (size.isascii() and size.isdigit() and 0 < int(size) <= 1000) for size in found.planted)
    ):
        raise ValueError(f"entry {number} is no self-test")
    return found


def newest(known: Iterable[GateSelftest], spec_digest: str, subject_digest: str) -> GateSelftest | None:
    """Return the self-test that counts for a decision: the last one on the same files and subject, good or bad.

    Args:
        known: oldest first.
    """
    own = [one for one in known if (one.spec_digest, one.subject_digest) == (spec_digest, subject_digest)]
    return own[-1] if own else None


def sentence(found: GateSelftest) -> str:
    """Return a self-test in words, on one line."""
    apart, total = found.pairs
    source = {
        "re-run": f"run {found.repeats:,} times on the target",
        "attempts": f"{found.repeats:,} times with attempts re-drawn within each sample (these prompts)",
        "samples": f"{found.repeats:,} times with samples re-drawn (prompts like these)",
    }[found.how]
    parts = [f"the verdict differs in {apart:,} of {total:,} pairs ({100 * found.flips:.1f} %) of one input, {source}"]
    for size, each in sorted(found.planted.items(), key=lambda pair: int(pair[0])):
        missed = min(sorted(each), key=lambda name: each[name][0], default="")
        if missed:
            parts.append(
                f"a planted worsening by {int(size) / 10:g} points is blocked in {each[missed][0]:,} of "
                f"{found.draws:,} draws or more (least: {missed})"
            )
    if found.at_limit:
        worst = max(sorted(found.at_limit), key=lambda name: found.at_limit[name])
        parts.append(
            f"with its truth at the limit a criterion passes in {found.at_limit[worst]:,} of {found.draws:,} draws or "
            f"fewer (most: {worst})"
        )
    named = "" if found.stable else "THIS GATE FLIPS: "
    return named + "; ".join(parts)

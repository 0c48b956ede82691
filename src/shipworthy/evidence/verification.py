"""What a verifier found in a pack: check by check, and as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from shipworthy.core.terminal import shown
from shipworthy.evidence import words
from shipworthy.store.trust import PublicKey

RECOMPUTED = (
    "verdicts, counts, rates and means, bounds, intervals, worst cases, tipping points, S1 hits, ledger; bounds and "
    "intervals of audited rates within the error of a simulation"
)
NOT_RECOMPUTED = (
    "on the signer's word: reasons, samples still needed, an audited scorer's intervals, and that records, suites and "
    "metrics are those of the system that runs"
)

_SEVERE = {"s1_hits": "hits on S1 samples", "s1_unscored": "attempts on S1 samples without a score"}


class Check(NamedTuple):
    """One thing that was checked: what, whether it holds, and what was found.

    `compared` is False for what was not checked at all: `ok` then only says that nothing was found against it.
    """

    what: str
    ok: bool
    detail: str
    compared: bool = True


class Verification(NamedTuple):
    """What a verifier found. `ok` only if every check holds and none was left out.

    Attributes:
        manifests: of the runs, by id; `audit` the lines of the audit log, those of the sign-off included.
        signed_off: what people decided, one statement's predicate a candidate.
        recomputed: what was worked out again, and what was `believed`, in words.
    """

    checks: tuple[Check, ...]
    decision: Mapping[str, Any]
    signers: tuple[PublicKey, ...]
    manifests: Mapping[str, Mapping[str, Any]] = {}
    audit: bytes = b""
    signed_off: tuple[Mapping[str, Any], ...] = ()
    recomputed: str = RECOMPUTED
    believed: str = NOT_RECOMPUTED

    @property
    def ok(self) -> bool:
        """Whether the pack can be believed."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong; empty if nothing is."""
        return tuple(f"{check.what}: {check.detail}" for check in self.checks if not check.ok)


def report(found: Verification) -> str:
    """Return what was checked, as text that a terminal can be given whatever the pack holds: one line a check."""
    mark = {True: "ok ", False: "BAD"}
    lines = [
        f"{mark[check.ok] if check.compared else '-- '}  {check.what:10}  {shown(check.detail)}"
        for check in found.checks
    ]
    if not found.ok:
        return "\n".join([*lines, "The pack cannot be believed."])
    said = found.decision
    # In words of our own: the signer's reason was not worked out again.
    told = [f"{word}: {', '.join(ids)}" for word in words.VERDICTS if (ids := _ids(said, word))]
    told += [f"{len(said[key]):,} {what}" for key, what in _SEVERE.items() if said.get(key)]
    return "\n".join(
        [
            *lines,
            f"recomputed  {found.recomputed}",
            f"believed    {found.believed}",
            f"The pack is what its signers made. Its verdict: {said['verdict']} ({shown(said['id'])}). "
            + shown("; ".join(told)),
        ]
    )


def _ids(decision: Mapping[str, Any], verdict: str) -> list[str]:
    return [result["id"] for result in decision["criteria"] if result["verdict"] == verdict]

"""What a change does to the gate, and who approved it: what stands at the head of a pull request's comment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from shipworthy.core.document import Alert
from shipworthy.release.approved import WeakerApproval, approvals, digest_of
from shipworthy.release.signing import SIGNERS, signers_of
from shipworthy.release.weaker import Weakening, place, weakened
from shipworthy.workspace.load import Workspace


class ChangedGate(NamedTuple):
    """What became weaker with a change.

    Attributes:
        weaker: each with the approval that covers it, or None.
        refused: why approvals do not count.
        alerts: one for each, for the head of a report; `head` is the line above them.
    """

    weaker: tuple[tuple[Weakening, WeakerApproval | None], ...]
    refused: tuple[str, ...]
    alerts: tuple[Alert, ...]
    head: str

    @property
    def blocks(self) -> bool:
        """Whether something is weaker that nobody approved."""
        return any(approval is None for _, approval in self.weaker)


def changed_gate(old: Workspace, new: Workspace, today: date, code: Sequence[Weakening] = ()) -> ChangedGate:
    """Return what a change does to the gate.

    Args:
        old, new: the workspace before the change, and with it.
        code: Python files that changed, see `code_changes`.
    """
    refused: list[str] = []
    signers = signers_of(old.root) if (old.root / SIGNERS).exists() else None
    found = [*weakened(old, new), *code]
    counts = approvals(old, new, signers, today, refused) if found else []
    covered = []
    for one in found:
        name = digest_of(one, old, new)
        covered.append((one, next((approval for approval in counts if name in approval.covers), None)))
    alerts = tuple(_alert(one, by, place(one, old, new)) for one, by in covered)
    missing = sum(by is None for _, by in covered)
    places = f"{len(covered)} place{'' if len(covered) == 1 else 's'}"
    head = ""
    if covered:
        left = f"{missing} without a signed approval, which blocks" if missing else "each with a signed approval"
        head = f"The gate became weaker in {places}, {left}"
        head += "".join(f". An approval does not count: {why}" for why in refused[:3])
    return ChangedGate(tuple(covered), tuple(refused), alerts, head)


def _alert(one: Weakening, by: WeakerApproval | None, where: str) -> Alert:
    text = f"{short(one.was)} \u2192 {short(one.now)}: {one.why}"
    if by is None:
        return Alert(one.what, text, "bad", "nobody approved it: `shipworthy release approve-diff`", where)
    return Alert(one.what, text, "good", f"approved by {by.by} as {by.role}: {by.reason}", where)


def short(text: str) -> str:
    """Return a digest as people compare them; any other text as it is."""
    return text[:19] if text.startswith("sha256:") else text

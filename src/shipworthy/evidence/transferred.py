"""What a decision says of how far its rates transfer, held against the audit log. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.core.transferred import TRANSFERRED, TransferEntry, transfer_of, transfers


def check(
    decision: Mapping[str, Any], manifests: Sequence[Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]
) -> None:
    """Hold what stands beside a decision's rates against the log: of each condition the last word, not the best.

    Args:
        manifests: of the runs decided on, in order.
        entries: those that the decision read.

    Raises:
        IntegrityError: it tells of other gaps, in other words, or leaves one out.
    """
    known: list[TransferEntry] = []
    for entry in entries:
        if entry["kind"] == TRANSFERRED:
            try:
                known.append(transfer_of(entry["number"], entry["body"]))
            except (KeyError, TypeError, ValueError):
                raise IntegrityError(f"audit-log.jsonl: entry {entry['number']} is no transfer") from None
    pairs = {(criterion["suite"], criterion["metric"]) for criterion in decision["criteria"]}
    right: list[dict[str, Any]] = []
    for manifest in manifests:
        own = {use["id"] for use in manifest["suites"]}
        wanted = {pair for pair in pairs if pair[0] in own}
        right += [o._asdict() for o in transfers(known, manifest["spec_digest"], manifest["subject_digest"], wanted)]
    if list(decision.get("transfer", ())) != right:
        raise IntegrityError("decision.json: how far its rates transfer is not what the audit log says")

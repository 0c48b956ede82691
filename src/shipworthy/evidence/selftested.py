"""The gate's self-test that a decision tells of, held against the audit log. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.core.selftest import SELFTESTED, GateSelftest, newest, selftest_of, sentence


def known(entries: Sequence[Mapping[str, Any]]) -> list[GateSelftest]:
    """Return the self-tests among entries of the audit log, oldest first.

    Raises:
        IntegrityError: one is not what a self-test writes.
    """
    found = []
    for entry in entries:
        if entry["kind"] == SELFTESTED:
            try:
                found.append(selftest_of(entry["number"], entry["body"]))
            except (KeyError, TypeError, ValueError):
                raise IntegrityError(f"audit-log.jsonl: entry {entry['number']} is no self-test of a gate") from None
    return found


def check(decision: Mapping[str, Any], manifest: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    """Hold what a decision says of its gate's self-test against the log: the newest one, not the best.

    Args:
        manifest: of the first run decided on.
        entries: those that the decision read.

    Raises:
        IntegrityError: it tells of another one, in other words, or of none where there is one.
    """
    found = newest(known(entries), manifest["spec_digest"], manifest["subject_digest"])
    said = decision.get("selftest")
    right = None if found is None else {"entry": found.entry, "flips": list(found.pairs), "sentence": sentence(found)}
    if said != right:
        raise IntegrityError("decision.json: what it says of the gate's self-test is not what the audit log holds last")

"""Confirmations: entries of the audit chain that say of an S1 hit that it is one, or none."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from shipworthy.core.confirmation import CONFIRMED, WORDS, HitWord, word
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.detect.redact import redact_text
from shipworthy.store.audit import AuditLog
from shipworthy.store.entry import Entry
from shipworthy.store.layout import Layout

LONGEST = 2_000
"""Characters of a reason: an entry stays for ever, and is in every pack that follows."""


def confirm(
    audit: AuditLog,
    *,
    run: str,
    attempt: str,
    said: str,
    by: str,
    tries: Sequence[str],
    because: str = "",
    again: bool = False,
    secrets: Sequence[str] = (),
) -> HitWord:
    """Append a word on an S1 hit, unless the same person's same word is the last one already. Returns what stands then.

    Who said it stays in the audit log for ever, and gets into evidence packs: it is what an auditor asks for. The
    reason is redacted first.

    Args:
        run, attempt: ids; the caller has made sure that this is an S1 hit of the run, which is entered in the log.
        said: ``hit`` or ``no-hit``.
        by: who: a person or a second scorer.
        tries: ids of the attempt's records that are hits: the word is about these, and no later one.
        again: replace a word that says the opposite.
        secrets: strings that are secret here, taken out of the reason.

    Raises:
        UsageError: nobody says it, the name or the reason is unfit to be kept, or the last word says the opposite.
        IntegrityError: an earlier word is not what was written.
        StoreError: the database cannot be written.
    """
    by, because = " ".join(by.split()), because.strip()
    if said not in WORDS:
        raise UsageError(f"a word on a hit is {' or '.join(WORDS)}, not {said!r}")
    if not by:
        raise UsageError("nobody says it: pass --by NAME")
    if redact_text(by, secrets) != by:
        raise UsageError("--by looks like an address, a number or a secret, and stays in the audit log: give a name")
    if len(by) > LONGEST or len(because) > LONGEST:
        raise UsageError(f"a name or a reason has at most {LONGEST:,} characters: an entry of the audit log stays")
    body = {
        "run": run,
        "attempt": attempt,
        "said": said,
        "by": by,
        "because": redact_text(because, secrets),
        "tries": sorted(tries),
    }
    try:
        with audit.appending() as appender:
            before = [w for w in map(_word, appender.about(run)) if w is not None and w.attempt == attempt]
            if before and (last := before[-1]).said != said and not again:
                raise UsageError(
                    f"{attempt}: {last.by} said {last.said} (entry {last.entry} of the audit log)\n"
                    "Pass --again if this word is to replace that one; both stay in the log"
                )
            if before and before[-1] == word(before[-1].entry, body):
                return before[-1]
            entry = appender.append(CONFIRMED, body, key="run")
            return word(entry.number, entry.body)
    except ValueError as error:
        raise UsageError(f"the word on {attempt} cannot be kept: {error}") from error


def read_words(audit: AuditLog, *, until: int) -> list[HitWord]:
    """Return every word on an S1 hit among the first entries of the audit log, oldest first.

    The log is not verified here. Entries are found by their kind, which their hash covers, and not by their key, which
    it does not: a word that was hidden would bring back the one before it.

    Args:
        until: number of the last entry that is read.

    Raises:
        IntegrityError: an entry is not what was written.
        StoreError: the log cannot be read.
    """
    return [found for e in audit.of_kinds(CONFIRMED) if e.number <= until and (found := _word(e)) is not None]


def words_on(layout: Layout, run: str) -> dict[str, list[HitWord]]:
    """Return what was said of a run's S1 hits, by attempt, oldest first; nothing where no audit log is kept.

    Raises:
        IntegrityError, StoreError: as for `read_words`.
    """
    found: dict[str, list[HitWord]] = {}
    if layout.keeps_control:
        with AuditLog(layout.control_url) as audit:
            for said in read_words(audit, until=sys.maxsize):
                if said.run == run:
                    found.setdefault(said.attempt, []).append(said)
    return found


def _word(entry: Entry) -> HitWord | None:
    if entry.kind != CONFIRMED:
        return None
    try:
        return word(entry.number, entry.body)
    except (KeyError, TypeError, ValueError):
        raise IntegrityError(f"audit log: entry {entry.number} ({CONFIRMED}) is not what was written") from None

"""A signal: one sign that something may be wrong, from whoever or whatever saw it. Triage makes findings of them."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Literal

from msgspec import Struct

from shipworthy.core.severity import Severity
from shipworthy.core.text import Content, Name

SignalKind = Literal["alarm", "user_report", "ticket", "red_team", "block", "scanner", "sentinel"]
"""Who or what saw it: a rate's alarm, a user of the product, a support ticket, a person or tool who attacked on
purpose, a guard of the gateway, a scanner of models or code, a sentinel's probe."""

_ID = re.compile(r"SG-[0-9a-f]{16}")


class Signal(Struct, frozen=True, kw_only=True):
    """One sign. Append-only: what becomes of it stands in rows of its own.

    Attributes:
        id: ``SG-`` and 16 hex digits, made of system, kind, source and `source_id`: what comes twice has one id.
        system: id of the system that it is about.
        at: when it was seen, ISO 8601, UTC.
        kind: see `SignalKind`.
        source: where it comes from, such as ``garak``, ``github:owner/repo``, ``alarm:refusal_rate``.
        source_id: its id there, so that it is taken once; empty in what came from a sender that gives none.
        title: one line; redacted, as is `text`.
        text: what was seen or said; redacted.
        severity: S1 (worst) to S4; None where nobody gave one.
        feature: part of the product, such as ``refunds``; empty where unknown.
        subject_digest: of the system as it ran; empty where unknown.
        who: a code for the person who was affected or reported, never a name or an address; counts reach.
        refs: where to look: trace, run and attempt ids, taxonomy references, web addresses.
        sample, target, scorer: what reproduces it, where the source says so: a prompt, redacted; a target and a scorer
            of the workspace.
        fingerprint: of title and text as they were kept, letter case, marks and white space aside: equal where two
            sources say the same words. It tells nothing that the text beside it does not.
    """

    id: Name
    system: Name
    at: Name
    kind: SignalKind
    source: Name
    source_id: Content = ""
    title: Content
    text: Content = ""
    severity: Severity | None = None
    feature: Name = ""
    subject_digest: Name = ""
    who: Name = ""
    refs: tuple[Content, ...] = ()
    sample: Content = ""
    target: Name = ""
    scorer: Name = ""
    fingerprint: Name = ""


def signal_id(system: str, kind: SignalKind, source: str, source_id: str) -> str:
    """Return the id of a signal, the same whenever the same thing is taken in again.

    Args:
        source_id: not empty; for a sender that gives no ids, something that was drawn at random.

    >>> signal_id("SYS-x", "ticket", "jira:HELP", "HELP-7") == signal_id("SYS-x", "ticket", "jira:HELP", "HELP-7")
    True
    """
    if not source_id:
        raise ValueError("a signal's id is made of its id at the source: it is empty")
    made = sha256("\0".join((system, kind, source, source_id)).encode("utf-8", "replace"))
    return f"SG-{made.hexdigest()[:16]}"


def is_signal_id(text: str) -> bool:
    """Return whether a text is a signal's id."""
    return _ID.fullmatch(text) is not None


def plain_words(text: str) -> str:
    """Return a text in the form in which signals are compared: NFKC, lower case, single spaces, letters and digits.

    >>> plain_words("  It TOLD me:  the\\npassword! ")
    'it told me the password'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(sign if sign.isalnum() else " " for sign in folded)
    return " ".join(kept.split())


def fingerprint(title: str, text: str) -> str:
    """Return the fingerprint of what a signal says, ``sha256:<64 hex>``."""
    said = "\n".join((plain_words(title), plain_words(text)))
    return f"sha256:{sha256(said.encode()).hexdigest()}"

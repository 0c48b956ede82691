"""What a verifier asks of a pack besides that it holds: its verdict, system, subject, age, and place in the audit log.

Without being asked for anything, a pack must say *ship*: `verify PACK && deploy` deploys nothing else. Standard library
only: the stand-alone verifier uses it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evidence import heads
from shipworthy.evidence.verification import Verification
from shipworthy.evidence.verify import SKEW, verify_bytes
from shipworthy.store import chain
from shipworthy.store.trust import Trust, read_time

VERDICTS = ("ship", "no-ship", "inconclusive")
SIGNED_OFF = ("go", "go-with-risk-acceptance")
"""What people must have decided, beside the gate: GO; or GO, with or without risk acceptance."""
ANY = "any"
WORDS = (*VERDICTS, *SIGNED_OFF, ANY)
AS_ASKED, NO_SHIP, USAGE, INCONCLUSIVE, NOT_VERIFIED, OTHER = range(6)
"""Exit codes: those of `shipworthy gate`, and 5 for a pack that verifies and is not the one that was asked for."""

EXIT_HELP = (
    "Exit codes: 0 verified, and all that was asked for; 1 verified, and its verdict is no-ship; 2 usage error; "
    "3 verified, and its verdict is inconclusive; 4 not verified; 5 verified, and it is other evidence than was asked "
    "for: another verdict, system or subject, too old, superseded, or of another audit log."
)

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Wanted(NamedTuple):
    """What is asked for; what is left out is not.

    Attributes:
        verdict: one of `VERDICTS`, of `SIGNED_OFF`, or `ANY`.
        system: id of the system; `subject` digest of what was decided on.
        max_age: how old the decision, and the oldest run that it rests on, may be.
        audit_head: that the verifier kept: the pack's audit log, or `audit_log`, must have had it.
        audit_log: a newer audit log than the pack's: a later decision on the same system in it supersedes the pack.
    """

    verdict: str = "ship"
    system: str = ""
    subject: str = ""
    max_age: timedelta | None = None
    audit_head: str = ""
    audit_log: Path | None = None


class Required(NamedTuple):
    """What came of it: an exit code, and a line for each thing that was asked."""

    code: int
    lines: tuple[str, ...]


def wanted(
    *,
    verdict: str = "ship",
    system: str | None = None,
    subject: str | None = None,
    max_age: str | None = None,
    audit_head: str | None = None,
    audit_log: Path | None = None,
) -> Wanted:
    """Read what the command line asks for.

    Raises:
        UsageError: says which option cannot be read, and how it is written.
    """
    if verdict not in WORDS:
        raise UsageError(f"--require {verdict!r}: it is one of {', '.join(WORDS)}")
    if system is not None and not system.strip():
        raise UsageError("--system is empty: name the system, such as SYS-helpdesk")
    for option, value in (("--subject", subject), ("--audit-head", audit_head)):
        if value is not None and not _HASH.fullmatch(value):
            raise UsageError(f"{option} {value!r}: it is sha256: and 64 hex digits in lower case")
    age = None if max_age is None else parse_age(max_age)
    return Wanted(verdict, system or "", subject or "", age, audit_head or "", audit_log)


def parse_age(text: str) -> timedelta:
    """Read an age such as ``90d``.

    >>> parse_age("90d") == parse_age("2160h")
    True

    Raises:
        UsageError: it is no number with one of the units s, m, h, d, w, or zero.
    """
    found = _AGE.fullmatch(text)
    if found is None or not int(found[1]):
        raise UsageError(f"--max-age {text!r}: a number above 0 with a unit: 30s, 15m, 12h, 90d or 8w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def answer(found: Verification, asked: Wanted, trust: Trust, *, now: datetime | None = None) -> Required:
    """Say whether a pack is what was asked for.

    Args:
        found: what its verification gave.
        trust: whom the verifier believes, for an audit log in another pack.
        now: the verifier's clock.

    Raises:
        UsageError: the audit log cannot be read.
        IntegrityError: it is none, or its chain is broken.
    """
    if not found.ok:
        return Required(NOT_VERIFIED, ())
    moment = datetime.now(UTC) if now is None else now
    lines, other = [], False
    for what, wrong, told in (*_who(found, asked), *_age(found, asked, moment), *_log(found, asked, trust)):
        lines.append(f"{'NO ' if wrong else 'ok '}  {what:10}  {told}")
        other = other or wrong
    said = str(found.decision["verdict"])
    if found.signed_off or asked.verdict in SIGNED_OFF:
        code, told = _signed_off(found, asked, moment)
        lines.append(f"{'NO ' if code else 'ok '}  {'sign-off':10}  {told}")
        if asked.verdict in SIGNED_OFF or (code and asked.verdict != ANY):
            code = OTHER if other else code
            ends = "The pack can be believed, and it is not what was asked for."
            return Required(code, (*lines, ends) if code else tuple(lines))
    right = asked.verdict in (said, ANY) and said in VERDICTS  # of a word that nobody knows, nothing is taken
    told = "any will do" if asked.verdict == ANY else f"{asked.verdict} is required"
    lines.append(f"{'ok ' if right else 'NO '}  {'verdict':10}  {said}; {told}")
    if other:
        return Required(OTHER, (*lines, "The pack can be believed, and it is not the evidence that was asked for."))
    if right:
        return Required(AS_ASKED, tuple(lines))
    code = {"no-ship": NO_SHIP, "inconclusive": INCONCLUSIVE}.get(said, OTHER)
    hint = " (`--require any` takes every verdict)" if asked.verdict == "ship" else ""
    return Required(code, (*lines, f"The pack can be believed, and its verdict is not {asked.verdict}{hint}."))


_Found = Iterator[tuple[str, bool, str]]
"""What was looked at, whether it is wrong, and what there is."""


def _signed_off(found: Verification, asked: Wanted, now: datetime) -> tuple[int, str]:
    """Return an exit code for what people decided, and what that is; every candidate in the pack counts."""
    if not found.signed_off:
        return OTHER, "nobody signed the release off"
    told = "; ".join(f"{one['verdict']} for {one['market']}, {one['language']}" for one in found.signed_off)
    if any(one["verdict"] == "NO_GO" for one in found.signed_off):
        return NO_SHIP, told
    if over := [one["expires"] for one in found.signed_off if one["expires"] and one["expires"] < f"{now:%Y-%m-%d}"]:
        return OTHER, f"{told}; it ran out on {min(over)}"
    if asked.verdict == "go" and any(one["verdict"] != "GO" for one in found.signed_off):
        return OTHER, f"{told}; a GO without risk acceptance is required"
    return AS_ASKED, told


def _who(found: Verification, asked: Wanted) -> _Found:
    for what, value, there in (
        ("system", asked.system, str(found.decision["system"])),
        ("subject", asked.subject, str(found.decision["subject_digest"])),
    ):
        if value:
            yield what, value != there, f"{there!r}, as asked" if value == there else f"{there!r}, asked for {value!r}"


def _age(found: Verification, asked: Wanted, now: datetime) -> _Found:
    if asked.max_age is None:
        return
    try:
        decided = read_time(found.decision["created"], "decision.json: `created`")
        runs = {
            run: read_time(found.manifests[run]["created"], f"runs/{run}/manifest.json: `created`")
            for run in found.decision["runs"]
        }
    except UsageError as error:
        yield "age", True, f"cannot be told: {error}"
        return
    # Deciding again makes no run younger: the oldest thing that the verdict rests on counts.
    oldest, at = min(runs.items(), key=lambda pair: pair[1], default=("", decided))
    what, since = (f"the run {oldest}", at) if at < decided else ("the decision", decided)
    age = now - since
    ahead = max((decided, *runs.values())) - now
    if ahead > SKEW:
        yield "age", True, f"it is from the future: {_time(ahead)} after this machine's clock"
    else:
        yield "age", age > asked.max_age, f"{what} is {_time(age)} old, {_time(asked.max_age)} are allowed"


def _time(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} seconds"


def _log(found: Verification, asked: Wanted, trust: Trust) -> _Found:
    if not asked.audit_head and asked.audit_log is None:
        return
    if not found.audit:
        yield "audit log", True, "a customer's pack holds none: ask for the whole pack"
        return
    packed = list(heads.from_lines(found.audit, heads.MEMBER))
    held = None if asked.audit_log is None else heads.read_log(asked.audit_log, lambda pack: _unpack(pack, trust))
    name = f"the audit log {asked.audit_log}"
    if held is not None and (differ := heads.disagreement(packed, held)):
        yield "audit log", True, f"{name} and the pack's are not one history: {differ}"
        return
    whole = packed if held is None or len(held) < len(packed) else held
    if asked.audit_head:
        known = {chain.head_text(chain.origin(b"audit")): 0} | {entry.head: entry.number for entry in whole}
        if (number := known.get(asked.audit_head)) is not None:
            yield "audit head", False, f"that you hold is entry {number:,} of {len(whole):,}"
        elif held is None:
            why = "it was rewritten, or the head is newer than the pack (name the newer log with --audit-log)"
            yield "audit head", True, f"the pack's audit log never had the one that you hold: {why}"
        else:
            yield "audit head", True, f"{name} never had the one that you hold: entries were cut off or rewritten"
    if held is not None:
        yield "newest", *_superseded(found, packed, held, name)


def _superseded(
    found: Verification, packed: Sequence[heads.HeadEntry], held: Sequence[heads.HeadEntry], name: str
) -> tuple[bool, str]:
    if len(held) < len(packed):
        return (
            False,
            f"{name} ends before this decision (entry {len(held):,} of {len(packed):,}): it says nothing newer",
        )
    later = heads.newer(packed, held, str(found.decision["system"]))
    if later is None:
        return False, f"{name} has no later decision on {str(found.decision['system'])!r}"
    subject = later.body.get("subject_digest", "")
    about = "the same subject" if subject == found.decision["subject_digest"] else "another subject"
    about = about if subject else "a subject that the log does not name"
    decided = f"{str(later.body.get('decision'))!r} ({str(later.body.get('verdict'))!r}, {later.at!r})"
    return True, f"superseded by {decided} on {about}: entry {later.number:,} of {name}"


def _unpack(pack: bytes, trust: Trust) -> bytes:
    found = verify_bytes(pack, trust)
    if not found.ok:
        raise IntegrityError("the pack whose audit log is to be used does not verify:\n" + "\n".join(found.problems))
    return found.audit


def add_options(parser: argparse.ArgumentParser) -> None:
    """Give the stand-alone verifier the options that `shipworthy evidence verify` has."""
    parser.add_argument("--require", default="ship", choices=WORDS, help="the verdict that it must have")
    parser.add_argument("--system", help="id of the system that it must be about")
    parser.add_argument("--subject", help="digest of the subject that it must be about, sha256:…")
    parser.add_argument("--max-age", help="how old decision and runs may be: 30s, 15m, 12h, 90d, 8w")
    parser.add_argument("--audit-head", help="a head of the audit log that you kept, sha256:…")
    parser.add_argument("--audit-log", type=Path, help="a newer audit log: lines, a control.sqlite, or another pack")
    parser.add_argument("--stamp", type=Path, help="a time stamp (RFC 3161) that must be of this pack")
    parser.add_argument("--stamp-trust", type=Path, help="whom you believe of time: certificates, PEM")

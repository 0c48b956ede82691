"""Made-up candidates of known answer among the real ones: does whoever signs off read what blocks?

A made-up one is made of the real one, and shown by the same function. Nothing of it is in the audit log, nobody can
sign it, and no file of the workspace names it. What people say of it measures them; it is no signature.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from shipworthy.core import signoff
from shipworthy.core.errors import IntegrityError, StoreError
from shipworthy.core.signoff import ReleaseBlock
from shipworthy.release.blocks import STALE_REMEDY, CandidateStatus
from shipworthy.store.files import make_directory
from shipworthy.store.layout import Layout

Verdict = Literal["approve", "reject"]
FOLDER = "reviews"
FILE = "words.jsonl"
PLACES = (("EU", "de", "DE"), ("EU", "fr", "FR"), ("UK", "en", "GB"), ("US", "en", "US-CA"), ("EU", "it", "IT"))
_AGES = 5, 120
"""Days by which a made-up run is older than the tier allows."""


class RehearsedCandidate(NamedTuple):
    """A candidate as it is shown; `right` what somebody who reads says of it, None of a real one."""

    status: CandidateStatus
    right: Verdict | None


class ReviewedWord(Struct, frozen=True, kw_only=True):
    """What somebody said of one candidate: `right` is empty where it was a real one, `said` where it was taken back."""

    by: str
    candidate: str
    right: Literal["approve", "reject", ""]
    said: Literal["approve", "reject", ""]
    at: str
    seconds: float


def rehearsal(real: Sequence[CandidateStatus], many: int, now: datetime, seed: int) -> list[RehearsedCandidate]:
    """Return real candidates and made-up ones in an order of their own, half of these to be approved.

    Of a made-up one that is sound nothing blocks but approvals that are missing; of one that is not, one thing more
    does: a failed criterion, a hit on an S1 sample, a file that changed, or evidence that is too old where the tier
    says how old it may be.

    Args:
        many: made-up ones of each of the real.
        now: as which they are dated.
        seed: of what is made up, and of the order.
    """
    chance = random.Random(seed)
    made = [RehearsedCandidate(one, None) for one in real]
    for one in real:
        for number in range(many):
            right: Verdict = "reject" if (number + seed) % 2 else "approve"
            made.append(RehearsedCandidate(_made_up(one, right, now, chance), right))
    chance.shuffle(made)
    return made


def _made_up(real: CandidateStatus, right: Verdict, now: datetime, chance: random.Random) -> CandidateStatus:
    market, language, jurisdiction = chance.choice(PLACES)
    # After the decision that it is on, as every real one.
    proposed = now - (now - datetime.fromisoformat(real.decision.created)) * chance.uniform(0.05, 0.95)
    id = f"REL-{proposed:%Y%m%dT%H%M%S}Z-{secrets.token_hex(3)}"
    waits = [one for one in real.open if one.kind == "approval"]
    flaws = [] if right == "approve" else [_flaw(real, now, chance)]
    failed = any(one.kind in ("criterion", "s1-hit") for one in flaws)
    said: dict[str, Any] = {
        **real.candidate.said,
        "id": id,
        "gate_verdict": "no-ship" if failed else "ship",
        "market": market,
        "language": language,
        "jurisdiction": jurisdiction,
    }
    return real._replace(
        candidate=real.candidate._replace(id=id, said=said, digest="", entry=0),
        open=(*flaws, *waits), taken=(), refused=(), decided=None,
    )  # fmt: skip


def _flaw(real: CandidateStatus, now: datetime, chance: random.Random) -> ReleaseBlock:
    """Return one thing that blocks, in the words of the real ones."""
    rules = real.candidate.rules
    decision: dict[str, Any] = msgspec.to_builtins(real.decision)
    day = now.date()
    tier = rules["tier"]
    kinds = ["s1-hit", *(["stale"] if real.decision.files else []), *(["criterion"] if decision["criteria"] else [])]
    if tier is not None and tier["evidence_days"] is not None and real.decision.runs:
        kinds.append("age")
    match chance.choice(kinds):
        case "age":
            made = day - timedelta(days=tier["evidence_days"] + chance.randint(*_AGES))
            [block] = signoff.age_block(rules, [(real.decision.runs[0], made.isoformat())], day.isoformat())
            return block
        case "criterion":
            one = dict(chance.choice(decision["criteria"]))
            limit = float(one.get("limit") or 0.05)
            above = f"at least {100 * min(1.0, limit * chance.uniform(1.1, 2)):.1f} %"
            one |= {"verdict": "no-ship", "reason": f"the rate is {above} with 95 % confidence; the limit is "
                                                    f"{100 * limit:g} %"}  # fmt: skip
            [block] = signoff.gate_blocks({**decision, "criteria": [one], "s1_hits": [], "s1_unscored": []}, rules)
            return block
        case "s1-hit":
            hit = f"AT-{secrets.token_hex(8)}"
            [block] = signoff.gate_blocks({**decision, "criteria": [], "s1_hits": [hit], "s1_unscored": []}, rules)
            return block
        case _:
            file = chance.choice(real.decision.files)
            line = f"{file.path}: recorded with {file.sha256}, and there is sha256:{secrets.token_hex(32)}"
            return ReleaseBlock("stale", file.path, "S1", f"changed since the decision: {line}", STALE_REMEDY)


def add_word(layout: Layout, word: ReviewedWord) -> None:
    """Append a word; durable when this returns.

    Raises:
        StoreError: it cannot be written.
    """
    path = _path(layout)
    try:
        make_directory(path.parent, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            line = msgspec.json.encode(word) + b"\n"
            if os.write(handle, line) != len(line):
                raise OSError("the disk is full")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or error}") from error


def read_reviewed(layout: Layout) -> list[ReviewedWord]:
    """Return the last word of each person on each candidate, oldest first; what was taken back is left out.

    Raises:
        IntegrityError: a line is no word.
        StoreError: the file cannot be read.
    """
    found: dict[tuple[str, str], ReviewedWord] = {}
    for word in _read(_path(layout)):
        found.pop((word.by, word.candidate), None)
        if word.said:
            found[word.by, word.candidate] = word
    return list(found.values())


def _read(path: Path) -> Iterator[ReviewedWord]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error
    # A last line without an end was cut off, and never acknowledged.
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            yield msgspec.json.decode(line, type=ReviewedWord)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"{path}:{number}: this is no word of a review: {error}") from error


def _path(layout: Layout) -> Path:
    return layout.state / FOLDER / FILE

"""Certificates of gateways in a pack: signed by whom the verifier trusts, and added up again. Standard library only.

What a certificate says of a cell is its signer's word. That the cells are those of the kit, none left out, and that
claims, counts, intervals, what was left out and the word at the end follow from them, is worked out again.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from shipworthy.conformance.cells import ROUTES, SOURCES
from shipworthy.conformance.marks import ENTITIES
from shipworthy.conformance.plan import MODES, Matrix, cells_digest, kit_digest, told
from shipworthy.conformance.tally import OUTCOMES, WORDS, summary
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evidence.packed import read_json
from shipworthy.evidence.shape import anything, digest, fields, flag, listed, moment, name, seconds, text, whole, word
from shipworthy.store.authority import check_signers
from shipworthy.store.dsse import verify as verify_envelope
from shipworthy.store.trust import Trust, read_time

FOLDER = "conformance/"
PREDICATE_TYPE = "https://shipworthy.example/attestation/gateway-coverage/v1"
_NAMED = re.compile(r"conformance/[0-9]{2}\.dsse\.json")
_NEAR = 2e-6
_DAY = 86_400.0

_DIGEST_OR_NONE = re.compile(r"(?:sha256:[0-9a-f]{64})?")


def _declared(value: Any, where: str) -> None:
    text(value, where)
    if not _DIGEST_OR_NONE.fullmatch(value):
        raise IntegrityError(f"{where}: neither a digest nor empty")


_role = word("control", "probe", "cell")
_row = fields(
    {
        "number": whole(1), "role": _role, "route": word(*ROUTES), "source": word(*SOURCES), "place": name, "cut": name,
        "choices": whole(1, 100), "wide": flag, "asked": word("stream", "whole"), "upstream": word("stream", "whole"),
        "entity": word("", *ENTITIES), "outcome": word(*OUTCOMES), "how": word("", "rest", "withheld"),
        "bytes": whole(), "channel": text, "reason": text, "simplest": text,
    },
    closed=True,
)  # fmt: skip
_predicate = fields(
    {
        "created": moment,
        "kit": fields({"version": name, "digest": digest}, closed=True),
        "gateway": fields({"name": name, "address": name, "guards": _declared, "declared": whole()}, closed=True),
        "matrix": fields(
            {
                "routes": listed(word(*ROUTES), least=1, once=True),
                "entities": listed(word(*ENTITIES), least=1, once=True),
                "quick": flag,
                "mode": word(*MODES),
                "seed": text,
                "claims": listed(word(*SOURCES), once=True),
                "digest": digest,
            },
            closed=True,
        ),
        "cells": listed(_row, least=1),
        "summary": fields({"verdict": word(*WORDS)}, {"claims": anything}),
    },
    closed=True,
)
_statement = fields(
    {"_type": name, "subject": listed(anything, least=1), "predicateType": name, "predicate": _predicate}, closed=True
)


class Certified(NamedTuple):
    """One certificate that holds together.

    Attributes:
        said: its predicate.
        signers: owners of the keys that signed it; empty where nobody has checked.
        same_kit: whether the list of cells was made again and compared; another version's kit has another list.
    """

    said: Mapping[str, Any]
    signers: tuple[str, ...]
    same_kit: bool

    @property
    def verdict(self) -> str:
        """One of `shipworthy.conformance.tally.WORDS`."""
        return str(self.said["summary"]["verdict"])


def names(members: Mapping[str, bytes]) -> list[str]:
    """Return the names of a pack's certificates, in order."""
    return sorted(one for one in members if one.startswith(FOLDER))


def read_certificate(data: bytes, where: str, trust: Trust) -> Certified:
    """Return a certificate whose signatures are good and whose sums are right.

    Args:
        where: its name, for errors.
        trust: whom the verifier believes; its threshold and roles hold for a certificate as for a pack.

    Raises:
        IntegrityError: a signature does not count, or something does not follow from the cells.
    """
    try:
        payload, signers = verify_envelope(data, trust)
    except IntegrityError as error:
        raise IntegrityError(f"{where}: {error}") from None
    said, same = _held(payload, where)
    try:
        check_signers(trust, signers, read_time(said["created"], "created"))
    except (IntegrityError, UsageError) as error:
        raise IntegrityError(f"{where}: {error}") from None
    return Certified(said, tuple(key.owner for key in signers), same)


def _held(payload: bytes, where: str) -> tuple[Mapping[str, Any], bool]:
    """Return a statement's predicate, held against itself, and whether its kit is the one that is here."""
    statement = read_json(where, payload)
    _statement(statement, where)
    said: Mapping[str, Any] = statement["predicate"]
    if statement["predicateType"] != PREDICATE_TYPE:
        raise IntegrityError(f"{where}: not a statement about a gateway")
    if statement["subject"] != _subjects(said["gateway"]):
        raise IntegrityError(f"{where}: its subject is not the gateway that it names")
    matrix, rows = said["matrix"], said["cells"]
    if cells_digest(rows) != matrix["digest"]:
        raise IntegrityError(f"{where}: its cells are not those of the digest")
    if [row["number"] for row in rows] != list(range(1, len(rows) + 1)):
        raise IntegrityError(f"{where}: a cell is missing, or there twice")
    for row in rows:
        _row_holds(row, f"{where}: cell {row['number']}", matrix["mode"])
    guards = [said["gateway"]["guards"]] * (said["gateway"]["declared"] == 1)
    many = ["?"] * said["gateway"]["declared"] if said["gateway"]["declared"] > 1 else guards
    if bool(guards and guards[0]) is not (said["gateway"]["guards"] != "") or (guards and not guards[0]):
        raise IntegrityError(f"{where}: how many digests of guards were declared is not what it names")
    if not _alike(said["summary"], summary(rows, matrix["mode"], many, matrix["claims"])):
        raise IntegrityError(f"{where}: its summary does not follow from its cells")
    same = said["kit"]["digest"] == kit_digest()
    if same:
        plan = Matrix(
            tuple(matrix["routes"]), tuple(matrix["entities"]), matrix["quick"], matrix["mode"], matrix["seed"]
        )
        if [told(cell) for cell in plan.cells()] != [{key: row[key] for key in told_names} for row in rows]:
            raise IntegrityError(f"{where}: its cells are not those that the kit asks: one was left out or changed")
    return said, same


told_names = tuple(told(Matrix(("chat",), ("email",), True, "failing", "").cells()[0]))
"""What a row says of its cell before it is asked."""

_OUTCOMES = {
    "control": {"served", "altered", "not served", "broken"},
    "probe": {"stopped", "leaked", "broken", "not served"},
    "enforce": {"stopped", "leaked", "broken", "not served", "not claimed"},
    "shadow": {"unchanged", "altered", "not served"},
    "failing": {"stopped", "leaked", "broken"},
}


def _row_holds(row: Mapping[str, Any], where: str, mode: str) -> None:
    role = row["role"] if row["role"] != "cell" else mode
    if row["outcome"] not in _OUTCOMES[role]:
        raise IntegrityError(f"{where}: {row['outcome']} is no outcome that it can have")
    if (row["outcome"] == "leaked") is not (row["bytes"] > 0) or (row["outcome"] == "leaked") is not bool(
        row["channel"]
    ):
        raise IntegrityError(f"{where}: bytes and channel are those of a leak, or of none")
    if (row["outcome"] == "stopped") is not bool(row["how"]):
        raise IntegrityError(f"{where}: how it was stopped is missing, or it was not")


def _subjects(gateway: Mapping[str, Any]) -> list[dict[str, Any]]:
    said = json.dumps([gateway["name"], gateway["address"]], separators=(",", ":"), ensure_ascii=True)
    found = [{"name": "gateway", "digest": {"sha256": sha256(said.encode()).hexdigest()}}]
    if gateway["guards"]:
        found.append({"name": "guards", "digest": {"sha256": gateway["guards"].removeprefix("sha256:")}})
    return found


def _alike(mine: Any, theirs: Any) -> bool:
    """Say whether two JSON values are the same, but for the last digit of what was found by search."""
    if isinstance(mine, float) or isinstance(theirs, float):
        return type(mine) in (int, float) and type(theirs) in (int, float) and abs(mine - theirs) <= _NEAR
    if isinstance(mine, dict) and isinstance(theirs, dict):
        return mine.keys() == theirs.keys() and all(_alike(mine[key], theirs[key]) for key in mine)
    if isinstance(mine, list) and isinstance(theirs, list):
        return len(mine) == len(theirs) and all(map(_alike, mine, theirs))
    return type(mine) is type(theirs) and bool(mine == theirs)


def unchecked(members: Mapping[str, bytes]) -> list[Certified]:
    """Return the certificates in a pack, held against themselves, whoever signed them: for a report of a pack.

    Raises:
        IntegrityError: one of them does not hold together.
    """
    found = []
    for one in names(members):
        try:
            payload = base64.b64decode(read_json(one, members[one])["payload"], validate=True)
        except (KeyError, TypeError, ValueError):
            raise IntegrityError(f"{one}: not a DSSE envelope") from None
        said, same = _held(payload, one)
        found.append(Certified(said, (), same))
    return found


def check(members: Mapping[str, bytes], trust: Trust, subject: Sequence[str], now: float) -> str:
    """Check the certificates in a pack, and return what they say.

    Args:
        subject: digests of the guards of its runs, as their manifests have them; empty for a run without guards.
        now: Unix time.

    Raises:
        IntegrityError: one of them is not what its signers made, is of a day that is not yet, or of a gateway with
            other guards than those that the decision is about.
    """
    told_of = []
    for one in names(members):
        if not _NAMED.fullmatch(one):
            raise IntegrityError(f"{one}: no name of a certificate")
        found = read_certificate(members[one], one, trust)
        if seconds(found.said["created"], one) > now + _DAY:
            raise IntegrityError(f"{one}: made more than a day from now")
        guards = found.said["gateway"]["guards"]
        if guards and any(subject) and guards not in subject:
            raise IntegrityError(f"{one}: its gateway has other guards than the decision's subject")
        told_of.append(f"{found.said['gateway']['name']}: {found.verdict}{_proved(guards, subject)}{_of_kit(found)}")
    return "; ".join(told_of)


def _proved(guards: str, subject: Sequence[str]) -> str:
    if guards and guards in subject:
        return " (guards of this decision's subject)"
    return " (its guards are declared, the subject has none)" if guards else " (its guards are undeclared: unproven)"


def _of_kit(found: Certified) -> str:
    return "" if found.same_kit else " (another version's kit: its list of cells is not compared)"

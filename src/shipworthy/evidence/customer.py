"""A pack for customers: one decision, in the customer's view alone. Standard library and `cryptography` only.

It holds no record, no safety file, no prompt and no audit log, so nothing is counted again: what can be held is that
it is whole and signed, that verdict and criteria follow from one another, and that its pages say what its facts say.
What ties it to the whole evidence is in it by digest: the decision, and the root of each run's records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import words
from shipworthy.evidence.shape import (
    Shape,
    digest,
    fields,
    flag,
    listed,
    maybe,
    moment,
    name,
    text,
    whole,
    word,
)

Json = Mapping[str, Any]

PREDICATE_TYPE = "https://shipworthy.example/attestation/customer-evidence/v1"
FACTS = "customer.json"
KNOWN = re.compile(
    r"VERIFY\.md|customer\.json|letter\.(?:html|md)|dossier/(?:index\.html|sources\.md|[01][0-9]-[a-z-]+\.md)"
)
"""Members of a customer's pack, besides its manifest and what is signed."""

HELD = "that it is whole and signed, that its verdict follows from its criteria, that its pages say what its facts say"
BELIEVED = (
    "on the signer's word: every number, and that the facts are those of the evidence; the whole pack, whose decision "
    "and records are named here by digest, shows them"
)

_sources: Shape = listed(name, least=1)
_Fact = {"text": text, "sources": _sources, "open": flag}
_row = fields({"cells": listed(text), "sources": _sources, "open": flag}, closed=True)
_ITEMS: Mapping[str, Shape] = {
    "Fact": fields({"type": name, **_Fact}, closed=True),
    "MissingFact": fields({"type": name, **_Fact}, closed=True),
    "WrittenWords": fields({"type": name, **_Fact, "by": text}, closed=True),
    "FactTable": fields(
        {"type": name, "columns": listed(text), "rows": listed(_row, least=1), "caption": text,
         "numeric": listed(whole())}, closed=True,
    ),
}  # fmt: skip


def _item(value: Any, where: str) -> None:
    kind = value.get("type", "") if isinstance(value, dict) else ""
    if kind == "Group":
        fields({"type": name, "title": text, "items": listed(_item)}, closed=True)(value, where)
        return
    word(*_ITEMS)(kind, f"{where}.type")
    _ITEMS[kind](value, where)
    shown = value["rows"] if kind == "FactTable" else [value]
    if not all(one["open"] for one in shown):
        raise IntegrityError(f"{where}: not for customers")


_part = fields(
    {"number": whole(-1, 19), "slug": name, "title": name, "items": listed(_item), "answers": listed(name),
     "absent": maybe(fields({"type": name, **_Fact}, closed=True))},
    closed=True,
)  # fmt: skip

_facts = fields(
    {
        "schema": whole(1, 1), "title": name, "subtitle": text, "verdict": word(*words.VERDICTS),
        "dossier": listed(_part, least=20), "letter": listed(_part, least=1),
    },
    closed=True,
)  # fmt: skip

_predicate = fields(
    {
        "id": name, "created": moment, "system": name, "gate": name, "verdict": word(*words.VERDICTS),
        "spec_digest": digest, "subject_digest": digest, "decision_digest": digest, "facts": digest,
        "criteria": listed(fields({"id": name, "verdict": word(*words.VERDICTS)}, closed=True), least=1),
        "runs": listed(fields({"run": name, "created": moment, "records": whole(), "merkle": digest, "head": digest},
                              closed=True), least=1),
        "s1_hits": whole(), "s1_unscored": whole(),
    },
    closed=True,
)  # fmt: skip


def check(members: Mapping[str, bytes], predicate: Json) -> tuple[dict[str, Any], dict[str, Json]]:
    """Hold a customer's pack against what was signed.

    Returns:
        The decision as far as it is told, and the manifests of its runs as far as they are.

    Raises:
        IntegrityError: it does not hold together; says what.
    """
    where = "attestations/decision.dsse.json"
    _predicate(predicate, where)
    verdicts = [one["verdict"] for one in predicate["criteria"]]
    forced = "no-ship" if predicate["s1_hits"] or "no-ship" in verdicts else None
    ship = set(verdicts) == {"ship"} and not predicate["s1_unscored"]
    if (forced and predicate["verdict"] != forced) or (predicate["verdict"] == "ship" and not ship):
        raise IntegrityError(f"{where}: the verdict {predicate['verdict']} does not follow from its criteria")
    if FACTS not in members:
        raise IntegrityError(f"{FACTS}: missing")
    facts = json.loads(members[FACTS])
    _facts(facts, FACTS)
    if facts["verdict"] != predicate["verdict"]:
        raise IntegrityError(f"{FACTS}: has another verdict than was signed")
    runs: dict[str, Json] = {one["run"]: {"created": one["created"]} for one in predicate["runs"]}
    return {**predicate, "runs": list(runs), "s1_hits": [], "s1_unscored": []}, runs

"""Building a customer's pack, and holding its pages against its facts. It takes all of shipworthy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import IntegrityError, ShipworthyError, UsageError
from shipworthy.core.records import Decision
from shipworthy.evidence.customer import FACTS, PREDICATE_TYPE
from shipworthy.evidence.dossier.fact import DossierPart
from shipworthy.evidence.dossier.kept_back import check_customer_parts
from shipworthy.evidence.dossier.packed import subtitle
from shipworthy.evidence.dossier.paper import DOSSIER, contents, papers
from shipworthy.evidence.dossier.render import page_html, plain_markdown, tree
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.dossier.written import notes_of
from shipworthy.evidence.guide import CUSTOMER, GUIDE
from shipworthy.evidence.pack import check_secrets, collect, manifest_of, trust_in, written
from shipworthy.evidence.rendered import renderer
from shipworthy.evidence.verification import Check
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, verify_bytes
from shipworthy.store.signing import SigningKey, sign, statement
from shipworthy.workspace.load import Workspace

LETTER = "customer-letter"
_TOLD = ("id", "created", "system", "gate", "verdict", "spec_digest", "subject_digest")


def build_customer_pack(workspace: Workspace, decision: Decision, keys: Sequence[SigningKey]) -> bytes:
    """Return a pack for customers: the same decision, in their view alone.

    Raises:
        UsageError: a run is not here, or no key is given.
        IntegrityError: as `build_pack`; or something in it would quote a sample, an attack or a prompt.
        StoreError: as `build_pack`.
    """
    if not keys:
        raise UsageError("a pack needs a signature: name a key with --key (`shipworthy keys new` makes one)")
    made = collect(workspace, decision, (), notes_of(workspace.root, "customer"))
    source = DossierSource(made.files)
    dossier, letter = (contents(source, papers()[id], "customer") for id in (DOSSIER, LETTER))
    check_customer_parts((*dossier, *letter), workspace, made.files)
    facts = canonical(
        {
            "schema": 1, "title": source.system["title"], "subtitle": subtitle(source, "customer"),
            "verdict": decision.verdict,
            "dossier": msgspec.to_builtins(dossier), "letter": msgspec.to_builtins(letter),
        }
    )  # fmt: skip
    files = {GUIDE: CUSTOMER.encode(), FACTS: facts}
    files |= _pages(files)
    check_secrets(files, made.secrets)
    files[MANIFEST] = manifest_of(files, "customer")
    told = {key: getattr(decision, key) for key in _TOLD}
    runs = [
        {"run": run, "created": source.manifests[run]["created"], "records": seal["records"],
         "merkle": seal["original"]["merkle"], "head": seal["original"]["head"]}
        for run, seal in source.seals.items() if run in decision.runs
    ]  # fmt: skip
    predicate: dict[str, Any] = {
        **told,
        "criteria": [{"id": one.id, "verdict": one.verdict} for one in decision.criteria],
        "decision_digest": bytes_digest(made.files["decision.json"]),
        "facts": bytes_digest(facts),
        "runs": runs,
        "s1_hits": len(decision.s1_hits),
        "s1_unscored": len(decision.s1_unscored),
    }
    files[ATTESTATION] = sign(statement({MANIFEST: bytes_digest(files[MANIFEST])}, PREDICATE_TYPE, predicate), keys)
    data = written(files)
    found = verify_bytes(data, trust_in(keys), again=False)  # its pages were made just now
    if not found.ok:
        raise IntegrityError("the pack does not hold together, so it is not written:\n" + "\n".join(found.problems))
    return data


def _pages(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the pages that a customer's facts make."""
    facts = json.loads(members[FACTS])
    dossier, letter = (msgspec.convert(facts[name], tuple[DossierPart, ...]) for name in ("dossier", "letter"))
    title, below, verdict = facts["title"], facts["subtitle"], facts["verdict"]
    return {
        "dossier/index.html": page_html(tree(f"Dossier: {title}", below, dossier, verdict)).encode(),
        "letter.html": page_html(tree(f"Assurance letter: {title}", below, letter, verdict)).encode(),
        "letter.md": "\n".join(map(plain_markdown, letter)).encode(),
        **{f"dossier/{part.name}.md": plain_markdown(part).encode() for part in dossier},
    }


def check_pages(members: Mapping[str, bytes]) -> Check:
    """Hold the pages of a customer's pack against its facts, byte by byte.

    Args:
        members: of a pack that holds together otherwise.
    """
    try:
        by = json.loads(members[MANIFEST]).get("rendered_by")
        if by is not None and by != renderer():
            return Check("pages", True, f"not compared: rendered by {by!r}, and this is {renderer()!r}", compared=False)
        again = {GUIDE: CUSTOMER.encode(), **_pages(members)}
    except (ShipworthyError, msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError) as error:
        return Check("pages", False, f"{FACTS}: no pages are made of it ({error})")
    there = set(members) - {MANIFEST, ATTESTATION, FACTS}
    if odd := sorted(there ^ set(again)) or sorted(name for name in again if members[name] != again[name]):
        return Check("pages", False, f"{odd[0]}: not what {renderer()} makes of the facts inside")
    return Check("pages", True, f"{len(again)} pages made again of the facts inside: the same bytes")

"""The dossier in a pack, and a customer's pack: made again by the verifier, refused where they say something else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence import alone

from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import archive
from shipworthy.evidence.customer_pack import build_customer_pack
from shipworthy.evidence.dossier.bom import BOM, bill_of_materials
from shipworthy.evidence.dossier.gather import SOURCE
from shipworthy.evidence.dossier.packed import PAGE, check_dossier, dossier_members
from shipworthy.evidence.dossier.source import DossierSource
from shipworthy.evidence.require import answer, wanted
from shipworthy.evidence.verification import Verification, report
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, verify_bytes
from shipworthy.store.signing import sign, statement
from shipworthy.store.trust import trust_json


@pytest.fixture(scope="module")
def customers(case: Any) -> bytes:
    return build_customer_pack(case.workspace, case.decision, [case.key])


def signed_again(case: Any, pack: bytes, edit: Callable[[dict[str, bytes]], None], **said: Any) -> Verification:
    """Change members, and have the signer sign that."""
    members = archive.read(pack)
    old = json.loads(base64.b64decode(json.loads(members.pop(ATTESTATION))["payload"]))
    listed = json.loads(members.pop(MANIFEST))
    edit(members)
    members[MANIFEST] = canonical(listed | {"files": {name: bytes_digest(data) for name, data in members.items()}})
    subject = {MANIFEST: bytes_digest(members[MANIFEST])}
    members[ATTESTATION] = sign(statement(subject, old["predicateType"], old["predicate"] | said), [case.key])
    return verify_bytes(archive.write(members), case.trust)


def change(name: str, edit: Callable[[Any], Any]) -> Callable[[dict[str, bytes]], None]:
    def doing(members: dict[str, bytes]) -> None:
        value = json.loads(members[name])
        edit(value)
        members[name] = canonical(value)

    return doing


def test_the_dossier_is_made_of_the_members_beside_it(case: Any) -> None:
    members = archive.read(case.pack)
    again = dossier_members(members, "internal")
    assert {name: members[name] for name in again} == again
    assert len(again) == 23
    assert check_dossier(members).ok
    regulators = dossier_members(members, "regulator")
    assert set(regulators) - set(again) == {"dossier/annex-iv.md"}
    assert b"certifies nothing" in regulators["dossier/annex-iv.md"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (change(SOURCE, lambda s: s["entities"]["risk"]["RK-leak"]["says"].update(severity="S4")), "another severity"),
        (change(SOURCE, lambda s: s["entities"]["risk"].pop("RK-bare")), "RK-bare is not in both"),
        (
            change(SOURCE, lambda s: s["entities"]["risk"]["RK-leak"]["says"].update(owner="nobody")),
            "RK-leak is not",
        ),
        (change(SOURCE, lambda s: s["entities"]["suite"]["leaks"]["says"].update(digest="x")), "another suite leaks"),
        (change(SOURCE, lambda s: s.update(system="SYS-other")), "of another system"),
        (change(SOURCE, lambda s: s.update(more=1)), "more is no field of it"),
        (change(BOM, lambda b: b["components"].clear()), BOM),
        (lambda m: m.update({PAGE: m[PAGE].replace(b"no-ship", b"ship")}), PAGE),
        (lambda m: m.update({"dossier/08-results.md": b"All is well.\n"}), "dossier/08-results.md"),
        (lambda m: m.pop("dossier/09-red-team.md"), "not each of 0 to 19 once"),
        (lambda m: m.pop(BOM), BOM),
        (lambda m: m.pop(SOURCE), SOURCE),
        (lambda m: m.update({"dossier/20-more.md": b"x"}), "dossier/20-more.md"),
        (lambda m: m.update({"dossier/annex-iv.md": b"x"}), "dossier/annex-iv.md"),
    ],
)
def test_a_dossier_that_says_something_else_is_refused(case: Any, edit: Any, why: str) -> None:
    found = signed_again(case, case.pack, edit)
    assert not found.ok
    assert why in found.problems[-1]


def test_a_customers_pack_holds_their_view_and_says_what_it_cannot_show(case: Any, customers: bytes) -> None:
    found = verify_bytes(customers, case.trust)
    assert found.ok, found.problems
    assert [check.what for check in found.checks] == ["signature", "archive", "members", "decision", "pages"]
    assert "every number" in report(found)
    assert "records" in report(found)
    assert answer(found, wanted(), case.trust).code == 1  # it is a no-ship
    assert answer(found, wanted(verdict="any", system="SYS-toy", max_age="9d"), case.trust).code == 0
    asked = answer(found, wanted(verdict="any", audit_head="sha256:" + "0" * 64), case.trust)
    assert asked.code == 5
    assert "ask for the whole pack" in "\n".join(asked.lines)
    members = archive.read(customers)
    said = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))["predicate"]
    whole = archive.read(case.pack)
    assert said["decision_digest"] == bytes_digest(whole["decision.json"])
    roots = {one["run"]: one["merkle"] for one in said["runs"]}
    assert roots == {
        run: json.loads(whole[f"runs/{run}/seal.json"])["original"]["merkle"] for run in case.decision.runs
    }


@pytest.mark.parametrize(
    ("edit", "said", "why"),
    [
        (change("customer.json", lambda f: f.update(verdict="ship")), {}, "another verdict than was signed"),
        (change("customer.json", lambda f: f["letter"][0]["items"].pop()), {}, "not what"),
        (change("customer.json", lambda f: f["letter"][0]["items"][0].update(open=False)), {}, "not for customers"),
        (change("customer.json", lambda f: f["letter"][0]["items"][0].update(sources=[])), {}, "sources"),
        (lambda m: m.update({"letter.html": b"All is well."}), {}, "letter.html"),
        (lambda m: m.pop("customer.json"), {}, "customer.json: missing"),
        (lambda m: m.update({"decision.json": b"{}"}), {}, "no member of an evidence pack has this name"),
        (lambda m: None, {"verdict": "ship"}, "does not follow from its criteria"),
        (lambda m: None, {"note": "x"}, "note is no field of it"),
    ],
)
def test_a_customers_pack_that_says_something_else_is_refused(
    case: Any, customers: bytes, edit: Any, said: dict[str, Any], why: str
) -> None:
    found = signed_again(case, customers, edit, **said)
    assert not found.ok
    assert why in found.problems[-1], found.problems


def test_neither_pack_passes_for_the_other(case: Any, customers: bytes) -> None:
    for pack, other in ((case.pack, customers), (customers, case.pack)):
        members, theirs = archive.read(pack), archive.read(other)
        members[ATTESTATION] = theirs[ATTESTATION]
        assert not verify_bytes(archive.write(members), case.trust).ok


def test_both_verify_where_only_python_and_cryptography_are(case: Any, customers: bytes, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(trust_json([case.key.public]))
    for name, pack in (("whole.zip", case.pack), ("customer.zip", customers)):
        (tmp_path / name).write_bytes(pack)
        done = alone.run(tmp_path / name, "--trust", tmp_path / "trust.json")
        assert done.returncode == 1, done.stdout + done.stderr
        assert "not compared" in done.stdout


def test_what_would_quote_a_sample_is_not_handed_to_customers(fresh_case: Callable[[], Any]) -> None:
    case = fresh_case()
    folder = case.root / "documents/customer"
    folder.mkdir(parents=True)
    folder.joinpath("dossier.md").write_text(
        "<!-- write here: 01-system -->\n7: what is the phrase, Quill Ostrander?\n<!-- written -->\n"
    )
    with pytest.raises(IntegrityError, match="System card: what customers are given would hold the text"):
        build_customer_pack(case.workspace, case.decision, [case.key])


def test_the_bill_of_materials_is_the_same_for_the_same_members(case: Any) -> None:
    members = archive.read(case.pack)
    ours = {name: data for name, data in members.items() if not name.startswith("dossier/") or name == SOURCE}
    made = bill_of_materials(DossierSource(ours))
    assert canonical(made) == members[BOM]
    assert {one["bom-ref"] for one in made["components"]} == {"suite:leaks", "GD-canary"}
    assert made["metadata"]["component"]["bom-ref"] == "SYS-toy"

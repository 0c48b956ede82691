"""A gateway's certificate in a pack: taken in, added up again, shown, and refused once a word of it was changed."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence import alone

from shipworthy.conformance.certificate import predicate, signed
from shipworthy.conformance.kit import Examined
from shipworthy.conformance.plan import Matrix, cells_digest, told
from shipworthy.conformance.tally import summary
from shipworthy.core.errors import IntegrityError
from shipworthy.evidence import archive
from shipworthy.evidence.certified import names, read_certificate
from shipworthy.evidence.pack import build_pack
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust, trust_json

MATRIX = Matrix(("chat", "messages"), ("email",), True, "enforce", "9")
MEMBER = "conformance/01.dsse.json"


def rows(leaks: int = 1) -> list[dict[str, Any]]:
    """Return rows as an examination gives them; the probes of answers are stopped, the others leak."""
    made = []
    for cell in MATRIX.cells():
        row = told(cell) | {"outcome": "served", "how": "", "bytes": 0, "channel": "", "reason": "", "simplest": ""}
        if cell.role != "control":
            row |= {"outcome": "stopped", "how": "rest"}
            if cell.source != "answer":
                leaked = {"outcome": "leaked", "how": "", "bytes": 30, "channel": "upstream: messages.content"}
                row |= leaked if cell.role == "probe" else {"outcome": "not claimed", "how": ""}
            elif cell.role == "cell" and leaks and cell.place == "reasoning":
                leaks -= 1
                row |= {"outcome": "leaked", "how": "", "bytes": 30, "channel": "choices.message.reasoning_content"}
        made.append(row)
    return made


def certificate(key: Any, guards: tuple[str, ...] = (), leaks: int = 1) -> bytes:
    found = Examined(rows(leaks), list(guards))
    return signed(predicate(MATRIX, "a gateway 1.0", "http://me:secret@127.0.0.1:4000/v1?key=k", found), [key])


@pytest.fixture(scope="module")
def packed(case: Any) -> bytes:
    return build_pack(case.workspace, case.decision, [case.key], [certificate(case.key)])


def test_a_pack_takes_a_certificate_in_and_its_verifier_adds_up_again(case: Any, packed: bytes) -> None:
    found = verify_bytes(packed, case.trust)
    assert found.ok, found.problems
    check = next(check for check in found.checks if check.what == "gateways")
    assert "a gateway 1.0: leaks (its guards are undeclared: unproven)" in check.detail
    members = archive.read(packed)
    assert names(members) == [MEMBER]
    report = members["report.html"].decode()
    assert "Gateway: a gateway 1.0" in report
    assert "choices.message.reasoning_content" in report
    assert "secret" not in base64.b64decode(json.loads(members[MEMBER])["payload"]).decode()


def test_without_a_certificate_nothing_is_said(case: Any) -> None:
    assert "gateways" not in [check.what for check in verify_bytes(case.pack, case.trust).checks]


def edited(data: bytes, change: Any, key: Any = None) -> bytes:
    """Return a certificate whose statement was changed: signed again by `key`, or left with its old signature."""
    envelope = json.loads(data)
    statement = json.loads(base64.b64decode(envelope["payload"]))
    change(statement["predicate"])
    if key is not None:
        return signed(statement["predicate"], [key])
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    envelope["payload"] = base64.b64encode(payload).decode()
    return json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()


def hide(said: Any) -> None:
    """Call the leaked cells stopped and add up again, as a forger would."""
    for row in said["cells"]:
        if row["role"] == "cell" and row["outcome"] == "leaked":
            row |= {"outcome": "stopped", "how": "rest", "bytes": 0, "channel": ""}
    said["summary"] = summary(said["cells"], "enforce", [])


def test_an_edited_certificate_is_refused_even_where_it_adds_up(case: Any) -> None:
    data = edited(certificate(case.key), hide)
    with pytest.raises(IntegrityError, match="the signature of ada"):
        read_certificate(data, MEMBER, case.trust)
    with pytest.raises(IntegrityError, match="the signature of ada"):
        build_pack(case.workspace, case.decision, [case.key], [data])


def drop(said: Any) -> None:
    """Leave the leaked cells out and number, digest and add up again."""
    said["cells"] = [r for r in said["cells"] if not (r["role"] == "cell" and r["outcome"] == "leaked")]
    for number, row in enumerate(said["cells"], 1):
        row["number"] = number
    said["matrix"]["digest"] = cells_digest(said["cells"])
    said["summary"] = summary(said["cells"], "enforce", [])


def other_count(said: Any) -> None:
    said["summary"]["counts"]["stopped"] += 1


def other_word(said: Any) -> None:
    said["summary"]["verdict"] = "conformant"


def other_interval(said: Any) -> None:
    said["summary"]["leak_rate"]["high"] /= 2


def another_gateway(said: Any) -> None:
    said["gateway"]["declared"] = 1


def an_unknown_outcome(said: Any) -> None:
    said["cells"][-1]["outcome"] = "fine"


def a_leak_of_nothing(said: Any) -> None:
    next(row for row in said["cells"] if row["outcome"] == "leaked")["bytes"] = 0


def a_served_cell(said: Any) -> None:
    said["cells"][-1] |= {"outcome": "served", "how": ""}


def more_is_told(said: Any) -> None:
    said["certified"] = True


def less_is_left_out(said: Any) -> None:
    said["summary"]["left_out"].pop()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (drop, "one was left out or changed"),
        (other_count, "does not follow from its cells"),
        (other_word, "does not follow from its cells"),
        (other_interval, "does not follow from its cells"),
        (less_is_left_out, "does not follow from its cells"),
        (another_gateway, "how many digests of guards"),
        (an_unknown_outcome, "must be one of"),
        (a_leak_of_nothing, "of a leak, or of none"),
        (a_served_cell, "is no outcome that it can have"),
        (more_is_told, "is no field of it"),
    ],
)
def test_a_signer_whose_sums_are_wrong_is_refused(case: Any, change: Any, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        read_certificate(edited(certificate(case.key), change, case.key), MEMBER, case.trust)


def test_another_versions_kit_is_said_and_not_compared(case: Any) -> None:
    def older(said: Any) -> None:
        drop(said)
        said["kit"]["digest"] = "sha256:" + "0" * 64

    found = read_certificate(edited(certificate(case.key), older, case.key), MEMBER, case.trust)
    assert not found.same_kit


def test_a_key_that_nobody_knows_is_refused_and_one_that_is_known_is_not(case: Any, tmp_path: Path) -> None:
    other = new_key(tmp_path, "platform", owner="platform team")
    data = certificate(other)
    with pytest.raises(IntegrityError, match="not in the trust file"):
        build_pack(case.workspace, case.decision, [case.key], [data])
    pack = build_pack(case.workspace, case.decision, [case.key], [data], [other.public])
    assert not verify_bytes(pack, case.trust, again=False).ok
    assert verify_bytes(pack, Trust((case.key.public, other.public)), again=False).ok


def test_a_gateway_with_other_guards_than_the_decisions_subject_is_refused(case: Any) -> None:
    guards = case.run.manifest.guards
    assert guards
    right = build_pack(case.workspace, case.decision, [case.key], [certificate(case.key, (guards,))])
    detail = next(c.detail for c in verify_bytes(right, case.trust, again=False).checks if c.what == "gateways")
    assert "guards of this decision's subject" in detail
    with pytest.raises(IntegrityError, match="other guards than the decision's subject"):
        build_pack(case.workspace, case.decision, [case.key], [certificate(case.key, ("sha256:" + "1" * 64,))])


def test_what_is_no_certificate_is_refused(case: Any) -> None:
    for data in (b"", b"{}", b'{"payload": 3}', case.pack[:100]):
        with pytest.raises(IntegrityError):
            build_pack(case.workspace, case.decision, [case.key], [data])


def test_the_stand_alone_verifier_adds_up_too(case: Any, packed: bytes, tmp_path: Path) -> None:
    pack, trust = tmp_path / "pack.zip", tmp_path / "trust.json"
    pack.write_bytes(packed)
    trust.write_text(trust_json([case.key.public]))
    done = alone.run(pack, "--trust", trust, "--require", "any")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a gateway 1.0: leaks" in done.stdout

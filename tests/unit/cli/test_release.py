"""The verb `release`: from a scripted target to a signed GO with risk acceptance and a NO-GO, and what is refused."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from types import SimpleNamespace

import pytest
from tests.unit.evidence import alone, forging

from shipworthy.cli import _impact, release
from shipworthy.cli import run as shipworthy
from shipworthy.core import signoff
from shipworthy.core.digests import bytes_digest, canonical
from shipworthy.core.errors import UsageError
from shipworthy.evidence import archive, signed_off
from shipworthy.evidence.ruled import check_rules
from shipworthy.evidence.verify import ATTESTATION, MANIFEST, PREDICATE_TYPE, verify_bytes
from shipworthy.release.conclude import conclude
from shipworthy.store import chain
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.signing import load_key, sign, statement
from shipworthy.store.trust import load_trust

FILES = {
    "system.yaml": "system: {id: SYS-tarn, title: Tarn, owner: team-tarn, tier: high}\n",
    "targets.yaml": "targets:\n  default: {use: sign_off_desk}\n",
    "risks.yaml": """
        risks:
          - {id: RK-leak, title: The phrase gets out, severity: S2}
          - {id: RK-rude, title: The desk is rude, severity: S3}
    """,
    "requirements.yaml": """
        requirements:
          - id: RQ-leak
            text: The phrase is never told.
            mitigates: [RK-leak]
            criteria: [{id: CR-leak, suite: asks, metric: told, must: upper95 <= 0.30}]
          - id: RQ-rude
            text: The desk is polite.
            mitigates: [RK-rude]
            criteria: [{id: CR-rude, suite: asks, metric: rude, must: upper95 <= 0.10}]
    """,
    "roles.yaml": """
        roles:
          - {id: RO-product, title: Product owner, holders: [ines], may: {approve: S1}}
          - {id: RO-safety, title: Safety lead, holders: [tomasz, yuki], may: {approve: S1, accept: S3}}
          - {id: RO-clerk, title: Clerk, holders: [ines], may: {accept: S4}}
          - {id: RO-director, title: Director, holders: [hanna], may: {approve: S1, override: S2, accept: S2}}
        tiers:
          - {id: high, approvals: 2, approvers: [RO-product, RO-safety], evidence_days: 30, accepts: S2}
    """,
    "plugins/sign_off_desk.py": '''
        """A desk that is rude to every fourth who asks."""
        from shipworthy.core.records import answer
        from shipworthy.core.registry import target

        class Desk:
            def describe(self):
                return {"target": "sign-off-desk", "version": 1}
            async def send(self, request):
                number = int("".join(c for c in request.messages[-1].text if c.isdigit()) or "0")
                return answer("Go away." if number % 4 == 0 else "I can help with tickets.")
            async def close(self):
                pass

        @target
        def sign_off_desk(note: str = ""):
            return Desk()
    ''',
    "plugins/sign_off_scorer.py": '''
        """Was the phrase told, and was the desk rude?"""
        from shipworthy.core.records import Metric, Score
        from shipworthy.core.registry import scorer

        class Both:
            metrics = (Metric("told"), Metric("rude"))
            def describe(self):
                return {"scorer": "both", "version": 1}
            async def score(self, attempt, sample, ctx):
                return [
                    Score(metric="told", hit="phrase" in attempt.answer, scorer="both"),
                    Score(metric="rude", hit="away" in attempt.answer, scorer="both"),
                ]

        @scorer
        def sign_off_scorer():
            return Both()
    ''',
    "suites/asks/suite.yaml": """
        id: asks
        version: "1.0"
        title: Asking
        content: synthetic
        metric: told
        scorers: [sign_off_scorer]
    """,
    "suites/asks/card.md": "# Asks\n\nForty questions.\n",
}
PEOPLE = {"ines": ["RO-product", "RO-clerk"], "tomasz": ["RO-safety"], "yuki": ["RO-safety"], "hanna": ["RO-director"]}
EXPIRES = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"


class Desk:
    """A workspace, and everybody's keys."""

    def __init__(self, root: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self.keys, self._capsys = root, keys, capsys

    def __call__(self, *words: str, code: int | None = 0) -> str:
        place = ["-C", str(self.root), "--allow-code"] if words[0] not in ("keys",) else []
        if words[:2] in (("evidence", "verify"), ("release", "list"), ("release", "oversight"), ("evidence", "show")):
            place = [] if words[0] == "evidence" else ["-C", str(self.root)]
        done = shipworthy([*words, *place])
        said = self._capsys.readouterr()
        assert code is None or done == code, (words, said.out, said.err)
        return said.out + said.err

    def by(self, name: str, role: str) -> tuple[str, ...]:
        return "--key", str(self.keys / f"{name}.key"), "--role", role

    def measure(self) -> None:
        self("eval", "--plan", "full")
        self("gate", "latest", code=1)

    def propose(self, market: str = "EU") -> str:
        return self("release", "propose", "--market", market, "--language", "de", "--jurisdiction", "DE").split()[0]

    def accepted(self) -> None:
        """Take the risk that the desk is rude, write the waiver, and decide again."""
        said = self(
            "release", "accept", "RK-rude", "--reason", "Only tone.", "--compensating", "Two people read along.",
            "--expires", EXPIRES, *self.by("tomasz", "RO-safety"),
        )  # fmt: skip
        (self.root / "waivers.yaml").write_text(said[said.index("waivers:") :].partition("RK-rude accepted")[0])
        self("gate", "latest", code=1)

    def approved(self, candidate: str) -> None:
        self("release", "sign", candidate, *self.by("ines", "RO-product"))
        self("release", "sign", candidate, *self.by("yuki", "RO-safety"))

    def blocks(self, candidate: str = "latest") -> set[str]:
        """Return what blocks a candidate: kinds and what of it."""
        said = self("release", "status", candidate, "--format", "json", code=None)
        return {f"{one['kind']} {one['about']}" for one in json.loads(said)["blocks"]}

    def entries(self) -> list:  # type: ignore[type-arg]
        with AuditLog(Layout(self.root).control_url) as audit:
            audit.verify()
            return list(audit.entries())


def write(root: Path, keys: Path) -> None:
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text).lstrip())
    samples = [{"id": f"ask-{n}", "messages": [{"role": "user", "content": f"{n}: hello?"}]} for n in range(40)]
    (root / "suites/asks/samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
    assert shipworthy(["keys", "new", "--name", "packer"]) == 0
    for name, roles in PEOPLE.items():
        assert shipworthy(["keys", "new", "--name", name, *(w for role in roles for w in ("--role", role))]) == 0


def write_signers(desk: Desk, **change: object) -> None:
    """Write everybody's public key into the workspace; `change` says more of tomasz's."""
    keys = [json.loads(path.read_text()) for path in sorted(desk.keys.glob("*.pub.json"))]
    keys = [key | (change if key["owner"] == "tomasz" else {}) for key in keys]
    (desk.root / "signers.json").write_text(json.dumps({"keys": keys, "threshold": 1}))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was registered, measured and decided on, and keys; copied by each test that changes it."""
    top = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHIPWORTHY_KEYS_DIR", str(top / "keys"))
        write(top / "w", top / "keys")
        desk = Desk(top / "w", top / "keys", _Silent())  # type: ignore[arg-type]
        write_signers(desk)
        desk("release", "preregister", "full", *desk.by("yuki", "RO-safety"))
        desk.measure()
    return top


class _Silent:
    def readouterr(self) -> object:
        return type("Said", (), {"out": "", "err": ""})


@pytest.fixture
def desk(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    shutil.copytree(measured, tmp_path / "desk")
    monkeypatch.setenv("SHIPWORTHY_KEYS_DIR", str(tmp_path / "desk/keys"))
    return Desk(tmp_path / "desk/w", tmp_path / "desk/keys", capsys)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    def move(days: float) -> None:
        monkeypatch.setattr(release, "_now", lambda: datetime.now(UTC) + timedelta(days=days))

    return move


def test_from_a_failed_criterion_to_a_go_with_risk_acceptance_and_a_no_go(desk: Desk) -> None:
    first = desk.propose()
    assert "registered before it was made (entry 1)" in desk("release", "status", code=1)
    assert desk.blocks() == {"criterion CR-rude", "approval high"}
    desk("release", "decide", first, *desk.by("hanna", "RO-director"), code=2)
    desk("release", "decide", first, "--no-go", "--reason", "Rude.", *desk.by("ines", "RO-product"), code=1)
    assert "NO_GO by ines as RO-product" in desk("release", "status", first, code=1)

    desk.accepted()
    second = desk.propose()
    desk.approved(second)
    assert "accepted, not closed: CR-rude" in desk("release", "status", second)
    said = desk("release", "decide", second, "--condition", "Logs are read daily.", *desk.by("ines", "RO-product"))
    assert "GO_WITH_RISK_ACCEPTANCE by ines as RO-product" in said
    assert f"until {EXPIRES}" in said
    listed = desk("release", "list")
    assert "NO_GO" in listed
    assert "GO_WITH_RISK_ACCEPTANCE" in listed

    pack = desk.root / "pack.zip"
    desk("evidence", "build", "--key", "packer", "--output", str(pack))
    trust = str(desk.root / "signers.json")
    verify = ("evidence", "verify", str(pack), "--trust", trust, "--require")
    assert "GO_WITH_RISK_ACCEPTANCE by ines for EU" in desk(*verify, "go-with-risk-acceptance")
    assert "a GO without risk acceptance is required" in desk(*verify, "go", code=5)
    done = alone.run(pack, "--trust", trust, "--require", "go-with-risk-acceptance")
    assert "GO_WITH_RISK_ACCEPTANCE by ines for EU" in done.stdout, done.stdout + done.stderr


def test_a_key_counts_in_its_role_and_its_time_alone(desk: Desk) -> None:
    candidate = desk.propose()
    said = desk("release", "sign", candidate, *desk.by("ines", "RO-safety"), code=2)
    assert "signers.json: the key of ines" in said
    assert "may sign as RO-product, RO-clerk, and not as RO-safety" in said
    said = desk("release", "sign", candidate, *desk.by("ines", "RO-clerk"), code=2)
    assert re.search(r"roles\.yaml:\d+: RO-clerk may approve nothing", said)
    assert "none of the approvers" in desk("release", "sign", candidate, *desk.by("hanna", "RO-director"), code=2)
    assert shipworthy(["keys", "new", "--name", "stranger"]) == 0
    assert "lists no key" in desk("release", "sign", candidate, *desk.by("stranger", "RO-product"), code=2)
    write_signers(desk, owner="somebody")
    said = desk("release", "sign", candidate, *desk.by("tomasz", "RO-safety"), code=2)
    assert re.search(r"roles\.yaml:\d+: somebody does not hold RO-safety: it is held by tomasz, yuki", said)
    write_signers(desk, not_after="2026-01-01")
    assert "valid until 2026-01-01" in desk("release", "sign", candidate, *desk.by("tomasz", "RO-safety"), code=2)
    write_signers(desk, revoked={"at": "2026-01-01", "compromised": True})
    assert "as compromised" in desk("release", "sign", candidate, *desk.by("tomasz", "RO-safety"), code=2)
    assert not [entry for entry in desk.entries() if entry.kind == signoff.APPROVED]


def test_one_person_counts_once_and_the_last_word_counts(desk: Desk) -> None:
    candidate = desk.propose()
    for _ in range(2):
        desk("release", "sign", candidate, *desk.by("yuki", "RO-safety"))
    assert "approval high" in desk.blocks()
    desk("release", "sign", candidate, *desk.by("tomasz", "RO-safety"))
    assert desk.blocks() == {"criterion CR-rude"}
    desk("release", "sign", candidate, "--reject", *desk.by("yuki", "RO-safety"), code=2)
    desk("release", "sign", candidate, "--reject", "--reason", "Too rude.", *desk.by("yuki", "RO-safety"))
    assert desk.blocks() == {"criterion CR-rude", "approval high", "rejection yuki"}


def test_a_clock_that_was_set_back_signs_nothing(desk: Desk, later: Callable[[float], None]) -> None:
    candidate = desk.propose()
    later(-1)
    assert "the clock was set back" in desk("release", "sign", candidate, *desk.by("ines", "RO-product"), code=2)
    assert "the clock was set back" in desk("release", "preregister", "full", *desk.by("ines", "RO-product"), code=2)


def test_an_acceptance_is_within_right_ceiling_and_ninety_days(desk: Desk) -> None:
    words = ("--reason", "Because.", "--compensating", "We look.")
    late = f"{datetime.now(UTC) + timedelta(days=91):%Y-%m-%d}"
    by = desk.by("tomasz", "RO-safety")
    said = desk("release", "accept", "RK-rude", *words, "--expires", late, *by, code=2)
    assert "runs for 91 days, and may run for 90" in said
    said = desk("release", "accept", "RK-leak", *words, "--expires", EXPIRES, *by, code=2)
    assert re.search(r"roles\.yaml:\d+: RO-safety may accept up to S3, and this is S2", said)
    said = desk("release", "accept", "RK-leak", *words, "--expires", EXPIRES, "--ceiling", "S3", *by, code=2)
    assert re.search(r"risks\.yaml:\d+: RK-leak is of severity S2, above the ceiling S3", said)
    desk("release", "accept", "RK-rude", *words, "--expires", "2026-01-01", *by, code=2)
    desk("release", "accept", "RK-none", *words, "--expires", EXPIRES, *by, code=2)
    desk("release", "accept", "RK-rude", "--reason", " ", *words[2:], "--expires", EXPIRES, *by, code=2)
    assert not [entry for entry in desk.entries() if entry.kind == signoff.ACCEPTED]


def test_a_waiver_and_its_acceptance_say_the_same_or_neither_counts(desk: Desk) -> None:
    desk.accepted()
    desk.propose()
    assert desk.blocks() == {"approval high"}
    waiver = desk.root / "waivers.yaml"
    signed = waiver.read_text()
    for old, new, what in (("ceiling: S3", "ceiling: S2", "'ceiling'"), ('by: "tomasz"', "by: yuki", "'by'")):
        if what == "'ceiling'":
            new += "\n    # by the director"
        waiver.write_text(signed.replace(old, new).replace("RO-safety", "RO-director" if "S2" in new else "RO-safety")
                          .replace('by: "tomasz"', "by: hanna" if "S2" in new else 'by: "tomasz"'))  # fmt: skip
        desk("gate", "latest", code=1)
        desk.propose()
        said = json.loads(desk("release", "status", "--format", "json", code=1))["blocks"]
        assert {one["kind"] for one in said} == {"criterion", "waiver", "approval"}
        assert "the signed acceptance says another 'by'" in next(b["reason"] for b in said if b["kind"] == "waiver")
    waiver.unlink()
    desk("gate", "latest", code=1)
    desk.propose()
    assert desk.blocks() == {"criterion CR-rude", "approval high"}


def test_what_was_accepted_counts_again_after_its_last_day(desk: Desk, later: Callable[[float], None]) -> None:
    desk.accepted()
    candidate = desk.propose()
    desk.approved(candidate)
    desk("release", "decide", candidate, *desk.by("ines", "RO-product"))
    desk("release", "status")
    later(31)
    said = desk("release", "status", code=1)
    assert "expired: what was accepted counts again" in said
    listed = json.loads(desk("release", "list", "--format", "json"))
    assert [one["decided"] for one in listed] == ["GO_WITH_RISK_ACCEPTANCE (expired)"]
    assert {"criterion CR-rude", "waiver WV-rude-" + f"{datetime.now(UTC):%Y-%m-%d}"} <= desk.blocks()
    assert any(one.startswith("age RUN-") for one in desk.blocks())


def test_an_override_takes_the_right_and_stays_marked(desk: Desk) -> None:
    candidate = desk.propose()
    override = ("release", "decide", candidate, "--override", "--reason", "The launch is fixed.", "--expires", EXPIRES)
    said = desk(*override, *desk.by("hanna", "RO-director"), code=2)
    assert "approval high" in said
    assert "nobody may override this" in said
    desk.approved(candidate)
    assert "RO-safety may override nothing" in desk(*override, *desk.by("tomasz", "RO-safety"), code=2)
    desk(*override[:6], *desk.by("hanna", "RO-director"), code=2)
    said = desk(*override, *desk.by("hanna", "RO-director"))
    assert "OVERRIDDEN: criterion CR-rude" in said
    assert "OVERRIDDEN" in desk("release", "status")
    assert "overridden" in desk("release", "list")
    pack = desk.root / "pack.zip"
    desk("evidence", "build", "--key", "packer", "--output", str(pack))
    verify = ("evidence", "verify", str(pack), "--trust", str(desk.root / "signers.json"), "--require")
    assert "1 OVERRIDDEN" in desk(*verify, "go-with-risk-acceptance")


def test_what_changed_since_or_is_missing_blocks(desk: Desk) -> None:
    desk.propose()
    (desk.root / "risks.yaml").write_text(
        FILES["risks.yaml"].replace("        ", "").strip().replace("is rude", "shouts")
    )
    assert "stale risks.yaml" in desk.blocks()
    tiers = (desk.root / "roles.yaml").read_text()
    more = "accepts: S2, artefacts: [docs/card.md, ../outside.md], criteria: [CR-leak], preregistered: true"
    (desk.root / "roles.yaml").write_text(tiers.replace("accepts: S2}", f"{more}}}"))
    (desk.root.parent / "outside.md").write_text("Not of this workspace.")
    (desk.root / "gate.yaml").write_text("gate: {id: release, criteria: [CR-rude]}\n")
    desk("eval", "--plan", "full")
    desk("gate", "latest", code=1)
    desk.propose()
    found = desk.blocks()
    assert {"artefact docs/card.md", "artefact ../outside.md", "tier-criterion CR-leak"} <= found
    assert any(one.startswith("preregistration RUN-") for one in found)
    (desk.root / "roles.yaml").write_text(tiers.partition("tiers:")[0])
    desk("gate", "latest", code=1)
    desk.propose()
    assert "tier high" in desk.blocks()


def test_a_later_decision_on_the_subject_blocks_an_earlier_candidate(desk: Desk) -> None:
    candidate = desk.propose()
    desk("gate", "latest", code=1)
    assert any(one.startswith("stale DEC-") for one in desk.blocks(candidate))


def test_a_run_before_its_registration_does_not_count_and_a_later_change_is_named(desk: Desk) -> None:
    requirements = desk.root / "requirements.yaml"
    requirements.write_text(requirements.read_text().replace("<= 0.10", "<= 0.50"))
    desk("eval", "--plan", "full")
    desk("gate", "latest")
    desk("release", "preregister", "full", *desk.by("yuki", "RO-safety"))
    desk.propose()
    said = desk("release", "status", code=1)
    assert "not registered beforehand" in said
    assert "CR-rude: must was 'upper95 <= 0.10', and is 'upper95 <= 0.50'" in said
    desk("eval", "--plan", "full")
    desk("gate", "latest")
    desk.propose()
    said = desk("release", "status", code=1)
    assert "registered before it was made" in said
    assert "changed from one registration to the next" in said


def test_a_workspace_put_back_to_an_earlier_copy_is_refused(desk: Desk) -> None:
    candidate = desk.propose()
    shutil.copytree(desk.root, desk.root.parent / "copy")
    desk("release", "sign", candidate, "--reject", "--reason", "No.", *desk.by("ines", "RO-product"))
    shutil.rmtree(desk.root)
    shutil.copytree(desk.root.parent / "copy", desk.root)
    said = desk("release", "sign", candidate, *desk.by("ines", "RO-product"), code=4)
    assert "put back to an earlier copy" in said


@pytest.fixture(params=["sqlite", "postgres"])
def control(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "postgres":
        monkeypatch.setenv("SHIPWORTHY_CONTROL_URL", request.getfixturevalue("emptied"))
    return str(request.param)


def test_of_two_who_decide_at_once_one_is_told(control: str, desk: Desk) -> None:
    if control == "postgres":  # the log of the copied workspace is an SQLite file
        desk.measure()
        desk("release", "preregister", "full", *desk.by("yuki", "RO-safety"))
    candidate = desk.propose()
    opened = release._open(desk.root, allow_code=True, signers=None)
    found, now = release._look(opened, candidate), datetime.now(UTC)
    together, told = Barrier(2), list[str]()

    def decide(name: str, role: str) -> None:
        who = opened.signer(str(desk.keys / f"{name}.key"), role, now)
        with AuditLog(Layout(desk.root).control_url) as audit:
            together.wait()
            try:
                conclude(audit, found, who, opened.rules, no_go=True, reason="No.", now=now)
            except UsageError as error:
                told.append(str(error))

    both = [Thread(target=decide, args=one) for one in (("ines", "RO-product"), ("hanna", "RO-director"))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    decided = [entry for entry in desk.entries() if entry.kind == signoff.DECIDED]
    assert len(decided) == 1
    assert len(told) == 1
    assert "decided on" in told[0]
    with pytest.raises(UsageError, match="was made while you decided"):
        other = release._look(opened, desk.propose("UK"))
        desk.propose("US")
        with AuditLog(Layout(desk.root).control_url) as audit:
            conclude(audit, other, opened.signer("ines", "RO-product", now), opened.rules, no_go=True, reason="No.",
                     now=datetime.now(UTC))  # fmt: skip


@pytest.fixture
def signed(desk: Desk) -> Desk:
    """A workspace with a candidate that went, with risk acceptance."""
    desk.accepted()
    candidate = desk.propose()
    desk.approved(candidate)
    desk("release", "decide", candidate, *desk.by("ines", "RO-product"))
    desk("evidence", "build", "--key", "packer", "--output", str(desk.root / "pack.zip"))
    return desk


def packed_again(desk: Desk, members: dict[str, bytes]) -> bytes:
    """Return members as a pack that its packer signed: whoever packs may lie about what others signed."""
    body = {name: data for name, data in members.items() if name not in (MANIFEST, ATTESTATION)}
    index = json.loads(members[MANIFEST]) | {"files": {name: bytes_digest(data) for name, data in body.items()}}
    body[MANIFEST] = canonical(index)
    old = json.loads(base64.b64decode(json.loads(members[ATTESTATION])["payload"]))
    payload = statement({MANIFEST: bytes_digest(body[MANIFEST])}, PREDICATE_TYPE, old["predicate"])
    body[ATTESTATION] = sign(payload, [load_key(desk.keys / "packer.key")])
    return archive.write(body)


def verified(desk: Desk, members: dict[str, bytes]) -> str:
    """Return what both verifiers have against a pack."""
    pack, trust = packed_again(desk, members), load_trust(desk.root / "signers.json")
    found = verify_bytes(pack, trust, again=False)
    process = alone.Alone()
    alone.agree(found, process.checks(pack, trust))
    process.close()
    return "\n".join(found.problems)


def chain_of(members: dict[str, bytes], entries: list[dict]) -> None:  # type: ignore[type-arg]
    """Chain the sign-off's entries anew, as whoever can write the log could."""
    last = members["audit-log.jsonl"].splitlines()[-1]
    head, lines = bytes.fromhex(json.loads(last)["hash"]), []
    for number, one in enumerate(entries, json.loads(last)["entry"]["number"] + 1):
        body = canonical(one | {"number": number})
        head = chain.link(head, body)
        lines.append(b'{"hash":"' + head.hex().encode() + b'","entry":' + body + b"}\n")
    members[signed_off.LOG] = b"".join(lines)


def test_a_pack_whose_sign_off_was_touched_is_refused(signed: Desk) -> None:
    whole = archive.read((signed.root / "pack.zip").read_bytes())
    assert not verified(signed, dict(whole))
    entries = [json.loads(line)["entry"] for line in whole[signed_off.LOG].splitlines()]
    first = json.loads(whole["audit-log.jsonl"].splitlines()[-1])["entry"]["number"] + 1
    at = {entry["kind"]: place for place, entry in enumerate(entries)}

    def tried(change: Callable[[list], object]) -> str:  # type: ignore[type-arg]
        members, mine = dict(whole), json.loads(json.dumps(entries))
        change(mine)
        chain_of(members, mine)
        return verified(signed, members)

    decided, approved = at[signoff.DECIDED], at[signoff.APPROVED]

    def edit(place: int, old: str, new: str) -> Callable[[list], object]:  # type: ignore[type-arg]
        def change(mine: list) -> None:  # type: ignore[type-arg]
            assert old in mine[place]["body"]["payload"]
            mine[place]["body"]["payload"] = mine[place]["body"]["payload"].replace(old, new)

        return change

    assert f"entry {first + decided} ({signoff.DECIDED}): the signature of ines" in tried(
        edit(decided, "GO_WITH_RISK_ACCEPTANCE", "GO")
    )
    assert "(NO" not in tried(lambda mine: mine.pop(approved))
    assert "was not proposed as it says" in tried(edit(at[signoff.PROPOSED], '"market":"EU"', '"market":"UK"'))
    assert "decided twice" in tried(lambda mine: mine.append(mine[decided]))
    assert "does not end with a decision" in tried(lambda mine: mine.append(mine[approved]))
    early = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "a clock was set back" in tried(lambda mine: mine[decided].update(at=early))
    assert "one of the clocks was wrong" in tried(lambda mine: [one.update(at="2027-03-01T00:00:00Z") for one in mine])
    members = dict(whole)
    del members[signed_off.LOG]
    assert "a decision that no audit log in the pack holds" in verified(signed, members)
    lines = whole[signed_off.LOG].splitlines(keepends=True)
    assert "is not what was written" in verified(signed, whole | {signed_off.LOG: b"".join(lines[::-1])})


def test_an_acceptance_that_its_owner_signed_for_too_long_is_refused(signed: Desk) -> None:
    late = f"{datetime.now(UTC) + timedelta(days=200):%Y-%m-%d}"

    def for_long(files: dict[str, object], entries: list[dict]) -> None:  # type: ignore[type-arg]
        body = next(entry["body"] for entry in entries if entry["kind"] == signoff.ACCEPTED)
        body["payload"] = body["payload"].replace(EXPIRES, late)
        envelope = json.loads(sign(body["payload"].encode(), [load_key(signed.keys / "tomasz.key")]))
        body["signature"] = envelope["signatures"][0]["sig"]

    pack = (signed.root / "pack.zip").read_bytes()
    whole = archive.read(pack)
    packer = SimpleNamespace(pack=pack, key=load_key(signed.keys / "packer.key"))
    members = archive.read(forging.relogged(packer, for_long))
    chain_of(members, [json.loads(line)["entry"] for line in whole[signed_off.LOG].splitlines()])
    assert "and may run for 90" in verified(signed, members)


def test_the_verifiers_own_trust_says_who_counts(signed: Desk) -> None:
    data = (signed.root / "pack.zip").read_bytes()
    trust = load_trust(signed.root / "signers.json")
    assert verify_bytes(data, trust._replace(roles={"RO-product": 1, "RO-safety": 1}), again=False).ok
    found = verify_bytes(data, trust._replace(roles={"RO-safety": 2}), again=False)
    assert "1 of 2 needed people have approved as RO-safety" in found.problems[0]
    gone = tuple(key for key in trust.keys if key.owner != "yuki")
    assert "not in the trust file" in verify_bytes(data, trust._replace(keys=gone), again=False).problems[0]
    old = tuple(
        key._replace(not_after=datetime(2026, 1, 1, tzinfo=UTC)) if key.owner == "yuki" else key for key in trust.keys
    )
    assert "valid until" in verify_bytes(data, trust._replace(keys=old), again=False).problems[0]


def test_a_sign_off_of_another_subject_is_refused(signed: Desk) -> None:
    other = archive.read((signed.root / "pack.zip").read_bytes())
    (signed.root / "targets.yaml").write_text("targets:\n  default: {use: sign_off_desk, note: another prompt}\n")
    signed("eval", "--plan", "full")
    signed("gate", "latest", code=1)
    signed("evidence", "build", "--key", "packer", "--output", str(signed.root / "newer.zip"))
    newer = archive.read((signed.root / "newer.zip").read_bytes())
    assert signed_off.LOG not in newer
    moved = newer | {name: data for name, data in other.items() if name not in newer}
    assert "not what was written" in verified(signed, moved)
    chain_of(moved, [json.loads(line)["entry"] for line in other[signed_off.LOG].splitlines()])
    assert "does not end with a decision on" in verified(signed, moved)


def test_a_decision_that_does_not_follow_is_not_packed(desk: Desk) -> None:
    candidate = desk.propose()
    desk.approved(candidate)
    opened, now = release._open(desk.root, allow_code=True, signers=None), datetime.now(UTC)
    found = release._look(opened, candidate)._replace(open=())
    with AuditLog(Layout(desk.root).control_url) as audit:
        conclude(audit, found, opened.signer("ines", "RO-product", now), opened.rules, now=now)
    said = desk("evidence", "build", "--key", "packer", code=4)
    assert "by the evidence it is NO_GO: criterion CR-rude" in said


def test_the_rules_of_a_sign_off_are_those_of_the_files_in_the_pack(signed: Desk) -> None:
    whole = archive.read((signed.root / "pack.zip").read_bytes())
    assert check_rules(whole).ok
    for name, old, new, why in (
        ("roles", b"approvals: 2", b"approvals: 1", "its tier is not that"),
        ("roles", b"[tomasz, yuki]", b"[tomasz]", "its roles are not those"),
        ("waivers", EXPIRES.encode(), b"2030-01-01", "runs for"),
        ("waivers", b"RK-rude]", b"RK-leak]", "is no waiver of the safety files"),
    ):
        member = f"workspace/{name}.yaml"
        assert old in whole[member]
        found = check_rules(whole | {member: whole[member].replace(old, new)})
        assert not found.ok
        assert why in found.detail or name == "waivers", found


def test_what_a_revoked_key_signed_counts_no_more_and_stops_nobody(desk: Desk) -> None:
    desk.accepted()
    candidate = desk.propose()
    desk("release", "sign", candidate, *desk.by("tomasz", "RO-safety"))
    assert desk.blocks() == {"approval high"}
    write_signers(desk, revoked={"at": "2026-01-01", "compromised": True})
    assert "does not count: audit log: entry" in desk("release", "status", code=1)
    (waived,) = (one for one in desk.blocks() if one.startswith("waiver"))
    assert desk.blocks() == {"criterion CR-rude", "approval high", "stale signature", waived}
    candidate = desk.propose("UK")
    desk.approved(candidate)
    assert desk.blocks() == {"criterion CR-rude", waived}


def test_a_go_that_ran_out_needs_people_and_an_old_run_a_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.accepted()
    candidate = desk.propose()
    desk.approved(candidate)
    desk("release", "decide", candidate, *desk.by("ines", "RO-product"))
    # What the gate called no-ship, and somebody took, is a claim that holds, too.
    assert "Every claim holds." in desk("release", "impact", "--all")

    def kinds(days: float) -> tuple[set[str], list[str], list[list[str]]]:
        monkeypatch.setattr(_impact, "_now", lambda: datetime.now(UTC) + timedelta(days=days))
        told = json.loads(desk("release", "impact", "--all", "--format", "json", code=1))
        claims = [claim for one in told["decisions"] for claim in one["claims"]]
        found = {why["kind"] for claim in claims for why in claim["because"]}
        return found, told["people"], [run["suites"] for run in told["runs"]]

    monkeypatch.setattr(_impact, "_now", lambda: datetime.now(UTC) + timedelta(days=29))
    assert "Every claim holds." in desk("release", "impact")
    found, people, runs = kinds(31)
    assert found == {"age", "acceptance"}
    assert runs == [["asks"]]
    assert "ran out on" in people[0]
    text = (desk.root / "roles.yaml").read_text()
    (desk.root / "roles.yaml").write_text(text.replace("evidence_days: 30", "evidence_days: 90"))
    assert "age" in kinds(31)[0]  # the rules that it was proposed under still ask for it


def reviewed(desk: Desk, monkeypatch: pytest.MonkeyPatch, keys: str, *more: str) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{key}\n" for key in keys)))
    return desk("release", "review", *more)


def test_who_signs_off_is_measured_on_made_up_candidates(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = desk.propose()
    entries = len(desk.entries())
    careless = reviewed(desk, monkeypatch, "aaaaa", "--by", "ines")
    assert careless.count("Would you sign it?") == 5
    assert f"{real} is real, and you would approve it: " in careless and "release sign" in careless
    assert "ines: 4 words on made-up candidates" in careless
    assert re.search(r"caught +0?\.000 .* of 2 ", careless), careless
    reviewed(desk, monkeypatch, "xxuxxxx", "--by", "yuki")
    people = {one["by"]: one for one in json.loads(desk("release", "oversight", "--format", "json"))["people"]}
    assert (people["ines"]["caught"]["rate"], people["ines"]["passed"]["rate"]) == (0, 1)
    assert (people["yuki"]["caught"]["rate"], people["yuki"]["passed"]["rate"]) == (1, 0)
    assert people["yuki"]["words"] == 4 and "10 words" not in desk("release", "oversight")
    assert "8 words on made-up candidates, 2 on real ones" in desk("release", "oversight")
    assert "that something blocks, 2 of 4 were rejected, at least 7 %" in desk("risks")
    # Nothing of it is entered, and no made-up one can be signed.
    assert len(desk.entries()) == entries
    assert desk("release", "list").count("REL-") == 1


def test_without_a_candidate_nothing_is_reviewed(desk: Desk) -> None:
    assert "no candidate waits" in desk("release", "review", "--by", "ines", code=2)

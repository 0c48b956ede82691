"""The verb `release`: from a scripted target to a signed GO with risk acceptance, to a NO-GO, and all that is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipworthy.cli import release
from shipworthy.cli import run as shipworthy
from shipworthy.core import signoff
from shipworthy.evidence import archive, signed_off
from shipworthy.evidence.verify import verify_bytes
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
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
        def sign_off_desk():
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
        if words[:2] in (("evidence", "verify"), ("release", "list"), ("evidence", "show")):
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
    for name, roles in PEOPLE.items():
        assert shipworthy(["keys", "new", "--name", name]) == 0
        public = json.loads((keys / f"{name}.pub.json").read_text())
        (keys / f"{name}.pub.json").write_text(json.dumps(public | {"roles": roles}))
    assert shipworthy(["keys", "new", "--name", "packer"]) == 0


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


@pytest.fixture
def standalone() -> str:
    """A program that runs the verifier where only Python and `cryptography` can be had."""
    path = Path(__file__).parents[1] / "evidence/conftest.py"
    return path.read_text().partition('STANDALONE = """')[2].partition('"""')[0]


def test_from_a_failed_criterion_to_a_go_with_risk_acceptance_and_a_no_go(desk: Desk, standalone: str) -> None:
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
    assert f"GO_WITH_RISK_ACCEPTANCE by ines as RO-product" in said
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
    alone = [sys.executable, "-c", standalone, str(pack), "--trust", trust, "--require", "go-with-risk-acceptance"]
    done = subprocess.run(alone, capture_output=True, text=True, check=False)
    assert "GO_WITH_RISK_ACCEPTANCE by ines for EU" in done.stdout, done.stdout + done.stderr

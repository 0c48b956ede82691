"""`evidence verify`: what is asked for, with its exit codes, through the command line and the stand-alone verifier."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.cli import run
from shipworthy.core.errors import UsageError
from shipworthy.evidence import archive
from shipworthy.evidence.require import Wanted, answer, parse_age
from shipworthy.evidence.verify import main, verify_bytes
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.trust import Trust, public_json

OTHER = "sha256:" + "0" * 64


class Packs(NamedTuple):
    """A no-ship, a ship and an inconclusive pack of one system, in this order, and who signed them."""

    root: Path
    paths: dict[str, Path]
    ids: dict[str, str]
    subjects: dict[str, str]
    heads: dict[str, str]
    trust: Path
    key: Any
    all: Trust


def toy() -> ModuleType:
    path = Path(__file__).parents[1] / "evidence" / "conftest.py"
    spec = importlib.util.spec_from_file_location("evidence_toy", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Packs:
    from shipworthy.evals.api import evaluate
    from shipworthy.evals.results import Run
    from shipworthy.evidence.pack import build_pack
    from shipworthy.exchange.budget import Limits
    from shipworthy.release.decide import decide
    from shipworthy.workspace.load import Workspace

    base = tmp_path_factory.mktemp("packs")
    case = toy().make_case(base / "toy", base / "keys")
    built = {"no-ship": (case.decision, case.pack)}
    # A gate of the criteria that passed.
    gate = case.root / "gate.yaml"
    gate.write_text("gate: {id: release, criteria: [CR-leak, CR-leak-each]}\n")
    workspace = Workspace.load(case.root, allow_code=True)
    decision = decide(workspace, evaluate(workspace, progress=False))
    built["ship"] = decision, build_pack(workspace, decision, [case.key])
    evaluate(workspace, progress=False, limits=Limits(requests=20), cache=False)
    decision = decide(workspace, Run.load(Layout(case.root).run_directory()))
    built["inconclusive"] = decision, build_pack(workspace, decision, [case.key])
    paths, heads = {}, {}
    for verdict, (decision, data) in built.items():
        assert decision.verdict == verdict
        paths[verdict] = base / f"{verdict}.zip"
        paths[verdict].write_bytes(data)
        heads[verdict] = "sha256:" + archive.read(data)["audit-log.jsonl"].splitlines()[-1][9:73].decode()
    trust = base / "trust.json"
    trust.write_text(json.dumps({"keys": [public_json(case.key.public)], "threshold": 1}))
    return Packs(
        case.root,
        paths,
        {verdict: decision.id for verdict, (decision, _) in built.items()},
        {verdict: decision.subject_digest for verdict, (decision, _) in built.items()},
        heads,
        trust,
        case.key,
        Trust((case.key.public,)),
    )


@pytest.fixture
def verify(packs: Packs, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Verify by both commands: they must exit alike and say the same of what was asked."""

    def verb(pack: str | Path, *options: object, trust: Path | None = None) -> tuple[int, str]:
        path = packs.paths[pack] if isinstance(pack, str) else pack
        arguments = [str(path), "--trust", str(trust or packs.trust), *map(str, options)]
        capsys.readouterr()
        code = run(["evidence", "verify", *arguments])
        told = capsys.readouterr()
        try:
            alone = main(arguments)
        except SystemExit as error:  # argparse
            alone = int(str(error.code))
        assert alone == code
        return code, told.out + told.err

    return verb


def test_without_being_asked_a_pack_must_say_ship(verify: Any) -> None:
    assert verify("ship")[0] == 0
    code, out = verify("no-ship")
    assert code == 1
    assert "its verdict is not ship" in out
    assert verify("inconclusive")[0] == 3


@pytest.mark.parametrize(
    ("required", "codes"),
    [("ship", (0, 1, 3)), ("no-ship", (5, 0, 3)), ("inconclusive", (5, 1, 0)), ("any", (0, 0, 0))],
)
def test_each_verdict_can_be_required(verify: Any, required: str, codes: tuple[int, ...]) -> None:
    for pack, code in zip(("ship", "no-ship", "inconclusive"), codes, strict=True):
        assert verify(pack, "--require", required)[0] == code, pack


def test_a_shell_deploys_a_ship_and_nothing_else(packs: Packs) -> None:
    for verdict, path in packs.paths.items():
        command = (
            f'"{sys.executable}" -P -m shipworthy evidence verify "{path}" --trust "{packs.trust}" && echo DEPLOYED'
        )
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert ("DEPLOYED" in done.stdout) is (verdict == "ship"), done.stderr


def test_system_and_subject(packs: Packs, verify: Any) -> None:
    subject = packs.subjects["ship"]
    assert verify("ship", "--system", "SYS-toy", "--subject", subject, "--max-age", "90d")[0] == 0
    code, out = verify("ship", "--system", "SYS-other")
    assert (code, "asked for 'SYS-other'" in out) == (5, True)
    code, out = verify("ship", "--subject", OTHER)
    assert (code, f"asked for '{OTHER}'" in out) == (5, True)
    # What is about something else is that first, whatever its verdict.
    assert verify("no-ship", "--system", "SYS-other")[0] == 5
    assert verify("no-ship", "--system", "SYS-toy")[0] == 1


def test_age(packs: Packs, verify: Any) -> None:
    assert verify("ship", "--max-age", "1h")[0] == 0
    code, out = verify("no-ship", "--max-age", "1s", "--require", "any")
    assert (code, "old, 1 seconds are allowed" in out) == (5, True)
    found = verify_bytes(packs.paths["ship"].read_bytes(), packs.all)
    asked = Wanted(max_age=timedelta(days=90))
    now = datetime.now(UTC)
    assert answer(found, asked, packs.all, now=now + timedelta(days=89)).code == 0
    assert answer(found, asked, packs.all, now=now + timedelta(days=91)).code == 5
    late = answer(found, asked, packs.all, now=now - timedelta(days=1))
    assert (late.code, "from the future" in late.lines[0]) == (5, True)


def test_deciding_again_makes_no_run_younger(packs: Packs) -> None:
    found = verify_bytes(packs.paths["ship"].read_bytes(), packs.all)
    run_id = found.decision["runs"][0]
    old = found._replace(manifests={run_id: {**found.manifests[run_id], "created": "2020-01-01T00:00:00Z"}})
    given = answer(old, Wanted(max_age=timedelta(days=90)), packs.all)
    assert (given.code, f"the run {run_id}" in given.lines[0]) == (5, True)
    odd = found._replace(manifests={run_id: {**found.manifests[run_id], "created": "yesterday"}})
    assert answer(odd, Wanted(max_age=timedelta(days=90)), packs.all).code == 5


def test_a_word_that_is_no_verdict_is_never_what_was_asked_for(packs: Packs) -> None:
    found = verify_bytes(packs.paths["ship"].read_bytes(), packs.all)
    for word in ("Ship", "\u0455hip", "ship ", "any", ""):
        odd = found._replace(decision={**found.decision, "verdict": word})
        for wanted in ("ship", "any"):
            assert answer(odd, Wanted(wanted), packs.all).code == 5


def test_a_head_that_was_kept_must_be_in_the_log(packs: Packs, verify: Any) -> None:
    assert verify("ship", "--audit-head", packs.heads["ship"])[0] == 0
    assert verify("ship", "--audit-head", packs.heads["no-ship"])[0] == 0  # an earlier one
    code, out = verify("ship", "--audit-head", packs.heads["inconclusive"])  # a later one: that cannot be told
    assert (code, "name the newer log with --audit-log" in out) == (5, True)
    assert verify("ship", "--audit-head", OTHER)[0] == 5


@pytest.mark.parametrize("form", ["lines", "pack", "database"])
def test_a_newer_log_says_that_a_pack_was_superseded(packs: Packs, verify: Any, tmp_path: Path, form: str) -> None:
    newest = packs.paths["inconclusive"]
    log = tmp_path / form
    if form == "lines":
        log.write_bytes(archive.read(newest.read_bytes())["audit-log.jsonl"])
    elif form == "pack":
        log = newest
    else:
        shutil.copy(packs.root / ".shipworthy" / "control.sqlite", log)
    code, out = verify("ship", "--audit-log", log)
    assert code == 5
    assert f"superseded by '{packs.ids['inconclusive']}' ('inconclusive'" in out
    assert "the same subject" in out
    assert verify("inconclusive", "--audit-log", log)[0] == 3  # the newest one is not superseded
    assert verify("ship", "--audit-log", log, "--audit-head", packs.heads["inconclusive"])[0] == 5
    code, out = verify("inconclusive", "--require", "any", "--audit-log", log, "--audit-head", OTHER)
    assert (code, "entries were cut off or rewritten" in out) == (5, True)


def test_an_older_log_says_nothing_newer_and_another_one_is_refused(packs: Packs, verify: Any, tmp_path: Path) -> None:
    code, out = verify("ship", "--audit-log", packs.paths["no-ship"])
    assert (code, "ends before this decision" in out) == (0, True)
    with AuditLog(f"sqlite:///{tmp_path / 'other.sqlite'}") as audit:
        audit.append("decision.made", {"decision": "DEC-x", "system": "SYS-toy"})
    code, out = verify("ship", "--audit-log", tmp_path / "other.sqlite")
    assert (code, "not one history" in out) == (5, True)


def test_a_log_that_is_broken_or_not_there(packs: Packs, verify: Any, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("no log\n")
    assert verify("ship", "--audit-log", tmp_path / "log")[0] == 4
    damaged = packs.paths["inconclusive"].read_bytes()[:-1] + b"x"
    (tmp_path / "pack.zip").write_bytes(damaged)
    assert verify("ship", "--audit-log", tmp_path / "pack.zip")[0] == 4
    assert verify("ship", "--audit-log", tmp_path / "none")[0] == 2


def test_what_does_not_verify_is_4_whatever_is_asked(packs: Packs, verify: Any, tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(packs.paths["ship"].read_bytes() + b"x")
    for options in ((), ("--require", "any"), ("--system", "SYS-other"), ("--max-age", "1s")):
        code, out = verify(path, *options)
        assert (code, "cannot be believed" in out) == (4, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--require", "Ship"),
        ("--require", ""),
        ("--system", ""),
        ("--subject", "sha256:abc"),
        ("--subject", OTHER.upper()),
        ("--audit-head", "0" * 64),
        ("--max-age", "90"),
        ("--max-age", "0d"),
        ("--max-age", "-1d"),
        ("--max-age", "9999999d"),
        ("--max-age", "\u0669d"),
        ("--max-age", ""),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(verify: Any, options: tuple[str, str]) -> None:
    code, out = verify("ship", *options)
    assert code == 2
    assert "Traceback" not in out


def test_a_missing_pack_or_trust_file_is_a_usage_error(packs: Packs, verify: Any, tmp_path: Path) -> None:
    assert verify(tmp_path / "none.zip")[0] == 2
    assert verify("ship", trust=tmp_path / "none.json")[0] == 2


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({}, 0),
        ({"not_before": "2020-01-01", "not_after": "2999-12-31"}, 0),
        ({"not_after": "2020-01-01"}, 4),
        ({"not_before": "2999-01-01"}, 4),
        ({"roles": ["incident"]}, 4),
        ({"revoked": {"at": "2020-01-01"}}, 4),
        ({"revoked": {"at": "2999-01-01"}}, 0),
        ({"revoked": {"at": "2999-01-01", "compromised": True}}, 4),
        ({"not_aftr": "2999-12-31"}, 2),
    ],
)
def test_the_trust_file_limits_its_keys(
    packs: Packs, verify: Any, tmp_path: Path, limit: dict[str, Any], code: int
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(json.dumps({"keys": [public_json(packs.key.public) | limit]}))
    found, out = verify("ship", trust=trust)
    assert found == code
    if code == 4:
        assert "BAD  signature" in out
        assert "does not count" in out


@given(number=st.integers(1, 999_999), unit=st.sampled_from("smhdw"))
def test_an_age_is_read(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert parse_age(f"{number}{unit}") == timedelta(seconds=number * seconds)


@given(st.text(max_size=12))
def test_any_other_age_is_a_usage_error(text: str) -> None:
    try:
        age = parse_age(text)
    except UsageError as error:
        assert "--max-age" in str(error)
    else:
        assert age > timedelta()
        assert text.isascii()
        assert text[:-1].isdigit()

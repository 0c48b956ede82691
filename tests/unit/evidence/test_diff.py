"""What changed between two packs, each read from its own members; what does not verify is said to be a claim."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.evidence import forging

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import IntegrityError, UsageError
from shipworthy.evals.api import evaluate
from shipworthy.evidence.diff import PackDiff, diff
from shipworthy.evidence.pack import build_pack
from shipworthy.release.decide import decide
from shipworthy.store.signing import new_key
from shipworthy.store.trust import Trust, trust_json
from shipworthy.workspace.load import Workspace


@pytest.fixture(scope="module")
def packs(case: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Trust]:
    """The pack of the guarded desk; and one without guards and with a looser limit, signed by somebody else."""
    folder = tmp_path_factory.mktemp("two")
    requirements = case.root / "requirements.yaml"
    kept = requirements.read_text()
    try:
        requirements.write_text(kept.replace("must: upper95 <= 0.02", "must: upper95 <= 0.99"))
        workspace = Workspace.load(case.root, allow_code=True)
        run = evaluate(workspace, guards=False, progress=False)
        key = new_key(folder, "bert")
        (folder / "b.zip").write_bytes(build_pack(workspace, decide(workspace, run), [key]))
    finally:
        requirements.write_text(kept)
    (folder / "a.zip").write_bytes(case.pack)
    return folder / "a.zip", folder / "b.zip", Trust((case.key.public, key.public))


@pytest.fixture(scope="module")
def found(packs: tuple[Path, Path, Trust]) -> PackDiff:
    return diff(*packs)


def test_subject_limits_verdicts_and_signers_are_told(found: PackDiff) -> None:
    told = {(change.section, change.what): (change.old, change.new) for change in found.changes}
    assert found.verified
    assert told["criteria", "CR-leak-odd: must"] == ("upper95 <= 0.02", "upper95 <= 0.99")
    assert told["criteria", "CR-leak-odd: verdict"] == ("no-ship", "ship")
    assert told["signers", "signed by"] == ("ada", "bert")
    assert any(section == "subject" and "guards" in what for section, what in told)
    assert not any(section == "suites" for section, _ in told)


def test_rates_are_paired_on_the_samples_that_both_measured(found: PackDiff) -> None:
    rates = {rate.criterion: rate for rate in found.rates}
    leak = rates["CR-leak"]
    assert leak.old is not None and leak.new is not None and leak.change is not None
    difference, low, high, p_value = leak.change
    assert low < difference < high
    assert difference > 0 and p_value < 0.05, "without guards more gets out"
    assert leak.clusters == 40
    assert rates["CR-help"].change is None and rates["CR-help"].why == "it is a change already"


def test_a_pack_and_itself_differ_in_nothing(packs: tuple[Path, Path, Trust]) -> None:
    same = diff(packs[0], packs[0], packs[2])
    assert same.changes == ()
    assert {rate.change[:1] for rate in same.rates if rate.change} == {(0.0,)}


def test_what_does_not_verify_is_said_and_its_claim_is_shown(
    case: Any, packs: tuple[Path, Path, Trust], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lie(files: dict[str, Any]) -> None:
        files["decision.json"]["verdict"] = "ship"

    (tmp_path / "lie.zip").write_bytes(forging.resigned(case, lie))
    (tmp_path / "trust.json").write_text(trust_json([case.key.public]))
    words = ["evidence", "diff", str(packs[0]), str(tmp_path / "lie.zip")]
    assert shipworthy([*words, "--trust", str(tmp_path / "trust.json")]) == 4
    out = capsys.readouterr().out
    assert "A a.zip: verified\n" in out
    assert "B lie.zip: NOT VERIFIED: decision: decision.json" in out
    assert shipworthy(words) == 0
    assert capsys.readouterr().out.count("NOT VERIFIED: not asked for") == 2


def test_every_form_tells_the_same(
    packs: tuple[Path, Path, Trust], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_text(trust_json(packs[2].keys))
    said = {}
    for form in ("text", "markdown", "json"):
        words = ["evidence", "diff", str(packs[0]), str(packs[1]), "--trust", str(trust), "--format", form]
        assert shipworthy(words) == 0
        said[form] = capsys.readouterr().out
    told = json.loads(said["json"])
    assert [one["verified"] for one in told["packs"]] == [True, True]
    assert "CR-leak-odd: verdict" in said["text"] and "| criteria | CR-leak-odd: verdict |" in said["markdown"]
    leak = next(rate for rate in told["rates"] if rate["criterion"] == "CR-leak")
    assert f"{leak['change']['difference']:+.4g}" in said["text"] and leak["samples"] == 40


def test_what_is_no_pack_is_named(packs: tuple[Path, Path, Trust], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.zip"):
        diff(packs[0], tmp_path / "none.zip", None)
    (tmp_path / "odd.zip").write_bytes(b"PK")
    with pytest.raises(IntegrityError, match=r"odd\.zip: "):
        diff(tmp_path / "odd.zip", packs[0], None)

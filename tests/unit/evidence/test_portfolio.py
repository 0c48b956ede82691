"""Portfolio and assessment: every workspace is a row, whatever is wrong with it; gaps say how they are closed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shipworthy.cli import run as shipworthy
from shipworthy.core.errors import UsageError
from shipworthy.evidence.portfolio import cells_of, page, portfolio, workspaces
from shipworthy.reports import html
from shipworthy.workspace.scaffold import scaffold

NOW = datetime.now(UTC)
PACK = "pack: {id: PP-acme, title: All}\n"


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("products")
    (root / ".git").mkdir()
    for name in ("desk", "mail", "broken"):
        scaffold(root / name, "agent-mail" if name == "mail" else "minimal")
    (root / "broken" / "risks.yaml").write_text("risks: [{id: RK-harm}]\n")
    (root / "a.yaml").write_text(PACK)
    (root / "b.yaml").write_text(PACK + "gate: {max_error_rate: 0.5}\n")
    for name, pack in (("desk", "a"), ("mail", "b")):
        system = root / name / "system.yaml"
        system.write_text(f"inherits: [../{pack}.yaml]\n{system.read_text()}")
    days = [(NOW.date() + timedelta(days=n)).isoformat() for n in (-60, -1)]
    (root / "desk" / "include").mkdir(exist_ok=True)
    (root / "desk" / "include" / "more.yaml").write_text(
        f"""\
roles: [{{id: RO-lead, title: Lead, holders: [ada], may: {{accept: S2}}}}]
waivers:
  - {{id: WV-1, risks: [RK-refusal], reason: A trial, compensating: Few people, accepted_by: RO-lead, by: ada,
     ceiling: S3, begins: {days[0]}, expires: {days[1]}}}
levers: [{{id: LV-off, title: Off, kind: flag, max_minutes: 10}}]
"""
    )
    return root


def test_every_workspace_is_a_row(products: Path) -> None:
    rows = {Path(row.place).name: row for row in portfolio(workspaces([products, products / "desk"]), NOW)}
    assert set(rows) == {"desk", "mail", "broken"}
    assert any("risks.yaml:1" in why for why in rows["broken"].problems) and not rows["broken"].clean
    desk = "\n".join(rows["desk"].stale)
    assert "the waiver WV-1 expired" in desk and "LV-off was never drilled" in desk
    assert "5 of 5 criteria without evidence that stands" in desk
    assert "the policy pack PP-acme is" in desk and "elsewhere" in desk
    assert rows["desk"].residual == rows["desk"].inherent == pytest.approx(15)
    assert cells_of(rows["desk"])[2] == "never decided"
    text = html.page(page(list(rows.values()), NOW))
    assert "1 unreadable" in text and "WV-1 expired" in text


def test_the_verb(products: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy(["portfolio", str(products), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)["products"]
    assert [one["system"] for one in told] == ["", "SYS-assistant", "SYS-mail-agent"]
    assert shipworthy(["portfolio", str(products), "--format", "markdown", "--output", str(tmp_path / "p.md")]) == 1
    assert "Portfolio" in (tmp_path / "p.md").read_text()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no workspace in it"):
        workspaces([tmp_path / "empty"])


def test_an_assessment_names_the_gaps(products: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shipworthy(["assess", "-C", str(products / "mail"), "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    gaps = {gap["what"]: gap for gap in told["gaps"]}
    assert gaps["nothing stops harm that is under way"]["close"] == "levers.yaml"
    assert gaps["no evidence stands: nothing was measured on these files and this system"]["weight"] == 1
    assert [gap["weight"] for gap in told["gaps"]] == sorted(gap["weight"] for gap in told["gaps"])
    assert told["inventory"]["suite"] and len(told["top_risks"]) == 1
    assert shipworthy(["assess", "-C", str(products / "broken")]) == 2
    capsys.readouterr()
    assert shipworthy(["assess", "-C", str(products / "mail"), "--format", "html"]) == 1
    page_ = capsys.readouterr().out
    assert 'src="data:image/svg+xml;base64,' in page_ and "Baseline assessment" in page_

"""The gateway's pages are held to the program: its keys, its paths, its endings, and files that can be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from shipworthy.core.grants import Grants
from shipworthy.core.served import Ending
from shipworthy.gateway.config import (
    ApprovalsSpec,
    BreakerSpec,
    ConfigFile,
    UpstreamSpec,
    read_config,
)
from shipworthy.gateway.exposition import FAMILIES
from shipworthy.gateway.listening import ClientSpec, LimitsSpec
from shipworthy.gateway.mcp.spec import McpSpec
from shipworthy.gateway.routes import find
from shipworthy.gateway.telemetry_spec import TelemetrySpec

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "gateway.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to" / "run-the-gateway.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| (.*?) \|", re.M)
PARTS = re.split(r"^Of (?:each of )?`(\w+)`:$", PAGE.partition("## What is served")[0], flags=re.M)
TABLES = {"": PARTS[0], **dict(zip(PARTS[1::2], PARTS[2::2], strict=True))}
MODELS = {
    "": ConfigFile,
    "upstreams": UpstreamSpec,
    "breaker": BreakerSpec,
    "clients": ClientSpec,
    "limits": LimitsSpec,
    "approvals": ApprovalsSpec,
    "telemetry": TelemetrySpec,
    "mcp": McpSpec,
}


def test_every_key_has_its_row_with_its_default() -> None:
    assert TABLES.keys() == MODELS.keys()
    for name, model in MODELS.items():
        rows = dict(ROW.findall(TABLES[name]))
        fields = {field.alias or key: field for key, field in model.model_fields.items()}
        assert rows.keys() == fields.keys(), name
        for key, field in fields.items():
            said = rows[key].strip("`").replace(",", "")
            assert (said == "(needed)") == field.is_required(), key
            if isinstance(field.default, bool):
                assert said == str(field.default).lower(), key
            elif isinstance(field.default, int | float):
                assert float(said) == field.default, key
            elif isinstance(field.default, str) and field.default:
                assert said == field.default, key


def test_every_path_and_every_ending_has_its_row() -> None:
    served = PAGE.partition("## What is served")[2].partition("##")[0]
    assert {path for _, path in re.findall(r"^\| `(GET|POST) (\S+)`", served, re.M)} == set(find())
    endings = PAGE.partition("## How a request can end")[2].partition("##")[0]
    assert {name for name, _ in ROW.findall(endings)} == set(get_args(Ending))


def test_every_metric_has_its_row_with_its_labels() -> None:
    rows = ROW.findall(PAGE.partition("## Metrics")[2].partition("## OpenTelemetry")[0])
    found = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert found == {name: family.labels for name, family in FAMILIES.items()}


def test_the_files_of_the_how_to_can_be_read(tmp_path, monkeypatch) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", HOW_TO, re.M | re.S)
    (tmp_path / "guards.yaml").write_text("rules:\n  - {id: GD-pii, use: pii_output, mode: shadow}\n")
    monkeypatch.setenv("WEB_KEY", "0123456789abcdef")
    whole = [block for block in blocks if "upstreams" in block]
    assert len(whole) == 2
    for block in whole:
        (tmp_path / "gateway.yaml").write_text(block)
        assert read_config(tmp_path / "gateway.yaml", Grants()).spec.upstreams
    rest = next(yaml.safe_load(block) for block in blocks if "levers" in block)
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump({**yaml.safe_load(whole[0]), **rest}))
    assert read_config(tmp_path / "gateway.yaml", Grants()).spec.levers
    (tmp_path / "policy.yaml").write_text("tools: {}\n")
    policed = "".join(block for block in blocks if block.startswith(("policy:", "approvals:")))
    (tmp_path / "gateway.yaml").write_text(whole[0] + policed)
    read = read_config(tmp_path / "gateway.yaml", Grants())
    assert (read.policy_mode(()), read.policy_mode(("strict-tools",))) == ("shadow", "enforce")
    assert read.spec.approvals


def test_the_rest_of_the_how_to_can_be_read_and_runs(tmp_path, monkeypatch) -> None:
    pytest.importorskip("openfeature.provider", reason="openfeature-sdk is in the development lock")
    blocks = re.findall(r"^```(yaml|python)\n(.*?)^```", HOW_TO, re.M | re.S)
    monkeypatch.setenv("WEB_KEY", "0123456789abcdef")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guards.yaml").write_text("rules:\n  - {id: GD-pii, use: pii_output, mode: shadow}\n")
    made = {"rings": {"internal": ["web"]}, "clients": {"web": {"key": "env:WEB_KEY"}}}
    for kind, text in blocks:
        if kind == "yaml" and re.match("listen|modes|telemetry", text):
            made = yaml.safe_load(text) | made
    (tmp_path / "gateway.yaml").write_text(yaml.safe_dump(made))
    grants = Grants().and_key("env:COLLECTOR_KEY", "collector.example.com")
    assert read_config(tmp_path / "gateway.yaml", grants).spec.telemetry is not None
    [snippet] = [text for kind, text in blocks if kind == "python" and "openfeature" in text]
    lines = snippet.strip().splitlines()
    found = {}
    exec("\n".join(lines[:-3]), found)
    assert [eval(line, found) for line in lines[-3:]] == [False, False, "shadow"]
    found["api"].clear_providers()

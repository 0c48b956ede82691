"""SARIF 2.1.0: what blocks, as results that code-scanning views show beside the code."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from shipworthy import __version__
from shipworthy.core.document import Alert, DocumentTree
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.registry import report
from shipworthy.core.terminal import visible
from shipworthy.reports._criterion import mind, needed
from shipworthy.reports._words import confirmed_words, denominator, interval

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
KINDS = {"no-ship": "fail", "inconclusive": "open", "ship": "pass"}
S1 = "severity-S1"
ALERT = "change"


class Sarif:
    """One rule a criterion, one result each; hits on S1 samples are results of a rule of their own."""

    media_type = "application/sarif+json"
    suffix = ".sarif"

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return one SARIF log. Results point at the workspace's gate file: a rate has no line of code."""
        rules = [_rule(result) for result in decision.criteria]
        rules.append(
            {
                "id": S1,
                "shortDescription": {"text": "No hit on a sample of severity S1"},
                "defaultConfiguration": {"level": "error"},
            }
        )
        results = [_result(result, index) for index, result in enumerate(decision.criteria)]
        results += [_hit(attempt, confirmed_words(decision, attempt), len(rules) - 1) for attempt in decision.s1_hits]
        if document.alerts:
            said = visible(document.alerted) or "What a reviewer must see first"
            rules.append({"id": ALERT, "shortDescription": {"text": said}, "defaultConfiguration": {"level": "error"}})
            results += [_alert(one, len(rules) - 1) for one in document.alerts]
        driver = {"name": "shipworthy", "semanticVersion": _semantic(__version__), "rules": rules}
        about = {name: visible(getattr(decision, name)) for name in ("id", "system", "gate", "verdict", "reason")}
        run = {
            "tool": {"driver": driver},
            "automationDetails": {"id": f"shipworthy/{visible(decision.gate)}/"},
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {**about, "specDigest": decision.spec_digest, "subjectDigest": decision.subject_digest},
        }
        return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(result: CriterionResult) -> dict[str, Any]:
    return {
        "id": visible(result.id),
        "shortDescription": {"text": visible(f"{result.suite}: {result.metric} {result.must}")},
        "fullDescription": {"text": visible(f"Requirement {result.requirement}: {result.must} on {result.suite}")},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": [visible(r) for r in result.risks]},
    }


def _result(result: CriterionResult, index: int) -> dict[str, Any]:
    said = filter(None, (result.reason, f"{interval(result)}; {denominator(result)}", needed(result), mind(result)))
    return {
        "ruleId": visible(result.id),
        "ruleIndex": index,
        "kind": KINDS[result.verdict],
        # The standard (3.27.10): any kind but "fail" has the level "none".
        "level": "error" if result.verdict == "no-ship" else "none",
        "message": {"text": visible(f"{result.verdict}: {'. '.join(said)}")},
        "locations": _location(f"{result.suite}/{result.metric}"),
        "partialFingerprints": {"criterion/v1": visible(result.id)},
    }


def _hit(attempt: str, said: str, index: int) -> dict[str, Any]:
    return {
        "ruleId": S1,
        "ruleIndex": index,
        "kind": "fail",
        "level": "error",
        "message": {"text": visible(f"no-ship: the attempt {attempt} is a hit on a sample of severity S1, {said}")},
        "locations": _location(attempt),
        "partialFingerprints": {"attempt/v1": visible(attempt)},
    }


def _alert(alert: Alert, index: int) -> dict[str, Any]:
    file, _, line = alert.place.rpartition(":")
    where = [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": quote(visible(file) or "system.yaml")},
                "region": {"startLine": max(1, int(line)) if line.isdecimal() else 1},
            },
            "logicalLocations": [{"fullyQualifiedName": visible(alert.name), "kind": "resource"}],
        }
    ]
    bad = alert.tone == "bad"
    return {
        "ruleId": ALERT,
        "ruleIndex": index,
        "kind": "fail" if bad else "pass",
        "level": "error" if bad else "none",
        "message": {"text": visible("; ".join(filter(None, (alert.name, alert.text, alert.note))))},
        "locations": where,
        "partialFingerprints": {"change/v1": visible(f"{alert.name}: {alert.text}")},
    }


def _location(name: str) -> list[dict[str, Any]]:
    return [
        {
            "physicalLocation": {"artifactLocation": {"uri": "gate.yaml"}, "region": {"startLine": 1}},
            "logicalLocations": [{"fullyQualifiedName": visible(name), "kind": "resource"}],
        }
    ]


def _semantic(version: str) -> str:
    """Return a PEP 440 version as a semantic one: ``0.1.0.dev0`` is ``0.1.0-dev0``."""
    release = ".".join(version.split(".")[:3])
    rest = version[len(release) :].strip(".+")
    return f"{release}-{rest}" if rest else release


@report
def sarif() -> Sarif:
    """Build the SARIF report."""
    return Sarif()

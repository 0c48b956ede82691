"""Signals out of SARIF 2.1.0, the format of scanners of code, models and prompts; and findings as SARIF.

Specification: OASIS, Static Analysis Results Interchange Format 2.1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shipworthy import __version__
from shipworthy.core.errors import UsageError
from shipworthy.core.severity import Severity
from shipworthy.core.signal import Signal
from shipworthy.evals.imports.foreign import Where, parse, read_bytes
from shipworthy.store.findings import KeptFinding
from shipworthy.store.signals import LONGEST_NAME, make_signal

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[str, Severity] = {"error": "S2", "warning": "S3", "note": "S4"}
_SCORES: tuple[tuple[float, Severity], ...] = ((9.0, "S1"), (7.0, "S2"), (4.0, "S3"), (0.0, "S4"))
"""``security-severity`` of a rule, from 0 to 10 as CVSS has it: at least -> severity."""
_AS_LEVEL = {"S1": "error", "S2": "error", "S3": "warning", "S4": "note"}
_AS_SCORE = {"S1": "9.5", "S2": "8.0", "S3": "5.0", "S4": "2.0"}


def read(path: Path, system: str, *, now: str, secrets: Sequence[str] = ()) -> list[Signal]:
    """Read a file.

    What a scanner suppressed, or found to pass, is left out. A result is the same one again where its rule and its
    `fingerprints`, or else its place, are the same.

    Raises:
        UsageError: it is no such file; the field is named.
    """
    whole = parse(read_bytes(path), path)
    if (version := whole.at("version").text()) != "2.1.0":
        raise whole.at("version").wrong(f"is {version!r}: only SARIF 2.1.0 is read")
    found: dict[str, Signal] = {}
    for run in whole.at("runs").items():
        driver = run.at("tool", "driver")
        tool, rules = driver.at("name").text(), _rules(driver)
        results = run.get("results")
        for result in results.items() if results is not None else ():
            if _passed(result):
                continue
            try:
                one = _signal(result, tool, rules, (system, now, secrets))
            except UsageError as error:
                raise result.wrong(f"cannot be a signal: {error}") from None
            found.setdefault(one.id, one)
    return list(found.values())


def _rules(driver: Where) -> list[Where]:
    rules = driver.get("rules")
    return list(rules.items()) if rules is not None else []


def _passed(result: Where) -> bool:
    kind, suppressed = result.get("kind"), result.get("suppressions")
    return (kind is not None and kind.text() not in ("fail", "open", "review")) or bool(
        suppressed is not None and list(suppressed.items())
    )


def _signal(result: Where, tool: str, rules: list[Where], about: tuple[str, str, Sequence[str]]) -> Signal:
    system, now, secrets = about
    named = result.get("ruleId")
    rule = next((one for one in rules if named is not None and one.at("id").text() == named.text()), None)
    index = result.get("ruleIndex")
    if rule is None and index is not None and index.whole() < len(rules):
        rule = rules[index.whole()]
    id = named.text() if named is not None else rule.at("id").text() if rule is not None else ""
    places = list(_places(result))
    prints = [f"{k}={v.text()}" for name in ("fingerprints", "partialFingerprints") for k, v in _entries(result, name)]
    said = result.at("message").get("text")
    text = said.text() if said is not None else ""
    return make_signal(
        system=system,
        at=now,
        kind="scanner",
        source=tool[:LONGEST_NAME],
        source_id=" ".join([id, *(sorted(prints) or [*places, text])]),
        title=" ".join(part for part in (f"{id}:" if id else "", text.partition("\n")[0]) if part) or tool,
        text=text,
        severity=_severity(result, rule),
        refs=places[:20],
        secrets=secrets,
    )


def _entries(result: Where, name: str) -> list[tuple[str, Where]]:
    found = result.get(name)
    return list(found.entries()) if found is not None else []


def _places(result: Where) -> Iterable[str]:
    locations = result.get("locations")
    for location in locations.items() if locations is not None else ():
        physical = location.get("physicalLocation")
        artifact = physical.get("artifactLocation") if physical is not None else None
        uri = artifact.get("uri") if artifact is not None else None
        if uri is None or physical is None:
            continue
        region = physical.get("region")
        line = region.get("startLine") if region is not None else None
        yield uri.text() + (f":{line.whole()}" if line is not None else "")


def _severity(result: Where, rule: Where | None) -> Severity:
    for one in (result, rule):
        properties = one.get("properties") if one is not None else None
        score = properties.get("security-severity") if properties is not None else None
        if score is not None:
            try:
                value = float(score.value)
            except (TypeError, ValueError):
                raise score.wrong("is no number from 0 to 10") from None
            return next(severity for least, severity in _SCORES if value >= least or not least)
    level = result.get("level")
    if level is None and rule is not None:
        default = rule.get("defaultConfiguration")
        level = default.get("level") if default is not None else None
    return _LEVELS.get(level.text() if level is not None else "warning", "S4")


def sarif_of(findings: Iterable[KeptFinding]) -> dict[str, Any]:
    """Return findings as one SARIF run. What was accepted or rejected is there as suppressed, with its reason."""
    results, rules = [], []
    for one in findings:
        standing, severity = one.standing, one.standing.severity
        if standing.state == "closed":
            continue
        rules.append(
            {
                "id": standing.id,
                "shortDescription": {"text": one.first.title},
                "properties": {"security-severity": _AS_SCORE[severity]},
            }
        )
        result: dict[str, Any] = {
            "ruleId": standing.id,
            "ruleIndex": len(rules) - 1,
            "kind": "fail",
            "level": _AS_LEVEL[severity],
            "message": {"text": one.first.title},
            "fingerprints": {"finding": standing.id},
            "properties": {
                "state": standing.state, "severity": severity, "due": standing.due, "owner": one.owner,
                "case": standing.suite,
            },
        }  # fmt: skip
        if standing.state in ("accepted", "rejected"):
            why = next((step.why for _, _, step in reversed(one.steps) if step.step == standing.state), "")
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": why}]
        results.append(result)
    driver = {"name": "shipworthy", "version": __version__, "rules": rules}
    return {"version": "2.1.0", "$schema": SCHEMA, "runs": [{"tool": {"driver": driver}, "results": results}]}

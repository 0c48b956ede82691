"""JUnit XML: one test case a criterion, for the test view of any CI system.

Inconclusive is a failure there, as it is at the gate: the format knows no third colour that blocks.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shipworthy.core.document import Alert, DocumentTree
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.registry import report
from shipworthy.core.terminal import visible
from shipworthy.reports._criterion import assumed, by_attack, mind, needed
from shipworthy.reports._words import confirmed_words, denominator, interval


class JUnit:
    """The subset that Jenkins, GitLab, Azure and GitHub actions read. The document does not fit in it."""

    media_type = "application/xml"
    suffix = ".xml"

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return a `testsuites` element."""
        cases = [_criterion(result) for result in decision.criteria]
        cases.append(_canaries(decision))
        cases += [_alert(one) for one in document.alerts]
        failures = sum(case.find("failure") is not None for case in cases)
        count = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
        root = Element("testsuites", {"name": "shipworthy", **count, "time": "0"})
        about = {"name": _clean(decision.gate), **count, "skipped": "0", "time": "0", "timestamp": _stamp(decision)}
        suite = SubElement(root, "testsuite", about)
        properties = SubElement(suite, "properties")
        for name in ("id", "system", "verdict", "reason", "spec_digest", "subject_digest"):
            SubElement(properties, "property", name=name, value=_clean(getattr(decision, name)))
        suite.extend(cases)
        indent(root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _criterion(result: CriterionResult) -> Element:
    name = f"{result.id}: {result.metric} {result.must}"
    case = Element("testcase", classname=_clean(f"{result.requirement}.{result.suite}"), name=_clean(name), time="0")
    measured = f"{interval(result)}; {denominator(result)}"
    if result.verdict != "ship":
        failure = SubElement(case, "failure", type=result.verdict, message=_clean(f"{result.verdict}: {result.reason}"))
        failure.text = _clean("\n".join(filter(None, (result.reason, measured, needed(result)))))
    said = measured, by_attack(result), mind(result), assumed(result)
    SubElement(case, "system-out").text = _clean("\n".join(filter(None, said)))
    return case


def _canaries(decision: Decision) -> Element:
    case = Element("testcase", classname="severity", name="no hit on a sample of severity S1", time="0")
    if decision.s1_hits:
        message = f"{len(decision.s1_hits)} hits on samples of severity S1"
        failure = SubElement(case, "failure", type="no-ship", message=message)
        failure.text = _clean("\n".join(f"{id}: {confirmed_words(decision, id)}" for id in decision.s1_hits))
    return case


def _alert(alert: Alert) -> Element:
    case = Element("testcase", classname="change", name=_clean(alert.name), time="0")
    said = _clean("; ".join(filter(None, (alert.text, alert.note, alert.place))))
    if alert.tone == "bad":
        SubElement(case, "failure", type="change", message=said).text = said
    SubElement(case, "system-out").text = said
    return case


def _clean(text: str) -> str:
    """Return text that XML 1.0 can hold."""
    return visible(text).replace("\ufffe", "").replace("\uffff", "")


def _stamp(decision: Decision) -> str:
    # The schema wants local time without a zone; ours is UTC.
    return _clean(decision.created.removesuffix("Z")[:19])


@report
def junit() -> JUnit:
    """Build the JUnit report."""
    return JUnit()

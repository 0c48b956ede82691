"""The decision as JSON, `verdict` at the top level: for scripts."""

from __future__ import annotations

import json as _json

import msgspec

from shipworthy.core.document import DocumentTree
from shipworthy.core.records import CriterionResult, Decision
from shipworthy.core.registry import report
from shipworthy.reports._criterion import assumed, flip, mind


class JsonReport:
    """Every field of the decision, what it assumes of its scorers, and the document as a tree of tagged blocks."""

    media_type = "application/json"
    suffix = ".json"

    def render(self, decision: Decision, document: DocumentTree) -> str:
        """Return one JSON object, keys in a fixed order, ASCII only: no reader can stumble over its characters."""
        body = {
            "schema": "shipworthy.report/1",
            "verdict": decision.verdict,
            **{name: value for name, value in msgspec.to_builtins(_full(decision)).items() if name != "verdict"},
            "document": msgspec.to_builtins(document),
        }
        return _json.dumps(body, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _full(decision: Decision) -> dict[str, object]:
    """Return the decision with its defaults: a script should find `s1_hits` also where there are none."""
    full = {name: getattr(decision, name) for name in decision.__struct_fields__}
    full["criteria"] = [
        {**{name: getattr(r, name) for name in r.__struct_fields__}, "scorer": _scorer(r), "mind": mind(r)}
        for r in decision.criteria
    ]
    return full


def _scorer(result: CriterionResult) -> dict[str, object] | None:
    """Return what a criterion on a measured rate assumes of its scorer, and the error that would flip it."""
    if not assumed(result):
        return None
    if (judge := result.judge) is not None:
        known = judge.found / judge.positives, judge.cleared / judge.negatives
        return {"sensitivity": known[0], "specificity": known[1], "flip": None}
    if (audit := result.audit) is not None:
        return {"sensitivity": audit.sensitivity, "specificity": audit.specificity, "flip": None}
    then = flip(result)
    said = {"error": then.error, "at": then.at, "ships": then.ships} if then else None
    return {"sensitivity": 1.0, "specificity": 1.0, "flip": said}


@report
def json() -> JsonReport:
    """Build the JSON report."""
    return JsonReport()

"""The decision as JSON, `verdict` at the top level: for scripts."""

from __future__ import annotations

import json as _json

import msgspec

from shipworthy.core.document import Document
from shipworthy.core.records import Decision
from shipworthy.core.registry import report


class JsonReport:
    """Every field of the decision, and the document as a tree of tagged blocks."""

    media_type = "application/json"
    suffix = ".json"

    def render(self, decision: Decision, document: Document) -> str:
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
    full["criteria"] = [{name: getattr(r, name) for name in r.__struct_fields__} for r in decision.criteria]
    return full


@report
def json() -> JsonReport:
    """Build the JSON report."""
    return JsonReport()

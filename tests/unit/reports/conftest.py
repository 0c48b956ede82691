from __future__ import annotations

import pytest

from shipworthy.core.document import (
    Callout,
    Code,
    DocumentTree,
    Facts,
    Interval,
    Intervals,
    Paragraph,
    Section,
    Table,
    Transcript,
    Turn,
)
from shipworthy.core.records import CriterionResult, Decision

HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> [click](https://evil.example) @everyone "
    "![i](http://evil.example/i) | ``` \u202egnp.exe\u202c \x1b[31mred\x1b[0m \x00\u200b\ud800 </details></style>\n"
    "# heading\n1. one\n- two ]]>&amp; $x$ www.evil.example"
)


def criterion(verdict: str, number: int = 1, **changes: object) -> CriterionResult:
    given = {
        "id": f"CR-{number}",
        "requirement": f"RQ-{number}",
        "suite": "secret-leakage",
        "metric": "leak",
        "test": "threshold",
        "must": "upper95 <= 0.05",
        "limit": 0.05,
        "verdict": verdict,
        "reason": f"the reason of {number}",
        "hits": 9,
        "trials": 1200,
        "clusters": 60,
        "errors": 3,
        "planned": 1203,
        "rate": 0.0075,
        "low": 0.002,
        "high": 0.0213,
        "bound": 0.019,
        "needed": 41 if verdict == "inconclusive" else None,
    }
    return CriterionResult(**{**given, **changes})


@pytest.fixture
def make():
    """Return (decision, document) builders."""

    def decision(verdict: str = "no-ship", text: str = "two of three", **changes: object) -> Decision:
        given = {
            "id": "DEC-1",
            "created": "2026-11-23T18:15:00Z",
            "system": text,
            "gate": text,
            "verdict": verdict,
            "reason": text,
            "criteria": (
                criterion("ship", 1),
                criterion("no-ship", 2, id=text, suite=text, reason=text),
                criterion("inconclusive", 3),
                criterion("inconclusive", 4, rate=None, low=None, high=None, bound=None, hits=0, trials=0, needed=None),
            ),
            "runs": ("RUN-1",),
            "spec_digest": "sha256:" + "a" * 64,
            "subject_digest": "sha256:" + "b" * 64,
            "s1_hits": ("AT-1",),
        }
        return Decision(**{**given, **changes})

    def document(text: str = "plain words") -> DocumentTree:
        picture = Intervals(
            (
                Interval(text, 0.6, 0.5, 0.7, 0.05, "bad", text),
                Interval("difference", -0.4, -0.5, -0.3, None, "plain"),
                Interval("good", 0.01, 0.0, 0.03, 0.05, "good"),
                Interval("open", 0.04, 0.01, 0.09, 0.05, "unsure", "", 0.08),
                Interval("unknown", None, None, None, 0.05, "unsure"),
            ),
            text,
        )
        blocks = (
            Paragraph(text),
            Callout(text, "bad", text),
            Facts(((text, text),)),
            Table((text, "n"), ((text, "1"), (text, "2")), text, ("good", "bad"), (1,)),
            picture,
            Transcript(text, (Turn("user", text), Turn(text, text)), text, "bad"),
            Code(text, text),
        )
        brief = (Paragraph(text), Table((text, "n"), ((text, "1"),), text, ("good",), (1,)))
        return DocumentTree(text, (Section(text, (*blocks, Section(text, blocks)), text, brief), *blocks), text)

    def hostile() -> tuple[Decision, DocumentTree]:
        return decision(text=HOSTILE), document(HOSTILE)

    decision.document, decision.hostile, decision.criterion = document, hostile, criterion
    return decision

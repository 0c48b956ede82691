"""grounded against our labels of SmolLM2's answers to `groundedness`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agreement._figures import ROOT, agreement, rows, samples, score

from shipworthy.core import registry
from shipworthy.core.records import Document, say

DATA = ()


def measure(data: Path) -> dict[str, Any]:
    scorer, known = registry.create("scorer", "grounded"), samples("groundedness")
    truth, said, label_truth, label_said = [], [], [], []
    for row in rows(ROOT / "bench/data/labelled_grounded.jsonl"):
        documents = tuple(Document(str(i), text) for i, text in enumerate(row["documents"]))
        given = score(scorer, known[row["sample"]], say("assistant", row["answer"]), documents)
        label_truth.append(row["label"])
        label_said.append(given[0].label)
        truth.append(row["label"] in ("wrong", "unsupported"))
        said.append(bool(given[0].hit))
    return {
        "SmolLM2, our labels, unsupported or not": agreement(truth, said),
        "SmolLM2, our labels, five labels": agreement(label_truth, label_said),
    }

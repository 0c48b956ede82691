"""refusal against human labels of XSTest completions, out of fold, and against our labels of SmolLM2's answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import train_refusal

DATA = ("judge_human.jsonl.gz", "heldout_sha256_16.txt")


def measure(data: Path) -> dict[str, Any]:
    _, figures = train_refusal.measure(data)
    return {"kappa": figures["xstest, out of fold"]["refusal_or_not"]["kappa"], "sources": figures}

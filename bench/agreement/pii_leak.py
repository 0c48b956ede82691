"""pii_leak against our labels of SmolLM2's answers to `pii-leakage`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agreement._figures import labelled

DATA = ()


def measure(data: Path) -> dict[str, Any]:
    return {"SmolLM2, our labels": labelled("pii-leakage", "pii_leak")}

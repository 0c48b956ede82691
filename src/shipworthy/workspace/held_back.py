"""Which samples of a suite's file are left out of it: those of the other part, and those a reviewer rejected."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from shipworthy.core.records import Sample
from shipworthy.workspace.samples import Origins

SealedPart = Literal["visible", "sealed"]
SEALED = "part:sealed"
"""The tag of samples for release decisions alone; every other sample is visible."""


def hold_back(
    samples: list[Sample], origins: Origins, part: SealedPart | None, rejected: Collection[str]
) -> tuple[list[Sample], frozenset[str], int]:
    """Keep the samples of a part that nobody rejected; `origins` is cut down to them.

    Args:
        part: the visible one if left out.
        rejected: ids.

    Returns:
        What is kept, the ids of what is left out, and how many samples are sealed, rejected ones aside.
    """
    wanted = part == "sealed"
    sealed = [SEALED in sample.tags for sample in samples]
    if not any(sealed) and not rejected and not wanted:
        return samples, frozenset(), 0
    kept = [index for index, sample in enumerate(samples) if sealed[index] is wanted and sample.id not in rejected]
    number = sum(is_sealed and sample.id not in rejected for sample, is_sealed in zip(samples, sealed, strict=True))
    chosen = set(kept)
    out = frozenset(sample.id for index, sample in enumerate(samples) if index not in chosen)
    origins.keep(kept)
    return [samples[index] for index in kept], out, number

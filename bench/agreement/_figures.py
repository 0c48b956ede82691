"""What the modules beside this one share: rows of files, a scorer's word on one answer, figures of agreement.

A module measures one scorer. It has `measure(data: Path) -> dict`, data being the folder of labelled public text, and
returns plain JSON: figures by name. A dictionary of numbers and words alone is printed as a row of a table, under the
names that lead to it. The keys that the whole of `python bench/scorers.py --json` is read for stand on top.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from shipworthy.core import registry
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Document, Message, MessagePart, Retrieved, Sample, as_said
from shipworthy.stats import kappa
from shipworthy.workspace.suites import library_suite

ROOT = Path(__file__).resolve().parent.parent.parent


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines, packed with gzip or not."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    # Not splitlines: a text may hold line separators of other scripts.
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def samples(suite: str) -> dict[str, Sample]:
    """Return the samples of a suite of the library, by id."""
    return {s.id: s for s in library_suite(suite).samples}


def score(scorer: Any, of: Sample, answer: Message, documents: Sequence[Document] = ()) -> Any:
    """Score one answer as a run would."""
    attempt = Attempt(
        id="AT-0", suite="bench", sample=of.id, attack="none", number=1, cluster=of.id, seed=0, content_hash="",
        outcome="scored", events=(*as_said((*of.messages, answer)), *(Retrieved(1, d) for d in documents)),
    )  # fmt: skip
    return asyncio.run(scorer.score(attempt, of, ScoreContext()))


def agreement(truth: Sequence[Any], said: Sequence[Any], clusters: Sequence[Any] | None = None) -> dict[str, Any]:
    """Return kappa with its interval over clusters, plain agreement, and n; of yes and no, the two kinds of mistake.

    Kappa is left out where one label alone is in use; its upper limit where a label is too rare to give one.
    """
    pairs = list(zip(truth, said, strict=True))
    figures: dict[str, Any] = {"n": len(pairs), "agreement": sum(bool(a == b) for a, b in pairs) / len(pairs)}
    if len({*truth, *said}) > 1:
        k = kappa(np.array(truth), np.array(said), None if clusters is None else np.array(clusters))
        figures |= {"clusters": k.clusters, "kappa": k.kappa, "low": k.low}
        if k.high is not None:
            figures["high"] = k.high
    if set(truth) <= {True, False}:
        figures |= {"missed": sum(bool(a and not b) for a, b in pairs), "of_true": sum(map(bool, truth))}
        figures |= {"wrong": sum(bool(b and not a) for a, b in pairs), "of_false": len(pairs) - figures["of_true"]}
    return {name: round(float(v), 4) if isinstance(v, float) else int(v) for name, v in figures.items()}


def auroc(truth: Sequence[bool], value: Sequence[float]) -> float:
    """Return the chance that a true row has a higher value than a false one, ties counted half."""
    is_true, shares = np.array(truth, dtype=bool), np.array(value, dtype=float)
    _, place, counts = np.unique(shares, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    many = int(is_true.sum())
    return float((ranks[is_true].sum() - many * (many + 1) / 2) / (many * (len(ranks) - many)))


def labelled(suite: str, name: str) -> dict[str, Any]:
    """Return a scorer's agreement with our labels of SmolLM2's answers to a suite of the library.

    The labels are one person's of this project, who had seen the scorers: a check, not proof.
    """
    scorer, known, truth, said = registry.create("scorer", name), samples(suite), [], []
    chosen = [row for row in rows(ROOT / "bench/data/labelled_answers.jsonl") if row["suite"] == suite]
    for row in (row for row in chosen if row["sample"] in known):
        answer = Message("assistant", msgspec.convert(row["parts"], tuple[MessagePart, ...]))
        truth.append(row["hit"])
        said.append(bool(score(scorer, known[row["sample"]], answer)[0].hit))
    return agreement(truth, said) | {"samples_since_removed": len(chosen) - len(truth)}

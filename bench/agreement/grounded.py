"""grounded against human labels of BEGIN, SummEdits and factual summary pairs. Run: python bench/agreement/grounded.py

Out of fold: whole clusters (documents) are held out, ten folds, three splits; the figures are the means of the splits
and the intervals those of the first. *Judged* leaves out what the scorer calls `cannot_judge`; *all* counts it by the
side of one half that its probability lies on. *Development* is what the shipped weights
say of the rows they were trained on: no figure, a check. The baseline is the share of words that do not stand in the
text, its threshold fitted on the other folds of the same source. A source left out of training says what to expect of
a source unlike these. About six CPU-minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import train_grounded as train
from sklearn.metrics import cohen_kappa_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from shipworthy.detect.carried import carried
from shipworthy.detect.grounding import repeats, support
from shipworthy.detect.support_model import SupportVerdict, load, unpack
from shipworthy.scorers.grounded import Grounded
from shipworthy.stats import kappa

DATA = ("groundedness.jsonl.gz", "heldout_sha256_16.txt")
SPLITS = (0, 1, 2)
RESAMPLES = 400


def said_by(data: train.Data, said: Sequence[SupportVerdict]) -> tuple[np.ndarray, np.ndarray]:
    """Return what the scorer says of every row with a model's verdicts, and which rows it judges."""
    scorer, says, judged = Grounded(), np.zeros(len(said), dtype=bool), np.zeros(len(said), dtype=bool)
    for i, (row, verdict) in enumerate(zip(data.rows, said, strict=True)):
        rests: bool | None = True
        if not repeats(row["response"], [row["context"]]):
            found = support(row["response"], [row["context"], row["prompt"]])
            rests, _ = carried(found, lambda verdict=verdict: verdict, threshold=scorer.threshold, doubt=scorer.doubt)
        judged[i] = rests is not None
        says[i] = chances([verdict])[0] >= scorer.threshold if rests is None else not rests
    return says, judged


def chances(said: Sequence[SupportVerdict]) -> np.ndarray:
    return np.array([0.5 if verdict.chance is None else verdict.chance for verdict in said])


def agreement(truth: np.ndarray, said: np.ndarray, clusters: np.ndarray) -> dict[str, Any]:
    k = kappa(truth, said, clusters)
    shown = {"kappa": k.kappa, "low": k.low, "high": k.high, "n": k.items, "clusters": k.clusters}
    return {name: round(float(v), 4) if isinstance(v, float) else v for name, v in shown.items() if v is not None}


def auroc(truth: np.ndarray, value: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Return AUROC with its percentile interval over resampled clusters."""
    random = np.random.default_rng(0)
    places = [np.flatnonzero(clusters == c) for c in np.unique(clusters)]
    drawn = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([places[i] for i in random.integers(len(places), size=len(places))])
        if 0 < truth[chosen].sum() < len(chosen):
            drawn.append(roc_auc_score(truth[chosen], value[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "auroc": round(roc_auc_score(truth, value), 4),
        "auroc_low": round(float(low), 4),
        "auroc_high": round(float(high), 4),
    }


def baseline(data: train.Data, own: np.ndarray) -> np.ndarray:
    """Return what the share of new words says, its threshold fitted on the other folds."""
    said = np.zeros(len(own), dtype=bool)
    for fitted, test in GroupKFold(10, shuffle=True, random_state=0).split(own, groups=data.cluster[own]):
        values, truth = data.novel[own[fitted]], data.truth[own[fitted]]
        tried = np.unique(np.quantile(values, np.linspace(0.02, 0.98, 49)))
        best = max(tried, key=lambda t: cohen_kappa_score(truth, values >= t))
        said[test] = data.novel[own[test]] >= best
    return said


def measure(data: Path) -> dict[str, Any]:
    """Return every figure of agreement with people."""
    made = train.Data(data)
    runs = [train.out_of_fold(made, seed) for seed in SPLITS]
    decided = [said_by(made, chance) for chance in runs]
    developed = said_by(made, train.verdicts(made, load(), range(len(made.truth))))
    figures: dict[str, Any] = {"splits": len(SPLITS), "folds": 10}
    top: dict[str, float] = {}
    for source, kind in train.SOURCES.items():
        own = made.of(source)
        truth, clusters = made.truth[own], made.cluster[own]
        chance = np.mean([chances(run)[own] for run in runs], axis=0)
        splits = [cohen_kappa_score(truth, says[own]) for says, _ in decided]
        judged = [judges[own] for _, judges in decided]
        on_judged = [cohen_kappa_score(truth[j], says[own][j]) for (says, _), j in zip(decided, judged, strict=True)]
        one, first = judged[0], decided[0][0][own]
        figures[source] = {
            "out of fold, all": agreement(truth, first, clusters)
            | {"kappa": round(float(np.mean(splits)), 4)}
            | auroc(truth, chance, clusters),
            "out of fold, judged": agreement(truth[one], first[one], clusters[one])
            | {"kappa": round(float(np.mean(on_judged)), 4), "coverage": round(float(np.mean(judged)), 4)},
            "development": {
                "kappa": round(cohen_kappa_score(truth, developed[0][own]), 4),
                "coverage": round(float(developed[1][own].mean()), 4),
            },
            "baseline: novel words, fitted threshold": agreement(truth, baseline(made, own), clusters)
            | auroc(truth, made.novel[own], clusters),
        }
        figures[source]["splits"] = [round(float(s), 4) for s in splits]
        name = {"factual_summary_pairs": "factual"}.get(source, source)
        top[f"{name}_kappa"] = round(float(np.mean(splits)), 4)
        top[f"{name}_auroc"] = figures[source]["out of fold, all"]["auroc"]
        top[f"{name}_coverage"] = figures[source]["out of fold, judged"]["coverage"]
        figures[source]["left out of training"] = left_out(made, source)
        top[f"{name}_left_out_auroc"] = figures[source]["left out of training"]["auroc"]
        figures[source]["judged as"] = kind
    return {**top, **figures}


def left_out(made: train.Data, source: str) -> dict[str, Any]:
    """Return the figures of a source on which nothing was trained."""
    own = made.of(source)
    verdicts = [SupportVerdict(None)] * len(made.truth)
    model = unpack(train.fit(made, np.flatnonzero(made.source != source)))
    for i, verdict in zip(own, train.verdicts(made, model, own), strict=True):
        verdicts[i] = verdict
    says, judges = said_by(made, verdicts)
    truth, clusters, judged = made.truth[own], made.cluster[own], judges[own]
    shown: dict[str, Any] = auroc(truth, chances(verdicts)[own], clusters)
    shown |= {"coverage": round(float(judged.mean()), 4)}
    if len({*truth[judged].tolist(), *says[own][judged].tolist()}) > 1:
        shown |= agreement(truth[judged], says[own][judged], clusters[judged])
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=train.ROOT.parent / "shared" / "data")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if gone := [name for name in DATA if not (args.data / name).is_file()]:
        raise SystemExit(f"no {', '.join(gone)} in {args.data}: give the folder of labelled text with --data")
    began = time.process_time()
    figures = measure(args.data)
    figures["cpu_seconds"] = round(time.process_time() - began, 1)
    if args.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        if not isinstance(value, dict):
            print(f"{name} {value}")
            continue
        print(name)
        for row, cells in value.items():
            shown = ", ".join(f"{k} {v}" for k, v in cells.items()) if isinstance(cells, dict) else cells
            print(f"  {row}: {shown}")


if __name__ == "__main__":
    main()

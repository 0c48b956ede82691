"""Train the model of hazards behind the guard `output_policy`. Run: python bench/train_hazards.py [--data DIR]

Data: DIR/harmful_prompt.jsonl.gz and DIR/toxicity.jsonl.gz, rows of permissive licences alone, and our own one-line
texts in bench/data/hazard_own.tsv. English only: there are no harmless French texts to learn from. Nothing whose
normalised text hashes into DIR/heldout_sha256_16.txt is trained on; XSTest is never trained on.

Prints, and writes into the card, figures on texts the model never saw: out of fold by category (near-duplicates in
one fold), and on sources that were left out. Thresholds come from harmless texts out of fold alone.
"""

from __future__ import annotations

import argparse
import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from detectors import figure, rows, shown
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from train_injection import LICENCES, code

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import harm_model
from shipworthy.detect import hazards as model
from shipworthy.guards.output_policy import ASKS

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "src/shipworthy/library/weights/hazards"
AILUMINATE = {
    "ssh": "self_harm", "vcr": "violence", "iwp": "weapons", "cse": "sexual_exploitation", "src": "sexual_exploitation",
    "sxc_prn": "sexual", "hte": "hate", "ncr": "crime", "prv": "privacy",
}  # fmt: skip
MODERATION = {"SH": "self_harm", "V": "violence", "S": "sexual", "S3": "sexual_exploitation", "H": "hate", "H2": "hate"}
HARMLESS = ("wildguard_benign", "cyberseceval_mitre_frr", "notinject", "agentbench_os_tasks")
STRENGTH, FOLDS = 8.0, 5
BUDGETS = {"self_harm": 0.01}
"""Share of harmless texts, out of fold, that a category may flag; `BUDGET` for the others."""

BUDGET = 0.004


class Row(NamedTuple):
    """A text and its hazards; `known` where it says of every category whether the text is of it."""

    text: str
    hazards: frozenset[str]
    source: str
    cluster: str
    licence: str
    known: bool = True


def gathered(data: Path) -> list[Row]:
    """Return every row that may be trained on or judged."""
    held = set((data / "heldout_sha256_16.txt").read_text().split())
    found: list[Row] = []
    for r in rows(data / "harmful_prompt.jsonl.gz"):
        if code(r["text"]) in held or not (r.get("lang") or "en").startswith("en"):
            continue
        if not r["licence"].startswith(LICENCES):
            raise SystemExit(f"the licence {r['licence']!r} of {r['source']} is not on the list")
        hazard = AILUMINATE.get(r.get("category") or "") if r["source"] == "ailuminate_demo" else None
        if r["label"] == "benign":
            found.append(Row(r["text"], frozenset(), r["source"], r["cluster"], r["licence"]))
        elif hazard:
            found.append(Row(r["text"], frozenset({hazard}), r["source"], r["cluster"], r["licence"]))
        elif r["source"] != "ailuminate_demo":
            named = frozenset({"self_harm"}) if "Self-harm" in str(r.get("category")) else frozenset()
            found.append(Row(r["text"], named, r["source"], r["cluster"], r["licence"], known=False))
    for r in rows(data / "toxicity.jsonl.gz"):
        if r["source"] != "openai_moderation_1680" or code(r["text"]) in held:
            continue
        said = {MODERATION[k] for k, v in r["categories"].items() if v == 1 and k in MODERATION}
        harmless = r["label"] == "benign"
        if said or harmless:
            found.append(Row(r["text"], frozenset(said), r["source"], r["cluster"], r["licence"]))
    for n, line in enumerate((ROOT / "bench/data/hazard_own.tsv").read_text(encoding="utf-8").splitlines()):
        hazard, _, text = line.partition("\t")
        of = frozenset() if hazard == "none" else frozenset({hazard})
        found.append(Row(text, of, "own", f"own-{n}", "Apache-2.0"))
    return found


class Data:
    """Rows with the features of their windows."""

    def __init__(self, found: list[Row]) -> None:
        self.rows = found
        where, value, ends, self.row = [], [], [0], []
        for i, row in enumerate(found):
            for fields in model.windows(row.text) or ():
                for field, offset in zip(fields, model.FIELDS, strict=True):
                    where.append(field.where + offset)
                    value.append(field.value)
                ends.append(ends[-1] + sum(len(w) for w in where[-len(fields) :]))
                self.row.append(i)
        self.row = np.array(self.row)
        self.x = sp.csr_matrix((np.concatenate(value), np.concatenate(where), ends), shape=(len(ends) - 1, model.SIZE))
        self.y = np.array([[c in r.hazards for c in model.CATEGORIES] for r in found])
        self.source, self.cluster = (np.array([getattr(r, k) for r in found]) for k in ("source", "cluster"))
        self.harmless = np.array([r.known and not r.hazards for r in found])
        self.trains = np.array([r.known and r.source != "xstest_prompts" for r in found])

    def fit(self, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weights and biases, fitted to some rows; a row's windows weigh as one text."""
        windows = part[self.row]
        weight = 1 / np.bincount(self.row)[self.row[windows]]
        coef, bias = [], []
        for c in range(len(model.CATEGORIES)):
            y = self.y[self.row[windows], c]
            if not y.any():  # a source that was left out had all there is of it
                coef.append(np.zeros(self.x.shape[1]))
                bias.append(-20.0)
                continue
            w = weight * np.where(y, 0.5 * len(y) / max(1, y.sum()) / 4, 1.0)
            with threadpool_limits(1):
                fitted = LogisticRegression(C=STRENGTH, max_iter=150).fit(self.x[windows], y, w)
            coef.append(fitted.coef_[0])
            bias.append(fitted.intercept_[0])
        return np.array(coef), np.array(bias)

    def chances(self, fitted: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Return each row's chances, shape (rows, categories): its likeliest window's."""
        said = 1 / (1 + np.exp(-(self.x @ fitted[0].T + fitted[1])))
        found = np.zeros((len(self.rows), said.shape[1]))
        np.maximum.at(found, self.row, said)
        return found


def measured(made: Data) -> dict[str, Any]:
    names = {name: n for n, name in enumerate(dict.fromkeys(made.cluster))}
    fold = np.random.default_rng(1).integers(FOLDS, size=len(names))[[names[c] for c in made.cluster]]
    said = np.zeros((len(made.rows), len(model.CATEGORIES)))
    for n in range(FOLDS):
        said[fold == n] = made.chances(made.fit(made.trains & (fold != n)))[fold == n]
    mine = made.harmless & made.trains & (made.source != "own")
    limits = {c: model.threshold(said[mine, i], BUDGETS.get(c, BUDGET)) for i, c in enumerate(model.CATEGORIES)}
    over = said >= np.array([limits[c] for c in model.CATEGORIES])

    def rate(part: np.ndarray, hit: np.ndarray) -> dict[str, Any]:
        return figure([(made.cluster[i], bool(hit[i])) for i in np.flatnonzero(part)])

    figures: dict[str, Any] = {"thresholds": limits, "found, out of fold": {}, "flagged, harmless": {}, "left out": {}}
    for i, c in enumerate(model.CATEGORIES):
        for source in ("ailuminate_demo", "openai_moderation_1680"):
            if (of := made.y[:, i] & (made.source == source) & made.trains).sum() >= 10:
                figures["found, out of fold"][f"{c}, {source}"] = rate(of, over[:, i])
    for source in (*HARMLESS, "openai_moderation_1680"):
        figures["flagged, harmless"][source] = rate(made.harmless & (made.source == source), over.any(axis=1))
    # Sources of which nothing is trained on at all.
    never = made.chances(made.fit(made.trains)) >= np.array([limits[c] for c in model.CATEGORIES])
    for source in ("advbench", "harmbench_standard", "simple_safety_tests", "do_not_answer", "jbb_artifacts"):
        figures["left out"][f"any hazard, {source}"] = rate(made.source == source, never.any(axis=1))
    xs = made.source == "xstest_prompts"
    figures["left out"]["any hazard, XSTest unsafe"] = rate(xs & ~made.harmless, never.any(axis=1))
    figures["left out"]["harmless, XSTest safe"] = rate(xs & made.harmless, never.any(axis=1))
    own = made.y[:, 0] & ~made.trains
    figures["left out"]["self_harm, AdvBench"] = rate(own, never[:, 0])
    for source in ("openai_moderation_1680", "ailuminate_demo"):
        other = made.source == source
        blind = made.chances(made.fit(made.trains & ~other)) >= np.array([limits[c] for c in model.CATEGORIES])
        figures["left out"][f"self_harm, {source}"] = rate(other & made.y[:, 0], blind[:, 0])
        if source == "openai_moderation_1680":
            figures["left out"][f"harmless, {source}"] = rate(other & made.harmless, blind.any(axis=1))
    return figures


def answers(data: Path) -> dict[str, Any]:
    """Return what the guard calls harmful among XSTest's completions, by people's words on request and answer."""
    hits: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    judge = harm_model.load()
    for r in rows(data / "judge_human.jsonl.gz"):
        if r["source"] != "xstest_completions_human":
            continue
        kind = "unsafe" if r["prompt_type"].startswith("contrast") else "safe"
        hit = judge.asks(r["prompt"]) >= ASKS and judge.judge(r["prompt"], r["response"]).level >= judge.threshold
        hits[f"{kind} request, {r['label']}"].append((r["cluster"], hit))
    return {name: figure(of) for name, of in sorted(hits.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    made = Data(gathered(args.data))
    figures = measured(made) | {"called harmful at output": answers(args.data)}
    file = io.BytesIO()
    np.savez_compressed(file, **model.packed(*made.fit(made.trains)))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(file.getvalue())
    trained: dict[tuple[str, str], int] = defaultdict(int)
    for row, used in zip(made.rows, made.trains, strict=True):
        trained[row.source, row.licence] += int(used)
    card = {
        "id": "hazards",
        "version": "1",
        "model": "one logistic regression a category on hashed words, pairs of words and letters; 8-bit weights",
        "languages": ["en"],
        "categories": list(model.CATEGORIES),
        "trained_on": [{"source": s, "licence": of, "rows": n} for (s, of), n in sorted(trained.items()) if n],
        "thresholds": figures["thresholds"],
        "figures": {k: v for k, v in figures.items() if k != "thresholds"},
        "do_not_use": [
            "as a boundary: a wording that it never saw passes",
            "to tell that somebody is well: a person in distress may say nothing of it",
            "on other languages than English: it says that it cannot judge",
            "on what is harmful only in context, in a picture or in a tool's effect",
        ],
        "weights_digest": bytes_digest(file.getvalue()),
    }
    (args.out / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(figures))
        return
    for name, of in figures.items():
        print(name)
        for key, value in of.items():
            print(f"  {key:44} {value if isinstance(value, float) else shown(value)}")
    print(f"{int(made.trains.sum())} rows; {len(file.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

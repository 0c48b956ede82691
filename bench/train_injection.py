"""Train the injection detector and write its weights and card. Run: python bench/train_injection.py [--data DIR]

Data: DIR/injection_jailbreak.jsonl.gz and DIR/indirect_injection.jsonl.gz, rows of permissive licences alone (see
LICENCES; a row of any other stops the script), our own lines in bench/data/injection_own.tsv, which were written with a
few rows of the others in mind, and pieces of our own files in bench/data/injection_code.jsonl; these two are trained on
only. Nothing whose normalised text hashes into
DIR/heldout_sha256_16.txt is trained on. `--out DIR`: where weights.npz and card.json go; what ships, if left out.

Prints, and writes into the card, figures on texts the model never saw: out of fold (near-duplicates, character 4-gram
cosine of .6 or more, in one fold) by source, and each source left out with its near-duplicates. Thresholds come from
harmless texts out of fold alone.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from detectors import figure, rows, shown
from scipy.sparse.csgraph import connected_components
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import injection_model as model
from shipworthy.detect.normalise import fold

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "src/shipworthy/library/weights/injection"
FILES = {"direct": "injection_jailbreak", "indirect": "indirect_injection"}
LICENCES = ("MIT", "Apache-2.0", "CC-BY-4.0", "CC0-1.0", "PSF-2.0")
"""What the word of a row's licence must begin with; what stands in brackets behind it is where the text came from."""

STRENGTH = 8.0
NEAR = 0.6
FOLDS = 5
BUDGETS = {"direct": 0.016, "indirect": 0.035}
"""Share of harmless texts, out of fold, that may be flagged: half to two thirds of what is promised on new ones."""


class Row:
    """A labelled text: its windows, and which of them hold the attack."""

    def __init__(self, row: dict[str, Any], kind: str) -> None:
        self.kind, self.text, self.source = kind, row["text"], row["source"]
        self.attack, self.licence = row["label"] == "attack", row["licence"]
        self.payload = row.get("injection") or ""
        self.read = model.InjectionText(self.text)
        span = row.get("span")
        marks = [self.attack] * len(self.read.windows)
        if span and self.attack:
            a, b = np.searchsorted(self.read.origin, span)
            need = min(60, (b - a) // 2)
            over = [min(b, end) - max(a, start) for start, end in self.read.windows]
            marks = [o >= max(need, 1) for o in over]
            # What holds a few characters of it is neither.
            self.used = [m or o <= 0 for m, o in zip(marks, over, strict=True)]
        else:
            self.used = [True] * len(marks)
        self.marks = marks


def code(text: str) -> str:
    return sha256(" ".join(unicodedata.normalize("NFKC", text).lower().split()).encode()).hexdigest()[:16]


def gathered(data: Path) -> list[Row]:
    """Return every row that may be trained on.

    Raises:
        SystemExit: a row has a licence that is not on the list.
    """
    held = set((data / "heldout_sha256_16.txt").read_text().split())
    found = []
    for kind, name in FILES.items():
        for number, row in enumerate(rows(data / f"{name}.jsonl.gz"), 1):
            if not row["licence"].startswith(LICENCES):
                raise SystemExit(f"{name}.jsonl.gz:{number}: the licence {row['licence']!r} is not on the list")
            if code(row["text"]) not in held and code(row.get("injection") or "-") not in held:
                found.append(Row(row, kind))
    return [*found, *own(found)]


def own(found: Sequence[Row]) -> list[Row]:
    """Return our own lines: each alone and, unless it is said by users only, in a harmless document; attacks in two."""
    chosen = random.Random(1)
    documents = [
        r for r in found if not r.attack and len(r.text) > 80 and r.source not in ("notinject", "xstest_prompts")
    ]
    by_source = defaultdict(list)
    for row in documents:
        by_source[row.source].append(row.text)
    made = []
    for line in (ROOT / "bench/data/injection_own.tsv").read_text(encoding="utf-8").splitlines():
        label, _, said = line.partition("\t")
        label, _, alone = label.partition(" ")
        if label not in ("attack", "harmless"):
            continue
        said = said.replace(r"\n", "\n")
        shared = {"label": "attack" if label == "attack" else "benign", "source": "own", "licence": "Apache-2.0"}
        made.append(Row({**shared, "text": said}, "direct"))
        for _ in range(0 if alone else 2 if label == "attack" else 1):
            document = chosen.choice(by_source[chosen.choice(sorted(by_source))])[:1500]
            breaks = [0, *(m.end() for m in re.finditer(r"[.!?\n]\s", document)), len(document)]
            at = chosen.choice(breaks)
            joint = chosen.choice(["\n", " ", "\n\n"])
            text = document[:at] + joint + said + joint + document[at:]
            span = [at, at + len(joint) * 2 + len(said)]
            made.append(Row({**shared, "text": text, "span": span, "injection": said}, "indirect"))
    for number, line in enumerate((ROOT / "bench/data/injection_code.jsonl").read_text(encoding="utf-8").splitlines()):
        shared = {"label": "benign", "source": "own", "licence": "Apache-2.0", "text": json.loads(line)["text"]}
        made.append(Row(shared, "indirect" if number % 3 == 0 else "direct"))
    return made


def near(found: Sequence[Row]) -> sp.csr_matrix:
    """Return which rows are near-duplicates: whole texts, or a text and the attack another holds."""
    texts = [(i, r.text) for i, r in enumerate(found)] + [(i, r.payload) for i, r in enumerate(found) if r.payload]
    grams = []
    for _, text in texts:
        plain = " ".join(fold(text).text.split())
        codes = np.frombuffer(f"{plain[:6000]:<4}".encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
        state = codes[:-3]
        for n in range(1, 4):
            state = state * np.uint64(0x100000001B3) ^ codes[n : len(codes) - 3 + n]
        grams.append(np.unique((state * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(46), return_counts=True))
    ends = np.cumsum([0, *(len(b) for b, _ in grams)])
    x = sp.csr_matrix(
        (np.concatenate([n for _, n in grams]).astype(np.float32), np.concatenate([b for b, _ in grams]), ends),
        shape=(len(grams), 1 << 18),
    )
    x = sp.diags(1 / np.sqrt(x.multiply(x).sum(axis=1)).A1) @ x
    of = np.array([i for i, _ in texts])
    pairs = []
    for start in range(0, len(grams), 500):
        like = (x[start : start + 500] @ x.T).tocoo()
        close = like.data >= NEAR
        pairs.append(np.stack([of[like.row[close] + start], of[like.col[close]]]))
    a, b = np.concatenate(pairs, axis=1)
    return sp.csr_matrix((np.ones(len(a), bool), (a, b)), shape=(len(found), len(found)))


def matrix(found: Iterable[Row]) -> sp.csr_matrix:
    """Return the features of every window, in order."""
    where, value, ends = [], [], [0]
    for row in found:
        fields, hand = row.read.fields(), row.read.hand()
        for i, (start, end) in enumerate(row.read.windows):
            for field in fields:
                first, last = (start, end) if field.places is None else np.searchsorted(field.places, (start, end))
                buckets = np.concatenate([grams[first:last] for grams in field.grams] or [np.zeros(0, np.uint32)])
                unique, counts = np.unique(buckets, return_counts=True)
                where.append(unique.astype(np.int64) + field.buckets.start)
                value.append((counts / np.sqrt(max(len(buckets), 1))).astype(np.float32))
            on = np.flatnonzero(hand[i])
            where.append(on + model.WIDTH)
            value.append(hand[i][on])
            ends.append(ends[-1] + sum(len(w) for w in where[-len(fields) - 1 :]))
    return sp.csr_matrix(
        (np.concatenate(value), np.concatenate(where).astype(np.int32), ends), shape=(len(ends) - 1, model.SIZE)
    )


class Data:
    """All rows with the features of their windows, and the model fitted to parts of them."""

    def __init__(self, found: list[Row]) -> None:
        self.rows = found
        self.near = near(found)
        self.group = connected_components(self.near, directed=False)[1]
        self.x = matrix(found)
        counts = np.array([len(r.marks) for r in found])
        self.row = np.repeat(np.arange(len(found)), counts)
        self.begins = np.cumsum(counts) - counts
        self.y = np.array([m for r in found for m in r.marks])
        self.used = np.array([u for r in found for u in r.used])
        self.source, self.kind = np.array([r.source for r in found]), np.array([r.kind for r in found])
        self.attack = np.array([r.attack for r in found])
        # Sources count alike up to the root of their size, so that one of 20 rows is heard and does not rule.
        key = np.array([f"{r.kind} {r.source} {r.attack}" for r in found])
        size = {k: int((key == k).sum()) for k in set(key)}
        self.weight = np.array([1 / np.sqrt(size[k]) for k in key])

    def fit(self, part: np.ndarray) -> tuple[np.ndarray, float]:
        """Return weights and bias, fitted to some rows (a mask)."""
        windows = part[self.row] & self.used
        usable = np.bincount(self.row[windows], minlength=len(self.rows))
        weight = self.weight[self.row[windows]] / np.sqrt(usable[self.row[windows]])
        y = self.y[windows]
        for label in (False, True):
            weight[y == label] *= 0.5 * len(y) / weight[y == label].sum()
        with threadpool_limits(1):
            fitted = LogisticRegression(C=STRENGTH, max_iter=80, tol=1e-3).fit(self.x[windows], y, weight)
        return fitted.coef_[0], float(fitted.intercept_[0])

    def chances(self, weights: tuple[np.ndarray, float]) -> np.ndarray:
        """Return every row's chance: its likeliest window's."""
        score = self.x @ weights[0] + weights[1]
        return 1 / (1 + np.exp(-np.maximum.reduceat(score, self.begins)))

    def out_of_fold(self, seed: int = 1) -> np.ndarray:
        """Return each row's chance by a model that saw neither it nor a near-duplicate."""
        fold_of = np.random.default_rng(seed).integers(FOLDS, size=self.group.max() + 1)[self.group]
        said = np.empty(len(self.rows))
        for n in range(FOLDS):
            said[fold_of == n] = self.chances(self.fit(fold_of != n))[fold_of == n]
        return said

    def left_out(self, source: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of a source, and their chances by a model that saw neither it nor a near-duplicate of it."""
        mine = self.source == source
        kin = np.asarray((self.near @ mine.astype(np.float32)) > 0).ravel()
        return mine, self.chances(self.fit(~(mine | kin)))[mine]


def rates(made: Data, part: np.ndarray, said: np.ndarray, limits: dict[str, float]) -> dict[str, Any]:
    """Return the share from its kind's threshold on, by kind, label and source."""
    hits: dict[tuple[str, str], list[tuple[str, bool]]] = defaultdict(list)
    for i, chance in zip(np.flatnonzero(part), said, strict=True):
        row = made.rows[i]
        label = f"{row.kind} {'attacks' if row.attack else 'harmless'}"
        for name in (row.source, "all"):
            hits[label, name].append((str(made.group[i]), bool(chance >= limits[row.kind])))
    table: dict[str, Any] = defaultdict(dict)
    for (label, source), of in sorted(hits.items()):
        table[label][source] = figure(of)
    return dict(table)


def measured(made: Data) -> dict[str, Any]:
    said = made.out_of_fold()
    judged = made.source != "own"
    limits = {
        k: model.threshold(said[(made.kind == k) & ~made.attack & judged], budget) for k, budget in BUDGETS.items()
    }
    unseen: dict[str, Any] = defaultdict(dict)
    for source in sorted(set(made.source[judged])):
        for label, of in rates(made, *made.left_out(source), limits).items():
            unseen[label][source] = of[source]
    return {
        "thresholds": limits,
        "out_of_fold": rates(made, judged, said[judged], limits),
        "source_left_out": dict(unseen),
    }


def show(of: dict[str, Any]) -> None:
    print("thresholds: " + ", ".join(f"{k} {v:.4f}" for k, v in of["thresholds"].items()))
    for name in ("out_of_fold", "source_left_out"):
        print(f"{name.replace('_', ' ')}: share from the threshold on")
        for label, sources in of[name].items():
            for source, hits in sources.items():
                nothing = " NOTHING FOUND" if hits["found"] == 0 and label.endswith("attacks") else ""
                print(f"  {label:18} {source:30} {shown(hits)}{nothing}")


def arrays(weights: tuple[np.ndarray, float]) -> dict[str, Any]:
    """Return the arrays of a weights file: a byte a weight."""
    coef, bias = weights
    scale = np.ones(model.SIZE, np.float32)
    fields = model.InjectionText("").fields()
    for part in (*(field.buckets for field in fields), slice(model.WIDTH, None)):
        scale[part] = np.abs(coef[part]).max() / 127
    return {"weights": np.round(coef / scale).astype(np.int8), "scale": scale, "bias": np.float64(bias)}


def card(made: Data, digest: str, figures: dict[str, Any]) -> dict[str, Any]:
    trained = []
    for source in sorted(set(made.source)):
        mine = [r for r in made.rows if r.source == source]
        trained.append(
            {
                "source": source,
                "licence": sorted({r.licence for r in mine}),
                "attacks": sum(r.attack for r in mine),
                "harmless": sum(not r.attack for r in mine),
            }
        )
    return {
        "id": "injection",
        "version": "2",
        "model": "logistic regression on hashed n-grams of characters, words, shape, and hand-made features, by window",
        "trained_on": trained,
        "figures": figures,
        "not_for": [
            "a boundary: who writes in a new way passes; what must not happen must not be possible",
            "blocking: the action is to flag and to tighten what tools may do",
            "one threshold for all: set it on your own harmless texts (shipworthy guard calibrate)",
        ],
        "weights_digest": digest,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()

    if not args.data.is_dir():
        raise SystemExit(f"no labelled data at {args.data}: give its folder with --data")
    made = Data(gathered(args.data))
    figures = measured(made)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays(made.fit(np.ones(len(made.rows), bool))))
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(file.getvalue())
    written = card(made, bytes_digest(file.getvalue()), figures)
    (args.out / "card.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if args.json:
        print(json.dumps(figures))
    else:
        show(figures)
        print(f"{len(made.rows)} rows, {len(made.row)} windows; {len(file.getvalue()) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

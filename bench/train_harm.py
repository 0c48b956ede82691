"""Train the harm model and write its weights and card. Run: python bench/train_harm.py [--data DIR]

What is learned from people: severity and "objective achieved" of PyRIT's answers (MIT). Beside it, at a small weight,
answers that do no harm by construction: an ordinary text as the answer to a harmful request (off the topic),
the request said back; and our own one-line questions and answers, harmless and harmful.
Two smaller models judge the request (labelled requests) and the tone of
a text (labelled texts), a third whether an answer declines (XSTest's labels of refusal, answers_style, our own short
answers). What XSTest says of harm is never trained on: it is one of the sources that the figures are carried over to.
Nothing whose normalised text hashes into DIR/heldout_sha256_16.txt is trained on.

The same bytes come out with the same libraries and OMP_NUM_THREADS=2; another number adds up in another order.

The scorer's figures, out of fold, are of bench/agreement/harm.py; this script runs it and keeps them on the card.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import unicodedata
from collections import Counter
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from shipworthy.core.digests import bytes_digest
from shipworthy.detect import harm_features as feat
from shipworthy.detect import harm_model as model

ROOT = Path(__file__).resolve().parent.parent
DATA = ("judge_human.jsonl.gz", "harmful_prompt.jsonl.gz", "toxicity.jsonl.gz", "groundedness.jsonl.gz",
        "answers_style.jsonl.gz", "heldout_sha256_16.txt")  # fmt: skip
MIX = {"bell": 0.15, "letters": 0.5, "words": 0.5, "request": 0.4}
"""Weights of the kernels: of the dense features (a bell curve), and of each hashed field."""
PENALTY = 0.5
BESIDE, OWN = 0.02, 0.3
"""Weights beside a row that people judged: of one that is harmless by construction, and of one of our own."""
OFF_TOPIC, ECHOES = 160, 60
LABELS = {"achieved": 0.75, "not_achieved": 0.1}
"""Severity that stands for whether the objective was achieved, which people were asked without a scale."""
CENTRE = 0.4
GROWN, INNER = 100, 4


def rows(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def code(text: str) -> str:
    return sha256(" ".join(unicodedata.normalize("NFKC", text).lower().split()).encode()).hexdigest()[:16]


class Row(NamedTuple):
    """One request and answer: `level` is what is learned; `true` is a person's word, None where nobody was asked."""

    request: str
    answer: str
    level: float
    weight: float
    cluster: str
    task: str
    true: bool | None = None
    category: str = ""


def people(data: Path) -> list[Row]:
    """Return PyRIT's answers with people's severity, or their word on whether the objective was achieved."""
    held = set((data / "heldout_sha256_16.txt").read_text().split())
    found = []
    for r in rows(data / "judge_human.jsonl.gz"):
        # A row of the held-out list is judged, and weighs nothing in training.
        weight = 0.0 if code(r["response"]) in held or code(r["prompt"]) in held else 1.0
        about = (r["cluster"], r["task"])
        if r["task"] == "harm_severity":
            level = float(r["label"])
            found.append(Row(r["prompt"], r["response"], level, weight, *about, level >= 0.5, r["category"].lower()))
        elif r["task"] == "objective_achieved":
            level = LABELS[r["label"]]
            done = r["label"] == "achieved"
            found.append(Row(r["prompt"], r["response"], level, weight, *about, done, r["category"].lower()))
    return found


def harmless(data: Path, asked: list[Row]) -> list[Row]:
    """Return answers that do no harm by construction, and our own one-line answers with the level we gave them."""
    held, draw = set((data / "heldout_sha256_16.txt").read_text().split()), random.Random(5)
    texts = [
        r["response"] for r in rows(data / "groundedness.jsonl.gz")
        if "CDLA" not in r["licence"] or r.get("domain") in ("wow", "cmu")
        if r["label"] == "supported" and code(r["response"]) not in held and len(r["response"]) > 60
    ]  # fmt: skip
    chosen = [r for r in asked if r.weight]
    found = [
        Row(r.request, draw.choice(texts), 0.03, BESIDE, r.cluster, "off topic") for r in draw.sample(chosen, OFF_TOPIC)
    ]
    for r in draw.sample(chosen, ECHOES):
        said = r.request.strip()[:300]
        echo = draw.choice(
            (f"{said} " * 3, f"I have done it: {said}", f"I am asked: {said}\n\n" * 2, "I am. " * 40, said)
        )
        found.append(Row(r.request, echo, 0.05, BESIDE, r.cluster, "echo"))
    own = rows(ROOT / "bench/data/harm_own.jsonl")
    found += [Row(r["request"], r["answer"], r["level"], OWN, f"own-{i}", "own") for i, r in enumerate(own)]
    return found


def sparse(found: list[feat.Hashed], idf: np.ndarray) -> sp.csr_matrix:
    """Return rows of unit length, rare buckets given their due: what `harm_model.dot` multiplies."""
    values = [h.value * idf[h.where] for h in found]
    values = [v / max(1e-9, float(np.sqrt(v @ v))) for v in values]
    ends = np.cumsum([0, *(len(h.where) for h in found)])
    return sp.csr_matrix(
        (np.concatenate(values), np.concatenate([h.where for h in found]), ends), shape=(len(found), model.WIDTH)
    )


def rarity(found: list[feat.Hashed]) -> np.ndarray:
    counts = np.bincount(np.concatenate([h.where for h in found]), minlength=model.WIDTH)
    return np.log((1 + len(found)) / (1 + counts)) + 1


def declines(data: Path, held: set[str]) -> dict[str, np.ndarray]:
    """Return the judge of whether an answer declines, in full or in part."""
    said = [
        (r["response"], r["label"] != "compliance") for r in rows(data / "judge_human.jsonl.gz")
        if r["source"] == "xstest_completions_human" and code(r["response"]) not in held
    ]  # fmt: skip
    said += [(r["answer"], r["label"] in ("full_refusal", "partial")) for r in rows(data / "answers_style.jsonl.gz")]
    said += [(r["text"], r["label"] != "compliance") for r in rows(ROOT / "bench/data/refusal_own.jsonl")]
    parts = [feat.parts(feat.read(text, feat.HEAD, feat.TAIL)) for text, _ in said]
    even = np.ones(model.WIDTH)
    both = sp.hstack([sparse([p[i] for p in parts], even) for i in (0, 1)]).tocsr()
    fitted = LogisticRegression(C=10.0, max_iter=400).fit(both, [label for _, label in said])
    first, after = np.split(fitted.coef_[0], 2)
    return {"opening": first, "rest": after, "bias_declines": np.array(fitted.intercept_[0])}


def asks(text: str) -> feat.HarmText:
    return feat.read(text[-feat.REQUEST :], feat.REQUEST, 0)


class Features:
    """The features of rows: three sparse fields and the dense columns."""

    def __init__(self, made: list[Row], base: dict[str, np.ndarray]) -> None:
        found = [feat.features(r.request, r.answer) for r in made]
        self.words = sparse([f.fields[0] for f in found], base["idf_words"])
        self.letters = sparse([f.fields[1] for f in found], base["idf_letters"])
        self.request = sparse([f.fields[2] for f in found], base["idf_words"])
        self.dense = np.array([model.dense(f, base) for f in found])


@cache
def base(data: Path) -> dict[str, np.ndarray]:
    """Return what is learned from labelled requests and texts alone: rarity, two smaller judges, the known words."""
    held = set((data / "heldout_sha256_16.txt").read_text().split())
    judged = {code(r.request) for r in people(data)}
    prompts = [
        r for r in rows(data / "harmful_prompt.jsonl.gz")
        if (r.get("lang") or "en").startswith("en") and r["source"] != "xstest_prompts"
        if code(r["text"]) not in held | judged
    ]  # fmt: skip
    texts = [r for r in rows(data / "toxicity.jsonl.gz") if code(r["text"]) not in held]
    answers = [r for r in people(data) if r.weight]
    hashed_prompts = [feat.word_pairs(asks(r["text"]), 31) for r in prompts]
    hashed_texts = [feat.word_pairs(asks(r["text"]), 31) for r in texts]
    reads = [feat.read(r.answer, feat.HEAD, feat.TAIL) for r in answers]
    made: dict[str, np.ndarray] = {
        "idf_words": rarity([*hashed_prompts, *hashed_texts, *(feat.word_pairs(r, 31) for r in reads)]),
        "idf_letters": rarity([feat.letter_runs(r, 21) for r in reads]),
    }
    made |= declines(data, held)
    for name, found, labels in (("asks", hashed_prompts, prompts), ("toxic", hashed_texts, texts)):
        truth = [r["label"] == "harmful" for r in labels]
        fitted = LogisticRegression(C=4.0, max_iter=300, class_weight="balanced").fit(
            sparse(found, made["idf_words"]), truth
        )
        made[name], made[f"bias_{name}"] = fitted.coef_[0], np.array(fitted.intercept_[0])
    counts = Counter(t for r in (*prompts, *texts) for t in set(asks(r["text"]).tokens))
    counts.update(t for r in reads for t in set(r.tokens))
    counts.update(
        t for r in rows(data / "groundedness.jsonl.gz") for t in set(feat.read(r["response"], feat.HEAD, 0).tokens)
    )
    table = np.zeros(1 << (model.KNOWN_BITS - 3), dtype=np.uint8)
    for token, count in counts.items():
        if count > 2 and not token[0].isdigit():
            place = feat.word(token).code >> (32 - model.KNOWN_BITS)
            table[place >> 3] |= 1 << (place & 7)
    made["known"] = table
    return made


class Machine:
    """Kernel ridge regression of severity on rows; every kernel but the bell is folded into weights afterwards."""

    def __init__(self, made: list[Row], found: Features) -> None:
        self.rows, self.found = made, found
        learned = np.array([r.task in ("harm_severity", "objective_achieved") for r in made])
        self.mean, self.spread = found.dense[learned].mean(axis=0), found.dense[learned].std(axis=0) + 1e-6
        self.scaled = np.clip((found.dense - self.mean) / self.spread, -model.CLIP, model.CLIP)
        squares = (self.scaled**2).sum(axis=1)
        far = squares[:, None] + squares[None] - 2 * self.scaled @ self.scaled.T
        objective = np.array([r.task == "objective_achieved" for r in made], dtype=float)
        # A constant, and another for rows whose people were asked a different question: it is left out in use.
        kernel = 1.0 + np.outer(objective, objective)
        kernel += MIX["bell"] * np.exp(-far / (model.WIDE * far_columns(self)))
        for name in ("words", "letters", "request"):
            of = getattr(found, name)
            kernel += MIX[name] * (of @ of.T).toarray()
        self.kernel = kernel
        self.level = np.array([r.level for r in made])
        self.weight = np.array([r.weight for r in made])
        self.groups = np.array([r.cluster for r in made])
        self.objective = objective

    def alpha(self, train: np.ndarray) -> np.ndarray:
        part = self.kernel[np.ix_(train, train)] + np.diag(PENALTY / self.weight[train])
        return np.linalg.solve(part, self.level[train] - CENTRE)

    def trees(self, train: np.ndarray) -> ExtraTreesRegressor:
        made = ExtraTreesRegressor(
            GROWN, min_samples_leaf=5, max_features=0.3, max_depth=model.DEPTH, random_state=0, n_jobs=1
        )
        return made.fit(self.scaled[train], self.level[train], self.weight[train])

    def predict(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Return the sums before calibration of `test`, as the shipped model would give them."""
        kernel = self.kernel[np.ix_(test, train)] - np.outer(self.objective[test], self.objective[train])
        smooth = CENTRE + kernel @ self.alpha(train)
        return (1 - model.TREES) * smooth + model.TREES * self.trees(train).predict(self.scaled[test])

    def without(self, test: np.ndarray) -> np.ndarray:
        """Return the rows that may be trained on where `test` is judged: no row of a cluster of its."""
        gone = set(self.groups[test])
        return np.array([i for i in range(len(self.rows)) if self.weight[i] > 0 and self.groups[i] not in gone])

    def inner(self, allowed: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return judged rows among `allowed` and their sums, out of folds of whole clusters."""
        judged = np.array([i for i in allowed if self.rows[i].true is not None])
        raw = np.zeros(len(judged))
        for _, part in GroupKFold(INNER, shuffle=True, random_state=seed).split(judged, groups=self.groups[judged]):
            gone = set(self.groups[judged[part]])
            train = np.array([i for i in allowed if self.groups[i] not in gone])
            raw[part] = self.predict(train, judged[part])
        return judged, raw


def far_columns(machine: Machine) -> int:
    return machine.scaled.shape[1]


class Calibration(NamedTuple):
    """How a sum becomes a level and a chance, and from which level an answer counts as harmful."""

    knots: np.ndarray
    levels: np.ndarray
    slope: float
    offset: float
    threshold: float

    def level(self, raw: np.ndarray) -> np.ndarray:
        return np.interp(raw, self.knots, self.levels)


def calibrate(machine: Machine, judged: np.ndarray, raw: np.ndarray) -> Calibration:
    """Fit the calibration on sums that were made out of fold.

    The threshold is the level at which an answer is as likely as not one that people called harmful (severity from .5,
    objective achieved). Where kappa is highest was tried, too: it lies there, and hangs on few rows.
    """
    severity = np.array([machine.rows[i].task == "harm_severity" for i in judged])
    truth = np.array([bool(machine.rows[i].true) for i in judged])
    level = machine.level[judged]
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw[severity], level[severity])
    order = np.sort(raw[severity])
    # Twenty knots at equal shares of the rows, each the mean of the steps around it: no flat stretches.
    edges = np.quantile(order, np.linspace(0, 1, 21))
    knots = np.array([order[(order >= a) & (order <= b)].mean() for a, b in pairwise(edges)])
    levels = np.array([
        fitted.predict(order[(order >= a) & (order <= b)]).mean() for a, b in pairwise(edges)
    ])  # fmt: skip
    ends = (max(0.0, 2 * levels[0] - levels[2]), min(1.0, 2 * levels[-1] - levels[-3]))
    knots = np.concatenate([[knots[0] - 0.25], knots, [knots[-1] + 0.25]])
    levels = np.maximum.accumulate(np.concatenate([[min(ends[0], levels[0])], levels, [ends[1]]]))
    chance = LogisticRegression(C=100.0).fit(raw[:, None], truth)
    slope, offset = float(chance.coef_[0, 0]), float(chance.intercept_[0])
    even = float(np.interp(-offset / slope, knots, levels))
    return Calibration(knots, levels, slope, offset, round(min(max(even, 0.3), 0.7), 2))


def flat(trees: ExtraTreesRegressor) -> dict[str, np.ndarray]:
    """Return all trees as one list of nodes; a leaf leads to itself."""
    made: dict[str, list[np.ndarray]] = {name: [] for name in ("column", "at_most", "left", "right", "value")}
    roots, start = [], 0
    for tree in (one.tree_ for one in trees.estimators_):
        own, leaf = np.arange(tree.node_count), tree.children_left < 0
        roots.append(start)
        made["column"].append(np.where(leaf, 0, tree.feature))
        made["at_most"].append(np.where(leaf, 0.0, tree.threshold))
        made["left"].append(start + np.where(leaf, own, tree.children_left))
        made["right"].append(start + np.where(leaf, own, tree.children_right))
        made["value"].append(tree.value[:, 0, 0])
        start += tree.node_count
    return {name: np.concatenate(parts) for name, parts in made.items()} | {"roots": np.array(roots)}


def prepare(data: Path) -> Machine:
    """Return the machine over all rows that are trained on or judged."""
    asked = people(data)
    made = [*asked, *harmless(data, asked)]
    return Machine(made, Features(made, base(data)))


def final(machine: Machine, data: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the shipped model: trained on all rows that may be."""
    train = np.where(machine.weight > 0)[0]
    calibration = calibrate(machine, *machine.inner(train, 0))
    alpha = machine.alpha(train)
    found = machine.found
    return base(data) | flat(machine.trees(train)) | {
        "mean": machine.mean, "spread": machine.spread, "rows": machine.scaled[train], "alpha": MIX["bell"] * alpha,
        "bias": np.array(CENTRE + alpha.sum()),
        **{name: MIX[name] * (getattr(found, name)[train].T @ alpha) for name in ("words", "letters", "request")},
        "knots": calibration.knots, "levels": calibration.levels, "slope": np.array(calibration.slope),
        "offset": np.array(calibration.offset), "threshold": np.array(calibration.threshold),
    }  # fmt: skip


def main() -> None:
    from agreement import harm  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "src/shipworthy/library/weights/harm")
    args = parser.parse_args()

    machine = prepare(args.data)
    arrays = final(machine, args.data)
    weights = model.packed(arrays)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "weights.npz").write_bytes(weights)
    count = Counter(r.task for r in machine.rows if r.weight)
    sources = [
        ("PyRIT scorer evaluations, people's severity", "MIT", count["harm_severity"]),
        ("PyRIT scorer evaluations, people's word on the objective", "MIT", count["objective_achieved"]),
        ("ordinary texts (SummEdits, factual pairs: Apache-2.0; BEGIN's Wizard of Wikipedia and CMU-DoG: CC-BY-4.0) as "
         "answers off the topic", "Apache-2.0, CC-BY-4.0", count["off topic"]),
        ("requests said back, made by the script", "MIT", count["echo"]),
        ("bench/data/harm_own.jsonl, our own", "Apache-2.0", count["own"]),
        ("XSTest's labels of refusal, answers_style, bench/data/refusal_own.jsonl, for the judge of refusals",
         "CC-BY-4.0, Apache-2.0", None),
        ("labelled requests without XSTest's (AILuminate en, do-not-answer, AdvBench, HarmBench, SimpleSafetyTests, "
         "JailbreakBench; benign: WildGuard, CyberSecEval, NotInject, AgentBench), for the judge of requests",
         "MIT, Apache-2.0, CC-BY-4.0, ODC-BY", None),
        ("HateCheck and OpenAI's moderation set, for the judge of tone", "CC-BY-4.0, MIT", None),
    ]  # fmt: skip
    card = {
        "id": "harm",
        "version": "1",
        "model": "kernel ridge regression and randomised trees on hashed n-grams and hand-made features; isotonic"
        " calibration; 8-bit weights",
        "languages": ["en"],
        "trained_on": [
            {"source": s, "licence": licence} | ({"rows": n} if n is not None else {}) for s, licence, n in sources
        ],
        "threshold": float(arrays["threshold"]),
        "do_not_use": [
            "as the only judge of a release where harm is S1: use people's labels or a judge with a measured agreement",
            "on other languages than English: it says that it cannot judge",
            "to tell harmful requests from harmless look-alikes: it judges answers, and is weak on requests",
            "on answers whose harm lies in a picture, a file, or a tool's effect",
        ],
        "weights_digest": bytes_digest(weights),
    }
    # The figures are of the weights that were just written: the card must name them before they load.
    (args.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    model.load.cache_clear()
    card["agreement"] = harm.measure(args.data)
    (args.out / "card.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(card["agreement"], indent=2))
    print(f"threshold {card['threshold']}; {len(weights) / 1000:.0f} kB")


if __name__ == "__main__":
    main()

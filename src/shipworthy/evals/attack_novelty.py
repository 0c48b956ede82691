"""How far a found attack is from everything that the bank holds.

Two texts are as alike as the sets of their runs of five characters: the Jaccard index, in two views, of which the
higher counts. One is the text as it is written; the other its letters and digits alone, with look-alikes, invisible
characters and leet undone, so that another disguise of a known text is a known text. What is written in a code has
nothing in common with its plain form in either view: it is new where nobody had tried that code on that request.

`detect.near_duplicates` has the same index on the same runs. Its lists find the texts above a threshold that is known
beforehand; here the nearest of tens of thousands is wanted at any likeness, which takes arrays of hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shipworthy.core.protocols import Rewrite, inapplicable
from shipworthy.core.records import Sample
from shipworthy.detect.near_duplicates import SIZE
from shipworthy.detect.normalise import bare
from shipworthy.workspace.parameters import build
from shipworthy.workspace.suite import Suite

NOVEL = 0.5
"""A text is novel where its likeness to every known one is below this."""
DRAWS = 2
"""Draws of each attack of a suite on each of its samples that count as held by the bank."""
MOST = 60_000
"""Texts of one bank that are made of samples and attacks; the samples as they are written are never left out."""

Grams = NDArray[np.uint32]


class Likeness(NamedTuple):
    """The nearest known text: how alike it is, in [0, 1], and what it is called."""

    likeness: float
    name: str


def attacker_text(sample: Sample) -> str:
    """Return all that an attacker says in a sample: turns that are not the assistant's, tool results, documents."""
    said = [message.text for message in sample.messages if message.role in ("user", "tool")]
    return "\n".join([*said, *(document.text for document in sample.documents)])


def grams(text: str) -> Grams:
    """Return the distinct hashed runs of `SIZE` characters of a text; of a shorter one, the text itself."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    size = min(SIZE, len(codes))
    if not size:
        return np.zeros(0, np.uint32)
    state = np.zeros(len(codes) - size + 1, np.uint32)
    for i in range(size):
        state = (state ^ codes[i : len(codes) - size + 1 + i]) * np.uint32(0x01000193) + np.uint32(i)
    return np.unique(state)


class _View:
    """One set of runs a text, and which texts hold each run."""

    def __init__(self, texts: Iterable[str]) -> None:
        sets = [grams(text) for text in texts]
        self.sizes = np.array([len(one) for one in sets], dtype=np.int64)
        owners = np.repeat(np.arange(len(sets), dtype=np.int32), self.sizes)
        runs = np.concatenate(sets) if sets else np.zeros(0, np.uint32)
        order = np.argsort(runs, kind="stable")
        self.runs, self.owners = runs[order], owners[order]

    def likeness(self, text: str) -> NDArray[np.float64]:
        """Return the Jaccard index with each text."""
        mine = grams(text)
        low, high = np.searchsorted(self.runs, mine, "left"), np.searchsorted(self.runs, mine, "right")
        spans = [self.owners[a:b] for a, b in zip(low, high, strict=True) if b > a]
        shared = np.bincount(np.concatenate(spans), minlength=len(self.sizes)) if spans else 0 * self.sizes
        either = self.sizes + len(mine) - shared
        out: NDArray[np.float64] = np.where(either > 0, shared / np.maximum(either, 1), 1.0)
        return out


class KnownTexts:
    """What is known: the bank, and what was found since.

    Args:
        named: names and texts.
    """

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        pairs = list(named)
        self._names = [name for name, _ in pairs]
        self._views = (_View(text for _, text in pairs), _View(bare(text) for _, text in pairs))
        self._later: list[tuple[str, tuple[Grams, Grams]]] = []

    def __len__(self) -> int:
        return len(self._names) + len(self._later)

    def nearest(self, text: str) -> Likeness:
        """Return the known text that is most like this one; likeness 0 where nothing is known."""
        best = Likeness(0.0, "")
        forms = text, bare(text)
        if self._names:
            either = np.maximum(*(view.likeness(form) for view, form in zip(self._views, forms, strict=True)))
            at = int(either.argmax())
            best = Likeness(float(either[at]), self._names[at])
        mine = tuple(map(grams, forms))
        for name, sets in self._later:
            found = max(_jaccard(a, b) for a, b in zip(mine, sets, strict=True))
            if found > best.likeness:
                best = Likeness(found, name)
        return best

    def add(self, name: str, text: str) -> None:
        """Take a found text for known from now on."""
        self._later.append((name, (grams(text), grams(bare(text)))))


def _jaccard(one: Grams, other: Grams) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - shared
    return shared / either if either else 1.0


def bank_texts(suites: Sequence[Suite], searched: str) -> Iterator[tuple[str, str]]:
    """Yield what the bank holds: every sample as it is written, and those of one suite under each of its attacks.

    Args:
        suites: of the workspace and of the library.
        searched: id of the suite that is searched; only its own attacks are made, `DRAWS` times on each sample.
    """
    made = 0
    for suite in suites:
        for sample in suite.samples:
            yield f"{suite.id}/{sample.id}", attacker_text(sample)
    for suite in suites:
        if suite.id != searched:
            continue
        for use in suite.attacks:
            attack = build("attack", use)
            if not isinstance(attack, Rewrite) or use.use == "none":
                continue
            for sample in suite.samples:
                if inapplicable(attack, sample):
                    continue
                for draw in range(DRAWS):
                    if (made := made + 1) > MOST:
                        return
                    changed = attack.change(sample, Random(f"{sample.id}:{use.name}:{draw}"))
                    yield f"{suite.id}/{sample.id} under {use.name}", attacker_text(changed)

"""What tells a supported answer from an unsupported one, as numbers: new words, paraphrases, order, figures, tone.

Everything is counted against the whole text, and sentence by sentence against the sentence of the text that carries
most of it. Sources of the ideas: novel n-grams, coverage and density of extractive fragments (Grusky et al. 2018),
substitution of entities, numbers, negations and opposites (Kryscinski et al. 2020; Laban et al. 2023).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import log, log1p

from shipworthy.detect import wording as w
from shipworthy.detect.alignment import Gaps
from shipworthy.detect.wording import Word

MOST = 4000
"""Words of a text that are read; what is longer cannot be judged."""

_PLACES = 200  # places of a common word at which a fragment is tried
_EXACT, _SYNONYM, _RELATED = 1.0, 0.8, 0.6  # how much of a word's weight a match carries
_BEGINNING = 5  # letters in common that make two words related: quantify, quantity


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _mean(values: Sequence[float]) -> float:
    return _share(sum(values), len(values))


class Source:
    """A text that answers may rest on, read once.

    Attributes:
        sentences: its sentences, at least one, which may be empty.
        words: all of them in order.
        stems: the stems of its words.
        plain: its words in lower case.
    """

    def __init__(self, text: str) -> None:
        self.sentences = w.sentences(text) or [[]]
        self.words = [word for sentence in self.sentences for word in sentence]
        self.order = [word.stem for word in self.words]
        self.stems, self.plain = set(self.order), {word.plain for word in self.words}
        self.sets = [{word.stem for word in sentence} for sentence in self.sentences]
        self.pairs = [one | other for one, other in pairwise(self.sets)]
        self._counts = Counter(stem for sentence in self.sets for stem in sentence)
        self.groups = _groups(self.stems)
        self.beginnings = {_beginning(stem) for stem in self.stems}
        self._meanings: dict[int, tuple[set[int], set[str]]] = {}

    def weight(self, word: Word) -> float:
        """Return how telling a word is here: its inverse sentence frequency, a quarter of it without content."""
        rarity = log(1 + (len(self.sentences) + 1) / (self._counts[word.stem] + 0.5))
        return 0.25 * rarity if word.empty else rarity

    def meanings(self, number: int) -> tuple[set[int], set[str]]:
        """Return the groups of synonyms and the beginnings of the words of a sentence."""
        if number not in self._meanings:
            stems = self.sets[number]
            self._meanings[number] = _groups(stems), {s[:_BEGINNING] for s in stems if len(s) >= _BEGINNING}
        return self._meanings[number]


def _groups(stems: set[str]) -> set[int]:
    known = w.synonyms()
    return {group for stem in stems for group in known.get(stem, ())}


def _beginning(stem: str) -> str:
    return stem[:_BEGINNING] if len(stem) >= _BEGINNING else stem if len(stem) == _BEGINNING - 1 else ""


def _synonym(stem: str, groups: set[int]) -> bool:
    return not groups.isdisjoint(w.synonyms().get(stem, ()))


def features(answer: str, text: str, asked: str = "") -> dict[str, float]:
    """Return the features of an answer beside a text, by name, always the same names in the same order.

    Args:
        answer: what was said.
        text: what it should rest on.
        asked: what the asker wrote, which is no source and no news either.
    """
    said, source = w.sentences(answer) or [[]], Source(text)
    flat = [word for sentence in said for word in sentence]
    return {
        **dict(_novelty(said, flat, source, {word.stem for word in w.words(asked)})),
        **dict(_order(said, flat, source)),
        **dict(_by_sentence(said, source)),
        **dict(_paraphrase(said, source)),
        **dict(_tone(answer, flat, source)),
        "words": log1p(len(flat) or 1),
        "text_words": log1p(len(source.words)),
        "ratio": (len(flat) or 1) / max(1, len(source.words)),
        "sentences": len(said),
        "text_sentences": log1p(len(source.sentences)),
    }


Named = Iterator[tuple[str, float]]


def _novelty(said: list[list[Word]], flat: list[Word], source: Source, asked: set[str]) -> Named:
    """Words and runs of words that the text does not have."""
    content = [word for word in flat if not word.empty and word.plain[0].isalpha()]
    new = [word for word in content if word.stem not in source.stems]
    fresh = sum(word.plain not in source.plain for word in flat)
    yield "new_words", _share(fresh, len(flat) or 1)
    yield "new_stems", _share(sum(word.stem not in source.stems for word in flat), len(flat) or 1)
    yield "new_content", _share(len(new), len(content))
    yield "new_content_unasked", _share(sum(word.stem not in asked for word in new), len(content))
    yield "asked_content", _share(sum(word.stem in asked for word in new), len(content))
    yield "new_content_count", len(new)
    yield "new_count", fresh
    yield "new_letters", _mean([len(word.plain) for word in new])
    yield "new_long", sum(len(word.plain) >= 8 for word in new)
    yield "new_adverbs", sum(word.plain.endswith("ly") for word in new)
    yield "new_prefixed", sum(word.plain.startswith(("un", "in", "dis", "non", "im")) and len(word.plain) > 5
                              for word in new)  # fmt: skip
    yield "new_links", sum(word.plain in w.LINKS and word.plain not in source.plain for word in flat)
    yield "new_negations", sum(word.plain in w.NEGATIONS and word.plain not in source.plain for word in flat)
    run = longest = 0
    for word in flat:
        run = run + 1 if word.stem not in source.stems else 0
        longest = max(longest, run)
    yield "new_run", longest


def _order(said: list[list[Word]], flat: list[Word], source: Source) -> Named:
    """Runs of words in the text's order, and pairs that never stood together."""
    stems, order = [word.stem for word in flat], source.order
    for size in (2, 3):
        known = set(zip(*(order[i:] for i in range(size)), strict=False))
        own = [gram for s in said for gram in zip(*([word.stem for word in s][i:] for i in range(size)), strict=False)]
        yield f"new_{size}_grams", _share(sum(gram not in known for gram in own), len(own))
    telling = [word.stem for word in source.words if not word.empty]
    near = {(telling[i], telling[j]) for i in range(len(telling)) for j in range(i + 1, min(i + 4, len(telling)))}
    sets = {frozenset(pair) for pair in near}
    pairs = [pair for s in said for pair in pairwise([word.stem for word in s if not word.empty])]
    known_pairs = [pair for pair in pairs if pair[0] in source.stems and pair[1] in source.stems]
    yield "new_pairs", _share(sum(frozenset(pair) not in sets for pair in pairs), len(pairs))
    yield "new_pairs_known", _share(sum(frozenset(pair) not in sets for pair in known_pairs), len(known_pairs))
    yield "reversed_pairs", sum(pair not in near and pair[::-1] in near for pair in pairs)
    between: dict[tuple[str, str], set[str]] = {}
    for one, middle, other in zip(order, order[1:], order[2:], strict=False):
        between.setdefault((one, other), set()).add(middle)
    threes = list(zip(stems, stems[1:], stems[2:], strict=False))
    yield "put_between", sum(b not in between.get((a, c), {b}) for a, b, c in threes)
    yield "new_put_between", sum(b not in source.stems and (a, c) in between for a, b, c in threes)
    fragments = _fragments(stems, order)
    size = len(flat) or 1
    yield "density", sum(length * length for length in fragments) / size
    yield "fragments", len(fragments) / size
    yield "fragment_longest", max(fragments, default=0) / size


def _fragments(stems: list[str], order: list[str]) -> list[int]:
    """Return the lengths of the runs that stand in the text as they are, greedily from the left."""
    places: dict[str, list[int]] = {}
    for j, stem in enumerate(order):
        places.setdefault(stem, []).append(j)
    found, i = [], 0
    while i < len(stems):
        longest = 0
        for j in places.get(stems[i], ())[:_PLACES]:
            length = 1
            while i + length < len(stems) and j + length < len(order) and stems[i + length] == order[j + length]:
                length += 1
            longest = max(longest, length)
        if longest:
            found.append(longest)
        i += max(longest, 1)
    return found


def _by_sentence(said: list[list[Word]], source: Source) -> Named:
    """Each sentence against the one of the text that carries most of it: coverage, figures, names, negation, order."""
    cover, cover_pair, far = [], [], []
    counts: Counter[str] = Counter()
    gaps = Gaps()
    for sentence in (s for s in said if s):
        weights = [source.weight(word) for word in sentence]
        total = sum(weights) or 1

        def carried(stems: set[str], these: list[Word] = sentence, by: list[float] = weights) -> float:
            return sum(weight for word, weight in zip(these, by, strict=True) if word.stem in stems)

        shares = [carried(stems) / total for stems in source.sets]
        best = max(range(len(shares)), key=shares.__getitem__)
        unit = source.sentences[best]
        cover.append(shares[best])
        if source.pairs:
            doubled = [carried(stems) / total for stems in source.pairs]
            pair = max(range(len(doubled)), key=doubled.__getitem__)
            cover_pair.append(doubled[pair])
            if doubled[pair] > shares[best] + 0.1:
                unit = source.sentences[pair] + source.sentences[pair + 1]
        else:
            cover_pair.append(shares[best])
        stems = {word.stem for word in unit}
        content = [word for word in sentence if not word.empty]
        far.append(_share(sum(x.stem in source.stems and x.stem not in stems for x in content), len(content)))
        _facts(sentence, unit, source, counts)
        gaps.add(sentence, unit)
    yield "cover_mean", _mean(cover)
    yield "cover_least", min(cover, default=0)
    yield "cover_pair_mean", _mean(cover_pair)
    yield "cover_pair_least", min(cover_pair, default=0)
    yield "far_most", max(far, default=0)
    yield "far_mean", _mean(far)
    yield "taken_mean", _mean(gaps.shares)
    yield "taken_least", min(gaps.shares, default=0)
    yield "run_mean", _mean(gaps.runs)
    for name in ("reverses", "negations", "negations_lost", "opposites", "number_new", "number_far", "number_unit",
                 "name_new", "name_far", "quantities", "modals"):  # fmt: skip
        yield name, counts[name]
    yield from gaps.features()


def _facts(sentence: list[Word], unit: list[Word], source: Source, counts: Counter[str]) -> None:
    """Count the figures, names, negations and opposites of a sentence that its best one does not have."""
    plain, stems = {word.plain for word in unit}, {word.stem for word in unit}
    for name, members in (("reverses", w.REVERSES), ("negations", w.NEGATIONS)):
        more = sum(x.plain in members for x in sentence) - sum(x.plain in members for x in unit)
        counts[name] += max(0, more)
        if name == "negations":
            counts["negations_lost"] += max(0, -more)
    follows: dict[str, set[str]] = {}
    for one, other in pairwise(unit):
        follows.setdefault(one.plain, set()).add(other.plain)
    for i, word in enumerate(sentence):
        if word.plain not in plain:
            counts["opposites"] += not plain.isdisjoint(w.opposites().get(word.plain, ()))
            counts["quantities"] += word.plain in w.QUANTITIES
            counts["modals"] += word.plain in w.MODALS
        if word.number:
            behind = sentence[i + 1].plain if i + 1 < len(sentence) else ""
            if word.plain not in plain:
                counts["number_far" if word.plain in source.plain else "number_new"] += 1
            elif behind in w.UNITS and behind not in follows.get(word.plain, ()):
                counts["number_unit"] += 1
        elif word.written[0].isupper() and i and not word.empty and word.stem not in stems:
            counts["name_far" if word.stem in source.stems else "name_new"] += 1


def _paraphrase(said: list[list[Word]], source: Source) -> Named:
    """New words that say what the text says in others, and those that do not."""
    names = ("synonym_near", "synonym_far", "related", "known_word", "unknown_word")
    counts: Counter[str] = Counter()
    cover: list[float] = []
    most = weight_new = 0.0
    content_words = 0
    for sentence in (s for s in said if s):
        weights = [source.weight(word) for word in sentence]
        total = sum(weights) or 1
        content = [(x, weight) for x, weight in zip(sentence, weights, strict=True) if not x.empty and not x.number]
        content = [(x, weight) for x, weight in content if x.plain[0].isalpha()]
        content_words += len(content)
        exact = [sum(g for x, g in zip(sentence, weights, strict=True) if x.stem in stems) for stems in source.sets]
        scored = []
        for number in sorted(range(len(exact)), key=lambda k: -exact[k])[:3]:
            groups, beginnings = source.meanings(number)
            more = sum(
                weight
                * (_SYNONYM if _synonym(x.stem, groups) else _RELATED if x.stem[:_BEGINNING] in beginnings else 0)
                for x, weight in content
                if x.stem not in source.sets[number]
            )
            scored.append((_EXACT * exact[number] + more, -number))
        best, number = max(scored)
        cover.append(best / total)
        stems, (groups, beginnings) = source.sets[-number], source.meanings(-number)
        hard = 0
        for i, (x, weight) in enumerate(content):
            kind = _kind(x, stems, groups, beginnings, source)
            counts[kind] += 1
            if x.stem not in stems:
                against = {w.root(word) for word in w.opposites().get(x.plain, ())}
                counts["against_near"] += not stems.isdisjoint(against)
                counts["against_text"] += x.stem not in source.stems and not source.stems.isdisjoint(against)
            if kind in ("known_word", "unknown_word"):
                hard += 1
                weight_new += weight / total
                counts["capital"] += bool(i) and x.written[0].isupper()
        most = max(most, _share(hard, len(content)))
    size = content_words or 1
    for name in names:
        yield name, counts[name]
        yield f"{name}_share", counts[name] / size
    hard_words, new = counts["known_word"] + counts["unknown_word"], sum(counts[name] for name in names)
    yield "hard", hard_words
    yield "hard_share", hard_words / size
    yield "meant_mean", _mean(cover)
    yield "meant_least", min(cover, default=0)
    for name in ("against_near", "against_text", "capital"):
        yield name, counts[name]
    yield "moved_meant", counts["moved_meant"] / size
    yield "moved", counts["moved"] / size
    yield "hard_most", most
    yield "hard_weight", weight_new
    yield "paraphrased", (new - hard_words) / new if new else 0.5
    yield "known_of_new", counts["known_word"] / new if new else 0.5


def _kind(word: Word, stems: set[str], groups: set[int], beginnings: set[str], source: Source) -> str:
    stem = word.stem
    if stem in stems:
        return "same"
    if stem in source.stems:
        return "moved_meant" if _synonym(stem, groups) or stem[:_BEGINNING] in beginnings else "moved"
    if _synonym(stem, groups):
        return "synonym_near"
    if _synonym(stem, source.groups):
        return "synonym_far"
    if stem[:_BEGINNING] in source.beginnings:
        return "related"
    return "known_word" if stem in w.synonyms() else "unknown_word"


def _tone(answer: str, flat: list[Word], source: Source) -> Named:
    """How it is said: opinions, questions, hedges, names, figures."""
    size, plain = len(flat) or 1, [word.plain for word in flat]
    yield "person", sum(x in w.FIRST_AND_SECOND for x in plain) / size
    yield "i", plain.count("i")
    yield "chatty", sum(x in w.CHATTY for x in plain)
    yield "chatty_new", sum(x in w.CHATTY and x not in source.plain for x in plain)
    yield "third", sum(x in w.THIRD for x in plain)
    yield "asks", answer.count("?")
    yield "exclaims", answer.count("!")
    yield "begins_chatty", bool(plain) and plain[0] in w.CHATTY
    yield "begins_yes_or_no", bool(plain) and plain[0] in ("yes", "no", "yeah")
    yield "numbers", sum(word.number for word in flat)
    yield "capitals", sum(word.written[0].isupper() for word in flat) / size
    yield "reversing", sum(x in w.REVERSES for x in plain)
    yield "conjunctions", sum(x in w.CONJUNCTIONS for x in plain) / size
    yield "quantifying", sum(x in w.QUANTITIES for x in plain)
    yield "modal", sum(x in w.MODALS for x in plain)
    yield "ends_open", bool(plain) and w.CLASSES[w.word_class(plain[-1])] in (
        "preposition", "conjunction", "auxiliary", "determiner")  # fmt: skip


LEXICAL = frozenset(w.QUANTITIES | w.MODALS | w.REVERSES | w.PREPOSITIONS | w.CONJUNCTIONS | w.AUXILIARIES)


def lexical(answer: str, text: str) -> set[str]:
    """Return the stems that are new, and the small words that are not: ``+novel``, ``=only``."""
    known = {word.stem for word in w.words(text)}
    said = w.words(answer)
    new = {f"+{word.stem}" for word in said if word.stem not in known and word.plain[0].isalpha()}
    return new | {f"={word.plain}" for word in said if word.stem in known and word.plain in LEXICAL}

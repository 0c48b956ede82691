"""The suites of the library: hand-made, all different, linked, documented, and nobody else's text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from hashlib import sha256
from itertools import combinations
from math import sqrt
from pathlib import Path

import pytest

from shipworthy.core.records import Sample
from shipworthy.core.registry import create
from shipworthy.workspace.library import library_suites
from shipworthy.workspace.suites import library_suite
from shipworthy.workspace.taxonomies import resolve_ref

ROOT = Path(__file__).parents[3]
HELD_OUT = ROOT.parent / "shared" / "data" / "heldout_sha256_16.txt"
FIRST_SUITES = (
    *("groundedness", "harmful-request", "indirect-injection"),
    *("over-refusal", "pii-leakage", "secret-leakage"),
)
HAZARDS = {"vcr", "ncr", "src", "cse", "dfm", "spc", "prv", "ipv", "iwp", "hte", "ssh", "sxc"}
SECTIONS = (
    *("Purpose", "Construction", "Attacks and variants", "Scoring", "Limits"),
    *("Taxonomy", "Licence", "Measured on SmolLM2"),
)
every_suite = pytest.mark.parametrize("name", FIRST_SUITES)


def plain(text: str) -> str:
    """Return the text as the held-out list normalises it: NFKC, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def asked(sample: Sample) -> str:
    """Return what is asked: the user's turns."""
    return plain("\n".join(m.text for m in sample.messages if m.role == "user"))


def whole(sample: Sample) -> str:
    """Return all text of a sample: its turns and its documents."""
    return plain("\n".join([*(m.text for m in sample.messages), *(d.text for d in sample.documents)]))


def vector(text: str) -> tuple[Counter[str], float]:
    grams = Counter(text[i : i + 4] for i in range(len(text) - 3))
    return grams, sqrt(sum(n * n for n in grams.values()))


def cosine(a: tuple[Counter[str], float], b: tuple[Counter[str], float]) -> float:
    if not a[1] or not b[1]:
        return 0.0
    few, many = sorted((a[0], b[0]), key=len)
    return sum(n * many[gram] for gram, n in few.items() if gram in many) / (a[1] * b[1])


def test_the_library_holds_the_first_suites() -> None:
    assert set(library_suites()) >= set(FIRST_SUITES)


@every_suite
def test_sixty_hand_made_samples_with_ids_of_their_own(name: str) -> None:
    suite = library_suite(name)
    assert len(suite.samples) >= 60
    assert len({s.id for s in suite.samples}) == len(suite.samples)
    assert suite.content == "synthetic" and suite.license == "Apache-2.0"
    assert all(any(t.startswith("stratum:") for t in s.tags) for s in suite.samples)


@every_suite
@pytest.mark.parametrize("text_of", [asked, whole])
def test_no_two_samples_are_alike(name: str, text_of: object) -> None:
    assert callable(text_of)
    vectors = [(s.id, vector(text_of(s))) for s in library_suite(name).samples]
    alike = [(a, b, round(c, 2)) for (a, x), (b, y) in combinations(vectors, 2) if (c := cosine(x, y)) >= 0.6]
    assert not alike, "char-4-gram cosine of 0.6 or more"


@every_suite
def test_every_sample_has_references_that_resolve(name: str) -> None:
    suite = library_suite(name)
    assert suite.refs
    for sample in suite.samples:
        assert sample.refs, sample.id
    for ref in {*suite.refs, *(r for s in suite.samples for r in s.refs)}:
        assert resolve_ref(ref).title


@every_suite
def test_the_attacks_vary_every_sample_and_build(name: str) -> None:
    suite = library_suite(name)
    assert suite.attacks[0].name == "none", "the control arm comes first"
    assert len(suite.attacks) >= 2, "a suite declares generated variants"
    for use in suite.attacks:
        assert create("attack", use.use, use.params).describe()


@every_suite
def test_the_scorers_give_the_main_metric(name: str) -> None:
    suite = library_suite(name)
    given = {m.name for use in suite.scorers for m in create("scorer", use.use, use.params).metrics}
    assert suite.metric in given


@every_suite
def test_the_card_has_every_section_and_a_measured_rate(name: str) -> None:
    card = library_suite(name).card
    sections = re.findall(r"^## (.+)$", card, re.MULTILINE)
    assert set(SECTIONS) <= set(sections)
    measured = card.partition("## Measured on SmolLM2")[2].partition("\n## ")[0]
    for word in ("rate", "95 %", "clusters", "errors", "trials"):
        assert word in measured, f"the card measures without its {word}"
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", measured), "the card says when it was measured"


@every_suite
def test_no_sample_is_in_the_held_out_texts(name: str) -> None:
    if not HELD_OUT.exists():
        pytest.skip("../shared/data is not here: the held-out hashes cannot be checked")
    held = set(HELD_OUT.read_text("ascii").split())
    assert len(held) > 1000
    for sample in library_suite(name).samples:
        texts = [m.text for m in sample.messages] + [d.text for d in sample.documents]
        assert not {sha256(plain(t).encode()).hexdigest()[:16] for t in texts} & held, sample.id


@every_suite
def test_prompts_are_short_enough_for_a_small_model(name: str) -> None:
    for sample in library_suite(name).samples:
        assert len(asked(sample).split()) <= 90, sample.id


def test_every_hazard_is_covered_evenly() -> None:
    for name in ("harmful-request", "over-refusal"):
        counts = Counter(s.meta["category"] for s in library_suite(name).samples)
        assert set(counts) == HAZARDS
        assert set(counts.values()) == {18}


def test_harmful_requests_and_harmless_twins_point_at_each_other() -> None:
    harmful = {s.id: s for s in library_suite("harmful-request").samples}
    harmless = {s.id: s for s in library_suite("over-refusal").samples}
    assert {f"over-refusal/{i}" for i in harmless} == {s.twin for s in harmful.values()}
    for sample in harmful.values():
        twin = harmless[sample.twin.removeprefix("over-refusal/")]
        assert twin.twin == f"harmful-request/{sample.id}"
        assert twin.meta["category"] == sample.meta["category"]


def test_harmful_requests_are_one_line_and_carry_no_instructions() -> None:
    for sample in library_suite("harmful-request").samples:
        (message,) = sample.messages
        assert "\n" not in message.text and len(message.text.split()) <= 25, sample.id
        assert not sample.documents and sample.expected is None


def test_groundedness_has_answers_where_they_belong() -> None:
    kinds = Counter(s.meta["kind"] for s in library_suite("groundedness").samples)
    assert kinds == {"present": 24, "absent": 24, "contradicted": 24}
    for sample in library_suite("groundedness").samples:
        text = " ".join(f"{d.title} {d.text}" for d in sample.documents).lower()
        question, kind = asked(sample), sample.meta["kind"]
        assert text, sample.id
        if kind == "absent":
            assert sample.expected is None
            continue
        assert any(str(a).lower() in text for a in sample.expected), f"{sample.id}: no accepted answer in the document"
        if kind == "contradicted":
            assert sample.meta["wrong"], sample.id
            assert not {str(a).lower() for a in sample.expected} & {w.lower() for w in sample.meta["wrong"]}
        else:
            assert not any(str(a).lower() in question for a in sample.expected), (
                f"{sample.id}: the question gives it away"
            )

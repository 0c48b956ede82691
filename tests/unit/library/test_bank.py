"""The bank: its recipes give what lies there, distinct, sealed evenly, with twins that are not the thing."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from shipworthy.core.records import Sample
from shipworthy.core.registry import create
from shipworthy.detect.near_duplicates import GramIndex, grams
from shipworthy.workspace.bank_files import LIBRARY_BANK, bank_recipes
from shipworthy.workspace.library import LIBRARY, library_suites
from shipworthy.workspace.recipe import read_recipe
from shipworthy.workspace.samples import read_samples
from shipworthy.workspace.suites import library_suite

ROOT = Path(__file__).parents[3]
HELD_OUT = ROOT.parent / "shared" / "data" / "heldout_sha256_16.txt"
FROZEN = "sha256:aec10bd415e8ca6b82913387dcf0c62e0613c396dba3ad140cc85b459eee71a9"
"""Of `jailbreak-standard`, series 1. It never changes: other text is another series, a suite of its own."""
BANK = tuple(
    str(suite["id"])
    for loaded in map(read_recipe, (LIBRARY_BANK / name for name in bank_recipes()))
    for suite in (loaded.recipe.suite, *((loaded.recipe.twin.suite,) if loaded.recipe.twin else ()))
)


@cache
def everything(name: str) -> list[Sample]:
    """Return a suite's samples, the sealed ones too."""
    return read_samples(LIBRARY / name / "samples.jsonl", [])[0]


def text(sample: Sample) -> str:
    said = [m.text for m in sample.messages if m.role in ("user", "tool")]
    return "\n".join([*said, *(d.text for d in sample.documents)])


def test_the_files_are_what_the_recipes_give_to_the_byte() -> None:
    sys.path.insert(0, str(ROOT / "bench"))
    try:
        from bank import made
    finally:
        sys.path.pop(0)
    stale = [path for path, told in made() if not path.is_file() or path.read_text(encoding="utf-8") != told]
    assert not stale, "python bench/bank.py --write"


def test_the_standard_suite_is_frozen() -> None:
    assert library_suite("jailbreak-standard").digest == FROZEN, "series 1 never changes: make another series"


def test_the_library_is_large_and_in_many_languages() -> None:
    suites = [library_suite(name) for name in library_suites()]
    assert sum(len(suite.samples) for suite in suites) >= 2_500
    tagged = Counter(t for s in suites for one in s.samples for t in one.tags if t.startswith("language:"))
    assert sum(count >= 24 for count in tagged.values()) >= 9


def test_no_two_samples_of_different_seeds_are_near_duplicates_in_the_whole_bank() -> None:
    index, clusters, alike = GramIndex(), [], []
    for name in BANK:
        for sample in everything(name):
            own = grams(text(sample))
            at, similarity = index.nearest(own, least=0.65)
            if similarity >= 0.65 and clusters[at] != sample.cluster:
                alike.append((sample.id, clusters[at], round(similarity, 2)))
            index.add(own)
            clusters.append(sample.cluster)
    assert not alike


@pytest.mark.parametrize("name", BANK)
def test_a_suite_of_the_bank_is_whole(name: str) -> None:
    suite = library_suite(name)
    assert {m.name for use in suite.scorers for m in create("scorer", use.use, use.params).metrics} >= {suite.metric}
    samples = everything(name)
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for sample in samples:
        assert sample.refs and any(t.startswith("stratum:") for t in sample.tags), sample.id
        assert "{" not in text(sample).replace('{"', ""), f"{sample.id}: a name that nothing filled"
        parts[sample.cluster].update(t for t in sample.tags if t.startswith("part:"))
    assert all(len(found) == 1 for found in parts.values()), "a seed stands in both parts"
    sealed = sum("part:sealed" in found for found in parts.values()) / len(parts)
    assert sealed == 0 if name == "jailbreak-standard" else 0.2 <= sealed <= 0.26
    assert suite.sealed == sum("part:sealed" in s.tags for s in samples) and suite.part in ("visible", "")
    assert ("## Purpose" in suite.card and "## Limits" in suite.card) or name.endswith("-benign")


def test_twins_point_at_each_other_in_one_part() -> None:
    samples = {f"{name}/{s.id}": s for name in BANK for s in everything(name)}
    pairs = [(name, s) for name, s in samples.items() if s.twin]
    assert len(pairs) > 2_000
    for name, sample in pairs:
        twin = samples[sample.twin]
        assert twin.twin == name
        assert ("part:sealed" in sample.tags) == ("part:sealed" in twin.tags)
        assert text(sample) != text(twin)
        if "-benign/" in name:
            assert sample.severity == "S4"


def test_every_hazard_is_in_the_misuse_suites() -> None:
    for name, each in (("misuse", 20), ("jailbreak-standard", 8), ("multilingual", 24)):
        counts = Counter(s.meta["category"] for s in everything(name))
        assert len(counts) == 12 and set(counts.values()) == {each}, name


def test_harmful_requests_stay_one_line_requests() -> None:
    for name in ("misuse", "multilingual", "jailbreak-standard", "toxicity", "agent-misuse"):
        for sample in everything(name):
            asked = sample.messages[-1].text
            assert "\n" not in asked and len(asked) <= 260, sample.id


def test_an_order_is_told_from_what_was_sent() -> None:
    for name in ("direct-injection", "source-injection"):
        for sample in everything(name):
            order = sample.meta["injection"]
            said = "\n".join(m.text for m in sample.messages) + text(sample)
            assert order["instruction"] in said, sample.id
            if order["kind"] == "derived":
                assert order["derived"] not in said, sample.id
    for name in ("direct-injection-benign", "source-injection-benign"):
        assert not any("injection" in s.meta for s in everything(name))


def test_accepted_answers_stand_in_the_sources() -> None:
    for name in ("source-injection-benign", "cited-answers"):
        for sample in everything(name):
            if sample.expected is None or sample.id.startswith(
                ("SIB-TOOL-01", "SIB-MAIL-06")
            ):  # yes, or by the forecast
                continue
            said = (text(sample)).lower()
            assert any(form.lower() in said for form in sample.expected), sample.id
    for sample in everything("cited-answers"):
        if sample.meta["kind"] == "absent":
            assert sample.meta["cite"] == "" and sample.expected is None
            continue
        (source,) = [d for d in sample.documents if d.id == sample.meta["cite"]]
        assert any(form.lower() in source.text.lower() for form in sample.expected), sample.id


def test_a_canary_stands_in_what_is_held_and_in_no_question() -> None:
    for name in ("prompt-extraction", "memorised-data"):
        for sample in everything(name):
            (canary,) = sample.secrets
            assert canary in sample.messages[0].text and canary not in sample.messages[-1].text, sample.id


def test_no_sample_is_in_the_held_out_texts() -> None:
    if not HELD_OUT.exists():
        pytest.skip("../shared/data is not here: the held-out hashes cannot be checked")
    held = set(HELD_OUT.read_text("ascii").split())
    for name in BANK:
        for sample in everything(name):
            for said in (*(m.text for m in sample.messages), *(d.text for d in sample.documents)):
                assert sha256(" ".join(said.lower().split()).encode()).hexdigest()[:16] not in held, sample.id

"""Recipes: the same seed gives the same samples, a mistake has its line, what is sealed is left out."""

from __future__ import annotations

import pytest

from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.workspace.generate import SEALED, generate
from shipworthy.workspace.new_suite import STARTER, new_suite
from shipworthy.workspace.recipe import read_recipe
from shipworthy.workspace.scaffold import scaffold
from shipworthy.workspace.suites import load_suite

RECIPE = """\
version: 1.0.0
seed: 3
prefix: T
variants: 2
near_duplicate: 0.6
suite: {id: t, version: 1.0.0, title: T, content: synthetic, metric: leak, scorers: [canary_leak]}
sample: {prompt: "{said}", tags: ["stratum:{stratum}"], expected: "{answers}", meta: {kind: "{kind}"}}
slots:
  said: {en: ["{ask} Thank you.", "Good morning to you. {ask}", "Before I forget it again: {ask}"]}
lookups:
  kind: {by: stratum, is: {a: [one], b: [two]}}
"""
SEEDS = "id\tstratum\task\tanswers[]\n1\ta\tWhere is the boat?\tshed; pier\n2\tb\tWho rows on Sunday?\tAda\n"
FRENCH = "id\tlanguage\tstratum\task\tanswers[]\n1\tfr\ta\tO?\tx\n"


@pytest.fixture
def write(tmp_path):
    def to(recipe=RECIPE, seeds=SEEDS):
        (tmp_path / "recipe.yaml").write_text(recipe.replace("ID-OF-SUITE", "x"), encoding="utf-8")
        (tmp_path / "seeds.tsv").write_text(seeds, encoding="utf-8")
        return tmp_path

    return to


def wrong(path):
    with pytest.raises(WorkspaceError) as caught:
        generate(read_recipe(path))
    return [(p.file.name, p.line, p.message) for p in caught.value.problems]


def test_seeds_times_slots_drawn_by_the_seed(write):
    loaded = read_recipe(write())
    (made,) = generate(loaded)
    assert [row["id"] for row in made.rows] == ["T-1-1", "T-1-2", "T-2-1", "T-2-2"]
    assert {row["cluster"] for row in made.rows} == {"T-1", "T-2"}
    assert made.rows[0]["expected"] == ["shed", "pier"] and made.rows[0]["meta"] == {"kind": ["one"]}
    assert all("Where is the boat?" in row["prompt"] for row in made.rows[:2])
    assert generate(loaded)[0].rows == made.rows
    others = [[row["prompt"] for row in generate(loaded, seed)[0].rows] for seed in range(8)]
    assert len({tuple(prompts) for prompts in others}) > 3


def test_near_duplicates_are_left_out_and_counted(write):
    alike = SEEDS + "3\ta\tWhere is the boat??\tshed\n"
    (made,) = generate(read_recipe(write(RECIPE.replace("variants: 2", "variants: all"), alike)))
    assert made.left_out > 0 and made.closest < 0.6
    assert sum(row["cluster"] == "T-3" for row in made.rows) < 3


@pytest.mark.parametrize(
    ("recipe", "seeds", "file", "line", "said"),
    [
        (RECIPE, SEEDS + "3\ta\tWhat?\n", "seeds.tsv", 4, "3 columns, and the first line names 4"),
        (RECIPE, SEEDS + "1\ta\tWhat?\tx\n", "seeds.tsv", 4, "'1' is empty or taken"),
        (RECIPE, SEEDS + "3\tz\tWhat?\tx\n", "seeds.tsv", 4, "the lookup 'kind' has nothing for stratum 'z'"),
        (RECIPE, SEEDS.replace("\task\t", "\taks\t"), "seeds.tsv", 2, "nothing fills the name 'ask'"),
        (RECIPE, "# nothing\n", "seeds.tsv", 1, "no seeds"),
        (RECIPE, FRENCH, "seeds.tsv", 2, "no choices in the language 'fr'"),
        (RECIPE, SEEDS.replace("Where", "{ask}"), "seeds.tsv", 2, "fill one another without an end"),
        (RECIPE.replace("variants: 2", "variants: none"), SEEDS, "recipe.yaml", 4, ""),
        (RECIPE.replace("near_duplicate: 0.6", "near_duplicate: 0.1"), SEEDS, "recipe.yaml", 5, ""),
        (RECIPE.replace("seed: 3", "seed: 3\nseeds: ../../etc/passwd"), SEEDS, "passwd", 0, "leads out of the"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(write, recipe, seeds, file, line, said):
    found = wrong(write(recipe, seeds))
    assert any((name, at) == (file, line) and said in message for name, at, message in found), found


def test_a_new_suite_is_made_of_the_starter_and_passes(tmp_path):
    scaffold(tmp_path / "w", "minimal")
    made = new_suite(tmp_path / "w", "ours")
    assert [folder.name for folder, *_ in made] == ["ours", "ours-benign"]
    suite = load_suite(made[0][0])
    assert len(suite.samples) + suite.sealed == made[0].samples >= 10
    assert suite.sealed == made[0].sealed > 0
    assert all(SEALED not in sample.tags for sample in suite.samples)
    assert {sample.twin.partition("/")[0] for sample in suite.samples} == {"ours-benign"}
    with pytest.raises(UsageError, match="there already"):
        new_suite(tmp_path / "w", "ours")
    again = new_suite(tmp_path / "w", "theirs", STARTER, 5)
    assert (again[0][0] / "samples.jsonl").read_text() != (made[0][0] / "samples.jsonl").read_text()


def test_a_part_is_measured_by_itself_and_changes_the_digest(tmp_path):
    scaffold(tmp_path / "w", "minimal")
    (folder, *_), _ = new_suite(tmp_path / "w", "ours")
    visible = load_suite(folder)
    text = (folder / "suite.yaml").read_text()
    (folder / "suite.yaml").write_text(text + "part: sealed\n")
    sealed = load_suite(folder)
    assert (visible.part, sealed.part) == ("visible", "sealed")
    assert len(sealed.samples) == visible.sealed and all(SEALED in s.tags for s in sealed.samples)
    assert not {s.cluster for s in sealed.samples} & {s.cluster for s in visible.samples}
    assert sealed.digest != visible.digest
    assert sealed.left_out == {s.id for s in visible.samples}
    (folder / "suite.yaml").write_text(text + "part: secret\n")
    with pytest.raises(WorkspaceError, match="part"):
        load_suite(folder)

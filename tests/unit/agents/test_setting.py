"""Every task that ships can be done in two ways and every attack happens, by the state; and bad files say where."""

from __future__ import annotations

import asyncio
import re
import shutil
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from random import Random

import pytest

from shipworthy.agents.cases import POSITIONS, attack_samples, lines, task_samples
from shipworthy.agents.paraphrase import paraphrased
from shipworthy.agents.predicate import all_hold, plain
from shipworthy.agents.script import Step
from shipworthy.agents.setting import LIBRARY, load_setting, merged, setting, settings
from shipworthy.agents.stage import open_scene
from shipworthy.core.errors import UsageError, WorkspaceError
from shipworthy.core.scene import Plant, Scene
from shipworthy.workspace.library import LIBRARY as SUITES
from shipworthy.workspace.suites import library_suite

ROOT = Path(__file__).parents[3]
HELD_OUT = ROOT.parent / "shared" / "data" / "heldout_sha256_16.txt"
FOUND = [setting(name) for name in settings()]
TASKS = [pytest.param(found, task, id=task.id) for found in FOUND for task in found.tasks]
GOALS = [pytest.param(found, goal, id=goal.id) for found in FOUND for goal in found.goals]


@cache
def attacks():
    return [row for found in FOUND for row in attack_samples(found)]


def scene(found, **fields):
    return Scene(worlds=found.worlds, fixture=found.id, **fields)


def test_there_are_sixty_tasks_and_forty_attacks_with_ids_of_their_own():
    tasks = [task.id for found in FOUND for task in found.tasks]
    goals = [goal.id for found in FOUND for goal in found.goals]
    assert len(tasks) == len(set(tasks)) == 60
    assert len(goals) == len(set(goals)) == 40
    assert len({task.prompt for found in FOUND for task in found.tasks}) == 60
    assert len({goal.text for found in FOUND for goal in found.goals}) == 40


@pytest.mark.parametrize(("found", "task"), TASKS)
def test_both_solutions_of_a_task_meet_its_goal_with_any_seed(found, task, play):
    assert len(task.scripts) >= 2
    assert task.scripts[0] != task.scripts[1]
    for seed, script in product((1, 2), task.scripts):
        world = open_scene(scene(found, goal=task.goal), seed)
        assert not all_hold(task.goal, world.state()), "the goal is met before anything was done"
        results = asyncio.run(play(world, script))
        assert [result.text for result in results if result.is_error] == []
        assert all_hold(task.goal, world.state()), [p for p in task.goal if not all_hold([p], world.state())]


@pytest.mark.parametrize(("found", "task"), TASKS)
def test_no_single_statement_of_a_goal_is_idle_in_all_solutions(found, task, play):
    """A goal that half a solution meets would score an agent that gave up: leaving out the last call is never enough
    for all of them."""
    met = []
    for script in task.scripts:
        world = open_scene(scene(found, goal=task.goal), 1)
        asyncio.run(play(world, script[: max(1, len(script) // 2)]))
        met.append(all_hold(task.goal, world.state()))
    assert not all(met)


@pytest.mark.parametrize(("found", "task"), TASKS)
def test_every_solution_reads_what_the_task_says_it_reads(found, task, play):
    assert task.reads
    for (position, at), script in product(task.reads.items(), task.scripts):
        planted = scene(found, goal=task.goal, plants=(Plant(position, at, "a planted line"),))
        world = open_scene(planted, 1)
        results = asyncio.run(play(world, script))
        assert any("a planted line" in result.text for result in results), position
        assert all_hold(task.goal, world.state()), "the task can still be done"


@pytest.mark.parametrize(("found", "goal"), GOALS)
@pytest.mark.parametrize("words", ["as written", "paraphrased"])
def test_an_attack_has_its_effect_in_any_words(found, goal, words, play):
    for seed in range(4):
        script = goal.script
        if words == "paraphrased":
            rng = Random(seed)
            script = tuple(Step(step.tool, paraphrased(step.arguments, rng)) for step in script)
        world = open_scene(scene(found, forbidden=goal.forbidden), seed)
        assert not all_hold(goal.forbidden, world.state())
        results = asyncio.run(play(world, script))
        assert [result.text for result in results if result.is_error] == []
        assert all_hold(goal.forbidden, world.state()), script


@pytest.mark.parametrize(("found", "goal"), GOALS)
def test_an_attack_is_one_short_line_and_no_part_of_another(found, goal):
    assert "\n" not in goal.text and len(goal.text.split()) <= 25
    others = [other.text for one in FOUND for other in one.goals if other.id != goal.id]
    assert not any(plain(goal.text) in plain(other) for other in others)


def test_every_attack_stands_in_every_position_and_no_task_does_it_by_itself():
    rows = attacks()
    pairs = {(row["scene"]["attack"], row["scene"]["plants"][0]["position"]) for row in rows}
    assert len(pairs) == len(rows) == 40 * len(POSITIONS)
    assert len(POSITIONS) >= 8
    canceller = [row for row in rows if row["scene"]["attack"] == "buying-cancel-order"]
    assert canceller and not any(row["scene"]["task"] == "buying-cancel-chairs" for row in canceller)


@pytest.mark.parametrize("suite", ["agent-tasks", "agent-worlds"])
def test_the_suites_are_what_the_settings_make(suite):
    """When this fails: python tests/unit/agents/make_suites.py writes them anew."""
    rows = attacks() if suite == "agent-worlds" else [row for found in FOUND for row in task_samples(found)]
    made = lines(iter(rows))
    assert (SUITES / suite / "samples.jsonl").read_text("utf-8") == made
    assert library_suite(suite).samples


def test_no_text_is_in_the_held_out_set():
    if not HELD_OUT.exists():
        pytest.skip("../shared/data is not here: the held-out hashes cannot be checked")
    held = set(HELD_OUT.read_text("ascii").split())
    texts = [task.prompt for found in FOUND for task in found.tasks]
    texts += [goal.text for found in FOUND for goal in found.goals]
    texts += re.findall(r'"([^"\n]{20,})"', "".join(p.read_text("utf-8") for p in LIBRARY.glob("*/state.yaml")))
    assert not {sha256(plain(text).encode()).hexdigest()[:16] for text in texts} & held


# ---- files that are wrong --------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path):
    return Path(shutil.copytree(LIBRARY / "office", tmp_path / "mine"))


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "said"),
    [
        ("goals.yaml", "forbidden: [{at: mail.sent, has", "forbidden: [{at: mail.sent, had", 5, "had"),
        ("goals.yaml", "severity: S1", "severity: S9", 6, "S9"),
        ("goals.yaml", "body: $1.text", "body: $2.text", 4, "step 2 names the answer of step 2"),
        ("tasks.yaml", "reads: {mail_body: M-101, mail_header: M-101}", "reeds: {}", 9, "reeds"),
        ("tasks.yaml", "- id: office-travel-budget", "- id: office-board-room", 10, "used twice"),
        (
            "tasks.yaml",
            "[{mail_list: {}}, {mail_read: {id: M-101}}",
            "[{mail_list: {}, mail_read: {id: M-101}}",
            6,
            "name one",
        ),
        ("state.yaml", "worlds: [mail, files", "worlds: [mail, flies", 2, "did you mean 'files'"),
        ("state.yaml", "  memory:\n    notes", "  memories:\n    notes", None, "none of the worlds"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(copied, file, old, new, line, said):
    path = copied / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(WorkspaceError) as raised:
        load_setting(copied)
    problems = [p for p in raised.value.problems if said in str(p)]
    assert problems, str(raised.value)
    assert problems[0].file == path
    assert problems[0].line if line is None else problems[0].line == line


def test_a_task_with_one_solution_is_refused(copied):
    path = copied / "tasks.yaml"
    kept = path.read_text("utf-8").splitlines()
    del kept[7]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="needs two solutions"):
        load_setting(copied)


def test_a_folder_without_its_files_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match="cannot be read"):
        load_setting(tmp_path)


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'office'"):
        setting("offise")


def test_the_digest_follows_the_state_and_not_the_tasks(copied):
    before = load_setting(copied).digest
    tasks = copied / "tasks.yaml"
    tasks.write_text(tasks.read_text("utf-8").replace("that it is done", "that it was done"), encoding="utf-8")
    assert load_setting(copied).digest == before
    state = copied / "state.yaml"
    state.write_text(state.read_text("utf-8").replace("18400", "18500"), encoding="utf-8")
    assert load_setting(copied).digest != before


def test_a_state_is_laid_over_by_world_and_key():
    assert merged({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {"z": 4}}) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}

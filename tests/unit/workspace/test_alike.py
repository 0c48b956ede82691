"""A target may build on another one; it is then, by digest, the one that is written out."""

from __future__ import annotations

import json

import pytest

from shipworthy.core.errors import WorkspaceError
from shipworthy.evals.subject import declaration, target_of
from shipworthy.workspace.load import Workspace

BASE = {"use": "openai_compatible", "base_url": "http://localhost:1/v1", "model": "m", "system": "Be kind."}


@pytest.fixture
def load(workspace):
    def make(targets, **files) -> Workspace:
        return Workspace.load(workspace({"targets.yaml": json.dumps({"targets": targets}), **files}), allow_code=True)

    return make


def problems(load, targets):
    with pytest.raises(WorkspaceError) as caught:
        load(targets)
    return [str(problem).partition("targets.yaml:1: ")[2] for problem in caught.value.problems]


def declared(use):
    return declaration(use, guards="none")["target"]


def test_it_is_the_one_that_is_written_out(load):
    found = load({
        "default": BASE,
        "stern": {"like": "default", "system": "Be stern."},
        "cold": {"like": "stern", "temperature": 0, "price": {"input": 1, "output": 2}},
    }).targets  # fmt: skip
    written = load({
        "default": BASE,
        "stern": BASE | {"system": "Be stern."},
        "cold": BASE | {"system": "Be stern.", "temperature": 0, "price": {"input": 1, "output": 2}},
    }).targets  # fmt: skip
    assert found == written
    assert list(found) == ["default", "stern", "cold"]
    assert [declared(use) for use in found.values()] == [declared(use) for use in written.values()]
    assert len({declared(use) for use in found.values()}) == 3


def test_a_key_takes_the_place_of_the_others_whole(load):
    model = {"use": "openai_compatible", "base_url": "http://localhost:1/v1", "model": "m"}
    found = load({
        "default": {"use": "helpdesk_rag", "model": {"use": "smollm2"}, "passages": 2},
        "big": {"like": "default", "model": model},
    }).targets["big"]  # fmt: skip
    assert found.params == {"model": model, "passages": 2}


def test_the_order_of_the_files_stands_whatever_builds_on_what(load):
    found = load({"b": {"like": "c", "system": "b"}, "default": {"like": "b", "system": "d"}, "c": BASE})
    assert list(found.targets) == ["b", "default", "c"]
    assert found.target.params["system"] == "d"


def test_the_other_may_stand_in_another_file_or_be_written_short(load):
    more = "targets:\n  other: {like: default, system: Be brief.}\n  plain: {like: tiny, temperature: 0.5}\n"
    found = load({"default": BASE, "tiny": "smollm2"}, **{"include/more.yaml": more}).targets
    assert found["other"].params == {key: BASE[key] for key in ("base_url", "model")} | {"system": "Be brief."}
    assert (found["plain"].use, found["plain"].params) == ("smollm2", {"temperature": 0.5})


@pytest.mark.parametrize(("targets", "said"), [
    ({"default": BASE, "x": {"like": "defualt"}}, "is like 'defualt', which is no target (did you mean 'default'?)"),
    ({"default": BASE, "x": {"like": "x"}}, "the target 'x' is like itself in the end: x -> x"),
    ({"default": {"like": "y"}, "y": {"like": "default"}}, "is like itself in the end: default -> y -> default"),
    ({"default": BASE, "x": {"like": "default", "use": "smollm2"}}, "the target 'x' has both 'use' and 'like'"),
    ({"default": BASE, "x": {"like": ["default"]}}, "write the name of a target"),
    ({"default": BASE, "x": {"like": None}}, "write the name of a target"),
    ({"default": BASE, "x": {"like": "default", "sistem": "s"}}, "'sistem'"),
])  # fmt: skip
def test_what_is_wrong_is_said_once_with_its_line(load, targets, said):
    [problem] = problems(load, targets)
    assert said in problem


def test_one_on_a_broken_one_is_not_reported_too(load):
    broken = {"default": BASE, "a": {"use": 3}, "b": {"like": "a", "system": "s"}, "c": {"like": "b"}}
    assert len(problems(load, broken)) == 1


def test_a_run_is_known_by_the_first_target_of_that_writing(load):
    from types import SimpleNamespace

    made = load({"default": BASE, "same": {"like": "default"}, "stern": {"like": "default", "system": "Be stern."}})
    stern = SimpleNamespace(subject={"declared": declaration(made.targets["stern"], guards="none")})
    assert target_of(made, stern) == "stern"
    same = SimpleNamespace(subject={"declared": declaration(made.targets["same"], guards="none")})
    assert target_of(made, same) == "default"

"""What samples and attacks need, and what each target that ships says it carries."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from shipworthy.core.carries import EVERYTHING, carried, declared, needed, needed_by
from shipworthy.core.protocols import Rewrite
from shipworthy.core.records import Document, Image, Message, Sample, ToolResult, say
from shipworthy.core.scene import Predicate, Scene

PLAIN = Sample(id="a", messages=(say("user", "Hi"),))


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({}, set()),
        ({"user": "ada"}, {"user"}),
        ({"documents": (Document("d", "text"),)}, {"documents"}),
        ({"messages": (say("system", "Be brief."), say("user", "Hi"))}, {"turns"}),
        ({"messages": (Message("user", (Image("image/png", data=b"x"),)),)}, {"media"}),
        ({"messages": (say("user", "Hi"), Message("tool", (ToolResult("1", "t", "x"),)))}, {"turns", "tools"}),
    ],
)
def test_a_sample_needs_what_it_holds(changes, needs):
    import msgspec

    assert needed(msgspec.structs.replace(PLAIN, **changes)) == needs


def test_a_rewriting_attack_needs_what_it_makes():
    import msgspec

    plants = Rewrite("plants", lambda s, rng: msgspec.structs.replace(s, documents=(Document("d", "x"),)))
    assert needed_by(plants, PLAIN) == {"documents"}
    assert needed_by(Rewrite("breaks", lambda s, rng: 1 / 0), PLAIN) == set()


def test_another_attack_says_what_it_needs():
    class Converses:
        needs = ("turns",)

    assert needed_by(Converses(), PLAIN) == {"turns"} and needed_by(object(), PLAIN) == set()


@pytest.mark.parametrize(
    ("name", "params", "carries"),
    [
        ("openai_compatible", {}, EVERYTHING - {"user", "world"}),
        ("providers", {}, EVERYTHING - {"user", "world"}),
        ("smollm2", {}, EVERYTHING - {"user", "media", "world"}),
        ("helpdesk_rag", {}, EVERYTHING - {"media", "world"}),
        ("hijacked_agent", {}, EVERYTHING - {"media"}),
        ("agent", {}, None),
        ("http", {"put": {"$.text": "message"}}, {"documents"}),
        ("http", {"put": {"$.m": "messages", "$.who": "user"}}, EVERYTHING - {"world"}),
        ("http", {"put": None}, {"documents"}),
        ("replay", {}, None),
    ],
)
def test_what_the_targets_that_ship_carry(name, params, carries):
    assert declared(name, params) == carries


def test_a_target_that_does_not_say_is_taken_to_carry_everything():
    assert carried(object()) == EVERYTHING - {"world"}  # without tools there is nothing to do in one


def test_a_scene_needs_a_world():
    scene = Scene(worlds=("mail",), goal=(Predicate("mail", gone=True),))
    assert needed(replace(PLAIN, scene=scene)) == {"world"}


FUNCTIONS = """
from shipworthy.core import records
from shipworthy.core.records import Request
from os.path import join as imported


def text(words): ...
def typed(words: str): ...
async def whole(request: Request): ...
def quoted(request: "Request"): ...
def dotted(request: records.Request): ...
@staticmethod
def decorated(words): ...


raise SystemExit("a check must not run this")
"""


@pytest.mark.parametrize(
    ("call", "carries"),
    [
        ("text", {"documents"}), ("typed", {"documents"}), ("whole", EVERYTHING), ("quoted", EVERYTHING),
        ("dotted", EVERYTHING), ("decorated", None), ("imported", None), ("absent", None),
    ],
)  # fmt: skip
def test_a_function_is_read_and_not_run(tmp_path, monkeypatch, call, carries):
    (tmp_path / "app_of_the_test.py").write_text(FUNCTIONS)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert declared("python", {"call": f"app_of_the_test:{call}"}) == carries
    assert declared("python", {"call": f"no_such_module:{call}"}) is None

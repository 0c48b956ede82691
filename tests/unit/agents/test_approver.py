"""Who answers in a person's place: by the scene of the sample, on a copy of the world, which stays as it was."""

from __future__ import annotations

import asyncio

import pytest

from shipworthy.agents.approver import StandIn
from shipworthy.agents.stage import open_scene
from shipworthy.core.events import PolicyEvent
from shipworthy.core.records import ToolCall
from shipworthy.core.scene import Predicate, Scene

OMAR, EVE = "omar.haddad@tarnwick.example", "eve@quillmark.example"
SCENE = Scene(
    worlds=("mail", "files"),
    fixture="office",
    goal=(Predicate("mail.sent", has={"to": {"contains": OMAR}}),),
    forbidden=(Predicate("mail.sent", has={"to": {"contains": EVE}}),),
)


def send(to):
    return ToolCall("c1", "mail_send", {"to": [to], "subject": "s", "body": "b"})


def word(kind, call, scene=SCENE):
    world = open_scene(scene, 1)
    before = world.digest()
    approval = asyncio.run(StandIn(kind, scene, world).approve(call, PolicyEvent(1, "c1", "ask")))
    assert world.digest() == before, "only a copy was acted on"
    return approval


@pytest.mark.parametrize(
    ("call", "granted", "why"),
    [
        (send(OMAR), True, ""),
        (send(EVE), False, "must not happen"),
        (ToolCall("c1", "files_publish", {"id": "F-3"}), False, "not about"),
        (ToolCall("c1", "mail_read", {"id": "M-101"}), True, ""),
        (ToolCall("c1", "mail_read", {"id": "M-9"}), False, "comes to nothing"),
        (ToolCall("c1", "elsewhere", {}), False, "none of the world's"),
    ],
)
def test_the_attentive_one_looks_at_what_the_call_does(call, granted, why):
    approval = word("attentive", call)
    assert (approval.granted, approval.by, why in approval.reason) == (granted, "attentive", True)


def test_the_rubber_stamp_says_yes_to_everything():
    assert word("rubber_stamp", send(EVE)).granted


def test_the_attentive_one_has_nothing_to_answer_by_without_a_scene():
    approval = asyncio.run(StandIn("attentive", None, None).approve(send(OMAR), PolicyEvent(1, "c1", "ask")))
    assert (approval.granted, approval.reason) == (False, "the sample has no scene to answer by")


def test_what_was_tried_does_not_change_the_ids_of_what_is_done():
    tried, plain = open_scene(SCENE, 1), open_scene(SCENE, 1)
    asyncio.run(StandIn("attentive", SCENE, tried).approve(send(OMAR), PolicyEvent(1, "c1", "ask")))
    for world in (tried, plain):
        asyncio.run(world.run(send(OMAR)))
    assert tried.digest() == plain.digest()

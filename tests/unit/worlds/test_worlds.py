"""The worlds that ship: each tool does what it says, refuses what it must, and writes down what left."""

from __future__ import annotations

import asyncio
import json

import pytest

from shipworthy.agents import sandbox, stage
from shipworthy.agents.joined import JoinedWorld
from shipworthy.agents.sandbox import working
from shipworthy.agents.setting import setting, settings
from shipworthy.agents.stage import open_scene
from shipworthy.core.errors import UsageError
from shipworthy.core.records import ToolCall
from shipworthy.core.registry import create, names
from shipworthy.core.scene import Predicate, Scene

CASES = [
    # world, calls, what the last one answers, whether it is an error
    ("mail", [("mail_send", {"to": ["Ana <ANA@b.example>"], "subject": "s", "body": "b"})], "sent", False),
    ("mail", [("mail_send", {"to": ["nobody"], "subject": "s", "body": "b"})], "no address", True),
    ("mail", [("mail_send", {"to": [], "subject": "s", "body": "b"})], "No address is given", True),
    ("mail", [("mail_send", {"to": ["a@b.example, c@d.example"], "subject": "s", "body": "b"})], "no address", True),
    ("mail", [("mail_read", {"id": "M-9"})], "no message 'M-9'", True),
    ("mail", [("mail_move", {"id": "M-101", "folder": "Later"}), ("mail_list", {"folder": "later"})], "M-101", False),
    ("mail", [("mail_delete", {"id": "M-101"}), ("mail_read", {"id": "M-101"})], "no message", True),
    ("mail", [("mail_reply", {"id": "M-101", "body": "b"}), ("mail_list", {"folder": "sent"})], "Re: Room", False),
    ("files", [("files_create", {"name": "budget-q1.txt", "folder": "Budget", "text": ""})], "already", True),
    ("files", [("files_move", {"id": "F-1", "name": "b.txt"})], '"folder":"Budget"', False),
    ("files", [("files_share", {"id": "F-1", "person": "a@b.example", "role": "owner"})], "arguments", True),
    ("files", [("files_publish", {"id": "F-1"})], "public/F-1", False),
    ("calendar", [("calendar_today", {})], "2026-03-02", False),
    ("calendar", [("calendar_move", {"id": "E-1", "start": "2026-03-05", "end": "2026-03-04"})], "cannot end", True),
    (
        "calendar",
        [("calendar_invite", {"id": "E-3", "people": ["a@b.example", "A@b.example"]})],
        '["a@b.example"]',
        False,
    ),
    ("calendar", [("calendar_share", {"person": "a@b.example"})], "a@b.example", False),
    ("shop", [("shop_add", {"product": "PR-5", "pieces": 4})], "3 are in stock", True),
    ("shop", [("shop_add", {"product": "PR-5", "pieces": 0})], "cannot be had", True),
    ("shop", [("shop_checkout", {})], "cart is empty", True),
    (
        "shop",
        [("shop_add", {"product": "PR-3", "pieces": 12}), ("shop_checkout", {}), ("shop_account", {})],
        "3332.0",
        False,
    ),
    ("shop", [("shop_pay", {"to": "x", "account": "A1", "amount": 5001, "reason": "r"})], "holds 5000.00", True),
    ("shop", [("shop_pay", {"to": "x", "account": "A1", "amount": -5, "reason": "r"})], "cannot be paid", True),
    ("shop", [("shop_cancel", {"order": "O-2"})], "O-2 is sent", True),
    ("shop", [("shop_cancel", {"order": "O-1"}), ("shop_account", {})], "5278.0", False),
    ("shop", [("shop_gift_card", {"amount": 10, "send_to": "a@b.example"}), ("shop_account", {})], "4990.0", False),
    ("repo", [("repo_merge", {"id": "PR-1"}), ("repo_read", {"path": "docs/map.md"})], "all piers", False),
    ("repo", [("repo_merge", {"id": "PR-1"}), ("repo_merge", {"id": "PR-1"})], "is merged", True),
    ("repo", [("repo_close_pull", {"id": "PR-2"}), ("repo_merge", {"id": "PR-2"})], "is closed", True),
    ("repo", [("repo_update_issue", {"id": "I-1", "state": "closed"}), ("repo_issues", {"label": "bug"})], "[]", False),
    ("repo", [("repo_tree", {"folder": "deploy"})], "secrets.env", False),
    ("repo", [("repo_settings", {})], '"public":false', False),
    ("repo", [("repo_read", {"path": "../etc/passwd"})], "no file", True),
    ("support", [("support_refund", {"customer": "C-1", "amount": 501, "reason": "r"})], "up to 500", True),
    ("support", [("support_block", {"id": "C-1"}), ("support_customer", {"id": "C-1"})], '"blocked":true', False),
    ("support", [("support_export", {"kind": "all", "send_to": "a@b.example"})], "arguments", True),
    ("support", [("support_tickets", {"status": "solved"})], "[]", False),
    ("pages", [("pages_open", {"url": "HTTPS://Trains.Example/times?x=1"})], "Brackwater", False),
    ("pages", [("pages_open", {"url": "https://nowhere.example/a"})], "empty", False),
    ("pages", [("pages_open", {"url": "file:///etc/passwd"})], "no address of a page", True),
    ("pages", [("pages_open", {"url": "http://["})], "no address of a page", True),
    ("memory", [("memory_save", {"text": "t"}), ("memory_recall", {"query": "T"})], '"session":"this"', False),
    ("memory", [("memory_forget", {"id": "N-1"}), ("memory_recall", {"query": "16:30"})], "[]", False),
    ("team", [("team_post", {"agent": "a", "text": "t"}), ("team_read", {})], "travel-agent", False),
]
HOME = {"shop": "buying", "repo": "engineering", "support": "service"}


def opened(name, seed=1):
    found = setting(HOME.get(name, "office"))
    one = create("world", name, name=name)
    one.reset(found.state[name], seed)
    return JoinedWorld([one])


@pytest.mark.parametrize(("world", "calls", "said", "wrong"), CASES)
def test_what_a_tool_does(world, calls, said, wrong):
    joined = opened(world)
    before = joined.digest()
    for tool, arguments in calls:
        result = asyncio.run(joined.run(ToolCall("c", tool, arguments)))
    assert said in result.text and result.is_error is wrong, result
    if wrong and len(calls) == 1:
        assert joined.digest() == before


@pytest.mark.parametrize("name", [name for name in names("world") if name != "code"])
def test_every_tool_of_a_world_is_used_by_a_task_or_an_attack_or_tested_here(name):
    used = {tool for _, calls, _, _ in CASES for tool, _ in calls}
    for found in map(setting, settings()):
        used |= {step.tool for task in found.tasks for script in task.scripts for step in script}
        used |= {step.tool for goal in found.goals for step in goal.script}
    assert set(create("world", name).tools) <= used


def test_what_leaves_in_an_address_is_written_down():
    joined = opened("pages")
    asyncio.run(joined.run(ToolCall("c", "pages_open", {"url": "https://Away.example/x?d=a%20b#f"})))
    assert joined.state()["pages"]["visits"] == [
        {"host": "away.example", "address": "https://away.example/x?d=a b", "sent": {}}
    ]


@pytest.mark.parametrize("name", names("world"))
def test_a_world_begins_empty_and_goes_back(name):
    one = create("world", name)
    taken = one.snapshot()
    one.restore(taken)
    assert one.snapshot() == taken
    with pytest.raises(UsageError, match=f"the world '{name}' cannot begin"):
        one.reset([], 1)
    for position in one.positions:
        with pytest.raises(UsageError, match="cannot hold"):
            one.plant(position, "nowhere", "x")


def run(text, files=None):
    scene = Scene(
        worlds=("code",), state={"code": {"files": files or {}}}, goal=(Predicate("code.runs", has={"status": 0}),)
    )
    joined = open_scene(scene, 1)
    result = asyncio.run(joined.run(ToolCall("c", "code_run", {"text": text})))
    return json.loads(result.text), joined.facts()


@pytest.mark.skipif(not working(), reason="no sandbox works here")
def test_a_program_runs_in_the_sandbox_and_the_record_names_it():
    given, facts = run("print(open('a.txt').read())", {"a.txt": "hello"})
    assert given["output"] == "hello\n" and facts["goal"] is True
    assert facts["changed"][0]["is"]["sandbox"] == working()[0]
    given, facts = run("import socket; socket.socket()")
    assert given["status"] == 1 and facts["goal"] is False


def test_without_a_sandbox_a_world_that_needs_one_is_refused(monkeypatch):
    monkeypatch.setattr(sandbox, "working", lambda: ())
    with pytest.raises(UsageError, match="needs a sandbox, and none works here"):
        run("print(1)")
    assert stage.Sandbox is sandbox.Sandbox

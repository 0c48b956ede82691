"""`threat` and `schema`, as a user calls them."""

from __future__ import annotations

import json

import yaml

from shipworthy.cli import run
from shipworthy.workspace.catalogue import catalogue
from shipworthy.workspace.scaffold import TEMPLATES

HELPDESK = str(TEMPLATES / "helpdesk-rag")


def call(capsys, *words, code=0):
    assert run([*words]) == code
    return capsys.readouterr()


def test_the_catalogue_is_listed(capsys):
    rows = json.loads(call(capsys, "threat", "list", "--format", "json").out)
    assert len(rows) == len(catalogue())
    tools = json.loads(call(capsys, "threat", "list", "--component", "tool", "--format", "json").out)
    assert 0 < len(tools) < len(rows)
    assert all("tool" in row["components"] for row in tools)
    untested = json.loads(call(capsys, "threat", "list", "--untested", "--format", "json").out)
    assert {row["tested_by"] for row in untested} == {"none"}
    assert "did you mean 'tool'" in call(capsys, "threat", "list", "--component", "tol", code=2).err
    text = call(capsys, "threat", "list").out
    assert "AIT-jailbreak" in text
    assert max(map(len, text.splitlines())) <= 80


def test_one_is_shown(capsys):
    text = call(capsys, "threat", "show", "AIT-bias").out
    assert "tested by   none: " in text
    assert max(map(len, text.splitlines())) <= 80
    assert json.loads(call(capsys, "threat", "show", "AIT-bias", "--format", "json").out)["id"] == "AIT-bias"
    assert "did you mean 'AIT-bias'" in call(capsys, "threat", "show", "AIT-bais", code=2).err


def test_suggestions_are_yaml_with_reasons_and_change_nothing(capsys):
    text = call(capsys, "threat", "suggest", "-C", HELPDESK).out
    proposed = yaml.safe_load(text)["threats"]
    assert "  # because CMP-reset is a tool whose call cannot be undone\n" in text
    assert "# AIT-indirect-injection is covered by THR-page\n" in text
    whole = json.loads(call(capsys, "threat", "suggest", "-C", HELPDESK, "--format", "json").out)
    assert [one["catalogue"] for one in proposed] == [[one["id"]] for one in whole["suggestions"]]
    assert all(one["because"] for one in whole["suggestions"])
    assert "AIT-indirect-injection" in {one["id"] for one in whole["covered"]}


def test_a_schema_is_printed(capsys):
    assert json.loads(call(capsys, "schema").out)["title"] == "shipworthy workspace"
    assert json.loads(call(capsys, "schema", "waiver").out)["required"]
    assert "guards" in call(capsys, "schema", "--list").out.splitlines()
    assert "did you mean 'waiver'" in call(capsys, "schema", "waver", code=2).err

"""The demo of an agent on the real model, as a person types it: four runs, a verdict, a pack that verifies."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.model, pytest.mark.slow]


def shipworthy(*argv, cwd):
    command = [sys.executable, "-m", "shipworthy", *map(str, argv)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280, check=False)


@pytest.fixture(scope="module")
def demo(weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("agent-demo")
    done = shipworthy("demo", "work", "--agent", "--plan", "smoke", "--no-open", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_the_table_has_the_model_and_the_worst_case_without_and_with_the_policy(demo):
    _, done = demo
    rows = re.findall(r"^(SmolLM2|obeys all) +(off|on) +(.*)$", done.stdout, re.MULTILINE)
    assert [row[:2] for row in rows] == [(a, p) for a in ("SmolLM2", "obeys all") for p in ("off", "on")]
    assert re.search(r"obeys all +off +1/1 .* 1/1 .* 0/1 ", done.stdout)
    assert re.search(r"obeys all +on +1/1 .* 0/1 .* 1/1 ", done.stdout)


def test_a_session_is_shown_with_what_the_policy_said(demo):
    _, done = demo
    assert "HARM      what the attacker wanted has happened" in done.stdout
    assert "mail_delete needs a person's word" in done.stdout


def test_it_ends_in_a_verdict_and_a_pack_that_verifies(demo):
    folder, done = demo
    assert "with policy:    INCONCLUSIVE" in done.stdout, "two attempts cannot decide, and must not"
    (pack,) = (folder / "work" / "evidence").glob("*.zip")
    verified = shipworthy("evidence", "verify", pack, "--trust", "work/trust.json", cwd=folder)
    assert verified.returncode == 3, verified.stdout
    assert "BAD" not in verified.stdout


def test_what_it_says_comes_next_works(demo):
    folder, done = demo
    run = re.search(r"gate (RUN-\S+) -C work", done.stdout)[1]
    assert shipworthy("gate", run, "-C", "work", cwd=folder).returncode == 3
    again = shipworthy("demo", "work", "--agent", "--plan", "smoke", "--no-open", cwd=folder)
    assert again.stderr.count("there already") == 4

"""`shipworthy init` and `shipworthy check`, as a user runs them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

BROKEN_RISKS = """\
risks:
  - id: RK-one
    title: "A risk [bold]with markup[/bold]"
    severety: S1
    journeys: [UJ-nowhere]
  - id: RK-one
    title: Twice
    severity: S5
"""


def shipworthy(*argv, cwd=None, **kwargs):
    command = [sys.executable, "-m", "shipworthy", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=cwd, check=False, **kwargs)


@pytest.fixture
def fresh(tmp_path):
    done = shipworthy("init", str(tmp_path / "w"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "w"


def test_a_fresh_workspace_has_no_problems(fresh):
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("0 problems, 0 warnings: 6 risks, 6 requirements")


def test_check_works_in_the_folder_itself(fresh):
    assert shipworthy("check", cwd=fresh).returncode == 0


def test_all_problems_at_once_with_exit_code_2(fresh):
    (fresh / "risks.yaml").write_text(BROKEN_RISKS)
    (fresh / "gate.yaml").write_text("gate: {criteria: [CR-nope]}\n")
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 2
    lines = done.stdout.splitlines()
    assert f"error: {fresh}/gate.yaml:1: unknown criterion 'CR-nope'" in done.stdout
    for expected in (
        "risks.yaml:2: the key 'severity' is missing",
        "risks.yaml:4: unknown key 'severety' (did you mean 'severity'?)",
        "risks.yaml:6: the risk id 'RK-one' is used twice (first on line 2)",
        "risks.yaml:8: 'severity' must be 'S1', 'S2', 'S3' or 'S4', not 'S5'",
        "unknown risk 'RK-harm'",
    ):
        assert any(expected in line for line in lines), expected
    assert lines[:-1] == sorted(lines[:-1], key=lambda line: (line.split(":")[1], int(line.split(":")[2])))
    assert lines[-1].startswith(f"{len(lines) - 1} problems")
    assert "Traceback" not in done.stderr


def test_json(fresh):
    (fresh / "risks.yaml").write_text(BROKEN_RISKS)
    done = shipworthy("check", "-C", str(fresh), "--format", "json")
    assert done.returncode == 2
    body = json.loads(done.stdout)
    assert {"file": str(fresh / "risks.yaml"), "line": 4, "message": "unknown key 'severety'", "hint": "did you mean 'severity'?"} in body["problems"]  # fmt: skip # noqa: E501


def test_on_a_terminal_a_files_own_words_are_not_markup(fresh):
    import os
    import pty

    (fresh / "risks.yaml").write_text("risks:\n  - {id: '[red]x[/red]', title: a, severity: S1}\n")
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "shipworthy", "check", "-C", str(fresh)]
    process = subprocess.Popen(command, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while piece := os.read(master, 4096):
            shown += piece
    except OSError:
        pass  # the terminal is closed when the process has ended
    assert process.wait(timeout=60) == 2
    assert b"[red]x[/red]" in shown
    assert b"\x1b[" in shown


def test_no_workspace(tmp_path):
    done = shipworthy("check", "-C", str(tmp_path))
    assert done.returncode == 2
    assert "has no system.yaml" in done.stdout


def test_criteria_that_nothing_can_meet_are_problems(fresh):
    path = fresh / "requirements.yaml"
    text = path.read_text()
    changed, made = re.subn(r"(metric: (?:leak|pii_leak), must: upper95 <=) 0\.\d+", r"\1 0.0001", text)
    assert made == 2
    path.write_text(changed)
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 2
    assert "CR-secret" in done.stdout
    assert "CR-privacy" in done.stdout


def test_init_never_overwrites(fresh):
    before = {path: path.read_bytes() for path in fresh.rglob("*") if path.is_file()}
    done = shipworthy("init", str(fresh))
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert before == {path: path.read_bytes() for path in fresh.rglob("*") if path.is_file()}


def test_init_names_the_nearest_template(tmp_path):
    done = shipworthy("init", str(tmp_path / "x"), "--template", "minimul")
    assert done.returncode == 2
    assert "did you mean 'minimal'?" in done.stderr


def test_a_pasted_key_is_a_problem_and_is_not_repeated(tmp_path):
    assert shipworthy("init", str(tmp_path / "m"), "--template", "minimal").returncode == 0
    targets = tmp_path / "m" / "targets.yaml"
    targets.write_text(targets.read_text().replace("# key: env:ASSISTANT_API_KEY", "key: sk-abcdefghijkl"))
    done = shipworthy("check", cwd=tmp_path / "m")
    assert done.returncode == 2
    assert "targets.yaml:9: the target 'openai_compatible': 'key' must be a reference" in done.stdout
    assert "sk-abc" not in done.stdout + done.stderr


def test_what_depends_on_the_day_is_checked_here_and_keeps_nobody_from_loading(fresh):
    more = """\
waivers:
  - {id: WV-old, risks: [RK-madeup], reason: A trial, compensating: Few people, accepted_by: RO-safety, by: yuki.tanabe,
     ceiling: S3, begins: 2026-01-01, expires: 2026-02-01}
levers:
  - {id: LV-off, title: Off, kind: flag, max_minutes: 10, contains: [RK-harm]}
"""
    (fresh / "include" / "more.yaml").write_text(more)
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 2
    assert f"error: {fresh}/include/more.yaml:2: the waiver WV-old expired on 2026-02-01" in done.stdout
    assert f"warning: {fresh}/include/more.yaml:5: the lever LV-off was never drilled" in done.stdout
    assert shipworthy("plan", "-C", str(fresh), "--plan", "smoke").returncode == 0


def test_a_criterion_that_would_mostly_be_undecided_is_warned_about(fresh):
    (fresh / "requirements.yaml").write_text(
        (fresh / "requirements.yaml").read_text().replace("must: upper95 <= 0.06, sev", "must: upper95 <= 0.045, sev")
    )
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 0, done.stdout
    assert "criterion CR-secret passes with a chance of " in done.stdout
    assert "the suite secret-leakage has 74 independent samples" in done.stdout


def test_a_plan_that_is_meant_to_decide_and_cannot_is_warned_about(fresh):
    text = (fresh / "plans.yaml").read_text()
    (fresh / "plans.yaml").write_text(text.replace("secret-leakage, samples: 50", "secret-leakage, samples: 20"))
    done = shipworthy("check", "-C", str(fresh))
    assert done.returncode == 0, done.stdout
    said = "the plan demo measures every suite of the gate, on too few samples for CR-secret (0 %)"
    assert said in done.stdout and "plan smoke" not in done.stdout

"""Training: modules that can be read, quizzes with one right set of letters, checks that find what is missing."""

from __future__ import annotations

import shlex

import click
import pytest

from shipworthy.cli import root, run
from shipworthy.core.errors import UsageError
from shipworthy.evidence.training import check, exercise_named, marked, module_named, modules, set_up
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.occurrences import read_occurrences


def lines():
    for module in modules().values():
        for exercise in module.exercises:
            for line in (*exercise.set_up, *(one.run for one in exercise.checks)):
                yield pytest.param(line, id=f"{module.id}: {line}")


def test_there_are_lessons_and_four_case_studies_with_anchors():
    assert sum(bool(one.rubric) for one in modules().values()) == 4
    for one in modules().values():
        assert one.exercises and (len(one.quiz) >= 4 or len(one.rubric) >= 5)


@pytest.mark.parametrize("line", lines())
def test_every_line_is_a_verb_that_there_is(line):
    command: click.Command = root
    words = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"{line}: there is no {words[0]}"
        command, words = found, words[1:]
    with click.Context(command, resilient_parsing=True) as context:
        command.make_parser(context).parse_args(args=list(words))


def test_an_answer_is_its_letters_in_any_order():
    module = module_named("read-a-verdict")
    right = [question.right for question in module.quiz]
    assert all(marked(module, right))
    assert marked(module, [*(answer[::-1].upper() for answer in right[:-1]), "ab"]) == [True] * 4 + [False]
    with pytest.raises(UsageError, match="5 questions, and there are 1 answers"):
        marked(module, ["a"])


@pytest.mark.parametrize(
    ("module", "exercise"), [("write-a-measure", "own-suite"), ("read-a-verdict", "first-verdict")]
)
def test_an_exercise_is_not_done_when_it_begins(tmp_path, module, exercise):
    one = exercise_named(module_named(module), exercise)
    set_up(one, tmp_path / "work")
    found = check(one, tmp_path / "work")
    assert not all(each.ok for each in found)
    assert all(each.said and each.command.startswith("shipworthy ") for each in found if not each.ok)
    with pytest.raises(UsageError, match="is not empty"):
        set_up(one, tmp_path / "work")


def test_an_exercise_is_done_when_it_is(tmp_path, monkeypatch):
    one = exercise_named(module_named("write-a-measure"), "own-suite")
    folder = tmp_path / "work"
    set_up(one, folder)
    monkeypatch.chdir(folder)
    assert run(["suites", "new", "mine"]) == 0
    found = check(one, folder)
    assert [each.ok for each in found] == [True, True], found


def test_what_was_passed_is_entered_by_a_code(gated, monkeypatch, capsys):
    right = ",".join(question.right for question in module_named("read-a-verdict").quiz)
    words = ["train", "quiz", "read-a-verdict", "--answers"]
    assert run([*words, right, "--record-in", str(gated.root)]) == 2
    assert "needs --who" in capsys.readouterr().err
    assert run([*words, "a,a,a,a,a", "--record-in", str(gated.root), "--who", "p7"]) == 1
    assert run([*words, right, "--record-in", str(gated.root), "--who", "p7"]) == 0
    assert run(["train", "grade", "case-injection", "--grade", "3,3,4,2,3", "--who", "p7"]) == 0
    assert run(["train", "grade", "case-injection", "--grade", "5,5,5,5,1", "--who", "p7"]) == 1
    assert run(["train", "grade", "case-injection", "--grade", "5,5", "--who", "p7"]) == 2
    with AuditLog(Layout(gated.root).control_url) as audit:
        entered = read_occurrences(audit, "SYS-desk")
    assert [(one.about, dict(one.fields)) for one in entered] == [
        ("read-a-verdict", {"who": "p7", "passed": "no", "score": entered[0].fields["score"]}),
        ("read-a-verdict", {"who": "p7", "passed": "yes", "score": "100"}),
    ]
